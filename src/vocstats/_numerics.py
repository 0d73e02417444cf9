"""Small numerical pieces shared by several estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]


def normal_quantile(level: float) -> float:
    """Two-sided standard normal quantile of a confidence level."""
    return float(special.ndtri(0.5 + level / 2))


def t_quantile(level: float, df: npt.ArrayLike) -> Floats:
    """Two-sided Student quantile of a confidence level; infinite degrees of freedom give the normal quantile, NaN none."""
    freedom = np.asarray(df, float)
    finite = np.isfinite(freedom) & (freedom < 1e8)
    quantile = special.stdtrit(np.where(finite, freedom, 1.0), 0.5 + level / 2)
    return np.where(finite, quantile, np.where(np.isnan(freedom), np.nan, normal_quantile(level)))


def central_interval(draws: npt.NDArray[np.floating], level: float, *, method: Any = "linear") -> tuple[Floats, Floats]:
    """Quantiles over the first axis that leave (1 - level) / 2 of the draws on either side."""
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail], axis=0, method=method)
    return low, high


def exact_share_limits(share: npt.ArrayLike, n: npt.ArrayLike, level: float) -> tuple[Floats, Floats]:
    """Clopper-Pearson limits of a share of `n` (which may be an effective, non-integer size).

    Each tail carries (1 - level) / 2, so 0 of 1,226 at 95 % gives (0, 0.0030).

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26(4); Korn & Graubard (1998), Survey Methodology 24(2) for effective sizes.
    """
    p, size = np.broadcast_arrays(np.asarray(share, float), np.asarray(n, float))
    tail = (1.0 - level) / 2.0
    hits = p * size
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.where(hits <= 0, 0.0, special.betaincinv(np.maximum(hits, 1e-300), size - hits + 1.0, tail))
        high = np.where(hits >= size, 1.0, special.betaincinv(hits + 1.0, np.maximum(size - hits, 1e-300), 1.0 - tail))
    return low, high


def solve_symmetric(matrix: Any, right: Floats) -> Floats:
    """Minimum-norm solution of a symmetric, possibly singular system, after scaling its diagonal to 1; of a diagonal one by division."""
    if not isinstance(matrix, np.ndarray):
        rows, columns = matrix.nonzero()
        if (rows == columns).all():
            diagonal = matrix.diagonal() if right.ndim == 1 else matrix.diagonal()[:, None]
            return np.asarray(np.divide(right, diagonal, out=np.zeros_like(right), where=diagonal != 0))
        matrix = matrix.toarray()
    scale = np.sqrt(np.abs(np.diag(matrix)))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    values, vectors = np.linalg.eigh(matrix * inverse[:, None] * inverse)
    large = np.abs(values) > 1e-12 * np.abs(values).max(initial=0.0) * values.size
    directions = vectors[:, large]
    column = inverse if right.ndim == 1 else inverse[:, None]
    size = values[large] if right.ndim == 1 else values[large, None]
    return np.asarray(column * (directions @ ((directions.T @ (column * right)) / size)))


def sums_by(codes: npt.NDArray[Any], weights: Floats, size: int) -> Floats:
    """Sum of `weights` by code 0 to size - 1."""
    return np.bincount(codes, weights=weights, minlength=size).astype(np.float64, copy=False)
