"""Draws of the network told of drop-off, which ties pains to each other.

The draws made without it are weighted by the chance of the drop-off seen, (a, B, ω) integrated out, and chosen by these weights, flattened
as far as needed to leave many different ones. Weights alone will not do: drop-off speaks of pains and segments at once, of which no draw
happens to have all right. So each draw then goes on as a Markov chain of (pool, pains, a, B, ω), in turn:

    a pain       proposed anew, as without drop-off, or (a pain that acts somewhere) close to where it is; accepted by the model's density
    a, B, ω      of each stage by random steps, as long and as slanting as the chains differ
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from ..results import Flags, Floats
from .counts import DropOffCounts, PainPointPriors
from .drop_off import StageCounts, StageParameters, integrated, segment_logits, segment_weights, stages_of
from .independence_chains import ChainState, PainApproximation
from .nuisance_points import effective, tempered
from .pareto_tails import tail_shape
from .selection_pool import Pool, pool_given, systematic

_SWEEPS = (12, 24, 48, 96)  # at each, go on only where the means have moved since the one before
_SETTLED = 0.045  # by so many standard deviations, root mean square over segments and pains that act; draws alone make for .03
_NEAR = (0.6, 0.9)  # correlations of a pain with where it was
_PARAMETER_STEPS = 4  # of a sweep
_SELDOM = 3  # sweeps, in one of which pains move that act nowhere
_DIFFERENT = 0.1  # of the draws, that the first choice leaves effective


@dataclass(slots=True, eq=False)
class StageChains:
    """The chains of one stage.

    Attributes
    ----------
    counts : StageCounts
    priors : PainPointPriors
    z : Floats (B, P + 2)
        a, B, ω in standard normal units of their priors.
    eta : Floats (B, P, C)
    log_chance : Floats (B,)
        Of the counts, given all that.
    """

    counts: StageCounts
    priors: PainPointPriors
    z: Floats
    eta: Floats
    log_chance: Floats

    @classmethod
    def start(cls, counts: StageCounts, priors: PainPointPriors, z: Floats, eta: Floats) -> StageChains:
        """Chains at these values."""
        chains = cls(counts, priors, z, eta, np.zeros(len(z)))
        chains.log_chance = chains.log_chance_of(z, eta)
        return chains

    def log_chance_of(self, z: Floats, eta: Floats) -> Floats:
        """Of the counts at other values, (B,)."""
        at = StageParameters.of(z, self.priors)
        logit = at.level[:, None] + np.einsum("bp,bpc->bc", at.slope, eta)
        return np.asarray(self.counts.log_chance(logit, at.spread[:, None]).sum(axis=1))

    def with_pain(self, pain: int, logit: Floats) -> tuple[Floats, Floats]:
        """η and log chance were this the logit (B, S) of the share with a pain."""
        eta = self.eta.copy()
        eta[:, self.counts.pains == pain] = self.counts.centred(logit[:, None])
        return eta, self.log_chance_of(self.z, eta)

    def move(self, moved: Flags, eta: Floats, log_chance: Floats) -> None:
        """Take these η where the chain moved."""
        self.eta[moved], self.log_chance[moved] = eta[moved], log_chance[moved]

    def step(self, rng: np.random.Generator) -> None:
        """Random steps of a, B and ω given η."""
        size = self.z.shape[1]
        root = 2.4 / np.sqrt(size) * np.linalg.cholesky(np.cov(self.z.T) + 1e-9 * np.eye(size))
        for _ in range(_PARAMETER_STEPS):
            z = self.z + rng.standard_normal(self.z.shape) @ root.T
            log_chance = self.log_chance_of(z, self.eta)
            gain = log_chance - self.log_chance - 0.5 * np.sum(z**2 - self.z**2, axis=1)
            moved = np.log(rng.random(len(z))) < gain
            self.z[moved], self.log_chance[moved] = z[moved], log_chance[moved]


@dataclass(frozen=True, slots=True, eq=False)
class ToldOfDropOff:
    """Draws of pains and pool; B_fk with each (B, F, K), 0 where a pain does not act; and how it went."""

    states: list[ChainState]
    pool: Pool
    slope: Floats
    diagnostics: dict[str, float]


def tell_of_drop_off(
    counts: DropOffCounts, frame: Floats, fitted: Sequence[PainApproximation], states: Sequence[ChainState], pool: Pool,
    priors: PainPointPriors, rng: np.random.Generator,
) -> ToldOfDropOff:
    """Draws given drop-off too, from those without it; `frame` (S, R)."""
    weight = segment_weights(frame)
    logit = np.stack([_logit(state, weight) for state in states], axis=1)
    stages = stages_of(counts)
    found = [integrated(stage, stage.centred(logit[:, stage.pains]), priors, rng) for stage in stages]
    log_weights = np.zeros(len(logit)) + sum(special.logsumexp(chance, axis=0) for _, chance in found)
    kept = systematic(tempered(log_weights, least=_DIFFERENT * log_weights.size), log_weights.size, rng)
    chains = [
        StageChains.start(stage, priors, _drawn(z, chance[:, kept], rng), stage.centred(logit[kept][:, stage.pains]))
        for stage, (z, chance) in zip(stages, found, strict=True)
    ]
    states, pool, told = _run(chains, weight, fitted, [state.at_draws(kept) for state in states], priors, rng)
    slope = np.zeros((log_weights.size, *counts.acts.shape))
    for chain in chains:
        slope[:, chain.counts.stage, chain.counts.pains] = StageParameters.of(chain.z, priors).slope
    weights = special.softmax(log_weights)
    diagnostics = {"drop_off_pareto_k": tail_shape(log_weights), "drop_off_effective_draws": effective(weights)} | told
    return ToldOfDropOff(states, pool, slope, diagnostics)


def _drawn(z: Floats, chance: Floats, rng: np.random.Generator) -> Floats:
    """One of the points for each draw, by their chances."""
    below = np.cumsum(special.softmax(chance, axis=0), axis=0)
    return np.asarray(z[np.minimum(np.sum(below < rng.random(chance.shape[1]), axis=0), len(z) - 1)])


def _logit(state: ChainState, weight: Floats) -> Floats:
    """Logit of the share of customers who have the pain, by segment (B, S)."""
    delta = state.beta[:, None, :weight.shape[1] - 1]
    return segment_logits(state.x[:, None], np.concatenate([np.zeros((*delta.shape[:2], 1)), delta], axis=2), weight)[:, 0]


def _run(
    chains: Sequence[StageChains], weight: Floats, fitted: Sequence[PainApproximation], states: list[ChainState], priors: PainPointPriors,
    rng: np.random.Generator,
) -> tuple[list[ChainState], Pool, dict[str, float]]:
    """Sweeps over the pool, all pains and all stages."""
    groups = weight.shape[1] - 1
    acting = sorted({int(k) for chain in chains for k in chain.counts.pains})
    drift, before, moved = np.inf, np.zeros((len(acting), len(weight))), dict.fromkeys(acting, 0.0)
    for sweep in range(1, _SWEEPS[-1] + 1):
        pool = pool_given(np.stack([state.beta[:, :groups] for state in states], axis=1), priors, rng)
        for k, pain in enumerate(fitted):
            told = [chain for chain in chains if k in chain.counts.pains]
            if not told and sweep % _SELDOM:
                continue
            for near in (0.0, *_NEAR) if told else (0.0,):
                states[k], share = _step(pain, k, states[k], pool, near, told, weight, rng)
            if told:
                moved[k] += share
        for chain in chains:
            chain.step(rng)
        if sweep in _SWEEPS:
            logit = np.stack([_logit(states[k], weight) for k in acting])
            now = logit.mean(axis=1)
            drift = float(np.sqrt(np.mean((now - before) ** 2 / logit.var(axis=1)))) if sweep > _SWEEPS[0] else np.inf
            before = now
            if drift < _SETTLED:
                break
    return states, pool, {"drop_off_sweeps": float(sweep), "drop_off_drift": drift, "drop_off_acceptance": min(moved.values()) / sweep}


def _step(
    pain: PainApproximation, k: int, state: ChainState, pool: Pool, near: float, told: Sequence[StageChains], weight: Floats,
    rng: np.random.Generator,
) -> tuple[ChainState, float]:
    """One step of all chains of a pain: where they are, and which part of them moved."""
    proposed, offsets = pain.nearby(state, pool, near, rng) if near else pain.propose(pool, rng)
    gain = proposed.log_weight + offsets - state.log_weight - pain.log_offsets(state.beta, state.at, pool)
    logit = _logit(proposed, weight) if told else np.zeros(0)
    there = [chain.with_pain(k, logit) for chain in told]
    for chain, (_, log_chance) in zip(told, there, strict=True):
        gain = gain + log_chance - chain.log_chance
    moved = np.log(rng.random(gain.size)) < gain
    for chain, (eta, log_chance) in zip(told, there, strict=True):
        chain.move(moved, eta, log_chance)
    return state.moved(proposed, moved), float(moved.mean())
