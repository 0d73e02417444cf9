"""Reports: tickets, notes of staff, comments; many or none for each customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from .._checks import choice
from ..errors import InputError, shown
from ..options import Unmatched
from ..tables import Columns, InputTable
from .names import SOURCES

Exposure = Literal["everyone", "listed"]


@dataclass(frozen=True, eq=False)
class Reports:
    """A table of tickets, of staff's notes or of comments, and what its columns mean.

    Parameters
    ----------
    frame : dataframe
        pandas, Polars (eager or lazy) or PyArrow table, or DuckDB relation; one row for each report. A customer may have several.
    date : str
        Column with the date of the report: only those in the window count.
    id : str, optional
        Column of customer ids, where it differs from the registry's.
    code : str, optional
        Column with the pain point of the report, or with the source's own code of it.
    mapping : mapping, optional
        ``{code: pain point}``, many to one, where `code` holds a source's own codes; see `Taxonomy.map_codes`.
    columns : mapping or sequence of str, optional
        In place of `code`, columns of 1 and 0 by pain point: ``{pain point: column}``, or columns named as the pain points.
    looked_at : {"everyone", "listed"}
        Who could have reported a pain: every customer (tickets), or those with a row in the window alone (comments).
    where : mapping, optional
        ``{column: value or list of values}``: the rows to keep.
    unmatched : {"fail", "set_aside"}
        Reports of ids that are not in the registry.
    unmapped : {"fail", "set_aside"}
        Reports whose code is missing or has no pain point.
    """

    frame: Any
    _: KW_ONLY
    date: str
    id: str | None = None
    code: str | None = None
    mapping: Mapping[Any, str] | None = None
    columns: Mapping[str, str] | Sequence[str] | None = None
    looked_at: Exposure = "everyone"
    where: Mapping[str, Any] | None = None
    unmatched: Unmatched = "fail"
    unmapped: Unmatched = "fail"


class ReportTable:
    """`Reports` bound to their name, ready to be read."""

    def __init__(self, name: str, reports: Reports, *, id: str) -> None:
        self.name, self.reports, self.argument = name, reports, f"reports[{name!r}]"
        self.id, self.unmatched = reports.id or id, reports.unmatched
        for option, allowed in (("looked_at", Exposure), ("unmatched", Unmatched), ("unmapped", Unmatched)):
            choice(getattr(reports, option), allowed, f"{self.argument}.{option}")
        if (reports.code is None) == (reports.columns is None) or (reports.mapping is not None and reports.code is None):
            raise InputError(
                f"{self.argument} must have either code= (a column of pain points or, with mapping=, of a source's own codes) or "
                "columns= (columns of 1 and 0).",
                code="report_columns", argument=self.argument,
            )
        self.columns = None if reports.columns is None else by_pain(reports.columns, f"{self.argument}.columns")
        self.table = InputTable(reports.frame, self.argument)
        self.table.require(self.id, argument="id")
        self._view = {
            "id": self.table.identifier(self.id, argument=self.argument), "date": self.table.moment(reports.date, argument=self.argument)
        }
        if self.columns is None:
            self._view["code"] = self.table.column(str(reports.code), argument=self.argument)
        else:
            self._view |= {f"y{k}": self.table.number(column, argument=self.argument) for k, column in enumerate(self.columns.values())}
        self._keep = None if reports.where is None else self.table.where(reports.where, argument=f"{self.argument}.where")

    def rows(self) -> Columns:
        """The rows that count: id, date, and code or y0, y1, ..."""
        rows = self.table.view(self._view, self._keep, position="row").rows()
        return rows | {"date": self.table.moments(self.reports.date, rows["date"])}


def by_pain(columns: Mapping[str, str] | Sequence[str], argument: str) -> dict[str, str]:
    """Column by pain point."""
    named = dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns} if not isinstance(columns, str) else {}
    if not named or not all(isinstance(each, str) for pair in named.items() for each in pair):
        raise InputError(
            f"{argument} must name columns, such as ['delivery', 'ethics'] or {{'delivery': 'q5_1'}}; got {columns!r}.",
            code="pain_columns", argument=argument, value=repr(columns),
        )
    return named


def bind_reports(reports: Mapping[str, Any] | None, *, id: str) -> dict[str, ReportTable]:
    """Reports by name; the names of answers are taken."""
    taken = sorted(set(reports or {}) & set(SOURCES))
    if taken:
        raise InputError(
            f"reports has {shown(taken)}, which are names of answers. Give these tables in answers=, or call the reports otherwise.",
            code="report_names", argument="reports", levels=taken,
        )
    for name, given in (reports or {}).items():
        if not isinstance(given, Reports):
            raise InputError(
                f"reports[{name!r}] must be vocstats.Reports(frame, date=..., code=...); got {type(given).__name__}.",
                code="not_reports", argument="reports", levels=[name], got=type(given).__name__,
            )
    return {str(name): ReportTable(str(name), given, id=id) for name, given in (reports or {}).items()}
