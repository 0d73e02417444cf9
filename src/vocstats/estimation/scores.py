"""Scores of satisfaction on a scale: the net promoter score, the top boxes and the bottom boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy.typing as npt

from .. import _checks
from ..errors import InputError
from ..options import Inference, ShareInterval
from ..weighting.chain import Weights
from .axis import axis_of
from .design import Design
from .estimate import Estimate
from .figures import ratio_figure
from .intervals import exact_at_bounds
from .proportions import share_estimate
from .replication import Replicates


def net_promoter_score(
    y: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, promoters: float = 9, detractors: float = 6,
    scale: Sequence[float] = (0, 10), design: Design | None = None, by: Any = None, counts: npt.ArrayLike | None = None,
    inference: Inference = "r", level: float = 0.95, df: float | Literal["design"] | None = None,
) -> Estimate:
    """Net promoter score in points: 100 times the share of promoters less the share of detractors.

    It is the mean of +100 for y >= `promoters`, -100 for y <= `detractors` and 0 between, and has that mean's standard error.
    Where everybody is a promoter, or everybody a detractor, the limits are Clopper and Pearson's, as in `mean`.

    Parameters
    ----------
    y : array of numbers (n,)
        Likelihood to recommend; missing only where the weight is exactly 0.
    w, design, by, counts, inference, level, df
        As in `mean`.
    promoters, detractors : number
        Lowest score of a promoter, highest of a detractor.
    scale : (number, number)
        Lowest and highest possible score.

    Returns
    -------
    Estimate
        ``statistic="net_promoter_score"``, between -100 and 100.

    Raises
    ------
    InputError
        As `mean`; y leaves the scale, or `detractors` and `promoters` do not rise within it.

    Examples
    --------
    >>> from vocstats.estimation import net_promoter_score
    >>> float(net_promoter_score([10, 9, 8, 6, 10]).estimate)
    40.0

    References
    ----------
    Reichheld (2003), Harvard Business Review 81(12).
    """
    axis = axis_of(y, w, design, by, counts, inference, level, df)
    values = axis.column(y, "y")
    low, high = axis.bounds(values, scale, "scale")
    upper = _checks.number(promoters, "promoters", low=low, high=high)
    lower = _checks.number(detractors, "detractors", low=low, high=high)
    if lower >= upper:
        raise InputError(
            f"detractors must lie below promoters; got {lower:g} and {upper:g}.",
            code="promoters_overlap", argument="detractors", detractors=lower, promoters=upper,
        )
    points = 100.0 * (values >= upper) - 100.0 * (values <= lower)
    estimate = axis.estimate(ratio_figure(axis, "net_promoter_score", points))
    return exact_at_bounds(estimate, axis.effective_size, (-100.0, 100.0))


def top_box(
    y: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, boxes: int = 2, scale: Sequence[float] = (1, 10),
    interval: ShareInterval | None = None, design: Design | None = None, by: Any = None, counts: npt.ArrayLike | None = None,
    inference: Inference = "r", level: float = 0.95,
) -> Estimate:
    """Share of those whose score is one of the highest `boxes` points of the scale.

    Parameters
    ----------
    y : array of numbers (n,)
        Scores; missing only where the weight is exactly 0.
    w, design, by, counts, inference, level
        As in `mean`.
    boxes : int
        How many points of the scale, counted from its end.
    scale : (number, number)
        Lowest and highest possible score.
    interval : {"korn_graubard", "wilson", "logit", "asin", "wald"}, optional
        As in `proportion`.

    Returns
    -------
    Estimate
        ``statistic="top_box"``, a share between 0 and 1.

    Raises
    ------
    InputError
        As `mean`; y leaves the scale, or `boxes` is not a whole number from 1 to the scale's length.

    References
    ----------
    As `proportion`.
    """
    return _box("top_box", y, w, boxes, scale, interval, design, by, counts, inference, level)


def bottom_box(
    y: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None = None, *, boxes: int = 2, scale: Sequence[float] = (1, 10),
    interval: ShareInterval | None = None, design: Design | None = None, by: Any = None, counts: npt.ArrayLike | None = None,
    inference: Inference = "r", level: float = 0.95,
) -> Estimate:
    """Share of those whose score is one of the lowest `boxes` points of the scale.

    Parameters
    ----------
    y, w, boxes, scale, interval, design, by, counts, inference, level
        As in `top_box`.

    Returns
    -------
    Estimate
        ``statistic="bottom_box"``, a share between 0 and 1.

    Raises
    ------
    InputError
        As `top_box`.

    References
    ----------
    As `proportion`.
    """
    return _box("bottom_box", y, w, boxes, scale, interval, design, by, counts, inference, level)


def _box(
    statistic: str, y: npt.ArrayLike, w: npt.ArrayLike | Weights | Replicates | None, boxes: int, scale: Sequence[float],
    interval: ShareInterval | None, design: Design | None, by: Any, counts: npt.ArrayLike | None, inference: Inference, level: float,
) -> Estimate:
    axis = axis_of(y, w, design, by, counts, inference, level)
    values = axis.column(y, "y")
    low, high = axis.bounds(values, scale, "scale")
    count = _checks.number(boxes, "boxes", low=1, high=high - low)
    if count != int(count):
        raise InputError(f"boxes must be a whole number of points; got {count:g}.", code="not_whole", argument="boxes", value=count)
    inside = values >= high - count + 1.0 if statistic == "top_box" else values <= low + count - 1.0
    return share_estimate(axis, (inside & axis.heard).astype(float), statistic, interval)
