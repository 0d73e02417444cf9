"""Balanced half-samples: one of every two first-stage units, in a plan that keeps the pairs apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .._checks import Floats, Integers
from ..errors import InputError, shown
from .hadamard import hadamard
from .resampling import Units


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HalfSamples:
    """Balanced half-samples: of every pair one unit counts 2 - ρ and the other ρ, as a Hadamard matrix tells.

        factor = 1 ± (1 - ρ) sqrt(1 - f_h),   scale = 1 / (R (1 - ρ)²)

    Attributes
    ----------
    units : Units
    contrast : sparse matrix (G, pairs)
        Part of each unit in each pair, with its sign.
    signs : int8 array (pairs, R)
        Rows of a Hadamard matrix, the first one left out.
    scale : float

    References
    ----------
    McCarthy (1969), Rev. Int. Stat. Inst. 37; Judkins (1990), J. Off. Stat. 6(3) for ρ (Fay's method).
    """

    units: Units
    contrast: sparse.csr_array
    signs: npt.NDArray[np.int8]
    scale: float

    @property
    def rscales(self) -> Floats:
        """1 for every replicate."""
        return np.ones(self.signs.shape[1])

    @property
    def often(self) -> Floats:
        """1 for every replicate."""
        return np.ones(self.signs.shape[1])

    def factors(self, numbers: Integers) -> Floats:
        """Factors (n, b) of the rows."""
        return self.units.spread(np.asarray(1.0 + self.contrast @ self.signs[:, numbers].astype(float)).T)


def half_samples(units: Units, rho: float) -> HalfSamples:
    """Pairs of units in the order of their first rows, larger strata (of an even size) split into pairs as R survey does."""
    odd = units.telling & (units.drawn % 2 != 0)
    if odd.any():
        rows, sizes = units.rows_in(odd), units.drawn[odd]
        raise InputError(
            f"Half-samples need an even number of clusters in every stratum; {int(odd.sum())} strata hold "
            f"{shown(dict.fromkeys(sizes.astype(int).tolist()))}, at rows {shown(rows)}. "
            'Merge or split clusters there, or use method="jackknife" or "bootstrap".',
            code="odd_clusters", argument="design", rows=rows, count=int(odd.sum()), sizes=shown(dict.fromkeys(sizes.astype(int).tolist())),
        )
    first = np.full(units.often.size + 1, units.of_row.size)
    np.minimum.at(first, units.of_row, np.arange(units.of_row.size))
    order = np.lexsort((first[:-1], units.home))
    order = order[units.telling[units.home[order]]]
    unit = np.repeat(order, units.often[order].astype(np.intp))  # one entry per unit, pairs side by side
    pair = np.arange(unit.size) // 2
    half = (1.0 - rho) * np.sqrt(units.open_share[units.home[unit]]) / units.often[unit]
    sign = np.where(np.arange(unit.size) % 2 == 0, -half, half)
    contrast = sparse.coo_array((sign, (unit, pair)), shape=(units.often.size, unit.size // 2)).tocsr()
    signs = hadamard(unit.size // 2 + 1)[1 : unit.size // 2 + 1]
    return HalfSamples(units=units, contrast=contrast, signs=signs, scale=1.0 / (signs.shape[1] * (1.0 - rho) ** 2))
