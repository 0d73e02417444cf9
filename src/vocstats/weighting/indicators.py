"""Indicators of the levels units bear, kept by the few combinations that occur instead of row by row."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .._numerics import sums_by

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[Any]
_DENSE = 1 << 20  # entries a dense table of sums may have whatever its filling


@dataclass(frozen=True, slots=True, eq=False)
class Indicators:
    """The matrix (n, p) with rows ``scale_i * Σ_s levels_s[place_s,i]``, never written out.

    Attributes
    ----------
    places : tuple of int arrays (n,)
        Which row of each of the `levels` a unit takes.
    levels : tuple of matrices (m_s, p), sparse unless small
        Indicators of the levels of each combination of margins.
    scale : float array (n,)
        What each row is multiplied by.
    """

    places: tuple[Codes, ...]
    levels: tuple[Any, ...]
    scale: Floats

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.scale.size, int(self.levels[0].shape[1])

    @property
    def T(self) -> Transposed:
        """The transposed matrix, for products with arrays."""
        return Transposed(self)

    def __matmul__(self, b: Floats) -> Floats:
        scale = self.scale if b.ndim == 1 else self.scale[:, None]
        return np.asarray(scale * sum(np.take(levels @ b, place, axis=0) for place, levels in zip(self.places, self.levels, strict=True)))

    def scaled(self, weights: Floats) -> Indicators:
        """``diag(weights)`` times the matrix."""
        return Indicators(self.places, self.levels, self.scale * weights)

    def gram(self, weights: Floats) -> Floats:
        """``x' diag(weights) x``, from tables of the combinations."""
        mass = weights * self.scale**2
        product = np.zeros((self.shape[1], self.shape[1]))
        for place, levels in zip(self.places, self.levels, strict=True):
            sums = sums_by(place, mass, levels.shape[0])
            product += _full(levels.T @ (sums[:, None] * levels if isinstance(levels, np.ndarray) else sparse.diags_array(sums) @ levels))
        for (a, first), (b, second) in combinations(zip(self.places, self.levels, strict=True), 2):
            between = _full(first.T @ (_table(a, b, mass, (first.shape[0], second.shape[0])) @ second))
            product += between + between.T
        return product

    def sums(self, rows: Codes, groups: Codes, factors: Floats, size: int) -> Any:
        """``Σ_k factors_k 1{groups_k = g} x[rows_k]`` for every group g below `size`: dense, or sparse where that is far smaller."""
        mass = factors * self.scale[rows]
        parts = [
            _table(groups, place[rows], mass, (size, levels.shape[0])) @ levels
            for place, levels in zip(self.places, self.levels, strict=True)
        ]
        same = all(sparse.issparse(part) for part in parts)
        return sum(parts[1:], parts[0]) if same else sum(map(_full, parts))

    def tocsr(self) -> Any:
        """The matrix written out, sparse."""
        first, *others = (sparse.csr_array(levels)[place] for place, levels in zip(self.places, self.levels, strict=True))
        return sparse.csr_array(sparse.diags_array(self.scale) @ sum(others, first))

    def toarray(self) -> Floats:
        """The matrix written out."""
        return np.asarray(self.tocsr().toarray())


@dataclass(frozen=True, slots=True, eq=False)
class Transposed:
    """The transpose of `Indicators`."""

    of: Indicators

    def __matmul__(self, v: Floats) -> Floats:
        if v.ndim == 2:
            return np.column_stack([self @ column for column in v.T])
        mass = self.of.scale * v
        return np.asarray(sum(
            levels.T @ sums_by(place, mass, levels.shape[0]) for place, levels in zip(self.of.places, self.of.levels, strict=True)
        ))


def _table(a: Codes, b: Codes, mass: Floats, shape: tuple[int, int]) -> Any:
    """Sum of `mass` by pairs of codes: dense unless that would be large and mostly zeros."""
    if shape[0] * shape[1] <= max(4 * mass.size, _DENSE):
        place = np.multiply(a, shape[1], dtype=np.intp)
        place += b
        return sums_by(place, mass, shape[0] * shape[1]).reshape(shape)
    return sparse.csr_array((mass, (a, b)), shape=shape)


def _full(matrix: Any) -> Floats:
    return np.asarray(matrix if isinstance(matrix, np.ndarray) else matrix.toarray())
