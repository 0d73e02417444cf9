"""Likelihood ratio of patterns of practice against honesty, and its distribution at honest dealers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy import special

from ..results import Flags, Floats
from .joint_null import whole_rows
from .patterns import expected_scores, growth, shifts

_LOWEST, _HIGHEST = -2.0, 8.0  # of a normal score: p-values near 1 heap, and those below 1e-15 are not meant
_CLASSES = 3.0  # of like dealers to each factor e of growth
_MOST = 10_000  # draws from the honest, and as many from the patterns, to a class
_BEYOND = 200  # given draws the tail is tied to
_LARGEST_LOG = 700.0


def likelihood_ratios(p: Floats, n: Floats, names: tuple[str, ...], null: Floats, correlation: Floats | None) -> tuple[Floats, Floats]:
    """Log likelihood ratio and p-value of every dealer, NaN where every signal abstains.

    With z_s the normal scores of the p-values and δ_ks their shifts under pattern k at dealers of like size

        T = log (1/K) Σ_k exp Σ_s (δ_ks z_s - δ_ks² / 2),    δ >= 0

    T rises with every z_s: p-values too large at honest dealers make it smaller. Its distribution at honest dealers is that over `null`.

    Parameters
    ----------
    p, n : float array (D, S)
        p-values, and the responses they rest on; NaN where a signal abstains.
    null : float array (B, S)
        p-values of honest dealers.
    correlation : float array (S, S), optional
        Of the normal scores `null` was drawn with; None: it was given.
    """
    z, honest = (-special.ndtri(np.clip(each, 1e-300, 1.0 - 1e-15)) for each in (p, null))
    growths, expected = growth(n), expected_scores(names)
    statistic, p_value = np.full(p.shape[0], np.nan), np.full(p.shape[0], np.nan)
    for members, columns in _alike(~np.isnan(p), growths):
        shift = shifts(expected[:, columns], growths[np.ix_(members, columns)].mean(axis=0))
        statistic[members] = _log_ratio(_bounded(z[np.ix_(members, columns)]), shift)
        drawn = whole_rows(honest, columns)
        if correlation is None:
            p_value[members] = _share(statistic[members], _log_ratio(_bounded(drawn), shift))
        else:
            p_value[members] = _weighted_share(statistic[members], drawn[:_MOST], shift, correlation[np.ix_(columns, columns)])
    return statistic, p_value


def _alike(speaks: Flags, growths: Floats) -> Iterator[tuple[npt.NDArray[np.intp], Flags]]:
    """Dealers of whom the same signals speak on about as many responses, and those signals."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.rint(_CLASSES * np.where(speaks, np.log(growths), 0.0).sum(axis=1) / speaks.sum(axis=1))
    classes, place = np.unique(np.column_stack([np.nan_to_num(size), speaks]), axis=0, return_inverse=True)
    for k, each in enumerate(classes):
        columns = each[1:].astype(bool)
        if columns.any():
            yield np.flatnonzero(place.ravel() == k), columns


def _bounded(z: Floats) -> Floats:
    return np.asarray(np.clip(z, _LOWEST, _HIGHEST))


def _log_ratio(z: Floats, shift: Floats, precision: Floats | None = None) -> Floats:
    """Log of the mean likelihood ratio of N(shift, 1 / precision) against N(0, 1 / precision); None: of independent scores."""
    slope = shift if precision is None else shift @ precision
    log = z @ slope.T - 0.5 * (slope * shift).sum(axis=1)
    largest = log.max(axis=1, keepdims=True)
    return np.asarray(largest[:, 0] + np.log(np.exp(log - largest).mean(axis=1)))


def _weighted_share(statistic: Floats, honest: Floats, shift: Floats, correlation: Floats) -> Floats:
    """Chance of a statistic as large, by importance sampling.

    Half of the draws are honest, half are moved by a pattern each: weights are the density of the honest over that of the mixture.
    """
    moved = honest + shift[np.arange(honest.shape[0]) % shift.shape[0]]
    drawn = np.concatenate([honest, moved])
    ratio = np.exp(np.minimum(_log_ratio(drawn, shift, np.linalg.pinv(correlation)), _LARGEST_LOG))
    weight = 2.0 / (1.0 + ratio)
    null = _log_ratio(_bounded(drawn), shift)
    order = np.argsort(null)
    above = np.append(np.cumsum(weight[order][::-1])[::-1], 0.0) + weight.min()
    return np.asarray(above[np.searchsorted(null[order], statistic - 1e-9 * (1.0 + np.abs(statistic)))] / above[0])


def _share(statistic: Floats, drawn: Floats) -> Floats:
    """Share of the draws as large; beyond the largest 200 (or one in ten) it falls as e^-T, or as slowly as they do.

    The chance of a likelihood ratio above e^t at honest dealers is e^-t at the most.
    """
    null = np.sort(drawn)
    beyond = min(_BEYOND, null.size // 10)
    edge = null[-beyond]
    as_large = null.size - np.searchsorted(null, statistic - 1e-9 * (1.0 + np.abs(statistic)))
    scale = max(1.0, float((null[-beyond:] - edge).mean()))
    tail = (1.0 + beyond) / (1.0 + null.size) * np.exp(-np.maximum(statistic - edge, 0.0) / scale)
    return np.asarray(np.where(statistic > edge, tail, (1.0 + as_large) / (1.0 + null.size)))
