"""Columns of the registry that say when: numbers such as a tenure, and days, taken as they are however many values they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..tables import Expression, InputTable, day
from .cells import Codes


class NumberColumn(str):
    """Name of a column of numbers whose values are wanted, not bands of them; missing ones are a value of their own."""

    __slots__ = ()


class DayColumn(str):
    """Name of a column of days, in any form the registry may hold them; missing ones are a value of their own."""

    __slots__ = ()


def time_column(table: InputTable, name: NumberColumn | DayColumn) -> Expression:
    """The column on its engine: numbers, or days as they come."""
    if isinstance(name, NumberColumn):
        return table.number(name, argument="columns")
    table.require(name, argument="columns")
    nothing = table.kind(name) == "float" and table.is_empty(name)
    return table.column(name) if nothing else table.moment(name, argument="columns")


def coded_times(name: str, values: npt.NDArray[Any]) -> tuple[Codes, npt.NDArray[Any]]:
    """Codes and sorted values of a column: float64 with NaN last, or datetime64[D] with NaT last."""
    if isinstance(name, NumberColumn):
        column: npt.NDArray[Any] = values.astype(np.float64)
    elif values.dtype.kind == "M":
        column = values.astype("datetime64[D]")
    else:
        column = np.array([_day(value) for value in values], "datetime64[D]")
    levels, codes = np.unique(column, return_inverse=True)
    return codes.astype(np.intp, copy=False), levels


def _day(value: Any) -> np.datetime64:
    found = None if value is None or value != value else day(str(value))
    return np.datetime64("NaT", "D") if found is None else np.datetime64(found, "D")
