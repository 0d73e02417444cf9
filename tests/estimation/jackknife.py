"""A jackknife that re-runs the weighting chain on the multiplicities of every replicate: the judge of linearised standard errors."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from vocstats.weighting import Weights

Floats = npt.NDArray[np.float64]


def jackknife(
    w: Weights, y: Floats, *, clusters: npt.NDArray[np.generic], strata: npt.NDArray[np.generic] | None = None, centre: str = "estimate"
) -> float:
    """JKn variance of the weighted mean: Σ_h (n_h - 1)/n_h Σ_g (mean_(hg) - centre)²."""
    filled = np.where(w.values != 0, y, 0.0)
    return float(jackknife_of(lambda w: w.mass @ filled / w.mass.sum(), (w,), clusters=clusters, strata=strata, centre=centre))


def jackknife_of(
    figure: Callable[..., Floats], weightings: tuple[Weights, ...], *, clusters: npt.NDArray[np.generic],
    strata: npt.NDArray[np.generic] | None = None, centre: str = "estimate",
) -> Floats:
    """JKn variance of any figure of several weights of the same draws."""
    counts = weightings[0].counts
    sampled = counts * np.max([w.base != 0 for w in weightings], axis=0) != 0
    strata = np.zeros(counts.size) if strata is None else strata
    full = np.asarray(figure(*weightings))
    total = np.zeros_like(full)
    for stratum in np.unique(strata):
        members = np.unique(clusters[(strata == stratum) & sampled])
        n = members.size
        replicates = []
        for cluster in members:
            dropped = (strata == stratum) & (clusters == cluster)
            kept = np.where(dropped, 0.0, np.where(strata == stratum, n / (n - 1), 1.0))
            replicates.append(figure(*(w.rerun(counts * kept) for w in weightings)))
        against = full if centre == "estimate" else np.mean(replicates, axis=0)
        total += (n - 1) / n * ((np.array(replicates) - against) ** 2).sum(axis=0)
    return total
