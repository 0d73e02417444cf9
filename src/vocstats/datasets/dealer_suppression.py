"""Mechanisms that keep the dissatisfied out: not invited, not to be reached, or their record deleted.

A dealer with strength s keeps out that share of the customers who would give a score below the top box. He does not know it before
they answer: he leaves out those who seem least satisfied to him until the share is reached, and some satisfied ones with them. What
seems so is the satisfaction with an error of `MISREAD`, and what anybody can see of it (repeat repair, long wait) counts for him
`VISIBLE` times more than it should. Records he has read, and only those below the top box are deleted.
"""

from __future__ import annotations

import numpy as np

from .._checks import Floats, Integers
from .dealer_visits import EFFECTS, TOP, Dealers, Visits, grade, total_effect
from .population import Bools

MISREAD, CAREFUL_MISREAD = 0.7, 1.0
VISIBLE = 1.0


def kept_out(
    rng: np.random.Generator, dealers: Dealers, visits: Visits, mechanism: str, strength: Floats, *, careful: bool
) -> Bools:
    """Visits kept out by one mechanism; `strength` is per dealer, 0 for those who do not use it.

    The careful are not taken in by what anybody can see, and err more.
    """
    asked = (visits.heard if mechanism == "deleted_records" else visits.invited) & ~visits.drawn & (strength[visits.dealer] > 0)
    rows = np.flatnonzero(asked)
    dealer, latent = visits.dealer[rows], visits.latent[rows]
    low = grade(latent + dealers.gap[dealer]) < TOP
    number = np.floor(strength * np.bincount(dealer[low], minlength=dealers.count) + rng.random(dealers.count))
    visible = 0.0 if careful or mechanism == "deleted_records" else VISIBLE * total_effect(visits.case, EFFECTS)[rows]
    seems = latent + visible + rng.normal(0.0, CAREFUL_MISREAD if careful else MISREAD, rows.size)
    order = np.lexsort((seems, dealer))
    left_out: Integers = np.cumsum(low[order]) - low[order]  # of the low ones before each, at this dealer and those before
    left_out -= left_out[first_of(dealer)][dealer[order]]
    chosen = order[left_out < number[dealer[order]]]
    out = np.zeros(visits.size, bool)
    out[rows[chosen[low[chosen]] if mechanism == "deleted_records" else chosen]] = True
    return out


def first_of(group: Integers) -> Integers:
    """Position of the first row of each group among the rows sorted by group."""
    sizes = np.bincount(group)
    return np.asarray(np.cumsum(sizes) - sizes)


def rank_within(group: Integers, key: Floats | Integers) -> Integers:
    """Rank from 0 of each `key` within its group."""
    order = np.lexsort((key, group))
    rank = np.empty(group.size, np.intp)
    rank[order] = np.arange(group.size) - first_of(group)[group[order]]
    return rank
