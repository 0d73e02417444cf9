"""Honest networks of ordinal scores with a common attitude behind a customer's answers, and some inflated ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

CUTS = special.ndtri([0.008, 0.014, 0.022, 0.032, 0.05, 0.075, 0.115, 0.18, 0.3])  # scores 1 to 10, 70 % full marks


@dataclass(frozen=True)
class Network:
    """Responses of D dealers: dealer, score and items (n, k); level and size of every dealer."""

    rng: np.random.Generator
    dealer: Any
    score: Any
    items: Any
    level: Any
    size: Any

    @property
    def stars(self) -> Any:
        """The best fifth of the dealers."""
        return self.level > np.quantile(self.level, 0.8)


def network(
    seed: int, *, dealers: int = 300, sizes: tuple[int, int] = (30, 1500), spread: float = 0.27, items: int = 0, common: float = 0.6
) -> Network:
    """A normal attitude, moved by the dealer, seen through thresholds; top-box share .70 with SD .10 between dealers."""
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(*np.log(sizes), dealers)).astype(int)
    dealer = np.repeat(np.arange(dealers), size)
    level = rng.normal(0.0, spread, dealers)
    attitude = rng.normal(size=dealer.size)

    def answer() -> Any:
        z = level[dealer] + np.sqrt(common) * attitude + np.sqrt(1 - common) * rng.normal(size=dealer.size)
        return 1 + np.searchsorted(CUTS, z)

    score = answer()
    answers = np.column_stack([answer() for _ in range(items)]) if items else None
    return Network(rng, dealer, score, answers, level, size)


def shares_below(p: Any, levels: tuple[float, ...] = (0.01, 0.05, 0.1, 0.5)) -> list[float]:
    """Share of p-values at most each level."""
    return [float((p <= level).mean()) for level in levels]
