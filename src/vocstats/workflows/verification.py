"""How many customers to call to settle whether a dealer's forms are their own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from .._checks import Floats
from ..results import Integers

CONFIRMED = 0.95  # of honest forms: customers who remember the form and the mark they gave
ERROR = 0.10  # chance of a wrong conclusion, either way
_MOST = 200  # calls


def plan_calls(
    forms: npt.ArrayLike, touched: npt.ArrayLike, *, confirmed: float = CONFIRMED, error: float = ERROR
) -> tuple[Integers, Floats]:
    """Smallest number of calls that tells touched forms from honest ones, and the confirmed share below which they are touched.

    Of n forms called at random without replacement, honest customers confirm a share c, of touched forms none is confirmed. The plan is the
    smallest n with a limit k such that, by the hypergeometric distribution,

        P(at most k confirmed | share c) <= error    and    P(more than k confirmed | share c (1 - touched)) <= error

    Parameters
    ----------
    forms : array (D,)
        Forms the dealer asked for; NaN where they may not be told.
    touched : array (D,)
        Share of them that would be touched, in (0, 1].
    confirmed, error : float

    Returns
    -------
    calls : int array (D,)
        0 where no number of calls up to 200, or to that of the forms, settles it, or forms are not known.
    settles_below : float array (D,)
        Confirmed share; NaN without a plan.

    References
    ----------
    Dodge & Romig (1929), Bell Syst. Tech. J. 8(4), for single sampling plans of finite lots.
    """
    total, share = np.asarray(forms, float), np.asarray(touched, float)
    known = np.isfinite(total) & np.isfinite(share)
    total, share = np.rint(np.where(known, total, 0.0)).astype(np.int64), np.where(known, share, 0.0)
    calls, below = np.zeros(total.size, np.int64), np.full(total.size, np.nan)
    good = np.rint(confirmed * total).astype(np.int64)
    bad = np.rint(confirmed * total * (1.0 - share)).astype(np.int64)
    for n in range(1, int(min(total.max(initial=0), _MOST)) + 1):
        open_ = np.flatnonzero((calls == 0) & (total >= n) & (good > bad))
        if not open_.size:
            continue
        k = np.arange(n + 1)
        honest = np.cumsum(_hypergeometric(k, total[open_], good[open_], n), axis=1)
        lifted = 1.0 - np.cumsum(_hypergeometric(k, total[open_], bad[open_], n), axis=1)
        settled = (honest <= error) & (lifted <= error + 1e-12)
        found = settled.any(axis=1)
        limit = settled.shape[1] - 1 - settled[:, ::-1].argmax(axis=1)  # the largest k: the honest are acquitted as early as possible
        calls[open_[found]] = n
        below[open_[found]] = (limit[found] + 1.0) / n
    return calls, below


def _hypergeometric(k: Integers, total: Integers, good: Integers, n: int) -> Floats:
    """P(k confirmed of n), (D, n + 1)."""

    def log_choose(a: Floats, b: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            value = special.gammaln(a + 1.0) - special.gammaln(b + 1.0) - special.gammaln(a - b + 1.0)
        return np.where((b < 0) | (b > a), -np.inf, value)

    whole, part, taken = total[:, None].astype(float), good[:, None].astype(float), np.asarray(k, float)[None, :]
    return np.exp(log_choose(part, taken + 0.0 * part) + log_choose(whole - part, n - taken) - log_choose(whole, np.full_like(whole, n)))
