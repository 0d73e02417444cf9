"""Wald tests: every number of R's regTermTest on the spot; by-hand formulas, invariances, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimation.regression_cases import DESIGNS, fitted, survey_regression

from vocstats.estimation import wald_test


@pytest.fixture(scope="module")
def survey(data: Path, rscript: str) -> pd.DataFrame:
    """What R says, by case and kind."""
    return survey_regression(data, rscript)


@pytest.mark.parametrize("statistic", ["F", "Chisq"])
@pytest.mark.parametrize("model", ["gaussian", "binomial"])
@pytest.mark.parametrize("design", DESIGNS)
def test_terms_as_in_r(design: str, model: str, statistic: str, data: Path, survey: pd.DataFrame) -> None:
    test = wald_test(fitted(data, design, model), terms="stype", statistic=statistic)
    expected = survey.loc[[(f"{design} {model} {statistic}", "wald")]].iloc[0]
    np.testing.assert_allclose([test.statistic, test.df], expected[["estimate", "df"]], rtol=2e-6)
    assert test.p_value == pytest.approx(expected["std_error"], rel=1e-5)
