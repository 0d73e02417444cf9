"""All estimators of response propensities alike: weights, counts, re-runs, linearised errors against the jackknife and Monte Carlo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from estimation.jackknife import jackknife
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from vocstats.errors import InputError
from vocstats.estimation import Design, mean
from vocstats.weighting import Weights, rake, weight_by_propensity

SMOOTH: dict[str, dict[str, Any]] = {
    "logistic": {"estimator": "logistic"},
    "ridge given": {"estimator": "ridge", "penalty": 0.02},
    "ridge chosen": {"estimator": "ridge"},
    "cbps": {"estimator": "cbps"},
    "cbps_over": {"estimator": "cbps_over"},
}
FIXED: dict[str, dict[str, Any]] = {
    "formed classes": {"estimator": "classes", "classes": 4},
    "formed classes, merged": {"estimator": "classes", "classes": 6, "minimum": 25},
    "tree": {"estimator": DecisionTreeClassifier(max_depth=2, min_weight_fraction_leaf=0.15), "folds": 3},
    "regression": {"estimator": LogisticRegression(C=0.5, tol=1e-10, max_iter=1000), "folds": 3},
}
ALL = SMOOTH | FIXED


def world(rng: np.random.Generator, n: int = 400) -> dict[str, Any]:
    """Who was heard depends on a label and a number, as the score does."""
    a, x = rng.integers(0, 3, n), np.round(rng.normal(size=n), 1)
    p = 1.0 / (1.0 + np.exp(0.9 - 0.5 * x - 0.3 * a))
    y = 5.0 + x + a + rng.normal(size=n)
    return {"x": {"a": np.array(["p", "q", "r"])[a], "x": x}, "heard": rng.random(n) < p, "p": p, "y": y, "d": rng.uniform(1.0, 3.0, n)}


def rows(x: dict[str, Any], index: np.ndarray) -> dict[str, Any]:
    return {name: column[index] for name, column in x.items()}


def weigh(w: dict[str, Any], index: np.ndarray, options: dict[str, Any], *, name: str, labels: np.ndarray, **given: Any) -> Weights:
    """Weights of some rows; classifiers deal out clusters, so that the same people share a fold however they are listed."""
    more = {"clusters": labels} if name in ("tree", "regression") else {}
    return weight_by_propensity(rows(w["x"], index), w["heard"][index], **options, **more, **given)


@pytest.mark.parametrize("name", ALL)
def test_counts_are_repetitions(name: str) -> None:
    rng = np.random.default_rng(1)
    w = world(rng)
    counts = rng.integers(1, 4, 400)
    again = np.repeat(np.arange(400), counts)
    cells = weigh(w, np.arange(400), ALL[name], name=name, labels=np.arange(400), counts=counts, base_weights=w["d"])
    listed = weigh(w, again, ALL[name], name=name, labels=again, base_weights=w["d"][again])
    np.testing.assert_allclose(listed.values, cells.values[again], rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_rows_without_weight_change_nothing(name: str) -> None:
    rng = np.random.default_rng(2)
    w = world(rng)
    counts = np.where(rng.random(400) < 0.2, 0.0, 1.0)
    kept = np.flatnonzero(counts)
    every = weigh(w, np.arange(400), ALL[name], name=name, labels=np.arange(400), counts=counts)
    some = weigh(w, kept, ALL[name], name=name, labels=kept)
    np.testing.assert_allclose(every.values[kept], some.values, rtol=1e-6)
    base_0 = weigh(w, np.arange(400), ALL[name], name=name, labels=np.arange(400), base_weights=counts)
    np.testing.assert_allclose(base_0.values, np.where(counts > 0, every.values, 0.0), rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_order_of_rows_does_not_matter(name: str) -> None:
    rng = np.random.default_rng(3)
    w = world(rng)
    order = rng.permutation(400)
    first = weigh(w, np.arange(400), ALL[name], name=name, labels=np.arange(400), base_weights=w["d"])
    second = weigh(w, order, ALL[name], name=name, labels=order, base_weights=w["d"][order])
    np.testing.assert_allclose(second.values, first.values[order], rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_scale_of_base_weights_scales_the_weights(name: str) -> None:
    w = world(np.random.default_rng(4))
    first = weight_by_propensity(w["x"], w["heard"], base_weights=w["d"], **ALL[name])
    second = weight_by_propensity(w["x"], w["heard"], base_weights=50.0 * w["d"], **ALL[name])
    np.testing.assert_allclose(second.values, 50.0 * first.values, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in ALL if name not in ("tree", "regression", "ridge chosen")])
def test_a_base_weight_of_two_is_the_row_twice(name: str) -> None:
    """Chosen penalties and classifiers also count units, so these two are left out."""
    w = world(np.random.default_rng(5))
    twice = np.arange(400) % 3 == 0
    options = ALL[name] | ({"minimum": 10} if "minimum" in ALL[name] else {})
    by_weight = weight_by_propensity(w["x"], w["heard"], base_weights=1.0 + twice, **options)
    by_count = weight_by_propensity(w["x"], w["heard"], counts=1.0 + twice, **options)
    np.testing.assert_allclose(by_weight.values, by_count.values * (1.0 + twice), rtol=1e-7)


@pytest.mark.parametrize("name", ALL)
def test_design_weights_are_not_ignored(name: str) -> None:
    w = world(np.random.default_rng(6))
    design = np.where(w["heard"], 1.0, 4.0)
    plain, weighted = (weight_by_propensity(w["x"], w["heard"], base_weights=d, **ALL[name]) for d in (None, design))
    assert weighted.values[w["heard"]].mean() > 2.0 * plain.values[w["heard"]].mean()


@pytest.mark.parametrize("name", ALL)
def test_rerun_equals_building_anew(name: str) -> None:
    rng = np.random.default_rng(7)
    w = world(rng)
    counts = rng.integers(0, 3, 400).astype(float)
    again = weight_by_propensity(w["x"], w["heard"], base_weights=w["d"], **ALL[name]).rerun(counts)
    anew = weight_by_propensity(w["x"], w["heard"], base_weights=w["d"], counts=counts, **ALL[name])
    if name in ("tree", "regression"):  # re-runs keep the folds of the first fit
        np.testing.assert_array_equal(again.rerun(np.ones(400)).values, weight_by_propensity(
            w["x"], w["heard"], base_weights=w["d"], **ALL[name]).values)
    else:
        np.testing.assert_allclose(again.values, anew.values, rtol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_probabilities_of_extremes_are_reported(name: str) -> None:
    w = world(np.random.default_rng(8))
    step: Any = weight_by_propensity(w["x"], w["heard"], **ALL[name]).steps[0]
    details = step.details()
    assert details["probability_min_heard"] == step.probability[w["heard"]].min()
    assert details["probability_max_unheard"] == step.probability[~w["heard"]].max()
    np.testing.assert_array_equal(step.factor, np.where(w["heard"], 1.0 / step.probability, 0.0))


@pytest.mark.parametrize("name", ALL)
def test_what_the_error_accounts_for(name: str) -> None:
    w = world(np.random.default_rng(9))
    weights = weight_by_propensity(w["x"], w["heard"], **ALL[name])
    smooth = name in SMOOTH
    assert weights.accounts_for == (("propensity",) if smooth else ())
    assert weights.held_fixed == (() if smooth else ("propensity",))
    said = mean(np.where(w["heard"], w["y"], np.nan), weights).variance_accounts_for
    assert ("propensity" in said) == smooth
    assert ("weights_held_fixed" in said) == (not smooth)


@pytest.mark.parametrize("name", SMOOTH)
def test_linearised_error_agrees_with_the_jackknife(name: str) -> None:
    rng = np.random.default_rng(10)
    w = world(rng, 2400)
    cluster = rng.permutation(2400) % 120
    design = Design(clusters=cluster)
    weights = weight_by_propensity(w["x"], w["heard"], **SMOOTH[name])
    linear = float(mean(np.where(w["heard"], w["y"], np.nan), weights, design=design).std_error)
    assert linear == pytest.approx(jackknife(weights, w["y"], clusters=cluster) ** 0.5, rel=0.02)


def errors(name: str, repetitions: int, n: int, seed: int) -> tuple[float, float, float]:
    """Bias in Monte Carlo errors, mean linearised over true variance, and how often the interval holds the mean of all estimates.

    One registry; who answers is drawn again and again.
    """
    rng = np.random.default_rng(seed)
    w = world(rng, n)
    values, variances, low, high = np.empty((4, repetitions))
    for k in range(repetitions):
        heard = rng.random(n) < w["p"]
        weights = weight_by_propensity(w["x"], heard, **SMOOTH[name])
        e = mean(np.where(heard, w["y"], np.nan), weights, inference="registry")
        values[k], variances[k], low[k], high[k] = e.estimate, e.std_error**2, e.conf_low, e.conf_high
    centre = values.mean()
    bias = (centre - w["y"].mean()) / (values.std() / repetitions**0.5)
    return float(bias), float(variances.mean() / values.var()), float(((low <= centre) & (centre <= high)).mean())


@pytest.mark.parametrize("name", ["cbps", "cbps_over", "ridge given"])
def test_variance_over_who_answers(name: str) -> None:
    bias, ratio, coverage = errors(name, 150, 500, seed=11)
    assert abs(bias) < 3.5 or name != "cbps"
    assert ratio == pytest.approx(1.0, abs=0.35)  # three standard errors of a variance of 150
    assert abs(coverage - 0.95) < 3.0 * (0.95 * 0.05 / 150) ** 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", SMOOTH)
def test_variance_over_who_answers_at_length(name: str) -> None:
    """Penalties and more moments than parameters trade bias for variance: only the others are held to the truth."""
    bias, ratio, coverage = errors(name, 2000, 2000, seed=12)
    assert abs(bias) < 3.5 or name not in ("logistic", "cbps")
    assert ratio == pytest.approx(1.0, abs=0.1)
    assert abs(coverage - 0.95) < 3.0 * (0.95 * 0.05 / 2000) ** 0.5


def test_chains_after_any_estimator() -> None:
    w = world(np.random.default_rng(13))
    targets = {"a": {label: float((w["x"]["a"] == label).sum()) for label in "pqr"}}
    for name, options in ALL.items():
        weights = rake({"a": w["x"]["a"]}, targets, base_weights=weight_by_propensity(w["x"], w["heard"], **options))
        assert weights.accounts_for == (("propensity", "rake") if name in SMOOTH else ("rake",))
        assert weights.mass.sum() == pytest.approx(400.0)


@pytest.mark.parametrize(
    "status",
    [
        np.array(["answered", "silent", "answered", "silent"]), ["1", "0", "1", "0"], [1.0, np.nan, 1.0, 0.0], [True, None, True, False],
        [1, 2, 1, 2], [1, 0, -1, 0], np.array([True, "no reply", True, False], object),
    ],
)
def test_a_status_that_is_not_plain_is_no_answer(status: Any) -> None:
    with pytest.raises(InputError) as caught:
        weight_by_propensity({"x": [1.0, 2.0, 3.0, 4.0]}, status)
    assert caught.value.argument == "heard"
