"""p-values of dealers' statistics from draws of the honest network, dealers of like size pooled."""

from __future__ import annotations

import numpy as np

from .._checks import Floats
from .signal_result import Dealers

_DRAWS = 10_000  # over all dealers
_POOLED = 2_000  # in a size class: the tail rests on 50 of them
_TAIL = 0.025


def draws_needed(dealers: Dealers) -> int:
    """Draws of the whole network that give 10,000 draws of a dealer, 20 at the least."""
    return max(20, -(-_DRAWS // dealers.count))


def pooled_p(statistic: Floats, draws: Floats, size: Floats) -> Floats:
    """Chance of a statistic as large at a dealer of like size.

    Dealers are cut by size into classes with about 2,000 draws each. Up to its 97.5th percentile u the class gives the share of its draws,
    (1 + number as large) / (1 + number); beyond u that share falls exponentially, with the draws' mean excess over u as its scale, made
    larger by its own standard error.

    Parameters
    ----------
    statistic : float array (D,)
        Not NaN.
    draws : float array (B, D)
        Of the same dealers in the resampled network.
    size : float array (D,)
        Responses.
    """
    p = np.ones(statistic.size)
    classes = max(1, draws.size // _POOLED)
    for members in np.array_split(np.argsort(size, kind="stable"), min(classes, statistic.size)):
        null = np.sort(draws[:, members], axis=None)
        value = statistic[members]
        as_large = null.size - np.searchsorted(null, value - 1e-9 * (1.0 + np.abs(value)))
        beyond = max(1, int(_TAIL * null.size))
        edge = null[-beyond]
        excess = float((null[-beyond:] - edge).mean()) * (1.0 + beyond**-0.5)
        tail = beyond / null.size * np.exp(-(value - edge) / excess) if excess > 0 else np.full(value.size, 1.0 / (1.0 + null.size))
        p[members] = np.where(value > edge, tail, (1.0 + as_large) / (1.0 + null.size))
    return np.asarray(np.minimum(p, 1.0))
