"""The engaged, the silent, the never invited and the churned of each domain: customers, answers, mean and standard error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..customer_base import GROUPS, Cells
from ..results import Floats, Integers
from .corrected_score import PARTS
from .domains import Domains
from .pools import ACTIVE, CHURNED_ANSWERED, CHURNED_REST, ENGAGED, SILENT

_ENGAGED, _SILENT, _NOT_INVITED, _CHURNED = range(len(PARTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTable:
    """Arrays (D, 4) in the order of `PARTS`; NaN where nobody speaks for a part or it has no customers."""

    customers: Integers
    heard: Integers
    mean: Floats
    std_error: Floats


def part_of(cells: Cells) -> Integers:
    """Index into `PARTS` of the customers of each cell."""
    return np.array([PARTS.index(name) for name in GROUPS])[cells.group]


def part_table(domains: Domains, mean: Floats, variance: Floats, people: Floats) -> PartTable:
    """Gather the parts from the pools (pools, D) that speak for them."""
    part = part_of(domains.cells)
    answered = domains.cells.source >= 0
    customers = np.column_stack([domains.customers(part == k) for k in range(len(PARTS))])
    heard = np.column_stack([domains.answers(answered & (part == k)) for k in range(len(PARTS))])
    average, error = np.full(customers.shape, np.nan), np.full(customers.shape, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        if people[ACTIVE].any():
            _split_active(domains, mean, variance, people, average, error)
        else:
            for k, pools in ((_ENGAGED, [ENGAGED]), (_SILENT, [SILENT]), (_NOT_INVITED, [ENGAGED, SILENT])):
                average[:, k], error[:, k] = _mixture(pools, mean, variance, people)
        average[:, _CHURNED], error[:, _CHURNED] = _mixture([CHURNED_ANSWERED, CHURNED_REST], mean, variance, people)
    empty = (customers <= 0) | np.isnan(average)
    return PartTable(
        customers=np.rint(customers).astype(np.int64),
        heard=np.rint(heard).astype(np.int64),
        mean=np.where(empty, np.nan, average),
        std_error=np.where(empty, np.nan, error),
    )


def _mixture(pools: list[int], mean: Floats, variance: Floats, people: Floats) -> tuple[Floats, Floats]:
    """Mean of several pools by their customers, and its standard error."""
    mix = people[pools] / people[pools].sum(axis=0)
    total = np.where(mix > 0, mix * mean[pools], 0.0).sum(axis=0)
    return total, np.sqrt(np.where(mix > 0, mix**2 * variance[pools], 0.0).sum(axis=0))


def _split_active(domains: Domains, mean: Floats, variance: Floats, people: Floats, average: Floats, error: Floats) -> None:
    """Where the engaged speak for all active customers: their own mean, and what is left for the others.

    Those of the engaged who left the score empty are among the others.
    """
    voices = domains.voices[domains.made.voice_pool == ACTIVE]
    n, total = domains.customers(voices), domains.sums(voices, domains.made.size[voices] * domains.y[voices])
    rest = people[ACTIVE] - n
    others, other_error = (people[ACTIVE] * mean[ACTIVE] - total) / rest, people[ACTIVE] * np.sqrt(variance[ACTIVE]) / rest
    for k in (_SILENT, _NOT_INVITED):
        average[:, k], error[:, k] = others, other_error
    engaged = domains.customers(part_of(domains.cells) == _ENGAGED)
    empty = np.maximum(engaged - n, 0.0)
    average[:, _ENGAGED] = (total + np.where(empty > 0, empty * others, 0.0)) / engaged
    error[:, _ENGAGED] = np.where(empty > 0, empty * other_error, 0.0) / engaged
