"""Composite indices of several items, and how reliably they measure one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _checks, texts
from ..errors import InputError, shown
from ..options import Inference
from ..results import Floats, Result, frame, register
from ..weighting.chain import Weights
from .axis import Axis, axis_of
from .design import Design
from .estimate import Estimate
from .figures import ratio_figure
from .intervals import reliability_limits
from .moments import Moments, correlations
from .replication import Replicates

if TYPE_CHECKING:
    import pandas as pd

_SWEEPS, _TOLERANCE = 1000, 1e-13
_ASTRAY = 3.0  # a loading that large does not come back below 1
Matrices = npt.NDArray[Any]


@register("composite_index")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CompositeIndex(Result):
    """A weighted mean of items, its reliability, and what each item adds.

    Attributes
    ----------
    items : tuple of str
        Names of the k items.
    weights : float array (k,)
        Their weights in the index, adding up to 1.
    index : Estimate
        Mean of the index, in the units of the items.
    alpha, standardized_alpha, omega : Estimate
        Cronbach's alpha of the weighted items, alpha of the unweighted items standardised, McDonald's omega total of the
        weighted items; NaN where undefined (omega: under three items, or a loading above 1).
    mean, std_dev, loading, item_rest, alpha_without : float arrays (k,)
        Of each item over all domains: mean; standard deviation; correlation with the common factor; correlation with the
        index of the others; alpha of the others.
    """

    items: tuple[str, ...]
    weights: Floats
    index: Estimate
    alpha: Estimate
    standardized_alpha: Estimate
    omega: Estimate
    mean: Floats
    std_dev: Floats
    loading: Floats
    item_rest: Floats
    alpha_without: Floats

    def to_frame(self) -> pd.DataFrame:
        """One row per item: weight, mean, std_dev, loading, item_rest, alpha_without."""
        columns = ("weights", "mean", "std_dev", "loading", "item_rest", "alpha_without")
        return frame({"item": list(self.items), **{name: getattr(self, name) for name in columns}})

    def tidy(self) -> pd.DataFrame:
        """Index, alpha, standardized_alpha and omega one below the other: term, labels, estimate, std_error, conf_low, conf_high."""
        tables = [e.tidy() for e in (self.index, self.alpha, self.standardized_alpha, self.omega)]
        return frame({name: np.concatenate([np.asarray(table[name]) for table in tables]) for name in tables[0].columns})

    def summary(self, language: str = "en") -> str:
        """One screen: the items, then index and reliability."""
        table = self.to_frame().to_string(index=False, float_format=lambda value: f"{value:.4g}")
        lines = [table, *(e.tidy().head(5).to_string(index=False, header=False) for e in (self.index, self.alpha, self.omega))]
        accounts = self.index.accounts(language)
        return "\n".join([*lines, texts.render("variance.summary", language, level=f"{100 * self.index.level:g}", accounts=accounts)])


def composite_index(
    items: Any, w: npt.ArrayLike | Weights | Replicates | None = None, *, weights: Mapping[str, float] | Sequence[float] | None = None,
    design: Design | None = None, by: Any = None, counts: npt.ArrayLike | None = None, inference: Inference = "r", level: float = 0.95,
) -> CompositeIndex:
    """Weighted mean of k items per person, with Cronbach's alpha and McDonald's omega from the weighted covariances.

        index = Σ_j a_j x_j,  Σ_j a_j = 1
        alpha = k/(k - 1) (1 - Σ_j a_j² S_jj / Σ_jl a_j a_l S_jl)
        standardised alpha = k r / (1 + (k - 1) r),  r the mean correlation of two items
        omega = (Σ_j g_j)² / ((Σ_j g_j)² + Σ_j u_j),  g_j = a_j s_j l_j,  u_j = a_j² s_j² (1 - l_j²)

    with l the loadings of one factor that leave the least squared residual correlations (minres). Standard errors come from
    influence values through S, or from replicates, as for any other statistic. Limits of the reliabilities are symmetric on
    the scale of log(1 - reliability), and stay below 1.

    Parameters
    ----------
    items : mapping or dataframe of columns (n,), or array (n, k)
        At least two items on one scale, turned the same way; missing only where the weight is exactly 0.
    w, design, by, counts, inference, level
        As in `mean`.
    weights : {item: number} or sequence of k numbers, optional
        Positive weights of the items in the index; they are divided by their sum. None: equal.

    Returns
    -------
    CompositeIndex

    Raises
    ------
    InputError
        As `mean`; fewer than two items, or weights that are not positive or do not fit the items.

    References
    ----------
    Cronbach (1951), Psychometrika 16(3); McDonald (1999), Test Theory, eq. 6.20b; Harman & Jones (1966), Psychometrika 31(3) (minres);
    Bonett (2002), J. Educ. Behav. Stat. 27(4), for the scale of the limits.
    """
    columns = _columns(items)
    shares = _item_weights(weights, tuple(columns))
    first, equal = next(iter(columns.values())), np.ones(shares.size)
    axis = axis_of(first, w, design, by, counts, inference, level)
    values = [axis.column(column, name) for name, column in columns.items()]
    moments = Moments.of(axis, values)
    total = np.sum([share * column for share, column in zip(shares, values, strict=True)], axis=0)
    return CompositeIndex(
        items=tuple(columns), weights=shares, index=axis.estimate(ratio_figure(axis, "index", total)),
        alpha=_reliability(axis, moments, "alpha", lambda matrix: alpha(matrix, shares)),
        standardized_alpha=_reliability(axis, moments, "standardized_alpha", lambda matrix: alpha(correlations(matrix), equal)),
        omega=_reliability(axis, moments, "omega", lambda matrix: omega(matrix, shares)),
        **_by_item(axis, values, shares),
    )


def alpha(matrix: Matrices, weights: Floats) -> Matrices:
    """Cronbach's alpha of items with covariances (..., k, k), each times its weight."""
    k = weights.size
    parts = matrix * weights[:, None] * weights
    own = np.trace(parts, axis1=-2, axis2=-1)
    return np.asarray(k / (k - 1.0) * (1.0 - own / parts.sum(axis=(-2, -1)))) if k > 1 else np.full(own.shape, np.nan)


