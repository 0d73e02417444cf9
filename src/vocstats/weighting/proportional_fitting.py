"""Proportional fitting of the margins of many replicates at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .._numerics import sums_by
from .chain import Floats
from .labels import Codes
from .margins import Margins

INNER = 4  # passes over the margins of one block per sweep: they cost next to nothing there
_UNKNOWN = np.finfo(float).max  # error of margins not looked at yet; infinite is that of a level without anybody
_GAIN = 0.03
_NEAR = 1e-2  # error of the common start: replicates differ by more
Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Margin:
    """One margin of a block: level of each row (or column) of the table, its indicators (level, row), and the totals."""

    codes: Codes
    members: Any
    totals: Floats

    def errors(self, sums: Floats) -> Floats:
        """Largest relative error of a level in each replicate; infinite where a level lacks anybody, or a total."""
        wanted = self.totals[:, None]
        reached = self.members @ sums
        relative = np.divide(reached, wanted, out=np.where(reached != 0.0, np.inf, 1.0), where=wanted > 0)
        return np.asarray(np.where((reached == 0.0) & (wanted > 0), np.inf, np.abs(relative - 1.0)).max(axis=0))

    def fit(self, factor: Floats, opposite: Floats) -> Floats:
        """Scale the factors of one side until the margin holds, in place; the largest change of a level in each replicate."""
        reached, wanted = self.members @ (factor * opposite), self.totals[:, None]
        ratio = np.divide(wanted, reached, out=np.ones_like(reached), where=(wanted > 0) & (reached > 0))
        factor *= ratio[self.codes]
        return np.asarray(np.abs(ratio - 1.0).max(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The two-way tables of replicates, each with its transpose, and the margins of their rows and columns."""

    sides: tuple[list[Any], list[Any]]
    blocks: tuple[list[Margin], list[Margin]]
    shape: tuple[int, int]

    def fit(self, goal: float, sweeps: int, start: tuple[Floats, Floats]) -> tuple[tuple[Floats, Floats], npt.NDArray[np.bool_]]:
        """Factors of rows and columns, one column per replicate, and which replicates reached `goal`."""
        count = len(self.sides[0])
        factors = np.repeat(start[0], count, axis=1), np.repeat(start[1], count, axis=1)
        open_, error = np.arange(count), np.full(count, _UNKNOWN)
        settled = np.zeros(count, bool)
        for _ in range(sweeps + 1):
            opposite = self.opposite(0, factors, open_)
            error = np.maximum(error, _errors(self.blocks[0], factors[0][:, open_] * opposite))
            settled[open_[error <= goal]] = True
            going = (error > goal) & (error < np.inf)
            opposite, open_ = opposite[:, going], open_[going]
            if not open_.size:
                break
            factors[0][:, open_], _ = _fitted(self.blocks[0], factors[0][:, open_], opposite, goal)
            opposite = self.opposite(1, factors, open_)
            factors[1][:, open_], error = _fitted(self.blocks[1], factors[1][:, open_], opposite, goal)
        return factors, settled

    def opposite(self, side: int, factors: tuple[Floats, Floats], numbers: Numbers) -> Floats:
        """Sums of the tables over the other side under its factors, for some replicates."""
        return np.column_stack([self.sides[side][j] @ factors[1 - side][:, j] for j in numbers])


def fit_replicates(margins: Margins, mass: Floats, *, goal: float, sweeps: int, out: Floats) -> npt.NDArray[np.bool_]:
    """Fit every column of `mass` (n, b) and write its factors to `out` (n, b); which columns reached `goal`.

    All start from the factors of their mean, which are near. A replicate that lost a level does not reach the goal.
    """
    tables = _tables(margins, mass)
    together = _tables(margins, mass.mean(axis=1, keepdims=True))
    start, _ = together.fit(_NEAR, sweeps, (np.ones((margins.shape[0], 1)), np.ones((margins.shape[1], 1))))
    factors, settled = tables.fit(goal, sweeps, start)
    row, column = margins.cells()
    for j in np.flatnonzero(settled):
        by_cell = np.take(factors[0][:, j], row) * np.take(factors[1][:, j], column)
        np.take(by_cell, margins.cell, out=out[:, j], mode="clip")
    return settled


def _tables(margins: Margins, mass: Floats) -> Tables:
    count = mass.shape[1]
    if margins.pairs is None:
        tables: list[Any] = [margins.table(mass[:, j]) for j in range(count)]
        turned: list[Any] = [table.T for table in tables]
    else:
        index = np.arange(margins.pairs.size, dtype=np.int32)
        pattern = sparse.csr_array((index, margins.cells()[1].astype(np.int32), margins.starts()), shape=margins.shape)
        flipped = sparse.csr_array(pattern.T)
        sums = [sums_by(margins.cell, mass[:, j], index.size) for j in range(count)]
        tables = [sparse.csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape) for data in sums]
        turned = [sparse.csr_array((data[flipped.data], flipped.indices, flipped.indptr), shape=flipped.shape) for data in sums]
    rows, columns = ([_margin(margins.codes[j], margins.targets[j]) for j in block] for block in margins.blocks)
    return Tables((tables, turned), (rows, columns), margins.shape)


def _margin(codes: Codes, totals: Floats) -> Margin:
    members = sparse.csr_array((np.ones(codes.size), (codes, np.arange(codes.size))), shape=(totals.size, codes.size))
    return Margin(codes, members, totals)


def _fitted(block: list[Margin], factor: Floats, opposite: Floats, goal: float) -> tuple[Floats, Floats]:
    """Factors of one side under which its margins hold, or nearly so, and the errors left."""
    enough = goal / 4.0
    for _ in range(INNER if len(block) > 1 else 1):
        change = max(float(margin.fit(factor, opposite).max()) for margin in block) if block else 0.0
        if change <= enough:
            break
        enough = max(enough, _GAIN * change)  # the other side undoes more than that anyway
    return factor, _errors(block, factor * opposite)


def _errors(block: list[Margin], sums: Floats) -> Floats:
    return np.asarray(np.max([np.zeros(sums.shape[1]), *(margin.errors(sums) for margin in block)], axis=0))
