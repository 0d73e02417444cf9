"""Mean of each pool in each domain, its standard error and degrees of freedom, from the answers that speak there."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._numerics import sums_by
from ..estimation.linearization import through_chain
from ..results import Flags, Floats
from ..sensitivity import worst_case_bounds
from .domains import Domains
from .pools import POOLS
from .representation import Representation


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Estimates by pool and domain; arrays have shape (pools, D), NaN where nobody speaks.

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
    """

    heard: Floats
    mean: Floats
    variance: Floats
    df: Floats
    spread: Floats


def part_means(domains: Domains, *, with_replacement: bool, limits: tuple[float, float]) -> Parts:
    """Estimate every pool in every domain.

    The variance of a pool's mean is that of a modelled response with the registry fixed, ``sum (1 - p) w^2 e^2`` with
    p = base weight / w and e the residual after calibration, times n / (n - parameters); with replacement (``inference="r"``)
    the factor (1 - p) is left out, and a single answer in a domain is given the spread of the pool's domains. A pool heard in full
    has variance 0. Where several domains share a pool, each domain's spread is shrunk towards the pool's by how much the spreads
    really differ. A pool whose answers are all equal is given the spread of one more answer at the far end of the scale: no group
    only partly heard is known without error.

    Parameters
    ----------
    domains : Domains
    with_replacement : bool
        R survey's formulas: no finite-population factor, no smoothing.
    limits : pair of float
        Lowest and highest possible value.

    Returns
    -------
    Parts

    References
    ----------
    Särndal, Swensson & Wretman (1992), ch. 9; Kott (2006), Survey Methodology 32(2), for response modelled by calibration.
    """
    weights, y, width = domains.made.weights, domains.voice_y, limits[1] - limits[0]
    shape = (len(POOLS), domains.count)
    pair, pairs = domains.made.voice_pool * domains.count + domains.voice_of, shape[0] * shape[1]
    counts, w = weights.counts, weights.values
    n, total = sums_by(pair, counts, pairs), sums_by(pair, counts * w, pairs)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = sums_by(pair, counts * w * y, pairs) / total
        unheard = np.ones_like(w) if with_replacement else np.clip(1.0 - domains.cells.base_weight[domains.voices] / w, 0.0, None)
        _, contrast = through_chain((y - mean[pair]) / total[pair], pair, pairs, weights, contrast=True)
        linear = contrast.sum_of_squares(counts * unheard)
        kish = sums_by(pair, counts * unheard * w**2, pairs) / total**2
        plain = sums_by(pair, counts * w * (y - mean[pair]) ** 2, pairs) / total
        complete = kish <= 1e-12
        spread = np.where(n > 1, np.where(complete, plain, linear / kish) * n / (n - 1.0), np.nan)
    n, mean, kish, spread = (x.reshape(shape) for x in (n, mean, kish, spread))
    complete = complete.reshape(shape)
    if with_replacement:
        spread = np.where((n == 1) & (domains.count > 1), _of_the_pool(n, spread), spread)
        plain_parts = Parts(heard=n, mean=mean, variance=spread * kish, df=np.full(shape, np.inf), spread=spread)
        return _with_identified(domains, plain_parts, limits, drawn=True)
    df = np.maximum(n - 1.0, 1.0)
    if domains.count == 1:
        left = np.maximum(n - _parameters(domains.made)[:, None], 1.0)
        spread, df = spread * (n - 1.0) / left, left
    else:
        spread, df = _smoothed(domains, n, spread, df, complete)
    one_more = spread_of_one_more(n.sum(axis=1, keepdims=True), width)
    spread = np.where((spread <= 1e-12 * width**2) & (n > 0), one_more, spread)
    variance = np.where(complete & (n > 0), 0.0, spread * kish)
    return _with_identified(domains, Parts(heard=n, mean=mean, variance=variance, df=df, spread=spread), limits, drawn=False)


