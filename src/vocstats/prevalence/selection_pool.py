"""What pains tell each other: by how much response groups differ, δ_kr ~ N(μ_r, τ_r²), μ_r ~ N(0, v²), τ_r half-normal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ..results import Floats, Integers
from .counts import PainPointPriors
from .nuisance_points import spread_evenly

_NODES = 96
_NARROWEST, _WIDEST = 5e-3, 6.0  # of the spread, in its prior's scales


@dataclass(frozen=True, slots=True, eq=False)
class Messages:
    """What each pain's own counts say of its δ: exp(-δ'Λδ / 2 + h'δ).

    Attributes
    ----------
    precision : Floats (K, G, G)
        Λ of the G = R - 1 groups but the engaged.
    shift : Floats (K, G)
        h.
    """

    precision: Floats
    shift: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Draws of μ and τ, (B, G)."""

    mean: Floats
    scale: Floats

    def at_draws(self, kept: Integers) -> Pool:
        """Some of the draws."""
        return Pool(self.mean[kept], self.scale[kept])

    def predictive(self) -> tuple[Floats, Floats]:
        """Mean and variance of another pain's δ, (G,)."""
        return self.mean.mean(axis=0), self.mean.var(axis=0) + np.mean(self.scale**2, axis=0)


def pool_of(messages: Messages, priors: PainPointPriors, draws: int, rng: np.random.Generator) -> Pool:
    """μ and τ given all messages, the δ integrated out: τ spread evenly over its prior and weighted, μ normal given τ."""
    groups = messages.shift.shape[1]
    tau = priors.selection_scale * special.ndtri(0.5 + spread_evenly(draws, groups, rng) / 2.0)
    tau = np.maximum(tau, _NARROWEST * priors.selection_scale)
    inner = np.eye(groups) + messages.precision[:, None] * tau[:, None, :] ** 2  # I + Λ T, (K, B, G, G)
    each_a = np.linalg.solve(inner, np.broadcast_to(messages.precision[:, None], inner.shape))
    each_h = np.linalg.solve(inner, np.broadcast_to(messages.shift[:, None, :, None], (*inner.shape[:3], 1)))[..., 0]
    log = 0.5 * np.sum(tau**2 * each_h * messages.shift[:, None], axis=-1) - 0.5 * np.linalg.slogdet(inner)[1]
    a = each_a.sum(axis=0) + np.eye(groups) / priors.selection_mean_scale**2
    h = each_h.sum(axis=0)
    centre = np.linalg.solve(a, h[..., None])[..., 0]
    log_weights = log.sum(axis=0) + 0.5 * np.sum(h * centre, axis=1) - 0.5 * np.linalg.slogdet(a)[1]
    at = systematic(special.softmax(log_weights), draws, rng)
    root = np.linalg.cholesky(np.linalg.inv((a + np.swapaxes(a, 1, 2)) / 2.0))[at]
    return Pool(centre[at] + np.einsum("bgh,bh->bg", root, rng.standard_normal((draws, groups))), tau[at])


def pool_given(delta: Floats, priors: PainPointPriors, rng: np.random.Generator) -> Pool:
    """μ and τ given δ (B, K, G): τ by its distribution function on a grid of logarithms, μ integrated out; then μ."""
    many, wide = delta.shape[1], priors.selection_mean_scale**2
    mean = delta.mean(axis=1)
    within = np.sum((delta - mean[:, None]) ** 2, axis=1)
    grid = np.linspace(np.log(_NARROWEST), np.log(_WIDEST), _NODES) + np.log(priors.selection_scale)
    square = np.exp(2.0 * grid)
    whole = square + many * wide
    log = (2.0 - many) * grid - 0.5 * np.log(whole) - 0.5 * square / priors.selection_scale**2
    log = log - 0.5 * within[..., None] / square - 0.5 * many * mean[..., None] ** 2 / whole
    below = np.cumsum(np.exp(log - log.max(axis=-1, keepdims=True)), axis=-1)
    node = np.sum(below < rng.random(mean.shape)[..., None] * below[..., -1:], axis=-1)
    tau = np.exp(grid[node] + (rng.random(mean.shape) - 0.5) * (grid[1] - grid[0]))
    precision = many / tau**2 + 1.0 / wide
    centre = many * mean / tau**2 / precision
    return Pool(centre + rng.standard_normal(mean.shape) / np.sqrt(precision), tau)


def systematic(weights: Floats, draws: int, rng: np.random.Generator) -> Integers:
    """Places drawn by evenly spaced steps through cumulated weights, in random order.

    The places are shuffled before too: steps through points spread evenly would meet them in a rhythm of their own.
    """
    order = rng.permutation(weights.size)
    below = np.cumsum(weights[order])
    places = np.searchsorted(below, (np.arange(draws) + rng.random()) / draws * below[-1])
    return np.asarray(rng.permutation(order[np.minimum(places, weights.size - 1)]), np.int64)
