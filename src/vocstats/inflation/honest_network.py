"""What a network of dealers teaches of its honest levels, its honest gaps, and of what lifts a dealer's own channel.

    level           a_d ~ N(m + mix_d, τ²)
    independent     y0_d ~ N(a_d, v0_d)
    own channel     y1_d ~ N((1 - φ_d) (a_d + g + h_d) + φ_d top, v1_d),   h_d ~ N(0, ω²)
    share lifted    φ_d = 0 with chance 1 - π, else from a beta distribution with mean f and concentration c
    evidence        p_d uniform where φ_d = 0, else with density 1 - ρ + ρ α p^(α - 1)

Given φ everything is normal: the likelihood of a dealer is a sum over a grid of φ.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy import special

from ..results import Floats, Labels
from .channel_levels import ChannelLevels

_NODES = 40
_EDGES = np.linspace(0.0, 1.0, _NODES + 1)
PHI = np.append(0.0, (_EDGES[:-1] + _EDGES[1:]) / 2.0)
_LEAST_P = 1e-10  # a smaller one says no more: no p-value is exact so far out
_START = np.array([0.0, -1.5, -2.0, -0.6, 1.4, -2.0, 0.5])  # gap and ω in spreads of levels; logits of π, f, α, ρ; log c
_PRIOR = np.array([np.inf, np.inf, np.inf, 0.7, 0.5, 1.0, 1.5])  # standard deviations around the start: a few lifted dealers tell little
_LIMITS = [(-5.0, 5.0), (-4.0, 2.0), (-7.0, 4.0), (-4.0, 4.0), (-1.0, 4.0), (-5.0, 3.0), (-4.0, 4.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Parameters, in the order of the model above."""

    centre: float
    spread: float
    gap: float
    gap_spread: float
    share: float
    lifted: float
    concentration: float
    sharpness: float
    telling: float

    def figures(self) -> Labels:
        """Parameters by name, each an array of one."""
        return {field.name: np.array([getattr(self, field.name)]) for field in fields(self)}

    def log_prior(self) -> Floats:
        """Log chance of each node of φ, (K,)."""
        beta = np.diff(special.betainc(self.lifted * self.concentration, (1.0 - self.lifted) * self.concentration, _EDGES))
        return np.asarray(np.log(np.maximum(np.append(1.0 - self.share, self.share * beta), 1e-300)))

    def log_evidence(self, p_value: Floats) -> Floats:
        """Log density of the evidence at each node, (D, K); 0 where there is none."""
        log_p = np.log(np.clip(np.nan_to_num(p_value, nan=1.0), _LEAST_P, 1.0))
        lifted = np.log1p(self.telling * np.expm1(np.log(self.sharpness) + (self.sharpness - 1.0) * log_p))
        return np.where(np.isnan(p_value)[:, None] | (PHI == 0.0), 0.0, lifted[:, None])


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """The normal model of (y0, y1) at each node of φ: residuals from their means, variances and covariance, log chance; (D, K)."""

    r0: Floats
    r1: Floats
    s00: Floats
    s01: Floats
    s11: Floats
    log_chance: Floats

    @property
    def determinant(self) -> Floats:
        """Of the covariance."""
        return self.s00 * self.s11 - self.s01**2


def nodes(network: Network, levels: ChannelLevels, p_value: Floats) -> Nodes:
    """All nodes of every dealer; a channel without answers has an infinite variance and says nothing."""
    mean = (network.centre + levels.mix)[:, None]
    tau, omega = network.spread**2, network.gap_spread**2
    far = 1e6 * (tau + omega)
    heard0, heard1 = levels.n0 > 0, levels.n1 > 0
    v0, v1 = np.where(heard0, levels.v0, far)[:, None], np.where(heard1, levels.v1, far)[:, None]
    r0 = np.where(heard0, levels.y0, 0.0)[:, None] - np.where(heard0[:, None], mean, 0.0)
    r1 = np.where(heard1[:, None], np.nan_to_num(levels.y1)[:, None] - (1.0 - PHI) * (mean + network.gap) - PHI * levels.top, 0.0)
    s00, s01 = np.broadcast_to(tau + v0, r1.shape), (1.0 - PHI) * tau + levels.shared[:, None]
    s11 = (1.0 - PHI) ** 2 * (tau + omega) + v1
    determinant = s00 * s11 - s01**2
    square = (s11 * r0**2 - 2.0 * s01 * r0 * r1 + s00 * r1**2) / determinant
    possible = np.where(heard1[:, None] | (PHI == 0.0), 0.0, -np.inf)
    log = network.log_prior() + network.log_evidence(p_value) - 0.5 * (square + np.log(determinant)) + possible
    return Nodes(np.broadcast_to(r0, r1.shape), r1, s00, s01, s11, log)


def fit_network(levels: ChannelLevels, p_value: Floats) -> Network:
    """Parameters by maximum likelihood: those of the levels from independent answers alone, which nobody lifts."""
    from scipy import optimize

    centre, spread = _levels(levels)
    start = _START.copy()
    start[0] = float(np.nanmedian(levels.y1 - levels.y0)) / spread

    def loss(values: Floats) -> float:
        like = special.logsumexp(nodes(_network(centre, spread, values), levels, p_value).log_chance, axis=1)
        return float(0.5 * np.sum(((values - _START) / _PRIOR) ** 2) - np.sum(like))

    return _network(centre, spread, optimize.minimize(loss, start, method="L-BFGS-B", bounds=_LIMITS).x)


def _network(centre: float, spread: float, values: Floats) -> Network:
    gap, log_omega, share, lifted, log_c, sharpness, telling = values.tolist()
    inverse = [float(special.expit(each)) for each in (share, lifted, sharpness, telling)]
    return Network(
        centre=centre, spread=spread, gap=gap * spread, gap_spread=float(np.exp(log_omega)) * spread, share=inverse[0], lifted=inverse[1],
        concentration=float(np.exp(log_c)), sharpness=inverse[2], telling=inverse[3],
    )


def _levels(levels: ChannelLevels) -> tuple[float, float]:
    """m and τ. Every answer has the same variance here: weights that rise with the level would draw m upwards."""
    from scipy import optimize

    heard = levels.n0 > 0
    y, n = (levels.y0 - levels.mix)[heard], levels.n0[heard]
    one = float(n @ levels.one[heard] / n.sum())
    scale = float(np.std(y)) or 1.0

    def centre(spread: float) -> float:
        weight = 1.0 / (spread**2 + one / n)
        return float(weight @ y / weight.sum())

    def loss(spread: float) -> float:
        variance = spread**2 + one / n
        return float(np.sum(np.log(variance) + (y - centre(spread)) ** 2 / variance))

    spread = float(optimize.minimize_scalar(loss, bounds=(0.02 * scale, 2.0 * scale), method="bounded").x)
    return centre(spread), spread
