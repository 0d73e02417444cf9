"""Calibration of households: R survey on the spot, one weight each, derivatives by household, what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimation.jackknife import jackknife

from vocstats.errors import InputError
from vocstats.estimation import Design, mean, total
from vocstats.weighting import Weights, calibrate, trim, weight_by_propensity

TOTALS = {"stype": {"E": 4421, "H": 755, "M": 1018}, "api99": 3914069}
DISTANCES: dict[str, dict[str, Any]] = {
    "linear": {}, "raking": {"distance": "raking"}, "logit": {"distance": "logit", "bounds": (0.2, 5.0)},
    "truncated": {"distance": "truncated", "bounds": (0.3, 3.5)},
}
R_SCRIPT = """
suppressMessages(library(survey))
clus1 <- read.csv("{data}/api/apiclus1.csv")
d <- svydesign(id=~dnum, weights=~pw, data=clus1, fpc=~fpc)
pop <- c(`(Intercept)`=6194, stypeH=755, stypeM=1018, api99=3914069)
fit <- function(...) calibrate(d, ~stype+api99, pop, aggregate.stage=1, epsilon=1e-12, maxit=500, ...)
fits <- list(fit(calfun="linear"), fit(calfun="raking"), fit(calfun="logit", bounds=c(.2, 5)), fit(calfun="linear", bounds=c(.3, 3.5)))
m <- lapply(fits, function(f) svymean(~api00, f)); t <- lapply(fits, function(f) svytotal(~enroll, f))
write.table(format(sapply(fits, weights), digits=15), "{folder}/weights.csv", sep=",", row.names=FALSE, col.names=FALSE, quote=FALSE)
write.table(format(cbind(sapply(m, coef), sapply(m, SE), sapply(t, coef), sapply(t, SE)), digits=15), "{folder}/estimates.csv", sep=",",
            row.names=FALSE, col.names=FALSE, quote=FALSE)
