"""Do the intervals of satisfaction by tenure hold the truth as often as they say, and what happens when an assumption fails?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import Floats, assert_holds, assert_plausible, assert_printed, repeat
from simulation.tenure_worlds import GRID, draw, truth

import vocstats as vs

PAGE = "workflows/cohorts.md"
CUSTOMERS = 2000
COLUMNS = ("estimate", "std_error", "conf_low", "conf_high")
EVERYBODY, NOBODY_LEFT = 0, 1
WORLDS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "everybody followed, leaving follows what is known": ({"fair": True}, (EVERYBODY, NOBODY_LEFT)),
    "listed late, leaving follows what is known": ({"fair": True, "truncated": True}, (EVERYBODY, NOBODY_LEFT)),
    "listed late, leaving follows the score": ({"fair": False, "truncated": True}, (EVERYBODY,)),
}
DAMAGE: dict[str, tuple[dict[str, Any], int]] = {
    "leaving follows the score": ({"fair": False}, NOBODY_LEFT),
    "the angry are interviewed three times as often": ({"fair": False, "exits_by_score": True}, EVERYBODY),
}


def study(options: dict[str, Any], terms: tuple[int, ...], repetitions: int) -> pd.DataFrame:
    """Bias and coverage of some terms in every band."""
    wanted = truth(fair=options["fair"])
    true = {f"{('everybody who bought', 'had nobody left')[t]}, to month {end}": wanted[k, t] for t in terms for k, end in enumerate(GRID)}

    def once(rng: np.random.Generator) -> Floats:
        base, entry = draw(rng, CUSTOMERS, **options), "entry" if options.get("truncated") else None
        r = vs.track_cohorts(base, outcome="score", scale=(1, 10), tenure="tenure", entry=entry, grid=GRID, auxiliaries=["channel"])
        return np.concatenate([np.column_stack([getattr(r, name)[0, :, 1 + t] for name in COLUMNS]) for t in terms])

    return repeat(once, true, repetitions=repetitions)


@pytest.mark.parametrize("world", WORLDS)
def test_a_few_repetitions(world: str) -> None:
    assert_plausible(study(*WORLDS[world], repetitions=6))


def test_the_damage_shows_in_a_few_repetitions() -> None:
    options, term = DAMAGE["leaving follows the score"]
    found = study(options, (term,), repetitions=5)
    assert (found["bias"].iloc[1:] > 0.1).all()


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS)
def test_intervals_hold_the_truth(world: str) -> None:
    assert_holds(study(*WORLDS[world], repetitions=500))


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGE)
def test_the_page_prints_the_damage(name: str) -> None:
    options, term = DAMAGE[name]
    assert_printed(study(options, (term,), repetitions=500), PAGE, name)
