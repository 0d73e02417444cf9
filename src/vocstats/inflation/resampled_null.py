"""p-values of dealers' statistics from draws of the honest network, dealers of like size pooled."""

from __future__ import annotations

import numpy as np

from .._checks import Floats, Integers
from ..results import Flags
from .null import FEWEST, fit_null
from .signal_result import Dealers

_POOLED = 2_000  # in a size class: the tail rests on 50 of them
_TAIL = 0.025
_NEIGHBOURS = 25  # dealers whose variances are averaged
_LEAST_VARIANCE = 1e-6


def draws_needed(dealers: Dealers, *, total: int = 10_000) -> int:
    """Draws of the whole network that give `total` draws of a dealer; 8 at the least, 400 at most."""
    return min(max(8, -(-total // dealers.count)), 400)


def _size_classes(draws: Floats, size: Floats) -> list[Integers]:
    """Dealers (columns of `draws`) by size, in classes with about 2,000 draws each."""
    classes = max(1, min(draws.size // _POOLED, size.size))
    return [np.asarray(members, np.intp) for members in np.array_split(np.argsort(size, kind="stable"), classes)]


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
    for members in _size_classes(draws, size):
        null = np.sort(draws[:, members], axis=None)
        value = statistic[members]
        as_large = null.size - np.searchsorted(null, value - 1e-9 * (1.0 + np.abs(value)))
        beyond = max(1, int(_TAIL * null.size))
        edge = null[-beyond]
        excess = float((null[-beyond:] - edge).mean()) * (1.0 + beyond**-0.5)
        tail = beyond / null.size * np.exp(-(value - edge) / excess) if excess > 0 else np.full(value.size, 1.0 / (1.0 + null.size))
        p[members] = np.where(value > edge, tail, (1.0 + as_large) / (1.0 + null.size))
    return np.asarray(np.minimum(p, 1.0))


def pooled_quantile(chance: float, draws: Floats, size: Floats) -> Floats:
    """Quantile of the draws of dealers of like size, (D,)."""
    limit = np.empty(size.size)
    for members in _size_classes(draws, size):
        limit[members] = np.quantile(draws[:, members], chance)
    return limit


def log_excess(figure: Floats) -> Floats:
    """log((1 + figure) / (1 + mean of the other draws)) of what is observed (row 0) and drawn (further rows), (1 + B, D)."""
    drawn = figure[1:].sum(axis=0)
    rounds = figure.shape[0] - 1
    mean = np.concatenate([[drawn / rounds], (drawn - figure[1:]) / (rounds - 1)])
    return np.asarray(np.log((1.0 + figure) / (1.0 + mean)))


def honest_p(excess: Floats, size: Floats, speaks: Flags) -> tuple[Floats, dict[str, float]]:
    """p-value and honest network from an excess observed (row 0) and drawn (further rows) by dealer, (1 + B, D).

    Honest dealers differ by more than resampled ones: each has its own habits. With 20 dealers or more an empirical null is fitted to the
    excess, with the draws' variance as its error of measurement; the p-value is the larger of the resampled one and that of the
    empirical null. It is 1 where the dealer does not speak.
    """
    p_value = np.ones(size.size)
    if not speaks.any():
        return p_value, {}
    observed, drawn = excess[0, speaks], excess[1:, speaks]
    p_value[speaks] = pooled_p(observed, drawn, size[speaks])
    if speaks.sum() < FEWEST:
        return p_value, {}
    variance = _smoothed(drawn.var(axis=0, ddof=1), size[speaks])
    null = fit_null(observed, variance)
    p_value[speaks] = np.maximum(p_value[speaks], null.p_values(observed, variance))
    return p_value, {"centre": null.centre, "spread": null.spread}


def _smoothed(variance: Floats, size: Floats) -> Floats:
    """Variances as the mean over the dealers next in size, never 0."""
    order = np.argsort(size, kind="stable")
    reach = min(_NEIGHBOURS, size.size)
    window = np.lib.stride_tricks.sliding_window_view(np.pad(variance[order], (reach // 2, reach - 1 - reach // 2), mode="edge"), reach)
    smooth = np.empty(size.size)
    smooth[order] = window.mean(axis=1)
    return np.maximum(smooth, _LEAST_VARIANCE)
