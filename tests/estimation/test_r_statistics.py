"""Proportions, quantiles, variances, scores and functions of estimates against R's survey package, computed on the spot."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimation.test_r_grid import METHODS, designs

from vocstats.estimation import (
    Design,
    Estimate,
    correlation,
    difference,
    mean,
    net_promoter_score,
    population_covariance,
    population_variance,
    proportion,
    quantile,
    smooth_function,
)  # fmt: skip

SCRIPT = Path(__file__).parents[1] / "reference" / "survey_statistics.R"
SHARE = {"logit": "logit", "xlogit": "logit", "asin": "asin", "beta": "korn_graubard", "mean": "wald"}
POINT, ERROR = 1e-6, 1e-5  # relative: R fits "logit" to 1e-8 and stops calibrating at its own tolerance
Statistic = Callable[[pd.DataFrame, Any, dict[str, Any]], Estimate]


def statistics() -> dict[str, Statistic]:
    """Every statistic by the name the R script gives it, from rows, weights and options."""
    result: dict[str, Statistic] = {
        f"proportion {name}": lambda f, w, o, interval=interval: proportion(f["award"], w, interval=interval, **o)
        for name, interval in SHARE.items()
    }
    for name in ("mean", "beta", "xlogit", "asin"):
        for q in (0.25, 0.5, 0.75):
            for y in ("api00", "score") if name == "mean" else ("api00",):
                result[f"quantile {name} {q} {y}"] = lambda f, w, o, name=name, q=q, y=y: quantile(f[y], w, q=q, interval=name, **o)
    means = [lambda f, w, o, name=name: mean(f[name], w, **o) for name in ("api00", "api99", "meals")]
    return result | {
        "quantile school": lambda f, w, o: quantile(f["api00"], w, rule="school", **o),
        "variance": lambda f, w, o: population_variance(f["api00"], w, **o),
        "covariance": lambda f, w, o: population_covariance(f["api00"], f["meals"], w, **o),
        "correlation": lambda f, w, o: correlation(f["api00"], f["meals"], w, **o),
        "net_promoter_score": lambda f, w, o: net_promoter_score(f["score"], w, promoters=8, detractors=5, **o),
        "api00-api99": lambda f, w, o: difference(*(m(f, w, o) for m in means[:2])),
        "api00/api99": lambda f, w, o: smooth_function(np.divide, *(m(f, w, o) for m in means[:2])),
        "log(api00)*meals-sqrt(api99)": lambda f, w, o: smooth_function(
            lambda a, b, c: np.log(a) * c - np.sqrt(b), *(m(f, w, o) for m in means)
        ),
    }


@pytest.fixture(scope="module")
def survey(data: Path, rscript: str) -> pd.DataFrame:
    done = subprocess.run([rscript, str(SCRIPT), str(data / "api")], capture_output=True, text=True, check=True, timeout=300)
    return pd.read_csv(io.StringIO(done.stdout), keep_default_na=False, na_values=["NA", "NaN"])


def test_equals_r_survey(survey: pd.DataFrame, data: Path) -> None:
    known, compared, passed = statistics(), 0, 0
    assert set(survey["statistic"]) == set(known)
    samples = {
        name: (frame.assign(score=np.floor(frame["api00"] / 100)), design) for name, (frame, design) in designs(data).items()
    }
    for (design, method), rows in survey.groupby(["design", "method"]):
        frame, drawn = samples[str(design)]
        w = METHODS[str(method)](frame)
        for statistic, expected in rows.groupby("statistic"):
            place = ", ".join(map(str, (design, method, statistic)))
            passed += compare(place, expected, known[str(statistic)], frame, w, drawn)
            compared += len(expected)
    assert compared == len(survey) > 450 and passed < 10


def compare(place: str, expected: pd.DataFrame, statistic: Statistic, frame: pd.DataFrame, w: Any, design: Design) -> int:
    """Estimates, standard errors and limits, overall and by stype; and how many were passed over.

    Where a limit of a quantile is the smallest answer R is not followed: its rules never give the first of the sorted answers,
    and its arcsine limits fold back from below 0.
    """
    passed = 0
    options: dict[str, Any] = {"design": design}
    whole, part = statistic(frame, w, options), statistic(frame, w, {**options, "by": frame["stype"]})
    for row in expected.itertuples():
        at = part.labels["by"].tolist().index(row.domain) if row.domain else ()
        found = whole if row.domain == "" else part
        values = [float(column[at]) for column in (found.estimate, found.std_error, found.conf_low, found.conf_high)]
        if place.split(", ")[2].startswith("quantile") and values[2] == frame.loc[frame["stype"] == row.domain, "api00"].min():
            passed += 1
            continue
        wanted = [row.estimate, row.std_error, row.low, row.high]
        for value, r, tolerance in zip(values[:2], wanted[:2], (POINT, ERROR), strict=True):
            np.testing.assert_allclose(value, r, rtol=tolerance, err_msg=f"{place}, {row.domain!r}")
        if not place.endswith(("variance", "correlation")):
            np.testing.assert_allclose(values[2:], wanted[2:], rtol=ERROR, err_msg=f"{place}, {row.domain!r}")
    return passed
