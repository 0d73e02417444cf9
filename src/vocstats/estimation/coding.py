"""Variables of a model as columns of a matrix: numbers as they are, labels as indicators of all levels but the first."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import Floats, Integers, columns_of, factorize, is_missing, same_length, squarable, unmasked, vector
from ..errors import InputError, shown

INTERCEPT = "intercept"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coding:
    """How variables become columns: learnt from some rows, applied to any.

    Attributes
    ----------
    levels : {name: tuple or None}
        Variables in order: the sorted levels of a label variable, the first being the reference; None for numbers.
    """

    levels: Mapping[str, tuple[Any, ...] | None]

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of each column: intercept, the number's own name, or name=level."""
        parts = [[name] if levels is None else [f"{name}={level}" for level in levels[1:]] for name, levels in self.levels.items()]
        return (INTERCEPT, *(column for part in parts for column in part))

    @property
    def variables(self) -> tuple[str, ...]:
        """Variable behind each column."""
        widths = {name: 1 if levels is None else len(levels) - 1 for name, levels in self.levels.items()}
        return (INTERCEPT, *(name for name, width in widths.items() for _ in range(width)))

    def matrix(self, x: Any, *, length: int, rows: Integers) -> Floats:
        """The columns for some rows of x."""
        columns = columns_of(x, "x")
        odd = sorted(set(columns) ^ set(self.levels))
        if odd:
            raise InputError(
                f"x must have the columns {shown(self.levels, len(self.levels))}; {shown(odd)} is missing or not among them.",
                code="other_columns", argument="x", levels=odd, expected=", ".join(self.levels),
            )
        parts = [np.ones((rows.size, 1))]
        for name, levels in self.levels.items():
            column = _chosen(columns[name], name, length, rows)
            part = f"x[{name!r}]"
            parts.append(squarable(vector(column, part), part)[:, None] if levels is None else _indicators(column, name, levels))
        return np.hstack(parts)


def coding_of(x: Any, *, length: int, rows: Integers) -> Coding:
    """The coding of a mapping, dataframe or array (columns x0, x1, ...), with the levels some rows bear; of None only an intercept."""
    levels: dict[str, tuple[Any, ...] | None] = {}
    for name, column in columns_of(x, "x").items():
        chosen = _chosen(column, name, length, rows)
        levels[name] = None if chosen.dtype.kind in "buif" else tuple(factorize(chosen, f"x[{name!r}]")[1].tolist())
    return Coding(levels=levels)


def row_count(x: Any) -> int:
    """Rows of a mapping, dataframe or array."""
    columns = columns_of(x, "x")
    return len(next(iter(columns.values()))) if columns else 1


def collinear(x: Floats, mass: Floats, columns: tuple[str, ...]) -> list[str]:
    """Columns that are, to six digits, combinations of columns before them among the rows with mass."""
    weighted = x * np.sqrt(mass)[:, None]
    size = np.sqrt((weighted**2).sum(axis=0))
    rest = np.zeros(size.size)
    left = np.abs(np.diag(np.linalg.qr(weighted, mode="r")))
    rest[: left.size] = left  # fewer rows than columns: nothing is left for the last ones
    return [column for column, own, part in zip(columns, size, rest, strict=True) if part <= 1e-6 * own]


def _chosen(column: Any, name: str, length: int, rows: Integers) -> npt.NDArray[Any]:
    values = unmasked(column)
    same_length(values, f"x[{name!r}]", length)
    values = values[rows]
    if values.dtype == object:  # numbers with missing ones among them are numbers
        with suppress(InputError):
            values = vector(values, f"x[{name!r}]", missing=True, infinite=True)
    absent = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.size, bool)
    if values.dtype == object:
        absent = np.array([is_missing(value) for value in values], bool)
    if absent.any():
        where = rows[absent]
        raise InputError(
            f"x[{name!r}] has {where.size} missing or infinite values among the rows used, at rows {shown(where)}. "
            "Fill them, give these rows a weight of 0, or leave them outside domain.",
            code="missing_predictor", argument="x", rows=where, count=int(where.size), column=name,
        )
    return values


def _indicators(column: Any, name: str, levels: tuple[Any, ...]) -> Floats:
    codes, borne = factorize(column, f"x[{name!r}]")
    place = {level: k for k, level in enumerate(levels)}
    unknown = [level for level in borne.tolist() if level not in place]
    if unknown:
        raise InputError(
            f"x[{name!r}] has levels the model does not know: {shown(unknown)}. It knows {shown(levels)}.",
            code="unknown_levels", argument="x", levels=unknown, column=name,
        )
    known = np.array([place[level] for level in borne.tolist()], np.intp)[codes]
    return np.asarray(known[:, None] == np.arange(1, len(levels)), dtype=np.float64)
