"""How the propensity depends on its linear predictor: logit, probit and complementary log-log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ...options import PropensityLink
from ...results import Floats

_FAR = 30.0  # beyond this linear predictor every link is 0 or 1 to within 1e-13, but its ratios would overflow


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Propensities:
    """pi, its first and second derivative and its odds ratio slope at a linear predictor.

    Attributes
    ----------
    pi, slope, curve : float arrays (n,)
        pi, pi' and pi''.
    tilt : float array (n,)
        pi' / (pi (1 - pi)), the derivative of the log odds; 1 for the logit.
    tilt_slope : float array (n,)
        Its derivative.
    """

    pi: Floats
    slope: Floats
    curve: Floats
    tilt: Floats
    tilt_slope: Floats


def propensities(eta: Floats, link: PropensityLink) -> Propensities:
    """Propensities of units with the linear predictor `eta` (kept within +-30)."""
    eta = np.clip(eta, -_FAR, _FAR)
    if link == "logit":
        pi, rest = special.expit(eta), special.expit(-eta)
        slope = pi * rest
        return Propensities(pi=pi, slope=slope, curve=slope * (rest - pi), tilt=np.ones_like(pi), tilt_slope=np.zeros_like(pi))
    if link == "probit":
        density = -0.5 * (eta**2 + np.log(2.0 * np.pi))
        below, above = np.exp(density - special.log_ndtr(eta)), np.exp(density - special.log_ndtr(-eta))  # phi / Phi, phi / (1 - Phi)
        slope, tilt = np.exp(density), below + above
        return Propensities(pi=special.ndtr(eta), slope=slope, curve=-eta * slope, tilt=tilt, tilt_slope=tilt * (above - below - eta))
    rate = np.exp(np.minimum(eta, np.log(_FAR)))
    pi, rest = -np.expm1(-rate), np.exp(-rate)
    slope, tilt = rate * rest, rate / pi
    return Propensities(pi=pi, slope=slope, curve=slope * (1.0 - rate), tilt=tilt, tilt_slope=tilt * (1.0 - slope / pi))


def start(share: float, link: PropensityLink) -> float:
    """The linear predictor at which everybody's propensity is `share`."""
    if link == "logit":
        return float(special.logit(share))
    return float(special.ndtri(share)) if link == "probit" else float(np.log(-np.log1p(-share)))
