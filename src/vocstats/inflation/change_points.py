"""CUSUM paths of all dealers at once, and the likelihood of one upward change of the mean."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._checks import Floats, Integers
from ..results import Flags
from .clock import Moments

_LEAST = 5  # answers before the change, and after it
_STEPS = 24  # of a random walk


@dataclass(frozen=True, slots=True, eq=False)
class Paths:
    """Answers by dealer and time.

    Attributes
    ----------
    value : Floats (n,)
        Scores less the dealer's mean.
    z : Floats (n,)
        The same in standard deviations of the dealer and the season; 0 where all answers of the dealer are equal.
    when : Floats (n,)
        Part of the whole time that has passed, from 0 to 1.
    dealer : int array (n,)
    ends : bool array (n,)
        The last answer of its moment.
    n, moments, spread : Floats (D,)
        Answers, moments and standard deviation of the answers by dealer.
    """

    value: Floats
    z: Floats
    when: Floats
    dealer: Integers
    ends: Flags
    n: Floats
    moments: Floats
    spread: Floats

    @classmethod
    def of(cls, value: Floats, dealer: Integers, moment: Moments, dealers: int, *, scale: Floats | float = 1.0) -> Paths:
        """`value`, sorted by dealer and moment, with its relative standard deviation in that season."""
        ends = np.ones(value.size, bool)
        ends[:-1] = (dealer[1:] != dealer[:-1]) | (moment[1:] != moment[:-1])
        n = np.bincount(dealer, minlength=dealers).astype(float)
        centred, spread = _centred(value, dealer, n)
        z, deviation = _centred(centred / scale, dealer, n)
        z /= np.where(deviation > 0, deviation, 1.0)[dealer]
        passed = (moment - moment.min()).astype(float) if moment.size else np.zeros(0)
        moments = np.bincount(dealer[ends], minlength=dealers).astype(float)
        return cls(centred, z, passed / max(float(passed.max(initial=0.0)), 1.0), dealer, ends, n, moments, spread)

    @property
    def first(self) -> Integers:
        """Position of the first answer of each dealer, (D,)."""
        return np.concatenate([[0], np.cumsum(self.n)[:-1]]).astype(np.intp)

    def seasons(self) -> tuple[Integers, int]:
        """Season of every answer, and their number: stretches of time in which the network gives about 500 answers, a hundred at most."""
        number = int(np.clip(self.when.size // 500, 1, 100))
        edges = np.quantile(self.when, np.arange(1, number) / number) if self.when.size else np.zeros(0)
        return np.searchsorted(edges, self.when, side="right"), number

    def drawn(self, rng: np.random.Generator, wander: float) -> Paths:
        """The same answers, each dealer's in another order, plus a random walk.

        `wander`: standard deviation, in standard deviations of an answer, of the rise from the first half of the time to the second. Of
        Brownian motion that is √(1/3) of its standard deviation at the end.
        """
        z = self.z[np.argsort(self.dealer + rng.random(self.dealer.size))]
        if wander > 0:
            walk = np.cumsum(rng.normal(0.0, wander * (3.0 / _STEPS) ** 0.5, (self.n.size, _STEPS)), axis=1)
            z = _centred(z + walk[self.dealer, np.minimum((self.when * _STEPS).astype(np.intp), _STEPS - 1)], self.dealer, self.n)[0]
        return replace(self, z=z)

    def halves(self) -> tuple[Floats, Floats]:
        """Rise from the first half of the time to the second, in standard deviations, and its variance; NaN without five in each."""
        late = self.when > 0.5
        n = np.stack([np.bincount(self.dealer[part], minlength=self.n.size) for part in (late, ~late)]).astype(float)
        total = np.stack([np.bincount(self.dealer[part], self.z[part], minlength=self.n.size) for part in (late, ~late)])
        enough = (n >= _LEAST).all(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(enough, total[0] / n[0] - total[1] / n[1], np.nan), np.where(enough, (1.0 / n).sum(axis=0), np.nan)

    def highest(self, allowance: float) -> Floats:
        """Largest C_t of each dealer; 0 without answers."""
        height = np.zeros(self.n.size)
        np.maximum.at(height, self.dealer[self.ends], _path(self._steps(allowance), self.dealer)[self.ends])
        return height

    def alarms(self, allowance: float, limit: Floats) -> tuple[Floats, Integers]:
        """Number of alarms by dealer, C_t starting again after each, and the answer of the first; n where there is none."""
        number, first = np.zeros(self.n.size), np.full(self.n.size, self.value.size)
        steps, left = self._steps(allowance), np.arange(self.value.size)
        while left.size:
            at = self.dealer[left]
            over = (_path(steps[left], at) > limit[at]) & self.ends[left]
            crossing = np.full(self.n.size, self.value.size)
            np.minimum.at(crossing, at[over], left[over])
            number += crossing < self.value.size
            first = np.minimum(first, crossing)
            left = left[left > crossing[at]]
        return number, first

    def _steps(self, allowance: float) -> Floats:
        """What every moment adds to C_t, at its last answer; 0 at the dealer's first moment."""
        last = np.flatnonzero(self.ends)
        dealer, total = self.dealer[last], np.cumsum(self.z)
        number = np.diff(last, prepend=-1)
        since = np.append(0.0, total)
        before = last - number + 1 - self.first[dealer]
        known = np.maximum(before, 1)
        level = (since[last - number + 1] - since[self.first[dealer]]) / known
        steps = np.zeros(self.z.size)
        rise = (since[last + 1] - since[last - number + 1] - number * level) / np.sqrt(1.0 + number / known)
        steps[last] = np.where(before > 0, rise - allowance * number, 0.0)
        return steps


