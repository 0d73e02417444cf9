"""Mechanisms that keep the dissatisfied out: not invited, not to be reached, or their record deleted.

A dealer with strength s keeps out that share of the customers who would give a score below the top box. He does not know it before
they answer: he leaves out those who seem least satisfied to him, with an error of `MISREAD`, until the share is reached, and some
satisfied ones with them. Records he has read, and only those below the top box are deleted.
"""

from __future__ import annotations

import numpy as np

from .._checks import Floats, Integers
from .dealer_visits import TOP, Dealers, Visits, grade
from .population import Bools

MISREAD = 0.7


def kept_out(
    rng: np.random.Generator, dealers: Dealers, visits: Visits, mechanism: str, strength: Floats, *, misread: float = MISREAD
) -> Bools:
    """Visits kept out by one mechanism; `strength` is per dealer, 0 for those who do not use it."""
    asked = (visits.heard if mechanism == "deleted_records" else visits.invited) & ~visits.drawn & (strength[visits.dealer] > 0)
    rows = np.flatnonzero(asked)
    dealer, latent = visits.dealer[rows], visits.latent[rows]
    low = grade(latent + dealers.gap[dealer]) < TOP
    number = np.floor(strength * np.bincount(dealer[low], minlength=dealers.count) + rng.random(dealers.count))
    order = np.lexsort((latent + rng.normal(0.0, misread, rows.size), dealer))
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
