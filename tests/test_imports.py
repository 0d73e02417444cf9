"""Importing is light: no dataframe library, no models, no charts come in with the package or with an array estimator."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = ("pandas", "statsmodels", "narwhals", "polars", "pyarrow", "pymc", "arviz", "matplotlib", "altair", "scipy.stats", "scipy.optimize")

RAKED_MEAN = """
import numpy as np
import vocstats as vs
weights = vs.weighting.rake({"sex": np.array(["f", "m", "f"])}, {"sex": {"f": 4.0, "m": 6.0}})
assert vs.estimation.mean(np.array([1.0, 2.0, 3.0]), weights).estimate == 2.0
"""


@pytest.mark.parametrize(
    "code",
    [
        "import vocstats",
        "import vocstats.weighting",
        "import vocstats.estimation",
        "import vocstats.inflation",
        "import vocstats.nonresponse",
        "import vocstats.prevalence",
        "import vocstats.sensitivity",
        "import vocstats.survivorship",
        "import vocstats.bayes",
        RAKED_MEAN,
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    report = f"{code}\nimport json, sys\nprint(json.dumps(sorted(name for name in {HEAVY!r} if name in sys.modules)))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_importing_changes_nothing_global() -> None:
    code = """
import logging, warnings
import numpy as np
before = (list(warnings.filters), logging.root.handlers[:], np.get_printoptions(), np.geterr())
import vocstats
for name in vocstats.__all__:
    getattr(vocstats, name)
import pandas
assert before[0] == [f for f in warnings.filters if f in before[0]], "warning filters were removed"
assert before[1:] == (logging.root.handlers[:], np.get_printoptions(), np.geterr())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
