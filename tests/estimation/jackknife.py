"""A jackknife that re-runs the weighting chain on the multiplicities of every replicate: the judge of linearised standard errors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from vocstats.weighting import Weights

Floats = npt.NDArray[np.float64]


def jackknife(
    w: Weights, y: Floats, *, clusters: npt.NDArray[np.generic], strata: npt.NDArray[np.generic] | None = None, centre: str = "estimate"
) -> float:
    """JKn variance of the weighted mean: Σ_h (n_h - 1)/n_h Σ_g (mean_(hg) - centre)²."""
    strata = np.zeros(y.size) if strata is None else strata
    filled = np.where(w.values != 0, y, 0.0)

    def estimate(weights: Weights) -> float:
        return float(weights.mass @ filled / weights.mass.sum())

    full, total = estimate(w), 0.0
    for stratum in np.unique(strata):
        members = np.unique(clusters[(strata == stratum) & (w.base * w.counts != 0)])
        n = members.size
        replicates = []
        for cluster in members:
            dropped = (strata == stratum) & (clusters == cluster)
            kept = np.where(dropped, 0.0, np.where(strata == stratum, n / (n - 1), 1.0))
            replicates.append(estimate(w.rerun(w.counts * kept)))
        against = full if centre == "estimate" else np.mean(replicates)
        total += (n - 1) / n * float(np.sum((np.array(replicates) - against) ** 2))
    return total
