"""Quick forms: more of a dealer's forms filled in faster than customers usually take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from ..errors import InputError
from ..results import Floats
from .count_excess import CountExcess, count_excess
from .null import EmpiricalNull
from .signal_result import Dealers, Signal, dealers_of, own_responses, signal

Flags = npt.NDArray[np.bool_]

_ENOUGH = 500  # independent forms, to take the times from them alone
_FEWEST = 2  # forms of a dealer


def quick_forms(
    seconds: npt.ArrayLike | None, dealer: Any, *, independent: npt.ArrayLike | None = None, share: float | Sequence[float] = (0.05, 0.25),
    null: EmpiricalNull | None = None, level: float = 0.95,
) -> Signal:
    """Forms of a dealer filled in as quickly as the quickest few of a hundred usually are.

    Whoever copies a form reads no questions, and staff who know them by heart need less time than a customer. Of the n_d forms that the
    dealer asked for, O_d take at most the time within which a share s of the independent forms is done. Honest customers would fill in
    E_d = n_d s, V_d = n_d s (1 - s), up to a difference x_d ~ N(μ, ω²) in log odds between dealers, fitted to the lower tail:

        x_d = 2 (√(O_d + 3/8) - √(E_d + 3/8)) √E_d / V_d
        p-value = ∫ P(X > O_d | x) + P(X = O_d | x) / 2 dN(x; μ, ω²),   X binomial, its log odds moved by x

    Copies are much faster than customers and stand out at a small share; invented forms only somewhat, and at a larger one. Of k shares
    the smallest p-value counts, as 1 - (1 - p)^k.

    Parameters
    ----------
    seconds : array (n,)
        Time taken for the form; missing where unknown. None: the signal abstains.
    dealer : array (n,)
        Dealer of each form.
    independent : boolean array (n,), optional
        Whether somebody other than the dealer invited the customer. The times are taken from such forms (from all, where there are fewer
        than 500), and they are not counted. None: all are the dealer's.
    share : float or sequence of floats
        Share of the forms that are quick, above 0 and below 1.
    null : EmpiricalNull, optional
        Honest network of x from elsewhere, for all shares; None: fitted to these dealers.
    level : float
        Confidence level.

    Returns
    -------
    Signal
        Its effect is the share of quick forms in excess, at the share of the smallest p-value; the standard error accounts for chance and
        the honest spread. Details, at that share: `quick`, `expected`, `seconds` (the limit) and the dealer's `median_seconds`. Evidence:
        the forms within the limit, quickest first. Abstains without times (no_seconds), where all take equally long (constant_seconds),
        with a single form (few_responses), and with fewer than 20 dealers and no `null` (few_dealers).

    Raises
    ------
    InputError
        Bad arrays, a share out of bounds, or no responses.

    References
    ----------
    Zhang & Conrad (2014), Surv. Res. Methods 8(2), for forms filled in faster than they can be read; Murphy, Biemer, Stringer, Thissen, Day
    & Hsieh (2016), Stat. J. IAOS 32(3), for short interviews as a sign of invented ones. The test is ours.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> dealer = np.repeat(np.arange(60), 100)
    >>> seconds = 170 * np.exp(rng.normal(0.0, 0.5, dealer.size))
    >>> seconds[700:730] = 30
    >>> r = quick_forms(seconds, dealer)
    >>> print(f"{r.details['quick'][7]:.0f} instead of {r.details['expected'][7]:.1f}, p = {r.p_value[7]:.0e}")
    36 instead of 5.0, p = 6e-06
    """
    _checks.level(level)
    shares = _shares(share)
    dealers = dealers_of(dealer, length=None if seconds is None else np.size(seconds))
    size = dealers.code.size
    time = np.full(size, np.nan) if seconds is None else _checks.vector(seconds, "seconds", length=size, missing=True)
    own = own_responses(independent, size)
    known = ~np.isnan(time)
    usual = time[known & ~own] if (known & ~own).sum() >= _ENOUGH else time[known]
    n = dealers.sums(known & own)
    varies = usual.size > 0 and np.ptp(usual) > 0
    speaks = (n >= _FEWEST) & varies
    tests = [_within(limit, time, own, usual, dealers, n, speaks, null, level) for limit in _limits(usual, shares)]
    return _told(tests, time, own, dealers, n, {
        "no_seconds": n == 0, "constant_seconds": np.full(dealers.count, not varies), "few_responses": n < _FEWEST,
        "few_dealers": np.full(dealers.count, not tests or tests[0].excess.null is None),
    }, level)


def _shares(share: float | Sequence[float]) -> tuple[float, ...]:
    shares = _checks.numbers([share] if np.isscalar(share) else share, "share")
    if not shares or not all(0.0 < each < 1.0 for each in shares):
        raise InputError(
            f"share must be above 0 and below 1, one number or several; got {share!r}.", code="not_shares", argument="share",
            value=repr(share),
        )
    return shares


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Within:
    """Forms done within a limit, (D,), and how far they are in excess."""

    limit: float
    seen: Floats
    expected: Floats
    excess: CountExcess


def _limits(usual: Floats, shares: tuple[float, ...]) -> list[float]:
    """Times within which the shares are done, each once and none that holds for all."""
    if not usual.size:
        return []
    return [float(limit) for limit in np.unique(np.quantile(usual, shares, method="lower")) if limit < usual.max()]


def _within(
    limit: float, time: Floats, own: Flags, usual: Floats, dealers: Dealers, n: Floats, speaks: Flags, null: EmpiricalNull | None,
    level: float,
) -> _Within:
    chance = float((usual <= limit).mean())
    seen, expected = dealers.sums(own & (time <= limit)), n * chance
    return _Within(
        limit=limit, seen=seen, expected=expected,
        excess=count_excess(seen, expected, expected * (1.0 - chance), speaks, null, level),
    )


def _told(
    tests: list[_Within], time: Floats, own: Flags, dealers: Dealers, n: Floats, abstains: dict[str, Flags], level: float
) -> Signal:
    """The limit that shows it most."""
    nothing = np.full((1, dealers.count), np.nan)
    p = np.array([test.excess.p_value for test in tests] or nothing)
    most = (np.argmin(np.where(np.isnan(p), 2.0, p), axis=0), np.arange(dealers.count))
    effect, error, statistic = (
        np.array([getattr(test.excess, name) for test in tests] or nothing)[most] for name in ("effect", "std_error", "statistic")
    )
    limit = np.array([test.limit for test in tests] or [np.nan])[most[0]]
    quick = np.flatnonzero(own & (time <= limit[dealers.code]))
    known = np.flatnonzero(own & ~np.isnan(time))
    details = {name: np.array([getattr(test, name) for test in tests] or nothing)[most] for name in ("seen", "expected")}
    return signal(
        "quick_forms", dealers, n=n, effect=effect / np.maximum(n, 1.0), std_error=error / np.maximum(n, 1.0), statistic=statistic,
        p_value=-np.expm1(len(tests) * np.log1p(-np.minimum(p[most], 1.0 - 1e-16))), unit="share", abstains=abstains, level=level,
        details={
            "quick": details["seen"], "expected": details["expected"], "seconds": limit,
            "median_seconds": _medians(time[known], dealers.code[known], dealers.count),
        },
        null={f"{key}_{test.limit:g}": value for test in tests for key, value in test.excess.told.items()},
        evidence=quick, weight=-time[quick],
    )


def _medians(values: Floats, code: npt.NDArray[np.intp], count: int) -> Floats:
    """Lower median by code; NaN where there is none."""
    order = np.lexsort((values, code))
    size = np.bincount(code, minlength=count)
    middle = np.cumsum(size) - size + (size - 1) // 2
    return np.where(size > 0, np.append(values[order], np.nan)[np.minimum(middle, values.size)], np.nan)
