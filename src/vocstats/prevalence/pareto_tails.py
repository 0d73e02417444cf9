"""How heavy the upper tail of importance weights is, and weights with a smoothed tail."""

from __future__ import annotations

import numpy as np
from scipy import special

from ..results import Floats


def tail_shape(log_weights: Floats) -> float:
    """k̂: the shape of a generalised Pareto distribution fitted to the largest weights; their mean is useless above .7.

    References
    ----------
    Zhang & Stephens (2009), Technometrics 51(3), for the fit; Vehtari, Simpson, Gelman, Yao & Gabry (2024), J. Machine Learning Research
    25(72), for the size of the tail and the prior of ten observations at .5.
    """
    return _tail(log_weights)[0]


def smoothed(log_weights: Floats) -> tuple[Floats, float]:
    """Weights of sum 1, the largest replaced by quantiles of the distribution fitted to them (none above the largest there was), and k̂."""
    shape, scale, many = _tail(log_weights)
    weights = np.exp(log_weights - log_weights.max())
    if np.isfinite(shape):
        order = np.argsort(weights, kind="stable")
        chance = (np.arange(many) + 0.5) / many
        weights[order[-many:]] = np.minimum(weights[order[-many - 1]] - scale * special.boxcox1p(-chance, -shape), 1.0)
    return weights / weights.sum(), shape


def _tail(log_weights: Floats) -> tuple[float, float, int]:
    """k̂, the scale where the largest weight is 1, and the size of the tail; without a tail -∞, 0."""
    many = log_weights.size
    tail = int(min(0.2 * many, 3.0 * np.sqrt(many)))
    largest = np.sort(log_weights)[-tail - 1:]
    weights = np.exp(largest - largest[-1])
    excess = weights[1:] - weights[0]
    if tail < 5 or excess[-1] <= 1e-12:
        return float("-inf"), 0.0, tail
    nodes = 30 + int(np.sqrt(tail))
    steps = 1.0 - np.sqrt(nodes / (np.arange(1, nodes + 1) - 0.5))
    theta = 1.0 / excess[-1] + steps / (3.0 * excess[int(tail / 4 + 0.5) - 1])
    shape = np.mean(np.log1p(-theta[:, None] * excess), axis=1)
    profile = tail * (np.log(-theta / shape) - shape - 1.0)
    chance = 1.0 / np.sum(np.exp(profile - profile[:, None]), axis=1)
    mean = float(theta @ chance)
    k = float(np.mean(np.log1p(-mean * excess)))
    return (tail * k + 10.0 * 0.5) / (tail + 10.0), -k / mean, tail
