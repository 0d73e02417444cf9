"""Quantiles: their definition by brute force, properties, limits that cover also where scores are tied."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import InputError
from vocstats.estimation import Design, Estimate, difference, quantile, replicate
from vocstats.estimation.axis import axis_of
from vocstats.estimation.quantiles import Distribution
from vocstats.options import Inference, QuantileInterval
from vocstats.texts import message
from vocstats.weighting import poststratify

COLUMNS = ("estimate", "std_error", "conf_low", "conf_high", "df", "n")


def same(a: Estimate, b: Estimate) -> None:
    for column in COLUMNS:
        np.testing.assert_allclose(getattr(a, column), getattr(b, column), rtol=1e-9, err_msg=column)


def smallest(y: Any, w: Any, q: float) -> float:
    """min{y: F(y) >= q} by trying every answer."""
    return float(min(value for value in y if w[y <= value].sum() >= q * w.sum() - 1e-12))


@pytest.mark.parametrize("q", [0.001, 0.1, 0.5, 0.75, 0.999])
def test_definition(q: float) -> None:
    rng = np.random.default_rng(0)
    y, w, by = rng.integers(1, 11, 200) * 1.0, rng.integers(0, 4, 200) * 1.0, rng.integers(0, 9, 200)
    e = quantile(y, w, q=q, by=by)
    for d in range(9):
        inside = (by == d) & (w > 0)
        assert e.estimate[d] == smallest(y[inside], w[inside], q)
    axis = axis_of(y, w, None, by, None, "r", 0.95)
    masses = rng.integers(0, 3, (200, 7)) * w[:, None]
    table = Distribution.of(axis, y, school=False).at(np.full(9, q), masses)
    for d in range(9):
        for b in range(7):
            inside = (by == d) & (masses[:, b] > 0)
            wanted = smallest(y[inside], masses[inside, b], q) if inside.any() else np.nan
            np.testing.assert_equal(table[d, b], wanted)


def test_exact_meetings_do_not_depend_on_rounding() -> None:
    y = np.arange(1.0, 11.0)
    for w in (np.ones(10), np.full(10, 1 / 3), np.full(10, 0.1)):
        assert quantile(y, w).estimate == 5.0
        assert quantile(y, w, rule="school").estimate == 5.5
    assert quantile([1, 2, 2, 9], rule="school", q=0.25).estimate == 1.5
    assert quantile([1, 2, 2, 9], rule="school", q=0.3).estimate == 2.0


@pytest.mark.parametrize("interval", ["woodruff", "mean", "beta", "xlogit", "asin"])
@pytest.mark.parametrize("inference", ["r", "registry", "process"])
def test_counts_zero_weights_and_order(interval: QuantileInterval, inference: Inference) -> None:
    rng = np.random.default_rng(1)
    y, w, by, counts = rng.normal(size=150), rng.uniform(1, 4, 150), rng.integers(0, 2, 150), rng.integers(1, 4, 150)
    rows = rng.permutation(np.repeat(np.arange(150), counts))
    options: dict[str, Any] = {"interval": interval, "inference": inference, "q": 0.4}
    same(quantile(y, w, by=by, counts=counts, **options), quantile(y[rows], w[rows], by=by[rows], **options))
    zero = np.where(np.arange(150) % 3 == 0, 0.0, w)
    kept = zero > 0
    same(quantile(np.where(kept, y, np.nan), zero, by=by, **options), quantile(y[kept], w[kept], by=by[kept], **options))


def test_increasing_transformations_carry_over() -> None:
    rng = np.random.default_rng(2)
    y, w = rng.normal(size=200), rng.uniform(1, 4, 200)
    plain, moved = quantile(y, w, q=0.3), quantile(np.exp(y), w, q=0.3)
    for column in ("estimate", "conf_low", "conf_high"):
        assert getattr(moved, column) == pytest.approx(np.exp(getattr(plain, column)))


def test_few_equal_single_and_none() -> None:
    e = quantile([5.0, 5, 5, 5, 7, np.nan], [1, 1, 1, 1, 1, 0.0], by=["a", "a", "a", "a", "b", "c"])
    assert e.estimate.tolist()[:2] == [5, 7] and np.isnan(e.estimate[2])
    assert (e.conf_low[0], e.conf_high[0], e.std_error[0]) == (5, 5, 0)
    assert np.isnan(e.std_error[1:]).all() and np.isnan(e.conf_low[1:]).all()
    few = quantile([3.0, 4, 8, 9], q=0.9, interval="woodruff")
    assert few.estimate == 9 and np.isnan(few.conf_high), "four answers leave the upper end open"


def test_a_census_knows_its_quantile() -> None:
    for y in ([1.0, 0, 1, 1, 0, 1], [1.0, 2, 3, 4, 5, 6]):
        e = quantile(y, design=Design(fpc=np.full(6, 6.0)), inference="registry")
        assert (e.conf_low, e.conf_high, e.std_error) == (e.estimate, e.estimate, 0)


def test_influence_carries_the_standard_error() -> None:
    rng = np.random.default_rng(3)
    y, w, by = rng.normal(size=400), rng.uniform(1, 3, 400), rng.integers(0, 2, 400)
    e = quantile(y, w, by=by)
    np.testing.assert_allclose(np.sqrt(400 / 399 * (e.influence**2).sum(0)), e.std_error)
    both = difference(e, quantile(y, w, by=by, q=0.25))
    assert (both.std_error > 0).all() and (both.std_error < np.hypot(e.std_error, quantile(y, w, by=by, q=0.25).std_error)).all()


def test_bootstrap_agrees_with_woodruff_through_a_chain() -> None:
    rng = np.random.default_rng(4)
    group = rng.integers(0, 3, 900)
    y = group + rng.normal(size=900)
    w = poststratify(group, {0: 500.0, 1: 400.0, 2: 300.0})
    reps = replicate(w, replicates=200, seed=2)
    spread, woodruff, linear = quantile(y, reps, interval="replicates"), quantile(y, reps), quantile(y, w)
    assert spread.estimate == woodruff.estimate == linear.estimate
    assert spread.std_error == pytest.approx(linear.std_error, rel=0.3)
    assert woodruff.std_error == pytest.approx(linear.std_error, rel=0.2)


def coverage(draw: Any, truth: float, interval: QuantileInterval, q: float, n: int = 80, samples: int = 1500) -> float:
    rng = np.random.default_rng(5)
    y, w = draw(rng, n * samples), rng.uniform(1, 2, n * samples)
    e = quantile(y, w, q=q, by=np.arange(n * samples) // n, interval=interval)
    return float(np.mean((e.conf_low <= truth) & (truth <= e.conf_high)))


@pytest.mark.parametrize("interval", ["woodruff", "mean"])
def test_continuous_answers_are_covered(interval: QuantileInterval) -> None:
    assert abs(coverage(lambda rng, n: rng.lognormal(size=n), 1.0, interval, 0.5) - 0.95) < 0.018


def test_tied_scores_are_covered_by_woodruff_and_not_by_limits_around_the_jump() -> None:
    """51 % answer 7 or less, 89 % 8 or less: the median is 7, half the samples say 8, and F jumps to .89 there."""
    def draw(rng: np.random.Generator, n: int) -> Any:
        return rng.choice([5.0, 7.0, 8.0, 10.0], n, p=[0.2, 0.31, 0.38, 0.11])

    assert coverage(draw, 7.0, "woodruff", 0.5) >= 0.95 - 0.018
    assert coverage(draw, 7.0, "mean", 0.5) < 0.75


@pytest.mark.parametrize(
    ("options", "code"),
    [({"q": 0.0}, "out_of_bounds"), ({"q": 50}, "out_of_bounds"), ({"rule": "hf7"}, "not_a_choice"),
     ({"interval": "score"}, "not_a_choice"), ({"interval": "replicates"}, "no_replicates")],
)  # fmt: skip
def test_refusals(options: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        quantile([1.0, 2, 3], **options)
    assert caught.value.code == code and message(caught.value, "zh")


def test_the_jackknife_of_a_quantile_is_refused() -> None:
    reps = replicate(np.ones(20), method="jackknife")
    with pytest.raises(InputError, match="jackknife"):
        quantile(np.arange(20.0), reps, interval="replicates")
    assert quantile(np.arange(20.0), reps).std_error == pytest.approx(quantile(np.arange(20.0), design=Design()).std_error, rel=0.2)
