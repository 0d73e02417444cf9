"""Corrected scores: what dealers would have scored without inflation, how much of the score is inflation, and their ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
from .signal_result import Dealers, dealers_of, own_responses

Columns = dict[str, Any]


def honest_scores(
    score: npt.ArrayLike, dealer: Any, independent: npt.ArrayLike | None, *, x: Any = None, roster_dealer: Any = None, roster_x: Any = None,
    evidence: npt.ArrayLike | Mapping[Any, float] | None = None, level: float = 0.90, draws: int = 2000, seed: int = 0,
) -> HonestScores:
    """Honest mean of each dealer from independent answers, his own answers cleared of what lifts them, and the rest of the network.

    With the means y0 of the independent and y1 of the dealer's own answers, adjusted to the case mix of his visits,

        a_d ~ N(m + mix_d, τ²),  y0_d ~ N(a_d, v0_d),  y1_d ~ N((1 - φ_d) (a_d + r_d (g + h_d)) + φ_d top, v1_d),  h_d ~ N(0, ω²)

    φ is the share of the room up to the highest score by which the dealer's own answers are lifted: 0 with chance 1 - π, else
    beta-distributed; r_d is that room in multiples of the usual. m and τ come from the independent answers alone, the honest gap g, its
    spread ω, π and the rest from all dealers by maximum likelihood. The posterior weighs the independent channel, the own one less its
    likely lift, and the network by their precisions.

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
        lifted, visits not heard, and the parameters of the network. Where fewer than 20 dealers have both channels (few_dealers), or no
        answers vary (constant_scores), the independent answers speak alone, and an honest gap counts as inflation. Without independent
        answers (one_channel) score and limits rest on the network, between stated bounds; where nobody has any (no_channel) only bounds
        are left.

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
    9.28, of which 0.42 inflation; 8.84 to 8.90 without
    """
    _checks.level(level)
    y = _checks.squarable(_checks.vector(score, "score"), "score")
    dealers = dealers_of(dealer, length=y.size)
    outside = ~own_responses(independent, y.size)
    p_value = _evidence(evidence, dealers)
    rng = np.random.default_rng(_checks.whole_seed(seed, "seed"))
    levels = channel_levels(y, dealers, outside, x, roster_dealer, roster_x)
    alone = "few_dealers" if ((levels.n0 > 0) & (levels.n1 > 0)).sum() < FEWEST else "constant_scores" if not levels.within.any() else ""
    size = _checks.whole(draws, "draws", low=1)
    columns = _alone(levels, level, size, rng) if alone else _from_network(levels, p_value, level, size, rng)
    return HonestScores(
        labels={"dealer": dealers.labels}, n=levels.n0 + levels.n1, score=levels.score, adjusted_score=levels.adjusted,
        identified=levels.n0 > 0, independent_score=levels.y0, level=level, reasons=_reasons(levels, alone), **columns,
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
    """Posterior of every dealer."""
    networks, settled = fit_network(levels, p_value, rng)
    network, both = networks[0], posterior(networks, settled, p_value)
    tails = (1.0 - level) / 2.0, (1.0 + level) / 2.0
    low, high = (np.clip(both.score.quantile(tail), levels.bottom, levels.top) for tail in tails)
    part = levels.n1 / (levels.n0 + levels.n1)
    lift_low, lift_high = (np.round(part * both.lift.quantile(tail), 9) + 0.0 for tail in tails)
    plausible = int(np.searchsorted(np.cumsum(np.exp(network.log_prior()[1:])), level * network.share)) + 1
    reach = normal_quantile(level) * np.sqrt(both.score.variances)
    least, most = (both.score.means - reach)[:, min(plausible, PHI.size - 1)], (both.score.means + reach)[:, 0]
    unknown = levels.n0 == 0
    return {
        "corrected_score": both.score.mean(), "std_error": both.score.deviation(), "conf_low": low, "conf_high": high,
        "inflation": part * both.lift.mean(), "inflation_error": part * both.lift.deviation(), "inflation_low": lift_low,
        "inflation_high": lift_high, "chance": 1.0 - both.score.chance[:, 0], "network": network.figures(),
        "independent_error": _error(levels), "bound_low": np.where(unknown, np.maximum(least, levels.bottom), np.nan),
        "bound_high": np.where(unknown, np.minimum(most, levels.top), np.nan),
        **_ranks(both.score.mean(), both.score.draw(rng, draws), level),
    }


def _alone(levels: ChannelLevels, level: float, draws: int, rng: np.random.Generator) -> Columns:
    """Each dealer by his independent answers alone; bounds where there are none."""
    count, heard = levels.n0.size, levels.n0 > 0
    own = replace(levels, s0=np.divide(levels.within, levels.n0 - 1.0, out=np.zeros(count), where=levels.n0 > 1))
    error = _error(own)
    reach = t_quantile(level, np.where(levels.n0 > 1, levels.n0 - 1.0, np.nan))
    part = levels.n1 / (levels.n0 + levels.n1)
    nothing = np.where(heard, 0.0, np.nan)  # to be lifted
    inflation = np.where(levels.n1 > 0, part * (levels.y1 - levels.y0), nothing)
    known = np.where(np.isnan(error), np.nan, own.v0)
    wide = np.where(levels.n1 > 0, part * np.sqrt(known + levels.v1 - 2.0 * levels.shared), nothing)
    ranks = {name: np.full(count, np.nan) for name in ("rank", "rank_low", "rank_high")}
    if heard.any():
        mean, spread = levels.y0[heard, None], np.nan_to_num(error[heard, None])
        for name, values in _ranks(mean[:, 0], mean + spread * rng.normal(size=(mean.size, draws)), level).items():
            ranks[name][heard] = values if name == "rank" else np.where(np.isnan(error[heard]), np.nan, values)
    low, high = _bounds(levels, level)
    return {
        "corrected_score": np.where(heard, levels.y0, np.nan), "std_error": error, "independent_error": error,
        "conf_low": levels.y0 - reach * error, "conf_high": levels.y0 + reach * error, "inflation": inflation, "inflation_error": wide,
        "inflation_low": inflation - reach * wide, "inflation_high": inflation + reach * wide, "chance": np.full(count, np.nan), **ranks,
        "bound_low": np.where(heard, np.nan, low), "bound_high": np.where(heard, np.nan, high), "network": {},
    }


def _bounds(levels: ChannelLevels, level: float) -> tuple[Floats, Floats]:
    """Limits of the mean of own answers, the lower one down to that of honest levels; NaN where no lower tail shows them."""
    half = normal_quantile(level) * np.sqrt(levels.v1)
    usual = levels.y1 - levels.mix
    if usual.size < FEWEST or (levels.n0 > 0).any() or np.ptp(usual) == 0:
        return np.full(usual.size, np.nan), levels.y1 + half
    null = fit_null(usual, np.maximum(levels.v1, 1e-12))
    honest = null.centre - normal_quantile(level) * null.spread + levels.mix
    return np.minimum(levels.y1 - half, honest), np.minimum(levels.y1 + half, levels.top)


def _error(levels: ChannelLevels) -> Floats:
    """Standard error of the independent mean as that of all visits; NaN where no variance is known."""
    known = (levels.n0 > 0) & (levels.s0 > 0)
    return np.sqrt(np.where(known, levels.v0 - levels.s0 / levels.visits, np.nan))


def _ranks(means: Floats, drawn: Floats, level: float) -> Columns:
    """Ranks of the means, 1 the highest, and limits of each from draws of all, (D, draws)."""
    tails = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
    low, high = np.quantile(_places(drawn), tails, axis=1, method="inverted_cdf")
    return {"rank": _places(means[:, None])[:, 0], "rank_low": low, "rank_high": high}


def _places(scores: Floats) -> Floats:
    """Rank of every score in its column, (D, draws)."""
    places = np.empty(scores.shape)
    order = np.argsort(-scores, axis=0, kind="stable")
    np.put_along_axis(places, order, np.broadcast_to(np.arange(1.0, len(scores) + 1.0)[:, None], scores.shape), axis=0)
    return places


def _reasons(levels: ChannelLevels, alone: str) -> tuple[str, ...]:
    heard = levels.n0 > 0
    return tuple(np.where(heard, alone, "one_channel" if heard.any() else "no_channel").tolist())
