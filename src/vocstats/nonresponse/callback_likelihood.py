"""The likelihood of who answered at which attempt, and its maximum.

A cell c is one score of one class g of characteristics, f_c its share of the class, n_ck those heard in it at attempt k, m_g the
class's people never heard. With hazards h_ck, logit h_ck (or, under the link "log", log h_ck) = alpha_k + z_c θ, and s_c = Π_k (1 - h_ck),

    log L = Σ_ck n_ck log[h_ck Π_{j<k} (1 - h_cj)] + Σ_c n_c log f_c + Σ_g m_g log S_g,   S_g = Σ_{c in g} f_c s_c

The shares add up to 1 in every class, and along a profile a mean is held: both are linear, and Newton's method keeps to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import linalg, special

from .._checks import Floats, Integers
from ..options import CallbackLink

_TOL, _ROUGH, _MAX_ITER = 1e-9, 1e-6, 200  # of the log-likelihood that one more step would gain; what rounding may leave of it
_FARTHEST = 30.0  # log odds of an answer beyond which it is certain


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """Parameters of the hazards (alpha, θ) and shares f of the cells."""

    theta: Floats
    f: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CallLikelihood:
    """Heard n (cells, attempts), class of each cell, design z (cells, r), never heard m (classes,), share of each class.

    `later` are those heard at an attempt or after it, `total` those heard at any, `member` (classes, cells) says which cell is whose.
    """

    n: Floats
    group: Integers
    z: Floats
    m: Floats
    share: Floats
    link: CallbackLink = "logit"
    later: Floats = field(init=False)
    total: Floats = field(init=False)
    member: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "later", np.cumsum(self.n[:, ::-1], axis=1)[:, ::-1])
        object.__setattr__(self, "total", self.n.sum(axis=1))
        object.__setattr__(self, "member", (self.group == np.arange(self.m.size)[:, None]).astype(float))

    @property
    def parameters(self) -> int:
        """Of the hazards."""
        return int(self.n.shape[1] + self.z.shape[1])

    def predictor(self, theta: Floats) -> Floats:
        """alpha_k + z_c θ, (cells, attempts)."""
        k = self.n.shape[1]
        return np.asarray(theta[:k] + (self.z @ theta[k:])[:, None])

    def silence(self, at: Point) -> Floats:
        """S, the share of every class that is never heard."""
        return np.asarray(self.member @ (at.f * np.exp(_logarithms(self.predictor(at.theta), self.link)[1].sum(axis=1))))

    def value(self, at: Point) -> float:
        """Log-likelihood."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # outside its range the value is NaN, and no step goes there
            answered, missed = _logarithms(self.predictor(at.theta), self.link)
            silent = self.member @ (at.f * np.exp(missed.sum(axis=1)))
            heard = (self.n * answered + (self.later - self.n) * missed).sum()
            return float(heard + self.total @ np.log(at.f) + self.m @ np.log(silent))

    def derivatives(self, at: Point) -> tuple[Floats, Floats]:
        """Slope and curvature in (alpha, θ, f)."""
        rise, rise_curve, fall, fall_curve = _slopes(self.predictor(at.theta), self.link)
        z, f, p, k = self.z, at.f, self.parameters, self.n.shape[1]
        s = np.exp(_logarithms(self.predictor(at.theta), self.link)[1].sum(axis=1))
        ratio = s / (self.member @ (f * s))[self.group]
        silent = self.m[self.group] * ratio  # f times it: people never heard, by cell
        t = np.empty((f.size, p))
        t[:, :k], t[:, k:] = fall, z * fall.sum(axis=1)[:, None]
        centre = self.member @ ((ratio * f)[:, None] * t)
        passed = self.later - self.n
        own = self.n * rise - passed * fall
        slope, curvature = np.empty(p + f.size), np.empty((p + f.size, p + f.size))
        slope[:p] = np.concatenate([own.sum(axis=0), own.sum(axis=1) @ z]) - self.m @ centre
        slope[p:] = self.total / f + silent
        curvature[:p, :p] = t.T @ (t * (silent * f)[:, None]) - (centre.T * self.m) @ centre
        curvature[:p, :p] -= crossed(z, self.n * rise_curve + (passed + (silent * f)[:, None]) * fall_curve)
        curvature[p:, :p] = -silent[:, None] * (t - centre[self.group])
        curvature[:p, p:] = curvature[p:, :p].T
        curvature[p:, p:] = -(self.member.T * silent[:, None]) @ (self.member * ratio)
        curvature[p:, p:][np.diag_indices(f.size)] -= self.total / f**2
        return slope, curvature

    def mean(self, values: Floats, at: Point) -> float:
        """Mean of `values` (cells,) over everybody."""
        return float((self.share[self.group] * at.f) @ values)

    def spread(self, values: Floats, at: Point) -> tuple[float, float]:
        """Variance of `values` (cells,) between the means of the classes, and within the classes."""
        means = self.member @ (at.f * values)
        within = float((self.share[self.group] * at.f) @ (values - means[self.group]) ** 2)
        return float(self.share @ (means - self.share @ means) ** 2), within

    def maximum(self) -> Point | None:
        """The maximum, climbed from every score answering alike; None where the likelihood rises for ever."""
        chance = self.n.sum(axis=0) / (self.later.sum(axis=0) + self.m.sum())
        theta = np.concatenate([special.logit(chance) if self.link == "logit" else np.log(chance), np.zeros(self.z.shape[1])])
        return self.climbed(Point(theta, self.total / (self.member @ self.total)[self.group]), linalg.null_space(self.member))

    def climbed(self, at: Point, free: Floats) -> Point | None:
        """The maximum among points that differ from `at` in directions that `free` spans; None: there is none."""
        p, value = self.parameters, self.value(at)
        for _ in range(_MAX_ITER):
            slope, curvature = reduced(*self.derivatives(at), free, p)
            step = _ascent(slope, curvature)
            gain, way = float(slope @ step), free @ step[p:]
            if gain < _TOL:
                last = Point(at.theta + step[:p], at.f + way)
                return last if np.isfinite(self.value(last)) else at
            size = min(1.0, 0.9 / max(float((-way / at.f).max()), 1e-300))
            moved = Point(at.theta + size * step[:p], at.f + size * way)
            while not (fresh := self.value(moved)) >= value + 1e-4 * size * gain:
                size /= 2.0
                if size < 1e-9:
                    return at if gain < _ROUGH else None
                moved = Point(at.theta + size * step[:p], at.f + size * way)
            if np.abs(moved.theta).max() > _FARTHEST:
                return None
            at, value = moved, fresh
        return None

    def misfit(self, at: Point) -> tuple[float, int]:
        """Twice what the log-likelihood falls short of that of the shares observed, and the degrees of freedom left."""
        size = self.member @ self.total + self.m
        observed = special.xlogy(self.n, self.n / size[self.group][:, None]).sum() + special.xlogy(self.m, self.m / size).sum()
        free = self.n.size + self.m.size - self.parameters - self.total.size
        return 2.0 * float(observed - self.value(at)), free

    def variance(self, values: Floats, top: Point) -> float:
        """Variance of the mean of `values` by the curvature at the maximum, the shares of the classes being given."""
        p, free = self.parameters, linalg.null_space(self.member)
        _, curvature = reduced(*self.derivatives(top), free, p)
        slope = np.concatenate([np.zeros(p), free.T @ (self.share[self.group] * values)])
        return float(slope @ np.linalg.solve(-curvature, slope))


