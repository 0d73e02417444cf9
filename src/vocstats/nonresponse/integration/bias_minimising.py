"""Yang, Kim and Song's joint equations for both models: the doubly robust estimate does not lean on errors of either to first order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...options import OutcomeFamily, PropensityLink
from ...results import Floats
from .equations import Fit, gram, solve
from .links import propensities
from .outcome_models import OutcomeFit, fit_outcome, predictions
from .propensity import PropensityFit, fit_propensity


def fit_jointly(
    y: Floats, x: Floats, z: Floats, counts: Floats, mass: Floats, link: PropensityLink, family: OutcomeFamily
) -> tuple[PropensityFit, OutcomeFit]:
    """Solve for (alpha, beta) where the derivative of the doubly robust estimate to both is 0.

        Σ_A c m'(x beta) x / pi(x alpha)  =  Σ_B d m'(x beta) x
        Σ_A c pi'/pi² (y - m(x beta)) x   =  0

    The linear model has m' = 1: calibrated propensities, then weighted least squares. The others start from there.

    Parameters
    ----------
    y : float array (n,)
        Outcome of the sample.
    x, z, counts, mass, link
        As in `fit_propensity`.
    family
        As in `nonprobability`.

    Returns
    -------
    tuple
        The two models. Both carry the joint equations as their fit, of 2p parameters.

    References
    ----------
    Yang, Kim & Song (2020), J. R. Stat. Soc. B 82(2), eqs. 9-10; Kim & Haziza (2014), Statistica Sinica 24.
    """
    p = x.shape[1]
    chosen = fit_propensity(x, z, counts, mass, link, "calibration")
    ratio = chosen.of_sample.slope / chosen.of_sample.pi**2
    outcome = fit_outcome(y, x, z, counts, family, precision=ratio)

    def joint(theta: Floats) -> tuple[Floats, Floats]:
        own, at, beyond = propensities(x @ theta[:p], link), predictions(x @ theta[p:], family), predictions(z @ theta[p:], family)
        q = own.slope / own.pi**2
        q_slope = own.curve / own.pi**2 - 2.0 * own.slope**2 / own.pi**3
        first = x.T @ (counts * at.slope / own.pi) - z.T @ (mass * beyond.slope)
        second = x.T @ (counts * q * (y - at.m))
        blocks = [
            [-gram(x, counts * at.slope * q), gram(x, counts * at.curve / own.pi) - gram(z, mass * beyond.curve)],
            [gram(x, counts * q_slope * (y - at.m)), -gram(x, counts * q * at.slope)],
        ]
        return np.concatenate([first, second]), np.block(blocks)

    theta = np.concatenate([chosen.fit.parameters, outcome.fit.parameters])
    if family != "gaussian":
        size = np.sqrt(np.mean(x**2, axis=0))
        spread = max(float(np.std(y)), 1e-300)
        scales = (size * (counts @ (outcome.of_sample.slope / chosen.of_sample.pi)), size * spread * (counts @ ratio))
        theta = solve(joint, theta, np.concatenate(scales), "joint model")
    own, at, beyond = propensities(x @ theta[:p], link), predictions(x @ theta[p:], family), predictions(z @ theta[p:], family)
    tail = (own.slope / own.pi**2 * (y - at.m))[:, None]
    fit = Fit(
        parameters=theta, sample_score=np.hstack([x * (at.slope / own.pi)[:, None], x * tail]),
        reference_score=np.hstack([-z * beyond.slope[:, None], np.zeros_like(z)]), bread=-joint(theta)[1],
    )
    return replace(chosen, fit=fit, of_sample=own), OutcomeFit(fit=fit, of_sample=at, of_reference=beyond)

