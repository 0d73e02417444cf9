"""Propensities of being in the sample: maximum pseudo-likelihood and other estimating equations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...options import PropensityEquations, PropensityLink
from ...results import Floats
from . import links
from .equations import Fit, gram, solve
from .links import Propensities, propensities


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PropensityFit:
    """The estimated propensities of the sample and the equations they solve."""

    fit: Fit
    x: Floats
    of_sample: Propensities

    @property
    def weights(self) -> Floats:
        """1 / pi of every row of the sample."""
        return 1.0 / self.of_sample.pi

    def gradient(self, mass: Floats) -> Floats:
        """Derivative of Σ_A mass / pi to the parameters, (p, k) for masses (n, k)."""
        p = self.of_sample
        return -self.x.T @ ((p.slope / p.pi**2)[:, None] * mass)


def fit_propensity(
    x: Floats, z: Floats, counts: Floats, mass: Floats, link: PropensityLink, equations: PropensityEquations
) -> PropensityFit:
    """Solve Σ_A c a(x) x = Σ_B d a(x) pi(x) x for the parameters of pi(x) = link^-1(x alpha).

        likelihood    a = pi' / (pi (1 - pi))     the score of the pseudo-likelihood; 1 for the logit
        moments       a = 1                       h(x) = x: the expected sample has the totals of the sample
        calibration   a = 1 / pi                  h(x) = x / pi: the weighted sample has the totals of the reference

    Parameters
    ----------
    x, z : float arrays (n, p), (m, p)
        Columns of sample and reference, the first of ones.
    counts, mass : float arrays (n,), (m,)
        How often a row of the sample stands there, and what a row of the reference stands for.
    link, equations
        As in `nonprobability`.

    References
    ----------
    Chen, Li & Wu (2020), JASA 115, eqs. 5-8.
    """
    totals = z.T @ mass

    def balance(alpha: Floats) -> tuple[Floats, Floats]:
        a, a_slope, _ = _weight(propensities(x @ alpha, link), equations)
        value, derivative = x.T @ (counts * a), gram(x, counts * a_slope)
        if equations == "calibration":
            return value - totals, derivative
        _, _, (r, r_slope) = _weight(propensities(z @ alpha, link), equations)
        return value - z.T @ (mass * r), derivative - gram(z, mass * r_slope)

    alpha = np.zeros(x.shape[1])
    alpha[0] = links.start(counts.sum() / totals[0], link)
    size = totals[0] if equations == "calibration" else counts.sum()
    alpha = solve(balance, alpha, size * np.sqrt(np.mean(x**2, axis=0)), "propensity model")
    own, others = propensities(x @ alpha, link), propensities(z @ alpha, link)
    fit = Fit(
        parameters=alpha, sample_score=x * _weight(own, equations)[0][:, None],
        reference_score=-z * _weight(others, equations)[2][0][:, None], bread=-balance(alpha)[1],
    )
    return PropensityFit(fit=fit, x=x, of_sample=own)


def _weight(p: Propensities, equations: PropensityEquations) -> tuple[Floats, Floats, tuple[Floats, Floats]]:
    """a, a', and (r, r') of r = a pi."""
    if equations == "calibration":
        return 1.0 / p.pi, -p.slope / p.pi**2, (np.ones_like(p.pi), np.zeros_like(p.pi))
    if equations == "moments":
        return np.ones_like(p.pi), np.zeros_like(p.pi), (p.pi, p.slope)
    return p.tilt, p.tilt_slope, (p.tilt * p.pi, p.tilt_slope * p.pi + p.tilt * p.slope)
