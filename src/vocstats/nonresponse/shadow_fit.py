"""Response odds that depend on the outcome, from a shadow variable: moments, their profile at a given gamma, and the solution.

With ω = R {1 + e^-η (1 + a λ)}, η = x β + b(y) γ, and m the mass of a row (counts times design weight),

    Σ m (R / π - 1) x = 0,   Σ m (ω - 1) a = 0,   C Σ m (ω - 1) z = 0,   R / π = R (1 + e^-η)

for β, λ and γ. Without outcome columns a there is no λ, and ω = R / π. C is the identity where z gives as many moments as γ has
entries; else it combines them as the generalised method of moments does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._checks import Floats
from ..errors import IdentificationError, shown
from ..estimation.scoring import solved
from ..weighting.response_models import Flags
from ..weighting.separation import separating

_TOL, _MAX_ITER, _CLOSE, _STALLED = 1e-11, 100, 1e-6, 1e-10
_LONGEST, _FARTHEST = 1.5, 30.0  # one step of gamma, and where it counts as infinite; per standard deviation of y


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShadowData:
    """Columns of everybody: response model, outcome model, shadow variable; b(y), 0 where not heard.

    Columns are centred and scaled; the first of x and of a is the intercept, and a may have no column.
    """

    x: Floats
    a: Floats
    z: Floats
    b: Floats
    heard: Flags
    names: tuple[str, ...]  # of the columns of x

    @property
    def nuisances(self) -> int:
        """Number of entries of β and λ."""
        return int(self.x.shape[1]) + int(self.a.shape[1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moments:
    """Rows of those heard, sums over the silent, and the cross products their variance is made of."""

    x: Floats
    a: Floats
    z: Floats
    b: Floats
    mass: Floats
    spread: Floats  # counts times squared design weight
    silent: Floats  # Σ m (x, a, z) over the silent
    size: Floats  # Σ m |x| over the silent
    silent_products: Floats  # Σ spread (x, a, z)(x, a, z)' over the silent
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """Everything at one gamma, with β and λ solved for it.

    Attributes
    ----------
    gamma, beta, lam : arrays (s,), (p,), (r,)
        Parameters.
    odds, excess : arrays (heard,)
        e^-η, and e^-η (1 + a λ): the weight less 1.
    moments : array (q,)
        Σ m (ω - 1) z.
    nuisance : array (p + r, p + r)
        Derivative of the equations of (β, λ) to (β, λ).
    nuisance_gamma, through, direct : arrays (p + r, s), (q, p + r), (q, s)
        Derivative of these equations to γ, of the moments to (β, λ) and to γ.
    """

    gamma: Floats
    beta: Floats
    lam: Floats
    odds: Floats
    excess: Floats
    moments: Floats
    nuisance: Floats
    nuisance_gamma: Floats
    through: Floats
    direct: Floats

    @property
    def projection(self) -> Floats:
        """What the equations of (β, λ) take out of the moments, (q, p + r)."""
        return np.asarray(np.linalg.solve(self.nuisance.T, self.through.T).T, dtype=np.float64)

    @property
    def slope(self) -> Floats:
        """Derivative of the moments to γ with β and λ following, (q, s)."""
        return np.asarray(self.direct - self.projection @ self.nuisance_gamma)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShadowFit:
    """The solution and how the moments of z were combined, (s, q)."""

    profile: Profile
    combination: Floats

    def bread(self) -> Floats:
        """Minus the derivative of all equations to (β, λ, γ)."""
        at, c = self.profile, self.combination
        return -np.block([[at.nuisance, at.nuisance_gamma], [c @ at.through, c @ at.direct]])


def moments_of(data: ShadowData, mass: Floats, spread: Floats) -> Moments:
    """What the equations need of rows with these masses."""
    heard, silent = data.heard & (mass > 0), ~data.heard & (mass > 0)
    refuse_no_silence(data.heard, mass)
    rest = np.hstack([data.x[silent], data.a[silent], data.z[silent]])
    return Moments(
        x=data.x[heard], a=data.a[heard], z=data.z[heard], b=data.b[heard], mass=mass[heard], spread=spread[heard],
        silent=mass[silent] @ rest, size=mass[silent] @ np.abs(data.x[silent]),
        silent_products=(rest * spread[silent][:, None]).T @ rest, names=data.names,
    )


def refuse_no_silence(heard: Flags, mass: Floats) -> None:
    """Raise unless some were heard and some not."""
    known = heard[mass > 0]
    if known.all() or not known.any():
        raise IdentificationError(
            "Everybody was heard, so there is no silence to model. Use estimation.mean." if known.any()
            else "Nobody was heard, so nothing is known of the outcome.",
            code="everybody_heard" if known.any() else "outcome_not_heard", argument="y",
        )


def profile(given: Moments, gamma: Floats, beta: Floats | None = None) -> Profile:
    """β and λ at a given γ, the moments of z there, and their derivatives."""
    x, a, z, b, m = given.x, given.a, given.z, given.b, given.mass
    p, r = x.shape[1], a.shape[1]
    beta = _beta(given, b @ gamma, np.zeros(p) if beta is None else beta)
    odds = np.exp(-x @ beta - b @ gamma)
    weighted_a = a * (m * odds)[:, None]
    lam = solved(a.T @ weighted_a, given.silent[p : p + r] - weighted_a.sum(axis=0)) if r else np.zeros(0)
    excess = odds * (1.0 + a @ lam)
    plain, changed = (m * odds)[:, None], (m * excess)[:, None]
    nuisance = np.zeros((p + r, p + r))
    nuisance[:p, :p], nuisance[p:, :p], nuisance[p:, p:] = -x.T @ (x * plain), -a.T @ (x * changed), a.T @ weighted_a
    return Profile(
        gamma=gamma, beta=beta, lam=lam, odds=odds, excess=excess, moments=(m * excess) @ z - given.silent[p + r :], nuisance=nuisance,
        nuisance_gamma=-np.vstack([x.T @ (b * plain), a.T @ (b * changed)]),
        through=np.hstack([-z.T @ (x * changed), z.T @ weighted_a]), direct=-z.T @ (b * changed),
    )


def terms(given: Moments, at: Profile) -> Floats:
    """What those heard add to the equations of (β, λ) and to the moments, per unit of mass, (heard, p + r + q)."""
    return np.hstack([given.x * at.odds[:, None], given.a * at.excess[:, None], given.z * at.excess[:, None]])


def covariance(given: Moments, at: Profile) -> Floats:
    """Variance of the moments with β and λ following: Σ spread ψ ψ' over everybody, (q, q)."""
    each = terms(given, at)
    products = (each * given.spread[:, None]).T @ each + given.silent_products
    taken = np.hstack([-at.projection, np.eye(at.moments.size)])
    return np.asarray(taken @ products @ taken.T)


