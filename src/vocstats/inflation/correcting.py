"""Corrected scores: what dealers would have scored without inflation, how much of the score is inflation, and their ranks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._numerics import normal_quantile, t_quantile
from ..results import Floats
from .channel_levels import ChannelLevels, channel_levels
from .corrected_scores import HonestScores
from .honest_network import PHI, fit_network
from .honest_posterior import posterior
from .joint_null import chances
from .null import FEWEST, fit_null
from .signal_result import Dealers, dealers_of

Columns = dict[str, Any]


def honest_scores(
    score: npt.ArrayLike, dealer: Any, independent: npt.ArrayLike | None, *, x: Any = None, roster_dealer: Any = None, roster_x: Any = None,
    evidence: npt.ArrayLike | Mapping[Any, float] | None = None, level: float = 0.90, draws: int = 2000, seed: int = 0,
) -> HonestScores:
    """Honest mean of each dealer from independent answers, his own answers cleared of what lifts them, and the rest of the network.

    With the means y0 of the independent and y1 of the dealer's own answers, adjusted to the case mix of his visits,

        a_d ~ N(m + mix_d, τ²),   y0_d ~ N(a_d, v0_d),   y1_d ~ N((1 - φ_d) (a_d + g + h_d) + φ_d top, v1_d),   h_d ~ N(0, ω²)

    φ is the share of the room up to the highest score that is lifted: 0 with chance 1 - π, else beta-distributed. m and τ come from the
    independent answers alone, g, ω, π and the rest from all dealers by maximum likelihood. The posterior weighs the independent channel,
    the own one less its likely lift, and the network by their precisions.

    Parameters
    ----------
    score : array (n,)
        Score of each answer.
    dealer : array (n,)
        Its dealer.
    independent : boolean array (n,), optional
        Whether somebody other than the dealer invited the customer (the manufacturer). None: not known.
    x : mapping, dataframe or array (n, p), optional
        Characteristics of the customer. Labels enter as indicators, numbers as they are.
    roster_dealer : array (N,), optional
        Dealer of every visit on the roster, for which the corrected score is to speak. Without it: for a process like that of the answers.
    roster_x : mapping, dataframe or array (N, p), optional
        The same characteristics of those visits. None, and for a dealer without visits there: the case mix of his answers.
    evidence : array (D,) or mapping, optional
        p-value of each dealer (sorted, or by name) from evidence that rests neither on his level nor on his channel gap; NaN: none.
    level : float
        Level of all limits.
    draws : int
        Draws of the posterior for the limits of the ranks.
    seed : int
        Of these draws.

    Returns
    -------
    HonestScores
        Standard errors account for the error of measurement, the effects of the case mix, honest gaps, whether and how far answers were
        lifted, and for visits not heard; not for the parameters of the network. Where fewer than 20 dealers have both channels
        (few_dealers), the independent answers speak alone, and an honest gap counts as inflation. Without independent answers
        (one_channel) score and limits rest on the network, between stated bounds; where nobody has any (no_channel) only bounds are left.

    Raises
    ------
    InputError
        Bad arrays, missing scores or labels, no answers, or evidence outside 0 to 1.

    References
    ----------
    Efron & Morris (1975), J. Amer. Stat. Assoc. 70(350), for shrinkage; Benjamini & Yekutieli (2005), J. Amer. Stat. Assoc. 100(469), for
    `HonestScores.selected`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> dealer, independent = np.repeat(np.arange(60), 400), np.tile(np.arange(400) < 100, 60)
    >>> score = rng.choice([6, 8, 9, 10], dealer.size, p=[0.1, 0.2, 0.3, 0.4])
    >>> score[(dealer == 7) & ~independent & (rng.random(dealer.size) < 0.5)] = 10
    >>> r = honest_scores(score, dealer, independent)
    >>> print(f"{r.score[7]:.2f}, of which {r.inflation[7]:.2f} inflation; {r.conf_low[7]:.2f} to {r.conf_high[7]:.2f} without")
    9.28, of which 0.41 inflation; 8.87 to 8.87 without
    """
    _checks.level(level)
    y = _checks.squarable(_checks.vector(score, "score"), "score")
    dealers = dealers_of(dealer, length=y.size)
    outside = np.zeros(y.size, bool) if independent is None else _checks.flags(independent, "independent", length=y.size)
    p_value = _evidence(evidence, dealers)
    rng = np.random.default_rng(_checks.whole_seed(seed, "seed"))
    levels = channel_levels(y, dealers, outside, x, roster_dealer, roster_x)
    enough = bool(((levels.n0 > 0) & (levels.n1 > 0)).sum() >= FEWEST and np.ptp(y) > 0)
    size = _checks.whole(draws, "draws", low=1)
    columns = _from_network(levels, p_value, level, size, rng) if enough else _alone(levels, level, size, rng)
    with np.errstate(invalid="ignore"):
        error = np.sqrt(levels.v0 - np.where(levels.n0 > 0, levels.one / levels.visits, 0.0))
    return HonestScores(
        labels={"dealer": dealers.labels}, n=levels.n0 + levels.n1, score=levels.score, adjusted_score=levels.adjusted,
        identified=levels.n0 > 0, independent_score=levels.y0, independent_error=error, level=level,
        reasons=_reasons(levels, enough), **columns,
    )


def _evidence(evidence: npt.ArrayLike | Mapping[Any, float] | None, dealers: Dealers) -> Floats:
    """p-value of each dealer; NaN where there is none."""
    if evidence is None:
        return np.full(dealers.count, np.nan)
    given = [evidence.get(label, np.nan) for label in dealers.labels.tolist()] if isinstance(evidence, Mapping) else evidence
    p_value = chances(given, "evidence")
    _checks.same_length(p_value, "evidence", dealers.count)
    return p_value


def _from_network(levels: ChannelLevels, p_value: Floats, level: float, draws: int, rng: np.random.Generator) -> Columns:
    """Posterior of every dealer, the network's parameters taken for known."""
    network = fit_network(levels, p_value)
    both = posterior(network, levels, p_value)
    tails = (1.0 - level) / 2.0, (1.0 + level) / 2.0
    low, high = (np.minimum(both.score.quantile(tail), levels.top) for tail in tails)
    part = levels.n1 / (levels.n0 + levels.n1)
    lift_low, lift_high = (part * both.lift.quantile(tail) for tail in tails)
    unknown = levels.n0 == 0
    plausible = int(np.searchsorted(np.cumsum(np.exp(network.log_prior()[1:])), level * network.share)) + 1
    bounds = (np.where(unknown, both.score.means[:, node], np.nan) for node in (min(plausible, PHI.size - 1), 0))
    return {
        "corrected_score": both.score.mean(), "std_error": both.score.deviation(), "conf_low": low, "conf_high": high,
        "inflation": part * both.lift.mean(), "inflation_error": part * both.lift.deviation(), "inflation_low": lift_low,
        "inflation_high": lift_high, "chance": 1.0 - both.score.chance[:, 0], **_ranks(both.score.draw(rng, draws), level),
        **dict(zip(("bound_low", "bound_high"), bounds, strict=True)), "network": network.figures(),
    }


