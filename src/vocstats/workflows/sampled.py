"""Variance of the terms when the registry is itself a sample: with-replacement linearisation over its clusters."""

from __future__ import annotations

import numpy as np

from .._checks import Integers as Codes
from .._numerics import sums_by
from ..customer_base import Cells
from ..errors import InputError
from ..estimation.linearization import through_chain
from ..results import Flags, Floats
from .domains import Domains


def is_sampled(cells: Cells) -> bool:
    """Whether the registry is declared a sample: base weights, strata or clusters were given."""
    return cells.stratum is not None or cells.cluster is not None or bool((cells.base_weight != 1.0).any())


def sampled_variance(domains: Domains, mean: Floats, share: Floats, small: Flags) -> Floats:
    """Variance of the two corrected terms (D, 2) from first-stage clusters within strata, drawn with replacement.

    Covers the drawing of the sample and, since whole clusters are compared, the response within them:
    ``sum_h n_h / (n_h - 1) sum_c (z_hc - z_h)^2`` with z the influence values through the weight chain.
    """
    if (small & ~np.isnan(mean)).any():
        raise InputError(
            "small_groups='borrow' has no standard error for a sampled registry (base_weight, stratum or cluster given); use 'blank'.",
            code="borrow_sampled",
            argument="small_groups",
        )
    if domains.made.identified:
        raise InputError(
            "This method has no standard error for a sampled registry (base_weight, stratum or cluster given); use method='weighting' "
            "or 'double_sampling'.",
            code="method_sampled", argument="method",
        )
    weights, pool, domain = domains.made.weights, domains.made.voice_pool, domains.voice_of
    pair = pool * domains.count + domain
    total = sums_by(pair, weights.counts * weights.values, mean.size)
    stratum, cluster, units = _first_stage(domains)
    n = sums_by(stratum, units, int(stratum.max()) + 1)
    if (n == 1).any():
        raise InputError(
            "A stratum holds a single cluster that was heard; merge it with another.", code="lonely_stratum", argument="stratum"
        )
    scale = (units / np.maximum(n - 1.0, 1.0)[stratum] * n[stratum])[:, None]
    result = np.empty((domains.count, 2))
    for t in (1, 2):
        with np.errstate(invalid="ignore", divide="ignore"):
            u = share[pool, domain, t] * (domains.voice_y - mean.ravel()[pair]) / total[pair]
        blank = np.isnan(u)
        z = through_chain(np.where(blank, 0.0, u), domain, domains.count, weights, contrast=False)[0].values()
        sums = np.zeros((units.size, domains.count))
        np.add.at(sums, cluster, z if domains.cells.cluster is None else weights.counts[:, None] * z)
        centre = np.zeros((n.size, domains.count))
        np.add.at(centre, stratum, units[:, None] * sums)
        result[:, t - 1] = (scale * (sums - (centre / n[:, None])[stratum]) ** 2).sum(axis=0)
    return result


def _first_stage(domains: Domains) -> tuple[Codes, Codes, Floats]:
    """Stratum of each cluster, cluster of each voice, and how many clusters each stands for (cells of customers drawn one by one)."""
    cells, voices = domains.cells, domains.voices
    stratum = np.zeros(voices.size, np.intp) if cells.stratum is None else np.asarray(cells.stratum[voices])
    if cells.cluster is None:
        return np.unique(stratum, return_inverse=True)[1].ravel(), np.arange(voices.size), domains.made.weights.counts
    first = cells.cluster[0] if isinstance(cells.cluster, tuple) else cells.cluster
    pairs, cluster = np.unique(np.column_stack([stratum, first[voices]]), axis=0, return_inverse=True)
    return np.unique(pairs[:, 0], return_inverse=True)[1].ravel(), cluster.ravel(), np.ones(len(pairs))
