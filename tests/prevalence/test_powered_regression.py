"""Prediction-powered regression against ppi-python, the regression of labels alone, and worlds of known coefficients."""

from __future__ import annotations

import numpy as np
import pytest
from prevalence.test_prediction_powering import AGE, GUESS, LABELLED, ROWS, TRUTH, Y
from scipy.special import expit

from vocstats.errors import ConvergenceError, IdentificationError, InputError
from vocstats.estimation import regress
from vocstats.prevalence import PredictionPowered, prediction_powered, prediction_powered_regression
from vocstats.results import load

# ppi-python 0.2.3, ppi_logistic_pointestimate and ppi_logistic_ci, November 2026: estimates and standard errors by lam
PPI_PYTHON = {
    None: ((-2.4330652, 0.94973705), (0.37117761, 0.14007892)),
    1.0: ((-2.56303813, 0.97946629), (0.46683495, 0.17129782)),
    0.5: ((-2.43156125, 0.94942234), (0.37066466, 0.13999251)),
}


@pytest.mark.parametrize("weight", PPI_PYTHON)
def test_ppi_python(weight: float | None) -> None:
    r = prediction_powered_regression(Y, GUESS, {"age": AGE}, family="logistic", weight=weight)
    np.testing.assert_allclose(r.estimate, PPI_PYTHON[weight][0], atol=1e-6)
    np.testing.assert_allclose(r.std_error, PPI_PYTHON[weight][1], rtol=0.01)  # n - 2 or 3 in place of n


def test_without_predictors_it_is_the_mean() -> None:
    for inference in ("process", "registry"):
        one = prediction_powered_regression(Y, GUESS, {}, inference=inference)
        mean = prediction_powered(Y, GUESS, inference=inference)
        for name in ("estimate", "std_error", "conf_low", "conf_high", "weight"):
            np.testing.assert_allclose(getattr(one, name), getattr(mean, name), rtol=1e-9)


@pytest.mark.parametrize("family", ["linear", "logistic"])
def test_no_weight_is_the_regression_of_the_labels(family: str) -> None:
    x = {"age": AGE[LABELLED], "kind": np.where(ROWS[LABELLED] % 3 == 0, "旧", "新")}
    alone = regress(TRUTH[LABELLED], x, family={"linear": "gaussian", "logistic": "binomial"}[family])
    whole = {"age": AGE, "kind": np.where(ROWS % 3 == 0, "旧", "新")}
    r = prediction_powered_regression(Y, GUESS, whole, family=family, weight=0.0)
    assert r.terms == alone.terms
    np.testing.assert_allclose(r.estimate, alone.estimate, rtol=1e-8)
    np.testing.assert_allclose(r.labels_only_error, alone.std_error, rtol=0.15)  # its bread is that of all rows


@pytest.mark.parametrize("family", ["linear", "logistic"])
def test_everybody_labelled_is_the_census(family: str) -> None:
    r = prediction_powered_regression(TRUTH, GUESS, {"age": AGE}, family=family, inference="registry")
    np.testing.assert_allclose(r.estimate, r.labels_only)
    assert (r.std_error == 0).all()


def test_tuned_weight_has_the_smallest_variance() -> None:
    tuned = prediction_powered_regression(Y, GUESS, {"age": AGE}, family="logistic")
    total = float(np.sum(tuned.std_error**2))
    for weight in (0.0, 0.5, 1.0):  # tuned at the coefficients of weight 1, so within a little of the best
        other = prediction_powered_regression(Y, GUESS, {"age": AGE}, family="logistic", weight=weight)
        assert np.sum(other.std_error**2) > (0.99 if weight == 0.5 else 1.05) * total


@pytest.mark.parametrize("family", ["linear", "logistic"])
def test_limits_cover_the_coefficients(family: str) -> None:
    """150 worlds of 1,200 rows, 200 labelled, biased predictions; the coefficients drawn from, and those of the rows."""
    rng, covered = np.random.default_rng(90005), []
    for _ in range(150):
        x = rng.normal(size=1200)
        if family == "logistic":
            y = (rng.random(1200) < expit(-1.0 + 0.8 * x)) * 1.0
            guess = np.where(rng.random(1200) < 0.85 + 0.1 * (x > 0), y, 1 - y)
        else:
            y = -1.0 + 0.8 * x + rng.normal(size=1200) * (1 + 0.3 * np.abs(x))
            guess = 0.7 * y + 0.5 + 0.3 * rng.normal(size=1200)
        known = np.where(rng.permutation(1200) < 200, y, np.nan)
        for inference in ("process", "registry"):
            r = prediction_powered_regression(known, guess, {"x": x}, family=family, inference=inference)
            truth = np.array([-1.0, 0.8])
            if inference == "registry":
                truth = prediction_powered_regression(y, guess, {"x": x}, family=family, weight=0.0).estimate
            covered.append((r.conf_low <= truth) & (truth <= r.conf_high))
    share = np.mean(np.reshape(covered, (150, 4)), axis=0)
    assert (np.abs(share - 0.95) < 0.045).all(), share


def test_refusals_and_writing() -> None:
    with pytest.raises(InputError, match="at least 4"):
        prediction_powered_regression([1, 0, 1, np.nan, np.nan], [1, 0, 1, 0, 1], {"a": [1, 2, 3, 4, 5]})
    with pytest.raises(InputError, match=r"prediction of a logistic regression must lie in \[0, 1\]"):
        prediction_powered_regression(Y, 2.0 * GUESS + 1.0, {"age": AGE}, family="logistic")
    with pytest.raises(InputError, match=r"y of a logistic"):
        prediction_powered_regression(3.0 * Y, GUESS, {"age": AGE}, family="logistic")
    with pytest.raises(IdentificationError, match="'twice'"):
        prediction_powered_regression(Y, GUESS, {"age": AGE, "twice": 2 * AGE})
    with pytest.raises(ConvergenceError, match="no finite solution"):
        prediction_powered_regression(Y, GUESS, {"truth": TRUTH}, family="logistic", weight=0.0)
    with pytest.raises(InputError, match="family"):
        prediction_powered_regression(Y, GUESS, {"age": AGE}, family="poisson")
    with pytest.raises(InputError, match="weight"):
        prediction_powered_regression(Y, GUESS, {"age": AGE}, weight=2.0)
    with pytest.raises(InputError, match="missing"):
        prediction_powered_regression(Y, GUESS, {"age": np.where(ROWS == 3, np.nan, AGE)})
    r = prediction_powered_regression(Y, GUESS, {"age": AGE})
    assert isinstance(load(r.to_json()), PredictionPowered) and r.tidy()["term"].tolist() == ["intercept", "age"]
