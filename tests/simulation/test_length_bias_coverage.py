"""Weights by length: bias and coverage of mean duration and score, all left or followed for two years; damage of a growing inflow."""

from __future__ import annotations

import numpy as np
import pytest
from simulation.judging import Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.estimation import mean
from vocstats.survivorship import length_bias_weights

PAGE = "survivorship/length_bias.md"
STOCK, SHAPE, SCALE, FOLLOW_UP, DOUBLING = 4000, 4.0, 9.0, 24.0, 24.0
MEAN = SHAPE * SCALE
TRUTH = {"mean duration": MEAN, "mean score": float(8.0 - 3.0 * (1 + SCALE / 12.0) ** -SHAPE)}
EDGES = np.linspace(0.0, 480.0, 481)
ARRIVALS = -DOUBLING / np.log(2) * np.diff(2 ** (-EDGES / DOUBLING))  # a month's joiners, halved with every two years back


def stock(rng: np.random.Generator, growing: bool) -> tuple[Floats, Floats, Floats]:
    """Tenure, time until leaving and score of those met: Gamma durations, longer ones met more often, long-standing ones happier."""
    n = STOCK * 4 if growing else STOCK
    t = rng.gamma(SHAPE + 1, SCALE, n)
    a = t * rng.random(n)
    kept = rng.random(n) < 2 ** (-a / DOUBLING) if growing else np.ones(n, bool)
    t, a = t[kept][:STOCK], a[kept][:STOCK]
    return a, t - a, 8.0 - 3.0 * np.exp(-t / 12.0) + rng.normal(0, 1, t.size)


def figures(rng: np.random.Generator, *, growing: bool = False, followed: bool = False, known: bool = False) -> Floats:
    """Mean duration and score: estimate, error, limits."""
    a, v, score = stock(rng, growing)
    ended = v <= FOLLOW_UP if followed else np.ones(a.size, bool)
    w = length_bias_weights(
        a + np.where(ended, v, FOLLOW_UP), ended, follow_up=FOLLOW_UP if followed else None, inflow=(EDGES, ARRIVALS) if known else None
    )
    found = [mean(y, w) for y in (a + v, score)]
    return np.array([[float(each) for each in (e.estimate, e.std_error, e.conf_low, e.conf_high)] for e in found])


@pytest.mark.parametrize("followed", [False, True])
def test_coverage_in_ci(followed: bool) -> None:
    assert_plausible(repeat(lambda rng: figures(rng, followed=followed), TRUTH, repetitions=200))


def test_damage_in_ci() -> None:
    found = repeat(lambda rng: figures(rng, growing=True), TRUTH, repetitions=100)
    assert (found["coverage"] < 0.8).all() and (found["bias"] < -10 * found["mc_error"]).all()
    assert_plausible(repeat(lambda rng: figures(rng, growing=True, known=True), TRUTH, repetitions=150))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("study", "options"),
    [("all have left", {}), ("followed for 24", {"followed": True}), ("inflow doubles, known", {"growing": True, "known": True})],
)
def test_coverage(study: str, options: dict[str, bool]) -> None:
    found = repeat(lambda rng: figures(rng, **options), TRUTH, repetitions=2000)
    assert_holds(found)
    assert_printed(found, PAGE, study)


@pytest.mark.slow
def test_damage_of_an_inflow_that_doubles() -> None:
    assert_printed(repeat(lambda rng: figures(rng, growing=True), TRUTH, repetitions=2000), PAGE, "inflow doubles")


def at_constant_hazard(rng: np.random.Generator) -> Floats:
    """Mean duration from a stock of 300 of whom many leave soon: one over a duration has no variance."""
    t = rng.gamma(2.0, MEAN, 300)
    e = mean(t, length_bias_weights(t, np.ones(300, bool)))
    return np.array([[float(each) for each in (e.estimate, e.std_error, e.conf_low, e.conf_high)]])


@pytest.mark.slow
def test_damage_of_durations_close_to_zero() -> None:
    assert_printed(repeat(at_constant_hazard, {"mean duration": MEAN}, repetitions=2000), PAGE, "constant hazard, 300")
