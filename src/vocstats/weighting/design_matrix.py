"""Variables of a model as the columns of a matrix: numbers as they are, labels as indicators; and what its rows cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import Integers, factorize, named_columns, same_length, vector
from ..errors import InputError, shown
from .chain import Floats

Rows = npt.NDArray[np.bool_] | Integers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coding:
    """How variables become columns, learnt from some rows and applicable to others.

    Attributes
    ----------
    levels : {name: tuple or None}
        Variables in order: the sorted levels of a label variable, the first being the reference; None for numbers.
    """

    levels: Mapping[str, tuple[Any, ...] | None]

    @property
    def variables(self) -> tuple[str, ...]:
        """Variable behind each column, "intercept" first."""
        widths = {name: 1 if levels is None else len(levels) - 1 for name, levels in self.levels.items()}
        return ("intercept", *(name for name, width in widths.items() for _ in range(width)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Name of each column: intercept, the number's own name, or name=level."""
        parts = [[name] if levels is None else [f"{name}={level}" for level in levels[1:]] for name, levels in self.levels.items()]
        return ("intercept", *(column for part in parts for column in part))

    def matrix(self, x: Any, *, length: int | None = None, rows: Rows | None = None) -> Floats:
        """Intercept, numbers and indicators of all levels but the first, for the chosen rows of x."""
        columns = _named(x)
        if set(columns) != set(self.levels):
            odd = sorted(set(columns) ^ set(self.levels))
            raise InputError(
                f"x must have the columns {shown(self.levels, len(self.levels))}; {shown(odd)} is missing or not among them.",
                code="other_columns", argument="x", levels=odd, expected=", ".join(self.levels),
            )
        parts: list[Floats] = []
        for name, levels in self.levels.items():
            column = _chosen(columns[name], name, length, rows)
            parts.append(vector(column, f"x[{name!r}]")[:, None] if levels is None else _indicators(column, name, levels))
        size = parts[0].shape[0] if parts else int(length or 0) if rows is None else np.arange(length or 0)[rows].size
        return np.hstack([np.ones((size, 1)), *parts])


def coding_of(x: Any, *, length: int | None = None, rows: Rows | None = None) -> Coding:
    """The coding of a mapping, dataframe or array (columns x0, x1, ...) with the levels its chosen rows bear; None: intercept only."""
    levels: dict[str, tuple[Any, ...] | None] = {}
    for name, column in _named(x).items():
        chosen = _chosen(column, name, length, rows)
        numeric = np.asarray(chosen).dtype.kind in "buif"
        levels[name] = None if numeric else tuple(factorize(chosen, f"x[{name!r}]")[1].tolist())
    return Coding(levels=levels)


def separating(rows: Floats, side: Floats) -> npt.NDArray[np.bool_]:
    """Columns that, combined, put rows of side 1 above and those of side -1 below rows of side 0 (Konis 2007: a linear programme)."""
    from scipy import optimize

    solve: Any = optimize.linprog
    scaled = rows / np.maximum(np.abs(rows).max(axis=0), 1e-300)
    sided = np.unique(side[side != 0][:, None] * scaled[side != 0], axis=0)
    between = np.unique(scaled[side == 0], axis=0)
    equal = {"A_eq": between, "b_eq": np.zeros(len(between))} if len(between) else {}
    solution = solve(-sided.sum(axis=0), A_ub=-sided, b_ub=np.zeros(len(sided)), **equal, bounds=(-1.0, 1.0), method="highs")
    if solution.x is None or -solution.fun < 1e-6:
        return np.zeros(rows.shape[1], bool)
    return np.asarray(np.abs(solution.x) > 1e-6)


def _named(x: Any) -> dict[str, Any]:
    if x is None:
        return {}
    array = np.asarray(x) if isinstance(x, np.ndarray | list | tuple) else None
    if array is None or array.ndim == 1:
        return named_columns(x, "x")
    return {f"x{j}": array[:, j] for j in range(array.shape[1])}


def _chosen(column: Any, name: str, length: int | None, rows: Rows | None) -> Any:
    values = np.asarray(column)
    same_length(values, f"x[{name!r}]", length)
    values = values if rows is None else values[rows]
    if values.dtype == object:  # numbers with missing ones among them are numbers
        with suppress(InputError):
            return vector(values, f"x[{name!r}]", missing=True)
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
    return (known[:, None] == np.arange(1, len(levels))).astype(float)
