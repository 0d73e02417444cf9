"""How a linear predictor becomes the chance of leaving in a period, written through what it adds to -log survival.

    logit    c(η) = log(1 + e^η)      cloglog    c(η) = e^η      hazard h = 1 - e^-c, survival of a period e^-c
"""

from __future__ import annotations

import numpy as np
from scipy import special

from .._checks import Floats
from ..options import HazardLink


def predictor(hazard: Floats, link: HazardLink) -> Floats:
    """η at which the hazard is reached."""
    return np.asarray(special.logit(hazard) if link == "logit" else np.log(-np.log1p(-hazard)))


def cumulative(eta: Floats, link: HazardLink) -> Floats:
    """c: what a period adds to -log survival."""
    return np.asarray(np.logaddexp(0.0, eta) if link == "logit" else np.exp(eta))


def slope(eta: Floats, link: HazardLink) -> Floats:
    """c'."""
    return np.asarray(special.expit(eta) if link == "logit" else np.exp(eta))


def odds(eta: Floats, link: HazardLink) -> Floats:
    """c' / h: the score of somebody who leaves, less that of somebody who stays."""
    if link == "logit":
        return np.ones_like(eta)
    c = np.exp(eta)
    return np.divide(c, -np.expm1(-c), out=np.ones_like(c), where=c > 0)


def expected(eta: Floats, link: HazardLink) -> Floats:
    """Expected information of a person-period: c'² (1 - h) / h."""
    stays = np.exp(-cumulative(eta, link))
    return slope(eta, link) * odds(eta, link) * stays


def observed(eta: Floats, share: Floats, link: HazardLink) -> Floats:
    """Observed information of a person-period of whom a share leaves: c'' - share (c'/h)'; the expected one for the logit."""
    if link == "logit":
        return expected(eta, link)
    c, ratio = np.exp(eta), odds(eta, link)
    return np.asarray(c - share * (ratio - ratio**2 * np.exp(-c)))