def _with_identified(domains: Domains, parts: Parts, limits: tuple[float, float], *, drawn: bool) -> Parts:
    """The parts, those with an estimator of their own replaced by what it says; `drawn`: the base is itself a draw.

    With those heard as they are nobody else can leave the scale, so no mean goes beyond that; and where the answers of a pool partly
    heard are all equal, which its estimator takes for no error at all, the variance is that of any other pool.
    """
    mean, variance, df = parts.mean.copy(), parts.variance.copy(), parts.df.copy()
    for p, found in domains.made.identified.items():
        own = found.by(domains.of, domains.count)
        people = domains.customers(domains.made.pool == p)
        voices = domains.voices[domains.speaking([p])]
        total, heard = domains.sums(voices, domains.made.size[voices] * domains.y[voices]), domains.customers(voices)
        low, high = worst_case_bounds(total, heard, people, limits=limits)
        more = np.divide(parts.spread[p], people, out=np.zeros_like(people), where=people > 0) if drawn else 0.0
        equal = (own.variance <= 1e-12 * (limits[1] - limits[0]) ** 2) & (heard < people)
        mean[p], df[p] = np.clip(own.mean, low, high), own.df
        variance[p] = np.where(equal, parts.variance[p], own.variance) + more
    return replace(parts, mean=mean, variance=variance, df=df)


def _of_the_pool(n: Floats, spread: Floats) -> Floats:
    """Spread of the answers of each pool around the means of its domains, (pools, 1); NaN where no domain has two."""
    free = np.maximum(n - 1.0, 0.0)
    total = np.where(free > 0, free * spread, 0.0).sum(axis=1, keepdims=True)
    left = free.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(total, left, out=np.full_like(total, np.nan), where=left > 0))


def spread_of_one_more(n: Floats | float, width: float) -> Floats:
    """Variance that n equal answers would have with one more at the far end of the scale."""
    return np.asarray((width / (n + 2.0)) ** 2 * (n + 1.0))


def _parameters(made: Representation) -> Floats:
    """Free calibration totals of each pool, at least 1: levels less one per auxiliary, plus the mean."""
    used = np.ones(len(POOLS))
    for code in made.codes.values():
        for p in np.unique(made.voice_pool):
            used[p] += np.unique(code[made.voices][made.voice_pool == p]).size - 1
    return used


def _smoothed(domains: Domains, n: Floats, spread: Floats, df: Floats, complete: Flags) -> tuple[Floats, Floats]:
    """Shrink each domain's spread towards its pool's by moments: tau^2 / (tau^2 + v), v the sampling variance of a spread.

    Degrees of freedom match the variance of what comes out (Satterthwaite).
    """
    result, freedom = spread.copy(), df.copy()
    for p in np.unique(domains.made.voice_pool):
        usable = np.flatnonzero((n[p] > 1) & ~complete[p])
        if not usable.size:
            continue
        size, own = n[p, usable], spread[p, usable]
        pooled = float((size - 1.0).sum())
        common = float(own @ (size - 1.0)) / pooled
        result[p], freedom[p] = np.where(n[p] > 0, common, np.nan), pooled
        if common <= 0:
            continue
        noise = common**2 * np.maximum(_kurtosis(domains, int(p)) - (size - 3.0) / (size - 1.0), 2.0 / size) / size
        tau2 = max(float(np.average((own - common) ** 2 - noise, weights=size)), 0.0)
        trust = tau2 / (tau2 + noise)
        result[p, usable] = trust * own + (1.0 - trust) * common
        error = trust * noise + common**2 * 2.0 / pooled
        freedom[p, usable] = np.maximum(2.0 * result[p, usable] ** 2 / error, 1.0)
    return result, freedom


def _kurtosis(domains: Domains, pool: int) -> float:
    """Fourth standardised moment of the answers of a pool; 3 where they are all equal."""
    inside = domains.speaking([pool])
    y, counts = domains.voice_y[inside], domains.made.weights.counts[inside]
    centred = y - np.average(y, weights=counts)
    second = float(np.average(centred**2, weights=counts))
    return float(np.average(centred**4, weights=counts)) / second**2 if second > 0 else 3.0
