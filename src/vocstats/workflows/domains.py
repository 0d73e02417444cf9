"""The domains of one table of a correction: which cells belong to which, and sums over them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._checks import Integers as Codes
from .._numerics import sums_by
from ..customer_base import Cells
from ..results import Flags, Floats
from .pools import POOLS
from .representation import Representation


@dataclass(frozen=True, slots=True, kw_only=True)
class Domains:
    """Cells, who speaks for them, the values to be averaged, and the domain of each cell.

    Attributes
    ----------
    cells, made : Cells, Representation
    y : Floats (cells,)
        Values whose mean is the statistic; NaN where not heard.
    of : int array (cells,)
        Domain of each cell.
    count : int
        D, the number of domains.
    labels : dict
        {column: label of each domain}; empty for the whole base.
    """

    cells: Cells
    made: Representation
    y: Floats
    of: Codes
    count: int
    labels: Mapping[str, Any]

    @property
    def voices(self) -> Codes:
        """Cells that speak; the axis of the weights."""
        return self.made.voices

    @property
    def voice_of(self) -> Codes:
        """Domain of each voice."""
        return self.of[self.made.voices]

    @property
    def voice_y(self) -> Floats:
        """Value of each voice."""
        return self.y[self.made.voices]

    def sums(self, rows: Codes | Flags, weights: Floats) -> Floats:
        """Sum over the chosen cells of `weights` (of those cells) by domain, (D,)."""
        return sums_by(self.of[rows], weights, self.count)

    def customers(self, rows: Codes | Flags) -> Floats:
        """Customers of the chosen cells by domain, (D,)."""
        return self.sums(rows, self.made.size[rows])

    def answers(self, rows: Codes | Flags) -> Floats:
        """Rows of the base behind the chosen cells by domain, base weights aside, (D,)."""
        return self.sums(rows, self.cells.counts[rows].astype(float))

    def by_pool(self) -> Floats:
        """Customers by pool and domain, (pools, D)."""
        return np.stack([self.customers(self.made.pool == p) for p in range(len(POOLS))])

    def speaking(self, pools: Iterable[int]) -> Codes:
        """Positions on the axis of the voices of those in the given pools."""
        return np.flatnonzero(np.isin(self.made.voice_pool, list(pools)))

    def kish(self, pools: Iterable[int]) -> Floats:
        """Effective number of answers of the given pools by domain, (sum w)^2 / sum w^2; NaN where there are none."""
        chosen = self.speaking(pools)
        weights, domain = self.made.weights, self.voice_of[chosen]
        counts, w = weights.counts[chosen], weights.values[chosen]
        with np.errstate(invalid="ignore", divide="ignore"):
            return sums_by(domain, counts * w, self.count) ** 2 / sums_by(domain, counts * w**2, self.count)
