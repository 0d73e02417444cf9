"""Tables: every number of R's svychisq and svygofchisq on the spot; by-hand formulas, invariances, simulation, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimation.regression_cases import DESIGNS, designed, survey_regression

from vocstats.estimation import rao_scott, rao_scott_shares
from vocstats.estimation.quadratic_forms import sum_exceeds


@pytest.fixture(scope="module")
def survey(data: Path, rscript: str) -> pd.DataFrame:
    """What R says, by case and kind."""
    return survey_regression(data, rscript)


@pytest.mark.parametrize("statistic", ["F", "Chisq", "Wald", "adjWald", "saddlepoint"])
@pytest.mark.parametrize("design", DESIGNS)
def test_tables_as_in_r(design: str, statistic: str, data: Path, survey: pd.DataFrame) -> None:
    frame, w, drawn = designed(data, design)
    test = rao_scott(frame["sch.wide"], frame["stype"], w, design=drawn, statistic=statistic)
    expected = survey.loc[[(f"{design} {statistic}", "table")]].iloc[0]
    assert test.statistic == pytest.approx(expected["estimate"], rel=2e-6)
    if statistic == "saddlepoint":  # R rounds the degrees of freedom of the denominator down
        free = test.df_denominator
        whole = np.floor(free)
        rounded = sum_exceeds(test.statistic * whole / free, test.eigenvalues, whole, approximation=True)
        assert rounded == pytest.approx(expected["std_error"], rel=1e-5)
        return
    np.testing.assert_allclose([test.df, test.p_value], expected[["df", "std_error"]], rtol=1e-5)


@pytest.mark.parametrize("design", DESIGNS)
def test_given_shares_as_in_r(design: str, data: Path, survey: pd.DataFrame) -> None:
    frame, w, drawn = designed(data, design)
    test = rao_scott_shares(frame["band"], {"a": 2, "b": 3, "c": 3, "d": 2}, w, design=drawn)
    expected = survey.loc[[(f"{design} shares", "table")]].iloc[0]
    np.testing.assert_allclose([test.statistic, test.p_value, test.df], expected, rtol=1e-5)
