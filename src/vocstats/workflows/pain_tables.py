"""The tables of pain points as arrays: what the sources counted, and how many customers there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Integers
from ..errors import InputError, rows_of, shown
from ..results import Floats
from ..tables import Columns, InputTable
from .question import names

ENGAGED, SILENT, CHURNED = "engaged", "silent", "churned"
FIGURES = (
    "estimate", "std_error", "conf_low", "conf_high", "apparent", "silent_gap", "prior_share", "from_selection", "from_coder",
    "from_sampling",
)
_TAKEN = ("pain_point", "term", *FIGURES)
Column = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PainColumns:
    """Which column holds what."""

    pain_point: str
    groups: tuple[str, ...]
    dealer: str | None
    response_group: str
    source: str
    positive: str
    n: str
    frame_count: str
    coders: tuple[str, ...] = ()

    @classmethod
    def checked(cls, *, groups: Sequence[str] | str, dealer: str, coders: Sequence[str] | str = (), **single: str) -> PainColumns:
        """Names as `estimate_pain_points` gets them."""
        for argument, name in single.items():
            if not names(name, argument):
                raise InputError(f"{argument} must name a column.", code="not_a_name", argument=argument)
        listed = names(groups, "groups")
        if dealer != "dealer" and dealer not in listed:
            raise InputError(
                f"dealer names {dealer!r}, which is none of the groups {shown(listed)}. Add it to groups=.",
                code="dealer_not_in_groups", argument="dealer", levels=[dealer], known=shown(listed),
            )
        taken = [name for name in listed if name in _TAKEN]
        if taken:
            raise InputError(
                f"groups names {shown(taken)}, which the table of results has a column of its own for. Rename it in both tables.",
                code="group_name_taken", argument="groups", levels=taken,
            )
        several = names(coders, "coders")
        doubled = [name for name in several if name in listed or name in single.values()]
        if doubled:
            raise InputError(
                f"coders names {shown(doubled)}, which is named as another column too. A coder's column holds his labels.",
                code="coder_column_taken", argument="coders", levels=doubled,
            )
        return cls(groups=listed, dealer=dealer if dealer in listed else None, coders=several, **single)

    @property
    def segments(self) -> tuple[str, ...]:
        """The groups whose crossing is the segment."""
        return tuple(name for name in self.groups if name != self.dealer)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """Customers by segment s, dealer d and response group r.

    Attributes
    ----------
    columns : PainColumns
    customers : Floats (S, D, R)
    there : bool array (S, D, R)
        Cells the frame has a row of.
    levels : {column: array}
        Sorted levels of every group, and of the response group, engaged first.
    labels : {column: array (S,)}
        Level of each segment.
    code : int array (S,)
        Mixed-radix code of each segment, rising.
    """

    columns: PainColumns
    customers: Floats
    there: npt.NDArray[np.bool_]
    levels: Mapping[str, Column]
    labels: Mapping[str, Column]
    code: Integers

    @property
    def response_groups(self) -> tuple[str, ...]:
        """Response groups, engaged first."""
        return tuple(self.levels[self.columns.response_group].tolist())

    @property
    def dealers(self) -> Column:
        """Labels of the dealers, (D,); one, where they are not told apart."""
        return np.array([""], object) if self.columns.dealer is None else self.levels[self.columns.dealer]

    def place(self, rows: Columns) -> tuple[Integers, Integers, Integers]:
        """Segment, dealer and response group of each row; -1 where the frame does not know the level or the segment."""
        group = _found(self.levels[self.columns.response_group], rows["response_group"])
        return *self.place_group(rows, group.size), group

    def place_group(self, rows: Columns, size: int) -> tuple[Integers, Integers]:
        """Segment and dealer of `size` rows, the dealer 0 where the rows do not tell it."""
        code, known = np.zeros(size, np.intp), np.ones(size, bool)
        for name in self.columns.segments:
            found = _found(self.levels[name], rows[f"group {name}"])
            known &= found >= 0
            code = code * self.levels[name].size + found
        segment = np.minimum(np.searchsorted(self.code, code), self.code.size - 1)
        segment = np.where(known & (self.code[segment] == code), segment, -1)
        dealer = np.zeros(size, np.intp)
        if self.columns.dealer is not None and f"group {self.columns.dealer}" in rows:
            dealer = _found(self.dealers, rows[f"group {self.columns.dealer}"])
        return segment, dealer


@rows_of("frame")
def read_frame(given: Any, columns: PainColumns) -> Frame:
    """The frame as arrays; every dealer has customers, and somebody is engaged."""
    table = InputTable(given, "frame")
    rows = read_columns(table, columns, {"customers": columns.frame_count})
    count = _checks.non_negative(rows["customers"], columns.frame_count)
    code, levels = {}, {}
    for name in columns.groups:
        code[name], levels[name] = _checks.factorize(rows[f"group {name}"], name)
    group, answer = _checks.factorize(rows["response_group"], columns.response_group)
    if ENGAGED not in answer.tolist():
        raise InputError(
            f"Column {columns.response_group!r} of frame holds {shown(answer)}, and no {ENGAGED!r}: those who answered are what the others "
            f"are held against. Write {ENGAGED!r}, {SILENT!r} and {CHURNED!r}.",
            code="nobody_engaged", argument="frame", levels=answer.tolist(), column=columns.response_group, found=shown(answer),
        )
    order = sorted(range(answer.size), key=lambda j: (_standing(answer[j]), str(answer[j])))
    group, levels[columns.response_group] = np.argsort(order)[group], answer[order]
    crossed = np.zeros(count.size, np.intp)
    for name in columns.segments:
        crossed = crossed * levels[name].size + code[name]
    distinct, first, segment = np.unique(crossed, return_index=True, return_inverse=True)
    dealer = code[columns.dealer] if columns.dealer is not None else np.zeros(count.size, np.intp)
    shape = (distinct.size, levels[columns.dealer].size if columns.dealer is not None else 1, answer.size)
    cell = np.ravel_multi_index((segment, dealer, group), shape)
    refuse_repeated(cell, "frame", rows, columns)
    there, customers = np.zeros(shape, bool), np.zeros(shape)
    there.flat[cell], customers.flat[cell] = True, count
    found = Frame(
        columns=columns, customers=customers, there=there, levels=levels,
        labels={name: levels[name][code[name][first]] for name in columns.segments}, code=distinct,
    )
    _refuse_empty(found)
    return found


def _standing(group: Any) -> int:
    return (ENGAGED, SILENT, CHURNED).index(group) if group in (ENGAGED, SILENT, CHURNED) else 3


def _refuse_empty(frame: Frame) -> None:
    total = frame.customers.sum(axis=(0, 2))
    if not (total > 0).all():
        empty = frame.dealers[total == 0].tolist() if frame.columns.dealer is not None else []
        what = f"Column {frame.columns.dealer!r}: {shown(empty)} have no customers in frame" if empty else "The frame holds no customers"
        raise InputError(
            f"{what}, so there is nobody to estimate a share of. Give the customers, or take the rows out of frame and observations.",
            code="no_customers", argument="frame", levels=empty, column=frame.columns.dealer or "", found=shown(empty),
        )


def read_columns(
    table: InputTable, columns: PainColumns, numbers: Mapping[str, str], labels: Mapping[str, str] | None = None
) -> Columns:
    wanted = {key: table.number(name, argument=key) for key, name in numbers.items()}
    for key, name in {**(labels or {}), "response_group": columns.response_group}.items():
        wanted[key] = table.column(name, argument=key)
    for name in columns.groups:
        wanted[f"group {name}"] = table.column(name, argument="groups")
    for name in columns.coders if labels else ():
        wanted[f"label {name}"] = table.number(name, argument="coders")
    rows = table.view(wanted).rows()
    if not rows["response_group"].size:
        raise InputError(f"{table.name} holds no rows.", code="empty_table", argument=table.name, table=table.name)
    return rows


def whole_counts(values: Column, column: str) -> Floats:
    """Counts: whole, because shares of weighted ones vary more than their number says."""
    counts = _checks.non_negative(values, column)
    broken = np.flatnonzero(counts != np.rint(counts))
    if broken.size:
        raise InputError(
            f"Column {column!r} must hold whole numbers of customers; it does not at rows {shown(broken)}. Give counts, not weighted ones.",
            code="customers_not_whole", argument=column, rows=broken, column=column,
        )
    return counts


def refuse_repeated(key: Integers, table: str, rows: Columns, columns: PainColumns) -> None:
    """Raise where two rows are of the same cell: summed silently, they could be one count given twice."""
    order = np.argsort(key, kind="stable")
    again = np.sort(order[1:][key[order][1:] == key[order][:-1]])
    if again.size:
        cells = cells_of(rows, columns, again)
        raise InputError(
            f"{table} has more than one row of {shown(cells)}, again at rows {shown(again)}. Name the column that tells them apart in "
            "groups=, or add them up first.",
            code="repeated_cell", argument=table, rows=again, levels=cells, table=table, cells=shown(cells),
        )


def cells_of(rows: Columns, columns: PainColumns, at: Integers) -> list[Any]:
    """Distinct labels of the cells of the first rows at fault, as text."""
    keys = [key for key in ("pain", "stage", *(f"group {name}" for name in columns.groups), "response_group", "source") if key in rows]
    return list(dict.fromkeys(" / ".join(str(rows[key][row]) for key in keys) for row in at[:100].tolist()))


def _found(levels: Column, values: Column) -> Integers:
    import pandas as pd

    return np.asarray(pd.Index(levels).get_indexer(pd.Index(values)), np.intp)
