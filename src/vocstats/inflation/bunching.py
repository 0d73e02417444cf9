"""Periods that just reach a KPI cut-off more often than chance, on the exact lattice of their sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._numerics import sums_by
from ..errors import InputError, shown
from ..results import Floats, Integers
from .poisson_binomial import poisson_binomial_tail
from .signal_result import Dealers, Signal, dealers_of, signal

_NEAR = 2  # answers turned from the worst to the best, or back, that carry a period over the threshold from where it still counts
_TIE = 1e-7  # lattice steps within which a sum counts as standing on the threshold
_CELLS = 2**22  # of a table of distributions held at a time


def threshold_bunching(
    score: npt.ArrayLike, dealer: Any, period: Any, *, threshold: npt.ArrayLike, step: float = 1.0, answers: int = 1, level: float = 0.95
) -> Signal:
    """Periods of a dealer that just reach a threshold, against what the distribution of his answers makes of periods near it.

    A period of n answers with sum S reaches the threshold t if S >= n t, and just so if it would have missed it with `answers` of its
    best answers ordinary ones, that is at the network's mean o below the top: S - n t < answers (top - o). Chance is taken among periods
    near the threshold, at most two answers turned from the worst to the best away: whatever moves the level of a month, a distribution
    without a push is smooth there.

        p_j = P(just reached | near) from the n-fold convolution of the dealer's answers
        p-value = P(X > count) + P(X = count) / 2,   X = Σ Bernoulli(p_j)

    Parameters
    ----------
    score : array (n,)
        What the KPI is the mean of: scores on a lattice, or 0 and 1 where it is a share.
    dealer : array (n,)
        The dealer of each response.
    period : array (n,)
        The period whose mean is held against the threshold, such as the month.
    threshold : float or array (n,)
        t, between the lowest and the highest score: one for all, or that of the period of each response, NaN where none is known. Periods
        without one are left out.
    step : float
        Distance between neighbouring scores.
    answers : int
        Best answers that, were they ordinary, would have let a period miss what it just reached.
    level : float
        Confidence level of the limits of the effect.

    Returns
    -------
    Signal
        The effect is the share of the dealer's periods in excess. Details: `periods`, `near`, `just_reached`, `expected`, and with
        thresholds by period `unset`, the periods left out. `null` holds the network's counts and p-value. Evidence: responses of the
        periods that just reached. Abstains where no period came near the threshold (no_period_near), or none has one (no_threshold).

    Raises
    ------
    InputError
        Scores off the lattice, a threshold they cannot miss or reach, or several thresholds within a period of a dealer.

    References
    ----------
    McCrary (2008), J. Econometrics 142(2) (density at a cut-off); Hong (2013), Comput. Stat. Data Anal. 59 (Poisson-binomial).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> month, dealer = np.tile(np.repeat(np.arange(24), 10), 2), np.repeat(["A", "B"], 240)
    >>> satisfied = (rng.random(480) < 0.8).astype(float)
    >>> satisfied[240:] = np.tile([1, 1, 1, 1, 0, 1, 1, 1, 1, 0], 24)  # every month of B has exactly 8 of 10
    >>> threshold_bunching(satisfied, dealer, month, threshold=0.8).p_value.round(4).tolist()
    [0.9948, 0.0]
    """
    _checks.level(level)
    number, size = _checks.whole(answers, "answers", low=1), _checks.number(step, "step", low=0.0, open_low=True)
    values = _checks.vector(score, "score")
    place = _lattice(values, size)
    cut = _cuts(threshold, values, size)
    dealers = dealers_of(dealer, length=place.size)
    months, _ = _checks.factorize(period, "period", length=place.size)
    if not place.any():
        return _unmoved(dealers, level)
    found = _periods(dealers.code, months, place, dealers.count, cut, number)
    return _told(found, dealers, level, by_period=np.ndim(threshold) > 0)


def _unmoved(dealers: Dealers, level: float) -> Signal:
    """All answers are the same: the signal abstains."""
    none = np.full(dealers.count, np.nan)
    return signal(
        "threshold_bunching", dealers, n=dealers.sums(np.ones(dealers.code.size)), effect=none, std_error=none, statistic=none,
        p_value=none, unit="share", abstains={"constant_scores": np.ones(dealers.count, bool)}, level=level,
    )


def _lattice(values: Floats, step: float) -> Integers:
    """Scores as whole steps above the lowest."""
    steps = (values - values.min(initial=np.inf)) / step
    off = np.flatnonzero(np.abs(steps - np.round(steps)) > 1e-6)
    if off.size:
        raise InputError(
            f"score must stand on a lattice of step {step:g}; it does not at rows {shown(off)}. Give step=, such as 1 / 8 for the mean of "
            "eight whole scores.",
            code="off_lattice", argument="score", rows=off, step=step,
        )
    return np.asarray(np.round(steps), np.intp)


def _cuts(threshold: npt.ArrayLike, values: Floats, step: float) -> Floats:
    """The threshold of each response in steps above the lowest score; NaN where there is none."""
    if np.ndim(threshold):
        cut = _checks.vector(threshold, "threshold", length=values.size, missing=True)
    else:
        cut = np.full(values.size, _checks.number(threshold, "threshold"))
    if not values.size:
        return cut
    low, high = float(values.min()), float(values.max())
    beside = np.flatnonzero((cut <= low) | (cut >= high))
    if high > low and beside.size:
        raise InputError(
            f"threshold must lie between the lowest and the highest score, {low:g} and {high:g}; got {cut[beside[0]]:g}.",
            code="threshold_outside", argument="threshold", rows=beside if np.ndim(threshold) else [], low=low, high=high,
            value=float(cut[beside[0]]),
        )
    return np.asarray((cut - low) / step)


@dataclass(frozen=True, slots=True, eq=False)
class _Periods:
    """Dealer, standing and chance of every dealer's period with a threshold, (G,); the chance is 0 of periods not near it.

    Beside it the responses of these periods, with the period of each, and how many periods of every dealer have no threshold.
    """

    dealer: Integers
    near: npt.NDArray[np.bool_]
    just: npt.NDArray[np.bool_]
    chance: Floats
    rows: Integers
    group: Integers
    unset: Floats


def _periods(dealer: Integers, month: Integers, place: Integers, count: int, cut: Floats, answers: int) -> _Periods:
    """The dealers' periods, and the period of every response."""
    top, months = int(place.max()), int(month.max()) + 1
    key, known = dealer * months + month, ~np.isnan(cut)
    rows = np.flatnonzero(known)
    present, first, group = np.unique(key[rows], return_index=True, return_inverse=True)
    line = cut[rows][first]
    varies = np.sort(np.append(rows[cut[rows] != line[group]], np.flatnonzero(~known & np.isin(key, present))))
    if varies.size:
        raise InputError(
            f"threshold must be the same within a period of a dealer; it is not at rows {shown(varies)}.",
            code="threshold_varies", argument="threshold", rows=varies,
        )
    of, n = present // months, np.bincount(group)
    width = (answers * (top - float(place[place < top].mean())), _NEAR * top)
    just, near = _standing(_beyond(np.bincount(group, weights=place[rows]), n, line), *width)
    law, chance = _own(dealer, place, count, top), np.zeros(n.size)
    for each in np.unique(line):
        at = np.flatnonzero(line == each)
        dealers, own = np.unique(of[at], return_inverse=True)
        chance[at] = _chances(law[dealers], n[at], own, float(each), width)
    unset = np.bincount(np.setdiff1d(key[~known], present) // months, minlength=count).astype(float)
    return _Periods(
        dealer=of, near=near, just=just, chance=np.where(near, chance, 0.0), rows=rows, group=group, unset=unset,
    )


def _beyond(total: npt.NDArray[Any], n: npt.ArrayLike, cut: float | Floats) -> Floats:
    """How far sums stand above the threshold, in steps; exactly 0 on it."""
    beyond = np.asarray(total - np.asarray(n) * cut, float)
    return np.where(np.abs(beyond) < _TIE, 0.0, beyond)


def _standing(beyond: Floats, width: float, near: float) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether sums just reach the threshold, and whether they are near it."""
    close = np.abs(beyond) <= near
    return (beyond >= 0) & (beyond < width - _TIE) & close, close


def _own(dealer: Integers, place: Integers, count: int, top: int) -> Floats:
    """Distribution of every dealer's answers, that of the network counting as one answer more, (D, top + 1)."""
    table = np.bincount(dealer * (top + 1) + place, minlength=count * (top + 1)).reshape(count, top + 1)
    table = table + table.sum(axis=0) / table.sum()
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def _chances(law: Floats, n: Integers, of: Integers, cut: float, width: tuple[float, float]) -> Floats:
    """P(just reached | near) of every period, by Fourier transform of its dealer's tilted distribution."""
    top = law.shape[1] - 1
    tilt = _tilts(law, cut)
    tilted = law * np.exp(tilt[:, None] * (np.arange(top + 1) - cut))
    tilted /= tilted.sum(axis=1, keepdims=True)
    length = 2 ** np.ceil(np.log2(n * top + 1)).astype(int)
    chance = np.zeros(n.size)
    for size in np.unique(length):
        members = np.flatnonzero(length == size)
        for rows in np.array_split(members, -(-members.size * int(size) // _CELLS)):
            sums = np.fft.irfft(np.fft.rfft(tilted[of[rows]], size, axis=1) ** n[rows, None], size, axis=1)
            beyond = _beyond(np.arange(size)[None, :], n[rows, None], cut)
            just, near = _standing(beyond, *width)
            near &= np.arange(size) <= n[rows, None] * top
            mass = np.maximum(sums, 0.0) * np.exp(-tilt[of[rows], None] * np.where(near, beyond, 0.0)) * near
            chance[rows] = (mass * just).sum(axis=1) / np.maximum(mass.sum(axis=1), 1e-300)
    return np.minimum(chance, 1.0)


def _tilts(law: Floats, cut: float) -> Floats:
    """θ at which the mean of law(s) e^(θ s) is the threshold, so that its neighbourhood is computed to full precision."""
    places = np.arange(law.shape[1]) - cut
    low, high = np.full(law.shape[0], -40.0), np.full(law.shape[0], 40.0)
    logs = np.log(np.maximum(law, 1e-300))
    for _ in range(60):
        middle = (low + high) / 2.0
        weight = special.softmax(logs + middle[:, None] * places, axis=1)
        above = weight @ places > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray((low + high) / 2.0)


def _told(found: _Periods, dealers: Dealers, level: float, *, by_period: bool) -> Signal:
    """Counts, exact p-values and evidence."""
    size, p = dealers.count, found.chance
    periods, near, just, expected, variance = (
        sums_by(found.dealer, np.asarray(value, float), size) for value in (np.ones(p.size), found.near, found.just, p, p * (1 - p))
    )
    near_ones = np.flatnonzero(found.near)
    above, equal = poisson_binomial_tail(p[near_ones], found.dealer[near_ones], just.astype(np.intp))
    all_above, all_equal = poisson_binomial_tail(p[near_ones], np.zeros(near_ones.size, np.intp), np.array([found.just.sum()]))
    reached, share = found.just[found.group], np.maximum(periods, 1.0)
    return signal(
        "threshold_bunching", dealers, n=sums_by(dealers.code[found.rows], np.ones(found.rows.size), size),
        effect=(just - expected) / share, std_error=np.sqrt(variance) / share,
        statistic=(just - expected) / np.sqrt(np.maximum(variance, 1e-12)), p_value=np.minimum(above + equal / 2.0, 1.0), unit="share",
        abstains={"no_threshold": periods == 0, "no_period_near": variance <= 0},
        details={"periods": periods, "near": near, "just_reached": just, "expected": expected}
        | ({"unset": found.unset} if by_period else {}),
        null={"just_reached": just.sum(), "expected": expected.sum(), "p_value": np.minimum(all_above + all_equal, 1.0)},
        evidence=found.rows[reached], weight=1.0 - p[found.group[reached]], level=level,
    )
