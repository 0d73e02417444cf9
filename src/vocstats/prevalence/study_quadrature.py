"""Quadrature for prevalence with validation studies: what studies say of a classifier's next use, and the posterior of the prevalence.

Everything happens on logits. A classifier's sensitivity (or specificity) in the survey at hand has a distribution on an even grid of
logits; trapezoids on such a grid are as good as exact for smooth densities. Given both, the posterior of the prevalence has a distribution
function in closed form, an incomplete beta function, so that its integral over the grids needs no grid of prevalences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from .._checks import Floats
from ..errors import InputError
from ..results import Flags

_CENTRES, _SCALES, _NODES = 81, 41, 25  # grid of the centre, of the scale, and of a study's logit
_ZOOMS = 3  # times the box of the hyperparameters is drawn closer
_DEPTH = 34.0  # log density below the mode that counts for nothing
_NEGLIGIBLE = 1e-11  # share of the posterior that a pair of logits left out has at most
_MISSED, _JUMP = 1e-6, 0.05  # by how much the distribution function may miss between points, and rise
_FLAT = 1e-7  # sensitivity + specificity - 1 so near to 0 that the survey says nothing


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Accuracy:
    """Distribution of the logit of sensitivity or specificity in the survey at hand, before its counts are seen.

    Attributes
    ----------
    logits, weights : float arrays (U,)
        Even grid and probabilities.
    centres, scales : float arrays (M,), (T,)
        Grid of the hyperparameters; empty where the studies are pooled.
    hyper : float array (T, M)
        Probabilities of the hyperparameters given the studies.
    """

    logits: Floats
    weights: Floats
    centres: Floats
    scales: Floats
    hyper: Floats

    def spread(self, scale: float) -> Floats:
        """Chance of each logit around each centre (U, M): a normal density on the grid, all on one point where it is narrower."""
        density = np.exp(-0.5 * ((self.logits[:, None] - self.centres) / scale) ** 2)
        return np.asarray(density / density.sum(axis=0))

    def hyper_medians(self, likelihood: Floats) -> tuple[float, float]:
        """Median centre and scale once each logit has a likelihood too; NaN where the studies are pooled."""
        if self.scales.size == 0:
            return np.nan, np.nan
        updated = np.array([row * (likelihood @ self.spread(scale)) for row, scale in zip(self.hyper, self.scales, strict=True)])
        by_scale = updated.sum(axis=1) / updated.sum()
        scale = float(np.interp(0.5, np.cumsum(by_scale) - by_scale / 2.0, self.scales))
        return float(Distribution.on_grid(self.centres, updated.sum(axis=0)).quantile(0.5)), scale


def pooled(right: Floats, n: Floats) -> Accuracy:
    """One accuracy behind all studies, flat before them: a beta distribution."""
    a, b = right.sum() + 1.0, (n - right).sum() + 1.0
    low, high = -_logit_quantile(b, a), _logit_quantile(a, b)
    logits = np.linspace(low, high, _CENTRES)
    log_density = -a * np.logaddexp(0.0, -logits) - b * np.logaddexp(0.0, logits)
    weights = np.exp(log_density - log_density.max())
    return Accuracy(logits=logits, weights=weights / weights.sum(), centres=np.zeros(0), scales=np.zeros(0), hyper=np.zeros((0, 0)))


def _logit_quantile(a: float, b: float) -> float:
    """Logit that a beta variable exceeds with a chance of about 1e-14: from its complement, which stays accurate near 1."""
    rest = float(special.betaincinv(b, a, 1e-14))
    return float(np.log1p(-rest) - np.log(max(rest, 1e-300)))


def hierarchical(right: Floats, n: Floats, centre: tuple[float, float], scale: float) -> Accuracy:
    """Logits of the studies, and of the survey at hand, normal about a centre (normal prior) with a scale (half-normal prior)."""
    box = ((centre[0] - 9.0 * centre[1], centre[0] + 9.0 * centre[1]), (0.0, 9.0 * scale))
    for _ in range(_ZOOMS):
        centres, (scales, widths) = np.linspace(*box[0], _CENTRES), _legendre(*box[1])
        log_density = _log_posterior(centres, scales, right, n, centre, scale)
        inside = log_density > log_density.max() - _DEPTH
        box = _reach(centres, inside.any(axis=0), box[0]), _reach(scales, inside.any(axis=1), box[1])
    hyper = np.exp(log_density - log_density.max()) * widths[:, None]
    step = centres[1] - centres[0]
    further = int(np.ceil(8.0 * scales[-1] / step))
    logits = centres[0] + step * np.arange(-further, centres.size + further)
    found = Accuracy(logits=logits, weights=logits, centres=centres, scales=scales, hyper=hyper / hyper.sum())
    weights = sum(found.spread(value) @ row for value, row in zip(scales, found.hyper, strict=True))
    return Accuracy(logits=logits, weights=np.asarray(weights), centres=centres, scales=scales, hyper=found.hyper)


def _legendre(low: float, high: float) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights of an interval."""
    nodes, weights = special.roots_legendre(_SCALES)
    return low + (high - low) * (nodes + 1.0) / 2.0, weights * (high - low) / 2.0


