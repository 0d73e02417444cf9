"""A figure: one number per domain as a function of what every row stands for, and its derivative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .._checks import Floats

if TYPE_CHECKING:
    from .axis import Axis


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """What an estimator computes; `Axis.estimate` adds the standard error, linearised or by replicates.

    Attributes
    ----------
    statistic : str
        Name of the figure.
    value : callable
        Masses (n,) to figures (domains,), masses (n, b) of replicates to (domains, b); NaN where undefined.
    derivative : callable, optional
        Figures (domains,) to the derivative (n,) of the figure of a row's own domain to the mass of that row; None: only
        replicates tell how the figure varies.
    deviation : callable, optional
        As `derivative`, for the derivative of the registry's own figure to one of its units; None: the derivative.
    least : int
        Units to be heard in a domain before there is a standard error.
    """

    statistic: str
    value: Callable[[Floats], Floats]
    derivative: Callable[[Floats], Floats] | None = None
    deviation: Callable[[Floats], Floats] | None = None
    least: int = 2


def ratio_figure(axis: Axis, statistic: str, y: Floats, x: Floats | None = None) -> Figure:
    """Σ mass y / Σ mass x by domain, with derivative (y - ratio x) / Σ mass x; without x the mean of y."""

    def bottom(mass: Floats) -> Floats:
        return axis.sums(x, mass)

    def value(mass: Floats) -> Floats:
        top, size = axis.sums(y, mass), bottom(mass)
        ratio: Floats = np.divide(top, size, out=np.full(top.shape, np.nan), where=size != 0)
        return ratio

    def derivative(ratio: Floats) -> Floats:
        size = bottom(axis.mass)
        inverse = np.divide(1.0, size, out=np.zeros_like(size), where=size != 0)
        centre = np.nan_to_num(ratio)[axis.codes]
        return np.where(axis.heard, (y - (centre if x is None else centre * x)) * inverse[axis.codes], 0.0)

    return Figure(statistic=statistic, value=value, derivative=derivative)


def total_figure(axis: Axis, y: Floats) -> Figure:
    """Σ mass y by domain. The registry's own total is its mean times its known size: the deviation is that from the mean."""

    def value(mass: Floats) -> Floats:
        return axis.sums(y, mass)

    def deviation(total: Floats) -> Floats:
        size = axis.sums(None, axis.mass)
        centre = np.divide(total, size, out=np.zeros_like(size), where=size != 0)
        return np.where(axis.heard, y - centre[axis.codes], 0.0)

    return Figure(statistic="total", value=value, derivative=lambda total: y, deviation=deviation, least=1)
