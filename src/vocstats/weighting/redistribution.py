"""Values between limits that keep the totals of groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import Floats
from .._numerics import sums_by
from ..errors import InfeasibleError, shown

_ROUNDING, _PASSES = 1e-13, 200


def common_within_limits(
    low: Floats, high: Floats, slope: Floats, codes: npt.NDArray[np.intp], start: Floats, labels: list[Any]
) -> Floats:
    """``clip(t_g, low, high)`` with t_g such that ``sum(slope * clip(t_g, low, high))`` in each group g is ``sum(slope * start)``.

    The sum is increasing and piecewise linear in t: Newton's method finds the piece, halving where it would leave the bracket.
    """
    k = len(labels)
    goal, least = (sums_by(codes, slope * side, k) for side in (start, low))
    bounded = np.isfinite(high)
    most, endless = sums_by(codes, slope * np.where(bounded, high, 0.0), k), sums_by(codes, slope * ~bounded, k)
    size = _ROUNDING * slope.size * np.maximum(sums_by(codes, slope * np.maximum(np.abs(start), np.abs(low)), k), 1e-300)
    above, below = (endless == 0) & (most < goal - size), least > goal + size
    for out, side, argument in ((above, "above the cap", "upper"), (below, "below the floor", "lower")):
        if out.any():
            levels = [labels[g] for g in np.flatnonzero(out)]
            raise InfeasibleError(
                f"The mean weight in {shown(levels)} is {side}, so the weights there cannot keep their total. "
                f"Change {argument}, or merge groups.",
                code="cap_below_mean" if argument == "upper" else "floor_above_mean", argument=argument, levels=levels,
            )
    left, right = np.full(k, np.inf), np.full(k, -np.inf)
    np.minimum.at(left, codes, low)
    np.maximum.at(right, codes, np.where(bounded, high, low))
    right += np.divide(np.maximum(goal - least, 0.0), endless, out=np.zeros(k), where=endless > 0)
    t = np.clip(np.divide(goal, sums_by(codes, slope, k), out=left.copy(), where=goal != 0), left, right)
    for _ in range(_PASSES):
        own = t[codes]
        gap = goal - sums_by(codes, slope * np.clip(own, low, high), k)
        done = np.abs(gap) <= size / slope.size
        if done.all():
            break
        free = sums_by(codes, slope * ((own >= low) & (own < high)), k)
        left, right = np.where(gap > 0, t, left), np.where(gap > 0, right, t)
        ahead = t + np.divide(gap, free, out=np.full(k, np.inf), where=free > 0)
        t = np.where(done, t, np.where((ahead > left) & (ahead < right), ahead, (left + right) / 2.0))
    return np.asarray(np.clip(t[codes], low, high))
