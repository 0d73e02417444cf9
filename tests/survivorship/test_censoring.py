"""Censoring weights: closed forms, derivatives, the jackknife, the chain, repeated rows, and what is refused or warned of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from survivorship.test_hazards import LABELS

from vocstats.errors import IdentificationError, InputError, VocstatsError
from vocstats.estimation import Design, mean, regress, replicate
from vocstats.nonresponse import follow_up, shadow_variable
from vocstats.survivorship import (
    PositivityWarning,
    censoring_weights,
    hazard_regression,
    length_bias_weights,
    stationarity_test,
    survival_curve,
)
from vocstats.texts import message
from vocstats.weighting import Weights, positivity, rake, trim, weight_by_propensity

NAN = float("nan")
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {}, "at": {"at": 3}, "cloglog": {"at": 4, "link": "cloglog"}, "breaks": {"at": 4, "baseline": [2]},
    "marginal": {"at": 4, "stabilize": []}, "stabilised": {"stabilize": ["kind"]}, "truncated": {"at": 4, "truncate": (0.1, 0.9)},
    "all": {"at": 4, "stabilize": "kind", "truncate": (0.05, 0.95), "link": "cloglog"},
}


@pytest.fixture(autouse=True)
def _small_probabilities() -> Iterator[None]:
    """Small samples have small probabilities; tests about the warning say so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PositivityWarning)
        yield


def buyers(seed: int, n: int) -> tuple[dict[str, Any], np.ndarray]:
    """Spells with late entry and censoring, and the score everybody would give."""
    rng = np.random.default_rng(seed)
    kind, age = rng.integers(0, 3, n), np.round(rng.normal(size=n), 1)
    duration = np.ceil(rng.exponential(7 * np.exp(-0.3 * kind + 0.2 * age))).astype(int)
    followed = rng.integers(3, 6, n)
    data = {
        "duration": np.minimum(duration, followed), "event": duration <= followed, "x": {"kind": LABELS[kind], "age": age},
        "entry": np.where(np.minimum(duration, followed) > 1, rng.integers(0, 2, n), 0),
    }
    return data, 7 - 0.5 * kind + age + rng.normal(size=n)


@pytest.mark.parametrize("name", OPTIONS)
def test_factors_are_the_inverse_of_the_predicted_survival(name: str) -> None:
    data, _ = buyers(1, 300)
    options = OPTIONS[name]
    w = censoring_weights(**data, **options)
    at = np.full(300, options["at"]) if "at" in options else data["duration"]
    horizon = at.max()
    spells = {
        "duration": np.minimum(data["duration"], horizon), "event": data["event"] & (data["duration"] <= horizon), "entry": data["entry"],
        "link": options.get("link", "logit"), "baseline": options.get("baseline", "free"),
    }

    def survival(columns: list[str]) -> np.ndarray:
        x = {each: data["x"][each] for each in columns} or None
        table = hazard_regression(**spells, x=x).survival(x, times=np.arange(horizon + 1))["survival"].to_numpy().reshape(-1, horizon + 1)
        return table[np.arange(300) if x else np.zeros(300, int), at]

    there = (data["duration"] >= at) & ~(data["event"] & (data["duration"] <= at)) & (data["entry"] <= at)
    expected = np.where(there, 1.0 / survival(["kind", "age"]), 0.0)
    if "stabilize" in options:
        expected *= survival(["kind"] if options["stabilize"] else [])
    if "truncate" in options:
        low, high = (np.quantile(expected[there], q, method="inverted_cdf") for q in options["truncate"])
        expected = np.where(there, np.clip(expected, low, high), 0.0)
        assert w.steps[-1].details()["trimmed"] > 0
    np.testing.assert_allclose(w.values, expected, rtol=1e-9)
    assert w.accounts_for == ("censoring",) and not w.held_fixed


