"""Stretches of observation in whole periods, collapsed to distinct histories and to cells of profile and period."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats, Integers
from .._numerics import sums_by
from ..errors import IdentificationError, InputError, shown
from ..estimation.coding import Coding, coding_of
from ..results import Flags

_LONGEST = 100_000  # periods: days of 270 years


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histories:
    """The distinct combinations of characteristics, entry, duration, event and time of asking that rows bear.

    A history is at risk in the periods entry + 1, ..., duration. What a model says of a row it says of its history.

    Attributes
    ----------
    place : int array (n,)
        History of each row; 0 where the row is not used.
    used : bool array (n,)
        Rows with mass.
    x : float array (profiles, p)
        Columns of the distinct characteristics, without an intercept.
    coding : Coding
        What these columns are.
    profile, entry, duration, until : int array (h,)
    event : bool array (h,)
    """

    place: Integers
    used: Flags
    x: Floats
    coding: Coding
    profile: Integers
    entry: Integers
    duration: Integers
    until: Integers
    event: Flags

    def sums(self, column: Floats) -> Floats:
        """Sum of a column of the rows by history."""
        return sums_by(self.place[self.used], column[self.used], self.profile.size)

    def levels(self, name: str) -> Integers:
        """Which of the levels of a label variable each profile bears."""
        columns = [j for j, variable in enumerate(self.coding.variables[1:]) if variable == name]
        return np.asarray(np.rint(self.x[:, columns] @ np.arange(1.0, len(columns) + 1)), dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Runs of periods with one baseline hazard each: (start, ends_0], (ends_0, ends_1], ..."""

    start: int
    ends: Integers

    @property
    def begins(self) -> Integers:
        """Period before the first of each interval."""
        return np.concatenate([[self.start], self.ends[:-1]])

    @property
    def names(self) -> tuple[str, ...]:
        """period=3 or period=4-6."""
        runs = zip(self.begins.tolist(), self.ends.tolist(), strict=True)
        return tuple(f"period={last}" if last == before + 1 else f"period={before + 1}-{last}" for before, last in runs)

    def overlap(self, after: Integers, until: Integers) -> Floats:
        """Periods of (after, until] in each interval, (rows, intervals)."""
        inside = np.minimum(until[:, None], self.ends) - np.maximum(after[:, None], self.begins)
        return np.asarray(np.maximum(inside, 0), dtype=np.float64)

    def holding(self, period: Integers) -> Integers:
        """Interval that holds a period; the last one for later periods."""
        return np.minimum(np.searchsorted(self.ends, period), self.ends.size - 1)


def histories_of(duration: Any, event: Any, entry: Any, x: Any, mass: Floats, until: Any = None) -> Histories:
    """The arguments, checked and collapsed. `until` defaults to the duration; what happens after the latest one is left out."""
    n, used = mass.size, mass > 0
    end = _periods(duration, "duration", n)
    begin = np.zeros(n, np.int64) if entry is None else _periods(entry, "entry", n)
    asked = end if until is None else _periods(until, "at", n)
    left = _checks.flags(event, "event", length=n)
    early = np.flatnonzero((begin > end) | ((begin == end) & left))
    if early.size:
        raise InputError(
            f"duration must exceed entry where somebody left, and not be smaller elsewhere; it is not so at rows {shown(early)}. "
            "Leave out who was never under observation.",
            code="leaves_before_entry", argument="entry", rows=early,
        )
    rows = np.flatnonzero(used)
    if until is not None:
        latest = asked[rows].max(initial=0)
        left, end = left & (end <= latest), np.minimum(end, latest)
    if not (end > begin)[rows].any():
        raise InputError(
            "Nobody with a positive weight is under observation. Check duration, weights and entry.",
            code="nobody_observed", argument="duration",
        )
    codes, representatives, columns = _profiles(x, n, rows)
    history = codes
    for column in (begin, end, left) if until is None else (begin, asked, end, left):  # one by one: keys of all would overflow
        own = column[rows]
        history, _ = _checks.factorize(history * (int(own.max()) + 1) + own, "duration")
    place, bearer = np.zeros(n, np.intp), np.zeros(int(history.max()) + 1, np.intp)
    place[rows], bearer[history] = history, np.arange(rows.size)
    first = rows[bearer]
    coding = coding_of(columns, length=representatives.size, rows=np.arange(representatives.size))
    _refuse_one_level(coding)
    matrix = coding.matrix(columns, length=representatives.size, rows=np.arange(representatives.size))[:, 1:]
    return Histories(
        place=place, used=used, x=matrix, coding=coding, profile=codes[bearer], event=left[first], until=asked[first],
        duration=end[first], entry=begin[first],
    )


