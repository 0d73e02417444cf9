"""Service rosters: who was invited, reached and heard, and what the customers thought."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import special


class Roster(NamedTuple):
    """Visits, one row each."""

    dealer: Any
    x: dict[str, Any]
    later: dict[str, Any]
    drawn: Any
    invited: Any
    reached: Any
    heard: Any
    score: Any  # NaN where not heard
    honest: Any  # score of everybody
    inflated: Any  # per dealer


def draw_roster(
    rng: np.random.Generator, *, dealers: int = 150, low: int = 15, high: int = 800, share: float = 0.0, where: str = "invited",
    strength: float = 0.5,
) -> Roster:
    """Honest dealers invite nine of ten; whether customers answer depends on their case. Inflating ones keep out the dissatisfied."""
    size = np.exp(rng.uniform(np.log(low), np.log(high), dealers)).astype(int)
    dealer = np.repeat(np.arange(dealers), size)
    n = dealer.size
    x = {"repeat": rng.choice(["no", "yes"], n, p=[0.85, 0.15]), "wait": rng.choice(["a", "b", "c"], n)}
    case = -0.9 * (x["repeat"] == "yes") - 0.4 * (x["wait"] == "c")
    satisfaction = rng.normal(0, 0.3, dealers)[dealer] + case + rng.normal(size=n)
    honest = np.clip(np.round(9 + 1.2 * satisfaction), 1, 10)
    later = {"complaint": rng.random(n) < special.expit(-3.0 - 1.2 * satisfaction)}
    drawn = rng.random(n) < 0.15
    inflated = rng.permutation(dealers) < share * dealers
    kept_out = inflated[dealer] & ~drawn & (satisfaction < -0.3) & (rng.random(n) < strength)
    passes = {
        "invited": drawn | (rng.random(n) < special.expit(2.2 + rng.normal(0, 0.4, dealers))[dealer]),
        "reached": rng.random(n) < special.expit(1.2 + 0.2 * case), "heard": rng.random(n) < special.expit(0.1 + 0.2 * case),
    }
    passes[where] &= ~kept_out
    invited = passes["invited"]
    reached = invited & passes["reached"]
    heard = reached & passes["heard"]
    return Roster(dealer, x, later, drawn, invited, reached, heard, np.where(heard, honest, np.nan), honest, inflated)
