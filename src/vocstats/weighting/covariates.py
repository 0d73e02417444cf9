"""Covariates of a response model: an intercept, numbers and indicators of labels, written out in runs of rows only."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from .._checks import columns_of, factorize, same_length, vector
from ..errors import InputError
from .chain import Floats, Matrix
from .distances import blocks

_MOST = 2_000  # columns: beyond that a label column is an id, and its model has as many parameters as people
_WIDE, _FILLED = 100, 0.1  # more columns than this, fewer entries other than 0: stored as a sparse matrix


@dataclass(frozen=True, slots=True, eq=False)
class Covariates:
    """A matrix (n, p) of an intercept, numbers, and indicators of every level but the first of label columns.

    `x[rows]` writes rows out. Numbers are kept as columns and labels as codes: a tenth of the memory of the matrix.
    """

    numbers: Floats  # (q, n), the intercept first
    codes: npt.NDArray[Any]  # (label columns, n), from 0
    levels: tuple[int, ...]  # of each label column

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.numbers.shape[1]), int(self.numbers.shape[0] + sum(self.levels) - len(self.levels))

    def __getitem__(self, rows: Any) -> Floats:
        numbers = self.numbers[:, rows]
        matrix = np.empty((self.shape[1], numbers.shape[1]))
        matrix[: len(numbers)] = numbers
        owner = [k for k, size in enumerate(self.levels) for _ in range(1, size)]
        level = [each for size in self.levels for each in range(1, size)]
        if owner:
            matrix[len(numbers) :] = self.codes[:, rows][owner] == np.array(level, self.codes.dtype)[:, None]
        return matrix.T

    def tocsr(self) -> Matrix:
        """The same matrix, sparse."""
        n = self.shape[0]
        parts: list[Matrix] = [sparse.csr_array(self.numbers.T)]
        for codes, size in zip(self.codes, self.levels, strict=True):
            parts.append(sparse.csr_array((np.ones(n), codes.astype(np.intp), np.arange(n + 1)), shape=(n, size))[:, 1:])
        return sparse.hstack(parts, format="csr")


def read_covariates(x: Any, length: int, *, standardise: bool = True) -> tuple[Matrix, list[str]]:
    """Columns of x as a matrix with an intercept and standardised numbers, and the names of its columns.

    Probabilities of the parametric models do not depend on the standardisation; Newton's method does.
    """
    numbers, names, codes, levels, labels = [np.ones(length)], ["intercept"], [], [], []
    for name, column in columns_of(x, "x").items():
        argument = f"x[{name!r}]"
        if holds_numbers(column):
            same_length(np.asarray(column), argument, length)
            number = vector(column, argument)
            numbers.append(_standardised(number) if standardise else number)
            names.append(name)
        else:
            each, known = factorize(column, argument, length=length)
            codes.append(each.astype(np.min_scalar_type(known.size)))
            levels.append(known.size)
            labels += [f"{name}={level}" for level in known.tolist()[1:]]
            refuse_many(len(names) + len(labels), name, known.size)
    matrix = Covariates(np.array(numbers), np.array(codes) if codes else np.empty((0, length), np.uint8), tuple(levels))
    wide = matrix.shape[1] > _WIDE and len(numbers) + len(codes) < _FILLED * matrix.shape[1]
    return (matrix.tocsr() if wide else matrix), names + labels


def written(x: Matrix) -> Matrix:
    """The whole matrix as an array, or sparse where it is kept so."""
    return x[:] if isinstance(x, Covariates) else x


def dense(x: Matrix) -> Floats:
    """The whole matrix as an array."""
    return np.asarray(x[:] if isinstance(x, Covariates) else x.toarray())


def linear_predictor(x: Matrix, b: Floats) -> Floats:
    """``x @ b``."""
    result = np.empty(x.shape[0])
    for rows in blocks(x):
        result[rows] = x[rows] @ b
    return result


def column_sums(x: Matrix, weights: Floats) -> Floats:
    """``x' weights``."""
    result = np.zeros(x.shape[1])
    for rows in blocks(x):
        result += x[rows].T @ weights[rows]
    return result


def rows_of(x: Matrix, rows: npt.NDArray[Any]) -> Matrix:
    """Some rows, stored like the whole."""
    if isinstance(x, Covariates):
        return Covariates(x.numbers[:, rows], x.codes[:, rows], x.levels)
    return x[rows]


def holds_numbers(column: Any) -> bool:
    """Whether a column holds numbers, and not labels."""
    if str(getattr(column, "dtype", "")) in ("str", "string", "category"):
        return False
    array = np.asarray(column)
    if array.dtype == object:  # numbers that came through a table of mixed content; a missing one is refused as such
        return array.size > 0 and all(value is None or isinstance(value, Real) for value in array.flat)
    return array.dtype.kind in "buif"


def _standardised(column: Floats) -> Floats:
    centred = column - column.mean() if column.size else column
    spread = float(linalg.norm(centred)) / max(column.size, 1) ** 0.5  # squares of huge or tiny numbers leave the range of floats
    return centred / spread if spread > 1e-12 * float(np.abs(column).max(initial=0.0)) else np.zeros_like(column)


def refuse_many(columns: int, name: str, levels: int) -> None:
    """Raise where labels became more columns than can be told apart."""
    if columns > _MOST:
        raise InputError(
            f"x has more than {_MOST} columns once labels became indicators; {name!r} alone has {levels} different labels. "
            "Leave ids out, merge labels, or use adjustment classes.",
            code="too_many_columns", argument="x", levels=[name], most=_MOST, count=levels,
        )