def intervals_of(histories: Histories, baseline: Any) -> Intervals:
    """The intervals of a baseline that is free in every period, or constant between breaks."""
    observed = histories.duration > histories.entry
    start, last = int(histories.entry[observed].min()), int(histories.duration.max())
    if isinstance(baseline, str):
        if baseline != "free":
            raise InputError(
                f"baseline must be 'free' or a list of periods after which the hazard may change; got {baseline!r}.",
                code="bad_baseline", argument="baseline", value=repr(baseline),
            )
        return Intervals(start, np.arange(start + 1, last + 1))
    breaks = np.unique(_periods(np.asarray(_checks.numbers(baseline, "baseline")), "baseline", None))
    return Intervals(start, np.append(breaks[(breaks > start) & (breaks < last)], last))


def tables(histories: Histories, intervals: Intervals, mass: Floats) -> tuple[Floats, Floats]:
    """Mass of person-periods at risk, and of those who leave, by profile and interval; `mass` is by history.

    Entries and exits are counted by profile and period and summed over time: no row is expanded to its periods.
    """
    profiles, columns = len(histories.x), int(intervals.ends[-1]) - intervals.start + 1
    first, last = (
        histories.profile * columns + np.maximum(edge - intervals.start, 0)
        for edge in (np.minimum(histories.entry, histories.duration), histories.duration)
    )
    present, present_mass = (
        (sums_by(first, part, profiles * columns) - sums_by(last, part, profiles * columns)).reshape(profiles, columns).cumsum(axis=1)
        for part in ((mass > 0).astype(np.float64), mass)
    )
    present_mass = np.where(present > 0, present_mass, 0.0)[:, :-1]  # running sums leave rounding errors where nobody is
    at_risk = np.add.reduceat(present_mass, intervals.begins - intervals.start, axis=1)
    cell = histories.profile * intervals.ends.size + intervals.holding(histories.duration)
    events = sums_by(cell, mass * histories.event, at_risk.size).reshape(at_risk.shape)
    return at_risk, np.minimum(events, at_risk)


def _refuse_one_level(coding: Coding) -> None:
    for name, levels in coding.levels.items():
        if levels is not None and len(levels) < 2:
            raise IdentificationError(
                f"x[{name!r}] has one level only ({shown(levels)}) among the rows used, so it has no effect to estimate. Leave it out.",
                code="one_level_predictor", argument="x", levels=levels, column=name,
            )


def _profiles(x: Any, n: int, rows: Integers) -> tuple[Integers, Integers, dict[str, npt.NDArray[Any]] | None]:
    """Profile of each used row, a row that bears each profile, and the columns of these rows."""
    if x is None:
        return np.zeros(rows.size, np.intp), np.zeros(1, np.intp), None
    codes, values = np.zeros(rows.size, np.int64), {}
    for name, column in _checks.columns_of(x, "x").items():
        own, levels = _column(column, f"x[{name!r}]", n)
        codes, _ = _checks.factorize(codes * levels.size + own[rows], "x")
        values[name] = (own, levels)
    representatives = np.zeros(int(codes.max()) + 1, np.intp)
    representatives[codes] = rows
    return codes, representatives, {name: levels[own[representatives]] for name, (own, levels) in values.items()}


def _column(column: Any, argument: str, n: int) -> tuple[Integers, npt.NDArray[Any]]:
    """Codes and distinct values of a column of numbers or labels."""
    array = _checks.unmasked(column)
    _checks.same_length(array, argument, n)
    if array.dtype == object and not any(isinstance(value, str) for value in array[:100]):  # numbers that came as objects
        with suppress(InputError):
            array = _checks.vector(array, argument, missing=True, infinite=True)
    if array.dtype.kind in "uif":
        return _checks.factorize(_checks.squarable(_checks.vector(array, argument), argument), argument)
    return _checks.factorize(column, argument)


def _periods(value: Any, argument: str, n: int | None) -> Integers:
    """A column of whole periods."""
    column = _checks.non_negative(value, argument, length=n)
    broken = np.flatnonzero(column != np.floor(column))
    if broken.size:
        raise InputError(
            f"{argument} must count whole periods; it does not at rows {shown(broken)}. Round up for those who left, down for the others: "
            "np.where(event, np.ceil(duration), np.floor(duration)), and entry up.",
            code="not_whole_periods", argument=argument, rows=broken,
        )
    endless = np.flatnonzero(column > _LONGEST)
    if endless.size:
        raise InputError(
            f"{argument} exceeds {_LONGEST:,} periods at rows {shown(endless)}. Correct codes such as 999999 for missing or no end, or "
            "count longer periods.",
            code="too_many_periods", argument=argument, rows=endless, most=_LONGEST,
        )
    return column.astype(np.int64)
