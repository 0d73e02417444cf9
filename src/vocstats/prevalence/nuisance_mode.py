"""The mode of what is not known of several coders: their labels tell so much of so many chances that points of the prior would miss it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..results import Floats
from .nuisance_points import Proposal

_ROUNDS = 25
_CLOSE = 0.03  # of a step, in standard deviations
_STENCIL = 0.3  # standard deviations
_LONGEST = 1.5  # step, in standard deviations of the prior
_SHORTER = np.array([1.0, 0.5, 0.2, 0.05])
_WIDER = 2.0  # variance of the first points against that at the mode: the density is skewed


def around_mode(log_density: Callable[[Floats], Floats], dimensions: int) -> Proposal:
    """A normal distribution around the mode of a log density at rows of z, by Newton's method with differences from the prior's centre."""
    z, precision = np.zeros(dimensions), np.full(dimensions, 10.0)
    covariance = np.eye(dimensions)
    for _ in range(_ROUNDS):
        slope, bend = _differences(log_density, z, _STENCIL / np.sqrt(precision))
        values, vectors = np.linalg.eigh(bend)
        values = np.maximum(np.abs(values), 1.0)  # the prior's alone is 1
        covariance = (vectors / values) @ vectors.T
        step = covariance @ slope
        step *= min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-12))
        tried = z + _SHORTER[:, None] * step
        z = tried[np.argmax(log_density(tried))]
        precision = np.maximum(np.diag(bend), 1.0)
        if np.sqrt(step @ (vectors * values) @ vectors.T @ step) < _CLOSE:
            break
    return Proposal(z, np.asarray(np.linalg.cholesky(_WIDER * covariance)))


def _differences(log_density: Callable[[Floats], Floats], z: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Slope and negative second derivatives of the log density at z."""
    steps = np.diag(width)
    first, second = np.triu_indices(z.size, 1)
    found = log_density(z + np.vstack([np.zeros(z.size), steps, -steps, steps[first] + steps[second]]))
    centre, (up, down), both = found[0], found[1:2 * z.size + 1].reshape(2, -1), found[2 * z.size + 1:]
    bend = np.diag(2.0 * centre - up - down)
    bend[first, second] = bend[second, first] = up[first] + up[second] - both - centre
    return (up - down) / (2.0 * width), bend / np.outer(width, width)
