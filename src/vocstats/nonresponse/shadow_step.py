"""Weights of those heard divided by a response probability that depends on their answer: a step of a chain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._checks import Floats
from ..weighting.chain import times
from ..weighting.response_models import Flags
from .shadow_fit import ShadowData, ShadowFit, moments_of, solve_shadow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShadowStep:
    """Factor R {1 + e^-η (1 + a λ)}: 1 / π where there are no outcome columns a.

    The equations are not symmetric in parameters and moments: `score` is already bread^-1 times them, and `bread` the identity.
    The combination of more moments than parameters is held fixed, as is usual in the generalised method of moments.
    """

    name: str
    data: ShadowData
    fit: ShadowFit
    factor: Floats
    odds: Floats
    excess: Floats

    @property
    def heard(self) -> Flags:
        """Who was heard."""
        return self.data.heard

    @property
    def chance(self) -> Floats:
        """Modelled probability π of those heard; NaN for the others, whose answer is not known."""
        return np.where(self.data.heard, 1.0 / (1.0 + self.odds), np.nan)

    def gradient(self, *, exact: bool = False) -> Floats:
        """Derivative of the factor to β, λ and γ."""
        excess, odds = self.excess[:, None], self.odds[:, None]
        return np.hstack([-excess * self.data.x, odds * self.data.a, -excess * self.data.b])

    def score(self, *, contrast: bool = False) -> Floats:
        """What a unit does to β, λ and γ."""
        heard = self.data.heard
        u, v = (np.where(heard, part + contrast, contrast - 1.0)[:, None] for part in (self.odds, self.excess))
        equations = np.hstack([u * self.data.x, v * self.data.a, (v * self.data.z) @ self.fit.combination.T])
        return np.asarray(np.linalg.solve(self.fit.bread(), equations.T).T)

    def bread(self, *, exact: bool = False) -> Floats:
        """The identity."""
        return np.eye(self.data.nuisances + self.data.b.shape[1])

    def rerun(self, w_in: Floats, counts: Floats) -> ShadowStep:
        """The same model with other weights and multiplicities."""
        return fit_step(self.data, w_in, counts, start=(self.fit.profile.beta, self.fit.profile.gamma))

    def details(self) -> dict[str, float]:
        """Extreme probabilities of those heard."""
        known = self.chance[self.data.heard]
        return {"probability_min_heard": float(known.min()), "probability_max_heard": float(known.max())}


def fit_step(data: ShadowData, w_in: Floats, counts: Floats, *, start: tuple[Floats, Floats] | None = None) -> ShadowStep:
    """Solve the equations with these weights and multiplicities."""
    mass = np.array(times(counts, w_in))
    fit = solve_shadow(moments_of(data, mass, mass * w_in), start=start)
    at = fit.profile
    with np.errstate(over="ignore"):
        odds = np.where(data.heard, np.exp(-data.x @ at.beta - data.b @ at.gamma), 0.0)
    excess = odds * (1.0 + data.a @ at.lam)
    factor = np.where(data.heard, 1.0 + excess, 0.0)
    factor.flags.writeable = False
    return ShadowStep(name="shadow", data=data, fit=fit, factor=factor, odds=odds, excess=excess)
