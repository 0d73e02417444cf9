"""The observations of pain points as arrays: what each source counted in which cell of the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _checks
from .._checks import Integers
from ..errors import InputError, rows_of, shown
from ..results import Floats
from ..tables import Columns, InputTable
from .pain_labels import patterns_of, refuse_both
from .pain_tables import Column, Frame, PainColumns, cells_of, read_columns, refuse_repeated, whole_counts


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observations:
    """Counts, in an order that does not depend on that of the rows.

    Attributes
    ----------
    pains, sources, coders : array
        Labels; a coder's is "" where no column tells.
    pain, segment, dealer, group, source, coder : int array (C,)
    positive, n : Floats (C,)
        NaN and texts in rows of a pattern.
    pattern : int array (C,)
        -1: the row counts positives.
    patterns : int array (P, J)
        Labels of each pattern; -1: not read.
    """

    pains: Column
    sources: Column
    coders: Column
    pain: Integers
    segment: Integers
    dealer: Integers
    group: Integers
    source: Integers
    coder: Integers
    positive: Floats
    n: Floats
    pattern: Integers
    patterns: Integers


@rows_of("observations")
def read_observations(given: Any, columns: PainColumns, frame: Frame, *, coder: str | None) -> Observations:
    """The observations as arrays, each in a cell of the frame."""
    table = InputTable(given, "observations")
    if columns.coders and coder not in table.schema:
        coder = None
    wanted = {"n": columns.n}
    if columns.positive in table.schema or not columns.coders:
        wanted |= {"positive": columns.positive}
    labels = {"pain": columns.pain_point, "source": columns.source} | ({} if coder is None else {"coder": coder})
    rows = read_columns(table, columns, wanted, labels)
    n = whole_counts(rows["n"], columns.n)
    pain, pains = _checks.factorize(rows["pain"], columns.pain_point)
    source, sources = _checks.factorize(rows["source"], columns.source)
    positive, pattern, patterns = _positives(rows, n, source, sources, columns)
    coded, coders = np.zeros(n.size, np.intp), np.array([""], object)
    if coder is not None:
        told = ["" if several >= 0 or _checks.is_missing(by) else str(by) for by, several in zip(rows["coder"], pattern, strict=True)]
        coded, coders = _checks.factorize(np.array(told, object), coder)
    place = frame.place(rows)
    _refuse_absent(place, frame, rows)
    segment, dealer, group = place
    cell = np.ravel_multi_index(
        (pain, segment, dealer, group, source, coded), (pains.size, *frame.customers.shape, sources.size, coders.size)
    )
    key = cell * (len(patterns) + 1) + pattern + 1
    refuse_repeated(key, "observations", rows, columns)
    _refuse_crowded(place, frame, rows, _looked_at(cell, pattern, n))
    heard = np.bincount(pain, weights=n, minlength=pains.size) > 0
    if not heard.all():
        raise InputError(
            f"Pain points {shown(pains[~heard])} have no data at all: every n is 0. Take their rows out, or give what was counted.",
            code="pain_without_data", argument=columns.n, levels=pains[~heard].tolist(),
        )
    order = np.argsort(key, kind="stable")
    order = order[n[order] > 0]
    return Observations(
        pains=pains, sources=sources, coders=coders, pain=pain[order], segment=segment[order], dealer=dealer[order], group=group[order],
        source=source[order], coder=coded[order], positive=positive[order], n=n[order], pattern=pattern[order], patterns=patterns,
    )


def _positives(
    rows: Columns, n: Floats, source: Integers, sources: Column, columns: PainColumns
) -> tuple[Floats, Integers, Integers]:
    """Positives, NaN in rows of labels; the rows' patterns, and the labels of these."""
    if not columns.coders:
        positive = whole_counts(rows["positive"], columns.positive)
        _refuse_more_than(positive, n, columns)
        return positive, np.full(n.size, -1), np.zeros((0, 0), np.intp)
    pattern, patterns = patterns_of(np.stack([rows[f"label {name}"] for name in columns.coders], axis=1), columns.coders)
    given = rows.get("positive", np.full(n.size, np.nan))
    refuse_both(pattern, given, source, sources, columns.positive)
    positive = whole_counts(np.where(pattern < 0, given, 0.0), columns.positive)
    _refuse_more_than(positive, n, columns)
    return np.where(pattern < 0, positive, np.nan), pattern, patterns


def _looked_at(cell: Integers, pattern: Integers, n: Floats) -> Floats:
    """Customers looked at in the cell of each row: of patterns, all of them together."""
    total, several = n.copy(), np.flatnonzero(pattern >= 0)
    _, of = np.unique(cell[several], return_inverse=True)
    total[several] = np.bincount(of, weights=n[several])[of] if several.size else 0.0
    return total


def _refuse_more_than(positive: Floats, n: Floats, columns: PainColumns) -> None:
    rows = np.flatnonzero(positive > n)
    if rows.size:
        raise InputError(
            f"Column {columns.positive!r} exceeds {columns.n!r} at rows {shown(rows)}: of {n[rows[0]]:g} customers, {positive[rows[0]]:g} "
            f"are said to have the pain. {columns.n!r} counts all who were looked at, with and without it.",
            code="positives_above_n", argument=columns.positive, rows=rows, column=columns.positive, n=columns.n,
        )


def _refuse_absent(place: tuple[Integers, Integers, Integers], frame: Frame, rows: Columns) -> None:
    inside = np.all([each >= 0 for each in place], axis=0)
    inside[inside] = frame.there[tuple(each[inside] for each in place)]
    absent = np.flatnonzero(~inside)
    if absent.size:
        cells = cells_of(rows, frame.columns, absent)
        raise InputError(
            f"observations holds {shown(cells)} at rows {shown(absent)}, of which the frame has no row, so that nobody knows how many "
            "such customers there are. Add them to the frame, and write levels alike in both tables.",
            code="cell_not_in_frame", argument="frame", rows=absent, levels=cells, cells=shown(cells),
        )


def _refuse_crowded(place: tuple[Integers, Integers, Integers], frame: Frame, rows: Columns, n: Floats) -> None:
    most = frame.customers[place]
    over = np.flatnonzero(n > most)
    if over.size:
        cells = cells_of(rows, frame.columns, over)
        raise InputError(
            f"observations counts more customers than the frame has in {shown(cells)}, at rows {shown(over)}: {n[over[0]]:g} looked at of "
            f"{most[over[0]]:g}. Count each customer once, within the time the frame is of.",
            code="more_than_customers", argument="frame", rows=over, levels=cells, cells=shown(cells),
        )
