"""Counts of all dealers taken together, divided by how much more they vary than counts of independent customers."""

from __future__ import annotations

from ..results import Floats
from .counts import PainPointCounts


def collapse_dealers(counts: PainPointCounts) -> tuple[PainPointCounts, Floats]:
    """Counts summed over dealers and divided by their design effects: what the collapsed model reads.

    Returns the counts, one row per pain, segment, group and source with customers looked at, `dealer` 0 and `frame` (S, 1, R),
    positive and n no longer whole; and the mean design effect of each pain, (K,).
    """
    raise NotImplementedError
