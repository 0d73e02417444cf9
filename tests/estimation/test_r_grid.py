"""A grid of method x bounds x design x statistic x domain against R's survey package, computed on the spot."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimation.api_cases import STYPE, WIDE, read

from vocstats.errors import InfeasibleError
from vocstats.estimation import Design, Estimate, mean, ratio, total
from vocstats.weighting import calibrate, poststratify, rake

SCRIPT = Path(__file__).parents[1] / "reference" / "survey_grid.R"
FEW, SOME = {"ones": 6194, "api99": 3914069}, {"stype": STYPE, "api99": 3914069}
LEAST = 150  # combinations of design, method, statistic and domain column
KEYS = ["design", "method", "statistic", "by"]


def designs(data: Path) -> dict[str, tuple[pd.DataFrame, Design]]:
    strat, clus1, clus2 = (
        read(data, name).assign(ones=1.0, award=lambda f: (f["awards"] == "Yes") * 1.0, enroll=lambda f: f["enroll"].fillna(0.0))
        for name in ("apistrat", "apiclus1", "apiclus2")
    )
    staged = Design(clusters=[clus2["dnum"], clus2["snum"]], fpc=[clus2["fpc1"], clus2["fpc2"]])
    return {
        "rows": (strat, Design()),
        "strata wr": (strat, Design(strata=strat["stype"])),
        "strata fpc": (strat, Design(strata=strat["stype"], fpc=strat["fpc"])),
        "clusters wr": (clus1, Design(clusters=clus1["dnum"])),
        "clusters fpc": (clus1, Design(clusters=clus1["dnum"], fpc=clus1["fpc"])),
        "two stages": (clus2, staged),
    }


def _calibrated(totals: dict[str, Any], **options: Any) -> Callable[[pd.DataFrame], Any]:
    return lambda frame: calibrate(frame[list(totals)], totals, base_weights=frame["pw"], tol=1e-10, **options)


METHODS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "given": lambda frame: frame["pw"],
    "poststratify": lambda frame: poststratify(frame["stype"], STYPE, base_weights=frame["pw"]),
    "rake": lambda frame: rake(frame[["stype", "sch.wide"]], {"stype": STYPE, "sch.wide": WIDE}, base_weights=frame["pw"], tol=1e-11),
    "linear": _calibrated(SOME),
    "linear few": _calibrated(FEW),
    "truncated": _calibrated(FEW, distance="truncated", bounds=(0.8, 1.25)),
    "truncated wide": _calibrated(SOME, distance="truncated", bounds=(0.4, 2)),
    "raking": _calibrated(SOME, distance="raking"),
    "raking few": _calibrated(FEW, distance="raking"),
    "raking bounded": _calibrated(FEW, distance="raking", bounds=(0.8, 1.25)),
    "logit": _calibrated(SOME, distance="logit", bounds=(0.4, 2.5)),
    "logit few": _calibrated(FEW, distance="logit", bounds=(0.8, 1.3)),
}
STATISTICS: dict[str, Callable[..., Estimate]] = {
    "mean": lambda frame, *a, **k: mean(frame["api00"], *a, **k),
    "share": lambda frame, *a, **k: mean(frame["award"], *a, **k),
    "total": lambda frame, *a, **k: total(frame["enroll"], *a, **k),
    "ratio": lambda frame, *a, **k: ratio(frame["api00"], frame["api99"], *a, **k),
}


def test_equals_r_survey_over_the_grid(data: Path, rscript: str) -> None:
    done = subprocess.run([rscript, str(SCRIPT), str(data / "api")], capture_output=True, text=True, check=True, timeout=300)
    table = pd.read_csv(io.StringIO(done.stdout), keep_default_na=False)
    known, weights = designs(data), {}
    combinations = [(dict(zip(KEYS, key, strict=True)), expected) for key, expected in table.groupby(KEYS, sort=False)]
    for combination, expected in combinations:
        frame, design = known[combination["design"]]
        pair = combination["design"], combination["method"]
        if pair not in weights:
            weights[pair] = METHODS[combination["method"]](frame)
        by = {"by": frame[combination["by"]]} if combination["by"] else {}
        result = STATISTICS[combination["statistic"]](frame, weights[pair], design=design, **by)
        case = str(combination)
        if by:
            assert next(iter(result.labels.values())).tolist() == expected["domain"].tolist(), case
        np.testing.assert_allclose(np.atleast_1d(result.estimate), expected["estimate"], rtol=1e-6, err_msg=case)
        np.testing.assert_allclose(np.atleast_1d(result.std_error), expected["std_error"], rtol=1e-5, atol=1e-12, err_msg=case)
    assert len(combinations) >= LEAST
    refused = {(design, method) for design in known for method in METHODS} - set(weights)
    for design, method in sorted(refused):  # what R could not fit must be refused here
        with pytest.raises(InfeasibleError):
            METHODS[method](known[design][0])