def omega(matrix: Matrices, weights: Floats) -> Matrices:
    """McDonald's omega total of items with covariances (..., k, k), each times its weight."""
    loading = loadings(correlations(matrix))
    scale = weights * np.sqrt(np.diagonal(matrix, axis1=-2, axis2=-1))
    common = (scale * loading).sum(axis=-1) ** 2
    unique = (scale**2 * (1.0 - loading**2)).sum(axis=-1)
    return np.asarray(common / (common + unique))


def loadings(matrix: Matrices) -> Matrices:
    """Loadings (..., k) of one factor by minres on correlations (..., k, k): least Σ_{i<j} (r_ij - l_i l_j)².

    Each is in turn l_i = Σ_{j≠i} r_ij l_j / Σ_{j≠i} l_j², from the centroid on. NaN with fewer than three items, where a loading
    passes 1, or where the sweeps do not settle. Analytic, so that a complex step through it gives its derivative.
    """
    k = matrix.shape[-1]
    flat = matrix.reshape(-1, k, k)
    result = np.full(flat.shape[:-1], np.nan, matrix.dtype)
    current = flat.sum(axis=-1) / np.sqrt(flat.sum(axis=(-2, -1)))[:, None]
    active = np.flatnonzero(np.isfinite(current.real).all(axis=-1)) if k > 2 else np.zeros(0, np.intp)
    off, current = (flat * (1.0 - np.eye(k)))[active], current[active]
    for _ in range(_SWEEPS):
        if not active.size:
            break
        before = current.copy()
        for i in range(k):
            squares = (current**2).sum(axis=-1) - current[:, i] ** 2
            current[:, i] = (off[:, i] * current).sum(axis=-1) / squares
        moved = current - before
        reach = np.abs(current.imag).max(axis=-1, keepdims=True)
        settled = ((np.abs(moved.real) < _TOLERANCE) & (np.abs(moved.imag) <= 1e-9 * reach)).all(axis=-1)
        proper = settled & (np.abs(current.real) <= 1.0).all(axis=-1)
        result[active[proper]] = current[proper]
        going = ~settled & (np.abs(current.real) < _ASTRAY).all(axis=-1)
        active, off, current = active[going], off[going], current[going]
    return result.reshape(matrix.shape[:-1])


def _reliability(axis: Axis, moments: Moments, statistic: str, function: Any) -> Estimate:
    estimate = axis.estimate(moments.figure(statistic, function))
    if axis.percentile:
        return estimate
    df = axis.student_df(estimate)
    low, high = reliability_limits(estimate.estimate, estimate.std_error, df, axis.level)
    return replace(estimate, df=df, conf_low=low, conf_high=high)


def _by_item(axis: Axis, values: list[Floats], shares: Floats) -> dict[str, Floats]:
    """Figures of each item over all domains."""
    whole = replace(axis, codes=np.zeros_like(axis.codes), labels={}, domains=1)
    matrix = Moments.of(whole, values).matrix(whole.mass)[0]
    with np.errstate(all="ignore"):
        correlation, deviation = correlations(matrix), np.sqrt(np.diag(matrix))
        others = shares * (1.0 - np.eye(shares.size))
        rest = np.array([matrix[i] @ other / (deviation[i] * np.sqrt(other @ matrix @ other)) for i, other in enumerate(others)])
        kept = [np.delete(np.arange(shares.size), i) for i in range(shares.size)]
        without = [float(alpha(matrix[np.ix_(some, some)], shares[some])) for some in kept]
        loading = loadings(correlation)
    means = np.array([ratio_figure(whole, "mean", column).value(whole.mass)[0] for column in values])
    return {"mean": means, "std_dev": deviation, "loading": loading, "item_rest": rest, "alpha_without": np.array(without)}


def _columns(items: Any) -> dict[str, Any]:
    if not isinstance(items, Mapping) and not hasattr(items, "columns") and np.ndim(items) == 2:
        columns: dict[str, Any] = {str(number + 1): column for number, column in enumerate(np.asarray(items).T)}
    else:
        columns = _checks.named_columns(items, "items")
    if len(columns) < 2:
        raise InputError(
            f"items must hold at least two columns; got {len(columns)}. Pass a mapping, a dataframe or an array (n, k).",
            code="too_few_items", argument="items", got=len(columns),
        )
    return columns


def _item_weights(weights: Mapping[str, float] | Sequence[float] | None, names: tuple[str, ...]) -> Floats:
    if weights is None:
        return np.full(len(names), 1.0 / len(names))
    if isinstance(weights, Mapping):
        wrong = sorted(set(map(str, weights)) ^ set(names))
        if wrong:
            raise InputError(
                f"weights must name the items {shown(names)}; {shown(wrong)} stand in one of the two only.",
                code="index_weights", argument="weights", levels=wrong,
            )
        weights = [weights[name] for name in names]
    given = _checks.vector(weights, "weights", length=len(names))
    if (given <= 0).any():
        wrong = [name for name, weight in zip(names, given, strict=True) if weight <= 0]
        raise InputError(
            f"weights must be positive; those of {shown(wrong)} are not. Leave these items out, or turn their scale round.",
            code="index_weights_positive", argument="weights", levels=wrong,
        )
    return np.asarray(given / given.sum())
