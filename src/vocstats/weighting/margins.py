"""Margins and the totals they are to reach: label columns in, one cell per unit and a two-way table of cells out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .._checks import factorize, named_columns, non_negative
from .._numerics import sums_by
from ..errors import InputError, shown
from .chain import Floats
from .indicators import Indicators
from .labels import Codes, check_levels, check_sums, label_codes, line_up

_SMALL = 1 << 14  # entries up to which indicators are dense: less work than the bookkeeping of sparse ones


@dataclass(frozen=True, kw_only=True, eq=False)
class Margins:
    """Label columns collapsed to cells, with the total each level is to reach.

    The margins are split into two blocks; a cell is a pair (row, column) of a combination of the first block's levels and
    one of the second's. `cell` is dense (``row * shape[1] + column``) unless `pairs` lists the cells that occur, in order.

    Attributes
    ----------
    names : tuple of str
        Margins in the order of `codes`.
    levels : tuple of list
        Labels of each margin, sorted; some may be borne by nobody.
    targets : tuple of array
        Total of each level; nan where none was given.
    blocks : tuple of two tuples of int
        Which margins make up the rows and which the columns.
    codes : tuple of array
        Level of each margin for each row (first block) or column (second block) of the table.
    """

    names: tuple[str, ...]
    levels: tuple[list[Any], ...]
    targets: tuple[Floats, ...]
    blocks: tuple[tuple[int, ...], tuple[int, ...]]
    codes: tuple[Codes, ...]
    shape: tuple[int, int]
    cell: Codes
    pairs: npt.NDArray[np.intp] | None

    def table(self, mass: Floats) -> Any:
        """Sum of `mass` by cell, as a (rows, columns) matrix: dense, or sparse where few combinations occur."""
        if self.pairs is None:
            size = self.shape[0] * self.shape[1]
            weights = None if mass.strides == (0,) else mass
            return (np.bincount(self.cell, weights=weights, minlength=size) * (mass[0] if weights is None else 1.0)).reshape(self.shape)
        sums = sums_by(self.cell, mass, self.pairs.size)
        return sparse.csr_array((sums, self.pairs % self.shape[1], self.starts()), shape=self.shape)

    def starts(self) -> Codes:
        """Place of the first cell of each row among the `pairs`."""
        return np.searchsorted(self.cells()[0], np.arange(self.shape[0] + 1)).astype(np.int32)

    def cells(self) -> tuple[Codes, Codes]:
        """Row and column of every cell, in the order of `cell`."""
        index = np.arange(self.shape[0] * self.shape[1]) if self.pairs is None else self.pairs
        return index // self.shape[1], index % self.shape[1]

    def spread(self, rows: Floats, columns: Floats) -> Floats:
        """``rows * columns`` of the cell of each unit."""
        if self.pairs is None:
            return np.take(np.multiply.outer(rows, columns).ravel(), self.cell)
        row, column = self.cells()
        return np.take(rows[row] * columns[column], self.cell)

    def indicators(self, cells: npt.NDArray[Any] | None = None) -> Any:
        """Sparse 0/1 matrix, one row per cell of `cells` (None: per unit) and one column per level that has a positive target."""
        wanted = self.cell if cells is None else cells
        index = wanted if self.pairs is None else self.pairs[wanted]
        place = index // self.shape[1], index % self.shape[1]
        columns = np.empty((index.size, len(self.names)), np.int32)
        offset = 0
        for j, (codes, levels) in enumerate(zip(self.codes, self.levels, strict=True)):
            columns[:, j] = codes[place[j in self.blocks[1]]]
            columns[:, j] += offset
            offset += len(levels)
        starts = np.arange(0, columns.size + 1, len(self.names))
        full = sparse.csr_array((np.ones(columns.size), columns.ravel(), starts), shape=(index.size, offset))
        keep = np.concatenate(self.targets) > 0
        return full if keep.all() else full[:, np.flatnonzero(keep)]

    @cached_property
    def matrix(self) -> Indicators:
        """The `indicators` of the units, kept by row and column of the table."""
        offsets = np.cumsum([0, *(len(levels) for levels in self.levels)])
        keep = np.flatnonzero(np.concatenate(self.targets) > 0)
        sides = []
        for block, size in zip(self.blocks, self.shape, strict=True):
            columns = np.column_stack([self.codes[j] + offsets[j] for j in block] or [np.zeros((size, 0), np.intp)])
            starts = np.arange(0, columns.size + 1, max(len(block), 1)) if block else np.zeros(size + 1, np.intp)
            full = sparse.csr_array((np.ones(columns.size), columns.ravel(), starts), shape=(size, offsets[-1]))
            sides.append(full.toarray()[:, keep] if size * keep.size <= _SMALL else full[:, keep])
        width = self.shape[1]
        if width == 1:
            return Indicators((self.cell,), (sides[0],), np.broadcast_to(np.float64(1.0), self.cell.shape))
        row = self.cell // width if self.pairs is None else (self.pairs // width).astype(np.int32)[self.cell]
        column = self.cell - row * width if self.pairs is None else (self.pairs % width).astype(np.int32)[self.cell]
        return Indicators((row, column), (sides[0], sides[1]), np.broadcast_to(np.float64(1.0), self.cell.shape))

    def labels(self) -> list[tuple[str, Any]]:
        """(margin, level) of each column of `indicators`."""
        return [
            (name, level)
            for name, levels, totals in zip(self.names, self.levels, self.targets, strict=True)
            for level, total in zip(levels, totals, strict=True)
            if total > 0
        ]

    def totals(self) -> Floats:
        """Target of each column of `indicators`."""
        joined = np.concatenate(self.targets)
        return joined[joined > 0]

    def reached(self, table: Any, rows: Floats, columns: Floats) -> list[Floats]:
        """Total of each level of each margin under the factors ``rows * columns``."""
        sides = rows * (table @ columns), columns * (table.T @ rows)
        return [
            sums_by(codes, sides[j in self.blocks[1]], len(levels))
            for j, (codes, levels) in enumerate(zip(self.codes, self.levels, strict=True))
        ]

    def check_heard(self, table: Any) -> None:
        """Raise unless every positive target has somebody heard, and every level heard has a positive target."""
        heard = self.reached(table, np.ones(self.shape[0]), np.ones(self.shape[1]))
        check_levels(self.names, self.levels, self.targets, heard)


def collapse(margins: Any, targets: Any, length: int | None = None) -> Margins:
    """Code label columns and line up their targets.

    Parameters
    ----------
    margins : mapping or dataframe
        {name: column of labels}; labels of any type.
    targets : mapping
        {name: {level: total}}; a Series, or an array of totals for levels 0, 1, ..., serves as well.
    length : int, optional
        Number of units expected; None takes that of the first column.
    """
    columns = named_columns(margins, "margins")
    if not columns:
        raise InputError("margins has no columns. Give {name: labels}.", code="no_margins", argument="margins")
    wanted = {str(name): value for name, value in dict(targets).items()} if hasattr(targets, "keys") else {}
    odd = sorted(set(columns) ^ set(wanted))
    if odd:
        raise InputError(
            f"margins and targets must name the same columns; {shown(odd)} stands in only one of them.",
            code="margins_differ", argument="targets", levels=odd,
        )
    codes, levels, totals = [], [], []
    for name, column in columns.items():
        code, label = label_codes(column, f"margins[{name!r}]", length=length)
        length = code.size
        codes.append(code)
        known, values = line_up(wanted[name], name, label)
        levels.append(known)
        totals.append(values)
    check_sums(tuple(columns), totals)
    return _blocks(tuple(columns), codes, levels, totals)


def margin_targets(margins: Any, *, counts: npt.ArrayLike | None = None) -> dict[str, dict[Any, float]]:
    """Totals of every level of every margin over a registry, in the form `rake` takes them.

    Parameters
    ----------
    margins : mapping or dataframe
        {name: column of labels}, one row per customer or cell of the whole registry.
    counts : array, optional
        How many customers each row stands for (None: one).

    Returns
    -------
    dict
        {name: {level: total}}, levels sorted.

    Raises
    ------
    InputError
        A label is missing, or the lengths differ.

    Examples
    --------
    >>> margin_targets({"contract": ["year", "month", "month"]}, counts=[10, 20, 5])
    {'contract': {'month': 25.0, 'year': 10.0}}
    """
    result = {}
    for name, column in named_columns(margins, "margins").items():
        codes, levels = factorize(column, f"margins[{name!r}]")
        weights = np.ones(codes.size) if counts is None else non_negative(counts, "counts", length=codes.size)
        sums = sums_by(codes, weights, levels.size)
        result[name] = dict(zip(levels.tolist(), sums.tolist(), strict=True))
    return result


def _blocks(names: tuple[str, ...], codes: list[Codes], levels: list[list[Any]], targets: list[Floats]) -> Margins:
    """Split the margins into two blocks of about the same size, and code each unit by its cell."""
    n = codes[0].size
    sizes = [len(labels) for labels in levels]
    blocks: tuple[list[int], list[int]] = ([], [])
    products = [1, 1]
    for j in sorted(range(len(sizes)), key=lambda j: -sizes[j]):
        side = int(products[1] < products[0])
        blocks[side].append(j)
        products[side] *= sizes[j]
    by_margin: dict[int, Codes] = {}
    sides = []
    compress = products[0] * products[1] > 4 * n + 4096
    for block in blocks:
        side_codes, size, inside = _joint([codes[j] for j in block], [sizes[j] for j in block], compress=compress)
        by_margin.update(zip(block, inside, strict=True))
        sides.append((side_codes, size))
    (rows, height), (columns, width) = sides
    dense = height * width <= 4 * n + 4096
    cell = _mixed(rows, columns, width, height * width)
    pairs = None
    if not dense:
        pairs, cell = _distinct(cell, height * width)
    cell.flags.writeable = False
    return Margins(
        names=names, levels=tuple(levels), targets=tuple(targets), blocks=(tuple(blocks[0]), tuple(blocks[1])),
        codes=tuple(by_margin[j] for j in range(len(names))), shape=(height, width), cell=cell, pairs=pairs,
    )


def _joint(codes: list[Codes], sizes: list[int], *, compress: bool) -> tuple[Codes | None, int, list[Codes]]:
    """One code per unit for the combination of several columns, how many there are, and each column's code for each of them."""
    if not codes:
        return None, 1, []
    joint, size = codes[0], sizes[0]
    for code, k in zip(codes[1:], sizes[1:], strict=True):
        if size * k > 2**31:
            values, joint = _distinct(joint, size)
            size = values.size
        joint = _mixed(joint, code, k, size * k)
        size *= k
    if not compress:
        return joint, size, [code.ravel() for code in np.indices(sizes)]
    values, joint = _distinct(joint, size)
    bearer = np.empty(values.size, np.intp)
    bearer[joint] = np.arange(joint.size)
    return joint, values.size, [code[bearer] for code in codes]


def _distinct(codes: Codes, size: int) -> tuple[Codes, Codes]:
    """Sorted distinct codes, and the place of each unit's code among them; marks instead of sorting where codes are dense."""
    if size > 16 * codes.size:
        return np.unique(codes, return_inverse=True)
    present = np.zeros(size, bool)
    present[codes] = True
    values = np.flatnonzero(present)
    place = np.empty(size, np.int32)
    place[values] = np.arange(values.size, dtype=np.int32)
    return values, place[codes]


def _mixed(high: Codes | None, low: Codes | None, width: int, size: int) -> Codes:
    """``high * width + low`` in the narrowest integers that hold `size`; None stands for a single value."""
    dtype = np.int32 if size < 2**31 else np.int64
    if high is None or low is None:
        only = high if low is None else low
        assert only is not None
        return only.astype(dtype)
    result = np.multiply(high, width, dtype=dtype, casting="unsafe")
    result += low.astype(dtype, copy=False)
    return result
