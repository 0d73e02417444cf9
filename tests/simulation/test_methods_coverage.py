"""Corrections through a follow-up with refusals and through attempts, on the telecom base whose truth is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulation.judging import Floats, assert_holds, assert_plausible, repeat
from simulation.telco_worlds import AUXILIARIES, World

import vocstats as vs

SCALE = {"outcome": "score", "scale": (1, 5)}
CHANCE = np.array([np.nan, 0.30, 0.22, 0.08, 0.14, 0.28])  # of an answer at the first attempt, by score
TERMS = ("nonresponse_corrected", "survivor_corrected")
Study = tuple[Callable[[np.random.Generator], Floats], dict[str, float]]


@pytest.fixture(scope="module")
def world(data: Path) -> World:
    return World.read(data)


def truth_of(world: World, statistics: tuple[str, ...]) -> dict[str, float]:
    whole = {name: world.truth(name, np.zeros(world.score.size, int))[0] for name in statistics}
    return {f"{name} {term}": whole[name][k] for name in statistics for k, term in enumerate(TERMS)}


def figures(base: vs.CustomerBase, statistics: tuple[str, ...], **options: object) -> Floats:
    rows = []
    for statistic in statistics:
        r = vs.correct(base, statistic=statistic, **SCALE, **options)  # type: ignore[arg-type]
        rows += [[getattr(r, name)[0, t] for name in ("estimate", "std_error", "conf_low", "conf_high")] for t in (1, 2)]
    return np.array(rows)


def refusing(world: World) -> Study:
    """A follow-up of 8 % of the silent that half refuse, the more so the shorter their contract."""
    statistics = ("mean", "nps")

    def draw(rng: np.random.Generator) -> Floats:
        return figures(world.draw(rng, "c")[0], statistics, method="doubly_robust", auxiliaries=AUXILIARIES)

    return draw, truth_of(world, statistics)


def in_waves(world: World) -> Study:
    """Active customers heard at three attempts, those with strong feelings more easily; one in ten of those who left interviewed."""
    statistics = ("mean", "nps")

    def draw(rng: np.random.Generator) -> Floats:
        wave = np.full(world.score.size, np.nan)
        for k, part in enumerate((1.0, 0.6, 0.4), 1):
            wave[np.isnan(wave) & (rng.random(wave.size) < part * CHANCE[world.score.astype(int)])] = k
        heard = np.flatnonzero(~world.churned & ~np.isnan(wave))
        gone = rng.choice(np.flatnonzero(world.churned), 190, replace=False)
        answers = pd.DataFrame({"id": world.registry["id"], "score": world.score, "wave": wave})
        sources = {"survey": vs.Source(answers.iloc[heard], attempt="wave"), "exit_interview": answers.iloc[gone]}
        base = vs.CustomerBase.from_frames(world.registry, id="id", churned="churned", answers=sources)
        return figures(base, statistics, method="callbacks")

    return draw, truth_of(world, statistics)


def test_a_few_corrections_through_refusals(world: World) -> None:
    assert_plausible(repeat(*refusing(world), repetitions=6, seed=7))


def test_a_few_corrections_through_attempts(world: World) -> None:
    found = repeat(*in_waves(world), repetitions=8, seed=7)
    assert (found["coverage"] >= 0.75).all(), found


@pytest.mark.slow
def test_corrections_through_refusals_cover(world: World) -> None:
    assert_holds(repeat(*refusing(world), repetitions=500))


@pytest.mark.slow
def test_corrections_through_attempts_cover(world: World) -> None:
    """The likelihood is flat, so the estimate may stand anywhere in its range; the range holds the truth."""
    found = repeat(*in_waves(world), repetitions=500)
    assert found["coverage"].between(0.92, 0.98).all(), found
