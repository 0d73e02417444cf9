"""Means, totals and ratios by domain, with their standard errors."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .._checks import Floats
from ..options import Inference
from ..weighting.chain import Weights
from .axis import Axis, axis_of
from .design import Design
from .estimate import Estimate
from .figures import ratio_figure, total_figure
from .intervals import exact_at_bounds
from .replication import Replicates


def mean(
    y: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, design: Design | None = None, by: Any = None,
    counts: npt.ArrayLike | None = None, inference: Inference = "r", level: float = 0.95, df: float | Literal["design"] | None = None,
    limits: tuple[float, float] | None = None,
) -> Estimate:
    """Weighted mean, of everybody or of every domain.

        mean_d = Σ_d c w y / Σ_d c w,   influence of a unit of domain d: w (y - mean_d) / Σ_d c w, pulled back through the chain

    Where every answer of a domain lies on a bound of `limits`, the interval is Clopper and Pearson's with Kish's effective
    sample size; a boolean y, or numbers that are 0 and 1 and nothing else, has limits (0, 1). Numbers all equal tell nothing
    about their scale: without `limits` their interval has no width.

    Parameters
    ----------
    y : array of numbers (n,)
        Missing only where the weight is exactly 0.
    w : array (n,), Weights or Replicates, optional
        Weights per unit (None: 1). The standard error takes an array as given, a `Weights` as estimated; with `Replicates`
        it is the spread between them.
    design : Design, optional
        How the rows were drawn. None is sampling with replacement under "r"; under "registry" and "process" that
        everybody listed was asked, the whole weight being one over the probability of an answer.
    by : array of labels, or {name: array}, optional
        Domains; several columns are crossed, combinations that occur are kept, sorted.
    counts : array (n,), optional
        How often each row stands there. Not beside a `Weights`, which has its own.
    inference : {"r", "registry", "process"}
        What the standard error refers to: R survey's formulas with normal limits; the customers listed; those and others
        like them. The last two use Student limits with Satterthwaite's degrees of freedom.
    level : float
        Confidence level.
    df : number or "design", optional
        Degrees of freedom of the limits: "design" is clusters less strata of those heard in the domain, R's
        ``confint(..., df = degf(design))``. None: infinite under "r", as in R; Satterthwaite's otherwise.
    limits : (float, float), optional
        Smallest and largest possible y.

    Returns
    -------
    Estimate
        Shape () without `by`, (domains,) with. A domain nobody was heard in is NaN; one answer has no standard error.

    Raises
    ------
    InputError
        Lengths differ, y is missing where the weight is not 0 or outside `limits`, nobody is heard, labels are missing.

    References
    ----------
    Lumley (2010), Complex Surveys, sec. 2.2; Särndal, Swensson & Wretman (1992), secs. 5.7, 6.6 and 9.7;
    Korn & Graubard (1998), Survey Methodology 24(2), for exact limits.
    """
    axis = axis_of(y, w, design, by, counts, inference, level, df)
    values = axis.column(y, "y")
    bounds = _limits(np.asarray(y), values, axis, limits)
    estimate = axis.estimate(ratio_figure(axis, "mean", values))
    return estimate if bounds is None else exact_at_bounds(estimate, axis.effective_size, bounds)


def total(
    y: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, design: Design | None = None, by: Any = None,
    counts: npt.ArrayLike | None = None, inference: Inference = "r", level: float = 0.95, df: float | Literal["design"] | None = None,
) -> Estimate:
    """Weighted total, of everybody or of every domain: Σ_d c w y, with w y pulled back through the chain as influence.

    Parameters
    ----------
    y, w, design, by, counts, inference, level, df
        As in `mean`. The "process" standard error adds N s², the size of the registry being given.

    Returns
    -------
    Estimate
        A domain without anybody heard is NaN.

    Raises
    ------
    InputError
        As `mean`.

    References
    ----------
    Särndal, Swensson & Wretman (1992), eqs. 2.8.2 and 10.3.3 (domains).
    """
    axis = axis_of(y, w, design, by, counts, inference, level, df)
    return axis.estimate(total_figure(axis, axis.column(y, "y")))


def ratio(
    y: npt.ArrayLike, x: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, design: Design | None = None,
    by: Any = None, counts: npt.ArrayLike | None = None, inference: Inference = "r", level: float = 0.95,
    df: float | Literal["design"] | None = None,
) -> Estimate:
    """Ratio of two weighted totals, R_d = Σ_d c w y / Σ_d c w x; influence of a unit: w (y - R_d x) / Σ_d c w x.

    Parameters
    ----------
    y, x : array of numbers (n,)
        Numerator and denominator; missing only where the weight is exactly 0.
    w, design, by, counts, inference, level, df
        As in `mean`.

    Returns
    -------
    Estimate
        NaN where the denominator adds up to 0.

    Raises
    ------
    InputError
        As `mean`.

    References
    ----------
    Särndal, Swensson & Wretman (1992), sec. 5.6.
    """
    axis = axis_of(y, w, design, by, counts, inference, level, df)
    return axis.estimate(ratio_figure(axis, "ratio", axis.column(y, "y"), axis.column(x, "x")))


def _limits(y: npt.NDArray[Any], values: Floats, axis: Axis, limits: tuple[float, float] | None) -> tuple[float, float] | None:
    """Declared limits, or those of a share, or None."""
    heard = values[axis.heard]
    if limits is None:
        share = y.dtype == bool or bool(((heard == 0) | (heard == 1)).all() and (heard != heard[0]).any())
        return (0.0, 1.0) if share else None
    return axis.bounds(values, limits, "limits")
