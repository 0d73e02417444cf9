"""What is measured: a score turned into the values whose mean is the statistic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .._checks import choice, number, numbers
from ..errors import InputError, shown
from ..options import Statistic
from ..results import Floats

_PROMOTERS = {(0.0, 10.0): (9.0, 6.0), (1.0, 10.0): (9.0, 6.0), (1.0, 5.0): (5.0, 3.0)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A statistic that is the mean of a function of the score.

    Attributes
    ----------
    name : str
        One of the options of `Statistic`.
    scale : tuple of float
        Lowest and highest possible score.
    top, bottom : tuple of float
        Points counted as +1 and -1 by box and promoter statistics; empty where not used.
    factor : float
        Multiplier of an index (points per score point after the shift to zero); 1 otherwise.
    """

    name: str
    scale: tuple[float, float]
    top: tuple[float, ...] = ()
    bottom: tuple[float, ...] = ()
    factor: float = 1.0

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest possible value of the statistic."""
        if self.name == "nps":
            return (-1.0, 1.0)
        if self.name in ("top_box", "bottom_box"):
            return (0.0, 1.0)
        low, high = self.scale
        return (0.0, (high - low) * self.factor) if self.name == "index" else (low, high)

    @property
    def linear(self) -> bool:
        """Whether a shift of the score shifts the statistic in proportion."""
        return self.name in ("mean", "index")

    def values(self, score: Floats) -> Floats:
        """The values whose mean is the statistic; NaN where the score is."""
        if self.name == "mean":
            return score
        if self.name == "index":
            return (score - self.scale[0]) * self.factor
        points = np.isin(score, self.top).astype(float) - (np.isin(score, self.bottom) if self.name == "nps" else 0.0)
        if self.name == "bottom_box":
            points = np.isin(score, self.bottom).astype(float)
        return np.where(np.isnan(score), np.nan, points)


def measure(
    statistic: Statistic,
    *,
    scale: Sequence[float],
    boxes: int = 2,
    top: Sequence[float] | None = None,
    bottom: Sequence[float] | None = None,
    points: float | None = None,
) -> Measure:
    """Check the arguments that say what is measured.

    Parameters
    ----------
    statistic : {"mean", "top_box", "bottom_box", "nps", "index"}
        "nps" is the share of promoters minus the share of detractors, between -1 and 1.
    scale : pair of numbers
        Lowest and highest possible score.
    boxes : int
        How many points, counted from the end of the scale, make the top or bottom box.
    top, bottom : sequence of numbers, optional
        The points themselves; they win over `boxes`. A net promoter share on another scale than 0-10, 1-10 or 1-5 needs both.
    points : float, optional
        Points an index has at the highest score (the lowest has 0): 100 or 1000. Default 100.

    Returns
    -------
    Measure

    Raises
    ------
    InputError
        An argument is off its bounds or the points do not lie on the scale.
    """
    choice(statistic, Statistic, "statistic")
    bounds = numbers(scale, "scale")
    if len(bounds) != 2 or not bounds[0] < bounds[1]:
        raise InputError(
            f"scale must rise from the lowest to the highest score, such as (1, 10); got {shown(scale)}.",
            code="bad_scale", argument="scale", levels=bounds,
        )
    low, high = bounds
    if statistic == "mean":
        return Measure(name=statistic, scale=bounds)
    if statistic == "index":
        full = number(100.0 if points is None else points, "points", low=0.0, open_low=True)
        return Measure(name=statistic, scale=bounds, factor=full / (high - low))
    count = int(number(boxes, "boxes", low=1, high=high - low))
    if statistic == "nps" and (top is None or bottom is None):
        if bounds not in _PROMOTERS:
            raise InputError(
                f"Net promoters are defined for the scales 0-10, 1-10 and 1-5; for {bounds} name top= and bottom=.",
                code="nps_scale",
                argument="scale",
            )
        promoter, detractor = _PROMOTERS[bounds]
        top = top or tuple(np.arange(promoter, high + 0.5))
        bottom = bottom or tuple(np.arange(low, detractor + 0.5))
    upper = numbers(top if top is not None else np.arange(high - count + 1, high + 0.5), "top")
    lower = numbers(bottom if bottom is not None else np.arange(low, low + count - 0.5), "bottom")
    wanted: Mapping[str, tuple[float, ...]] = {
        "top": upper if statistic != "bottom_box" else (),
        "bottom": lower if statistic != "top_box" else (),
    }
    for argument, chosen in wanted.items():
        off = [p for p in chosen if not low <= p <= high]
        if off:
            raise InputError(
                f"{argument} names points off the scale {bounds}: {shown(off)}.", code="points_off_scale", argument=argument, levels=off
            )
    overlap = set(wanted["top"]) & set(wanted["bottom"])
    if overlap:
        raise InputError(
            f"top and bottom share the points {shown(sorted(overlap))}.", code="points_overlap", argument="bottom", levels=sorted(overlap)
        )
    return Measure(name=statistic, scale=bounds, top=wanted["top"], bottom=wanted["bottom"])
