"""A small simulated study with tenures on disk, for tests of ``[cohorts]``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from simulation.tenure_worlds import draw

STUDY = """schema_version = 1

[study]
title = "Tenures (simulated)"
title_zh = "存续期(模拟数据)"
language = ["en", "zh"]
output = "out"

[registry]
file = "registry.csv"
id = "id"
churned = { column = "left", is = [true] }

[answers.survey]
file = "survey.csv"

[answers.exit_interview]
file = "exits.csv"

[outcome]
column = "score"
scale = [1, 10]
statistics = ["mean", "top_box"]
top = [9, 10]

[auxiliaries]
columns = ["channel", "tenure_band"]
[auxiliaries.bands.tenure_band]
from = "tenure"
upper = [24]
labels = ["new", "old"]

[correct]
headline = "survivor_corrected"

[cohorts]
tenure = "tenure"
grid = [12, 24, 36, 60]
by = ["channel"]
"""


def write_tenure_study(folder: Path, *, study: str = STUDY, customers: int = 350, seed: int = 4) -> Path:
    """A study file with its data; 350 customers of three channels."""
    base = draw(np.random.default_rng(seed), customers, fair=False)
    base._registry.table.native.drop(columns=[name for name in base._registry.table.native if name.startswith("vocstats")]).to_csv(
        folder / "registry.csv", index=False
    )
    for name, file in (("survey", "survey.csv"), ("exit_interview", "exits.csv")):
        base._sources[name].source.frame.to_csv(folder / file, index=False)
    path = folder / "study.toml"
    path.write_text(study, encoding="utf-8")
    return path