def solve_shadow(given: Moments, *, start: tuple[Floats, Floats] | None = None) -> ShadowFit:
    """β, λ and γ; with more moments than entries of γ in two steps, the first weighed as if silence did not depend on the outcome.

    `start` are β and γ to begin with.
    """
    s, q = given.b.shape[1], given.z.shape[1]
    ignorable = profile(given, np.zeros(s), start[0] if start else None)
    first = ignorable if start is None else profile(given, start[1], start[0])
    at = _descend(given, first, _inverse(covariance(given, ignorable)))
    if q == s:
        return ShadowFit(profile=at, combination=np.eye(s))
    weighting = _inverse(covariance(given, at))
    at = _descend(given, at, weighting)
    return ShadowFit(profile=at, combination=at.slope.T @ weighting)


def _inverse(matrix: Floats) -> Floats:
    return np.asarray(np.linalg.pinv(matrix, hermitian=True), dtype=np.float64)


def _descend(given: Moments, at: Profile, weighting: Floats) -> Profile:
    """Gauss-Newton on moments' W moments."""
    loss = float(at.moments @ weighting @ at.moments)
    for _ in range(_MAX_ITER):
        slope = at.slope
        step = -solved(slope.T @ weighting @ slope, slope.T @ weighting @ at.moments)
        longest = float(np.abs(step).max()) if np.isfinite(step).all() else np.inf
        if longest <= _TOL * (1.0 + float(np.abs(at.gamma).max())):
            break
        step = step * min(1.0, _LONGEST / longest) if np.isfinite(longest) else step
        size = 1.0
        while size > _STALLED and np.isfinite(longest):
            new = profile(given, at.gamma + size * step, at.beta)
            reached = float(new.moments @ weighting @ new.moments)
            if reached < loss or longest < _CLOSE:
                break
            size /= 2.0
        else:
            break
        at, loss = new, reached
        if np.abs(at.gamma).max() > _FARTHEST:
            break
    _refuse_unsolved(at, weighting, loss)
    return at


