"""Values between limits that keep the totals of groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import Floats
from .._numerics import sums_by
from ..errors import InfeasibleError, shown

_ROUNDING = 1e-12


def common_within_limits(
    low: Floats, high: Floats, slope: Floats, codes: npt.NDArray[np.intp], start: Floats, labels: list[Any]
) -> Floats:
    """``clip(t_g, low, high)`` with t_g such that ``sum(slope * clip(t_g, low, high))`` in each group g is ``sum(slope * start)``.

    The sum is piecewise linear in t: it bends where a member reaches a limit, and is followed from bend to bend.
    """
    k = len(labels)
    goal, least = (sums_by(codes, slope * side, k) for side in (start, low))
    finite = np.isfinite(high)
    most = sums_by(codes, slope * np.where(finite, high, 0.0), k)
    most[codes[~finite]] = np.inf
    size = _ROUNDING * sums_by(codes, slope * np.maximum(np.abs(start), np.abs(low)), k)
    for out, side, argument in ((most < goal - size, "above the cap", "upper"), (least > goal + size, "below the floor", "lower")):
        if out.any():
            levels = [labels[g] for g in np.flatnonzero(out)]
            raise InfeasibleError(
                f"The mean weight in {shown(levels)} is {side}, so the weights there cannot keep their total. "
                f"Change {argument}, or merge groups.",
                code="cap_below_mean" if argument == "upper" else "floor_above_mean", argument=argument, levels=levels,
            )
    points, bend = np.concatenate([low, high[finite]]), np.concatenate([slope, -slope[finite]])
    group = np.concatenate([codes, codes[finite]])
    order = np.lexsort((points, group))
    points, bend, group = points[order], bend[order], group[order]
    first = np.searchsorted(group, np.arange(k))
    last = np.searchsorted(group, np.arange(k), side="right") - 1
    rate = np.cumsum(bend)
    rate -= (rate - bend)[first][group]
    gain = np.concatenate([[0.0], rate[:-1] * np.diff(points)])
    gain[first[first < group.size]] = 0.0
    reached = np.cumsum(gain)
    reached += (least - reached[np.minimum(first, group.size - 1)])[group]
    below = sums_by(group, (reached <= goal[group]).astype(float), k).astype(np.intp)
    at = np.clip(first + below - 1, first, last)
    t = points[at] + np.divide(goal - reached[at], rate[at], out=np.zeros(k), where=rate[at] > _ROUNDING * np.maximum(rate[first], 1e-300))
    free = (t[codes] > low) & (t[codes] < high)
    held = np.where(free, 0.0, np.clip(t[codes], low, high))
    open_slope = sums_by(codes, np.where(free, slope, 0.0), k)
    t = np.divide(goal - sums_by(codes, slope * held, k), open_slope, out=t, where=open_slope > 0)
    return np.asarray(np.clip(t[codes], low, high))
