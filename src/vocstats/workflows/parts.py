"""Mean of each pool in each domain, its standard error and degrees of freedom, from the answers that speak there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._checks import Integers as Codes
from ..estimation.linearization import through_chain
from ..results import Floats
from .representation import Representation


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Direct estimates by pool and domain; arrays have shape (pools, D), NaN where nobody speaks.

    Attributes
    ----------
    heard : Floats
        Answers.
    mean : Floats
        Weighted mean of the answers.
    variance, df : Floats
        Sampling variance of the mean and its degrees of freedom.
    spread : Floats
        Variance of the answers around the mean (after the auxiliaries), per customer.
    effective : Floats
        Answers divided by Kish's design effect.
    """

    heard: Floats
    mean: Floats
    variance: Floats
    df: Floats
    spread: Floats
    effective: Floats


def part_means(made: Representation, y: Floats, base_weight: Floats, domain: Codes, domains: int, pools: int, *, with_replacement: bool, width: float) -> Parts:
    """Estimate every pool in every domain.

    The variance of a pool's mean is that of a modelled response with the registry fixed, ``sum (1 - p) w^2 e^2`` with
    p = base weight / w and e the residual after calibration, times n / (n - parameters); with replacement (``inference="r"``)
    the factor (1 - p) is left out. A pool heard in full has variance 0. Where several domains share a pool, each domain's spread
    is shrunk towards the pool's by how much the spreads really differ. A pool whose answers are all equal is given the spread of
    one more answer at the far end of the scale: no group only partly heard is known without error.

    Parameters
    ----------
    made : Representation
    y, base_weight : Floats (voices,)
        Values whose mean is estimated; weight the registry gives each customer.
    domain : Codes (voices,)
        Domain of each voice.
    domains, pools : int
        Sizes of the result.
    with_replacement : bool
        Leave out the finite-population factor.
    width : float
        Highest minus lowest possible value.

    Returns
    -------
    Parts

    References
    ----------
    Särndal, Swensson & Wretman (1992), ch. 9; Kott (2006), Survey Methodology 32(2), for response modelled by calibration.
    """
    weights = made.weights
    pair, pairs = made.voice_pool * domains + domain, pools * domains
    counts, w = weights.counts, weights.values

    def by_pair(x: Floats) -> Floats:
        return np.bincount(pair, weights=x, minlength=pairs)

    n, total = by_pair(counts), by_pair(counts * w)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = by_pair(counts * w * y) / total
        unheard = np.ones_like(w) if with_replacement else np.clip(1.0 - base_weight / w, 0.0, None)
        u = (y - mean[pair]) / total[pair]
        _, contrast = through_chain(u, pair, pairs, weights, contrast=True)
        linear = contrast.sum_of_squares(counts * unheard)
        kish = by_pair(counts * unheard * w**2) / total**2
        effective = total**2 / by_pair(counts * w**2)
        complete = kish <= 1e-12
        spread = np.where(complete, by_pair(counts * w * (y - mean[pair]) ** 2) / total * n / (n - 1.0), linear / kish * n / (n - 1.0))
    shape = (pools, domains)
    n, mean, kish, spread, complete = (x.reshape(shape) for x in (n, mean, kish, spread, complete))
    spread = np.where(n > 1, spread, np.nan)
    df = np.maximum(n - 1.0, 1.0)
    if with_replacement:
        return Parts(heard=n, mean=mean, variance=spread * kish, df=np.full(shape, np.inf), spread=spread, effective=effective.reshape(shape))
    if domains == 1:
        used = _parameters(made, pools)[:, None]
        spread, df = spread * (n - 1.0) / np.maximum(n - used, 1.0), np.maximum(n - used, 1.0)
    else:
        spread, df = _smoothed(y, counts, made.voice_pool, n, spread, df, complete)
    one_more = spread_of_one_more(n.sum(axis=1, keepdims=True), width)
    spread = np.where((spread <= 1e-12 * width**2) & (n > 0), one_more, spread)
    variance = np.where(complete & (n > 0), 0.0, spread * kish)
    return Parts(heard=n, mean=mean, variance=variance, df=df, spread=spread, effective=effective.reshape(shape))


def spread_of_one_more(n: Floats, width: float) -> Floats:
    """Variance that n equal answers would have with one more at the far end of the scale."""
    return (width / (n + 2.0)) ** 2 * (n + 1.0)


def _parameters(made: Representation, pools: int) -> Floats:
    """Free calibration totals of each pool, at least 1: levels less one per auxiliary, plus the mean."""
    used = np.ones(pools)
    for code in made.codes.values():
        for p in np.unique(made.voice_pool):
            used[p] += np.unique(code[made.voices][made.voice_pool == p]).size - 1
    return used


def _smoothed(y: Floats, counts: Floats, pool: Codes, n: Floats, spread: Floats, df: Floats, complete: Floats) -> tuple[Floats, Floats]:
    """Shrink each domain's spread towards its pool's by moments: tau^2 / (tau^2 + v), v the sampling variance of a spread."""
    result, freedom = spread.copy(), df.copy()
    for p in np.unique(pool):
        usable = (n[p] > 1) & ~complete[p]
        if not usable.any():
            continue
        size, own = n[p][usable], spread[p][usable]
        common = float(np.average(own, weights=size - 1.0))
        inside = pool == p
        centred = y[inside] - np.average(y[inside], weights=counts[inside])
        second = np.average(centred**2, weights=counts[inside])
        kurtosis = np.average(centred**4, weights=counts[inside]) / second**2 if second > 0 else 3.0
        noise = common**2 * np.maximum(kurtosis - (size - 3.0) / (size - 1.0), 2.0 / size) / size
        tau2 = max(float(np.average((own - common) ** 2 - noise, weights=size)), 0.0)
        trust = tau2 / (tau2 + noise) if common > 0 else np.zeros_like(own)
        result[p] = np.where(n[p] > 0, common, np.nan)
        result[p, np.flatnonzero(usable)] = trust * own + (1.0 - trust) * common
        freedom[p] = (size - 1.0).sum()
        error = trust * noise + common**2 * 2.0 / (size - 1.0).sum()
        freedom[p, np.flatnonzero(usable)] = np.maximum(2.0 * result[p, usable] ** 2 / np.where(error > 0, error, np.inf), 1.0) if common > 0 else freedom[p, usable]
    return result, freedom
