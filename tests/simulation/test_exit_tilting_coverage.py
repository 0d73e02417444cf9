"""Exit tilts: bias and coverage of every part, plain, with dealers and estimated weights; damage of a tilt of another shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import REPETITIONS, Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.estimation import Design
from vocstats.survivorship import exit_tilt
from vocstats.weighting import weight_by_propensity

PAGE = "survivorship/exit_tilting.md"
SCALE = np.arange(1.0, 11.0)
ANSWERS = np.array([[0.06, 0.08, 0.1, 0.12, 0.14, 0.14, 0.12, 0.1, 0.08, 0.06], [0.03, 0.03, 0.04, 0.05, 0.1, 0.15, 0.2, 0.2, 0.12, 0.08]])
LEFT = np.array([0.4, 0.2])  # by history
EXITS, SURVEY = np.array([0.5, 0.15]), np.array([0.3, 0.5])  # chances of being heard, by history
YOUNG = np.where(SCALE <= 5, 0.6, 0.3)  # share by answer
ALPHA = -0.4
STRAIGHT = np.exp(ALPHA * SCALE) * np.ones((2, 1))
PEAKS = (np.exp(-0.8 * SCALE) + 0.02 * (SCALE >= 9)) * np.ones((2, 1))  # the angry, and the happy who moved away
STEEP = np.exp(np.outer([-0.1, -1.0], SCALE))
PARTS = ("everybody", "active", "churned", "alpha", "misfit")
DEALERS = 100


def shares(tilt: Floats) -> Floats:
    """Of the answers, by active and churned and by history, (2, 2, 10)."""
    tilted = ANSWERS * tilt
    return np.stack([ANSWERS, tilted / tilted.sum(axis=1, keepdims=True)])


def truth(tilt: Floats) -> dict[str, float]:
    """In closed form; histories are equally frequent."""
    means, who = shares(tilt) @ SCALE, np.stack([1 - LEFT, LEFT]) / 2
    active, churned = ((who * means).sum(axis=1) / who.sum(axis=1)).tolist()
    return dict(zip(PARTS, (float((who * means).sum()), active, churned, ALPHA, 0.0), strict=True))


def cells(rng: np.random.Generator, tilt: Floats, n: int, *, young: float = 1.0, dealers: int = 0) -> dict[str, Any]:
    """Counts of n customers by churned, history, answer, age and heard; the young are heard `young` times as often.

    With dealers, each has customers of one history, and as many as the others.
    """
    gone, h, y, age, heard = (axis.ravel() for axis in np.indices((2, 2, SCALE.size, 2, 2)))
    chance = np.where(gone == 1, EXITS[h], SURVEY[h]) * np.where(age == 1, young, 1.0)
    share = np.where(gone == 1, LEFT[h], 1 - LEFT[h]) / 2 * shares(tilt)[gone, h, y]
    share = share * np.where(age == 1, YOUNG[y], 1 - YOUNG[y]) * np.where(heard == 1, chance, 1 - chance)
    own = 2 * share * (h == rng.integers(0, 2, dealers)[:, None]) if dealers else share[None, :]
    counts = rng.multinomial(n // max(dealers, 1), own / own.sum(axis=1, keepdims=True))
    dealer, row = np.nonzero(counts)
    columns = {"gone": gone == 1, "history": h, "y": SCALE[y], "young": age, "heard": heard == 1}
    return {name: column[row] for name, column in columns.items()} | {"dealer": dealer, "counts": counts[dealer, row]}


def figures(x: dict[str, Any], *, weighted: bool = False, crossed: bool = True, clustered: bool = False) -> Floats:
    options: dict[str, Any] = {"counts": x["counts"]}
    if weighted:
        cell = (4 * x["history"] + 2 * x["gone"] + x["young"]).astype(str)
        options = {"weights": weight_by_propensity({"cell": cell}, x["heard"], **options)}
    answers, design = np.where(x["heard"], x["y"], np.nan), Design(clusters=x["dealer"]) if clustered else None
    r = exit_tilt(answers, x["gone"], history=x["history"] if crossed else None, design=design, **options)
    return np.stack([r.estimate, r.std_error, r.conf_low, r.conf_high], axis=1)


def means(tilt: Floats) -> dict[str, float]:
    """Those parts that mean something under any tilt."""
    return {name: value for name, value in truth(tilt).items() if name not in ("active", "alpha")}


STUDIES: dict[str, Any] = {
    "one tilt": (lambda rng: figures(cells(rng, STRAIGHT, 20_000)), truth(STRAIGHT)),
    "dealers": (lambda rng: figures(cells(rng, STRAIGHT, 20_000, dealers=100), clustered=True), truth(STRAIGHT)),
    "estimated weights": (lambda rng: figures(cells(rng, STRAIGHT, 20_000, young=0.5), weighted=True), truth(STRAIGHT)),
}
FAILING: dict[str, Any] = {
    "tilt of two peaks": (lambda rng: figures(cells(rng, PEAKS, 2000))[[0, 2, 4]], means(PEAKS)),
    "tilt by history": (lambda rng: figures(cells(rng, STEEP, 2000))[[0, 2, 4]], means(STEEP)),
    "histories left out": (lambda rng: figures(cells(rng, STRAIGHT, 2000), crossed=False)[[0, 2, 4]], means(STRAIGHT)),
}


def run(name: str, repetitions: int) -> pd.DataFrame:
    draw, true = (STUDIES | FAILING)[name]
    return repeat(draw, true, repetitions=repetitions)


@pytest.mark.parametrize("name", STUDIES)
def test_a_few_repetitions(name: str) -> None:
    assert_plausible(run(name, 150))


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_bias_and_coverage(name: str) -> None:
    found = run(name, REPETITIONS)
    assert_holds(found)
    assert_printed(found, PAGE, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILING)
def test_damage(name: str) -> None:
    assert_printed(run(name, REPETITIONS), PAGE, name)
