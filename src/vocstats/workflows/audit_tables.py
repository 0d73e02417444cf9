"""The tables of an audit as arrays: the responses, the visits they came from, and what followed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import Floats
from ..errors import InputError, shown
from ..tables import Columns, Expression, InputTable, packed
from .question import names

Flags = npt.NDArray[np.bool_]
Column = npt.NDArray[Any]
_IDS = ("response_id", "visit", "device", "address")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Roster:
    """The visits of all dealers, N of them, by number.

    Attributes
    ----------
    row : int array (N,)
        Position in the caller's table.
    dealer : array (N,)
    visit : bytes array (N,)
        Numbers of visits as UTF-8.
    invited, drawn, reached : bool array (N,), optional
        None: no such column.
    heard : bool array (N,)
        Whether a response came of the visit.
    x, later : {column: array (N,)}
        Case mix and outcomes that stand on the roster.
    score : float array (N,)
        Of the response; NaN without.
    """

    row: npt.NDArray[np.intp]
    dealer: Column
    visit: Column
    invited: Flags | None
    drawn: Flags | None
    reached: Flags | None
    heard: Flags
    x: dict[str, Column]
    later: dict[str, Floats]
    score: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Responses:
    """The responses, n of them, by number where they have one, so that the order of rows changes no result.

    Attributes
    ----------
    row : int array (n,)
        Position in the caller's table, or in what a lazy engine sent.
    dealer, score : array (n,)
    id, visit : bytes array (n,), optional
        Numbers of responses and visits as UTF-8, b"" where missing.
    independent : bool array (n,), optional
        Invited by somebody other than the dealer; None: not known.
    items, x, outcomes : {column: array (n,)}
        Empty where none was named. Items and outcomes may be missing.
    time, seconds : array (n,), optional
    device, address : bytes array (n,), optional
        As UTF-8, b"" where missing.
    off_roster : int
        Responses whose visit is not on the roster.
    """

    row: npt.NDArray[np.intp]
    dealer: Column
    score: Floats
    id: Column | None
    visit: Column | None
    independent: Flags | None
    items: dict[str, Floats]
    x: dict[str, Column]
    outcomes: dict[str, Floats]
    time: Column | None
    device: Column | None
    address: Column | None
    seconds: Floats | None
    off_roster: int

    @property
    def own(self) -> Flags:
        """Responses the dealer asked for; all of them where the channel is not known."""
        return np.ones(self.score.size, bool) if self.independent is None else ~self.independent


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnNames:
    """Which column holds what; None or empty: there is no such column."""

    dealer: str
    score: str
    response_id: str | None
    visit: str | None
    channel: str | None
    independent_channel: Any
    items: tuple[str, ...]
    case_mix: tuple[str, ...]
    outcomes: tuple[str, ...]
    time: str | None
    device: str | None
    address: str | None
    seconds: str | None
    invited: str | None
    drawn: str | None
    reached: str | None

    @classmethod
    def checked(
        cls, *, items: Sequence[str] | str, case_mix: Sequence[str] | str, outcomes: Sequence[str] | str, **single: Any
    ) -> ColumnNames:
        """Names as an audit gets them; lists without repetition."""
        for argument in ("dealer", "score"):
            if single[argument] is None:
                raise InputError(f"{argument} must name a column.", code="not_a_name", argument=argument)
        for argument, name in single.items():
            if argument != "independent_channel":
                names(name, argument)
        return cls(
            items=names(items, "items"), case_mix=names(case_mix, "case_mix"), outcomes=names(outcomes, "outcomes"), **single
        )


def read_tables(responses: Any, roster: Any, columns: ColumnNames) -> tuple[Responses, Roster | None]:
    """Both tables, joined by visit: whom the roster says was heard, and what followed a response."""
    given = InputTable(responses, "responses")
    visits = None if roster is None else InputTable(roster, "roster")
    for argument in ("invited", "drawn", "reached"):
        if visits is None and getattr(columns, argument) is not None:
            raise InputError(
                f"{argument} names a column of the roster, and no roster was given.", code="no_roster_given", argument=argument
            )
    if visits is not None and columns.visit is None:
        raise InputError("visit must name the column that joins responses and roster.", code="not_a_name", argument="visit")
    there = [name for name in columns.outcomes if name in given.schema or visits is None]
    later = [name for name in columns.outcomes if visits is not None and name in visits.schema]
    if visits is not None:
        visits.require(*(name for name in columns.outcomes if name not in (*there, *later)), argument="outcomes")
    rows = _read_responses(given, columns, there)
    if visits is None:
        return _responses(given, rows, columns, there), None
    listed = _of_audited(_read_roster(visits, columns, later), rows["dealer"], columns.dealer)
    place = _places(listed["visit"], rows["visit"])
    answers = _responses(given, rows, columns, there, off_roster=int((place < 0).sum()))
    followed = {name: _followed(listed[name], place) for name in later if name not in there}
    answers.outcomes.update(followed)
    return answers, _roster(listed, columns, later, place, answers)


def _read_responses(table: InputTable, columns: ColumnNames, outcomes: Sequence[str]) -> Columns:
    wanted = {"dealer": table.column(columns.dealer, argument="dealer"), "score": table.number(columns.score, argument="score")}
    single: dict[str, Callable[..., Expression]] = {
        "response_id": table.identifier, "visit": table.identifier, "channel": table.column, "time": table.moment,
        "device": table.identifier, "address": table.identifier, "seconds": table.number,
    }
    for argument, read in single.items():
        name = getattr(columns, argument)
        if name is not None:
            wanted[argument] = read(name, argument=argument)
    wanted |= {f"item {name}": table.number(name, argument="items") for name in columns.items}
    wanted |= {f"mix {name}": table.column(name, argument="case_mix") for name in columns.case_mix}
    wanted |= {f"outcome {name}": table.number(name, argument="outcomes") for name in outcomes}
    rows = _brought(table, wanted)
    if not rows["score"].size:
        raise InputError("responses holds no rows.", code="empty_table", argument="responses", table="responses")
    complete = {"dealer": columns.dealer, "score": columns.score, "channel": columns.channel}
    complete |= {f"mix {name}": name for name in columns.case_mix}
    for key, name in complete.items():
        if key in rows:
            refuse_missing(rows[key], str(name), table)
    return _numbered(rows, "response_id", columns.response_id, table)


def _brought(table: InputTable, wanted: Mapping[str, Expression]) -> Columns:
    """Columns brought home with ids in few bytes, one by one where the engine keeps the order of rows: that takes less memory."""
    if table.lazy:
        rows = table.view(wanted).rows()
        return {name: packed(rows.pop(name)) if name in _IDS else rows.pop(name) for name in wanted}
    columns = ((name, table.view({name: expression}).rows()[name]) for name, expression in wanted.items())
    return {name: packed(values) if name in _IDS else values for name, values in columns}


def _responses(table: InputTable, rows: Columns, columns: ColumnNames, outcomes: Sequence[str], *, off_roster: int = 0) -> Responses:
    return Responses(
        row=rows["row"], dealer=rows["dealer"], score=rows["score"], id=rows.get("response_id"), visit=rows.get("visit"),
        independent=_independent(rows.get("channel"), columns), items={name: rows[f"item {name}"] for name in columns.items},
        x={name: rows[f"mix {name}"] for name in columns.case_mix}, outcomes={name: rows[f"outcome {name}"] for name in outcomes},
        time=table.moments(str(columns.time), rows["time"]) if "time" in rows else None, device=rows.get("device"),
        address=rows.get("address"), seconds=rows.get("seconds"), off_roster=off_roster,
    )


def _independent(channel: Column | None, columns: ColumnNames) -> Flags | None:
    if channel is None:
        return None
    found = np.asarray(channel == columns.independent_channel, bool)
    if not found.any():
        levels = sorted({str(value) for value in channel.tolist()})
        raise InputError(
            f"No response has the independent channel {columns.independent_channel!r} in column {columns.channel!r}; it holds "
            f"{shown(levels)}. Name it (independent_channel=), or give channel=None where every response was asked for by its dealer.",
            code="no_independent_channel", argument="independent_channel", levels=levels, channel=str(columns.independent_channel),
            column=columns.channel,
        )
    return found


def _read_roster(table: InputTable, columns: ColumnNames, later: Sequence[str]) -> Columns:
    visit = str(columns.visit)
    wanted = {"dealer": table.column(columns.dealer, argument="dealer"), "visit": table.identifier(visit, argument="visit")}
    for argument in ("invited", "drawn", "reached"):
        name = getattr(columns, argument)
        if name is not None:
            wanted[argument] = table.flag(name, visit, argument=argument)
    wanted |= {f"mix {name}": table.column(name) for name in columns.case_mix if name in table.schema}
    wanted |= {name: table.number(name, argument="outcomes") for name in later}
    rows = _brought(table, wanted)
    for key, name in ({"dealer": columns.dealer, "visit": visit} | {f"mix {name}": name for name in columns.case_mix}).items():
        if key in rows:
            refuse_missing(rows[key], name, table)
    return _numbered(rows, "visit", visit, table)


def _of_audited(listed: Columns, dealers: Column, column: str) -> Columns:
    """Visits of dealers with a response: the others have no score to audit."""
    import pandas as pd

    known = pd.Index(listed["dealer"]).isin(pd.unique(pd.Series(dealers)))
    if not known.any():
        some, others = listed["dealer"].tolist()[:3], dealers.tolist()[:3]
        raise InputError(
            f"No dealer of the roster is a dealer of the responses: {shown(some)} and {shown(others)} in column {column!r}. "
            "Write dealers alike in both tables.",
            code="other_dealers", argument="roster", levels=some, column=column, others=shown(others),
        )
    return {name: values[known] for name, values in listed.items()}


def _roster(rows: Columns, columns: ColumnNames, later: Sequence[str], place: npt.NDArray[np.intp], answers: Responses) -> Roster:
    on = place >= 0
    heard = np.zeros(rows["visit"].size, bool)
    heard[place[on]] = True
    score = np.full(heard.size, np.nan)
    score[place[on][::-1]] = answers.score[on][::-1]  # of several responses to one visit the first counts
    flags = {name: np.asarray(rows[name], float) == 1.0 if name in rows else None for name in ("invited", "drawn", "reached")}
    mix = {name: rows[f"mix {name}"] for name in columns.case_mix if f"mix {name}" in rows}
    return Roster(
        row=rows["row"], dealer=rows["dealer"], visit=rows["visit"], heard=heard, score=score, **flags,
        x=mix if len(mix) == len(columns.case_mix) else {}, later={name: rows[name] for name in later},
    )


def _numbered(rows: Columns, by: str, column: str | None, table: InputTable) -> Columns:
    """The rows in the order of a column, those without last, with their positions before as "row"; column by column, to save memory.

    InputError where a value of the column repeats.
    """
    order = np.arange(rows["dealer"].size)
    if by in rows:
        missing = _missing(rows[by])
        known = np.flatnonzero(~missing)
        known = known[np.argsort(rows[by][known], kind="stable")]
        _refuse_repeated(rows[by], known, str(column), table)
        order = np.concatenate([known, np.flatnonzero(missing)])
        for name in rows:
            rows[name] = rows[name][order]
    return rows | {"row": order}


def _places(listed: Column, wanted: Column) -> npt.NDArray[np.intp]:
    """Row of each wanted visit on the roster, which is in their order; -1 where it is not there."""
    place = np.minimum(np.searchsorted(listed, wanted), listed.size - 1)
    return np.where(listed[place] == wanted, place, -1)


def _followed(values: Floats, place: npt.NDArray[np.intp]) -> Floats:
    return np.where(place >= 0, values[np.maximum(place, 0)], np.nan) if values.size else np.full(place.size, np.nan)


def refuse_missing(values: Column, column: str, table: InputTable) -> None:
    """InputError where a column that must be complete is not."""
    rows = np.flatnonzero(_missing(values))
    if rows.size:
        raise InputError(
            f"Column {column!r} of {table.name} is missing at {rows.size} rows: {shown(rows)}. Fill it, or take the rows out before.",
            code="missing_in_column", argument=column, rows=rows, table=table.name, column=column, count=int(rows.size),
        )


def _missing(values: Column) -> Flags:
    if values.dtype.kind == "S":
        return np.asarray(values == b"")
    if values.dtype == object:
        return np.array([value is None or value == b"" for value in values.tolist()], bool)
    return np.asarray(np.isnan(values.astype(float)))


def _refuse_repeated(values: Column, order: npt.NDArray[np.intp], column: str, table: InputTable) -> None:
    """InputError where neighbours in the order of the values are alike."""
    sorted_ = values[order]
    twice = np.sort(order[1:][sorted_[1:] == sorted_[:-1]])
    if twice.size:
        found = list(dict.fromkeys(text_of(value) for value in values[twice].tolist()))
        raise InputError(
            f"Column {column!r} of {table.name} has {shown(found)} more than once, at rows {shown(twice)}. Keep one row of each.",
            code="repeated_number", argument=column, rows=twice, levels=found[:20], table=table.name, column=column, count=int(twice.size),
        )


def text_of(value: bytes) -> str | None:
    """A number of a response or a visit, or a device, as it was written; None where it is missing."""
    return value.decode() or None


def mapping_of(columns: Mapping[str, Column], rows: Flags | npt.NDArray[np.intp] | None = None) -> dict[str, Column] | None:
    """Some rows of named columns; None without columns."""
    if not columns:
        return None
    return {name: values if rows is None else values[rows] for name, values in columns.items()}
