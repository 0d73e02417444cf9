"""Variance of the terms when the registry is itself a sample: with-replacement linearisation over its clusters."""

from __future__ import annotations

import numpy as np

from .._checks import Integers as Codes
from ..customer_base import Cells
from ..errors import InputError
from ..estimation.linearization import through_chain
from ..results import Flags, Floats
from .representation import Representation


def sampled_variance(cells: Cells, made: Representation, y: Floats, domain: Codes, mean: Floats, share: Floats, small: Flags) -> Floats:
    """Variance of the two corrected terms (D, 2) from first-stage clusters within strata, drawn with replacement.

    Covers the drawing of the sample and, since whole clusters are compared, the response within them:
    ``sum_h n_h / (n_h - 1) sum_c (z_hc - z_h)^2`` with z the influence values through the weight chain.
    """
    domains = mean.shape[1]
    if small.any():
        raise InputError(
            "small_groups='borrow' has no standard error for a sampled registry (base_weight, stratum or cluster given); use 'blank'.",
            code="borrow_sampled", argument="small_groups",
        )
    weights, pool = made.weights, made.voice_pool
    pair = pool * domains + domain
    total = np.bincount(pair, weights=weights.counts * weights.values, minlength=mean.size)
    stratum = np.zeros(made.voices.size, np.intp) if cells.stratum is None else cells.stratum[made.voices]
    cluster = made.voices if cells.cluster is None else cells.cluster[made.voices]
    result = np.empty((domains, 2))
    for k, t in enumerate((1, 2)):
        with np.errstate(invalid="ignore", divide="ignore"):
            u = share[pool, domain, t] * (y - mean.ravel()[pair]) / total[pair]
        z = through_chain(np.where(weights.values > 0, u, 0.0), domain, domains, weights, contrast=False)[0].values()
        if cells.cluster is None:  # every customer is his own cluster: a cell stands for `counts` of them
            number, sums = weights.counts, z
            of = stratum
        else:
            _, first, inverse = np.unique(np.column_stack([stratum, cluster]), axis=0, return_index=True, return_inverse=True)
            sums = np.zeros((first.size, domains))
            np.add.at(sums, inverse.ravel(), weights.counts[:, None] * z)
            number, of = np.ones(first.size), stratum[first]
        size = np.bincount(of, weights=number)
        centre = np.zeros((size.size, domains))
        np.add.at(centre, of, number[:, None] * sums)
        centre /= np.maximum(size, 1.0)[:, None]
        if (size == 1).any():
            raise InputError("A stratum holds a single cluster that was heard; merge it with another.", code="lonely_stratum", argument="stratum")
        scale = np.where(size > 1, size / np.maximum(size - 1.0, 1.0), 0.0)
        result[:, k] = ((number * scale[of])[:, None] * (sums - centre[of]) ** 2).sum(axis=0)
    return result