def _reach(grid: Floats, inside: Flags, box: tuple[float, float]) -> tuple[float, float]:
    """Ends of what counts, one point further out on either side."""
    places = np.flatnonzero(inside)
    padded = np.concatenate([box[:1], grid, box[1:]])
    return float(padded[places[0]]), float(padded[places[-1] + 2])


def _log_posterior(centres: Floats, scales: Floats, right: Floats, n: Floats, centre: tuple[float, float], scale: float) -> Floats:
    """Log density of (scale, centre), each study's logit integrated out by adaptive Gauss-Hermite quadrature (T, M)."""
    prior = -0.5 * ((centres - centre[0]) / centre[1]) ** 2 - 0.5 * (scales[:, None] / scale) ** 2
    return prior + sum(_log_marginal(centres, scales[:, None], y, total) for y, total in zip(right, n, strict=True))


def _log_marginal(centre: Floats, scale: Floats, right: float, n: float) -> Floats:
    """log of the integral of p^right (1 - p)^(n - right) over a standard normal z, logit p = centre + scale z."""
    near, known = (right + 0.5) / (n + 1.0), scale**2 * n * (right + 0.5) * (n - right + 0.5) / (n + 1.0) ** 2
    z = (special.logit(near) - centre) / scale * known / (1.0 + known)
    for _ in range(60):
        p = special.expit(centre + scale * z)
        step = (scale * (right - n * p) - z) / (scale**2 * n * p * (1.0 - p) + 1.0)
        z += np.clip(step, -2.0 / scale, 2.0 / scale)  # at most 2 logits at a time: the curvature vanishes far out
        if np.abs(step).max() < 1e-8:
            break
    p = special.expit(centre + scale * z)
    width = 1.0 / np.sqrt(scale**2 * n * p * (1.0 - p) + 1.0)
    nodes, weights = special.roots_hermitenorm(_NODES)
    at = z[..., None] + width[..., None] * nodes
    logit = centre[..., None] + scale[..., None] * at
    height = -right * np.logaddexp(0.0, -logit) - (n - right) * np.logaddexp(0.0, logit) - 0.5 * at**2 + 0.5 * nodes**2
    return np.asarray(special.logsumexp(height + np.log(weights), axis=-1) + np.log(width))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distribution:
    """Points with the chance to lie below each and the density there; between them the cubic with these slopes.

    Attributes
    ----------
    points, below, density : float arrays (P,)
    """

    points: Floats
    below: Floats
    density: Floats

    @classmethod
    def on_grid(cls, grid: Floats, weights: Floats) -> Distribution:
        """Of weights on an even grid: cumulative trapezoids with their first correction."""
        chance = weights / weights.sum()
        below = np.cumsum(chance) - chance / 2.0 - np.gradient(chance) / 12.0
        return cls(points=grid, below=below, density=chance / (grid[1] - grid[0]))

    def dense(self) -> tuple[Floats, Floats]:
        """Points and chances, 200 between neighbours."""
        step, rise = np.diff(self.points)[:, None], np.diff(self.below)[:, None]
        u = np.arange(200) / 200.0
        left, right = self.density[:-1, None] * step, self.density[1:, None] * step
        value = self.below[:-1, None] + u * (left + u * (3.0 * rise - 2.0 * left - right + u * (left + right - 2.0 * rise)))
        points = self.points[:-1, None] + u * step
        return np.append(points, self.points[-1]), np.maximum.accumulate(np.append(value, self.below[-1]))

    def quantile(self, chance: float | Floats) -> Floats:
        """Point with this chance below it."""
        points, below = self.dense()
        return np.asarray(np.interp(chance, below, points))

    def shortest(self, level: float, transform: Callable[[Floats], Floats] = np.asarray) -> tuple[float, float]:
        """The shortest interval with a chance of `level`, the highest-density interval where there is one mode; of rising `transform`."""
        tail = np.linspace(0.0, 1.0 - level, 20_001)
        low, high = transform(self.quantile(tail)), transform(self.quantile(tail + level))
        best = int(np.argmin(high - low))
        return float(low[best]), float(high[best])

    def moments(self) -> tuple[float, float]:
        """Mean and standard deviation, of points that are not negative."""
        points, below = self.dense()
        mean, square = (float(np.sum(np.diff(points) * (y[1:] + y[:-1]) / 2.0)) for y in (1.0 - below, 2.0 * points * (1.0 - below)))
        return mean, max(square - mean**2, 0.0) ** 0.5