@pytest.mark.parametrize("name", OPTIONS)
def test_influence_is_the_derivative_to_the_multiplicity(name: str) -> None:
    """The whole chain by finite differences: score, bread and gradient at once."""
    data, y = buyers(2, 150)
    base = np.random.default_rng(3).uniform(0.5, 2, 150)
    w = censoring_weights(**data, **OPTIONS[name], w=base)
    e = mean(np.where(w.values > 0, y, NAN), w)

    def moved(row: int, by: float) -> float:
        counts = np.ones(150)
        counts[row] += by
        again = w.rerun(counts)
        return float(again.mass @ y / again.mass.sum())

    for row in range(0, 150, 11):
        assert (moved(row, 1e-4) - moved(row, -1e-4)) / 2e-4 == pytest.approx(e.influence[row], rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", ["at", "stabilised"])
def test_errors_agree_with_the_jackknife(name: str) -> None:
    data, y = buyers(4, 300)
    w = censoring_weights(**data, **OPTIONS[name])
    e = mean(y, w)
    values = []
    for row in range(300):
        counts = np.ones(300)
        counts[row] = 0
        again = w.rerun(counts)
        values.append(float(again.mass @ y / again.mass.sum()))
    assert np.sqrt(299 * np.var(values)) == pytest.approx(float(e.std_error), rel=0.06)


def test_errors_after_truncation_agree_with_the_bootstrap() -> None:
    """The jackknife is inconsistent for quantiles; resamples take them anew."""
    data, y = buyers(4, 300)
    w = censoring_weights(**data, **OPTIONS["truncated"])
    drawn = mean(y, replicate(w, method="bootstrap", replicates=150, seed=1))
    assert float(mean(y, w).std_error) == pytest.approx(float(drawn.std_error), rel=0.15)


def test_replicates_and_clusters_agree_with_linearisation() -> None:
    data, y = buyers(5, 300)
    w = censoring_weights(**data, at=3)
    clusters = np.arange(300) % 60
    linear = mean(y, w, design=Design(clusters=clusters))
    jackknifed = mean(y, replicate(w, design=Design(clusters=clusters), method="jackknife"))
    assert float(linear.std_error) == pytest.approx(float(jackknifed.std_error), rel=0.06)


def test_error_without_the_hazards_is_another() -> None:
    """That leaving is estimated lowers the error of a score that x explains."""
    data, y = buyers(6, 500)
    w = censoring_weights(**data, at=4)
    assert float(mean(y, w).std_error) < 0.95 * float(mean(y, w.values).std_error)


def test_without_x_everybody_stands_for_the_inverse_of_kaplan_meier() -> None:
    data, _ = buyers(7, 300)
    spells = {name: data[name] for name in ("duration", "event", "entry")}
    w = censoring_weights(**spells, x=None, at=3)
    np.testing.assert_allclose(w.values[w.values > 0], 1.0 / survival_curve(**spells, times=[3]).survival[0])


def test_one_period_is_weighting_by_propensity() -> None:
    """Those still there after one period are those heard of a logistic response model."""
    data, y = buyers(8, 300)
    left = data["event"] & (data["duration"] == 1)
    w = censoring_weights(np.ones(300), left, data["x"])
    p = weight_by_propensity(data["x"], ~left)
    np.testing.assert_allclose(w.values, p.values, rtol=1e-8)
    np.testing.assert_allclose(w.steps[-1].probability, p.steps[-1].probability, rtol=1e-8)
    a, b = (mean(np.where(left, NAN, y), weights) for weights in (w, p))
    np.testing.assert_allclose(a.std_error, b.std_error, rtol=1e-8)
    np.testing.assert_allclose(a.influence, b.influence, rtol=1e-6, atol=1e-9)


def test_one_cell_per_level_weights_back_to_everybody() -> None:
    """With nobody followed for less, the weighted numbers of each level are those who bought."""
    kind, left = np.repeat(["a", "b"], [6, 4]), np.array([1, 1, 0, 0, 0, 0, 1, 0, 0, 0], bool)
    w = censoring_weights(np.ones(10), left, {"kind": kind})
    assert [w.values[kind == k].sum() for k in "ab"] == pytest.approx([6, 4])


def test_counts_are_repeated_rows_and_zero_weights_are_nobody() -> None:
    data, y = buyers(9, 200)
    rng = np.random.default_rng(10)
    counts, base = rng.integers(0, 3, 200), rng.uniform(0.5, 2, 200) * (rng.random(200) < 0.9)
    rows = np.repeat(np.arange(200), counts)

    def taken(value: Any) -> Any:
        return {k: c[rows] for k, c in value.items()} if isinstance(value, dict) else value[rows]

    options = {"at": 3, "truncate": (0.05, 0.95)}
    counted = censoring_weights(**data, **options, w=base, counts=counts)
    repeated = censoring_weights(**{name: taken(value) for name, value in data.items()}, **options, w=base[rows])
    np.testing.assert_allclose(np.repeat(counted.values, counts), repeated.values, rtol=1e-9)
    a, b = mean(y, counted), mean(y[rows], repeated)
    np.testing.assert_allclose([a.estimate, a.std_error], [b.estimate, b.std_error], rtol=1e-9)
    assert (counted.values[(base == 0) | (counts == 0)] == 0).all()


def test_it_is_a_step_among_others() -> None:
    data, y = buyers(11, 400)
    rng = np.random.default_rng(12)
    first = rake({"kind": data["x"]["kind"]}, {"kind": {"甲": 150, "乙": 150, "丙": 100}})
    w = censoring_weights(**data, at=3, w=first)
    heard = (w.values > 0) & (rng.random(400) < 0.5)
    w = weight_by_propensity({"kind": data["x"]["kind"]}, heard, base_weights=w)
    assert [step.name for step in w.steps] == ["rake", "censoring", "propensity"]
    e = mean(np.where(heard, y, NAN), w)

    def moved(row: int, by: float) -> float:
        counts = np.ones(400)
        counts[row] += by
        again = w.rerun(counts)
        return float(again.mass @ y / again.mass.sum())

    for row in (0, 10, 77, 300):
        assert (moved(row, 1e-4) - moved(row, -1e-4)) / 2e-4 == pytest.approx(e.influence[row], rel=1e-4, abs=1e-6)
    assert np.isfinite(regress(np.where(heard, y, NAN), {"age": data["x"]["age"]}, trim(w, upper=3)).std_error).all()
    assert mean(np.where(heard, y, NAN), w, by=data["x"]["kind"]).std_error.shape == (3,)
    assert w.to_frame()["factor_censoring"].min() == 0 and len(w.steps_frame()) == 4


def test_diagnostics_assumptions_and_positivity() -> None:
    data, _ = buyers(13, 300)
    w = censoring_weights(**data, at=4, truncate=(0.0, 0.95))
    step = w.steps[-1]
    details = step.details()
    assert details["factor_max"] == w.values.max() and details["trimmed"] > 0
    assert details["probability_min"] == step.probability[w.values > 0].min()
    table = positivity({"kind": data["x"]["kind"]}, w)
    assert (table["variable"] == "probability").any() and set(table["level"]) >= set(LABELS.tolist())
    texts = [each.text(language) for each in step.assumptions for language in ("en", "zh")]
    assert "Had nobody left" in texts[0] and "kind, age" in texts[0] and "假如无人流失" in texts[1]
    assert "chances of still being a customer" in mean(np.arange(300), w).accounts()


def test_times_of_each_customer() -> None:
    data, _ = buyers(14, 200)
    at = np.random.default_rng(15).integers(1, 4, 200)
    w = censoring_weights(**data, at=at)
    for t in (1, 2, 3):
        there = (data["duration"] >= t) & ~(data["event"] & (data["duration"] <= t))
        np.testing.assert_array_equal(w.values[at == t] > 0, there[at == t])


def test_warnings_name_cells_and_small_probabilities() -> None:
    x = {"a": list("uuvvuvuv"), "b": list("pqpqppqp")}
    with pytest.warns(PositivityWarning, match=r"Of \('v', 'q'\) \(12 % of those who bought\) nobody is still there"):
        censoring_weights([1] * 8, [1, 0, 0, 1, 0, 0, 0, 1], x, at=1)
    duration, event = np.repeat([1, 1], [60, 2]), np.repeat([True, False], [60, 2])
    with pytest.warns(PositivityWarning, match=r"smallest probability of still being there is 0.0323"):
        censoring_weights(duration, event, None)
    with warnings.catch_warnings():
        warnings.simplefilter("error", PositivityWarning)
        censoring_weights(duration, event, None, truncate=(0.0, 0.9))


GOOD: dict[str, Any] = {"duration": [1, 2, 2, 2, 1, 2, 2, 2], "event": [1, 1, 0, 0, 1, 1, 0, 0], "x": {"a": list("uuuuvvvv")}}
BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "level gone": ({"event": [1, 1, 1, 1, 1, 1, 0, 0]}, IdentificationError, r"Nobody with x\['a'\] = 'u' is still there"),
    "nobody there": ({"x": None, "at": 3}, IdentificationError, "Nobody is still there"),
    "all left": ({"x": None, "event": [1] * 8}, IdentificationError, "Nobody is still there"),
    "nobody left": ({"event": [0] * 8}, IdentificationError, "Nobody left while under observation"),
    "no leaver of a level": ({"event": [1, 1, 0, 0, 0, 0, 0, 0]}, IdentificationError, r"With x\['a'\] = 'v'"),
    "stabilize": ({"stabilize": ["b"]}, InputError, "stabilize names 'b'"),
    "quantiles": ({"truncate": (0.9, 0.1)}, InputError, "truncate must be two quantiles"),
    "quantile": ({"truncate": [0.9]}, InputError, "truncate must be two quantiles"),
    "at": ({"at": 1.5}, InputError, "at must count whole periods"),
    "at length": ({"at": [1, 2]}, InputError, "at has 2 entries"),
    "negative": ({"at": -1}, InputError, "at must not be negative"),
    "at 0": ({"at": 0}, InputError, "Nobody with a positive weight is under observation"),
    "counts twice": ({"w": Weights(base=np.ones(8), counts=np.ones(8)), "counts": [1] * 8}, InputError, "counts entered the chain"),
    "fraction": ({"duration": [1, 2.5, 2, 2, 1, 2, 2, 2]}, InputError, "np.ceil"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, kind, text = BAD[name]
    with pytest.raises(kind, match=text) as caught:
        censoring_weights(**{**GOOD, **options})
    assert message(caught.value, "zh") != str(caught.value)  # type: ignore[arg-type]


@pytest.mark.parametrize("inference", ["registry", "process"])
def test_a_fixed_list_is_refused(inference: Any) -> None:
    with pytest.raises(InputError, match="inference='r'") as caught:
        mean([NAN, NAN, 7, 8, NAN, NAN, 6, 5], censoring_weights(**GOOD), inference=inference)
    assert message(caught.value, "zh") != str(caught.value)


@pytest.mark.parametrize(("w", "code"), [(np.full(8, np.inf), "missing_or_infinite"), (np.zeros(8), "nobody_heard")])
def test_bad_weights_are_called_what_the_caller_calls_them(w: Any, code: str) -> None:
    silent, drawn = np.arange(8) % 2 == 1, np.arange(8) % 4 == 1
    y = np.where(drawn | ~silent, np.arange(8.0), NAN)
    calls = {
        "censoring_weights w": lambda: censoring_weights([1, 2, 2, 2, 1, 1, 2, 2], silent, None, w=w),
        "follow_up w": lambda: follow_up(y, ~silent, drawn, w=w), "shadow_variable w": lambda: shadow_variable(y, np.arange(8), w=w),
        "trim w": lambda: trim(w, upper=2.0), "length base_weights": lambda: length_bias_weights([3] * 8, [True] * 8, base_weights=w),
    }
    if code == "missing_or_infinite":
        calls["test weights"] = lambda: stationarity_test(np.arange(8), np.arange(8), weights=w)
    for name, call in calls.items():
        with pytest.raises(VocstatsError) as caught:
            call()
        assert (caught.value.argument, caught.value.code) == (name.split()[1], code), name
