"""Calibration: published factors, R survey, bounds, relaxed targets, what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimation.jackknife import jackknife

from vocstats.errors import InfeasibleError, InputError
from vocstats.estimation import Design, mean
from vocstats.weighting import Weights, calibrate, distances, rake

# Kalton & Flores-Cervantes (2003): sample and population counts of the cells a1b1, a2b1, ..., a4b3, and the factors of three
# distances as printed there (six digits).
SAMPLE = np.array([20, 50, 100, 30, 40, 140, 50, 100, 40, 310, 50, 70])
POPULATION = np.array([80, 60, 170, 55, 40, 150, 60, 165, 55, 340, 200, 125])
A, B = np.tile(np.arange(4), 3), np.repeat(np.arange(3), 4)
TOTALS = {"a": dict(enumerate(np.bincount(A, POPULATION))), "b": dict(enumerate(np.bincount(B, POPULATION)))}
PRINTED = {
    "linear": "1.815311 1.094768 2.190819 1.829116 1.502182 0.781639 1.877690 1.515987 1.965163 1.244620 2.340671 1.978968",
    "raking": "1.810805 1.083564 2.196089 1.833226 1.452822 0.869352 1.761938 1.470810 2.016776 1.206815 2.445884 2.041746",
    "logit": "1.874506 1.084442 2.165210 1.892227 1.460714 0.736027 2.091924 1.489315 1.977033 1.266884 2.177657 1.990024",
}


@pytest.mark.parametrize("distance", PRINTED)
def test_kalton_cells(distance: Any) -> None:
    bounds = (0.5, 2.2) if distance == "logit" else None
    w = calibrate({"a": A, "b": B}, TOTALS, counts=SAMPLE, distance=distance, bounds=bounds)
    np.testing.assert_allclose(w.values, np.array(PRINTED[distance].split(), float), atol=6e-7)


def test_kalton_cells_by_proportional_fitting() -> None:
    w = rake({"a": A, "b": B}, TOTALS, counts=SAMPLE)
    np.testing.assert_allclose(w.values, np.array(PRINTED["raking"].split(), float), atol=6e-7)


# R 4.2.2, survey 4.1-1: calibrate(svydesign(id=~dnum, weights=~pw, fpc=~fpc, data=apiclus1), ~stype+api99, ...): range of g,
# mean api00 and its standard error.
API = {
    "linear": (None, 0.4185925, 1.8332949, 665.309071, 3.4417531),
    "raking": (None, 0.5342314, 1.9947612, 665.393796, 3.4377535),
    "logit": ((0.5, 2.0), 0.5781144, 1.8174557, 665.414844, 3.4286538),
}


@pytest.fixture
def schools(data: Path) -> pd.DataFrame:
    return pd.read_csv(data / "api" / "apiclus1.csv")


API_TOTALS = {"stype": {"E": 4421, "H": 755, "M": 1018}, "api99": 3914069}


def cluster_error(frame: pd.DataFrame, w: Weights) -> float:
    """Standard error of mean api00 under one-stage cluster sampling with a finite population correction, by hand."""
    y = frame["api00"].to_numpy(float)
    mean = w.values @ y / w.values.sum()
    influence = w.base * w.pullback((y - mean) / w.values.sum())
    sums = pd.Series(influence).groupby(frame["dnum"]).sum().to_numpy()
    m, population = sums.size, float(frame["fpc"].iloc[0])
    return float(np.sqrt((1 - m / population) * m / (m - 1) * ((sums - sums.mean()) ** 2).sum()))


@pytest.mark.parametrize("distance", API)
def test_api_schools(schools: pd.DataFrame, distance: Any) -> None:
    bounds, low, high, mean, error = API[distance]
    w = calibrate(schools[["stype", "api99"]], API_TOTALS, base_weights=schools["pw"], distance=distance, bounds=bounds)
    g = w.steps[0].factor
    assert (g.min(), g.max()) == pytest.approx((low, high), abs=6e-8)
    assert w.values @ schools["api00"] / w.values.sum() == pytest.approx(mean, rel=1e-8)
    assert cluster_error(schools, w) == pytest.approx(error, rel=1e-7)


def test_truncated_linear_that_cannot_be_met_names_what_is_missed(schools: pd.DataFrame) -> None:
    with pytest.raises(InfeasibleError, match=r"with factors from 0\.8 to 1\.8 .* nearest") as caught:
        calibrate(schools[["stype", "api99"]], API_TOTALS, base_weights=schools["pw"], distance="truncated", bounds=(0.8, 1.8))
    assert caught.value.levels
    assert set(caught.value.levels) <= {("stype", "E"), ("stype", "H"), ("stype", "M"), "api99"}
    assert all(miss != 0 for miss in caught.value.values["missed"].values())


R_SCRIPT = """
suppressMessages(library(survey))
d <- read.csv("{folder}/data.csv"); d$g <- factor(d$g)
des <- svydesign(id=~1, weights=~w, data=d)
total <- c("(Intercept)"={n}, g2={g2}, g3={g3}, x={x})
fit <- function(...) weights(calibrate(des, ~g+x, total, epsilon=1e-12, maxit=500, ...))
out <- cbind(fit(calfun="linear"), fit(calfun="raking"), fit(calfun="logit", bounds=c(.4, 2.5)), fit(calfun="linear", bounds=c(.8, 1.4)),
             fit(calfun="raking", bounds=c(.8, 1.4)))
