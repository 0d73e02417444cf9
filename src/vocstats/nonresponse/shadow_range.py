"""Confidence sets that stay valid when the shadow variable is weak: the moments of z are tested at every gamma.

    gamma   {γ : g' V^-1 g <= χ²},            g the moments of z with β and λ following γ, V their variance
    mean    {μ(γ) : g' V_μ^-1 g <= χ²},       V_μ the variance of g where γ follows from the mean: ψ_z - ψ_μ D_z / D_μ

Of each the stretch around the solution is taken. D_z, D_μ are the derivatives of g and of the equation of the mean to γ, ψ their terms
of one unit; χ² has as many degrees of freedom as z has columns. Neither test asks anything of D_z, which vanishes when z is irrelevant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from .._checks import Floats
from ..errors import VocstatsError
from ..estimation.scoring import solved
from .shadow_fit import Moments, Profile, profile, terms

_FARTHEST, _STEPS, _EDGE_STEPS = 12.0, 24, 8  # gamma per standard deviation of y: a stretch that long counts as endless


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranges:
    """Lower and upper ends for gamma (as scaled in the fit) and for every mean; NaN where the solution itself is not acceptable."""

    gamma: tuple[float, float]
    low: Floats
    high: Floats


def ranges(given: Moments, at: Profile, values: Floats, level: float) -> Ranges:
    """Walk from the solution to either side until the tests reject; `values` (heard, k) are those whose means are wanted."""
    curve = _Curve(given=given, values=values, critical=float(special.chdtri(at.moments.size, 1.0 - level)))
    centre, k = curve.at(float(at.gamma[0]), at.beta), values.shape[1]
    low, high = np.full(k, np.nan), np.full(k, np.nan)
    offsets = _FARTHEST * np.sinh(np.linspace(0.0, 3.5, _STEPS + 1)[1:]) / np.sinh(3.5)
    ends = []
    for sign in (-1.0, 1.0):
        path = [centre]
        for offset in offsets:
            if not (path[-1].tests <= curve.critical).any():
                break
            path.append(curve.at(centre.gamma + sign * float(offset), path[-1].beta))
        stretch = curve.stretch(path, 0)
        ends.append(sign * np.inf if len(stretch) > _STEPS else stretch[-1].gamma if stretch else np.nan)
        for j in range(k):
            means = [point.means[j] for point in curve.stretch(path, 1 + j)]
            low[j], high[j] = np.fmin(low[j], min(means, default=np.nan)), np.fmax(high[j], max(means, default=np.nan))
    return Ranges(gamma=(ends[0], ends[1]), low=low, high=high)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Point:
    gamma: float
    beta: Floats
    means: Floats
    tests: Floats  # that of gamma, then that of every mean


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Curve:
    """Means and tests as functions of gamma."""

    given: Moments
    values: Floats
    critical: float

    def stretch(self, path: list[_Point], test: int) -> list[_Point]:
        """Points of a path up to the first that the test rejects, with the edge between found by bisection."""
        accepted = [point.tests[test] <= self.critical for point in path]
        if all(accepted):
            return path
        first = accepted.index(False)
        return [*path[:first], self._edge(path[first - 1], path[first], test)] if first else []

    def _edge(self, inside: _Point, outside: _Point, test: int) -> _Point:
        """The accepted point next to where the test rejects, by false position (Illinois) on the root of its statistic."""
        low, high = (_root(point.tests[test]) - _root(self.critical) for point in (inside, outside))
        for _ in range(_EDGE_STEPS):
            if low > -1e-3:
                break
            share = low / (low - high) if np.isfinite(high) else 0.5
            middle = self.at(inside.gamma + share * (outside.gamma - inside.gamma), inside.beta)
            reached = _root(middle.tests[test]) - _root(self.critical)
            if reached <= 0.0:
                inside, low, high = middle, reached, 0.5 * high
            else:
                outside, low, high = middle, 0.5 * low, reached
        return inside

    def at(self, gamma: float, beta: Floats) -> _Point:
        """Means and statistics at one gamma, beginning with a beta; infinite statistics where the equations of β have no solution."""
        given, k = self.given, self.values.shape[1]
        try:
            at = profile(given, np.array([gamma]), beta)
        except VocstatsError:
            return _Point(gamma=gamma, beta=beta, means=np.full(k, np.nan), tests=np.full(1 + k, np.inf))
        weight = given.mass * (1.0 + at.excess)
        means = weight @ self.values / weight.sum()
        each = terms(given, at)
        products = (each * given.spread[:, None]).T @ each + given.silent_products
        taken = np.hstack([-at.projection, np.eye(at.moments.size)])
        plain = taken @ products @ taken.T
        tests = [_form(at.moments, plain)]
        for column, mean in zip(self.values.T, means, strict=True):
            deviation = column - mean
            through, slope = _of_mean(given, at, deviation)
            ratio = at.slope[:, 0] / slope if slope else np.full(at.moments.size, np.inf)
            own = (1.0 + at.excess) * deviation
            mixed = taken @ ((each * given.spread[:, None]).T @ own - products[:, : through.size] @ through)
            inner = products[: through.size, : through.size]
            cross = (each[:, : through.size] * given.spread[:, None]).T @ own
            variance = given.spread @ own**2 - 2.0 * through @ cross + through @ inner @ through
            table = plain - np.outer(mixed, ratio) - np.outer(ratio, mixed) + variance * np.outer(ratio, ratio)
            tests.append(_form(at.moments, table) if np.isfinite(table).all() else 0.0)
        return _Point(gamma=gamma, beta=at.beta, means=means, tests=np.nan_to_num(tests, nan=np.inf))


def _of_mean(given: Moments, at: Profile, deviation: Floats) -> tuple[Floats, float]:
    """What the equations of (β, λ) take out of the equation of a mean, and its derivative to gamma with β and λ following."""
    changed, plain = given.mass * at.excess * deviation, given.mass * at.odds * deviation
    direct = np.concatenate([-changed @ given.x, plain @ given.a])
    through = np.linalg.solve(at.nuisance.T, direct)
    return through, float(-changed @ given.b[:, 0] - through @ at.nuisance_gamma[:, 0])


def _root(statistic: float) -> float:
    return float(max(statistic, 0.0) ** 0.5)


def _form(vector: Floats, matrix: Floats) -> float:
    return float(vector @ solved(matrix, vector))
