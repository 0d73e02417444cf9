"""Shifts by group: coverage where the shift is known, at a corner of the box, and beyond it."""

from __future__ import annotations

import numpy as np
import pytest
from simulation.judging import Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.sensitivity import design_shift

PAGE = "sensitivity/design_shifts.md"
ANSWERS = 600
SHARE = 0.4
LEVELS = np.arange(1.0, 12.0)  # 1 to 10; one more where the telephone adds to a 10
MASS = np.array([0.03, 0.04, 0.05, 0.06, 0.1, 0.13, 0.18, 0.2, 0.13, 0.08])
TRUTH = {"mean": float(MASS @ LEVELS[:10])}


def figures(rng: np.random.Generator, added: float, declared: float | tuple[float, float]) -> Floats:
    """Middle of the range with its error, and the limits that cover the whole range; the telephone adds up to two points by chance."""
    telephone = rng.random(ANSWERS) < SHARE
    honest = rng.choice(LEVELS[:10], ANSWERS, p=MASS)
    up = np.floor(added) + (rng.random(ANSWERS) < added % 1)
    r = design_shift(honest + up * telephone, np.where(telephone, "telephone", "web"), {"telephone": declared})
    middle = r.shifted
    return np.array([[float(each) for each in (middle.estimate, middle.std_error, r.lowest.conf_low, r.highest.conf_high)]])


def test_coverage_in_ci() -> None:
    assert_plausible(repeat(lambda rng: figures(rng, 0.6, -0.6), TRUTH, repetitions=200))


def test_damage_in_ci() -> None:
    assert repeat(lambda rng: figures(rng, 2.0, (-1.0, -0.2)), TRUTH, repetitions=60)["coverage"].iloc[0] < 0.5


@pytest.mark.slow
def test_coverage() -> None:
    found = repeat(lambda rng: figures(rng, 0.6, -0.6), TRUTH, repetitions=2000)
    assert_holds(found)
    assert_printed(found, PAGE, "adds 0.6, declared -0.6")


@pytest.mark.slow
@pytest.mark.parametrize("added", [0.6, 1.0, 1.5, 2.0])
def test_inside_and_beyond_the_box(added: float) -> None:
    found = repeat(lambda rng: figures(rng, added, (-1.0, -0.2)), TRUTH, repetitions=2000)
    assert_printed(found, PAGE, f"adds {added:g}, declared -1 to -0.2")
    assert (found["coverage"].iloc[0] > 0.95) == (added <= 1)