write.table(format(out, digits=15), "{folder}/out.csv", sep=",", row.names=FALSE, col.names=FALSE, quote=FALSE)
"""


def test_all_distances_equal_r_survey(rscript: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame({"g": rng.integers(1, 4, 80), "x": rng.gamma(3.0, 2.0, 80), "w": 5.0 + 5.0 * rng.random(80)})
    goal = frame["w"] * np.exp(0.25 * (frame["g"] == 2) + 0.12 * (frame["x"] - 6.0).clip(-4, 4) / 2.0)
    goal *= frame["w"].sum() / goal.sum()
    totals = {"g": goal.groupby(frame["g"]).sum(), "x": float(goal @ frame["x"])}
    frame.to_csv(tmp_path / "data.csv", index=False)
    script = tmp_path / "fit.R"
    script.write_text(R_SCRIPT.format(folder=tmp_path.as_posix(), n=repr(float(goal.sum())), g2=repr(float(totals["g"][2])),
                                      g3=repr(float(totals["g"][3])), x=repr(totals["x"])))
    subprocess.run([rscript, "--vanilla", str(script)], check=True, capture_output=True)
    expected = np.loadtxt(tmp_path / "out.csv", delimiter=",")
    cut = 0.8, 1.4
    fits: list[tuple[Any, Any]] = [("linear", None), ("raking", None), ("logit", (0.4, 2.5)), ("truncated", cut), ("raking", cut)]
    for j, (distance, bounds) in enumerate(fits):
        w = calibrate(frame[["g", "x"]], totals, base_weights=frame["w"], distance=distance, bounds=bounds)
        np.testing.assert_allclose(w.values, expected[:, j], rtol=1e-6, err_msg=distance)
    assert ((expected[:, 3] / frame["w"]).max(), (expected[:, 3] / frame["w"]).min()) == pytest.approx((1.4, 0.8))  # both bounds bind


@pytest.fixture
def simple() -> tuple[dict[str, np.ndarray], dict[str, float], np.ndarray]:
    rng = np.random.default_rng(1)
    x = {"ones": np.ones(50), "spend": rng.gamma(2.0, 50.0, 50)}
    return x, {"ones": 600.0, "spend": 66_000.0}, np.full(50, 10.0)


def test_array_and_mapping_and_dataframe_agree(simple: Any) -> None:
    x, totals, d = simple
    values = calibrate(x, totals, base_weights=d).values
    matrix = calibrate(np.column_stack(list(x.values())), list(totals.values()), base_weights=d).values
    np.testing.assert_allclose(matrix, values, rtol=1e-13)
    np.testing.assert_array_equal(calibrate(pd.DataFrame(x), totals, base_weights=d).values, values)


@pytest.mark.parametrize("distance", ["linear", "raking"])
def test_units_of_a_column_do_not_matter(simple: Any, distance: Any) -> None:
    x, totals, d = simple
    scaled = {"ones": x["ones"], "spend": x["spend"] * 1e6}
    for penalty in (None, 0.3):
        first = calibrate(x, totals, base_weights=d, distance=distance, penalty=penalty)
        second = calibrate(scaled, totals | {"spend": totals["spend"] * 1e6}, base_weights=d, distance=distance, penalty=penalty)
        np.testing.assert_allclose(second.values, first.values, rtol=1e-8)


def test_collinear_columns_are_no_obstacle(simple: Any) -> None:
    x, totals, d = simple
    doubled = x | {"again": 2.0 * x["spend"]}
    w = calibrate(doubled, totals | {"again": 2.0 * totals["spend"]}, base_weights=d)
    np.testing.assert_allclose(w.values, calibrate(x, totals, base_weights=d).values, rtol=1e-9)
    with pytest.raises(InfeasibleError, match=r"again|spend"):
        calibrate(doubled, totals | {"again": 1.0}, base_weights=d)


def test_penalty_alone_closes_one_over_one_plus_penalty_of_the_gap() -> None:
    x, d = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])
    before = d @ x
    for penalty in (0.0, 0.25, 1.0, 9.0):
        w = calibrate({"x": x}, {"x": before + 8.0}, base_weights=d, penalty=penalty)
        assert w.values @ x - before == pytest.approx(8.0 / (1.0 + penalty))


def test_an_array_is_kept_and_stays_writable(simple: Any) -> None:
    x, totals, d = simple
    matrix = np.column_stack(list(x.values()))
    step = calibrate(matrix, list(totals.values()), base_weights=d).steps[0]
    assert np.shares_memory(step.x, matrix) and matrix.flags.writeable and not step.x.flags.writeable
    matrix[3, 1] = np.nan
    with pytest.raises(InputError, match=r"x\['x1'\] has 1 missing or infinite values, at rows 3"):
        calibrate(matrix, list(totals.values()), base_weights=d)


@pytest.mark.parametrize(("distance", "bounds"), [("linear", None), ("raking", None), ("logit", (0.2, 3.0)), ("truncated", (0.2, 3.0))])
def test_many_runs_of_rows_equal_one(monkeypatch: pytest.MonkeyPatch, simple: Any, distance: Any, bounds: Any) -> None:
    x, totals, d = simple
    long = {name: np.tile(column, 20) for name, column in x.items()}
    wanted, base = {name: 20 * total for name, total in totals.items()}, np.tile(d * np.linspace(0.5, 1.5, d.size), 20)
    whole = calibrate(long, wanted, base_weights=base, distance=distance, bounds=bounds)
    monkeypatch.setattr(distances, "_BLOCK", 1)
    split = calibrate(long, wanted, base_weights=base, distance=distance, bounds=bounds)
    np.testing.assert_allclose(split.values, whole.values, rtol=1e-12)
    assert [split.values @ column for column in long.values()] == pytest.approx(list(wanted.values()), rel=1e-8)


def test_relaxed_weights_are_ridge_calibration(simple: Any) -> None:
    x, totals, d = simple
    matrix, goal = np.column_stack(list(x.values())), np.array(list(totals.values()))
    gram = matrix.T @ (d[:, None] * matrix)
    soft = np.array([0.0, 0.4])
    b = np.linalg.solve(gram + np.diag(soft * np.diag(gram)), goal - d @ matrix)
    expected = d * (1.0 + matrix @ b)
    for penalty in (soft, {"spend": 0.4}):
        np.testing.assert_allclose(calibrate(x, totals, base_weights=d, penalty=penalty).values, expected, rtol=1e-10)


def test_relaxing_meets_what_bounds_forbid(simple: Any) -> None:
    x, totals, d = simple
    hard = totals | {"spend": 90_000.0}
    with pytest.raises(InfeasibleError, match="nearest"):
        calibrate(x, hard, base_weights=d, distance="truncated", bounds=(0.5, 1.5))
    w = calibrate(x, hard, base_weights=d, distance="truncated", bounds=(0.5, 1.5), penalty={"spend": 0.1})
    assert w.values.sum() == pytest.approx(600.0)
    assert d @ x["spend"] < w.values @ x["spend"] < 90_000.0
    assert 5.0 <= w.values.min() <= w.values.max() <= 15.0 + 1e-9
    assert w.steps_frame()["error"].iloc[1] > 0.01  # the miss is shown


def test_unheard_units_take_no_part(simple: Any) -> None:
    x, totals, d = simple
    heard = np.arange(50) % 3 > 0
    whole = calibrate(x, totals, base_weights=d * heard, distance="raking")
    only = calibrate({name: column[heard] for name, column in x.items()}, totals, base_weights=d[heard], distance="raking")
    np.testing.assert_allclose(whole.values[heard], only.values, rtol=1e-12)
    assert (whole.values[~heard] == 0.0).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"totals": {"ones": 600.0}}, "must name the same columns"),
        ({"distance": "entropy"}, "distance must be one of"),
        ({"distance": "logit"}, "needs bounds"),
        ({"distance": "linear", "bounds": (0.5, 2.0)}, "takes no bounds"),
        ({"distance": "logit", "bounds": (1.2, 3.0)}, "low < 1 < high"),
        ({"distance": "truncated", "bounds": (2.0, 1.0)}, r"bounds\[1\]"),
        ({"distance": "truncated", "bounds": 3}, "bounds must be"),
        ({"penalty": -1.0}, "penalty must lie in"),
        ({"penalty": {"age": 1.0}}, "not a column of x"),
        ({"base_weights": np.ones(49)}, "base_weights has 49 entries; 50 were expected"),
        ({"base_weights": -np.ones(50)}, "base_weights must not be negative"),
        ({"x": {"ones": np.ones(50), "spend": np.full(50, np.nan)}}, r"x\['spend'\] has 50 missing"),
        ({"x": {"ones": np.ones(50), "spend": np.full(50, "much")}}, r"x\['spend'\] must hold numbers"),
    ],
)
def test_bad_input(simple: Any, arguments: dict[str, Any], message: str) -> None:
    x, totals, d = simple
    with pytest.raises(InputError, match=message):
        calibrate(**({"x": x, "totals": totals, "base_weights": d} | arguments))


def test_level_nobody_heard_has_is_named() -> None:
    with pytest.raises(InfeasibleError, match="west") as caught:
        calibrate({"region": ["north", "south"]}, {"region": {"north": 5, "south": 5, "west": 2}})
    assert caught.value.levels == (("region", "west"),)


def test_relaxed_raking_minimises_what_is_printed(simple: Any) -> None:
    """The primal problem, distance plus price of the misses, by a general optimiser."""
    from scipy import optimize

    x, totals, d = simple
    matrix, goal, soft = np.column_stack(list(x.values())), np.array(list(totals.values())), np.array([0.05, 0.6])

    def objective(logs: np.ndarray) -> tuple[float, np.ndarray]:
        w = d * np.exp(logs)
        missed, price = matrix.T @ w - goal, soft * (d @ matrix**2)
        value = float((w * logs - w + d).sum() + (missed**2 / (2.0 * price)).sum())
        return value / 1e3, w * (logs + matrix @ (missed / price)) / 1e3

    best = optimize.minimize(objective, np.zeros(50), jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 5000})
    w = calibrate(x, totals, base_weights=d, distance="raking", penalty=soft)
    np.testing.assert_allclose(w.values, d * np.exp(best.x), rtol=1e-5)


@pytest.mark.parametrize("options", [{"penalty": 0.3}, {"penalty": {"spend": 1.5}}, {"penalty": 0.3, "distance": "raking"}])
def test_error_of_relaxed_weights_equals_the_jackknife(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(14)
    n = 1000
    x = {"ones": np.ones(n), "spend": rng.gamma(2.0, 50.0, n)}
    d, y = 4.0 + rng.random(n), 3.0 + 0.02 * x["spend"] + rng.standard_normal(n)
    w = calibrate(x, {"ones": 4600.0, "spend": 480_000.0}, base_weights=d, **options)
    e = mean(y, w, design=Design())
    assert float(e.std_error) == pytest.approx(jackknife(w, y, clusters=np.arange(n)) ** 0.5, rel=0.02)
    alone = calibrate(x, {"ones": 4600.0, "spend": 480_000.0}, base_weights=d)
    assert abs(float(e.std_error) / float(mean(y, alone, design=Design()).std_error) - 1.0) > 0.02  # the penalty matters


def test_derivative_of_relaxed_weights_where_some_entering_are_negative(simple: Any) -> None:
    x, totals, d = simple
    y = np.sqrt(x["spend"])

    def chain(base: np.ndarray) -> Weights:
        first = calibrate(x, totals | {"spend": 180_000.0}, base_weights=base, tol=1e-13)
        return calibrate({"spend": x["spend"]}, {"spend": 70_000.0}, base_weights=first, penalty=0.7, tol=1e-13)

    w = chain(d)
    assert w.entering(1).min() < 0
    pulled = w.pullback(y, exact=True)
    for i in range(0, 50, 7):
        shift = np.where(np.arange(50) == i, 1e-4, 0.0)
        slope = (chain(d + shift).values @ y - chain(d - shift).values @ y) / 2e-4
        assert pulled[i] == pytest.approx(slope, rel=1e-5, abs=1e-7)