def crossed(z: Floats, weight: Floats) -> Floats:
    """Σ_ik weight_ik D_ik D_ik' for D_ik = (indicator of attempt k, z_i)."""
    k = weight.shape[1]
    table = np.empty((k + z.shape[1], k + z.shape[1]))
    table[:k, :k] = np.diag(weight.sum(axis=0))
    table[:k, k:] = weight.T @ z
    table[k:, :k] = table[:k, k:].T
    table[k:, k:] = (z.T * weight.sum(axis=1)) @ z
    return table


def reduced(slope: Floats, curvature: Floats, free: Floats, p: int) -> tuple[Floats, Floats]:
    """Slope and curvature in the p parameters of the hazards and in the directions the constraints leave to the shares."""
    k = free.shape[1]
    fewer, table = np.empty(p + k), np.empty((p + k, p + k))
    fewer[:p], fewer[p:] = slope[:p], slope[p:] @ free
    table[:p, :p], table[p:, p:] = curvature[:p, :p], free.T @ curvature[p:, p:] @ free
    table[:p, p:] = curvature[:p, p:] @ free
    table[p:, :p] = table[:p, p:].T
    return fewer, table


def _logarithms(eta: Floats, link: CallbackLink) -> tuple[Floats, Floats]:
    """log h and log(1 - h)."""
    if link == "log":
        return eta, np.log1p(-np.exp(eta))
    missed = -np.logaddexp(0.0, eta)
    return eta + missed, missed


def _slopes(eta: Floats, link: CallbackLink) -> tuple[Floats, Floats, Floats, Floats]:
    """Slope and minus the curvature of log h, and of log(1 - h) minus the slope and minus the curvature."""
    h = np.exp(eta) if link == "log" else special.expit(eta)
    if link == "log":
        return np.ones_like(h), np.zeros_like(h), h / (1.0 - h), h / (1.0 - h) ** 2
    return 1.0 - h, h * (1.0 - h), h, h * (1.0 - h)


def _ascent(slope: Floats, curvature: Floats) -> Floats:
    """Newton's step, uphill also where the surface is not concave."""
    try:
        return np.asarray(linalg.cho_solve(linalg.cho_factor(-curvature, check_finite=False), slope, check_finite=False))
    except linalg.LinAlgError:
        values, vectors = np.linalg.eigh(-curvature)
        return np.asarray(vectors @ ((vectors.T @ slope) / np.maximum(np.abs(values), 1e-8 * np.abs(values).max())))
