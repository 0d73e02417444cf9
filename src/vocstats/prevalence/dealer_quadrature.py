"""Dealers' own effects of one pain given draws of the network, each dealer integrated over a grid.

    b_d ~ N(0, τ²)        a customer of dealer d, segment s and group r has the pain with chance logit⁻¹(x_s + δ_r + t(τ) + b_d)

The logit of a network's mean is nearer to 0 than the mean of dealers' logits: t(τ) is the difference. All dealers share the grid of
t + b, so that their log likelihoods are one product of their counts with the log chances of the cells. The grid is equally spaced and
finer than any dealer's posterior is wide, where sums are as good as integrals (the trapezoidal rule of a smooth density that vanishes at
the ends).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import special

from ..results import Floats, Integers
from .design_effects import DealerCells

_LEAST = 1e-12  # a chance below this is rounding
_FINE = 0.6  # spacing of the grid, in standard deviations of the best known dealer where dealers differ little
_LITTLE = 0.03  # chance that they differ less
_MOST_NODES = 600
_PILOT_NODES = 281
_FARTHEST = 9.0  # end of the first grid, in scales of the prior of τ
_SPREADS = 48  # nodes of τ
_NARROWEST, _WIDEST = 0.005, 5.0  # of τ, in scales of its prior
_RARE = 1e-7  # chance left outside the grid
_WIDER = 1.5  # of the range of τ that one draw of the network finds likely


@dataclass(frozen=True, slots=True, eq=False)
class NetworkDraws:
    """Draws of one pain.

    Attributes
    ----------
    x : Floats (B, S)
        Logit of each segment.
    offset, found, false : Floats (B, Q)
        What a column adds to it, and the chances to find the pain with who has it and who has not.
    selection : Floats (B, R)
        What a response group adds to it.
    """

    x: Floats
    offset: Floats
    found: Floats
    false: Floats
    selection: Floats

    def mean(self) -> NetworkDraws:
        """One draw, of means."""
        parts = (self.x, self.offset, self.found, self.false, self.selection)
        return NetworkDraws(*(part.mean(axis=0, keepdims=True) for part in parts))


@dataclass(frozen=True, slots=True, eq=False)
class DealerCounts:
    """Counts of one pain as a table: positives of each column and segment with answers, then the others where there are any (a pattern of
    labels has none); which columns and segments these are, and which have others."""

    table: Floats
    column: Integers
    segment: Integers
    others: Integers

    @classmethod
    def of(cls, cells: DealerCells) -> Self:
        """From all combinations of column, segment and dealer."""
        column, segment = np.nonzero(cells.n.sum(axis=2))
        n, positive = cells.n[column, segment], cells.positive[column, segment]
        others = np.flatnonzero((n > positive).any(axis=1))
        return cls(np.ascontiguousarray(np.concatenate([positive, (n - positive)[others]]).T), column, segment, others)

    def log_likelihood(self, network: NetworkDraws, draw: int, nodes: Floats) -> Floats:
        """Of t + b at the nodes, (D, nodes)."""
        at = (network.x[draw, self.segment] + network.offset[draw, self.column])[:, None] + nodes
        false = network.false[draw, self.column][:, None]
        share = np.clip(false + (network.found[draw, self.column][:, None] - false) * special.expit(at), _LEAST, 1.0 - _LEAST)
        return np.asarray(self.table @ np.concatenate([np.log(share), np.log1p(-share[self.others])]))


@dataclass(frozen=True, slots=True, eq=False)
class DealerDraws:
    """b (B, D), t and τ (B,)."""

    effect: Floats
    shift: Floats
    scale: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """Nodes of t + b; nodes of τ, their log prior and t there; log density of t + b given τ (nodes, spreads)."""

    nodes: Floats
    tau: Floats
    log_prior: Floats
    shift: Floats
    log_density: Floats

    def spreads(self, likelihood: Floats) -> Floats:
        """Chances of the nodes of τ given the dealers' likelihoods, up to a factor each."""
        log = np.log(np.maximum(likelihood @ np.exp(self.log_density), 1e-300)).sum(axis=0) + self.log_prior
        return np.asarray(special.softmax(log))


