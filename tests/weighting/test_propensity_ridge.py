"""The ridge: scikit-learn's penalised regression at the same penalty, and the least of the cross-validation criterion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize
from sklearn.linear_model import LogisticRegression

from vocstats.errors import InputError
from vocstats.weighting import weight_by_propensity


@pytest.fixture
def world() -> dict[str, Any]:
    rng = np.random.default_rng(51)
    x = rng.normal(size=(500, 6)) * np.array([1.0, 10.0, 0.1, 1.0, 1.0, 1.0]) + 3.0
    heard = rng.random(500) < 1.0 / (1.0 + np.exp(0.5 - 0.6 * (x[:, 0] - 3.0) + 0.3 * x[:, 3]))
    return {"x": x, "heard": heard, "d": rng.uniform(1.0, 3.0, 500)}


def standardised(x: np.ndarray, d: np.ndarray) -> np.ndarray:
    mean = d @ x / d.sum()
    return (x - mean) / np.sqrt(d @ (x - mean) ** 2 / d.sum())


@pytest.mark.parametrize("penalty", [1e-4, 0.01, 0.3])
def test_ridge_equals_scikit_learn(world: dict[str, Any], penalty: float) -> None:
    d = world["d"]
    z = standardised(world["x"], d)
    model = LogisticRegression(C=1.0 / (penalty * d.sum()), solver="newton-cholesky", tol=1e-12, max_iter=500)
    p = model.fit(z, world["heard"], sample_weight=d).predict_proba(z)[:, 1]
    w = weight_by_propensity(world["x"], world["heard"], base_weights=d, estimator="ridge", penalty=penalty)
    np.testing.assert_allclose(w.values, np.where(world["heard"], d / p, 0.0), rtol=1e-6)


def test_no_penalty_is_logistic_and_a_large_one_the_response_rate(world: dict[str, Any]) -> None:
    none, large = (weight_by_propensity(world["x"], world["heard"], estimator="ridge", penalty=c) for c in (0.0, 1e7))
    np.testing.assert_allclose(none.values, weight_by_propensity(world["x"], world["heard"]).values, rtol=1e-9)
    np.testing.assert_allclose(large.values[world["heard"]], 500 / world["heard"].sum(), rtol=1e-5)


def test_chosen_penalty_is_the_least_of_its_criterion(world: dict[str, Any]) -> None:
    """Working observations at the fit; the criterion by plain ridge regressions; its minimum by a bounded search."""
    step: Any = weight_by_propensity(world["x"], world["heard"], estimator="ridge").steps[0]
    p = step.probability
    v, z = p * (1.0 - p), np.log(p / (1.0 - p)) + (world["heard"] - p) / (p * (1.0 - p))
    x = np.column_stack([np.ones(500), standardised(world["x"], np.ones(500))])
    ridge = 500.0 * np.diag([0.0] + [1.0] * 6)

    def criterion(log: float) -> float:
        hat = np.linalg.solve((x.T * v) @ x + np.exp(log) * ridge, x.T * v)
        return float(v @ (z - x @ (hat @ z)) ** 2 / (1.0 - np.trace(x @ hat) / 500.0) ** 2)

    best = optimize.minimize_scalar(criterion, bounds=(-12.0, 2.0), method="bounded", options={"xatol": 1e-9})
    assert step.penalty == pytest.approx(np.exp(best.x), rel=1e-4)
    assert step.details()["penalty"] == step.penalty


def test_separated_columns_are_bearable_with_a_penalty() -> None:
    x = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    w = weight_by_propensity({"x": x}, [True, True, False, False, False, False], estimator="ridge", penalty=0.1)
    assert np.isfinite(w.values).all()
    assert w.values[:2].min() > 1.0


def test_penalty_belongs_to_the_ridge(world: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"penalty= is no argument of estimator='logistic', which takes none of its own"):
        weight_by_propensity(world["x"], world["heard"], penalty=0.1)
    with pytest.raises(InputError, match="penalty must lie in"):
        weight_by_propensity(world["x"], world["heard"], estimator="ridge", penalty=-1.0)
