"""Scores adjusted for the customers a dealer has, and how uncertain a dealer's mean of them is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .. import _checks
from .._numerics import solve_symmetric, sums_by
from ..results import Floats
from ..weighting.chain import Matrix
from ..weighting.covariates import column_sums, linear_predictor, read_covariates, rows_of
from ..weighting.distances import blocks, gram

Codes = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

_MOST_EVIDENCE = 50  # responses of one dealer
_CONSTANT = 1e-9  # of a column's squares: all that rounding leaves


def outcome(score: npt.ArrayLike, top: float | None) -> Floats:
    """Scores, or 1 where they reach `top` and 0 where they do not."""
    y = _checks.squarable(_checks.vector(score, "score"), "score")
    return y if top is None else (y >= _checks.number(top, "top")).astype(float)


@dataclass(frozen=True, slots=True, eq=False)
class CaseMix:
    """Scores y - (x - x̄) b, b from differences within groups.

    Attributes
    ----------
    scores : float array (n,)
        What each response would be with the network's customers.
    x : matrix (n, p)
        Characteristics; None without any.
    covariance : float array (p, p)
        Of b.
    """

    scores: Floats
    x: Matrix | None
    covariance: Floats

    def variance(self, means: Floats, others: Floats) -> Floats:
        """Variance that b adds to a difference between means with these mean characteristics, (D, p) each."""
        contrast = means - others
        return np.asarray(np.einsum("di,ij,dj->d", contrast, self.covariance, contrast))

    def means(self, code: Codes, count: int, rows: Flags) -> Floats:
        """Mean characteristics by code over some rows, (count, p); 0 where there are none."""
        if self.x is None:
            return np.zeros((count, 0))
        size = sums_by(code[rows], np.ones(int(rows.sum())), count)
        return sums_of_rows(rows_of(self.x, np.flatnonzero(rows)), code[rows], count) / np.maximum(size, 1.0)[:, None]


def adjust_for_case_mix(score: Floats, x: Any, code: Codes, count: int, *, rows: Flags | None = None) -> CaseMix:
    """Scores adjusted by least squares within groups (`code` below `count`), so that what raises a whole group leaves b alone.

    Parameters
    ----------
    x : mapping, dataframe or array, optional
        Labels enter as indicators, numbers as they are.
    rows : boolean array (n,), optional
        Responses b is estimated from; None: all.
    """
    if x is None:
        return CaseMix(score, None, np.zeros((0, 0)))
    matrix, _ = read_covariates(x, score.size)
    used = np.arange(score.size) if rows is None else np.flatnonzero(rows)
    z, y, group = rows_of(matrix, used), score[used], code[used]
    square, cross = products_within(z, y, group, count)
    b = solve_symmetric(square, cross)
    residual = y - linear_predictor(z, b)
    size = sums_by(group, np.ones(y.size), count)
    present = size > 0
    within = float(residual @ residual) - float(np.sum(sums_by(group, residual, count)[present] ** 2 / size[present]))
    freedom = max(y.size - int(present.sum()) - int((np.diag(square) > 0).sum()), 1)
    predicted = linear_predictor(matrix, b)
    covariance = solve_symmetric(square, np.eye(b.size)) * max(within, 0.0) / freedom
    return CaseMix(score - predicted + predicted.mean(), matrix, covariance)


def products_within(x: Matrix, y: Floats, code: Codes, count: int) -> tuple[Floats, Floats]:
    """Products within groups of characteristics with each other (p, p) and with scores (p,); 0 for those constant in every group."""
    size = sums_by(code, np.ones(y.size), count)
    present = size > 0
    sums, total = sums_of_rows(x, code, count)[present], sums_by(code, y, count)[present]
    whole = gram(x, np.ones(y.size))
    square, cross = whole - (sums / size[present, None]).T @ sums, column_sums(x, y) - (sums / size[present, None]).T @ total
    constant = np.diag(square) <= _CONSTANT * np.diag(whole)  # the intercept, and what belongs to the dealer
    square[constant], square[:, constant], cross[constant] = 0.0, 0.0, 0.0
    return square, cross


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Per dealer: number of responses, their mean, and central moments of one response, partly borrowed from the network."""

    n: Floats
    mean: Floats
    variance: Floats
    third: Floats


def dealer_moments(y: Floats, code: Codes, count: int) -> Moments:
    """Moments of one response of each dealer, his answers mixed with those of the network as if it were κ of them.

    Of a share it is that of κ p + k in κ + n, so that a dealer with nothing but full marks keeps a variance. κ = s² / τ², s² the variance
    within dealers and τ² that of their means: of answers from a Dirichlet distribution.
    """
    at = float(y.mean()) if y.size else 0.0  # powers of deviations lose less in rounding
    u = y - at
    return moments_of(np.array([sums_by(code, u**k, count) for k in range(4)]), at)


def moments_of(powers: Floats, at: float) -> Moments:
    """`dealer_moments` from the sums of the powers 0 to 3 of y - at, (4, D)."""
    n, powers = powers[0], powers[1:]
    own = np.divide(powers[0], n, out=np.full(n.size, np.nan), where=n > 0)
    kappa = _concentration(n, powers)
    first, second, third = (powers + kappa * (powers.sum(axis=1) / max(n.sum(), 1.0))[:, None]) / (n + kappa)
    return Moments(n, own + at, np.maximum(second - first**2, 0.0), third - 3.0 * first * second + 2.0 * first**3)


def least_expected(adjusted: Floats, code: Codes, marks: Flags) -> Codes:
    """Positions of the marked responses, at most 50 a dealer: those that lie highest above what such customers answer."""
    rows = np.flatnonzero(marks)
    order = rows[np.lexsort((-adjusted[rows], code[rows]))]
    of = code[order]
    rank = np.arange(order.size) - np.searchsorted(of, of)
    return np.asarray(order[rank < _MOST_EVIDENCE], np.intp)


def _concentration(n: Floats, powers: Floats) -> float:
    """κ by moments, between 1 and 10,000."""
    total, dealers = n.sum(), int((n > 0).sum())
    between = float(np.sum(powers[0] ** 2 / np.maximum(n, 1.0)) - powers[0].sum() ** 2 / max(total, 1.0))
    within = (float(powers[1].sum() - np.sum(powers[0] ** 2 / np.maximum(n, 1.0)))) / max(total - dealers, 1.0)
    spread = (between - (dealers - 1) * within) / max(total - float(n @ n) / max(total, 1.0), 1e-300)
    return float(np.clip(within / spread if spread > 0 else np.inf, 1.0, 1e4))


def sums_of_rows(x: Matrix, code: Codes, count: int) -> Floats:
    """Sums of the characteristics by code, (count, p)."""
    result = np.zeros((count, x.shape[1]))
    for run in blocks(x):
        each = code[run]
        result += sparse.csr_array((np.ones(each.size), (each, np.arange(each.size))), shape=(count, each.size)) @ x[run]
    return result
