"""Proportions by domain, with limits that stay between 0 and 1."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from ..errors import InputError, shown
from ..options import Inference, ShareInterval
from ..weighting.chain import Weights
from .axis import Axis, axis_of
from .design import Design
from .estimate import Estimate
from .figures import ratio_figure
from .intervals import exact_at_bounds, share_limits
from .replication import Replicates


def proportion(
    y: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, interval: ShareInterval | None = None,
    design: Design | None = None, by: Any = None, counts: npt.ArrayLike | None = None, inference: Inference = "r", level: float = 0.95,
) -> Estimate:
    """Weighted share of those for whom y holds, of everybody or of every domain.

    With share p, standard error s, t and z the Student and normal quantiles, df the degrees of freedom,

        wald            p ± t s
        logit           expit(logit p ± t s / (p (1 - p)))
        asin            sin²(asin √p ± t s / (2 √(p (1 - p))))
        korn_graubard   Clopper and Pearson's limits of n* answers,  n* = p (1 - p) / s² (t_{n-1} / t_df)²
        wilson          (p + z²/2n* ± z √(p (1 - p)/n* + z²/4n*²)) / (1 + z²/n*)

    The default never falls much short of its level and is wider than needed in the middle; Wilson's is nearer to its level on
    average. Where all or none of a domain say yes, the standard error is 0 and tells nothing: every method then gives Clopper
    and Pearson's limits with Kish's effective size, (Σ c w)² / Σ c w². A share outside 0 to 1, which negative weights can
    produce, has Wald limits only.

    Parameters
    ----------
    y : array of bool or 0 and 1 (n,)
        Missing only where the weight is exactly 0.
    w, design, by, counts, inference, level
        As in `mean`. Under "r" the degrees of freedom are the clusters less the strata of the domain, as in R's svyciprop.
    interval : {"korn_graubard", "wilson", "logit", "asin", "wald"}, optional
        None: "korn_graubard", or the quantiles of `Replicates` made for percentile limits. R's svyciprop calls
        "korn_graubard" "beta", "logit" "logit" or "xlogit", "asin" the same and "wald" "mean".

    Returns
    -------
    Estimate
        ``statistic="proportion"``, with `df` as used for the limits.

    Raises
    ------
    InputError
        As `mean`; y holds anything but 0 and 1 where the weight is not 0.

    Examples
    --------
    >>> from vocstats.estimation import proportion
    >>> none = proportion([0] * 30)
    >>> float(none.conf_low), round(float(none.conf_high), 3)
    (0.0, 0.116)

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24(2); Dean & Pagano (2015), J. Survey Stat. Methodol. 3(4).
    """
    axis = axis_of(y, w, design, by, counts, inference, level)
    return share_estimate(axis, zero_one(axis, y), "proportion", interval)


def zero_one(axis: Axis, y: npt.ArrayLike) -> Floats:
    """y on the rows of the axis; anything but 0 and 1 is refused."""
    values = axis.column(y, "y")
    off = np.flatnonzero((values != 0) & (values != 1))
    if off.size:
        rows = axis.positions(off)
        raise InputError(
            f"y must be true or false, or 1 and 0; it holds {shown(np.unique(values[off]))} at rows {shown(rows)}. "
            "Compare it with what counts as yes first, as in y >= 9.",
            code="not_zero_one", argument="y", rows=rows, levels=np.unique(values[off])[:5],
        )
    return values


def share_estimate(axis: Axis, values: Floats, statistic: str, interval: ShareInterval | None) -> Estimate:
    """The mean of values 0 and 1 with limits of a share."""
    chosen = _checks.choice(interval or "korn_graubard", ShareInterval, "interval")
    estimate = axis.estimate(ratio_figure(axis, statistic, values))
    if interval is not None or not axis.percentile:
        df = axis.student_df(estimate)
        low, high = share_limits(chosen, estimate.estimate, estimate.std_error, df, estimate.n, axis.level)
        estimate = replace(estimate, df=df, conf_low=low, conf_high=high)
    return exact_at_bounds(estimate, axis.effective_size, (0.0, 1.0))
