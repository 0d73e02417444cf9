"""Mistakes other software has made: each test fails where one of them is made here."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from vocstats.errors import ConvergenceError, InputError
from vocstats.estimation import Design, mean, ratio, total
from vocstats.weighting import Weights, calibrate, poststratify, rake, weight_by_propensity

N = 600


@pytest.fixture
def survey() -> dict[str, Any]:
    """Two associated margins, base weights that matter, an outcome and who was heard."""
    rng = np.random.default_rng(11)
    a = rng.integers(0, 3, N)
    b = np.where(rng.random(N) < 0.5, a, rng.integers(0, 4, N))
    heard = rng.random(N) < 0.3 + 0.1 * a
    targets = {"a": np.bincount(a).astype(float), "b": np.bincount(b).astype(float)}
    numbers = {"x": rng.normal(size=N), "y": rng.normal(7, 2, N), "d": rng.uniform(1, 9, N)}
    return {"a": a, "b": b, **numbers, "heard": heard, "targets": targets}


def makers(s: dict[str, Any], base: Any) -> dict[str, Any]:
    """Every method of weighting from the same base weights."""
    masked = np.where(s["heard"], base, 0.0)
    margins = {"a": s["a"], "b": s["b"]}
    sums = {"one": float(N), "x": float(s["x"].sum())}
    return {
        "rake": lambda: rake(margins, s["targets"], base_weights=masked),
        "poststratify": lambda: poststratify(s["a"], s["targets"]["a"], base_weights=masked),
        "calibrate": lambda: calibrate({"one": np.ones(N), "x": s["x"]}, sums, base_weights=masked),
        "logistic": lambda: weight_by_propensity({"x": s["x"]}, s["heard"], base_weights=base),
        "classes": lambda: weight_by_propensity(None, s["heard"], estimator="classes", classes=s["a"], base_weights=base),
    }


@pytest.mark.parametrize("method", ["rake", "poststratify", "calibrate", "logistic", "classes"])
def test_design_weights_are_not_ignored(survey: dict[str, Any], method: str) -> None:
    plain, designed = (makers(survey, base)[method]().values for base in (np.ones(N), survey["d"]))
    assert np.abs(designed / designed.sum() - plain / plain.sum()).max() > 1e-4


@pytest.mark.parametrize("estimator", [mean, total, lambda y, w: ratio(y, np.ones(N), w), lambda y, w: ratio(np.ones(N), y, w)])
def test_missing_answers_are_not_zeros(survey: dict[str, Any], estimator: Any) -> None:
    y = survey["y"].copy()
    y[3] = np.nan
    with pytest.raises(InputError, match=r"missing.*\[3\]|missing.*3"):
        estimator(y, survey["d"])
    dropped = np.where(np.arange(N) == 3, 0.0, survey["d"])
    kept = np.arange(N) != 3
    if estimator in (mean, total):
        assert estimator(y, dropped).estimate == pytest.approx(float(estimator(y[kept], survey["d"][kept]).estimate), rel=1e-12)


def test_levels_are_neither_lumped_nor_dropped() -> None:
    """Two hundred rare levels keep a target each; one without a target is refused by name."""
    levels = np.arange(2_000) % 200
    targets = {"v": {level: 10.0 + level for level in range(200)}}
    w = rake({"v": levels}, targets)
    np.testing.assert_allclose(np.bincount(levels, w.values), 10.0 + np.arange(200), rtol=1e-8)
    del targets["v"][137]
    with pytest.raises(InputError, match="137"):
        rake({"v": levels}, targets)


def test_one_sweep_is_not_convergence(survey: dict[str, Any]) -> None:
    margins = {"a": survey["a"], "b": survey["b"]}
    targets = {"a": np.array([100.0, 200.0, 300.0]), "b": np.array([250.0, 150.0, 120.0, 80.0])}
    with pytest.raises(ConvergenceError):
        rake(margins, targets, max_iter=1)
    w = rake(margins, targets)
    for name, codes in margins.items():
        np.testing.assert_allclose(np.bincount(codes, w.values), targets[name], rtol=1e-8)


def test_a_cell_of_weight_zero_spoils_nothing(survey: dict[str, Any]) -> None:
    base = np.where((survey["a"] == 1) & (survey["b"] == 2), 0.0, 1.0)
    w = rake({"a": survey["a"], "b": survey["b"]}, survey["targets"], base_weights=base)
    assert np.isfinite(w.values).all()
    e = mean(np.where(base > 0, survey["y"], np.nan), w, by={"a": survey["a"], "b": survey["b"]})
    empty = (e.labels["a"] == 1) & (e.labels["b"] == 2)
    assert np.isnan(e.estimate[empty]).all() and np.isfinite(e.estimate[~empty]).all() and np.isfinite(e.std_error[~empty]).all()


def test_nothing_grows_with_the_square_of_the_rows() -> None:
    """Twenty thousand rows: an (n, n) matrix would take 3.2 GB."""
    rng = np.random.default_rng(12)
    n = 20_000
    a, x, y, heard = rng.integers(0, 5, n), rng.normal(size=n), rng.normal(size=n), rng.random(n) < 0.5
    tracemalloc.start()
    w = weight_by_propensity({"x": x}, heard)
    w = rake({"a": a}, {"a": np.bincount(a).astype(float)}, base_weights=w)
    w = calibrate({"one": np.ones(n), "x": x}, {"one": float(n), "x": float(x.sum())}, base_weights=w)
    mean(y, w, design=Design(strata=a, clusters=rng.integers(0, 200, n) * 5 + a), by=np.arange(n) % 1_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6


def test_as_many_cells_as_answers_take_no_square_of_them() -> None:
    """Thirty thousand cells: their square would take 7 GB. The standard error equals that of the residuals by hand."""
    rng = np.random.default_rng(13)
    size, cells = 60_000, 30_000
    cell = np.concatenate([np.arange(cells), rng.integers(0, cells, size - cells)])
    y, totals = rng.normal(size=size), 2.0 * np.bincount(cell)
    e = mean(y, poststratify(cell, totals))
    residual = y - (np.bincount(cell, y) / np.bincount(cell))[cell]
    assert e.std_error == pytest.approx((size / (size - 1) * (residual**2).sum()) ** 0.5 / size, rel=1e-6)
    heard = np.concatenate([np.ones(cells, bool), rng.random(size - cells) < 0.5])
    by_class = mean(np.where(heard, y, np.nan), weight_by_propensity(None, heard, estimator="classes", classes=cell))
    assert 0 < by_class.std_error < 0.02


@pytest.mark.parametrize("status", [["yes", "no", "??"], [1.0, 0.0, np.nan], [1, 0, 2], [True, False, None]])
def test_an_unknown_status_is_not_an_answer(status: list[Any]) -> None:
    column = np.array(status * 10, dtype=object if any(value is None for value in status) else None)
    with pytest.raises(InputError, match="heard"):
        weight_by_propensity({"x": np.arange(30.0)}, column)


def test_totals_do_not_overflow() -> None:
    y = np.full(1_000, 2_000_000_000, dtype=np.int32)
    assert total(y).estimate == 2e12
    assert total(np.ones(3), counts=np.full(3, 2**31 - 1, dtype=np.int32)).estimate == 3.0 * (2**31 - 1)
    w = rake({"a": np.array([0, 1])}, {"a": {0: np.int32(2**31 - 1), 1: np.int32(2**31 - 1)}})
    assert w.values.sum() == pytest.approx(2.0 * (2**31 - 1))


def test_standard_errors_belong_to_their_own_outcome(survey: dict[str, Any]) -> None:
    """The same weights and design used for one outcome after another."""
    def parts() -> tuple[Weights, Design]:
        return makers(survey, survey["d"])["rake"](), Design(clusters=np.arange(N) % 40)

    outcomes = survey["y"], survey["x"] * 50
    w, design = parts()
    alone = [float(mean(y, w, design=design).std_error) for y in outcomes]
    fresh = []
    for y in outcomes:
        w, design = parts()
        fresh.append(float(mean(y, w, design=design).std_error))
    assert alone == pytest.approx(fresh, rel=1e-12) and alone[1] > 5 * alone[0]


@pytest.mark.parametrize("distance", ["linear", "raking"])
def test_scaling_all_targets_changes_no_mean(survey: dict[str, Any], distance: Any) -> None:
    """Unbounded and unpenalised distances whose auxiliaries span a constant: means and their errors stay."""
    base = np.where(survey["heard"], survey["d"], 0.0)
    x = {"a": survey["a"], "x": survey["x"]}
    results = []
    for factor in (1.0, 7.0, 1e-3):
        totals = {"a": dict(enumerate(factor * survey["targets"]["a"])), "x": factor * float(survey["x"].sum())}
        e = mean(np.where(survey["heard"], survey["y"], np.nan), calibrate(x, totals, base_weights=base, distance=distance), by=survey["b"])
        results.append(np.concatenate([e.estimate, e.std_error]))
    np.testing.assert_allclose(results[1], results[0], rtol=1e-7)
    np.testing.assert_allclose(results[2], results[0], rtol=1e-7)


def test_base_weight_two_is_the_row_twice_in_the_estimate(survey: dict[str, Any]) -> None:
    heard = survey["heard"]
    margins = {"a": survey["a"], "b": survey["b"]}
    often = np.where(np.arange(N) % 3 == 0, 2, 1)
    twice = np.repeat(np.arange(N), often)
    w = rake(margins, survey["targets"], base_weights=heard * often)
    repeated = rake({k: v[twice] for k, v in margins.items()}, survey["targets"], base_weights=heard[twice] * 1.0)
    assert mean(survey["y"], w).estimate == pytest.approx(float(mean(survey["y"][twice], repeated).estimate), rel=1e-9)


def test_an_infinite_weight_is_refused() -> None:
    with pytest.raises(InputError, match="w"):
        mean([1.0, 2.0], [1.0, np.inf])
    with pytest.raises(InputError):
        Weights(base=np.array([1.0, 1.0]), counts=np.ones(2)).rerun([np.inf, 1.0])
