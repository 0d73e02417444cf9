"""Every value of R's survey package, stored and on the spot, and the published ones of telco."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimation.api_cases import calibrated, cases, read
from estimation.jackknife import jackknife

from vocstats.estimation import Design, mean
from vocstats.weighting import Weights, rake

REFERENCE = Path(__file__).parents[1] / "reference"
POINT, ERROR = 1e-6, 1e-5  # relative: R stops raking and calibrating at its own tolerances
SKIPPED = ("JK1", "g range")  # have tests of their own below


def stored() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "survey_reference.csv", comment="#", keep_default_na=False)


def rows(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(str(case), rows) for case, rows in table.groupby("case", sort=False) if not any(word in str(case) for word in SKIPPED)]


@pytest.mark.parametrize(("case", "expected"), rows(stored()), ids=lambda value: value if isinstance(value, str) else "")
def test_equals_r_survey(case: str, expected: pd.DataFrame, data: Path) -> None:
    result = cases(data)[case]()
    if result.labels:
        assert next(iter(result.labels.values())).tolist() == expected["domain"].tolist()
    np.testing.assert_allclose(np.atleast_1d(result.estimate), expected["estimate"], rtol=POINT)
    np.testing.assert_allclose(np.atleast_1d(result.std_error), expected["std_error"], rtol=ERROR)


def test_every_case_is_compared(data: Path) -> None:
    assert {case for case, _ in rows(stored())} == set(cases(data))


def test_stored_values_are_those_of_the_installed_r(data: Path, rscript: str) -> None:
    done = subprocess.run(
        [rscript, str(REFERENCE / "survey_reference.R"), str(data / "api")], capture_output=True, text=True, check=True, timeout=120
    )
    fresh, kept = pd.read_csv(io.StringIO(done.stdout), keep_default_na=False), stored()
    assert fresh[["case", "domain"]].equals(kept[["case", "domain"]])
    np.testing.assert_allclose(fresh["std_error"], kept["std_error"], rtol=1e-9)


@pytest.mark.parametrize("name", ["linear", "raking", "logit"])
def test_factors_of_calibration(name: str, data: Path) -> None:
    options = {"linear": {}, "raking": {"distance": "raking"}, "logit": {"distance": "logit", "bounds": (0.5, 2)}}[name]
    w = calibrated(read(data, "apiclus1"), **options)
    low, high = stored().set_index("case").loc[f"calibrated {name} g range", ["estimate", "std_error"]]
    factor = w.values / w.base
    np.testing.assert_allclose([factor.min(), factor.max()], [low, high], rtol=POINT)


@pytest.mark.parametrize(
    ("case", "fpc", "centre"), [("JK1 mean", True, "replicates"), ("JK1 mse mean", True, "estimate"), ("JK1 wr mean", False, "replicates")]
)
def test_jackknife_by_rerunning_the_chain(case: str, fpc: bool, centre: str, data: Path) -> None:
    clus1 = read(data, "apiclus1")
    w = Weights(base=clus1["pw"].to_numpy(), counts=np.ones(len(clus1)))
    open_share = 1 - 15 / 757 if fpc else 1.0
    spread = jackknife(w, clus1["api00"].to_numpy(), clusters=clus1["dnum"].to_numpy(), centre=centre) * open_share
    assert spread**0.5 == pytest.approx(stored().set_index("case").loc[case, "std_error"], rel=ERROR)


def test_stratified_design_prints_as_in_the_book(data: Path) -> None:
    strat = read(data, "apistrat")
    e = mean(strat["api00"], strat["pw"], design=Design(strata=strat["stype"], fpc=strat["fpc"]))
    assert (round(float(e.estimate), 6), round(float(e.std_error), 7)) == (662.287363, 9.4089408)


def test_telco_selection_a(data: Path) -> None:
    telco = pd.read_csv(data / "telco" / "telco.csv", keep_default_na=False, na_values=[""])
    heard = telco["Customer ID"].isin(pd.read_csv(data / "telco" / "selection_A.csv")["Customer ID"]).to_numpy()
    band = pd.cut(telco["Tenure in Months"], [0, 12, 24, 48, np.inf], labels=["1-12", "13-24", "25-48", "49+"])
    margins = pd.DataFrame({"contract": telco["Contract"], "internet": telco["Internet Type"].fillna("None"), "tenure": band.astype(str)})
    w = rake(margins, {name: margins[name].value_counts().to_dict() for name in margins}, base_weights=heard.astype(float))
    score = telco["Satisfaction Score"].where(heard).to_numpy()
    e, bottom = mean(score, w, design=Design()), mean(np.where(heard, score <= 2, np.nan), w, design=Design())
    assert (round(float(e.estimate), 5), round(float(e.std_error), 4)) == (3.25290, 0.0395)
    assert (round(100 * float(bottom.estimate), 3), round(100 * float(bottom.std_error), 3)) == (20.331, 1.378)
    assert (round(w.values[heard].min(), 4), round(w.values.max(), 4)) == (1.9188, 16.0092)
    assert "weights_as_given" not in e.variance_accounts_for and "rake" in e.variance_accounts_for
