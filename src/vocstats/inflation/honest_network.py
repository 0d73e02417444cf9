"""What a network of dealers teaches of its honest levels, its honest gaps, and of what lifts a dealer's own channel.

    level           a_d ~ N(m + mix_d, τ²)
    independent     y0_d ~ N(a_d, s_d² / n0_d)
    own channel     y1_d ~ N((1 - φ_d) (a_d + r_d (g + h_d)) + φ_d top, (1 - φ_d) s_d² / n1_d),   h_d ~ N(0, ω²)
    share lifted    φ_d = 0 with chance 1 - π, else from a beta distribution with mean f and concentration c
    evidence        p_d uniform where φ_d = 0, else with density 1 - ρ + ρ α p^(α - 1),   ρ = φ² / (φ² + half²)

Given φ everything is normal: the likelihood of a dealer is a sum over a grid of φ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy import special

from ..results import Floats, Labels
from .channel_levels import ChannelLevels

_NODES = 24
_EDGES = np.linspace(0.0, 1.0, _NODES + 1)
PHI = np.append(0.0, (_EDGES[:-1] + _EDGES[1:]) / 2.0)
_LEAST_P = 1e-10  # a smaller one says no more: no p-value is exact so far out
_START = np.array([0.0, -1.5, -2.0, -0.7, 1.6, -2.0, -1.9])  # gap and ω in spreads of levels; logits of π, f, α; log c; log half
_PRIOR = np.array([1.0, 1.0, 1.5, 0.35, 0.3, 1.0, 0.3])  # standard deviations around the start: a few lifted dealers tell little
_LIMITS = [(-5.0, 5.0), (-4.0, 2.0), (-7.0, 4.0), (-4.0, 4.0), (-1.0, 4.0), (-5.0, 3.0), (-5.0, 2.0)]
_KAPPA = 300.0  # answers in which what is usual at a dealer's level counts as seen, beside his own
_DRAWS = 24  # of the parameters
_FLAT = 1e3  # standard deviation of a prior that says nothing
_STEP = 1e-3
_LEAST_ROOM = 0.02  # of the scale: no dealer's answers are all at its end for certain


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
    half: float

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
        excess = np.expm1(np.log(self.sharpness) + (self.sharpness - 1.0) * log_p)
        seen = PHI**2 / (PHI**2 + self.half**2)
        return np.where(np.isnan(p_value)[:, None], 0.0, np.log1p(seen * excess[:, None]))


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
    """All nodes of every dealer; a channel without answers has a huge variance and says nothing."""
    mean = (network.centre + levels.mix)[:, None]
    tau, omega = network.spread**2, ((network.gap_spread * levels.room) ** 2)[:, None]
    gap = (network.gap * levels.room)[:, None]
    far = 1e6 * (tau + omega.max() + levels.s0.max())
    heard0, heard1 = (levels.n0 > 0)[:, None], (levels.n1 > 0)[:, None]
    r0 = np.where(heard0, np.nan_to_num(levels.y0)[:, None] - mean, 0.0)
    r1 = np.where(heard1, np.nan_to_num(levels.y1)[:, None] - (1.0 - PHI) * (mean + gap) - PHI * levels.top, 0.0)
    s00 = tau + np.where(heard0, np.nan_to_num(levels.v0)[:, None], far)
    own = (1.0 - PHI) * (levels.s0 / np.maximum(levels.n1, 1.0))[:, None] + levels.e1[:, None]
    s01, s11 = (1.0 - PHI) * tau + levels.shared[:, None], (1.0 - PHI) ** 2 * (tau + omega) + np.where(heard1, own, far)
    determinant = s00 * s11 - s01**2
    square = (s11 * r0**2 - 2.0 * s01 * r0 * r1 + s00 * r1**2) / determinant
    possible = np.where(heard1 | (PHI == 0.0), 0.0, -np.inf)
    log = network.log_prior() + network.log_evidence(p_value) - 0.5 * (square + np.log(determinant)) + possible
    r0, r1, s00, s01, s11 = np.broadcast_arrays(r0, r1, s00, s01, s11)
    return Nodes(r0, r1, s00, s01, s11, log)


def fit_network(levels: ChannelLevels, p_value: Floats, rng: np.random.Generator) -> tuple[list[Network], ChannelLevels]:
    """The network by maximum likelihood, first, and likely others; and the levels with the variances `s0` of an honest answer.

    m and τ come from independent answers alone, the rest from both channels given these two.
    """
    from scipy import optimize

    one = float(levels.within.sum() / max(float(np.maximum(levels.n0 - 1.0, 0.0).sum()), 1.0))
    centre, spread = _centre_and_spread(levels, one)
    settled = _with_variances(levels, centre, spread, one)
    first = np.array([centre, np.log(spread)])

    def alone(values: Floats) -> Floats:
        return _normal(levels, first + values, one)

    def terms(values: Floats) -> Floats:
        each = nodes(_network(np.append(first, values), spread), settled, p_value)
        return np.asarray(special.logsumexp(each.log_chance, axis=1))

    def loss(values: Floats) -> float:
        return float(0.5 * np.sum(((values - _START) / _PRIOR) ** 2) - terms(values).sum())

    found = optimize.minimize(loss, _START, method="L-BFGS-B", bounds=_LIMITS, options={"ftol": 1e-7}).x
    likely = np.hstack([
        first + _around(alone, np.zeros(2), np.full(2, _FLAT), [(-np.inf, np.inf), (-2.0, 2.0)], rng),
        _around(terms, found, _PRIOR, _LIMITS, rng),
    ])
    return [_network(values, spread) for values in (np.append(first, found), *likely)], settled


def _around(
    terms: Callable[[Floats], Floats], found: Floats, prior: Floats, limits: list[tuple[float, float]], rng: np.random.Generator
) -> Floats:
    """Values in pairs on either side of those found, normal with the inverse of the information in the dealers' slopes, (draws, p)."""
    slopes = np.array([(terms(found + step) - terms(found - step)) / (2.0 * _STEP) for step in _STEP * np.eye(found.size)])
    covariance = np.linalg.inv(slopes @ slopes.T + np.diag(prior**-2))
    beside = rng.normal(size=(_DRAWS // 2, found.size)) @ np.linalg.cholesky(covariance).T
    low, high = np.array(limits).T
    return np.asarray(np.clip(np.vstack([found + beside, found - beside]), low, high))


def _network(values: Floats, unit: float) -> Network:
    centre, log_tau, gap, log_omega, share, lifted, log_c, sharpness, log_half = values.tolist()
    inverse = [float(special.expit(each)) for each in (share, lifted, sharpness)]
    return Network(
        centre=centre, spread=float(np.exp(log_tau)), gap=gap * unit, gap_spread=float(np.exp(log_omega)) * unit, share=inverse[0],
        lifted=inverse[1], concentration=float(np.exp(log_c)), sharpness=inverse[2], half=float(np.exp(log_half)),
    )


def _centre_and_spread(levels: ChannelLevels, one: float) -> tuple[float, float]:
    """m and τ, every answer of variance `one`: weights that rise with the level would draw m upwards."""
    from scipy import optimize

    y = (levels.y0 - levels.mix)[levels.n0 > 0]
    scale = float(np.sqrt(np.var(y) + one / levels.n0[levels.n0 > 0].mean()))

    def centre(spread: float) -> float:
        weight = 1.0 / (spread**2 + one / levels.n0[levels.n0 > 0])
        return float(weight @ y / weight.sum())

    def loss(spread: float) -> float:
        return -float(_normal(levels, np.array([centre(spread), np.log(spread)]), one).sum())

    spread = float(optimize.minimize_scalar(loss, bounds=(0.01 * scale, 2.0 * scale), method="bounded").x)
    return centre(spread), spread


def _normal(levels: ChannelLevels, values: Floats, one: float) -> Floats:
    """Log density of the independent means at the first two parameters."""
    heard = levels.n0 > 0
    variance = np.exp(2.0 * values[1]) + one / levels.n0[heard]
    return np.asarray(-0.5 * (np.log(variance) + ((levels.y0 - levels.mix)[heard] - values[0]) ** 2 / variance))


def _with_variances(levels: ChannelLevels, centre: float, spread: float, one: float) -> ChannelLevels:
    """Variances of an honest answer: c [(top - a) (a - bottom)]^(γ / 2) at the dealer's level a, as if seen in κ answers beside his own.

    Own variances would trust lucky dealers too much: the higher a mean, the smaller its variance looks. Variances that follow the level
    all the way (γ fits them best) would still draw low dealers further up than high ones down; half the way, means are hardly biased.
    """
    shrunken = np.where(levels.n0 > 0, spread**2 / (spread**2 + one / np.maximum(levels.n0, 1.0)), 0.0)
    a = centre + levels.mix + shrunken * (np.nan_to_num(levels.y0) - centre - levels.mix)
    width = levels.top - levels.bottom
    least = _LEAST_ROOM * width
    above, below = np.clip(levels.top - a, least, width), np.clip(a - levels.bottom, least, width)
    room = np.log(above * below)
    freedom = np.maximum(levels.n0 - 1.0, 0.0)
    full = (freedom >= 20) & (levels.within > 0)
    gamma = 0.0
    if full.sum() > 2 and np.ptp(room[full]) > 0:
        gamma = float(np.polyfit(room[full], np.log(levels.within[full] / freedom[full]), 1, w=np.sqrt(freedom[full]))[0])
    usual = np.exp(np.clip(gamma, 0.0, 2.0) / 2.0 * room)
    usual *= levels.within.sum() / max(float(freedom @ usual), 1e-300)
    variance = (levels.within + _KAPPA * usual) / (freedom + _KAPPA)
    return replace(levels, s0=variance, room=above / max(levels.top - centre, least))
