"""A dataframe of any kind: what its columns are, expressions on them, and the few queries the package asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from typing import Any, Literal

import narwhals as nw
import numpy as np
import numpy.typing as npt

from ..errors import InputError, shown
from .arrays import Columns, bring_home, day, settle_object
from .near import NearTable

Expression = nw.Expr
ColumnKind = Literal["text", "integer", "float", "boolean", "date", "datetime", "empty", "other"]

_EXACT = 2**53  # whole numbers beyond lose digits as floats
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
    """A pandas, Polars (eager or lazy) or PyArrow table or a DuckDB relation, seen through one set of queries.

    Parameters
    ----------
    native : dataframe
        The caller's frame; never changed.
    name : str
        What messages call it: the argument it came in.
    """

    def __init__(self, native: Any, name: str) -> None:
        self.name = name
        try:
            self._frame = nw.from_native(native)
            supported = (im := self._frame.implementation).is_pandas() or im.is_polars() or im.is_pyarrow() or im.is_duckdb()
        except nw.exceptions.DuplicateError as error:
            raise InputError(f"{name} has a column name twice: {error}. Rename one of them.", code="duplicate_columns", argument=name) from None
        except TypeError:
            supported = False
        if not supported:
            raise InputError(
                f"{name} must be a pandas, Polars or PyArrow table or a DuckDB relation; got {type(native).__name__}. "
                "Read a file with vocstats.tables.read_table first.",
                code="unsupported_table", argument=name, got=type(native).__name__,
            )
        self.lazy = isinstance(self._frame, nw.LazyFrame)
        self.schema = dict(self._frame.collect_schema())

    @classmethod
    def _of(cls, frame: Any, name: str) -> Table:
        table = cls.__new__(cls)
        table.name, table._frame = name, frame
        table.lazy = isinstance(frame, nw.LazyFrame)
        table.schema = dict(frame.collect_schema())
        return table

    # -------------------------------------------------------------- columns
    def require(self, *columns: str, argument: str | None = None) -> None:
        """Raise `InputError` with the nearest name unless every column is there."""
        for column in columns:
            if column not in self.schema:
                near = get_close_matches(str(column), self.schema, n=1, cutoff=0.5)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise InputError(
                    f"{self.name} has no column {column!r}.{hint} It has {shown(self.schema, len(self.schema)) if len(self.schema) <= 30 else shown(self.schema)}.",
                    code="unknown_column", argument=argument or self.name, levels=[column], table=self.name, column=column,
                    nearest=near[0] if near else "", nearest_zh=f"是否应为 {near[0]!r}?" if near else "",
                )

    def kind(self, column: str) -> ColumnKind:
        """What the column holds, in words that do not depend on the engine."""
        if isinstance(self.schema[column], nw.Object):
            self._settle(column, as_text=False)
        dtype = self.schema[column]
        if isinstance(dtype, (nw.String, nw.Categorical, nw.Enum)):
            return "text"
        if dtype == nw.Boolean:
            return "boolean"
        if dtype.is_integer():
            return "integer"
        if dtype.is_numeric():
            return "float"
        if isinstance(dtype, nw.Date):
            return "date"
        if isinstance(dtype, nw.Datetime):
            return "datetime"
        return "empty" if isinstance(dtype, (nw.Unknown, nw.Object)) and self.is_empty(column) else "other"

    def is_empty(self, column: str) -> bool:
        """Whether every value of the column is missing."""
        return bool(self.aggregate({"filled": (~nw.col(column).is_null()).sum()})["filled"] == 0)

    def column(self, column: str, *, argument: str | None = None) -> Expression:
        """The column in one form for all engines: text, Int64, Float64 (NaN is missing) or Boolean."""
        self.require(column, argument=argument)
        kind, expression = self.kind(column), nw.col(column)
        if kind in ("text", "empty"):
            return expression if isinstance(self.schema[column], nw.String) else expression.cast(nw.String)
        if kind == "integer":
            return expression.cast(nw.Int64)
        if kind == "float":
            number = expression.cast(nw.Float64)
            return number if self._frame.implementation.is_pandas() else nw.when(~number.is_nan()).then(number)
        if kind == "boolean":
            return expression
        raise InputError(
            f"Column {column!r} of {self.name} holds {self.schema[column]}; text, numbers or true/false were expected. Derive such a column first.",
            code="unusable_type", argument=column, table=self.name, dtype=str(self.schema[column]),
        )

    def number(self, column: str, *, argument: str | None = None) -> Expression:
        """A column of numbers; text is refused, whatever it looks like."""
        self.require(column, argument=argument)
        kind = self.kind(column)
        if kind == "empty":
            return nw.col(column).cast(nw.Float64)
        if kind not in ("integer", "float", "boolean"):
            sample = self.view({"value": nw.col(column).cast(nw.String)}).distinct("value", 3)
            raise InputError(
                f"Column {column!r} of {self.name} holds {kind}, not numbers ({shown(sample, len(sample))}). Convert it to numbers first.",
                code="text_as_number", argument=column, table=self.name, kind=kind, sample=shown(sample, len(sample)),
            )
        return self.column(column).cast(nw.Float64)

    def identifier(self, column: str, *, argument: str = "id") -> Expression:
        """The column as text ids: 00123 stays 00123; 123.0 is 123; a float too large to be exact is refused."""
        self.require(column, argument=argument)
        if isinstance(self.schema[column], nw.Object):
            self._settle(column, as_text=True)
        kind, expression = self.kind(column), nw.col(column)
        if kind in ("boolean", "date", "datetime"):
            raise InputError(
                f"Column {column!r} of {self.name} cannot be an id: it holds {kind} values. Name the column of customer numbers.",
                code="not_an_id", argument=column, table=self.name, kind=kind,
            )
        if isinstance(self.schema[column], (nw.Float32, nw.Float64)):
            number = self.column(column)
            self._exact_ids(column, number)
            return nw.when(~number.is_null()).then(number.fill_null(0.0).cast(nw.Int64).cast(nw.String))
        return expression if isinstance(self.schema[column], nw.String) else expression.cast(nw.String)

    def flag(self, column: str, identifier: str, *, argument: str | None = None) -> Expression:
        """A column of true/false or 1/0 without missing values, as a condition; anything else is refused with the ids."""
        self.require(column, argument=argument)
        kind = self.kind(column)
        if kind == "boolean":
            condition, wrong = nw.col(column), nw.col(column).is_null()
        elif kind in ("integer", "float"):
            condition, wrong = self.column(column) == 1, ~self.column(column).is_in([0, 1]).fill_null(False)
        else:
            condition, wrong = nw.lit(True), nw.lit(True)
        if kind not in ("boolean", "integer", "float") or self.aggregate({"wrong": wrong.sum()})["wrong"]:
            found = self.view({"id": self.identifier(identifier), "wrong": wrong}).offenders(nw.col("wrong"), "id")
            text = self.view({"value": nw.col(column).cast(nw.String)}).distinct("value", 5)
            raise InputError(
                f"Column {column!r} of {self.name} must hold true/false or 1/0 in every row; it holds {shown(text, len(text))}, "
                f"and is not usable for ids {found}. Name the values that mean yes ({{'column': {column!r}, 'is': [...]}} for churned, where= for a source), "
                "and fill missing ones.",
                code="not_true_false", argument=column, rows=found.rows, levels=text, table=self.name, count=found.count, ids=shown(found.ids, found.count),
            )
        return condition

    def moment(self, column: str, *, argument: str | None = None) -> Expression:
        """A column of dates or times as it comes: times, or text to be parsed at home."""
        self.require(column, argument=argument)
        kind = self.kind(column)
        self._no_timezone(column)
        if kind in ("date", "datetime"):
            return nw.col(column).cast(nw.Datetime("us"))
        if kind in ("text", "integer", "empty"):
            return self.column(column).cast(nw.String)
        raise self.no_dates(column, (kind,))

    def _no_timezone(self, column: str) -> None:
        dtype = self.schema[column]
        if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
            raise InputError(
                f"Column {column!r} of {self.name} holds times with the timezone {dtype.time_zone}; a day depends on it. "
                "Convert to local time and drop the timezone first.",
                code="timezone", argument=column, table=self.name, timezone=str(dtype.time_zone),
            )

    def _exact_ids(self, column: str, number: Expression) -> None:
        inexact = (number.fill_null(0.0).abs() >= _EXACT) | (number.fill_null(0.0) % 1 != 0)
        if self.aggregate({"inexact": inexact.sum()})["inexact"]:
            raise InputError(
                f"The ids in column {column!r} of {self.name} are decimal numbers, and some are not whole or have more than 15 digits: "
                "digits have been lost. Read the column as text from the source (read_table(path, text_columns=[...])).",
                code="inexact_ids", argument=column, table=self.name,
            )

    def _settle(self, column: str, *, as_text: bool) -> None:
        """Give a pandas object column the type its values have, once."""
        settled = settle_object(self._frame[column], as_text=as_text)
        if not isinstance(settled.dtype, nw.Object):
            self._frame = self._frame.with_columns(settled.alias(column))
            self.schema[column] = settled.dtype

    # -------------------------------------------------------------- conditions
    nothing: Expression = nw.lit(False)

    @staticmethod
    def constant(value: int) -> Expression:
        """The same number in every row."""
        return nw.lit(value)

    def get(self, column: str) -> Expression:
        """The column as it stands: for the columns of a `view`."""
        return nw.col(column)

    def presence(self, column: str) -> Expression:
        """Whether the column has a value."""
        return ~self.column(column).is_null() if self.kind(column) == "float" else ~nw.col(column).is_null()

    def is_in(self, column: str, values: Any, *, argument: str | None = None) -> Expression:
        """Whether the column equals `values` or one of them; False where it is missing."""
        self.require(column, argument=argument)
        listed = list(values) if isinstance(values, (list, tuple, set, frozenset, np.ndarray)) else [values]
        kind = self.kind(column)
        textual = [isinstance(value, str) for value in listed]
        if kind == "boolean":
            listed = [bool(value) if value in (0, 1) else value for value in listed]
        elif kind in ("integer", "float"):
            listed = [value if isinstance(value, str) else float(value) if kind == "float" else int(value) if value == int(value) else value for value in listed]
        if not listed or any(textual) != all(textual) or any(textual) != (kind == "text") or kind not in ("text", "integer", "float", "boolean"):
            raise InputError(
                f"Column {column!r} of {self.name} holds {kind} values and cannot equal {shown(listed)}. Write the values as the column holds them.",
                code="value_kind", argument=argument or column, levels=listed, table=self.name, column=column, kind=kind,
            )
        if kind == "boolean":
            matches = [nw.col(column) if value else ~nw.col(column) for value in set(listed)]
            return nw.any_horizontal(*matches, ignore_nulls=True).fill_null(False)
        return self.column(column).is_in(listed).fill_null(False)

    def where(self, conditions: Mapping[str, Any], *, argument: str = "where") -> Expression:
        """Whether every named column equals its value, or one of its list."""
        parts = [self.is_in(column, values, argument=argument) for column, values in conditions.items()]
        return nw.all_horizontal(*parts, ignore_nulls=True)

    def before(self, column: str, limit: date, *, argument: str | None = None) -> Expression:
        """Whether the date in the column lies before the day `limit`; False where it is missing."""
        self.require(column, argument=argument)
        kind = self.kind(column)
        self._no_timezone(column)
        if kind == "date":
            return (nw.col(column) < limit).fill_null(False)
        if kind == "datetime":
            return (nw.col(column) < datetime(limit.year, limit.month, limit.day)).fill_null(False)
        if kind == "empty" or (kind == "float" and self.is_empty(column)):
            return nw.lit(False)
        if kind in ("text", "integer"):
            return self._text_before(column, limit)
        raise self.no_dates(column, (kind,))

    def _text_before(self, column: str, limit: date) -> Expression:
        """Dates as text: their distinct days are few, so they are parsed here and looked up there."""
        text = self.column(column).cast(nw.String).str.strip_chars().str.replace_all("[ T].*$", "")
        days = self.view({"day": text}).distinct("day", _HOME_LIMIT)
        parsed = {value: day(value) for value in days}
        wrong = [value for value, meaning in parsed.items() if meaning is None]
        if wrong:
            raise self.no_dates(column, wrong)
        earlier = [value for value, meaning in parsed.items() if meaning is not None and meaning < limit]
        return text.is_in(earlier).fill_null(False) if earlier else nw.lit(False)

    def no_dates(self, column: str, values: Sequence[Any]) -> InputError:
        return InputError(
            f"Column {column!r} of {self.name} holds values that are no dates: {shown(values)}. "
            "Write dates year first (2026-09-30), or convert the column to dates.",
            code="unparsable_dates", argument=column, levels=values, table=self.name,
        )

    def band(self, column: str, upper: Sequence[float], *, argument: str = "bands") -> Expression:
        """Number of the band a value falls in: k where upper[k-1] < value <= upper[k]; missing stays missing."""
        number = self.number(column, argument=argument)
        code = nw.lit(len(upper))
        for k in range(len(upper) - 1, -1, -1):
            code = nw.when(number <= upper[k]).then(nw.lit(k)).otherwise(code)
        return nw.when(~number.is_null()).then(code.cast(nw.Int64))

    # -------------------------------------------------------------- queries
    def view(self, columns: Mapping[str, Expression], keep: Expression | None = None, *, position: str | None = None) -> Table:
        """The named expressions as a table of their own, of the rows where `keep` is true.

        `position` names a column to add: where each row stands in the caller's frame, or -1 where an engine promises no order.
        """
        frame, chosen = self._frame, dict(columns)
        if position is not None:
            frame = frame.with_columns(nw.lit(-1).alias(position)) if isinstance(frame, nw.LazyFrame) else frame.with_row_index(position)
            chosen[position] = nw.col(position).cast(nw.Int64)
        return Table._of((frame if keep is None else frame.filter(keep)).select(**chosen), self.name)

    def extended(self, columns: Mapping[str, Expression]) -> Table:
        """The table with further columns."""
        return Table._of(self._frame.with_columns(**columns), self.name)

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
                f"{self.name} has more than {_HOME_LIMIT:,} distinct combinations of the columns asked for. Band or leave out those with the most levels.",
                code="too_many_cells", argument=self.name, limit=f"{_HOME_LIMIT:,}",
            )
        home["count"] = home["count"].astype(np.int64)
        return home

    def having(self, column: str, values: npt.NDArray[Any]) -> Table:
        """The rows whose text `column` is one of `values`."""
        if self._frame.implementation.is_duckdb():
            wanted = self.like({column: values})
            return Table._of(self._frame.join(wanted._frame, on=column, how="semi"), self.name)
        return Table._of(self._frame.filter(nw.col(column).is_in(values.tolist())), self.name)

    def like(self, columns: Columns) -> Table:
        """Columns from home as a table of this one's kind, on its engine."""
        implementation = self._frame.implementation
        if implementation.is_duckdb():
            import pyarrow as pa

            pushed = pa.table(dict(columns))  # noqa: F841 - DuckDB finds it by its name
            native = self._frame.to_native().query("vocstats_table", "select * from pushed")
            return Table(native, self.name)
        backend = "pandas" if implementation.is_pandas() else "pyarrow" if implementation.is_pyarrow() else "polars"
        frame = nw.from_dict({name: _listed(values) for name, values in columns.items()}, backend=backend)
        return Table._of(frame.lazy() if self.lazy else frame, self.name)

    def joined(self, other: Table, on: Sequence[str]) -> Table:
        """Left join; a table of another kind or connection is brought over first."""
        if self._frame.implementation is other._frame.implementation and self.lazy == other.lazy:
            try:
                return Table._of(self._frame.join(self._same_types(other, on), on=list(on), how="left"), self.name)
            except Exception as error:
                if "different connection" not in str(error):
                    raise
        return Table._of(self._frame.join(self._same_types(self.like(other.rows()), on), on=list(on), how="left"), self.name)

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
        return Table._of(joined._frame.filter(nw.col("there").is_null()), self.name)

    def near(self) -> Table | NearTable:
        """The table itself, or its columns at home where that is the faster way to ask."""
        small = not self.lazy and self._frame.implementation.is_pandas() and len(self._frame) <= _NEAR
        return NearTable(self.rows()) if small else self

    def key_facts(self, column: str) -> dict[str, float]:
        """Of a text column: ``rows``, how many are ``missing``, and how many ``distinct`` values there are."""
        if not self.lazy:
            import pandas as pd

            index = pd.Index(bring_home(self._frame.select(column))[column], dtype=object)
            return {"rows": index.size, "missing": int(index.isna().sum()), "distinct": index.size if index.is_unique else index.nunique()}
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
        marked = Table._of(self._frame.with_columns(flag=flag), self.name)
        if self.lazy:
            there = marked._frame.filter(nw.col("flag"))
            total = _collected(there.select(n=nw.len()))["n"].to_list()[0]
            return Offenders(int(total), tuple(_collected(there.select(identifier).sort(identifier).head(_SHOWN))[identifier].to_list()), ())
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
    return values.tolist() if values.dtype == object else values  # type: ignore[no-any-return]