def draw_dealers(
    cells: DealerCells, frame: Floats, network: NetworkDraws, prior_scale: float, rng: np.random.Generator
) -> DealerDraws:
    """One draw of every dealer's effect, and of their spread, for each draw of the network."""
    counts = DealerCounts.of(cells)
    customers = frame.sum(axis=1)
    grid = _fitted_grid(counts, customers, network.mean(), prior_scale)
    many = len(network.x)
    effect, shift, scale = np.empty((many, counts.table.shape[0])), np.empty(many), np.empty(many)
    gap, step = grid.nodes[1] - grid.nodes[0], np.log(grid.tau[1] / grid.tau[0])
    for draw in range(many):
        likelihood = _scaled(counts.log_likelihood(network, draw, grid.nodes))
        chosen = int(np.searchsorted(np.cumsum(grid.spreads(likelihood)), rng.random()))
        scale[draw] = grid.tau[min(chosen, grid.tau.size - 1)] * np.exp(step * (rng.random() - 0.5))
        shift[draw] = np.interp(scale[draw], grid.tau, grid.shift)
        likelihood *= np.exp(-0.5 * ((grid.nodes - shift[draw]) / scale[draw]) ** 2)
        below = np.cumsum(likelihood, axis=1)
        node = np.sum(below < rng.random(len(below))[:, None] * below[:, -1:], axis=1)
        effect[draw] = grid.nodes[node] + gap * (rng.random(len(below)) - 0.5) - shift[draw]
    return DealerDraws(effect, shift, scale)


def _fitted_grid(counts: DealerCounts, customers: Floats, mean: NetworkDraws, prior_scale: float) -> _Grid:
    """A grid where the mean of the draws puts the dealers and their spread, found on a wide one."""
    wide = _FARTHEST * prior_scale
    tau = prior_scale * np.geomspace(_NARROWEST, _WIDEST, 2 * _SPREADS)
    first = _grid(np.linspace(-wide, wide, _PILOT_NODES), tau, customers, mean, prior_scale)
    log_likelihood = counts.log_likelihood(mean, 0, first.nodes)
    likelihood = _scaled(log_likelihood)
    chance = first.spreads(likelihood)
    likely = tau[chance > 1e-4 * chance.max()]
    centre, half = np.log(likely[[0, -1]]).mean(), _WIDER * np.log(likely[-1] / likely[0]) / 2.0 + 0.1
    low, high = np.clip(np.exp([centre - half, centre + half]), tau[0], tau[-1])
    beside = likelihood @ np.diag(np.exp(-0.5 * (first.nodes / high) ** 2))
    beside = (beside / beside.sum(axis=1, keepdims=True)).max(axis=0)
    kept = first.nodes[beside > _RARE]
    information = np.max(-np.diff(log_likelihood, 2, axis=1), axis=1).max() / (first.nodes[1] - first.nodes[0]) ** 2
    little = max(tau[np.searchsorted(np.cumsum(chance), _LITTLE)], low)
    spacing = _FINE / np.sqrt(max(information, 0.0) + 1.0 / little**2)
    start, end = kept[0] - 2.0 * spacing, kept[-1] + 2.0 * spacing
    nodes = np.linspace(start, end, min(int((end - start) / spacing) + 2, _MOST_NODES))
    return _grid(nodes, np.geomspace(low, high, _SPREADS), customers, mean, prior_scale)


def _grid(nodes: Floats, tau: Floats, customers: Floats, mean: NetworkDraws, prior_scale: float) -> _Grid:
    shift = _shifts(customers, mean, tau)
    log_density = -0.5 * ((nodes[:, None] - shift) / tau) ** 2
    log_density -= special.logsumexp(log_density, axis=0)
    return _Grid(nodes, tau, np.log(tau) - 0.5 * (tau / prior_scale) ** 2, shift, log_density)


def _shifts(customers: Floats, mean: NetworkDraws, tau: Floats) -> Floats:
    """t(τ): with it the mean of normal dealers is the network's share of customers with the pain; by Newton's method."""
    nodes, weights = special.roots_hermitenorm(21)
    logit = (mean.x[0][:, None] + mean.selection[0]).ravel()
    each = customers.ravel() / max(float(customers.sum()), 1e-300)
    wanted = float(each @ special.expit(logit))
    at = logit[:, None, None] + tau[:, None] * nodes
    shift = np.zeros(tau.size)
    for _ in range(8):
        share = special.expit(at + shift[:, None])
        mean_share, slope = (np.tensordot(each, values, 1) @ weights / weights.sum() for values in (share, share * (1.0 - share)))
        shift -= (mean_share - wanted) / np.maximum(slope, _LEAST)
    return shift


def _scaled(log_likelihood: Floats) -> Floats:
    return np.asarray(np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True)))
