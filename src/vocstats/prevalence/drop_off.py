"""What drop-off tells of pains: the chance of the counts of a stage given the network.

    dropped_fs ~ BetaBin(reached_fs, p_fs)          logit p_fs = a_f + Σ_k B_fk η_ks,   B_fk >= 0, 0 where pain k does not act at stage f
    a_f ~ N(-1, 2²),  B_fk half-normal,             the beta distribution has parameters 1 / (ω_f² (1 - p)) and 1 / (ω_f² p): its mean is p,
    ω_f half-normal                                 and the standard deviation of its logit about ω_f, what else tells segments apart
    η_ks = logit Θ_ks - mean over the segments      Θ_ks: share with the pain among all customers of a segment, of any response group

Given η, stages are independent, and the chance of each is an integral over the few (a, B, ω). One set of points, spread where all draws of
η together find them likely, serves every draw; what a segment adds depends on one number, so that it is tabulated for each point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from ..results import Floats, Integers
from .counts import DropOffCounts, PainPointPriors
from .nuisance_points import Proposal, next_proposal

LEVEL, LEVEL_SCALE = -1.0, 2.0  # normal prior of a
LEAST_SPREAD = 1e-3  # of ω: below, the functions Γ of the beta-binomial distribution lose digits
LEAST_CHANCE = 1e-9  # of leaving
_POINTS = (192, 192, 192, 256)  # of each round
_PILOT = 300  # draws that the points are spread by
_TABLE = 257  # logits at which the chance of a segment's count is computed, for each point
_MARGIN = 0.3  # of the first proposal of a, in logits


@dataclass(frozen=True, slots=True, eq=False)
class StageCounts:
    """Counts of one stage.

    Attributes
    ----------
    stage : int
    pains : Integers (P,)
        That act there.
    segment : Integers (C,)
    reached, dropped : Floats (C,)
    """

    stage: int
    pains: Integers
    segment: Integers
    reached: Floats
    dropped: Floats

    def centred(self, logit: Floats) -> Floats:
        """η (B, P, C) from logits in all segments (B, P, S)."""
        own = logit[:, :, self.segment]
        return np.asarray(own - own.mean(axis=2, keepdims=True))

    def log_chance(self, logit: Floats, spread: Floats, place: Any = slice(None)) -> Floats:
        """Of the counts at `place`, without binomial coefficients."""
        p = np.clip(special.expit(logit), LEAST_CHANCE, 1.0 - LEAST_CHANCE)
        precision = 1.0 / np.maximum(spread, LEAST_SPREAD) ** 2
        a, b = precision / (1.0 - p), precision / p
        dropped, kept = self.dropped[place], (self.reached - self.dropped)[place]
        return _log_beta_ratio(a, b, dropped, kept)


def _log_beta_ratio(a: Floats, b: Floats, dropped: Floats, kept: Floats) -> Floats:
    """log B(a + dropped, b + kept) / B(a, b), by Stirling's series three steps up: to 1e-7, and faster than functions Γ one by one."""
    found, product = np.zeros(np.broadcast_shapes(a.shape, dropped.shape)), np.ones(())
    for z, sign in ((a + dropped, 1), (b + kept, 1), (a + b, 1), (a + b + (dropped + kept), -1), (a, -1), (b, -1)):
        up = z + 3.0
        square = 1.0 / up**2
        series = (1.0 - square * (1.0 / 30.0 - square * (1.0 / 105.0 - square / 140.0))) / (12.0 * up)
        found += sign * ((up - 0.5) * np.log(up) - up + series)
        steps = z * (z + 1.0) * (z + 2.0)
        product = product * steps if sign < 0 else product / steps
    return np.asarray(found + np.log(product))


def stages_of(counts: DropOffCounts) -> list[StageCounts]:
    """Stages that somebody reached and a pain acts at."""
    found = []
    for stage, acts in enumerate(counts.acts):
        rows = np.flatnonzero((counts.stage == stage) & (counts.reached > 0.0))
        if rows.size and acts.any():
            found.append(StageCounts(stage, np.flatnonzero(acts), counts.segment[rows], counts.reached[rows], counts.dropped[rows]))
    return found


def segment_weights(frame: Floats) -> Floats:
    """Shares of the customers of a segment, (S, ..., R) as the frame; where a segment has none, the engaged stand for all."""
    total = frame.reshape(len(frame), -1).sum(axis=1).reshape(-1, *(1,) * (frame.ndim - 1))
    engaged = (np.arange(frame.shape[-1]) == 0) / np.prod(frame.shape[1:-1])
    return np.asarray(np.where(total > 0.0, frame / np.where(total > 0.0, total, 1.0), engaged))


def segment_logits(x: Floats, selection: Floats, weight: Floats) -> Floats:
    """logit Θ (B, K, S) from x (B, K, S) of the engaged, offsets (B, K, R) and the weights of response groups (S, R)."""
    share = sum(weight[:, r] * special.expit(x + selection[:, :, r, None]) for r in range(weight.shape[1]))
    return np.asarray(special.logit(share))


@dataclass(frozen=True, slots=True, eq=False)
class StageParameters:
    """a (J,), B (J, P) and ω (J,) of a stage."""

    level: Floats
    slope: Floats
    spread: Floats

    @classmethod
    def of(cls, z: Floats, priors: PainPointPriors) -> StageParameters:
        """From standard normal units of the priors (J, P + 2)."""
        half = -special.ndtri(special.ndtr(-z[:, 1:]) / 2.0)
        return cls(LEVEL + LEVEL_SCALE * z[:, 0], priors.drop_off_slope * half[:, :-1], priors.drop_off_spread * half[:, -1])


def log_chance_at_points(stage: StageCounts, at: StageParameters, eta: Floats) -> Floats:
    """log chance of the stage's counts at every point for every draw of η (B, P, C); (J, B)."""
    found = np.zeros((at.level.size, len(eta)))
    for place in range(stage.segment.size):
        logit = at.level[:, None] + at.slope @ eta[:, :, place].T
        grid = np.linspace(logit.min(axis=1) - 1e-6, logit.max(axis=1) + 1e-6, _TABLE, axis=1)
        table = stage.log_chance(grid, at.spread[:, None], place)
        for j in range(len(logit)):
            found[j] += np.interp(logit[j], grid[j], table[j])
    return found


def integrated(
    stage: StageCounts, eta: Floats, priors: PainPointPriors, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Points of (a, B, ω) in standard normal units of their priors (J, P + 2), and the log of what each adds to the chance of the stage's
    counts given each draw of η (B, P, C): (J, B), to be summed over points."""
    pilot = eta[:: max(1, len(eta) // _PILOT)]
    start = special.logit((stage.dropped.sum() + 0.5) / (stage.reached.sum() + 1.0))
    mean, root = np.zeros(stage.pains.size + 2), np.eye(stage.pains.size + 2)
    mean[0], root[0, 0] = (start - LEVEL) / LEVEL_SCALE, _MARGIN / LEVEL_SCALE
    proposal = Proposal(mean, root)
    for many in _POINTS:
        z, log_ratio = proposal.points(many, rng)
        last = many == _POINTS[-1]
        chance = log_chance_at_points(stage, StageParameters.of(z, priors), eta if last else pilot)
        chance += log_ratio[:, None]
        proposal = next_proposal(z, special.logsumexp(chance, axis=1))
    return z, chance - np.log(len(z))
