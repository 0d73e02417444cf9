"""A table on its engine, and the few queries the package asks of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self, cast

import narwhals as nw
import numpy as np
import numpy.typing as npt

from ..errors import InputError, shown
from .arrays import Columns, bring_home
from .near import NearTable

Expression = nw.Expr

_POSITION = "vocstats position"
_SHOWN = 5
_NEAR = 200_000  # rows of a pandas frame up to which a query's overhead exceeds its work
_HOME_LIMIT = 5_000_000  # rows of a grouped table that may come home from a lazy engine


@dataclass(frozen=True, slots=True)
class Offenders:
    """Rows at fault: how many, the ids of the first few, and their positions where the frame has an order."""

    count: int
    ids: tuple[Any, ...]
    rows: tuple[int, ...]

    def __str__(self) -> str:
        where = f", rows {shown(self.rows, self.count)}" if self.rows else ""
        return f"{shown(self.ids, self.count)}{where}"


class Table:
    """Named columns on an engine: a view of a caller's table, made of expressions.

    Parameters
    ----------
    frame : narwhals frame
    name : str
        What messages call it.
    schema : dict, optional
        Type of each column.
    """

    nothing: Expression = nw.lit(False)

    def __init__(self, frame: Any, name: str, schema: dict[str, Any] | None = None) -> None:
        self._frame, self.name = frame, name
        self.lazy = isinstance(frame, nw.LazyFrame)
        self.schema = dict(frame.collect_schema()) if schema is None else schema

    @staticmethod
    def get(column: str) -> Expression:
        """The column as it stands."""
        return nw.col(column)

    def view(self, columns: Mapping[str, Expression], keep: Expression | None = None, *, position: str | None = None) -> Table:
        """The named expressions as a table of their own, of the rows where `keep` is true.

        `position` names a column to add: where each row stands in the caller's frame, or -1 where an engine promises no order.
        """
        frame, chosen = self._frame, dict(columns)
        if position is not None:
            if isinstance(frame, nw.LazyFrame):
                chosen[position] = nw.lit(-1)
            else:
                frame = frame.with_row_index(_POSITION)
                chosen[position] = nw.col(_POSITION).cast(nw.Int64)
        return Table((frame if keep is None else frame.filter(keep)).select(**chosen), self.name)

    def extended(self, columns: Mapping[str, Expression]) -> Self:
        """The table with further columns."""
        result = copy(self)
        Table.__init__(result, self._frame.with_columns(**columns), self.name)
        return result

    def rows(self) -> Columns:
        """Every row, brought home."""
        return bring_home(_collected(self._frame))

    def aggregate(self, expressions: Mapping[str, Expression]) -> dict[str, Any]:
        """One row of aggregates, as Python numbers."""
        result = _collected(self._frame.select(**expressions))
        return {name: 0.0 if (value := result[name].to_list()[0]) is None else float(value) for name in result.columns}

    def distinct(self, column: str, limit: int) -> list[Any]:
        """Up to `limit` distinct values of the column, sorted, the missing one left out."""
        unique = self._frame.select(column).filter(~nw.col(column).is_null()).unique()
        return sorted(_collected(unique.head(limit))[column].to_list())

    def count_by(self, keys: Sequence[str]) -> Columns:
        """Distinct combinations of `keys` (missing is a value) with how many rows have each, as ``count``."""
        grouped = self._frame.group_by(*keys).agg(count=nw.len())
        home = bring_home(_collected(grouped.head(_HOME_LIMIT + 1) if self.lazy else grouped))
        if self.lazy and home["count"].size > _HOME_LIMIT:
            raise InputError(
                f"{self.name} has more than {_HOME_LIMIT:,} distinct combinations of the columns asked for. Band or leave out those with "
                "the most levels.",
                code="too_many_cells", argument=self.name, limit=f"{_HOME_LIMIT:,}",
            )
        home["count"] = home["count"].astype(np.int64)
        return home

    def having(self, column: str, values: npt.NDArray[Any]) -> Table:
        """The rows whose text `column` is one of `values`."""
        if self._frame.implementation.is_duckdb():
            wanted = self.like({column: values})
            return Table(self._frame.join(wanted._frame, on=column, how="semi"), self.name)
        return Table(self._frame.filter(nw.col(column).is_in(values.tolist())), self.name)

    def like(self, columns: Columns) -> Table:
        """Columns from home as a table of this one's kind, on its engine."""
        implementation = self._frame.implementation
        if implementation.is_duckdb():
            import pyarrow as pa

            pushed = pa.table(dict(columns))  # noqa: F841 - DuckDB finds it by its name
            native = self._frame.to_native().query("vocstats_table", "select * from pushed")
            return Table(nw.from_native(native), self.name)
        given = {name: _listed(values) for name, values in columns.items()}
        frame = nw.from_dict(given, backend=cast(Any, implementation))
        return Table(frame.lazy() if self.lazy else frame, self.name)

    def joined(self, other: Table, on: Sequence[str]) -> Table:
        """Left join; a table of another kind or connection is brought over first."""
        if self._frame.implementation is other._frame.implementation and self.lazy == other.lazy:
            try:
                return Table(self._frame.join(self._same_types(other, on), on=list(on), how="left"), self.name)
            except Exception as error:
                if "different connection" not in str(error):
                    raise
        return Table(self._frame.join(self._same_types(self.like(other.rows()), on), on=list(on), how="left"), self.name)

    def _same_types(self, other: Table, keys: Sequence[str]) -> Any:
        """The other's frame with keys Arrow will compare: it tells text from large text."""
        if not self._frame.implementation.is_pyarrow():
            return other._frame
        mine, theirs = self._frame.to_native(), other._frame.to_native()
        for key in keys:
            theirs = theirs.set_column(theirs.schema.get_field_index(key), key, theirs[key].cast(mine.schema.field(key).type))
        return nw.from_native(theirs)

    def looked_up(self, keys: Columns, value: npt.NDArray[Any], name: str) -> Table:
        """The table with a column `name`: the `value` beside the combination of `keys` each row has; missing matches missing."""
        filled: dict[str, Expression] = {}
        pushed: Columns = {}
        for key, values in keys.items():
            textual = values.dtype == object
            lacking = np.array([item is None for item in values]) if textual else np.isnan(values) if values.dtype.kind == "f" else None
            column = nw.col(key)
            if isinstance(self.schema[key], nw.Boolean):
                column, values = nw.when(column).then(nw.lit(1)).otherwise(nw.lit(0)), values.astype(np.int64)
            elif lacking is not None:
                pushed[f"{key} missing"] = lacking.astype(np.int64)
                filled[f"{key} missing"] = nw.when(column.is_null()).then(nw.lit(1)).otherwise(nw.lit(0)).cast(nw.Int64)
                values = np.where(lacking, "" if textual else 0.0, values)
                column = column.fill_null("" if textual else 0.0)
            pushed[key] = values
            filled[key] = column if textual else column.cast(nw.Float64 if values.dtype.kind == "f" else nw.Int64)
        others = {column: nw.col(column) for column in self.schema if column not in filled}
        return self.view(others | filled).joined(self.like(pushed | {name: value}), list(pushed))

    def without(self, other: Table, on: str) -> Table:
        """The rows whose key is not in `other`; missing keys stay."""
        keys = other.view({on: nw.col(on), "there": nw.lit(True)})
        joined = self.joined(keys, [on])
        return Table(joined._frame.filter(nw.col("there").is_null()), self.name)

    def near(self) -> Table | NearTable:
        """The table itself, or its columns at home where that is the faster way to ask."""
        small = not self.lazy and self._frame.implementation.is_pandas() and len(self._frame) <= _NEAR
        return NearTable(self.rows()) if small else self

    def key_facts(self, column: str) -> dict[str, float]:
        """Of a text column: ``rows``, how many are ``missing``, and how many ``distinct`` values there are."""
        if not self.lazy:
            return NearTable(bring_home(self._frame.select(column))).key_facts(column)
        key = nw.col(column)
        return self.aggregate({"rows": key.is_null().count(), "missing": key.is_null().sum(), "distinct": key.n_unique()})

    def repeated(self, column: str) -> Offenders:
        """Values of `column` that stand in more than one row."""
        if self.lazy:
            counts = self._frame.group_by(column).agg(count=nw.len()).filter(nw.col("count") > 1)
            total = _collected(counts.select(n=nw.len()))["n"].to_list()[0]
            return Offenders(int(total), tuple(_collected(counts.sort(column).head(_SHOWN))[column].to_list()), ())
        import pandas as pd

        values = pd.Series(bring_home(_collected(self._frame.select(column)))[column], dtype=object)
        again = values.duplicated(keep=False).to_numpy()
        ids = list(dict.fromkeys(values[again]))
        return Offenders(len(ids), tuple(ids[:_SHOWN]), tuple(np.flatnonzero(again)[: 2 * _SHOWN].tolist()))

    def offenders(self, flag: Expression, identifier: str) -> Offenders:
        """Rows where `flag` is true."""
        marked = Table(self._frame.with_columns(flag=flag), self.name)
        if self.lazy:
            there = marked._frame.filter(nw.col("flag"))
            total = _collected(there.select(n=nw.len()))["n"].to_list()[0]
            first = _collected(there.select(identifier).sort(identifier).head(_SHOWN))
            return Offenders(int(total), tuple(first[identifier].to_list()), ())
        home = marked.view({"id": nw.col(identifier), "flag": nw.col("flag")}).rows()
        rows = np.flatnonzero(home["flag"])
        return Offenders(rows.size, tuple(home["id"][rows[:_SHOWN]].tolist()), tuple(rows[:_SHOWN].tolist()))

    @property
    def native(self) -> Any:
        """The table as the caller's kind of frame."""
        return self._frame.to_native()


def either(cases: Sequence[tuple[int | Expression, Expression]], otherwise: int | Expression) -> Expression:
    """The value of the first case whose condition is true."""
    result = nw.lit(otherwise) if isinstance(otherwise, int) else otherwise
    for value, condition in reversed(cases):
        result = nw.when(condition).then(nw.lit(value) if isinstance(value, int) else value).otherwise(result)
    return result


def _collected(frame: Any) -> nw.DataFrame[Any]:
    return frame.collect() if isinstance(frame, nw.LazyFrame) else frame


def _listed(values: npt.NDArray[Any]) -> Iterable[Any]:
    return values.tolist() if values.dtype == object else values
