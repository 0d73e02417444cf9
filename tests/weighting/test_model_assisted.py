"""Model-assisted calibration: what it equals, its derivative, its variance, what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimation.jackknife import jackknife

from vocstats.errors import InfeasibleError, InputError
from vocstats.estimation import Design, mean
from vocstats.weighting import Weights, calibrate, calibrate_on_model, rake, trim, weight_by_propensity

N = 3_000


@pytest.fixture(scope="module")
def registry() -> dict[str, Any]:
    """3,000 customers with two characteristics, a score and whether they are content."""
    rng = np.random.default_rng(21)
    tenure, region = rng.gamma(2.0, 2.0, N), np.array(["east", "north", "west"])[rng.integers(0, 3, N)]
    score = 6.0 + 0.4 * tenure - 0.8 * (region == "west") + rng.standard_normal(N)
    content = rng.random(N) < 1.0 / (1.0 + np.exp(3.0 - 0.5 * tenure))
    return {"x": {"tenure": tenure, "region": region}, "score": score, "content": content.astype(float)}


def drawn(rng: np.random.Generator, n: int) -> np.ndarray:
    """Base weights N / n of a simple random sample, 0 for the others."""
    weights = np.zeros(N)
    weights[rng.choice(N, n, replace=False)] = N / n
    return weights


def score_of(w: Weights, y: np.ndarray) -> float:
    return float(w.mass @ np.nan_to_num(y) / w.mass.sum())


def test_linear_model_gives_the_regression_estimator(registry: dict[str, Any]) -> None:
    """With a linear model Wu and Sitter's total is the generalised regression estimator with all of x."""
    d = drawn(np.random.default_rng(1), 150)
    x, y = registry["x"], np.where(d > 0, registry["score"], np.nan)
    w = calibrate_on_model(y, x, base_weights=d)
    totals = {"tenure": x["tenure"].sum(), "region": pd.Series(x["region"]).value_counts()}
    assert score_of(w, y) == pytest.approx(score_of(calibrate(x, totals, base_weights=d), y), rel=1e-12)


def test_logistic_model_meets_its_predictions(registry: dict[str, Any]) -> None:
    """Fitted by statsmodels beside it."""
    from statsmodels.genmod.families import Binomial
    from statsmodels.genmod.generalized_linear_model import GLM

    d = drawn(np.random.default_rng(2), 200)
    y = np.where(d > 0, registry["content"], np.nan)
    z = np.column_stack([np.ones(N), registry["x"]["tenure"], *(registry["x"]["region"] == level for level in ("north", "west"))])
    heard = d > 0
    fit = GLM(y[heard], z[heard], family=Binomial(), freq_weights=d[heard]).fit(tol=1e-12)
    prediction = fit.predict(z)
    w = calibrate_on_model(y, registry["x"], base_weights=d, family="logistic")
    assert w.values.sum() == pytest.approx(N)
    assert w.values @ prediction == pytest.approx(prediction.sum(), rel=1e-7)
    plain = calibrate({"people": np.ones(N), "prediction": prediction}, {"people": N, "prediction": prediction.sum()}, base_weights=d)
    np.testing.assert_allclose(w.values, plain.values, rtol=1e-6)


BUILDS: dict[str, dict[str, Any]] = {
    "linear": {},
    "linear, raking": {"distance": "raking"},
    "logistic": {"family": "logistic"},
    "logistic, logit": {"family": "logistic", "distance": "logit", "bounds": (0.2, 3.0)},
}


def small(options: dict[str, Any], weights: np.ndarray, counts: np.ndarray, base: dict[str, Any], rows: Any = slice(None)) -> Weights:
    y = base["y"][rows]
    y = np.where(y > 5.0, 1.0, np.where(np.isnan(y), np.nan, 0.0)) if options.get("family") == "logistic" else y
    return calibrate_on_model(
        y, {"age": base["age"][rows], "region": base["margins"]["region"][rows]}, base_weights=weights[rows], counts=counts[rows],
        population=base["population"][rows], tol=1e-13, **options,
    )


@pytest.fixture
def people(base: dict[str, Any]) -> dict[str, Any]:
    return base | {"population": base["counts"].astype(float), "weights": np.where(base["heard"], 1.5 + np.sin(np.arange(base["n"])), 0.0)}


