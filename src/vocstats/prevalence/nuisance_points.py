"""Values of what a pain's counts say little about: its coders' Se and Sp, mentions, and the spread of segments.

Each has a prior quantile function, so that a standard normal z in as many dimensions stands for all of them. Points are spread evenly
(Kronecker's sequence with the generalised golden ratio), first over the prior, then over what earlier points found likely.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ..results import Floats, Integers
from .conditional_laplace import Points

_WIDER = 1.3  # variance of the points against that of what was found likely
_LEAST_SIGMA = 1e-3
_FARTHEST = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Nuisances:
    """What is unknown about the sources of one pain.

    Attributes
    ----------
    betas : Floats (M, 2)
        Beta distributions of the chances.
    sensitivity, specificity : Integers (Q, L)
        Which chance holds of each coder in each column; M: 1, as the value after the last.
    label : Integers (Q, L)
        What the coder said of what a column counts: 1 found, 0 not found, -1 he did not read it.
    mention, false_mention : Integers (Q,)
        Which chance holds in each column; M: 1, -1: 0, as the value before the first.
    segment_scale : float
        Of the half-normal prior of σ.
    """

    betas: Floats
    sensitivity: Integers
    specificity: Integers
    label: Integers
    mention: Integers
    false_mention: Integers
    segment_scale: float

    @property
    def dimensions(self) -> int:
        """M chances and σ."""
        return len(self.betas) + 1

    def chances(self, z: Floats) -> Floats:
        """(J, M)."""
        return np.asarray(special.betaincinv(self.betas[:, 0], self.betas[:, 1], special.ndtr(z[:, :-1])))

    def points(self, z: Floats) -> Points:
        """At rows of z (J, M + 1)."""
        many = len(z)
        chances = self.chances(z)
        values = np.hstack([chances, np.ones((many, 1)), np.zeros((many, 1))])  # so that index M is 1 and index -1 is 0
        se, sp, m1, m0 = (values[:, at] for at in (self.sensitivity, self.specificity, self.mention, self.false_mention))
        named, misnamed = (_together(self.label, each) for each in (se, 1.0 - sp))
        found, false = (named * said + misnamed * (1.0 - said) for said in (m1, m0))
        sigma = -self.segment_scale * special.ndtri(special.ndtr(-z[:, -1]) / 2.0)
        return Points(chances, found, false, np.maximum(sigma, _LEAST_SIGMA))


def _together(label: Integers, chance: Floats) -> Floats:
    """Chance of the coders' labels, (J, Q), if each finds the pain with a chance (J, Q, L)."""
    return np.asarray(np.where(label == 1, chance, np.where(label == 0, 1.0 - chance, 1.0)).prod(axis=2))


def spread_evenly(many: int, dimensions: int, rng: np.random.Generator) -> Floats:
    """Points of the unit cube, (many, dimensions), shifted at random.

    References
    ----------
    Kronecker's sequence with powers of the root of t^(d + 1) = t + 1 (Roberts 2018, "The unreasonable effectiveness of quasirandom
    sequences"); shifted as in Cranley & Patterson (1976), SIAM J. Numer. Anal. 13(6).
    """
    root = 2.0
    for _ in range(60):
        root = (1.0 + root) ** (1.0 / (dimensions + 1.0))
    steps = root ** -np.arange(1.0, dimensions + 1.0)
    return np.asarray((rng.random(dimensions) + np.outer(np.arange(1.0, many + 1.0), steps)) % 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A normal distribution of z: its mean and the triangular root of its variance."""

    mean: Floats
    root: Floats

    def points(self, many: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """z (many, M + 1), and the log ratio of the prior to this distribution there."""
        unit = special.ndtri(np.clip(spread_evenly(many, self.mean.size, rng), 1e-12, 1.0 - 1e-12))
        z = np.clip(self.mean + unit @ self.root.T, -_FARTHEST, _FARTHEST)
        ratio = 0.5 * np.sum(unit**2 - z**2, axis=1) + np.log(np.diag(self.root)).sum()
        return z, np.asarray(ratio)


def prior_proposal(dimensions: int) -> Proposal:
    """Of the first points."""
    return Proposal(np.zeros(dimensions), np.eye(dimensions))


def next_proposal(z: Floats, log_weights: Floats) -> Proposal:
    """Around what `z` found likely, a bit wider; with few effective points, around what a flatter likelihood would find."""
    weights = tempered(log_weights, least=min(8.0 + 4.0 * z.shape[1], len(z) / 3.0))
    mean = weights @ z
    apart = z - mean
    variance = (weights[:, None] * apart).T @ apart
    return Proposal(np.asarray(mean), np.asarray(np.linalg.cholesky(_WIDER * variance + 1e-4 * np.eye(mean.size))))


def tempered(log_weights: Floats, *, least: float) -> Floats:
    """Weights, flattened as far as needed to have `least` effective points."""
    low, high = 0.0, 1.0
    weights = special.softmax(log_weights)
    if effective(weights) >= least:
        return np.asarray(weights)
    for _ in range(30):
        power = (low + high) / 2.0
        low, high = (power, high) if effective(special.softmax(power * log_weights)) >= least else (low, power)
    return np.asarray(special.softmax(low * log_weights))


def effective(weights: Floats) -> float:
    """Effective number of points."""
    return float(1.0 / np.sum(weights**2))
