"""Post-stratification: weights whose total equals a known total in every cell of one classification."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import named_columns
from .chain import Weights, begin
from .margins import collapse
from .raking import fit_margins, positive_mass


def poststratify(
    cells: Any,
    totals: Any,
    *,
    base_weights: Weights | npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
) -> Weights:
    """Scale weights so that every cell of a classification has its known total.

    The weight of a unit in cell k becomes ``w = d * T_k / sum(counts * d over the heard of cell k)``.

    Parameters
    ----------
    cells : array, mapping or dataframe
        Label of each unit or row, or {name: column} whose combinations are the cells.
    totals : mapping
        {label: total}; with several columns the labels are tuples in the order of the columns.
    base_weights, counts
        As in `rake`.

    Returns
    -------
    Weights
        The chain with this step.

    Raises
    ------
    InputError
        A label is missing, or a cell that was heard has no total.
    InfeasibleError
        A cell with a positive total was not heard; it is named.

    References
    ----------
    Holt & Smith (1979), JRSS A 142(1).

    Examples
    --------
    >>> poststratify(["a", "a", "b"], {"a": 10, "b": 3}).values.tolist()
    [5.0, 5.0, 3.0]
    """
    columns = named_columns(cells, "cells")
    if len(columns) == 1:
        labels = next(iter(columns.values()))
    else:
        labels = list(zip(*(np.asarray(column).tolist() for column in columns.values()), strict=True))
    name = " x ".join(columns)
    margins = collapse({name: labels}, {name: totals})
    chain = begin(base_weights, counts, margins.cell.size)
    mass = positive_mass(chain, "poststratify")
    return chain.followed_by(fit_margins("poststratify", margins, mass, bounds=None, tol=1e-12, max_iter=50))
