"""Variances, covariances and correlations of the population by domain, and any smooth function of a covariance matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import Floats
from ..options import Inference
from ..weighting.chain import Weights
from .axis import Axis, axis_of
from .design import Design
from .estimate import Estimate
from .figures import Figure, ratio_figure
from .intervals import fisher_limits
from .replication import Replicates

_IMAGINARY = 1e-20  # step of complex differentiation: no difference is taken, so no digits are lost
OfMatrix = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def population_variance(
    y: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, design: Design | None = None, by: Any = None,
    counts: npt.ArrayLike | None = None, inference: Inference = "r", level: float = 0.95,
) -> Estimate:
    """Variance of y among the people the weights stand for, of everybody or of every domain.

        S² = n/(n - 1) Σ_d c w (y - mean_d)² / Σ_d c w,   n = Σ_d c over those heard

    This is R's svyvar. It is the spread of the answers, not the variance of an estimate.

    Parameters
    ----------
    y, w, design, by, counts, inference, level
        As in `mean`.

    Returns
    -------
    Estimate
        ``statistic="variance"``, in squared units of y; NaN where one unit was heard.

    Raises
    ------
    InputError
        As `mean`.

    References
    ----------
    Särndal, Swensson & Wretman (1992), sec. 5.9; Lumley (2010), Complex Surveys, sec. 2.2.
    """
    axis = axis_of(y, w, design, by, counts, inference, level)
    moments = Moments.of(axis, [axis.column(y, "y")])
    return axis.estimate(moments.figure("variance", lambda matrix: matrix[..., 0, 0]))


def population_covariance(
    y: npt.ArrayLike, x: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, design: Design | None = None,
    by: Any = None, counts: npt.ArrayLike | None = None, inference: Inference = "r", level: float = 0.95,
) -> Estimate:
    """Covariance of y and x among the people the weights stand for: n/(n - 1) Σ_d c w (y - mean)(x - mean) / Σ_d c w, as R's svyvar.

    Parameters
    ----------
    y, x : array of numbers (n,)
        Missing only where the weight is exactly 0.
    w, design, by, counts, inference, level
        As in `mean`.

    Returns
    -------
    Estimate
        ``statistic="covariance"``; NaN where one unit was heard.

    Raises
    ------
    InputError
        As `mean`.

    References
    ----------
    As `population_variance`.
    """
    axis = axis_of(y, w, design, by, counts, inference, level)
    moments = Moments.of(axis, [axis.column(y, "y"), axis.column(x, "x")])
    return axis.estimate(moments.figure("covariance", lambda matrix: matrix[..., 0, 1]))


def correlation(
    y: npt.ArrayLike, x: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, design: Design | None = None,
    by: Any = None, counts: npt.ArrayLike | None = None, inference: Inference = "r", level: float = 0.95,
) -> Estimate:
    """Pearson's correlation of y and x among the people the weights stand for, with limits symmetric on Fisher's scale.

        r = S_yx / √(S_yy S_xx),   tanh(atanh r ± t s / (1 - r²))

    Parameters
    ----------
    y, x : array of numbers (n,)
        Missing only where the weight is exactly 0.
    w, design, by, counts, inference, level
        As in `mean`.

    Returns
    -------
    Estimate
        ``statistic="correlation"``, between -1 and 1; NaN where y or x does not vary. Under "r" `df` is clusters less strata.

    Raises
    ------
    InputError
        As `mean`.

    Examples
    --------
    >>> from vocstats.estimation import correlation
    >>> round(float(correlation([9, 7, 8, 4, 6], [10, 7, 9, 5, 5]).estimate), 3)
    0.923

    References
    ----------
    Fisher (1921), Metron 1; Särndal, Swensson & Wretman (1992), sec. 5.9.
    """
    axis = axis_of(y, w, design, by, counts, inference, level)
    moments = Moments.of(axis, [axis.column(y, "y"), axis.column(x, "x")])
    estimate = axis.estimate(moments.figure("correlation", lambda matrix: correlations(matrix)[..., 0, 1]))
    if axis.percentile:
        return estimate
    df = axis.student_df(estimate)
    low, high = fisher_limits(estimate.estimate, estimate.std_error, df, level)
    return replace(estimate, df=df, conf_low=low, conf_high=high)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Second moments of several columns by domain.

    Attributes
    ----------
    axis : Axis
    columns : tuple of float arrays (n,)
        Less their means by domain: what is left does not cancel in sums of squares.
    correction : float array (domains,)
        n/(n - 1); NaN where fewer than two were heard.
    """

    axis: Axis
    columns: tuple[Floats, ...]
    correction: Floats

    @classmethod
    def of(cls, axis: Axis, columns: Sequence[Floats]) -> Moments:
        """The moments of columns on an axis."""
        means = (np.nan_to_num(ratio_figure(axis, "mean", column).value(axis.mass)) for column in columns)
        centred = tuple(np.where(axis.heard, column - mean[axis.codes], 0.0) for column, mean in zip(columns, means, strict=True))
        n = axis.n
        return cls(axis=axis, columns=centred, correction=np.divide(n, n - 1.0, out=np.full_like(n, np.nan), where=n > 1))

    def matrix(self, mass: Floats) -> Floats:
        """Covariance matrices (domains, k, k) for masses (n,), (domains, b, k, k) for masses (n, b)."""
        size, k = self.axis.sums(None, mass), len(self.columns)
        inverse = np.divide(1.0, size, out=np.full_like(size, np.nan), where=size != 0)
        means = [self.axis.sums(column, mass) * inverse for column in self.columns]
        correction = self.correction if mass.ndim == 1 else self.correction[:, None]
        result = np.empty((*size.shape, k, k))
        for a, b in combinations_with_replacement(range(k), 2):
            product = self.axis.sums(self.columns[a] * self.columns[b], mass) * inverse - means[a] * means[b]
            result[..., a, b] = result[..., b, a] = correction * product
        return result

    def figure(self, statistic: str, function: OfMatrix) -> Figure:
        """A smooth function of the covariance matrix; it takes (..., k, k), returns (...) and knows complex numbers."""

        def of_matrix(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
            with np.errstate(all="ignore"):
                value = function(matrix)
            return np.where(np.isfinite(value), value, np.nan)

        def derivative(_: Floats) -> Floats:
            matrix, axis = self.matrix(axis_mass), self.axis
            size = axis.sums(None, axis_mass)
            inverse = np.divide(1.0, size, out=np.zeros_like(size), where=size != 0)
            total = np.zeros(axis_mass.size)
            for a, b in combinations_with_replacement(range(len(self.columns)), 2):
                step = _IMAGINARY * np.sqrt(matrix[:, a, a] * matrix[:, b, b])
                moved = matrix.astype(complex)
                moved[:, a, b] += 1j * step
                moved[:, b, a] = moved[:, a, b]
                with np.errstate(all="ignore"):
                    slope = np.nan_to_num(of_matrix(moved).imag / step * inverse, posinf=0.0, neginf=0.0)
                constant = slope * np.nan_to_num(matrix[:, a, b])
                factor = slope * np.nan_to_num(self.correction)
                total += factor[axis.codes] * self.columns[a] * self.columns[b] - constant[axis.codes]
            return np.where(axis.heard, total, 0.0)

        axis_mass = self.axis.mass
        return Figure(statistic=statistic, value=lambda mass: of_matrix(self.matrix(mass)), derivative=derivative)


def correlations(matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Correlation matrices of covariance matrices (..., k, k)."""
    deviation = np.sqrt(np.diagonal(matrix, axis1=-2, axis2=-1))
    return np.asarray(matrix / (deviation[..., :, None] * deviation[..., None, :]))
