"""One pain given what its coders are like: a latent Gaussian field over segments and offsets, by Laplace's method at many points at once.

    x_s = α + a_s         α ~ N(m, v),   a ~ N(0, σ²), its sum over segments 0
    offsets β             δ_r of the response groups but the engaged, then the mode effects: normal, independent
    counts                y_sq ~ Bin(n_sq, f_q + (s_q - f_q) logit⁻¹(x_s + β of column q)),   a column q is a response group and a source

Of texts read by several coders a column is one pattern of their labels, y = n, and the binomial is one term y log g of a multinomial.

A point j is a value of (s, f, σ). The precision of (x, β) is diag(d) + c 11' over segments, bordered by the few offsets, so that the cost
of a step is linear in the number of segments: c = 1 / (v S²) - 1 / (S σ²) stands for the zero sum and the prior of α.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ..results import Floats, Integers

_LEAST = 1e-12  # a chance below this is rounding
_STEPS = 40
_LONGEST = 2.0  # step, in logits
_CLOSE = 1e-4
_CONVEX = 0.2  # of the expected information: the least that a cell's observed information counts


@dataclass(frozen=True, slots=True, eq=False)
class PainCells:
    """Collapsed counts of one pain.

    Attributes
    ----------
    positive, n : Floats (S, Q)
        Both the number of texts where the column is a pattern of labels.
    offsets : Floats (Q, P)
        1 where an offset belongs to a column.
    mean, variance : float
        Of α.
    together : Integers (Q,), optional
        Which columns are patterns of texts that the same coders read; -1: the column counts positives. None: all do.
    """

    positive: Floats
    n: Floats
    offsets: Floats
    mean: float
    variance: float
    together: Integers | None = None

    @property
    def same_texts(self) -> Floats:
        """1 where two columns are patterns of the same texts, or the same column, (Q, Q)."""
        if self.together is None:
            return np.eye(self.n.shape[1])
        same = (self.together[:, None] == self.together) & (self.together >= 0)
        return np.asarray(np.maximum(same, np.eye(same.shape[0])))

    def log_likelihood(self, x: Floats, beta: Floats, found: Floats, false: Floats) -> Floats:
        """Without binomial coefficients, at rows of x (B, S), β (B, P), s and f (B, Q); (B,)."""
        g = special.expit(x[:, :, None] + (beta @ self.offsets.T)[:, None, :])
        g *= (found - false)[:, None, :]
        g += false[:, None, :]
        np.clip(g, _LEAST, 1.0 - _LEAST, out=g)
        cells = np.log(g) * self.positive
        cells += np.log1p(-g) * (self.n - self.positive)
        return np.asarray(cells.sum(axis=(1, 2)))

    def log_prior(self, x: Floats, sigma: Floats) -> Floats:
        """Log density of α and of a on its plane, without constants."""
        alpha = x.mean(axis=1)
        squares = np.sum((x - alpha[:, None]) ** 2, axis=1)
        return np.asarray((1.0 - x.shape[1]) * np.log(sigma) - 0.5 * squares / sigma**2 - 0.5 * (alpha - self.mean) ** 2 / self.variance)


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Values of what is held fixed: chances (J, M) not known of the sources, the s and f (J, Q) that follow, σ (J,)."""

    chances: Floats
    found: Floats
    false: Floats
    sigma: Floats


@dataclass(frozen=True, slots=True, eq=False)
class OffsetPrior:
    """Means and precisions of the offsets, (P,)."""

    mean: Floats
    precision: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """A normal distribution of (x, β) at each of J points.

    Attributes
    ----------
    x : Floats (J, S)
    beta : Floats (J, P)
        The mode.
    diagonal : Floats (J, S)
    border : Floats (J, S, P)
        Of the precision matrix.
    common : Floats (J, 3)
        c; 1 + c Σ 1/d; Σ 1/d.
    schur : Floats (J, P, P)
        Marginal precision of β.
    log_evidence : Floats (J,)
        Laplace's approximation to the log marginal likelihood, up to a constant.
    """

    x: Floats
    beta: Floats
    diagonal: Floats
    border: Floats
    common: Floats
    schur: Floats
    log_evidence: Floats

    def noise(self, at: Integers, wider: float, rng: np.random.Generator) -> Floats:
        """What x varies by about its mean given β."""
        d, (_, one_more, total) = self.diagonal[at], self.common[at].T
        noise = rng.standard_normal(d.shape) * np.sqrt(wider / d)
        noise -= ((1.0 - 1.0 / np.sqrt(one_more)) / total * noise.sum(axis=1))[:, None] / d
        return noise

    def mean_x(self, at: Integers, beta: Floats) -> Floats:
        """Mean of x given β."""
        d, (c, one_more, _) = self.diagonal[at], self.common[at].T
        pulled = np.einsum("bsp,bp->bs", self.border[at], beta - self.beta[at]) / d
        return np.asarray(self.x[at] - pulled + (c / one_more * pulled.sum(axis=1))[:, None] / d)

    def log_density(self, at: Integers, noise: Floats, wider: float) -> Floats:
        """Of x that far from its mean given β, without constants."""
        d, (c, one_more, _) = self.diagonal[at], self.common[at].T
        square = np.sum(d * noise**2, axis=1) + c * noise.sum(axis=1) ** 2
        return np.asarray(0.5 * (np.log(d).sum(axis=1) + np.log(one_more) - square / wider))