def _alone(levels: ChannelLevels, level: float, draws: int, rng: np.random.Generator) -> Columns:
    """Each dealer by his independent answers alone; bounds where there are none."""
    count = levels.n0.size
    heard = levels.n0 > 0
    with np.errstate(invalid="ignore"):
        error = np.sqrt(np.where(heard, levels.v0 - levels.one / levels.visits, np.nan))
        reach = t_quantile(level, np.where(levels.n0 > 1, levels.n0 - 1.0, np.nan))
        part = levels.n1 / (levels.n0 + levels.n1)
        inflation = np.where(levels.n1 > 0, part * (levels.y1 - levels.y0), np.where(heard, 0.0, np.nan))
        change = np.where(levels.n1 > 0, part * np.sqrt(levels.v0 + levels.v1 - 2.0 * levels.shared), 0.0)
    wide = np.where(heard, change, np.nan)
    ranks = {name: np.full(count, np.nan) for name in ("rank", "rank_low", "rank_high")}
    if heard.any():
        drawn = _ranks(levels.y0[heard, None] + error[heard, None] * rng.normal(size=(int(heard.sum()), draws)), level)
        for name, values in drawn.items():
            ranks[name][heard] = values
    usual = levels.y1 - levels.mix
    low = np.full(count, np.nan)
    if count >= FEWEST and np.ptp(usual[levels.n1 > 0]) > 0 and not heard.any():
        null = fit_null(usual, np.maximum(levels.v1, 1e-12))
        low = np.minimum(levels.y1, null.centre - normal_quantile(level) * null.spread + levels.mix)
    return {
        "corrected_score": np.where(heard, levels.y0, np.nan), "std_error": error, "conf_low": levels.y0 - reach * error,
        "conf_high": np.minimum(levels.y0 + reach * error, levels.top), "inflation": inflation, "inflation_error": wide,
        "inflation_low": inflation - reach * wide, "inflation_high": inflation + reach * wide, "chance": np.full(count, np.nan), **ranks,
        "bound_low": low, "bound_high": np.where(heard, np.nan, levels.y1), "network": {},
    }


def _ranks(scores: Floats, level: float) -> Columns:
    """Rank of each dealer's mean over the draws, and equal-tailed limits of its rank, 1 the highest."""
    count, draws = scores.shape
    places = np.empty((count, draws))
    np.put_along_axis(places, np.argsort(-scores, axis=0, kind="stable"), np.arange(1.0, count + 1)[:, None] * np.ones(draws), axis=0)
    rank = np.empty(count)
    rank[np.argsort(-scores.mean(axis=1), kind="stable")] = np.arange(1.0, count + 1)
    low, high = np.quantile(places, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=1, method="inverted_cdf")
    return {"rank": rank, "rank_low": low, "rank_high": high}


def _reasons(levels: ChannelLevels, enough: bool) -> tuple[str, ...]:
    nobody = not (levels.n0 > 0).any()
    missing = np.where(levels.n0 == 0, "no_channel" if nobody else "one_channel", "" if enough else "few_dealers")
    return tuple(missing.tolist())
