"""What a declared shift of the scores of those not heard does to a statistic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._checks import Floats, non_negative, same_length, vector
from ..errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftCurve:
    """Change of a statistic against the shift of the scores that causes it.

    Attributes
    ----------
    shift : Floats (k,)
        Shifts of the scores, rising, in score points.
    change : Floats (k,)
        Change of the statistic at each shift.
    """

    shift: Floats
    change: Floats

    def at(self, shift: float) -> float:
        """Change of the statistic at `shift`; a shift beyond the ends gives the change at the end."""
        return float(np.interp(shift, self.shift, self.change))

    def solve(self, change: Floats) -> Floats:
        """Shift at which the statistic changes by `change`; NaN where none does."""
        rising = self.change[-1] >= self.change[0]
        x, y = (self.change, self.shift) if rising else (self.change[::-1], self.shift[::-1])
        wanted = np.asarray(change, float)
        outside = (wanted < x[0] - 1e-12) | (wanted > x[-1] + 1e-12) | (x[0] == x[-1])
        return np.where(outside, np.nan, np.interp(wanted, x, y))


def shift_curve(score: Floats, weights: Floats, *, value_of: Callable[[Floats], Floats], scale: tuple[float, float]) -> ShiftCurve:
    """How a share of an ordinal scale answers when everybody in a group scores lower or higher.

    A shift of d points moves every score by d; the fraction of d is a chance: at d = -0.5 half of the group scores one point
    lower. Scores that would leave the scale stay at its end. Between whole points the change is linear, so the curve
    is exact at every shift. Unlike a reweighting of the answers it reaches points that nobody heard has given.

    Parameters
    ----------
    score, weights : array (n,)
        Scores of those who speak for the group, and their weights.
    value_of : callable
        Values whose mean is the statistic, of an array of scores.
    scale : pair of float
        Lowest and highest possible score.

    Returns
    -------
    ShiftCurve

    Raises
    ------
    InputError
        Nobody speaks for the group, or the scale does not rise.

    Examples
    --------
    >>> import numpy as np
    >>> low = lambda y: (y <= 2).astype(float)
    >>> shift_curve(np.array([3.0, 4.0]), np.ones(2), value_of=low, scale=(1, 5)).at(-0.5)
    0.25
    """
    y, w = vector(score, "score"), non_negative(weights, "weights")
    same_length(w, "weights", y.size)
    low, high = scale
    if not low < high:
        raise InputError(f"scale must rise from lowest to highest; got {scale!r}.", code="bad_scale", argument="scale")
    if not w.sum() > 0:
        raise InputError("Nobody with a positive weight speaks for the group to be shifted.", code="nobody_to_shift", argument="weights")
    points, code = np.unique(y, return_inverse=True)
    share = np.bincount(code, weights=w) / w.sum()
    reach = int(np.ceil(high - low))
    shifts = np.arange(-reach, reach + 1, dtype=float)
    moved = np.clip(points[:, None] + shifts, low, high)
    level = share @ value_of(moved.ravel()).reshape(moved.shape)
    return ShiftCurve(shift=shifts, change=level - level[reach])
