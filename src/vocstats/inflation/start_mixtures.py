"""Evidence of a gap that is larger than honest ones, since an unknown run and by an unknown amount: ratios of marginal likelihoods."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from .._numerics import sums_by
from ..results import Floats, Integers
from .null import EmpiricalNull

LIFTS = np.geomspace(0.1, 1.6, 9)  # standard deviations of an answer, alike likely
FROM_THE_START = 0.5  # chance that a dealer who inflates did so before the first run
_MEAN_WAIT = 36.0  # runs until the others begin: 1 / hazard
_LARGEST = 700.0  # logarithm of an e-value: short of overflow


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Sums of the comparisons over a stretch of runs, or all stretches of one kind, as means with their errors.

    Attributes
    ----------
    mean, precision, third : Floats (..., D)
        Mean gap, 1 / variance of its error of measurement (0 without comparisons), its third central moment.
    """

    mean: Floats
    precision: Floats
    third: Floats

    @classmethod
    def of(cls, sums: Floats, variance: Floats, third: Floats) -> Gaps:
        """From sums (..., 4, D) as in `MonitorSums.compared` and the second and third moment of an answer (D,)."""
        c, weighted, skew, mix = np.moveaxis(sums, -2, 0)
        some = np.where(c > 0, c, 1.0)
        error = variance / some + (mix / some) ** 2
        precision = np.divide(1.0, error, out=np.zeros_like(error), where=(c > 0) & (error > 0))
        return cls(weighted / some, precision, third * skew / some**3)


@dataclass(frozen=True, slots=True, eq=False)
class Honest:
    """Honest gaps as a mixture of normals, one per spread the lower tail allows: the uncertainty of the centre is in their variance."""

    chance: Floats
    centre: Floats
    variance: Floats

    @classmethod
    def of(cls, null: EmpiricalNull) -> Honest:
        """Centre and spread integrated over the values the null holds likely."""
        spread, place = np.unique(null.spreads, return_inverse=True)
        chance = sums_by(place, null.chances, spread.size)
        centre = sums_by(place, null.chances * null.centres, spread.size) / chance
        around = sums_by(place, null.chances * (null.centres - centre[place]) ** 2, spread.size) / chance
        return cls(chance, centre, spread**2 + around)

    def weights(self, gaps: Gaps) -> Floats:
        """Chance of each normal given the dealer's own mean gap, (J, D)."""
        shrink = 1.0 + gaps.precision * self.variance[:, None]
        log = np.log(self.chance)[:, None] - 0.5 * np.log(shrink)
        log = log - 0.5 * gaps.precision * (gaps.mean - self.centre[:, None]) ** 2 / shrink
        return np.asarray(special.softmax(log, axis=0))


def start_chances(runs: int) -> Floats:
    """Chance of each run to be the first inflated one, and last that of beginning later still, (T + 1,)."""
    later = (1.0 - FROM_THE_START) * (1.0 - 1.0 / _MEAN_WAIT) ** np.arange(runs)
    return np.concatenate([[FROM_THE_START], -np.diff(later), later[-1:]])


def log_evidence(before: Gaps, after: Gaps, weights: Floats, honest: Honest, scale: float) -> Floats:
    """Log ratio of marginal likelihoods, (D,): gap larger by one of the lifts after, against the same gap before and after.

    With V the variance of honest gaps, f = V P_a / (1 + V P_a) and R = 1 / (1 / P_b + V / (1 + V P_a)), a lift δ has

        exp(λ x - λ² / 2R - λ³ κ / 6),   λ = R δ,   x = g_b - g_0 - f (g_a - g_0),   κ the third moment of x where it is positive
    """
    v = honest.variance[:, None]
    known = v * before.precision / (1.0 + v * before.precision)
    left = v / (1.0 + v * before.precision)
    rate = after.precision / (1.0 + after.precision * left)
    x = after.mean - honest.centre[:, None] - known * (before.mean - honest.centre[:, None])
    third = np.maximum(after.third - known**3 * before.third, 0.0)
    lift = (scale * LIFTS)[:, None, None]
    log = lift * (rate * x - lift * (rate / 2.0 + lift * (rate**3 * third / 6.0)))
    return np.asarray(special.logsumexp(log, axis=(0, 1), b=weights / LIFTS.size))


def mixed_evidence(compared: Floats, variance: Floats, third: Floats, null: EmpiricalNull, scale: float) -> tuple[Floats, Integers]:
    """e-value of every dealer, mixed over the run since which, and the likeliest such run."""
    honest = Honest.of(null)
    until = np.concatenate([np.zeros_like(compared[:1]), np.cumsum(compared, axis=0)])
    total = until[-1]
    weights = honest.weights(Gaps.of(total, variance, third))
    log = np.stack([
        log_evidence(Gaps.of(past, variance, third), Gaps.of(total - past, variance, third), weights, honest, scale) for past in until[:-1]
    ])
    chances = start_chances(log.shape[0])
    joint = log + np.log(chances[:-1, None])
    e = np.exp(np.minimum(special.logsumexp(joint, axis=0), _LARGEST)) + chances[-1]
    return np.asarray(e), np.asarray(joint.argmax(axis=0), np.int64)