@pytest.mark.parametrize("options", BUILDS.values(), ids=BUILDS)
def test_pullback_equals_finite_differences(people: dict[str, Any], options: dict[str, Any]) -> None:
    """Base weights far from the registry: the estimation of the model has a first-order effect, and it is there."""
    z = np.nan_to_num(people["y"]) + 0.03 * people["age"]  # another answer than the one the model is of

    def figure(weights: np.ndarray) -> float:
        return score_of(small(options, weights, people["counts"], people), z)

    w = small(options, people["weights"], people["counts"], people)
    pulled = w.pullback((z - score_of(w, z)) / w.mass.sum(), exact=True)
    for i in np.flatnonzero(people["weights"]):
        shift = np.where(np.arange(people["n"]) == i, 1e-4 * people["weights"], 0.0)
        slope = (figure(people["weights"] + shift) - figure(people["weights"] - shift)) / (2.0 * shift[i])
        assert people["counts"][i] * pulled[i] == pytest.approx(slope, rel=1e-5, abs=3e-9)


@pytest.mark.parametrize("options", BUILDS.values(), ids=BUILDS)
def test_repetition_permutation_and_weights_two_and_zero(people: dict[str, Any], options: dict[str, Any]) -> None:
    n, weights, counts = people["n"], people["weights"], people["counts"]
    w = small(options, weights, counts, people)
    order = np.random.default_rng(5).permutation(n)
    np.testing.assert_allclose(small(options, weights, counts, people, order).values, w.values[order], rtol=1e-8)
    cell = np.repeat(np.arange(n), counts)
    rows = people | {"population": np.ones(n)}
    np.testing.assert_allclose(small(options, weights, np.ones(n), rows, cell).values, w.values[cell], rtol=1e-8)
    double = np.where(np.arange(n) == np.flatnonzero(weights)[0], 2, 1)
    twice = np.repeat(np.arange(n), double)
    halves = people | {"population": people["population"] / double}
    heavy, doubled = small(options, weights * double, counts, people), small(options, weights, counts, halves, twice)
    np.testing.assert_allclose(np.bincount(twice, doubled.values), heavy.values, rtol=1e-8)
    zero = weights.copy()
    zero[np.flatnonzero(weights)[0]] = 0.0
    dropped = {**people, "y": np.where(zero > 0, people["y"], np.nan)}
    np.testing.assert_allclose(small(options, zero, counts, people).values, small(options, zero, counts, dropped).values, rtol=1e-12)
    again = w.rerun(counts * 2)
    np.testing.assert_allclose(again.mass.sum(), people["population"].sum())  # the registry stays as it is


@pytest.mark.parametrize(("outcome", "family"), [("score", "linear"), ("content", "logistic")])
def test_linearised_error_equals_the_jackknife(registry: dict[str, Any], outcome: str, family: Any) -> None:
    d = drawn(np.random.default_rng(4), 400)
    y = np.where(d > 0, registry[outcome], np.nan)
    w = calibrate_on_model(y, registry["x"], base_weights=d, family=family)
    e = mean(y, w, design=Design())
    assert "calibrate_on_model" in e.variance_accounts_for
    assert float(e.std_error) == pytest.approx(jackknife(w, y, clusters=np.arange(N)) ** 0.5, rel=0.02)


def test_variance_over_repeated_samples(registry: dict[str, Any]) -> None:
    """Wu and Sitter's claim, by simulation: about unbiased, the estimated variance right, and smaller than without the model."""
    rng, n, runs = np.random.default_rng(6), 250, 250
    results = []
    for _ in range(runs):
        d = drawn(rng, n)
        y = np.where(d > 0, registry["content"], np.nan)
        w = calibrate_on_model(y, registry["x"], base_weights=d, family="logistic")
        error = float(mean(y, w, design=Design(fpc=np.full(N, n / N))).std_error)
        results.append([score_of(w, y), error**2, score_of(Weights(base=d, counts=np.ones(N)), y)])
    estimate, variance, plain = np.array(results).T
    spread = estimate.std()
    assert estimate.mean() == pytest.approx(registry["content"].mean(), abs=4.0 * spread / runs**0.5)
    assert variance.mean() / spread**2 == pytest.approx(1.0, abs=0.27)  # three standard errors of a variance of 250
    assert spread < 0.93 * plain.std()


def test_one_answer_everywhere_is_no_obstacle(people: dict[str, Any]) -> None:
    for value, family in ((4.0, "linear"), (0.0, "logistic"), (1.0, "logistic")):
        y = np.where(people["heard"], value, np.nan)
        options: Any = {"base_weights": people["weights"], "counts": people["counts"], "family": family}
        w = calibrate_on_model(y, {"age": people["age"]}, **options)
        assert w.mass.sum() == pytest.approx(people["counts"].sum())
        assert score_of(w, y) == pytest.approx(value, abs=1e-9)


