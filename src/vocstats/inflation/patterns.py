"""Patterns of practice: which signals rise together at a dealer, by what he does."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import numpy as np
from scipy import special

from ..results import Floats

TYPICAL = 200.0  # responses the normal scores of the table refer to
_OWN_WAYS = 400.0  # responses whose error of measurement is as large as the honest spread between dealers
_UNLISTED = 3.0  # normal score of a signal the table does not know
FARTHEST = 6.0
LEVEL = "level_excess"
NOT_COUNTED = (LEVEL, "straightlining")  # honest stars have high levels; no practice makes answers more equal
USUAL = -0.5  # normal score of the level from which on dealers count alike
_LOW_SLOPE = 1.5  # of the log likelihood ratio below it
AMPLITUDES = (0.5, 1.0, 1.5)  # how much of the pattern


@cache
def practices() -> dict[str, dict[str, float]]:
    """Expected normal scores of the signals, by practice."""
    table: dict[str, dict[str, float]] = tomllib.loads(files(__package__).joinpath("patterns.toml").read_text(encoding="utf-8"))
    return table


def expected_scores(names: tuple[str, ...]) -> Floats:
    """Normal scores of the signals (patterns, S) at a dealer of typical size; a signal no practice is known to move is one by itself."""
    known = practices().values()
    rows = [[practice.get(name, 0.0) for name in names] for practice in known]
    unlisted = [k for k, name in enumerate(names) if name not in NOT_COUNTED and not any(name in practice for practice in known)]
    return np.array([*rows, *(_UNLISTED * np.eye(len(names))[unlisted])]).reshape(-1, len(names))


def growth(n: Floats) -> Floats:
    """How much farther than at a typical dealer n responses lift a score: √n, until the honest spread rules; 1 where n is not known."""
    known = np.where(n > 0, n, TYPICAL)
    return np.asarray(np.sqrt(known / (known + _OWN_WAYS) * (TYPICAL + _OWN_WAYS) / TYPICAL))


def shifts(expected: Floats, growths: Floats) -> Floats:
    """Shifts of the normal scores (patterns · amplitudes, S) at dealers of one size."""
    return np.asarray(np.minimum(np.concatenate([amplitude * expected * growths for amplitude in AMPLITUDES]), FARTHEST))


def low_level(z: Floats) -> Floats:
    """Log likelihood ratio of a level's normal scores: 1.5 less for each below -1/2, its exponential 1 in the mean of N(0, 1)."""
    mean = special.ndtr(-USUAL) + np.exp(_LOW_SLOPE * (0.5 * _LOW_SLOPE - USUAL)) * special.ndtr(USUAL - _LOW_SLOPE)
    return np.asarray(_LOW_SLOPE * np.minimum(z - USUAL, 0.0) - np.log(mean))
