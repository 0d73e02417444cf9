"""Likelihood ratio of patterns of practice against honesty, and its distribution at honest dealers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from ..results import Flags, Floats
from .contaminated_null import honest_chances
from .joint_null import whole_rows
from .patterns import LEVEL, expected_scores, growth, low_level, shifts

LOWEST, HIGHEST = -2.0, 8.0  # of a normal score: p-values near 1 heap, and those below 1e-15 are not meant
_CLASSES = 3.0  # of like dealers to each factor e of growth
_MOST = 5_000  # draws from the honest, and as many from the patterns, to a class
_BEYOND = 200  # given draws the tail is tied to
_LARGEST_LOG = 700.0
_USUAL_SIZE = 1.3  # growth of a dealer with some 500 responses, on whom nothing more is demanded
_OF_SMALLER, _OF_LARGER = 2.5, 10.0  # power of growth, over or under that, by which odds are lowered
_DEMANDING_FROM = -1.5


def likelihood_ratios(p: Floats, n: Floats, names: tuple[str, ...], null: Floats, correlation: Floats | None) -> tuple[Floats, Floats]:
    """Log likelihood ratio and p-value of every dealer, NaN where every signal abstains.

    With z_s the normal scores of the p-values and δ_ks their shifts under pattern k at dealers of like size

        T = log (1/K) Σ_k exp Σ_s (δ_ks z_s - δ_ks² / 2) + 1.5 min(z_level + 1/2, 0) + const,    δ >= 0

    The level's own δ is 0: high levels are those of honest stars, but who inflates seldom has a low one (`low_level`). T rises with every
    z_s: p-values too large at honest dealers make it smaller. By itself it would list small dealers on the strength of few answers, and
    the largest ones on evidence that is weak for their size, wrongly more often than others. So with growth g it is less by
    2.5 log(1.3 / g) below a growth of 1.3 (some 500 answers) and by 10 log(g / 1.3) above it, as far as it is above -1.5 (a tenth of that
    is left). p is the chance of so large a T at an honest dealer of the network, whichever: the mean over classes of like dealers, in each
    of them over `null`. Where that was drawn, nulls that gave way are put right (`honest_chances`).

    Parameters
    ----------
    p, n : float array (D, S)
        p-values, and the responses they rest on; NaN where a signal abstains.
    null : float array (B, S)
        p-values of honest dealers.
    correlation : float array (S, S), optional
        Of the normal scores `null` was drawn with; None: it was given.
    """
    speaks = ~np.isnan(p)
    some = np.flatnonzero(speaks.any(axis=1))
    statistic, p_value = np.full(p.shape[0], np.nan), np.full(p.shape[0], np.nan)
    if some.size:
        statistic[some], p_value[some] = _of_speaking(p[some], growth(n[some]), names, null, correlation)
    return statistic, p_value


def _of_speaking(
    p: Floats, growths: Floats, names: tuple[str, ...], null: Floats, correlation: Floats | None
) -> tuple[Floats, Floats]:
    """Statistic and p-value of dealers of whom some signal speaks."""
    z, honest = (-special.ndtri(np.clip(each, 1e-300, 1.0 - 1e-15)) for each in (p, null))
    expected, level = expected_scores(names), np.array([name == LEVEL for name in names])
    classes = [
        (members, columns, _Patterns(shifts(expected[:, columns], growths[np.ix_(members, columns)].mean(axis=0)), level[columns]))
        for members, columns in _alike(~np.isnan(p), growths)
    ]
    sizes = np.array([np.exp(np.log(growths[np.ix_(members, columns)]).mean()) for members, columns, _ in classes])
    larger = np.log(sizes / _USUAL_SIZE)
    demands = np.where(larger > 0.0, _OF_LARGER * larger, -_OF_SMALLER * larger)
    ratio, statistic, place = np.empty(p.shape[0]), np.empty(p.shape[0]), np.empty(p.shape[0], np.intp)
    for k, (members, columns, patterns) in enumerate(classes):
        ratio[members], place[members] = patterns.log_ratio(z[np.ix_(members, columns)]), k
        statistic[members] = _demanding(ratio[members], demands[k])
    chance = np.empty((len(classes), p.shape[0]))
    for k, (_, columns, patterns) in enumerate(classes):
        drawn = whole_rows(honest, columns)
        chance[k] = (
            _share(statistic, _demanding(patterns.log_ratio(drawn), demands[k])) if correlation is None
            else _weighted_share(statistic, drawn[:_MOST], patterns, correlation[np.ix_(columns, columns)], demands[k])
        )
    if correlation is not None:
        chance = honest_chances(chance, place, ratio, sizes)
    return statistic, np.bincount(place) / place.size @ chance


@dataclass(frozen=True, slots=True, eq=False)
class _Patterns:
    """Shifts (patterns, S) of the normal scores at like dealers, and which of the scores is the level's (S,)."""

    shift: Floats
    level: Flags

    def log_ratio(self, z: Floats) -> Floats:
        bounded = np.clip(z, LOWEST, HIGHEST)
        return np.asarray(_log_ratio(bounded, self.shift) + low_level(bounded[:, self.level]).sum(axis=1))


def _demanding(log_ratio: Floats, demand: float) -> Floats:
    """Log ratio less the demand, as far as it is above -1.5; it keeps a tenth of what is above, and the order."""
    above = log_ratio - _DEMANDING_FROM
    return np.asarray(np.where(above > 0.0, _DEMANDING_FROM + np.maximum(above - demand, above / 10.0), log_ratio))


def _alike(speaks: Flags, growths: Floats) -> Iterator[tuple[npt.NDArray[np.intp], Flags]]:
    """Dealers of whom the same signals speak on about as many responses, and those signals."""
    size = np.rint(_CLASSES * np.where(speaks, np.log(growths), 0.0).sum(axis=1) / speaks.sum(axis=1))
    classes, place = np.unique(np.column_stack([size, speaks]), axis=0, return_inverse=True)
    for k, each in enumerate(classes):
        yield np.flatnonzero(place.ravel() == k), each[1:].astype(bool)


def _log_ratio(z: Floats, shift: Floats, precision: Floats | None = None) -> Floats:
    """Log of the mean likelihood ratio of N(shift, 1 / precision) against N(0, 1 / precision); None: of independent scores."""
    slope = shift if precision is None else shift @ precision
    log = z @ slope.T - 0.5 * (slope * shift).sum(axis=1)
    largest = log.max(axis=1, keepdims=True)
    return np.asarray(largest[:, 0] + np.log(np.exp(log - largest).mean(axis=1)))


def _weighted_share(statistic: Floats, honest: Floats, patterns: _Patterns, correlation: Floats, demand: float) -> Floats:
    """Chance of a statistic as large, by importance sampling.

    Half of the draws are honest, half are moved by a pattern each: weights are the density of the honest over that of the mixture.
    """
    shift = patterns.shift
    moving = shift[shift.any(axis=1)] if shift.any() else shift
    moved = honest + moving[np.arange(honest.shape[0]) % moving.shape[0]]
    drawn = np.concatenate([honest, moved])
    ratio = np.exp(np.minimum(_log_ratio(drawn, moving, np.asarray(np.linalg.pinv(correlation), float)), _LARGEST_LOG))
    weight = 2.0 / (1.0 + ratio)
    null = _demanding(patterns.log_ratio(drawn), demand)
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
