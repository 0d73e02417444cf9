"""Draws made exact: each draw of a pain is a Markov chain whose steps propose anew from Laplace's approximation, given the pool."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..results import Flags, Floats, Integers
from .conditional_laplace import Fields, OffsetPrior, PainCells, Points
from .selection_pool import Pool, systematic

_WIDER = 1.5  # proposals of d parameters have 1 + _WIDER / d times the variance of Laplace's: the tails of the model are heavier
_AT_ONCE = 60_000  # cells whose likelihood is computed at once: they stay in the processor's cache


@dataclass(frozen=True, slots=True, eq=False)
class PainApproximation:
    """Laplace's approximation of one pain.

    Attributes
    ----------
    cells : PainCells
    z : Floats (J, M + 1)
        The points, in standard normal units of their priors.
    points : Points
        What they stand for.
    fields : Fields
        At the points.
    prior : OffsetPrior
        Under which the fields were fitted; of the selection offsets it is replaced by the pool.
    log_ratio, weights : Floats (J,)
        Log prior of the points against how they were spread; their chances under the fields.
    """

    cells: PainCells
    z: Floats
    points: Points
    fields: Fields
    prior: OffsetPrior
    log_ratio: Floats
    weights: Floats

    @property
    def wider(self) -> float:
        """By how much proposals vary more than the fields."""
        return 1.0 + _WIDER / sum(self.cells.n.shape[:1] + self.cells.offsets.shape[1:])

    def offsets_given(self, at: Integers, pool: Pool) -> tuple[Floats, Floats]:
        """Triangular root of the precision of β given the pool (B, P, P), and its mean (B, P)."""
        groups = pool.mean.shape[1]
        precision = self.fields.schur[at]
        added = 1.0 / pool.scale**2 - self.prior.precision[:groups]
        diagonal = np.arange(groups)
        shift = np.einsum("bpo,bo->bp", precision, self.fields.beta[at])
        shift[:, :groups] += pool.mean / pool.scale**2 - (self.prior.precision * self.prior.mean)[:groups]
        precision[:, diagonal, diagonal] += added
        return np.asarray(np.linalg.cholesky(precision)), np.asarray(np.linalg.solve(precision, shift[..., None])[..., 0])

    def log_offsets(self, beta: Floats, at: Integers, pool: Pool) -> Floats:
        """Log of the pool's density of δ over that of the proposal of β, without constants."""
        root, mean = self.offsets_given(at, pool)
        return self._log_offsets(beta, root, np.einsum("bpo,bp->bo", root, beta - mean), pool)

    def _log_offsets(self, beta: Floats, root: Floats, unit: Floats, pool: Pool) -> Floats:
        groups = pool.mean.shape[1]
        proposed = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1) - 0.5 * np.sum(unit**2, axis=1) / self.wider
        pooled = -0.5 * np.sum(((beta[:, :groups] - pool.mean) / pool.scale) ** 2 + 2.0 * np.log(pool.scale), axis=1)
        return np.asarray(pooled - proposed)

    def propose(self, pool: Pool, rng: np.random.Generator) -> tuple[ChainState, Floats]:
        """One proposal per draw of the pool, and the log weights of its offsets."""
        at = systematic(self.weights, pool.mean.shape[0], rng)
        root, mean = self.offsets_given(at, pool)
        unit = np.sqrt(self.wider) * rng.standard_normal(mean.shape)
        beta = mean + np.linalg.solve(np.swapaxes(root, 1, 2), unit[..., None])[..., 0]
        noise = self.fields.noise(at, self.wider, rng)
        x = self.fields.mean_x(at, beta) + noise
        return ChainState(at, x, beta, self._log_weight(at, x, beta, noise, pool.mean.shape[1])), self._log_offsets(beta, root, unit, pool)

    def nearby(self, state: ChainState, pool: Pool, near: float, rng: np.random.Generator) -> tuple[ChainState, Floats]:
        """The same at the state's own points, correlated with it by `near`: the proposal's distribution stays as it is."""
        at, new = state.at, np.sqrt(1.0 - near**2)
        root, mean = self.offsets_given(at, pool)
        unit = near * np.einsum("bpo,bp->bo", root, state.beta - mean) + new * np.sqrt(self.wider) * rng.standard_normal(mean.shape)
        beta = mean + np.linalg.solve(np.swapaxes(root, 1, 2), unit[..., None])[..., 0]
        noise = near * (state.x - self.fields.mean_x(at, state.beta)) + new * self.fields.noise(at, self.wider, rng)
        x = self.fields.mean_x(at, beta) + noise
        return ChainState(at, x, beta, self._log_weight(at, x, beta, noise, pool.mean.shape[1])), self._log_offsets(beta, root, unit, pool)

    def _log_weight(self, at: Integers, x: Floats, beta: Floats, noise: Floats, groups: int) -> Floats:
        """Log target over log proposal, but for the offsets."""
        log_x = self.fields.log_density(at, noise, self.wider)
        modes = -0.5 * np.sum(self.prior.precision[groups:] * beta[:, groups:] ** 2, axis=1)
        log_weight = self.log_ratio[at] - np.log(self.weights[at]) + self.cells.log_prior(x, self.points.sigma[at]) + modes - log_x
        size = max(1, _AT_ONCE // max(self.cells.n.size, 1))
        for first in range(0, at.size, size):
            part = slice(first, first + size)
            log_weight[part] += self.cells.log_likelihood(x[part], beta[part], self.points.found[at[part]], self.points.false[at[part]])
        return np.asarray(log_weight)


@dataclass(frozen=True, slots=True, eq=False)
class ChainState:
    """Draws of one pain: its points `at` (B,), x (B, S), β (B, P), and log target over log proposal but for the offsets (B,)."""

    at: Integers
    x: Floats
    beta: Floats
    log_weight: Floats

    def at_draws(self, kept: Integers) -> ChainState:
        """Some of the draws."""
        return ChainState(self.at[kept], self.x[kept], self.beta[kept], self.log_weight[kept])

    def moved(self, other: ChainState, there: Flags) -> ChainState:
        """The other state where `there`."""
        return ChainState(
            np.where(there, other.at, self.at), np.where(there[:, None], other.x, self.x),
            np.where(there[:, None], other.beta, self.beta), np.where(there, other.log_weight, self.log_weight),
        )


def step(pain: PainApproximation, state: ChainState | None, pool: Pool, rng: np.random.Generator) -> tuple[ChainState, Flags, Floats]:
    """One step of all chains of a pain given the pool: where they are, which moved, and the log weights of what was proposed."""
    proposed, offsets = pain.propose(pool, rng)
    log_weight = proposed.log_weight + offsets
    if state is None:
        return proposed, np.ones(log_weight.size, bool), log_weight
    current = state.log_weight + pain.log_offsets(state.beta, state.at, pool)
    moved = np.log(rng.random(log_weight.size)) < log_weight - current
    return state.moved(proposed, moved), moved, log_weight
