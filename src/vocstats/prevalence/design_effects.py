"""Counts of all dealers taken together, divided by how much more they vary than counts of independent customers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._numerics import sums_by
from ..results import Floats
from .counts import PainPointCounts


def collapse_dealers(counts: PainPointCounts) -> tuple[PainPointCounts, Floats]:
    """Counts summed over dealers and divided by their design effects: what the collapsed model reads.

    Returns the counts, one row per pain, segment, group and source with customers looked at, `dealer` 0 and `frame` (S, 1, R),
    positive and n no longer whole; and the mean design effect of each pain, (K,).
    """
    segments, _, groups = counts.frame.shape
    sources = counts.mode_scale.size
    key = ((counts.pain * segments + counts.segment) * groups + counts.group) * sources + counts.source
    size = counts.pains * segments * groups * sources
    n, positive = sums_by(key, counts.n, size), sums_by(key, counts.positive, size)
    kept = np.flatnonzero(n > 0)
    pain, segment, group, source = np.unravel_index(kept, (counts.pains, segments, groups, sources))
    return replace(
        counts, pain=pain, segment=segment, dealer=np.zeros(kept.size, np.int64), group=group, source=source, positive=positive[kept],
        n=n[kept], frame=counts.frame.sum(axis=1, keepdims=True),
    ), np.ones(counts.pains)
