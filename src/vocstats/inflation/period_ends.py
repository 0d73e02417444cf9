"""A push at the end of the month: last days against the rest of the month, beside what the same days do to peers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks, options
from .._checks import Floats, Integers
from .case_mix import adjust_for_case_mix, least_expected, outcome
from .clock import Moments, moments
from .null import EmpiricalNull
from .null_signal import excess_signal
from .signal_result import Dealers, Signal, dealers_of

_FEWEST_ANSWERS = 5  # in the last days, and in the rest
_PRIOR = 10.0  # answers with the network's variance added to the dealer's


def period_end(
    score: npt.ArrayLike, dealer: npt.ArrayLike, time: npt.ArrayLike, *, days: int = 5, period: options.ClosingPeriod = "month",
    x: Any = None, top: float | None = None, null: EmpiricalNull | None = None, level: float = 0.95,
) -> Signal:
    """How much better the last days of the month score than its rest, less what they do at other dealers.

    Within dealer d and month j, with n1 answers in the last days and n0 before,

        Δ_d = Σ_j h_dj (ȳ1 - ȳ0)_dj / Σ_j h_dj - Σ_j h_dj c_j(-d) / Σ_j h_dj,    h = n1 n0 / (n1 + n0)

    where c_j(-d) is the same contrast of month j over all other dealers. Months in which a dealer has no answer in one of the parts drop
    out, and so does whatever lasts a month. An honest dealer shows N(μ, v_d + ω²), with μ and ω of the empirical null.

    Parameters
    ----------
    score : array (n,)
        Scores.
    dealer : array (n,)
        Dealer of each response.
    time : array of dates or moments (n,)
        When the customer answered; missing where unknown.
    days : int
        Days at the end that are held against the rest, 1 to 15.
    period : {"month", "quarter"}
        What the end is of: the period by which the dealer is judged.
    x : mapping, dataframe or array (n, p), optional
        Characteristics of the customer, whose effects within dealers are taken off.
    top : float, optional
        Count a score of at least this as 1, any other as 0: the effect is then a share. None: the mean score.
    null : EmpiricalNull, optional
        Usual contrast and its honest spread from elsewhere; None: fitted to these dealers.
    level : float
        Confidence level of the effect.

    Returns
    -------
    Signal
        `effect` is Δ_d less the honest centre μ; its standard error accounts for the answers, for ω and for the uncertainty of μ.
        `details`: answers and mean in the last days (`end_n`, `end_mean`) and in the rest (`rest_n`, `rest_mean`). Evidence: top marks
        of the last days. Abstains without times (no_times), without a month that has both parts (no_period_end), with fewer than five
        answers in either (few_responses), where all scores are equal (constant_scores), and with fewer than 20 dealers and no `null`
        (few_dealers).

    Raises
    ------
    InputError
        Bad arrays or options.

    References
    ----------
    Oyer (1998), Quarterly J. Econ. 113(1), on pushes at the end of the period that is paid for.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> time, dealer = np.datetime64("2026-07-01") + rng.integers(0, 92, 24_000), np.repeat(np.arange(60), 400)
    >>> score = 8.0 + rng.integers(-2, 3, 24_000)
    >>> score[(dealer == 0) & (time >= np.datetime64("2026-09-26"))] = 10.0
    >>> r = period_end(score, dealer, time)
    >>> print(f"{r.effect[0]:.2f} ± {r.std_error[0]:.2f}, p = {r.p_value[0]:.0e}")
    0.97 ± 0.20, p = 4e-05
    """
    _checks.level(level)
    _checks.choice(period, options.ClosingPeriod, "period")
    last = int(_checks.number(_checks.whole(days, "days", low=1), "days", low=1, high=15))
    y = outcome(score, top)
    dealers = dealers_of(dealer, length=y.size)
    moment = moments(time, "time", length=y.size)
    rows = np.flatnonzero(~np.isnat(moment))
    at = dealers.code[rows]
    adjusted = adjust_for_case_mix(y, x, dealers.code, dealers.count)
    number, end = _periods(moment[rows], last, 3 if period == "quarter" else 1)
    parts = _Parts.of(adjusted.scores[rows], at, number, end, dealers)
    closing = np.zeros(y.size, bool)
    closing[rows[end]] = True
    mix = adjusted.variance(*(adjusted.means(dealers.code, dealers.count, part) for part in (closing, ~closing & ~np.isnat(moment))))
    timed, both = parts.n.sum(axis=0), parts.weight > 0
    return excess_signal(
        "period_end", dealers, effect=parts.contrast, variance=parts.variance + mix, own_variance=parts.variance + mix,
        third_moment=parts.third,
        abstains={
            "no_times": timed == 0, "no_period_end": ~both, "constant_scores": np.full(dealers.count, np.ptp(y) == 0),
            "few_responses": parts.n.min(axis=0) < _FEWEST_ANSWERS,
        },
        null=null, n=timed, unit="points" if top is None else "share", level=level,
        evidence=least_expected(adjusted.scores, dealers.code, closing & (y == y.max())),
        details={"end_n": parts.n[1], "end_mean": parts.mean[1], "rest_n": parts.n[0], "rest_mean": parts.mean[0]},
    )


def _periods(moment: Moments, last: int, months: int) -> tuple[Integers, npt.NDArray[np.bool_]]:
    """Period of every moment from 0, and whether it is among the last days."""
    period = moment.astype("datetime64[M]").astype(np.int64) // months
    following = ((period + 1) * months).astype("datetime64[M]").astype("datetime64[D]")
    left = (following - moment.astype("datetime64[D]")).astype(np.int64)
    return np.unique(period, return_inverse=True)[1].astype(np.intp), left <= last


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """Contrasts of the last days and the rest, by dealer.

    Attributes
    ----------
    n, mean : Floats (2, D)
        Answers and mean of the rest (0) and of the last days (1).
    weight : Floats (D,)
        Σ h; 0 without a month that has both parts.
    contrast, variance, third : Floats (D,)
        Δ_d less that of the peers, the variance of its error and the third moment.
    """

    n: Floats
    mean: Floats
    weight: Floats
    contrast: Floats
    variance: Floats
    third: Floats

    @classmethod
    def of(cls, y: Floats, dealer: Integers, period: Integers, end: npt.NDArray[np.bool_], dealers: Dealers) -> _Parts:
        periods = int(period.max(initial=0)) + 1
        shape = (2, dealers.count, periods)
        cell = (end * dealers.count + dealer) * periods + period
        n = np.bincount(cell, minlength=2 * dealers.count * periods).reshape(shape).astype(float)
        total = np.bincount(cell, y, minlength=n.size).reshape(shape)
        mean = total / np.maximum(n, 1.0)
        h = n[0] * n[1] / np.maximum(n.sum(axis=0), 1.0)
        own, weight = h * (mean[1] - mean[0]), h.sum(axis=1)
        others, mass = own.sum(axis=0) - own, h.sum(axis=0) - h
        peers = others / np.where(mass > 0, mass, 1.0)
        share = h / np.maximum(weight, 1e-300)[:, None]
        each, third = _moments_within(y - mean.ravel()[cell], dealer, n, dealers)
        with np.errstate(divide="ignore", invalid="ignore"):
            skew = np.where(h > 0, share**3 * (1.0 / n[1] ** 2 - 1.0 / n[0] ** 2), 0.0).sum(axis=1)
        variance = each / np.maximum(weight, 1e-300) + each.mean() * (share**2 / np.where(mass > 0, mass, np.inf)).sum(axis=1)
        whole = total.sum(axis=2) / np.maximum(n.sum(axis=2), 1.0)
        contrast = (share * (own / np.where(h > 0, h, 1.0) - peers)).sum(axis=1)
        return cls(n.sum(axis=2), whole, weight, contrast, variance, third * skew)


def _moments_within(residual: Floats, dealer: Integers, n: Floats, dealers: Dealers) -> tuple[Floats, float]:
    """Variance of an answer within month and part by dealer, drawn towards the network's, and the network's third moment."""
    square = np.bincount(dealer, residual**2, minlength=dealers.count)
    free = np.maximum(n - 1.0, 0.0).sum(axis=(0, 2))
    network = square.sum() / max(free.sum(), 1.0)
    return (square + _PRIOR * network) / (free + _PRIOR), float((residual**3).sum() / max(free.sum(), 1.0))
