"""Covariate balancing propensity scores against independent solutions of their equations and criterion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize, special, stats

from vocstats.errors import IdentificationError, InfeasibleError
from vocstats.weighting import calibrate, weight_by_propensity


@pytest.fixture
def world() -> dict[str, Any]:
    rng = np.random.default_rng(31)
    n = 600
    x = rng.normal(size=(n, 2))
    label = rng.integers(0, 3, n)
    heard = rng.random(n) < special.expit(-0.6 + 0.7 * x[:, 0] - 0.4 * x[:, 1] + 0.5 * (label == 2))
    matrix = np.column_stack([np.ones(n), x, label == 1, label == 2]).astype(float)
    columns = {"a": x[:, 0], "b": x[:, 1], "label": np.array(["u", "v", "w"])[label]}
    return {"x": columns, "matrix": matrix, "heard": heard, "d": rng.uniform(1.0, 3.0, n), "counts": rng.integers(1, 4, n)}


def moments(b: np.ndarray, x: np.ndarray, r: np.ndarray, m: np.ndarray) -> np.ndarray:
    p = special.expit(x @ b)
    return np.concatenate([x.T @ (m * (r - p)), x.T @ (m * (r / p - 1.0))])


def test_exact_balance_solves_its_equations(world: dict[str, Any]) -> None:
    x, r, m = world["matrix"], world["heard"], world["d"] * world["counts"]
    w = weight_by_propensity(world["x"], r, base_weights=world["d"], counts=world["counts"], estimator="cbps")
    root = optimize.root(lambda b: moments(b, x, r, m)[x.shape[1] :] / m.sum(), np.zeros(x.shape[1]), tol=1e-13)
    np.testing.assert_allclose(w.values, np.where(r, world["d"] / special.expit(x @ root.x), 0.0), rtol=1e-7)
    np.testing.assert_allclose(x.T @ w.mass, x.T @ m, rtol=1e-9)


def test_exact_balance_of_labels_only_is_the_saturated_rate(world: dict[str, Any]) -> None:
    label = {"label": world["x"]["label"]}
    rates = weight_by_propensity(None, world["heard"], estimator="classes", classes=label["label"])
    for estimator in ("cbps", "cbps_over", "logistic"):
        np.testing.assert_allclose(weight_by_propensity(label, world["heard"], estimator=estimator).values, rates.values, rtol=1e-8)


def test_exact_balance_leaves_calibration_nothing_to_do(world: dict[str, Any]) -> None:
    w = weight_by_propensity(world["x"], world["heard"], estimator="cbps")
    after = calibrate(world["matrix"], world["matrix"].sum(axis=0), base_weights=w, distance="raking")
    np.testing.assert_allclose(after.values, w.values, rtol=1e-7)


@pytest.mark.parametrize("weighted", [False, True])
def test_over_identified_minimises_its_criterion(world: dict[str, Any], weighted: bool) -> None:
    """Logistic fit, covariance and minimum each by their own route: BFGS, plain sums, least squares."""
    x, r = world["matrix"], world["heard"]
    d = world["d"] if weighted else np.ones(r.size)
    first = optimize.minimize(
        lambda b: d @ (np.logaddexp(0.0, x @ b) - r * (x @ b)), np.zeros(5), jac=lambda b: -moments(b, x, r, d)[:5], tol=1e-12
    )
    q = special.expit(x @ first.x)
    terms = [d * q * (1.0 - q), d * (1.0 - q), d * (1.0 - q) / q]
    upper, corner, lower = ((x * term[:, None]).T @ x for term in terms)
    inverse = np.linalg.inv(np.block([[upper, corner], [corner, lower]]))

    root = np.linalg.cholesky(inverse).T
    best = optimize.least_squares(lambda b: root @ moments(b, x, r, d), first.x, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    w = weight_by_propensity(world["x"], r, base_weights=d, estimator="cbps_over")
    np.testing.assert_allclose(w.values[r], d[r] / special.expit(x[r] @ best.x), rtol=1e-6)
    details = w.steps[0].details()
    share = d.sum() / (d @ d)
    assert details["j_statistic"] == pytest.approx(2.0 * best.cost * share, rel=1e-7)
    assert details["j_df"] == 5
    assert details["j_p_value"] == pytest.approx(stats.chi2.sf(2.0 * best.cost * share, 5), rel=1e-6)


def j_statistics(rng: np.random.Generator, bend: float, repetitions: int) -> np.ndarray:
    found = []
    for _ in range(repetitions):
        x = rng.normal(size=(800, 2))
        heard = rng.random(800) < special.expit(-0.3 + 0.6 * x[:, 0] - 0.4 * x[:, 1] + bend * (x[:, 0] ** 2 - 1.0))
        found.append(weight_by_propensity(x, heard, estimator="cbps_over").steps[0].details()["j_p_value"])
    return np.array(found)


def test_j_speaks_against_a_wrong_model_and_not_against_a_right_one() -> None:
    rng = np.random.default_rng(32)
    right, wrong = j_statistics(rng, 0.0, 100), j_statistics(rng, 0.4, 30)
    assert (right < 0.05).mean() < 0.05 + 3.0 * (0.05 * 0.95 / 100) ** 0.5
    assert 0.35 < np.median(right) < 0.8  # the chi-squared limit is approached from the side of caution
    assert (wrong < 0.05).mean() > 0.6


@pytest.mark.parametrize("estimator", ["cbps", "cbps_over"])
@pytest.mark.parametrize("weights", ["even", "given"])
def test_derivatives_by_finite_differences(world: dict[str, Any], estimator: str, weights: str) -> None:
    r, counts = world["heard"], world["counts"].astype(float)
    y = world["matrix"] @ np.array([1.0, 2.0, -1.0, 0.5, 1.0]) ** 2
    d = None if weights == "even" else world["d"]
    w = weight_by_propensity(world["x"], r, base_weights=d, counts=counts, estimator=estimator)

    def estimate(c: np.ndarray) -> float:
        mass = w.rerun(c).mass
        return float(mass @ y / mass.sum())

    mean = estimate(counts)
    pulled = w.pullback(np.where(r, y - mean, 0.0) / w.mass.sum()) * w.base
    size = np.abs(pulled).max()
    for i in range(0, r.size, 60):
        shift = np.where(np.arange(r.size) == i, 1e-3, 0.0)
        slope = (estimate(counts + shift) - estimate(counts - shift)) / 2e-3
        assert pulled[i] == pytest.approx(slope, abs=1e-5 * size)


def test_separation_and_out_of_reach_balance_are_refused() -> None:
    x = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    with pytest.raises(IdentificationError, match="always or never"):
        weight_by_propensity({"x": x}, x < 2.5, estimator="cbps")
    some = np.array([True, True, True, False, False, False, False])
    value = np.array([0.0, 1.0, 2.0, 1.0, 9.0, 9.0, 9.0])  # nobody heard stands for the nines, though no column separates
    with pytest.raises(InfeasibleError, match="cbps: no weights of those heard"):
        weight_by_propensity({"x": value}, some, estimator="cbps")
