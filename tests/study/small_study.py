"""A small simulated study on disk, for tests of the study file and of the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

STUDY = """schema_version = 1

[study]
title = "Small base (simulated)"
title_zh = "小型基盘(模拟数据)"
language = ["en", "zh"]
output = "out"
seed = 3

[registry]
file = "registry.csv"
id = "customer_id"
dealer = "dealer"
churned = { column = "status", is = ["left"] }
churn_definition = "No visit in 12 months."

[answers.survey]
file = "survey.csv"

[answers.exit_interview]
file = "exits.csv"
id = "number"

[outcome]
column = "csi"
scale = [1, 10]
missing_codes = [99]
statistics = ["mean", "top_box"]
top = [9, 10]

[auxiliaries]
columns = ["warranty"]

[correct]
headline = "survivor_corrected"
method = "weighting"
by = ["dealer"]
small_groups = "borrow"
kpi = 8

[sensitivity]
silent_shift = [-0.5, 0]
"""


def write_small_study(folder: Path, *, study: str = STUDY) -> Path:
    """600 customers of four dealers, one of them tiny: 260 survey answers, 60 exit interviews. Returns the study file."""
    rng = np.random.default_rng(11)
    n = 600
    registry = pd.DataFrame(
        {
            "customer_id": [f"{number:05d}" for number in range(1, n + 1)],
            "dealer": np.where(np.arange(n) < 12, "D4", rng.choice(["D1", "D2", "D3"], n)),
            "warranty": rng.choice(["yes", "no"], n),
            "status": np.where(rng.random(n) < 0.25, "left", "active"),
        }
    )
    score = np.clip(np.round(rng.normal(np.where(registry["status"] == "left", 5.5, 8.2), 1.4)), 1, 10).astype(int)
    active = np.flatnonzero(registry["status"] == "active")
    gone = np.flatnonzero(registry["status"] == "left")
    heard, left = np.sort(rng.choice(active, 260, replace=False)), np.sort(rng.choice(gone, 60, replace=False))
    pd.DataFrame({"customer_id": registry["customer_id"][heard], "csi": score[heard]}).to_csv(folder / "survey.csv", index=False)
    pd.DataFrame({"number": registry["customer_id"][left], "csi": score[left]}).to_csv(folder / "exits.csv", index=False)
    registry.to_csv(folder / "registry.csv", index=False)
    path = folder / "study.toml"
    path.write_text(study, encoding="utf-8")
    return path
