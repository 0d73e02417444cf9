"""R-indicators: the adjusted square is unbiased, limits hold R; what a characteristic left out of the model hides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.sensitivity import r_indicator

PAGE = "sensitivity/representativity.md"
A, B = (column.ravel() for column in np.meshgrid(np.arange(4), np.arange(3)))
CHANCE = 1 / (1 + np.exp(-(-0.4 + np.array([0, 0.3, 0.1, -0.5])[A] + np.array([0, 0.4, -0.2])[B])))
X, HEARD = {"a": np.tile(A, 2).astype(str), "b": np.tile(B, 2).astype(str)}, np.repeat([True, False], A.size)
TRUTH = {"S squared": float(CHANCE.var()), "R": 1 - 2 * float(CHANCE.std())}


def figures(rng: np.random.Generator, *, asked: int = 200, columns: tuple[str, ...] = ("a", "b"), adjusted: bool = True) -> Floats:
    """S squared and R with their limits, of 12 cells of `asked` customers."""
    n = rng.binomial(asked, CHANCE)
    r = r_indicator({name: X[name] for name in columns}, HEARD, counts=np.concatenate([n, asked - n]), partials=False)
    low, high, s = (1 - r.conf_high) / 2, (1 - r.conf_low) / 2, r.deviation if adjusted else (1 - r.unadjusted) / 2
    return np.array([[s**2, s * r.std_error, low**2, high**2], [1 - 2 * s, r.std_error, r.conf_low, r.conf_high]])


STUDIES: dict[str, Any] = {
    "12 cells of 200": (figures, TRUTH),
    "12 cells of 60": (lambda rng: figures(rng, asked=60), TRUTH),
}
FAILING: dict[str, Any] = {
    "without the adjustment, cells of 60": (lambda rng: figures(rng, asked=60, adjusted=False), TRUTH),
    "one characteristic left out": (lambda rng: figures(rng, columns=("b",)), TRUTH),
}


def run(name: str, repetitions: int = 2000) -> pd.DataFrame:
    draw, truth = (STUDIES | FAILING)[name]
    return repeat(draw, truth, repetitions=repetitions)


def test_a_few_repetitions() -> None:
    assert_plausible(run("12 cells of 200", 200).loc[["S squared"]])
    rough = run("without the adjustment, cells of 60", 200).loc["S squared"]
    assert rough["bias"] > 6 * rough["mc_error"]


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_bias_and_coverage(name: str) -> None:
    found = run(name)
    assert_holds(found.loc[["S squared"]])
    assert_holds(found.loc[["R"]], slack=0.1)  # a root
    assert_printed(found, PAGE, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILING)
def test_damage(name: str) -> None:
    assert_printed(run(name), PAGE, name)