def _centred(value: Floats, dealer: Integers, n: Floats) -> tuple[Floats, Floats]:
    """Values less their dealer's mean, and their standard deviation by dealer; 0 where it is nothing but rounding."""
    centred = value - (np.bincount(dealer, value, minlength=n.size) / np.maximum(n, 1.0))[dealer]
    spread = np.sqrt(np.bincount(dealer, centred**2, minlength=n.size) / np.maximum(n - 1.0, 1.0))
    return centred, np.where(spread < 1e-9 * np.abs(value).max(initial=0.0), 0.0, spread)


def _path(steps: Floats, dealer: Integers) -> Floats:
    """C_t = S_t - min(0, min_{u ≤ t} S_u) of the sums S within each dealer.

    The running minimum is taken over all dealers at once, each moved below the one before.
    """
    if not steps.size:
        return steps
    new = np.concatenate([[True], dealer[1:] != dealer[:-1]])
    total = np.cumsum(steps)
    run = np.cumsum(new) - 1
    total -= (total - steps)[new][run]
    apart = run * (2.0 * float(np.abs(total).max()) + 1.0)
    lowest = np.minimum.accumulate(np.minimum(total, 0.0) - apart) + apart
    return np.asarray(total - np.minimum(lowest, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class ChangePoints:
    """The likeliest change of each dealer.

    Attributes
    ----------
    best, low, high : int arrays (D,)
        First answer after the change, and its limits, as positions; n where no change is possible.
    rise, error : Floats (D,)
        Mean after less mean before, and its standard error with the change known.
    """

    best: Integers
    low: Integers
    high: Integers
    rise: Floats
    error: Floats


def change_points(paths: Paths, level: float) -> ChangePoints:
    """One upward change of the mean, by normal likelihood, and the changes nearly as likely.

    With n0 answers before and n1 after, twice the log-likelihood of the change is n log(S / (S - n0 n1 / n Δ²)), S the sum of squares.
    """
    size = paths.value.size
    before = np.flatnonzero(paths.ends)
    at = paths.dealer[before]
    n, n0 = paths.n[at], before - paths.first[at] + 1.0
    total = np.cumsum(paths.value)[before] - np.append(0.0, np.cumsum(paths.value))[paths.first[at]]
    allowed = (n0 >= _LEAST) & (n - n0 >= _LEAST)
    before, at, n, n0, total = before[allowed], at[allowed], n[allowed], n0[allowed], total[allowed]
    rise = -total * n / (n0 * (n - n0))  # the sum after is that before with its sign changed
    whole = (paths.n - 1.0) * paths.spread**2
    between = np.minimum(n0 * (n - n0) / n * np.maximum(rise, 0.0) ** 2, whole[at] * (1.0 - 1e-12))
    gain = -n * np.log1p(-between / np.maximum(whole[at], 1e-300))
    top = np.full(paths.n.size, -np.inf)
    np.maximum.at(top, at, gain)
    near = gain >= top[at] + 2.0 * np.log1p(-np.sqrt(level))
    best, low, high = (np.full(paths.n.size, size) for _ in range(3))
    latest = np.full(paths.n.size, -1)
    peak = gain == top[at]
    np.minimum.at(best, at[peak], before[peak] + 1)
    np.minimum.at(low, at[near], before[near] + 1)
    np.maximum.at(latest, at[near], before[near] + 1)
    high = np.where(latest < 0, size, latest)
    chosen = np.flatnonzero(before + 1 == best[at])
    found, error = np.full(paths.n.size, np.nan), np.full(paths.n.size, np.nan)
    found[at[chosen]] = rise[chosen]
    within = (whole[at] - n0 * (n - n0) / n * rise**2)[chosen] / (n[chosen] - 2.0)
    error[at[chosen]] = np.sqrt(np.maximum(within, 0.0) * n[chosen] / (n0 * (n - n0))[chosen])
    return ChangePoints(best, low, high, found, error)
