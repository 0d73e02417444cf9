"""Models of the outcome, fitted in the sample and carried to the reference: linear, logistic, log-linear."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ...options import OutcomeFamily
from ...results import Floats
from .equations import Fit, gram, solve


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """m, m' and m'' at a linear predictor."""

    m: Floats
    slope: Floats
    curve: Floats


def predictions(eta: Floats, family: OutcomeFamily) -> Predictions:
    """Predicted outcomes: eta, 1 / (1 + exp(-eta)) or exp(eta)."""
    if family == "gaussian":
        return Predictions(m=eta, slope=np.ones_like(eta), curve=np.zeros_like(eta))
    if family == "binomial":
        m, rest = special.expit(eta), special.expit(-eta)
        return Predictions(m=m, slope=m * rest, curve=m * rest * (rest - m))
    m = np.exp(np.minimum(eta, 700.0))
    return Predictions(m=m, slope=m, curve=m)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OutcomeFit:
    """A fitted model and what it predicts for sample and reference."""

    fit: Fit
    of_sample: Predictions
    of_reference: Predictions


def fit_outcome(y: Floats, x: Floats, z: Floats, counts: Floats, family: OutcomeFamily, *, precision: Floats | None = None) -> OutcomeFit:
    """Solve Σ_A c v (y - m(x beta)) x = 0, v = 1 unless `precision` is given (canonical links)."""
    weight = counts if precision is None else counts * precision

    def score(beta: Floats) -> tuple[Floats, Floats]:
        at = predictions(x @ beta, family)
        return x.T @ (weight * (y - at.m)), -gram(x, weight * at.slope)

    beta = np.zeros(x.shape[1])
    centre = float(weight @ y / weight.sum())
    if family == "binomial":
        beta[0] = special.logit(np.clip(centre, 1e-3, 1.0 - 1e-3))
    elif family == "poisson":
        beta[0] = np.log(max(centre, 1e-3))
    spread = float(np.sqrt(weight @ (y - centre) ** 2 / weight.sum()))
    scale = weight.sum() * np.sqrt(np.mean(x**2, axis=0)) * (spread or 1.0)
    beta = solve(score, beta, scale, "outcome model")
    own = predictions(x @ beta, family)
    fit = Fit(
        parameters=beta, sample_score=x * ((y - own.m) if precision is None else precision * (y - own.m))[:, None],
        reference_score=np.zeros_like(z), bread=-score(beta)[1],
    )
    return OutcomeFit(fit=fit, of_sample=own, of_reference=predictions(z @ beta, family))
