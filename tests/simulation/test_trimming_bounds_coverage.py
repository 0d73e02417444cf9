"""Lee's bounds: limits of each bound, Imbens and Manski's interval at both ends; what response that moves both ways does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special
from simulation.judging import Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.sensitivity import lee_bounds

PAGE = "sensitivity/trimming_bounds.md"
N, EFFECT, REACH = 1000, 0.5, (0.0, 0.5)  # who is reluctant below the reach of a wave is heard in it
GRID = np.linspace(-8, 8, 160_001)


AT_EDGE = 3.0  # puts the trimmed share (.257) next to the share of the two lowest answers (.264)


def scored(latent: Floats, centre: float | None) -> Floats:
    """On five points around `centre`, or continuous."""
    return latent if centre is None else np.clip(np.round(centre + 1.5 * latent), 1, 5)


def truth(centre: float | None) -> dict[str, float]:
    """Bounds and effect by integration: reluctance is half the latent score plus a normal error."""
    density = np.exp(-(GRID**2) / 2)
    seldom, often = (density * special.ndtr(reach - 0.5 * GRID) for reach in REACH)
    mean = float(seldom @ scored(GRID, centre) / seldom.sum())
    y, share = scored(GRID + EFFECT, centre), seldom.sum() / often.sum()  # y rises with the grid
    below = np.cumsum(often) / often.sum()
    lowest, highest = (float((often * side) @ y / (often * side).sum()) for side in (below <= share, below >= 1 - share))
    return {"lower bound": lowest - mean, "upper bound": highest - mean, "effect": float(seldom @ y / seldom.sum()) - mean}


def waves(rng: np.random.Generator, *, centre: float | None = None, crossing: bool = False) -> Floats:
    """Bounds with limits of their own, the two ends as the difference, and the effect; `crossing`: the waves hear opposite people."""
    wave, latent = np.arange(N) % 2, rng.normal(size=N)
    reluctance = 0.5 * latent * (np.where(wave == 1, 1.0, -1.0) if crossing else 1.0) + rng.normal(size=N)
    heard = reluctance < np.array(REACH)[wave]
    r = lee_bounds(np.where(heard, scored(latent + EFFECT * wave, centre), np.nan), wave)
    own = [[end, error, end - 1.96 * error, end + 1.96 * error] for end, error in ((r.low, r.low_error), (r.high, r.high_error))]
    whole = [[r.low, r.low_error, r.conf_low, r.conf_high], [r.high, r.high_error, r.conf_low, r.conf_high]]
    return np.array([*own, *whole, [(r.low + r.high) / 2, np.nan, r.conf_low, r.conf_high]])


def named(centre: float | None) -> dict[str, float]:
    """What each row of `waves` is held against."""
    found = truth(centre)
    ends = {f"difference at the {name}": found[name] for name in ("lower bound", "upper bound")}
    return {name: found[name] for name in ("lower bound", "upper bound")} | ends | {"effect": found["effect"]}


STUDIES: dict[str, Any] = {
    "continuous": (waves, named(None)),
    "five points": (lambda rng: waves(rng, centre=2.6), named(2.6)),
}
FAILING: dict[str, Any] = {
    "five points, trimmed at the edge of an answer": (lambda rng: waves(rng, centre=AT_EDGE), named(AT_EDGE)),
    "waves hear opposite people": (lambda rng: waves(rng, crossing=True)[4:], {"effect": EFFECT}),
}


def run(name: str, repetitions: int = 2000) -> pd.DataFrame:
    draw, truth_of = (STUDIES | FAILING)[name]
    return repeat(draw, truth_of, repetitions=repetitions)


@pytest.mark.parametrize("name", STUDIES)
def test_a_few_repetitions(name: str) -> None:
    found = run(name, 150)
    assert_plausible(found.drop(index="effect"))
    assert found.loc["effect", "coverage"] > 0.95


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_bias_and_coverage(name: str) -> None:
    """The interval is Imbens and Manski's: exact where the effect is at an end of the bounds, and more sure inside."""
    found = run(name)
    assert_holds(found.drop(index="effect"))
    assert found.loc["effect", "coverage"] > 0.95
    assert_printed(found, PAGE, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILING)
def test_damage(name: str) -> None:
    assert_printed(run(name), PAGE, name)
