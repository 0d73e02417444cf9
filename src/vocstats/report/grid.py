"""A table as the page shows it: cells with their text and the value they sort by."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what it says, and the value to sort by ("" for none, last in either direction)."""

    text: str
    value: str
    number: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table of the page.

    Attributes
    ----------
    name : str
        Unique on the page.
    headings : tuple of (str, bool)
        Text of each heading, and whether the column holds numbers.
    rows : tuple of tuple of Cell
    caption : str
    interactive : bool
        Whether it can be sorted and filtered.
    """

    name: str
    headings: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    interactive: bool = False


Column = tuple[str, bool, Callable[[Mapping[str, Any]], tuple[str, Any]]]


def grid(name: str, rows: Iterable[Mapping[str, Any]], columns: Iterable[Column], *, caption: str = "", interactive: bool = False) -> Grid:
    """A table of `rows`; each column is (heading, whether numeric, row -> (text, sort value))."""
    columns = tuple(columns)
    body = tuple(tuple(_cell(*told(row), number) for _, number, told in columns) for row in rows)
    headings = tuple((heading, number) for heading, number, _ in columns)
    return Grid(name=name, headings=headings, rows=body, caption=caption, interactive=interactive)


def _cell(text: str, value: Any, number: bool) -> Cell:
    missing = value is None or (isinstance(value, float) and not math.isfinite(value))
    return Cell(text, "" if missing else str(value), number)


def plain(heading: str, key: str) -> Column:
    """A column of text."""
    return heading, False, lambda row: (str(row[key]), str(row[key]))


def figure(heading: str, key: str, form: Callable[[float], str]) -> Column:
    """A column of numbers written by `form`."""
    return heading, True, lambda row: (form(float(row[key])), float(row[key]))


def records(frame: pd.DataFrame) -> list[Mapping[str, Any]]:
    """The rows of a frame, by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
