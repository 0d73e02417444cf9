"""Mechanisms that keep the dissatisfied out: not invited, not to be reached, or their record deleted.

Of the customers a dealer with strength s would otherwise have heard as dissatisfied (score below the top box), he keeps out as
many as s times their number: those who seem least satisfied to him. What seems so is the satisfaction with an error of `MISREAD`;
a given answer is read as it is, so only records below the top box are deleted.
"""

from __future__ import annotations

import numpy as np

from .._checks import Floats, Integers
from .dealer_visits import TOP, Dealers, Visits, grade
from .population import Bools

MISREAD = 0.5


def kept_out(
    rng: np.random.Generator, dealers: Dealers, visits: Visits, mechanism: str, strength: Floats, *, misread: float = MISREAD
) -> Bools:
    """Visits kept out by one mechanism; `strength` is per dealer, 0 for those who do not use it."""
    asked = (visits.heard if mechanism == "deleted_records" else visits.invited) & ~visits.drawn & (strength[visits.dealer] > 0)
    rows = np.flatnonzero(asked)
    dealer, latent = visits.dealer[rows], visits.latent[rows]
    low = grade(latent + dealers.gap[dealer]) < TOP
    number = np.floor(strength * np.bincount(dealer[low], minlength=dealers.count) + rng.random(dealers.count))
    if mechanism == "deleted_records":
        rows, dealer, latent = rows[low], dealer[low], latent[low]
    out = np.zeros(visits.size, bool)
    out[rows[rank_within(dealer, latent + rng.normal(0.0, misread, rows.size)) < number[dealer]]] = True
    return out


def rank_within(group: Integers, key: Floats | Integers) -> Integers:
    """Rank from 0 of each `key` within its group."""
    order = np.lexsort((key, group))
    sizes = np.bincount(group)
    first = np.cumsum(sizes) - sizes
    rank = np.empty(group.size, np.intp)
    rank[order] = np.arange(group.size) - first[group[order]]
    return rank