def test_continues_a_chain_and_is_trimmed(people: dict[str, Any]) -> None:
    margins = people["margins"]
    before = rake({"region": margins["region"]}, {"region": {"north": 60, "south": 60, "west": 60}}, base_weights=people["weights"])
    y = people["y"]
    w = calibrate_on_model(y, {"age": people["age"]}, base_weights=before, distance="raking")
    assert w.accounts_for == ("rake", "calibrate_on_model")
    capped = trim(w, upper=2.0)
    prediction = w.steps[1].calibration.x[:, 1]  # type: ignore[attr-defined]
    assert capped.values.max() < w.values.max()
    assert capped.values @ prediction == pytest.approx(w.values @ prediction)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": np.array([1.0, np.nan, 3.0, 4.0])}, InputError, r"y has 1 missing values where the weight is not 0, at rows 1"),
        ({"y": ["a", "b", "c", "d"]}, InputError, "y must hold numbers"),
        ({"family": "probit"}, InputError, "family must be one of"),
        ({"family": "logistic"}, InputError, "between 0 and 1; it is not at rows 1, 2"),
        ({"distance": "logit"}, InputError, "needs bounds"),
        ({"population": [1.0, 1.0]}, InputError, "population has 2 entries; 4 were expected"),
        ({"x": {"region": ["n", "n", "n", "s"]}}, InfeasibleError, "region=s"),
        ({"population": [9.0, 9.0, 9.0, 9.0], "distance": "truncated", "bounds": (0.5, 2.0)}, InfeasibleError, "people: 36 / "),
    ],
)
def test_bad_input(change: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {"y": np.array([1.0, 2.0, 3.0, np.nan]), "x": {"age": [20.0, 30.0, 50.0, 40.0]}, "base_weights": [1.0, 1.0, 1.0, 0.0]}
    with pytest.raises(error, match=message):
        calibrate_on_model(**(arguments | change))  # type: ignore[arg-type]


def test_derivative_behind_a_response_model(people: dict[str, Any]) -> None:
    """Propensities first: the factored influence of the estimators equals finite differences of the whole chain."""
    from vocstats.estimation.linearization import through_chain

    x = {"age": people["age"], "region": people["margins"]["region"]}

    def chain(base: np.ndarray) -> Weights:
        w = weight_by_propensity({"age": people["age"] / 10.0}, people["heard"], base_weights=base, counts=people["counts"])
        return calibrate_on_model(people["y"], x, base_weights=w)

    base, y = 1.0 + 0.3 * np.cos(np.arange(people["n"])), np.nan_to_num(people["y"])
    w = chain(base)
    u = np.where(w.values != 0, (y - score_of(w, y)) / w.mass.sum(), 0.0)
    influence, _ = through_chain(u, np.zeros(u.size, np.intp), 1, w, contrast=False)
    for i in range(0, people["n"], 7):
        shift = np.where(np.arange(people["n"]) == i, 1e-4 * base, 0.0)
        slope = (score_of(chain(base + shift), y) - score_of(chain(base - shift), y)) / 2e-4
        assert people["counts"][i] * influence.values()[i, 0] == pytest.approx(slope, rel=1e-5, abs=3e-9)


@pytest.mark.parametrize(("outcome", "family"), [("score", "linear"), ("content", "logistic")])
def test_error_where_the_model_is_the_correction_for_nonresponse(registry: dict[str, Any], outcome: str, family: Any) -> None:
    """Base weights of 1: who answers is random, and the estimated error is that of the estimates."""
    rng, runs, y = np.random.default_rng(7), 150, registry[outcome]
    answers = 1.0 / (1.0 + np.exp(2.0 - 0.3 * registry["x"]["tenure"]))
    results = []
    for _ in range(runs):
        heard = rng.random(N) < answers
        told = np.where(heard, y, np.nan)
        w = calibrate_on_model(told, registry["x"], base_weights=heard.astype(float), family=family, distance="raking")
        e = mean(told, w, inference="registry")
        results.append([float(e.estimate), float(e.std_error) ** 2])
    estimate, variance = np.array(results).T
    assert estimate.mean() == pytest.approx(y.mean(), abs=4.0 * estimate.std() / runs**0.5)
    assert variance.mean() / estimate.var() == pytest.approx(1.0, abs=0.35)  # three standard errors of a variance of 150
