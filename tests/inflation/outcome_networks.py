"""Networks whose customers' later behaviour follows their satisfaction, whatever they answered."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import special


class Network(NamedTuple):
    """Answers from 1 to 10, one row each."""

    dealer: Any
    score: Any
    wait: Any
    independent: Any
    outcomes: dict[str, Any]
    inflated: Any  # per dealer


def draw_network(
    rng: np.random.Generator, *, dealers: int = 200, low: int = 20, high: int = 600, share: float = 0.0, strength: float = 0.5,
    levels: float = 0.3,
) -> Network:
    """Dealers of unequal level and size; those who inflate give a gift for a 10 to a share `strength` of the customers they ask."""
    size = np.exp(rng.uniform(np.log(low), np.log(high), dealers)).astype(int)
    dealer = np.repeat(np.arange(dealers), size)
    wait = rng.choice(["short", "long"], dealer.size, p=[0.7, 0.3])
    satisfaction = rng.normal(0, levels, dealers)[dealer] - 0.5 * (wait == "long") + rng.normal(size=dealer.size)
    score = np.clip(np.round(9 + 1.2 * (satisfaction + rng.normal(0, 0.7, dealer.size))), 1, 10)
    outcomes = {
        name: rng.random(dealer.size) < special.expit(base - slope * satisfaction)
        for name, base, slope in (("complaint", -3.4, 1.2), ("churned", -2.4, 0.7))
    }
    independent = rng.random(dealer.size) < 0.2
    inflated = rng.permutation(dealers) < share * dealers
    score[inflated[dealer] & ~independent & (rng.random(dealer.size) < strength)] = 10
    return Network(dealer, score, wait, independent, outcomes, inflated)
