"""Shelter: more answers on one score than a rating process leaves there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from ..results import Floats
from .cub import derivatives, maximise, whole_scores
from .null import EmpiricalNull
from .null_signal import excess_signal
from .signal_result import Signal, dealers_of

_LEAST = 10  # responses below which a dealer's shelter is not estimated
_SCORES = 5  # a shelter needs as many scores
_LEVELS = np.linspace(-1.5, 1.5, 31)  # of honest dealers, in standard deviations of a customer


def shelter(
    score: npt.ArrayLike, dealer: Any, *, scale: tuple[int, int] | None = None, score_sheltered: int | None = None,
    null: EmpiricalNull | None = None, level: float = 0.95,
) -> Signal:
    """Share of answers on one score, full marks as a rule, beyond what ratings leave there, against other dealers.

    A CUB model with a shelter of weight δ is fitted to the counts of every dealer. One scoring step from the network's δ₀, with π and ξ
    fitted at δ₀, gives δ_d and its variance, so that a dealer with nothing but full marks has one too. Honest answers are no CUB model:
    δ_d rises with the level of an honest dealer. So it is held against g(x_d), the δ of the network at the level at which the mean of the
    answers on other scores is x_d; full marks on request leave that mean alone. The levels of g move a normal attitude against the
    thresholds of the network's answers. No dealer is held against δ = 0 or against his own level:

        e_d = δ_d - g(x_d),   v_d = Σ_r P(r) [ψ_δ(r) - g'(x_d) ψ_x(r)]² / n_d,   e_d ~ N(μ, v_d + ω²) at honest dealers (`fit_null`)

    Parameters
    ----------
    score : array (n,)
        Whole scores of one question.
    dealer : array (n,)
        The dealer of each response.
    scale : (low, high), optional
        Lowest and highest score possible; None: of those given.
    score_sheltered : int, optional
        s; None: the highest of the scale.
    null : EmpiricalNull, optional
        The honest network, of an earlier period; None: fitted to the lower tail of these dealers.
    level : float
        Confidence level of the limits of the effect.

    Returns
    -------
    Signal
        The effect is e_d - μ, a share of responses, with δ_d and g + μ kept in [0, 1]; its standard error includes ω. Details: `delta`,
        `pi`, `xi`, `expected` (g).

    Raises
    ------
    InputError
        Scores that are not whole or leave the scale; bad labels.

    References
    ----------
    Iannario (2012), Adv. Data Anal. Classif. 6, 1-22 (shelter); the comparison at equal levels is ours.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(3)
    >>> dealer = np.repeat(np.arange(30), 300)
    >>> score = rng.binomial(9, 0.8, dealer.size) + 1
    >>> score[(dealer == 7) & (rng.random(dealer.size) < 0.3)] = 10
    >>> r = shelter(score, dealer, scale=(1, 10))
    >>> int(r.labels["dealer"][np.argmin(r.p_value)]), bool(r.p_value.min() < 0.001)
    (7, True)
    """
    _checks.level(level)
    place, low, scores = whole_scores(score, scale)
    dealers = dealers_of(dealer, length=place.size)
    s = scores - 1 if score_sheltered is None else _checks.whole(score_sheltered, "score_sheltered", low=low) - low
    _checks.number(s + low, "score_sheltered", high=low + scores - 1)
    counts = np.bincount(dealers.code * scores + place, minlength=dealers.count * scores).reshape(-1, scores).astype(float)
    n = counts.sum(axis=1)
    abstains = {
        "constant_scores": np.full(dealers.count, (counts.sum(axis=0) > 0).sum() < 2),
        "scale_too_short": np.full(dealers.count, scores < _SCORES), "few_responses": n < _LEAST,
    }
    speaks = ~np.logical_or.reduce(list(abstains.values()))
    figures = np.full((dealers.count, 6), np.nan)
    if speaks.any():
        figures[speaks] = _figures(counts[speaks], s)
    residual, variance, third, delta, pi, xi = figures.T
    found = excess_signal(
        "shelter", dealers, effect=residual, variance=variance, own_variance=variance, third_moment=third,
        abstains=abstains, null=null, n=n, unit="share", level=level, evidence=np.flatnonzero(place == s),
        details={"delta": np.clip(delta, 0.0, 1.0), "pi": pi, "xi": xi, "expected": delta - residual},
    )
    return replace(found, effect=np.clip(delta, 0.0, 1.0) - np.clip(delta - found.effect, 0.0, 1.0))  # a step may leave [0, 1]


@dataclass(frozen=True, slots=True, eq=False)
class _Shelters:
    """δ and the mean x of the other answers by dealer, π and ξ, (D,); what an answer adds to δ and to x, and its chance, (D, m)."""

    delta: Floats
    other: Floats
    pi: Floats
    xi: Floats
    adds_to_delta: Floats
    adds_to_other: Floats
    chance: Floats


def _shelters(counts: Floats, s: int, start: float, network: Floats) -> _Shelters:
    """One scoring step in δ from `start`, that of the network; its answers count as one more of a dealer, who alone may have no spread."""
    scores, n = counts.shape[1], counts.sum(axis=1)
    fitted, _ = maximise(counts, s, delta=start)
    p, slopes = derivatives(fitted, scores, s)
    relative = slopes / np.maximum(p, 1e-300)[:, :, None]
    relative[:, :, :2] *= ((fitted[:, :2] > 0) & (fitted[:, :2] < 1))[:, None, :]
    nuisance = relative[:, :, :2]
    information = np.einsum("dr,drj,drk->djk", p, relative, nuisance)
    slope = np.linalg.solve(information[:, :2] + 1e-9 * np.eye(2), information[:, 2, :, None])
    score = relative[:, :, 2] - np.einsum("drj,djk->dr", nuisance, slope)
    adds = score / np.maximum(np.einsum("dr,dr->d", p, score**2), 1e-12)[:, None]
    elsewhere, r = (np.arange(scores) != s) * 1.0, np.arange(scores, dtype=float)
    usual = (network * elsewhere) @ r / max(network @ elsewhere, 1e-12)
    share = np.maximum(p @ elsewhere, 1e-12)[:, None]
    inside = elsewhere * (r - (p * elsewhere) @ r[:, None] / share) / share
    return _Shelters(
        delta=start + (counts * adds).sum(axis=1) / n, other=((counts * elsewhere) @ r + usual) / (counts @ elsewhere + 1.0),
        pi=fitted[:, 0], xi=fitted[:, 1], adds_to_delta=adds, adds_to_other=inside, chance=(n[:, None] * p + network) / (n[:, None] + 1.0),
    )


def _figures(counts: Floats, s: int) -> Floats:
    """δ beyond that of the network at the dealer's level, its variance and third moment, δ, π and ξ, (D, 6)."""
    network, n = counts.sum(axis=0), counts.sum(axis=1)
    share = network / network.sum()
    start = float(maximise(network[None], s)[0][0, 2])
    found, levels = _shelters(counts, s, start, share), _shelters(_shifted(network), s, start, share)
    x, curve = _rising(levels.other, levels.delta)
    slope = np.interp(found.other, x, np.gradient(curve, x))[:, None]
    residual = found.delta - np.interp(found.other, x, curve)
    adds = found.adds_to_delta - slope * found.adds_to_other
    variance, third = (found.chance * adds**2).sum(axis=1) / n, (found.chance * adds**3).sum(axis=1) / n**2
    return np.stack([residual, variance, third, found.delta, found.pi, found.xi], axis=1)


def _shifted(counts: Floats) -> Floats:
    """The network's answers at other levels: a normal attitude moved against fixed thresholds, one row per level."""
    cuts = special.ndtri(np.cumsum(counts + 0.5)[:-1] / (counts + 0.5).sum())
    below = special.ndtr(cuts - _LEVELS[:, None])
    return np.asarray(counts.sum() * np.diff(below, axis=1, prepend=0.0, append=1.0))


def _rising(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The points of a curve at which x rises beyond all before."""
    new = np.append(True, x[1:] > np.maximum.accumulate(x)[:-1] + 1e-9)
    return x[new], y[new]
