"""Networks drawn from the model of contaminated scores itself, with the truth, and its likelihood written out answer by answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

CUTS = special.ndtri([0.03, 0.08, 0.2, 0.5])  # scores 1 to 5, half of the answers full marks


@dataclass(frozen=True)
class Network:
    """Responses, and the truth of every dealer."""

    score: Any
    dealer: Any
    independent: Any
    honest_mean: Any
    turned: Any
    added: Any


def honest_mean(level: Any, cuts: Any = CUTS) -> Any:
    """Mean score of answers around a level."""
    return 1.0 + special.ndtr(np.asarray(level)[..., None] - cuts).sum(axis=-1)


def network(
    seed: int, *, dealers: int = 40, sizes: tuple[int, int] = (40, 800), spread: float = 0.3, gap: float = 0.08, gap_spread: float = 0.08,
    inflated: float = 0.25, turned: tuple[float, float] = (2.0, 4.0), independent_share: float = 0.25, cuts: Any = CUTS,
) -> Network:
    """A network as the model has it."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(*np.log(sizes), dealers)).astype(int)
    dealer = np.repeat(np.arange(dealers), size)
    quality, gaps = rng.normal(0.0, spread, dealers), rng.normal(gap, gap_spread, dealers)
    share = np.where(rng.random(dealers) < inflated, rng.beta(*turned, dealers), 0.0)
    independent = rng.random(dealer.size) < independent_share
    latent = quality[dealer] + np.where(independent, 0.0, gaps[dealer]) + rng.normal(size=dealer.size)
    honest = 1 + np.searchsorted(cuts, latent)
    score = np.where(~independent & (rng.random(dealer.size) < share[dealer]), len(cuts) + 1, honest)
    own = np.bincount(dealer, ~independent) / size
    added = own * share * (len(cuts) + 1 - honest_mean(quality + gaps, cuts))
    return Network(score, dealer, independent, honest_mean(quality, cuts), share, added)


def log_likelihood(score: Any, independent: Any, level: Any, gap: float, turned: float, share: float, cuts: Any) -> float:
    """One dealer's answers one by one, each around its own `level`, and the two ways in which those he asked for may have come about."""
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    mean = level + np.where(independent, 0.0, gap)
    p = stats.norm.cdf(edges[score] - mean) - stats.norm.cdf(edges[score - 1] - mean)
    altered = np.where(independent, p, (1.0 - turned) * p + turned * (score == cuts.size + 1))
    return float(np.logaddexp(np.log(1.0 - share) + np.log(p).sum(), np.log(share) + np.log(altered).sum()))
