"""A caller's table: what its columns are, and expressions that mean the same on every engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import reduce
from operator import add
from typing import Any, Literal

import narwhals as nw
import numpy as np
import numpy.typing as npt

from .._checks import is_missing, suggestion
from ..errors import InputError, shown
from .arrays import day, moment_of, settle_object
from .table import Expression, Table

ColumnKind = Literal["text", "integer", "float", "boolean", "date", "datetime", "empty", "other"]

_EXACT = 2**53  # whole numbers beyond lose digits as floats
_MANY = 5_000_000  # distinct days: more than any calendar has


class InputTable(Table):
    """A pandas, Polars (eager or lazy) or PyArrow table or a DuckDB relation, as a caller gave it.

    Parameters
    ----------
    native : dataframe
        The caller's frame; never changed.
    name : str
        What messages call it: the argument it came in.
    """

    def __init__(self, native: Any, name: str) -> None:
        try:
            frame = nw.from_native(native)
            kind = frame.implementation
            supported = kind.is_pandas() or kind.is_polars() or kind.is_pyarrow() or kind.is_duckdb()
            schema = frame.collect_schema()
        except nw.exceptions.DuplicateError:
            names = [str(column) for column in getattr(native, "column_names", None) or native.columns]
            twice = sorted({column for column in names if names.count(column) > 1})
            raise InputError(
                f"{name} has more than one column {shown(twice)}. Rename one of them.",
                code="duplicate_columns", argument=name, levels=twice,
            ) from None
        except TypeError:
            supported = False
        if not supported:
            raise InputError(
                f"{name} must be a pandas, Polars or PyArrow table or a DuckDB relation; got {type(native).__name__}. "
                "Read a file with vocstats.tables.read_table first.",
                code="unsupported_table", argument=name, got=type(native).__name__,
            )
        super().__init__(frame, name, dict(schema))

    # -------------------------------------------------------------- columns
    def require(self, *columns: str, argument: str | None = None) -> None:
        """Raise `InputError` with the nearest name unless every column is there."""
        for column in columns:
            if column not in self.schema:
                hint, near = suggestion(column, self.schema)
                raise InputError(
                    f"{self.name} has no column {column!r}.{hint} It has "
                    f"{shown(self.schema, len(self.schema)) if len(self.schema) <= 30 else shown(self.schema)}.",
                    code="unknown_column", argument=argument or self.name, levels=[column], table=self.name, column=column, **near,
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
            return self._text(column)
        if kind == "integer":
            return expression.cast(nw.Int64)
        if kind == "float":
            number = expression.cast(nw.Float64)
            return number if self._frame.implementation.is_pandas() else nw.when(~number.is_nan()).then(number)
        if kind == "boolean":
            return expression
        raise InputError(
            f"Column {column!r} of {self.name} holds {self.schema[column]}; text, numbers or true/false were expected. Derive such a "
            "column first.",
            code="unusable_type", argument=column, table=self.name, dtype=str(self.schema[column]),
        )

    def number(self, column: str, *, argument: str | None = None) -> Expression:
        """A column of numbers; text is refused, whatever it looks like."""
        self.require(column, argument=argument)
        kind = self.kind(column)
        if kind == "empty":
            return nw.col(column).cast(nw.Float64)
        if kind not in ("integer", "float", "boolean"):
            raise self._no_numbers(column, kind)
        return self.column(column).cast(nw.Float64)

    def _no_numbers(self, column: str, kind: str) -> InputError:
        """That a column holds no numbers; of text of which some could be numbers, which rows could not."""
        values = self.view({"value": nw.col(column).cast(nw.String)})
        sample, rows = values.distinct("value", 3), np.empty(0, np.intp)
        if kind == "text" and not self.lazy:
            texts = values.rows()["value"]
            others = np.array([not is_missing(text) and not _like_number(text) for text in texts.tolist()], bool)
            if 0 < others.sum() < others.size:
                rows = np.flatnonzero(others)
                sample = list(dict.fromkeys(texts[rows].tolist()))[:3]
        at = f" at rows {shown(rows)}" if rows.size else ""
        return InputError(
            f"Column {column!r} of {self.name} holds {kind}, not numbers ({shown(sample, len(sample))}){at}. Convert it to numbers first.",
            code="text_as_number", argument=column, table=self.name, kind=kind, sample=shown(sample, len(sample)), rows=rows,
        )

    def identifier(self, column: str, *, argument: str = "id") -> Expression:
        """The column as text ids: 00123 stays 00123; 123.0 is 123; blank is missing; a float too large to be exact is refused."""
        self.require(column, argument=argument)
        if isinstance(self.schema[column], nw.Object):
            self._settle(column, as_text=True)
        kind = self.kind(column)
        if kind in ("boolean", "date", "datetime"):
            raise InputError(
                f"Column {column!r} of {self.name} cannot be an id: it holds {kind} values. Name the column of customer numbers.",
                code="not_an_id", argument=column, table=self.name, kind=kind,
            )
        if isinstance(self.schema[column], (nw.Float32, nw.Float64)):
            number = self.column(column)
            self._exact_ids(column, number)
            return nw.when(~number.is_null()).then(number.fill_null(0.0).cast(nw.Int64).cast(nw.String))
        text = self._text(column)
        return text if self.schema[column].is_integer() else nw.when(text.str.strip_chars() != "").then(text)

    def _text(self, column: str) -> Expression:
        """The column as text; a missing value stays missing, where a cast would write it as "nan" before pandas 3."""
        expression = nw.col(column)
        if isinstance(self.schema[column], nw.String):
            return expression
        return nw.when(~expression.is_null()).then(expression.cast(nw.String))

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
            some_missing = self.aggregate({"missing": nw.col(column).is_null().sum()})["missing"]
            raise InputError(
                f"Column {column!r} of {self.name} must hold true/false or 1/0 in every row; it holds {shown(text, len(text))}"
                f"{' and missing values' if some_missing else ''}, and is not usable for ids {found}. Name the values that mean yes "
                f"({{'column': {column!r}, 'is': [...]}} for churned, where= for a source), give reference_date= where it is the date of "
                "leaving, and fill missing ones.",
                code="not_true_false", argument=column, rows=found.rows, levels=text, table=self.name, count=found.count,
                ids=shown(found.ids, found.count),
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
            return self._text(column)
        raise self.no_dates(column, (kind,))

    def moments(self, column: str, values: npt.NDArray[Any]) -> npt.NDArray[np.datetime64]:
        """What `moment` brought home as times, text parsed; NaT where missing."""
        if values.dtype.kind == "M":
            return values
        parsed = [None if value is None else moment_of(value) for value in values]
        wrong = [value for value, moment in zip(values, parsed, strict=True) if value is not None and moment is None]
        if wrong:
            raise self.no_dates(column, wrong)
        return np.array([np.datetime64("NaT", "us") if moment is None else moment for moment in parsed], "datetime64[us]")

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
    def presence(self, column: str, *, argument: str | None = None) -> Expression:
        """Whether the column has a value."""
        self.require(column, argument=argument)
        return ~self.column(column).is_null() if self.kind(column) == "float" else ~nw.col(column).is_null()

    def is_in(self, column: str, values: Any, *, argument: str | None = None) -> Expression:
        """Whether the column equals `values` or one of them; False where it is missing."""
        self.require(column, argument=argument)
        listed = list(values) if isinstance(values, (list, tuple, set, frozenset, np.ndarray)) else [values]
        kind = self.kind(column)
        possible = {
            "text": lambda value: isinstance(value, str),
            "integer": lambda value: not isinstance(value, str) and value == int(value),
            "float": lambda value: not isinstance(value, str),
            "boolean": lambda value: value in (0, 1) and not isinstance(value, str),
        }.get(kind, lambda value: False)
        if not listed or not all(map(possible, listed)):
            raise InputError(
                f"Column {column!r} of {self.name} holds {kind} values and cannot equal {shown(listed)}. Write the values as the column "
                "holds them.",
                code="value_kind", argument=argument or column, levels=listed, table=self.name, column=column, kind=kind,
            )
        if kind == "boolean":
            matches = [nw.col(column) if value else ~nw.col(column) for value in set(listed)]
            return nw.any_horizontal(*matches, ignore_nulls=True).fill_null(False)
        as_held = {"text": str, "integer": int, "float": float}[kind]
        return self.column(column).is_in([as_held(value) for value in listed]).fill_null(False)

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
        text = self._text(column).str.strip_chars().str.replace_all("[ T].*$", "")
        days = self.view({"day": text}).distinct("day", _MANY)
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
        passed = [(number > limit).cast(nw.Int64) for limit in upper]
        return nw.when(~number.is_null()).then(reduce(add, passed))


def _like_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