"""


def test_equals_aggregation_in_r_survey(data: Path, rscript: str, tmp_path: Path) -> None:
    (tmp_path / "fit.R").write_text(R_SCRIPT.format(data=data.as_posix(), folder=tmp_path.as_posix()))
    subprocess.run([rscript, "--vanilla", str(tmp_path / "fit.R")], check=True, capture_output=True)
    weights = np.loadtxt(tmp_path / "weights.csv", delimiter=",")
    estimates = np.loadtxt(tmp_path / "estimates.csv", delimiter=",")
    schools = pd.read_csv(data / "api" / "apiclus1.csv")
    design = Design(clusters=schools["dnum"], fpc=schools["fpc"])
    for j, options in enumerate(DISTANCES.values()):
        w = calibrate(schools[["stype", "api99"]], TOTALS, base_weights=schools["pw"], households=schools["dnum"], **options)
        np.testing.assert_allclose(w.values, weights[:, j], rtol=1e-6, atol=1e-6)
        scores, pupils = mean(schools["api00"], w, design=design), total(schools["enroll"], w, design=design)
        np.testing.assert_allclose([scores.estimate, pupils.estimate], estimates[j, [0, 2]], rtol=1e-6)
        np.testing.assert_allclose([scores.std_error, pupils.std_error], estimates[j, [1, 3]], rtol=1e-5)


@pytest.fixture
def families() -> dict[str, Any]:
    """150 households of 1 to 4 people, 100 of them heard; an age, a sex, an answer that resembles within a household."""
    rng = np.random.default_rng(30)
    home = np.repeat(np.arange(150), rng.integers(1, 5, 150))
    n = home.size
    heard = (home < 100).astype(float)
    age, sex = rng.normal(40.0, 15.0, n), np.array(["f", "m"])[rng.integers(0, 2, n)]
    y = rng.standard_normal(150)[home] + 0.05 * age + rng.standard_normal(n)
    totals = {"people": float(n), "age": float(age.sum()), "sex": pd.Series(sex).value_counts().to_dict()}
    x = {"people": np.ones(n), "age": age, "sex": sex}
    return {"home": home, "x": x, "totals": totals, "d": heard * (1.0 + home % 3), "y": y}


def rows(f: dict[str, Any], index: np.ndarray) -> dict[str, Any]:
    """Some rows of the families, with the totals of all."""
    taken = {name: column[index] for name, column in f.items() if isinstance(column, np.ndarray)}
    return f | taken | {"x": {name: column[index] for name, column in f["x"].items()}}


def built(f: dict[str, Any], **options: Any) -> Weights:
    options = {"distance": "raking", "base_weights": f["d"], "households": f["home"], "tol": 1e-13} | options
    return calibrate(f["x"], f["totals"], **options)


@pytest.mark.parametrize(
    "options", [{"distance": "linear"}, {}, {"distance": "linear", "penalty": {"age": 0.3}}], ids=["linear", "raking", "penalty"]
)
def test_one_factor_per_household_and_totals_of_people(families: dict[str, Any], options: dict[str, Any]) -> None:
    w = built(families, **options)
    spread = pd.Series(w.values).groupby(families["home"]).agg(np.ptp)
    assert spread.max() == 0.0
    assert w.values.sum() == pytest.approx(families["totals"]["people"])
    if "penalty" not in options:
        assert w.values @ families["x"]["age"] == pytest.approx(families["totals"]["age"])
    for sex, people in families["totals"]["sex"].items():
        assert w.values[families["x"]["sex"] == sex].sum() == pytest.approx(people)


def test_singles_are_ordinary_calibration(families: dict[str, Any]) -> None:
    alone = built(families, households=np.arange(families["home"].size))
    np.testing.assert_allclose(alone.values, built(families, households=None).values, rtol=1e-10)


@pytest.mark.parametrize("options", [{"distance": "linear"}, {}, {"penalty": 0.2}], ids=["linear", "raking", "penalty"])
def test_pullback_equals_finite_differences_by_household(families: dict[str, Any], options: dict[str, Any]) -> None:
    w, y, home = built(families, **options), families["y"], families["home"]

    def figure(d: np.ndarray) -> float:
        values = built(families, base_weights=d, **options).values
        return float(values @ y / values.sum())

    pulled = w.base * w.pullback((y - figure(families["d"])) / w.values.sum(), exact=True)
    for household in range(0, 100, 9):
        scale = np.where(home == household, 1e-4, 0.0)
        slope = (figure(families["d"] * (1 + scale)) - figure(families["d"] * (1 - scale))) / 2e-4
        assert pulled[home == household].sum() == pytest.approx(slope, rel=1e-5, abs=1e-10)


def test_linearised_error_equals_the_jackknife_of_households(families: dict[str, Any]) -> None:
    w, home = built(families), families["home"]
    e = mean(families["y"], w, design=Design(clusters=home))
    assert float(e.std_error) == pytest.approx(jackknife(w, families["y"], clusters=home) ** 0.5, rel=0.05)


def test_cells_permutation_labels_and_zero_weights(families: dict[str, Any]) -> None:
    w, n = built(families), families["home"].size
    order = np.random.default_rng(1).permutation(n)
    np.testing.assert_allclose(built(rows(families, order)).values, w.values[order], rtol=1e-9)
    names = np.array([f"户{code % 7}-{code}" for code in families["home"]])
    np.testing.assert_allclose(built(families, households=names).values, w.values, rtol=1e-9)
    kept = np.flatnonzero(families["d"])  # those with base weight 0 dropped
    np.testing.assert_allclose(built(rows(families, kept)).values, w.values[kept], rtol=1e-9)
    counts = 1 + np.arange(n) % 3  # a row may stand for several alike members
    cell = np.repeat(np.arange(n), counts)
    np.testing.assert_allclose(built(rows(families, cell)).values, built(families, counts=counts).values[cell], rtol=1e-9)


def test_member_not_heard_takes_no_part_in_the_mean(families: dict[str, Any]) -> None:
    d = families["d"].copy()
    d[np.flatnonzero(families["home"] == 3)[0]] = 0.0
    kept = np.flatnonzero(d)
    np.testing.assert_allclose(built(families, base_weights=d).values[kept], built(rows(families, kept)).values, rtol=1e-9)


def test_trimming_leaves_households_whole(families: dict[str, Any]) -> None:
    w = built(families)
    capped = trim(w, upper=1.45)
    assert capped.values.max() < w.values.max()
    assert pd.Series(capped.values).groupby(families["home"]).agg(np.ptp).max() < 1e-9
    assert capped.values @ families["x"]["age"] == pytest.approx(families["totals"]["age"])


def test_bad_input(families: dict[str, Any]) -> None:
    unequal = families["d"].copy()
    unequal[np.flatnonzero(families["home"] == 3)[0]] += 1.0
    with pytest.raises(InputError, match="weights of those heard differ within households 3") as caught:
        built(families, base_weights=unequal)
    assert caught.value.levels == (3,)
    with pytest.raises(InputError, match="households has 1 missing labels"):
        built(families, households=[None, *families["home"][1:]])
    with pytest.raises(InputError, match="households has 3 entries"):
        built(families, households=[1, 2, 3])
    model = weight_by_propensity({"age": families["x"]["age"]}, families["d"] > 0)
    with pytest.raises(InputError, match="Give all members their household's weight"):
        built(families, base_weights=model)