def _refuse_unsolved(at: Profile, weighting: Floats, loss: float) -> None:
    """Raise where gamma ran away, or the descent ended where the equations do not hold."""
    farthest, slope = float(np.abs(at.gamma).max()), at.slope
    combined = slope.T @ weighting @ at.moments
    scale = np.sqrt(np.maximum(np.diag(slope.T @ weighting @ slope), 1e-300))
    missed = float(np.abs(combined / scale).max()) if at.gamma.size < at.moments.size else float(np.sqrt(loss))
    if farthest > _FARTHEST or not missed <= 1e-5:  # in standard errors of the moments
        raise IdentificationError(
            "No finite dependence of response on the outcome balances the shadow variable: those heard, however they are weighted by their "
            "answers, do not have the z of everybody. Either z drives response itself, or too few answers differ. Use a sensitivity range.",
            code="shadow_no_solution", argument="z", gamma=farthest, missed=missed,
        )


def _beta(given: Moments, tilt: Floats, beta: Floats) -> Floats:
    """β that minimises Σ_heard m e^-η + Σ_silent m x β, convex: its derivative is minus the equations of β."""
    x, m, totals = given.x, given.mass, given.silent[: given.x.shape[1]]
    beta = beta.copy()

    def shifted(b: Floats) -> Floats:
        """The intercept that makes its own equation hold."""
        exponent = -x @ b - tilt
        top = float(exponent.max())
        b[0] += top + np.log(m @ np.exp(exponent - top)) - np.log(totals[0])
        return b

    def loss(b: Floats) -> float:
        with np.errstate(over="ignore"):
            return float(m @ np.exp(-x @ b - tilt) + totals @ b)

    beta = shifted(beta)
    value = loss(beta)
    for _ in range(_MAX_ITER):
        weight = m * np.exp(-x @ beta - tilt)
        missed = weight @ x - totals
        if np.abs(missed / np.maximum(given.size, 1e-300)).max() <= _TOL:
            return beta
        step = solved((x * weight[:, None]).T @ x, missed)
        size = 1.0
        while np.isfinite(step).all() and size > _STALLED and not loss(beta + size * step) <= value + 1e-12 * abs(value):
            size /= 2.0
        if not np.isfinite(step).all() or size <= _STALLED or np.abs(step).max() > 1e6:
            break
        beta = shifted(beta + size * step)
        value = loss(beta)
    apart = separating(np.vstack([x, -totals[None, :]]), np.ones(len(x) + 1))
    levels = [name for name, flag in zip(given.names, apart, strict=True) if flag] or list(given.names[1:])
    raise IdentificationError(
        f"No weighting of those heard reaches what the silent have of {shown(levels)}: some kinds of people were (nearly) never heard. "
        "Merge levels or leave columns out.",
        code="shadow_separation", argument="x", levels=levels,
    )
