"""Customers who bought up to five years ago, score, leave and answer: a world whose truth is known exactly.

A month as customer ends with probability h(x, y): who leaves depends on a characteristic x and, unless `fair`, on the score y itself.
The score falls by one point after two years, and by two at leaving. Active customers answer, and leavers are interviewed, by x alone.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

import vocstats as vs

MONTHS, GRID = 60, (12, 24, 36, 60)
LEVELS = np.array(["fleet", "online", "showroom"], object)
SHARES = np.array([0.3, 0.3, 0.4])
SCORES = np.arange(1, 11)
GIVEN_X = np.array([np.exp(-((SCORES - centre) ** 2) / (2 * 1.8**2)) for centre in (5.5, 7.0, 8.5)])
GIVEN_X /= GIVEN_X.sum(axis=1, keepdims=True)
WATCHED = 18  # months the list reaches back, where it does not hold everybody


def hazard(x: np.ndarray, y: np.ndarray, *, fair: bool) -> np.ndarray:
    """Probability to leave in a month."""
    by_x = np.array([0.030, 0.018, 0.008])[x]
    return by_x if fair else by_x * np.exp(-0.25 * (y - 7.0))


def scored(y: np.ndarray, tenure: np.ndarray) -> np.ndarray:
    """What a customer says at a tenure."""
    return np.maximum(y - (tenure > 24), 1)


def truth(*, fair: bool) -> np.ndarray:
    """(bands, 2): mean of everybody who bought, leavers by what they said then; and had nobody left."""
    x, y = (table.ravel() for table in np.meshgrid(np.arange(3), SCORES, indexing="ij"))
    mass = (SHARES[:, None] * GIVEN_X).ravel()
    stays = (1 - hazard(x, y, fair=fair))[:, None] ** np.arange(1, MONTHS + 1)
    now = scored(y[:, None], np.arange(1, MONTHS + 1))
    everybody = mass @ (stays * now + (1 - stays) * np.maximum(y - 2, 1)[:, None])
    edges = (0, *GRID)
    return np.array([[everybody[a:b].mean(), (mass @ now)[a:b].mean()] for a, b in zip(edges[:-1], edges[1:], strict=True)])


def draw(rng: np.random.Generator, n: int, *, fair: bool, truncated: bool = False, exits_by_score: bool = False) -> vs.CustomerBase:
    """A base of the customers listed: all `n` who bought, or those of them who were customers in the last `WATCHED` months."""
    x = rng.choice(3, n, p=SHARES)
    y = 1 + (rng.random(n)[:, None] > np.cumsum(GIVEN_X, axis=1)[x]).sum(axis=1)
    bought = rng.integers(1, MONTHS + 1, n)
    stays = rng.geometric(hazard(x, y, fair=fair))
    left = stays <= bought
    tenure, entry = np.minimum(stays, bought), np.maximum(bought - WATCHED, 0)
    score = np.where(left, np.maximum(y - 2, 1), scored(y, tenure))
    chance = np.where(left, 0.5 if not exits_by_score else np.where(score <= 4, 0.6, 0.2), np.array([0.3, 0.4, 0.6])[x])
    heard = rng.random(n) < chance
    registry = pd.DataFrame({"id": np.arange(n), "tenure": tenure, "entry": entry, "left": left, "channel": LEVELS[x]})
    listed = tenure > entry if truncated else np.ones(n, bool)
    answers = pd.DataFrame({"id": np.arange(n), "score": score})
    return vs.CustomerBase.from_frames(
        registry[listed], id="id", churned="left",
        answers={"survey": answers[listed & heard & ~left], "exit_interview": answers[listed & heard & left]},
    )
