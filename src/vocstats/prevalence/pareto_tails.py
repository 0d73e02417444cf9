"""How heavy the upper tail of importance weights is."""

from __future__ import annotations

import numpy as np

from ..results import Floats


def tail_shape(log_weights: Floats) -> float:
    """k̂: the shape of a generalised Pareto distribution fitted to the largest weights; their mean is useless above .7.

    References
    ----------
    Zhang & Stephens (2009), Technometrics 51(3), for the fit; Vehtari, Simpson, Gelman, Yao & Gabry (2024), J. Machine Learning Research
    25(72), for the size of the tail and the prior of ten observations at .5.
    """
    many = log_weights.size
    tail = int(min(0.2 * many, 3.0 * np.sqrt(many)))
    largest = np.sort(log_weights)[-tail - 1:]
    weights = np.exp(largest - largest[-1])
    excess = weights[1:] - weights[0]
    if tail < 5 or excess[-1] <= 1e-12:
        return float("-inf")
    nodes = 30 + int(np.sqrt(tail))
    steps = 1.0 - np.sqrt(nodes / (np.arange(1, nodes + 1) - 0.5))
    theta = 1.0 / excess[-1] + steps / (3.0 * excess[int(tail / 4 + 0.5) - 1])
    shape = np.mean(np.log1p(-theta[:, None] * excess), axis=1)
    profile = tail * (np.log(-theta / shape) - shape - 1.0)
    chance = 1.0 / np.sum(np.exp(profile - profile[:, None]), axis=1)
    k = float(np.mean(np.log1p(-float(theta @ chance) * excess)))
    return (tail * k + 10.0 * 0.5) / (tail + 10.0)
