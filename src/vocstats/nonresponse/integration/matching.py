"""Donors for mass imputation: nearest neighbours by characteristics, or by predicted mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._numerics import sums_by
from ...results import Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Imputation:
    """Imputed outcomes of the reference, and what the spread of the donors' outcomes adds.

    Attributes
    ----------
    imputed : float array (m,)
        Mean outcome of the donors of each row of the reference.
    donated : float array (n,)
        What one unit of each row of the sample stands for: the mass of the reference rows it serves, shared among their donors.
    chance : float array (n,)
        Part of ``donated**2`` that the draw of the reference adds, and its design variance contains already.
    spread : float array (n,)
        Variance of a unit's outcome among units like it.
    """

    imputed: Floats
    donated: Floats
    chance: Floats
    spread: Floats


def impute(
    y: Floats, place: Floats, wanted: Floats, counts: Floats, mass: Floats, squares: Floats, donors: int
) -> Imputation:
    """The mean of the `donors` units of the sample nearest to each row of the reference.

    Units at the same place are equally near: where only some of them are needed, each gives its share. The order of rows
    therefore does not matter. The spread is the variance at the place, or at this and the next where one unit stands alone.

    Parameters
    ----------
    y, counts : float arrays (n,)
        Outcome of the sample, and how often a row stands there.
    place, wanted : float arrays (n, q), (m, q)
        Where sample and reference stand; distances are Euclidean.
    mass, squares : float arrays (m,)
        What a row of the reference stands for, and the sum of the squared weights of its units (0: not drawn by chance).
    donors : int
        k.

    References
    ----------
    Rivers (2007), Proc. Survey Research Methods Section, ASA; Abadie & Imbens (2006), Econometrica 74(1), theorem 7, for the spread.
    """
    from scipy.spatial import KDTree

    scale = max(float(np.abs(place).max(initial=0.0)), 1e-300)
    present = counts > 0
    cells, inverse = np.unique(np.round(place[present] / scale, 12), axis=0, return_inverse=True)
    code = np.zeros(y.size, np.intp)
    code[present] = inverse.ravel()
    size, top = sums_by(code, counts, len(cells)), sums_by(code, counts * y, len(cells))
    mean = top / size
    tree = KDTree(cells)
    reach = min(donors, len(cells))
    near = tree.query(wanted / scale, k=np.arange(1, reach + 1))[1]
    taken = size[near]
    before = np.cumsum(taken, axis=1) - taken
    used = np.clip(donors - before, 0.0, taken)
    used /= used.sum(axis=1, keepdims=True)
    links = used * mass[:, None], used**2 * squares[:, None]
    donated, chance = (sums_by(near.ravel(), each.ravel(), len(cells)) for each in links)
    spread = _spread(sums_by(code, counts * (y - mean[code]) ** 2, len(cells)), size, mean, cells, tree)
    return Imputation(
        imputed=(used * mean[near]).sum(axis=1), donated=(donated / size)[code], chance=(chance / size**2)[code], spread=spread[code]
    )


def _spread(squares: Floats, size: Floats, mean: Floats, cells: Floats, tree: object) -> Floats:
    """Variance within cells of two and more; for a lone unit, from its difference to the next cell."""
    spread = np.divide(squares, size - 1.0, out=np.zeros_like(squares), where=size > 1)
    lone = np.flatnonzero(size <= 1)
    if lone.size and len(cells) > 1:
        next_cell = tree.query(cells[lone], k=[2])[1][:, 0]  # type: ignore[attr-defined]
        spread[lone] = size[next_cell] / (size[next_cell] + 1.0) * (mean[lone] - mean[next_cell]) ** 2
    return spread