def fit_fields(cells: PainCells, points: Points, prior: OffsetPrior, *, x: Floats, beta: Floats) -> Fields:
    """Newton's method from x (S,) and β (P,) at all points, with the expected information on the way and the observed at the end."""
    many = points.sigma.size
    x, beta = np.tile(x, (many, 1)), np.tile(beta, (many, 1))
    active = np.arange(many)
    for _ in range(_STEPS):
        at = Points(points.chances[active], points.found[active], points.false[active], points.sigma[active])
        step_x, step_beta = _step(cells, at, prior, x[active], beta[active])
        largest = np.maximum(np.abs(step_x).max(axis=1), np.abs(step_beta).max(axis=1, initial=0.0))
        shorter = np.minimum(1.0, _LONGEST / np.maximum(largest, _CLOSE))[:, None]
        x[active] += shorter * step_x
        beta[active] += shorter * step_beta
        active = active[largest > _CLOSE]
        if not active.size:
            break
    system = _system(cells, points, prior, _information(cells, points, x, beta, observed=True)[1])
    return _described(cells, points, prior, x, beta, system)


@dataclass(frozen=True, slots=True, eq=False)
class _System:
    diagonal: Floats
    border: Floats
    common: Floats
    shared: Floats
    schur: Floats

    def solve(self, right_x: Floats, right_beta: Floats) -> tuple[Floats, Floats]:
        c, one_more, _ = self.common.T
        over = right_x / self.diagonal
        total = over.sum(axis=1)
        right = right_beta - np.einsum("jsp,js->jp", self.border, over) + (c / one_more * total)[:, None] * self.shared
        beta = np.linalg.solve(self.schur, right[:, :, None])[:, :, 0]
        sum_x = (total - np.sum(self.shared * beta, axis=1)) / one_more
        x = (right_x - (c * sum_x)[:, None] - np.einsum("jsp,jp->js", self.border, beta)) / self.diagonal
        return x, beta


def _step(cells: PainCells, points: Points, prior: OffsetPrior, x: Floats, beta: Floats) -> tuple[Floats, Floats]:
    score, information = _information(cells, points, x, beta)
    alpha = x.mean(axis=1, keepdims=True)
    slope_x = score.sum(axis=2) - (x - alpha) / points.sigma[:, None] ** 2 - (alpha - cells.mean) / (cells.variance * x.shape[1])
    slope_beta = score.sum(axis=1) @ cells.offsets - (beta - prior.mean) * prior.precision
    return _system(cells, points, prior, information).solve(slope_x, slope_beta)


def _information(cells: PainCells, points: Points, x: Floats, beta: Floats, *, observed: bool = False) -> tuple[Floats, Floats]:
    """Slope and information of each cell's log likelihood in its logit, (J, S, Q).

    A single n log g may bend either way: of patterns of the same texts, N (g')² / g is expected of N texts, and the observed curvature is
    that of all, shared among them.
    """
    p = special.expit(x[:, :, None] + (beta @ cells.offsets.T)[:, None, :])
    slope = (points.found - points.false)[:, None, :] * p
    g = np.clip(points.false[:, None, :] + slope, _LEAST, 1.0 - _LEAST)
    slope *= 1.0 - p
    each = slope / (g * (1.0 - g))
    residual = cells.positive - cells.n * g
    score, expected = residual * each, cells.n * slope * each
    if cells.together is None and not observed:
        return score, expected
    curvature = expected - score * ((1.0 - 2.0 * p) - each * (1.0 - 2.0 * g))
    if cells.together is not None:
        same = cells.same_texts
        expected = np.where(cells.together < 0, expected, (cells.n @ same) * slope**2 / g) @ same / same.sum(axis=0)
        curvature = curvature @ same / same.sum(axis=0)
    return score, np.maximum(curvature, _CONVEX * expected)


def _system(cells: PainCells, points: Points, prior: OffsetPrior, information: Floats) -> _System:
    """The precision matrix, its offsets left after its segments are eliminated."""
    segments, square = information.shape[1], points.sigma[:, None] ** 2
    at_segment = information.sum(axis=2)
    d = 1.0 / square + at_segment
    border = information @ cells.offsets
    c = 1.0 / (cells.variance * segments**2) - 1.0 / (segments * square[:, 0])
    total = np.sum(1.0 / d, axis=1)
    one_more = np.mean(square * at_segment / (1.0 + square * at_segment), axis=1) + total / (cells.variance * segments**2)
    over = border / d[:, :, None]
    shared = over.sum(axis=1)
    corner = np.einsum("jq,qp,qo->jpo", information.sum(axis=1), cells.offsets, cells.offsets) + np.diag(prior.precision)
    schur = corner - np.swapaxes(border, 1, 2) @ over + (c / one_more)[:, None, None] * shared[:, :, None] * shared[:, None, :]
    return _System(d, border, np.column_stack([c, one_more, total]), shared, schur)


def _described(cells: PainCells, points: Points, prior: OffsetPrior, x: Floats, beta: Floats, system: _System) -> Fields:
    log_determinant = np.log(system.diagonal).sum(axis=1) + np.log(system.common[:, 1]) + np.linalg.slogdet(system.schur)[1]
    offsets = -0.5 * np.sum(prior.precision * (beta - prior.mean) ** 2, axis=1)
    log_joint = cells.log_likelihood(x, beta, points.found, points.false) + cells.log_prior(x, points.sigma) + offsets
    return Fields(x, beta, system.diagonal, system.border, system.common, system.schur, log_joint - 0.5 * log_determinant)
