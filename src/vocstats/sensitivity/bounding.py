"""Bounds that need no assumption about those not heard but the ends of the scale."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .._checks import Floats, choice, non_negative, number
from ..errors import InputError
from ..options import MonotoneSilence


def worst_case_bounds(
    total_heard: npt.ArrayLike, heard: npt.ArrayLike, customers: npt.ArrayLike, *, limits: tuple[float, float],
    silent: MonotoneSilence | None = None,
) -> tuple[Floats, Floats]:
    """Lowest and highest mean when those not heard may stand anywhere between the limits.

        ( sum of the answers + (N - n) * limit ) / N

    Parameters
    ----------
    total_heard : array_like (D,)
        Sum of the answers of each domain, in units of the statistic.
    heard, customers : array_like (D,)
        Numbers of answers n and of customers N.
    limits : pair of float
        Lowest and highest possible value.
    silent : {"no_higher", "no_lower"}, optional
        Those not heard stand on average no higher, or no lower, than those heard: the mean of those heard takes the place of that limit.

    Returns
    -------
    low, high : Floats (D,)
        NaN for a domain without customers.

    Raises
    ------
    InputError
        More were heard than there are customers, or the limits do not rise.

    References
    ----------
    Manski (1989), J. Human Resources 24(3), eq. 5; Manski & Pepper (2000), Econometrica 68(4), prop. 1 (monotone).
    """
    assumed = None if silent is None else choice(silent, MonotoneSilence, "silent")
    low_limit, high_limit = (number(value, "limits") for value in limits)
    if not low_limit < high_limit:
        raise InputError(f"limits must rise; got {limits!r}.", code="bad_limits", argument="limits")
    n = non_negative(np.atleast_1d(np.asarray(heard)), "heard")
    size = non_negative(np.atleast_1d(np.asarray(customers)), "customers", length=n.size)
    if (n > size * (1 + 1e-9)).any():
        rows = np.flatnonzero(n > size)
        raise InputError("More customers were heard than there are.", code="more_heard_than_customers", argument="heard", rows=rows)
    total = np.atleast_1d(np.asarray(total_heard, float))
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = ((total + (size - n) * limit) / size for limit in (low_limit, high_limit))
        mean = np.where(n > 0, total / n, np.nan)
    return np.fmax(low, mean) if assumed == "no_lower" else low, np.fmin(high, mean) if assumed == "no_higher" else high
