"""What the two channels of a dealer say of his honest score, of its inflation, and of his rank: mixtures of normals over φ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ..results import Floats
from .channel_levels import ChannelLevels
from .honest_network import PHI, Network, Nodes, nodes

_HALVINGS = 50


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """One mixture of normals per dealer: chances, means and variances, (D, K)."""

    chance: Floats
    means: Floats
    variances: Floats

    def mean(self) -> Floats:
        """(D,)."""
        return np.asarray(np.sum(self.chance * self.means, axis=1))

    def deviation(self) -> Floats:
        """Standard deviation, (D,)."""
        return np.asarray(np.sqrt(np.sum(self.chance * (self.variances + (self.means - self.mean()[:, None]) ** 2), axis=1)))

    def quantile(self, chance: float) -> Floats:
        """By halving an interval that holds it, (D,)."""
        deviations = np.sqrt(np.maximum(self.variances, 1e-24))
        low, high = np.min(self.means - 9.0 * deviations, axis=1), np.max(self.means + 9.0 * deviations, axis=1)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            below = np.sum(self.chance * special.ndtr((middle[:, None] - self.means) / deviations), axis=1) < chance
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray((low + high) / 2.0)

    def draw(self, rng: np.random.Generator, draws: int) -> Floats:
        """(D, draws)."""
        row = np.arange(self.chance.shape[0])[:, None]
        below = np.cumsum(self.chance, axis=1)
        places = np.searchsorted((row + below / below[:, -1:]).ravel(), row + rng.random((row.size, draws)), side="right")
        node = np.minimum(places - row * self.chance.shape[1], self.chance.shape[1] - 1)
        return np.asarray(self.means[row, node] + np.sqrt(self.variances[row, node]) * rng.normal(size=node.shape))


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Of the honest score of the dealer's visits, and of how far his own answers were lifted."""

    score: Mixture
    lift: Mixture


def posterior(networks: list[Network], levels: ChannelLevels, p_value: Floats) -> Posterior:
    """Averaged over the likely parameters of the network."""
    each = [_given(network, levels, p_value) for network in networks]
    return Posterior(_averaged([one.score for one in each]), _averaged([one.lift for one in each]))


def _given(network: Network, levels: ChannelLevels, p_value: Floats) -> Posterior:
    """Given the parameters; normal regression on both channels at every node.

    The visits are a finite population of which the answers are a part: their mean has variance τ² + s² / N and that covariance with
    every honest mean of answers.
    """
    at = nodes(network, levels, p_value)
    chance = special.softmax(at.log_chance, axis=1)
    tau, rest = network.spread**2, 1.0 - PHI
    visits = (tau + levels.s0 / levels.visits)[:, None]
    score, variance = _regress(at, visits, rest * visits, visits)
    own = (tau + (network.gap_spread * levels.room) ** 2 + levels.s0 / np.maximum(levels.n1, 1.0))[:, None]
    mixing = levels.e1[:, None]
    honest, error = _regress(at, tau + levels.shared[:, None], rest * own + mixing, own + mixing)
    prior = (network.centre + levels.mix)[:, None]
    lift = np.where(PHI == 0.0, 0.0, np.nan_to_num(levels.y1)[:, None] - prior - (network.gap * levels.room)[:, None] - honest)
    return Posterior(Mixture(chance, prior + score, variance), Mixture(chance, lift, np.where(PHI == 0.0, 0.0, error)))


def _averaged(mixtures: list[Mixture]) -> Mixture:
    """Mean of mixtures, node by node: each node stays normal, with the variance between them added."""
    chance = np.array([each.chance for each in mixtures])
    share = chance / np.maximum(chance.sum(axis=0), 1e-300)
    means = np.array([each.means for each in mixtures])
    mean = np.sum(share * means, axis=0)
    variance = np.sum(share * (np.array([each.variances for each in mixtures]) + (means - mean) ** 2), axis=0)
    return Mixture(chance.mean(axis=0), mean, variance)


def _regress(at: Nodes, c0: Floats, c1: Floats, total: Floats) -> tuple[Floats, Floats]:
    """Mean (beyond its prior) and variance of a normal figure given both channels, from its covariances with them."""
    k0, k1 = (at.s11 * c0 - at.s01 * c1) / at.determinant, (at.s00 * c1 - at.s01 * c0) / at.determinant
    return k0 * at.r0 + k1 * at.r1, np.maximum(total - k0 * c0 - k1 * c1, 0.0)
