"""Replicates: the same chain of weights on other multiplicities, and the variance of estimates between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .._checks import Floats, Integers
from .._numerics import t_quantile
from ..weighting.chain import Weights


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaling:
    """How the spread between replicates becomes a variance: scale Σ_r rscales_r (estimate_r - centre)².

    Attributes
    ----------
    scale : float
    rscales : float array (R,)
    centre : {"estimate", "mean"}
        Deviations from the estimate (mean square error) or from the mean of the replicates.
    interval : {"t", "percentile"}
        Student limits with `df`, or quantiles of the replicates.
    df : float
        Degrees of freedom: clusters less strata.
    """

    scale: float
    rscales: Floats
    centre: Literal["estimate", "mean"]
    interval: Literal["t", "percentile"]
    df: float

    def covariance(self, values: Floats, estimate: Floats) -> Floats:
        """Covariance (k, k) of figures with replicates (k, R)."""
        centre = estimate if self.centre == "estimate" else values.mean(axis=1)
        deviation = values - centre[:, None]
        return np.asarray(self.scale * (deviation * self.rscales) @ deviation.T)

    def variance(self, values: Floats, estimate: Floats) -> Floats:
        """Variances (k,): the diagonal of `covariance`."""
        centre = estimate if self.centre == "estimate" else values.mean(axis=1)
        return np.asarray(self.scale * (values - centre[:, None]) ** 2 @ self.rscales)

    def limits(self, values: Floats, estimate: Floats, std_error: Floats, level: float) -> tuple[Floats, Floats]:
        """Lower and upper confidence limits (k,)."""
        if self.interval == "percentile":
            tails = np.array([(1.0 - level) / 2.0, (1.0 + level) / 2.0])
            low, high = np.quantile(values, tails, axis=1)
            return low, high
        half = t_quantile(level, self.df) * std_error
        return estimate - half, estimate + half


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replication:
    """Figures of every domain in every replicate, (domains, R), and how they make a variance."""

    values: Floats
    scaling: Scaling


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replicates:
    """Weights together with their replicates.

    Attributes
    ----------
    weights : Weights
        The chain that every replicate re-runs.
    rows : int array (m,)
        Rows of the axis whose weight is not 0 in the sample or in a replicate.
    masses : float array (m, R)
        What each of these rows stands for in each replicate: multiplicity times weight.
    scaling : Scaling
        How the spread between replicates becomes a variance.
    """

    weights: Weights
    rows: Integers
    masses: Floats
    scaling: Scaling

    def __len__(self) -> int:
        return int(self.scaling.rscales.size)

    def chunks(self) -> Iterator[Floats]:
        """Masses of the rows, some replicates at a time."""
        yield self.masses
