"""Refreshment weights: bias and coverage of what needs both periods, level of the test; damage where the two scores interact."""

from __future__ import annotations

import numpy as np
import pytest
from simulation.judging import SEED, Floats, assert_holds, assert_plausible, assert_printed, repeat
from survivorship.test_refreshment import FIRST, JOINT, SECOND, STAY, drawn, fell

from vocstats.estimation import mean
from vocstats.survivorship import refreshment_weights

PAGE = "survivorship/refreshment.md"
PANEL, FRESH = 4000, 3000
SHARE = JOINT.ravel()
TRUTH = {
    "fell from 3 or 4 to 1 or 2": float(SHARE @ ((FIRST >= 3) & (SECOND <= 2))),
    "covariance of the scores": float(SHARE @ ((FIRST - 2.5) * (SECOND - 2.5))),
    "change of the mean": float(SHARE @ (SECOND - FIRST)),
}
EFFECT = {"log odds, y2 = 4 against 1": 3 * STAY["y2"]}
INTERACTION = 0.35


def fitted(rng: np.random.Generator, interaction: float) -> Floats:
    """Shares, products and changes of the weighted stayers, and one coefficient: estimate, error, limits."""
    data = drawn(rng, PANEL, FRESH, interaction=interaction)
    r = refreshment_weights(**data)
    first, second = np.nan_to_num(data["y1"]), np.nan_to_num(data["y2"])
    figures = [mean(y, r.weights) for y in (fell(data), (first - 2.5) * (second - 2.5), second - first)]
    rows = [[float(each) for each in (e.estimate, e.std_error, e.conf_low, e.conf_high)] for e in figures]
    c = r.coefficients
    return np.array([*rows, [c.estimate[-1], c.std_error[-1], c.conf_low[-1], c.conf_high[-1]]])


def naive(rng: np.random.Generator, interaction: float) -> Floats:
    """The same of those who stayed, as they are."""
    data = drawn(rng, PANEL, FRESH, interaction=interaction)
    w = np.where(data["refreshment"] | np.isnan(data["y2"]), 0.0, 1.0)
    first, second = np.nan_to_num(data["y1"]), np.nan_to_num(data["y2"])
    figures = [mean(y, w, counts=data["counts"]) for y in (fell(data), (first - 2.5) * (second - 2.5), second - first)]
    return np.array([[float(each) for each in (e.estimate, e.std_error, e.conf_low, e.conf_high)] for e in figures])


def rejections(rng: np.random.Generator, y2: float, repetitions: int) -> float:
    """Share of samples in which the test at 5 % finds that attrition depends on the second score."""
    p = [refreshment_weights(**drawn(rng, PANEL, FRESH, y2=y2)).missing_at_random.p_value for _ in range(repetitions)]
    return float(np.mean(np.array(p) < 0.05))


def test_coverage_in_ci() -> None:
    assert_plausible(repeat(lambda rng: fitted(rng, 0.0), TRUTH | EFFECT, repetitions=60))


def test_damage_in_ci() -> None:
    found = repeat(lambda rng: fitted(rng, INTERACTION)[:3], TRUTH, repetitions=40)
    assert found["coverage"].iloc[0] < 0.85 and abs(found["bias"].iloc[2]) < 5 * found["mc_error"].iloc[2]


@pytest.mark.slow
def test_coverage() -> None:
    found = repeat(lambda rng: fitted(rng, 0.0), TRUTH | EFFECT, repetitions=2000)
    assert_holds(found)
    assert_printed(found, PAGE, "assumptions hold")
    assert_printed(repeat(lambda rng: naive(rng, 0.0), TRUTH, repetitions=2000), PAGE, "assumptions hold, unweighted")


@pytest.mark.slow
def test_damage_of_an_interaction() -> None:
    assert_printed(repeat(lambda rng: fitted(rng, INTERACTION)[:3], TRUTH, repetitions=2000), PAGE, "scores interact")
    assert_printed(repeat(lambda rng: naive(rng, INTERACTION), TRUTH, repetitions=2000), PAGE, "scores interact, unweighted")


@pytest.mark.slow
def test_level_of_the_test() -> None:
    assert abs(rejections(np.random.default_rng(SEED), 0.0, 1000) - 0.05) < 3 * (0.05 * 0.95 / 1000) ** 0.5