def posterior(positive: float, n: float, sensitivity: Accuracy, specificity: Accuracy) -> tuple[Distribution, Floats, Floats]:
    """Of the prevalence, flat before the survey; and the likelihood of each logit of sensitivity and specificity, up to a factor."""
    found, mistaken = np.meshgrid(special.expit(sensitivity.logits), special.expit(-specificity.logits), indexing="ij")
    prior = np.outer(sensitivity.weights, specificity.weights)
    survey = _Survey.of(positive, n, found, mistaken)
    total = survey.at(1.0)[0]
    if not (prior * total).sum() > 0.0:
        raise InputError(
            f"{positive:g} positives of {n:g} cannot come from a classifier as accurate as the studies say, whatever the prevalence. "
            "Check the counts, and whether right and wrong are swapped.",
            code="survey_contradicts_studies", argument="positive", positive=positive, n=n,
        )
    kept = prior * total > _NEGLIGIBLE * (prior * total).sum()
    survey, weights = _Survey.of(positive, n, found[kept], mistaken[kept]), prior[kept] / (prior * total)[kept].sum()

    def below(share: float) -> tuple[float, float]:
        value, slope = survey.at(share)
        return float(weights @ value), float(weights @ slope)

    table = {0.0: below(0.0), 1.0: below(1.0)}
    _fill(table, below, 0.0, 1.0)
    share = np.array(sorted(table))
    rows = np.array([table[each] for each in share.tolist()])
    return Distribution(points=share, below=rows[:, 0], density=rows[:, 1]), total @ specificity.weights, sensitivity.weights @ total


def _fill(table: dict[float, tuple[float, float]], below: Callable[[float], tuple[float, float]], low: float, high: float) -> None:
    """Halve intervals until the cubic between their ends meets the middle."""
    (start, left), (end, right), middle = table[low], table[high], (low + high) / 2.0
    expected = (start + end) / 2.0 + (left - right) * (high - low) / 8.0
    table[middle] = below(middle)
    if abs(table[middle][0] - expected) > _MISSED or end - start > _JUMP:
        _fill(table, below, low, middle)
        _fill(table, below, middle, high)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Survey:
    """Integral over the prevalence, from 0, of the survey's likelihood at pairs of accuracies, up to one factor."""

    a: float
    b: float
    mistaken: Floats
    steep: Floats
    above: Flags
    start: Floats

    @classmethod
    def of(cls, positive: float, n: float, found: Floats, mistaken: Floats) -> _Survey:
        a, b, above = positive + 1.0, n - positive + 1.0, mistaken > positive / n
        return cls(a=a, b=b, mistaken=mistaken, steep=found - mistaken, above=above, start=_tail(a, b, mistaken, above))

    def at(self, share: float) -> tuple[Floats, Floats]:
        """The integral up to `share`, and the likelihood there."""
        called = self.mistaken + share * self.steep
        likelihood = np.exp(special.xlogy(self.a - 1.0, called) + special.xlog1py(self.b - 1.0, -called) - special.betaln(self.a, self.b))
        flat = np.abs(self.steep) < _FLAT
        gained = np.where(self.above, -1.0, 1.0) * (_tail(self.a, self.b, called, self.above) - self.start)
        return np.where(flat, likelihood * share, gained / np.where(flat, 1.0, self.steep)), likelihood


def _tail(a: float, b: float, x: Floats, above: Flags) -> Floats:
    """Chance of a beta variable to lie below x, or above it where that is the small one, so that differences keep their digits."""
    return np.asarray(special.betainc(np.where(above, b, a), np.where(above, a, b), np.where(above, 1.0 - x, x)))
