"""Reports counted: customers with a report of each pain, of everyone or of those with a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError, shown
from ..prevalence.codes import mapped_codes
from ..tables import Columns
from .cells import Codes, compress
from .listing import match, with_ids
from .names import CHURNED, NOT_CONTACTED, NOT_INVITED, SILENT
from .pain_cells import PainFrame, PainTally
from .reports import ReportTable
from .set_aside import SetAside

if TYPE_CHECKING:
    from .base import CustomerBase

Flags = npt.NDArray[np.bool_]
_SHOWN = 5


def count_reports(
    base: CustomerBase, reports: ReportTable, frame: PainFrame, pains: Sequence[str], since: np.datetime64, until: np.datetime64
) -> tuple[PainTally, list[SetAside]]:
    """What the reports dated from `since` to before `until` say of `pains`."""
    rows, aside = with_ids(reports, reports.rows())
    for reason, which in _out_of_time(rows["date"], since, until).items():
        if which.any():
            aside.append(SetAside(reports.name, reason, int(which.sum()), tuple(sorted(set(rows["id"][which].tolist()))[:_SHOWN])))
    inside = (rows["date"] >= since) & (rows["date"] < until)
    rows = {name: column[inside] for name, column in rows.items()}
    customer, cell, group, unmatched = _placed(base, reports, frame, rows)
    named, found, unmapped = _pains(reports, rows, pains)
    aside += [*unmatched, *unmapped]
    shape = frame.customers.shape
    at = np.ravel_multi_index((cell, group), shape)
    looked = frame.customers
    if reports.reports.looked_at == "listed":
        looked = np.bincount(at[np.unique(customer[customer >= 0])], minlength=frame.customers.size).reshape(shape)
    positive = np.stack(
        [np.bincount(at[np.unique(customer[(customer >= 0) & has])], minlength=frame.customers.size).reshape(shape) for has in found.T]
    )
    return PainTally(source=reports.name, pains=named, positive=positive, n=np.broadcast_to(looked, positive.shape), asked=0), aside


def _out_of_time(dates: npt.NDArray[Any], since: np.datetime64, until: np.datetime64) -> dict[str, Flags]:
    return {"undated": np.isnat(dates), "outside_time": (dates < since) | (dates >= until)}


def _placed(
    base: CustomerBase, reports: ReportTable, frame: PainFrame, rows: Columns
) -> tuple[Codes, Codes, Codes, list[SetAside]]:
    """Customer of each row, -1 where he is not of the base; cell and response group of each customer."""
    import pandas as pd

    view = base._counted_view(list(frame.levels))
    home = view.having("id", pd.unique(rows["id"])).rows()
    known = pd.Index(home["id"], dtype=object)
    inside, aside = match(reports, rows, known, home["population"], base._registry.near_ids)
    ids = home["id"][inside]
    customer = pd.Index(ids, dtype=object).get_indexer(pd.Index(rows["id"], dtype=object)).astype(np.intp)
    uninvited = home["contact"][inside] == NOT_CONTACTED if "contact" in home else np.zeros(ids.size, bool)
    group = np.where(home["churned"][inside].astype(bool), CHURNED, np.where(uninvited, NOT_INVITED, SILENT)).astype(np.intp)
    listed = pd.Index(base._listing.ids, dtype=object).get_indexer(pd.Index(ids, dtype=object))
    group[listed >= 0] = frame.group[listed[listed >= 0]]
    codes = []
    for k, name in enumerate(frame.levels):
        code, labels = base._registry.coded(name, home[f"a{k}"][inside], base.n)
        codes.append(pd.Index(frame.levels[name]).get_indexer(pd.Index(labels))[code].astype(np.intp))
    return customer, _cell(frame, codes, ids.size), group, aside


def _cell(frame: PainFrame, codes: Sequence[Codes], size: int) -> Codes:
    """Cell of each customer by the codes of his groups; every customer of the base has one."""
    cells = frame.customers.shape[0]
    both = [np.concatenate([own, code]) for own, code in zip(frame.codes.values(), codes, strict=True)]
    kind, first = compress([np.zeros(cells + size, np.intp), *both], [1, *(levels.size for levels in frame.levels.values())])
    cell = np.empty(first.size, np.intp)
    cell[kind[:cells]] = np.arange(cells)
    return cell[kind[cells:]]


def _pains(reports: ReportTable, rows: Columns, pains: Sequence[str]) -> tuple[list[str], Flags, list[SetAside]]:
    """The pains the reports can tell of, and which of them each row does, (n, K)."""
    if reports.columns is not None:
        named = _known(reports, list(reports.columns), pains)
        return named, np.stack([_flag(reports, rows, k) for k in range(len(named))], axis=-1), []
    mapping = reports.reports.mapping or {pain: pain for pain in pains}
    named = _known(reports, list(dict.fromkeys(mapping.values())), pains)
    codes, without = mapped_codes(rows["code"], mapping)
    if without.size and reports.reports.unmapped == "fail":
        raise InputError(
            f"{without.size} rows of {reports.argument} have no pain point: codes {shown(codes.set_aside)} in column "
            f"{reports.reports.code!r}, {codes.missing} rows without a code. Add them to mapping=, or set them aside with "
            "unmapped='set_aside'.",
            code="unmapped_reports", argument=reports.argument, levels=list(codes.set_aside), count=int(without.size),
            column=reports.reports.code, codes=shown(codes.set_aside), missing=codes.missing,
        )
    aside = [SetAside(reports.name, "unmapped_code", int(without.size), tuple(codes.set_aside)[:_SHOWN])] if without.size else []
    return named, np.stack([codes.keys == pain for pain in named], axis=-1), aside


def _known(reports: ReportTable, named: list[str], pains: Sequence[str]) -> list[str]:
    unknown = [pain for pain in named if pain not in pains]
    if unknown:
        raise InputError(
            f"{reports.argument} tells of {shown(unknown)}, which no answer was asked for in columns=: {shown(pains, len(pains))}. Correct "
            "the name, or leave it out.",
            code="pain_of_reports_alone", argument=reports.argument, levels=unknown, known=shown(pains, len(pains)),
        )
    return named


def _flag(reports: ReportTable, rows: Columns, k: int) -> Flags:
    """Column `k` of 1 and 0; missing says nothing."""
    values = np.asarray(rows[f"y{k}"], float)
    odd = ~np.isnan(values) & (values != 0) & (values != 1)
    if odd.any():
        column = list((reports.columns or {}).values())[k]
        raise InputError(
            f"Column {column!r} of {reports.argument} must hold 1 or 0; it holds {shown(np.unique(values[odd]))}, ids "
            f"{shown(rows['id'][odd])}. Correct them.",
            code="neither_0_nor_1", argument=column, levels=rows["id"][odd][:_SHOWN], count=int(odd.sum()), table=reports.argument,
        )
    return np.asarray(values == 1)
