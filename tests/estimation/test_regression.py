"""Regressions: every number of R's svyglm and svyolr on the spot; by-hand formulas, jackknife, replicates, invariances, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimation.regression_cases import DESIGNS, FAMILIES, fitted, survey_regression

POINT, ERROR = 1e-6, 1e-5


@pytest.fixture(scope="module")
def survey(data: Path, rscript: str) -> pd.DataFrame:
    """What R says, by case and kind."""
    return survey_regression(data, rscript)


@pytest.mark.parametrize("model", [*FAMILIES, "part"])
@pytest.mark.parametrize("design", DESIGNS)
def test_r_survey(design: str, model: str, data: Path, survey: pd.DataFrame) -> None:
    fit = fitted(data, design, model)
    expected = survey.loc[[(f"{design} {model}", "coefficient")]]
    np.testing.assert_allclose(fit.estimate, expected["estimate"], rtol=POINT)
    np.testing.assert_allclose(fit.std_error, expected["std_error"], rtol=ERROR)
    assert (fit.df == expected["df"].to_numpy()).all()
    if model == "gaussian":
        limits, p = (survey.loc[[(f"{design} {model}", kind)]] for kind in ("limits", "p"))
        np.testing.assert_allclose([fit.conf_low, fit.conf_high], [limits["estimate"], limits["std_error"]], rtol=ERROR)
        np.testing.assert_allclose([fit.p_value, fit.t], [p["estimate"], p["std_error"]], rtol=1e-4)
    if model in ("gaussian", "binomial"):
        new = {"meals10": [5], "stype": ["M"]} | ({"ell": [20]} if model == "gaussian" else {})
        row = survey.loc[[(f"{design} {model}", "prediction")], ["estimate", "std_error"]].iloc[0]
        np.testing.assert_allclose(fit.predict(new)[["estimate", "std_error"]].iloc[0], row, rtol=ERROR)
