"""Scan for crowds of forms within a day, against the hours at which the dealer's forms come on its other days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from .._checks import Floats, Integers

_DAY, _HOUR, _HOURS = 86_400, 3_600, 24
_PRIOR = 30.0  # forms of the network's hours added to the dealer's


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """The expected share of forms by hour on each day of each dealer, learned from the dealer's other days and the network.

    Attributes
    ----------
    day : int array (n,)
        Dealer-day of every form.
    dealer : int array (G,)
        Dealer of the dealer-day.
    cumulated : Floats (G, 25)
        Expected share of the day's forms before each full hour.
    resolution : int
        Seconds to which times are rounded down.
    """

    day: Integers
    dealer: Integers
    cumulated: Floats
    resolution: int

    @classmethod
    def of(cls, seconds: npt.NDArray[np.int64], date: npt.NDArray[np.int64], dealer: Integers, dealers: int) -> Hours:
        first, last = (int(date.min()), int(date.max())) if date.size else (0, 0)
        span = last - first + 1
        days, day = np.unique(dealer * span + (date - first), return_inverse=True)
        at = (days // span).astype(np.intp)
        hour = seconds // _HOUR
        today = np.bincount(day * _HOURS + hour, minlength=days.size * _HOURS).reshape(-1, _HOURS)
        usual = np.bincount(dealer * _HOURS + hour, minlength=dealers * _HOURS).reshape(-1, _HOURS)
        network = usual.sum(axis=0) + 0.5
        expected = usual[at] - today + _PRIOR * network / network.sum()
        cumulated = np.concatenate([np.zeros((days.size, 1)), np.cumsum(expected, axis=1)], axis=1)
        return cls(day, at, cumulated / cumulated[:, -1:], max(int(np.gcd.reduce(seconds, initial=0)), 1))

    def share_before(self, day: Integers, seconds: npt.NDArray[np.int64]) -> Floats:
        """Expected share of the day's forms before this second of the day."""
        hour = np.minimum(seconds // _HOUR, _HOURS - 1)
        part = np.minimum(seconds / _HOUR - hour, 1.0)
        flat = self.cumulated.ravel()
        place = day * (_HOURS + 1) + hour
        return np.asarray(flat[place] + part * (flat[place + 1] - flat[place]))

    def second(self, share: Floats) -> npt.NDArray[np.int64]:
        """The second of its day before which this share of the forms of every form's day is expected."""
        flat, begin = self.cumulated.ravel(), self.day * (_HOURS + 1)
        ladder = (self.cumulated + np.arange(self.dealer.size)[:, None]).ravel()  # one ascending row of all days
        place = np.clip(np.searchsorted(ladder, share + self.day, side="right") - 1, begin, begin + _HOURS - 1)
        part = np.clip((share - flat[place]) / (flat[place + 1] - flat[place]), 0.0, 1.0 - 1e-9)
        return (_HOUR * (place - begin + part) // self.resolution * self.resolution).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Forms that came from one place on one day, in groups of `fewest` or more: of a dealer, a device or an address.

    Attributes
    ----------
    forms, group : int arrays (f,)
    size : int array (groups,)
    """

    forms: Integers
    group: Integers
    size: Integers

    @classmethod
    def of(cls, day: Integers, label: Integers | None, fewest: int) -> Place:
        """`label` is the code of the device or address of each form, -1 where unknown; None: any."""
        known = np.arange(day.size) if label is None else np.flatnonzero(label >= 0)
        key = day[known] if label is None else day[known] * (label.max(initial=0) + 1) + label[known]
        _, group, size = np.unique(key, return_inverse=True, return_counts=True)
        kept = size[group] >= fewest
        large = size >= fewest
        return cls(known[kept], (np.cumsum(large) - 1)[group[kept]], size[large])


@dataclass(frozen=True, slots=True, eq=False)
class Crowds:
    """Windows of one place that begin with a form and hold `fewest` or more.

    Attributes
    ----------
    order : int array (f,)
        Forms by group and time.
    first, last : int arrays (w,)
        First and last form of the window, as positions in `order`.
    expected : Floats (w,)
        Windows as crowded that its group would show, at most.
    """

    order: Integers
    first: Integers
    last: Integers
    expected: Floats


def crowds(place: Place, hours: Hours, seconds: npt.NDArray[np.int64], windows: tuple[float, ...], fewest: int) -> Crowds:
    """Crowded windows of a place; of N forms of a group, c in a window that expects a share μ of the day

        expected = W N P(Bin(N - 1, μ) ≥ c - 1)

    for W widths: the window begins with a form, the others fall into it by chance.

    Parameters
    ----------
    windows : tuple of float
        Widths in seconds.
    """
    key = place.group * (2 * _DAY) + seconds[place.forms]
    sort = np.argsort(key)
    key, forms, size = key[sort], place.forms[sort], place.size[place.group[sort]]
    begin, end, value = [], [], []
    for width in windows:
        first = np.flatnonzero(key[fewest - 1 :] - key[: max(key.size - fewest + 1, 0)] <= width)
        until = np.searchsorted(key, key[first] + width, side="right")
        number, among = until - first, size[first]
        start, day = seconds[forms[first]], hours.day[forms[first]]
        stop = np.minimum(start + int(width) + hours.resolution, _DAY)
        share = hours.share_before(day, stop) - hours.share_before(day, start)
        more = number - 1 > (among - 1) * share
        first, number, among, share = first[more], number[more], among[more], share[more]
        begin.append(first)
        end.append(first + number - 1)
        value.append(len(windows) * among * special.betainc(number - 1.0, among - number + 1.0, np.clip(share, 0.0, 1.0)))
    return Crowds(forms, np.concatenate(begin), np.concatenate(end), np.concatenate(value))
