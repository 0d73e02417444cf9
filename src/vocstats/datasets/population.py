"""The simulated customers: who they are, how satisfied they are, and when they left.

    satisfaction  s = sum of the effects of the traits + dealer effect + e,     e ~ N(0, NOISE^2)
    score         y = 1 + number of thresholds below s                         (1 to 10, skewed as car makers' scores are)
    leaving       logit P(left) = a - 0.8 churn_strength s + effects of the traits

Traits act through their levels (tenure through its band), so within a cell of the traits nothing but `s` is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .._checks import Floats, Integers

Bools = npt.NDArray[np.bool_]
Dates = npt.NDArray[np.datetime64]

WINDOW = (np.datetime64("2025-10-01"), np.datetime64("2026-09-30"))
REFERENCE_DATE = np.datetime64("2026-10-01")  # churned: left before this day
FIRST_PURCHASE, FIRST_LEFT, EXPORTED = np.datetime64("2018-10-01"), np.datetime64("2025-04-01"), np.datetime64("2026-11-15")
DAY = np.timedelta64(1, "D")
SHORTEST_STAY = 30 * DAY  # between a purchase and leaving

REGIONS = ("North", "East", "South", "West", "Overseas")
REGION_SHARES = (0.25, 0.30, 0.25, 0.15, 0.05)
LEVELS: dict[str, tuple[str, ...]] = {
    "age_band": ("18-29", "30-39", "40-49", "50-59", "60+"),
    "model": ("M1", "M2", "M3", "M4", "M5"),
    "purchase_channel": ("fleet", "online", "showroom"),
    "warranty": ("expired", "in warranty"),
}
SHARES: dict[str, tuple[float, ...]] = {
    "age_band": (0.16, 0.34, 0.27, 0.16, 0.07),
    "model": (0.30, 0.25, 0.20, 0.15, 0.10),
    "purchase_channel": (0.13, 0.25, 0.62),
}
TENURE_UPPER = (12, 24, 48)  # months; the bands of the example study
TENURE_LABELS = ("≤12个月", "13–24个月", "25–48个月", "≥49个月")
EFFECTS: dict[str, dict[str, tuple[float, ...]]] = {
    "satisfaction": {
        "age_band": (-0.25, -0.10, 0.05, 0.20, 0.30),
        "model": (0.15, 0.05, -0.05, -0.20, 0.10),
        "purchase_channel": (-0.20, -0.10, 0.10),
        "tenure_band": (0.20, 0.05, -0.10, -0.15),
        "warranty": (-0.15, 0.10),
    },
    "left": {"age_band": (0.3, 0.1, 0.0, -0.2, -0.3), "warranty": (0.5, -0.3)},
    "never_invited": {"purchase_channel": (0.9, 0.2, -0.2)},
    "response": {
        "age_band": (-0.5, -0.2, 0.0, 0.3, 0.4),
        "purchase_channel": (-0.5, 0.0, 0.1),
        "tenure_band": (0.3, 0.1, -0.1, -0.3),
        "warranty": (-0.3, 0.2),
    },
    "asked_again": {"age_band": (-0.4, -0.1, 0.1, 0.3, 0.3), "purchase_channel": (-0.3, -0.1, 0.1), "warranty": (-0.2, 0.2)},
}
DEALER_SPREAD, DEALER_SIZE_SPREAD, NOISE = 0.25, 1.1, 0.85
SCORE_SHARES = (0.016, 0.008, 0.012, 0.013, 0.025, 0.045, 0.085, 0.17, 0.24, 0.386)  # aimed at among all customers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Population:
    """Everybody, as codes and days; rows in the order of the registry."""

    ids: npt.NDArray[np.str_]
    dealer: Integers
    dealer_region: Integers  # one entry per dealer
    traits: dict[str, Integers]
    tenure_months: Integers
    purchased: Dates
    left: Dates  # NaT: still a customer when the registry was exported
    satisfaction: Floats
    score: Integers

    @property
    def size(self) -> int:
        """Number of customers in the registry."""
        return int(self.dealer.size)

    def effect(self, on: str) -> Floats:
        """Sum of the effects of the traits on one of the outcomes in `EFFECTS`."""
        return _effect(self.traits, on)

    def left_by(self, day: Any) -> Bools:
        """Whether each customer had left before `day` (NaT compares as false)."""
        return np.asarray(self.left < day)

    @property
    def in_window(self) -> Bools:
        """Whether each was a customer at any time in the window."""
        return (self.purchased <= WINDOW[1]) & ~self.left_by(WINDOW[0])


def probability(eta: Floats, mean: float) -> Floats:
    """``expit(a + eta)`` with the intercept `a` that makes the average equal `mean` (0 and 1 are allowed)."""
    if not 0.0 < mean < 1.0 or not eta.size:
        return np.full(eta.size, float(mean))
    intercept = float(special.logit(mean)) - eta.mean()
    for _ in range(100):
        p = special.expit(intercept + eta)
        step = (p.mean() - mean) / (p * (1.0 - p)).mean()
        intercept -= np.clip(step, -1.0, 1.0)
        if abs(step) < 1e-10:
            break
    return np.asarray(special.expit(intercept + eta))


def days(rng: np.random.Generator, first: Any, last: Any, size: int) -> Dates:
    """Uniform days from `first` to `last`, both included; the limits may be arrays."""
    span = (last - first).astype(int) + 1
    return np.asarray(first + np.floor(rng.random(size) * span).astype("timedelta64[D]"))


def draw_population(rng: np.random.Generator, n: int, dealers: int, churn_rate: float, churn_strength: float) -> Population:
    """Draw `n` customers of `dealers` dealers."""
    shares = np.exp(rng.normal(0.0, DEALER_SIZE_SPREAD, dealers))
    region = _codes(rng, REGION_SHARES, dealers)
    shares /= shares.sum()
    dealer_effect = rng.normal(0.0, DEALER_SPREAD, dealers)
    dealer_effect -= shares @ dealer_effect
    dealer = _codes(rng, shares, n)
    purchased = days(rng, FIRST_PURCHASE, EXPORTED, n)
    tenure = _months(purchased, np.full(n, REFERENCE_DATE))
    traits = {name: _codes(rng, share, n) for name, share in SHARES.items()}
    traits["tenure_band"] = np.searchsorted(TENURE_UPPER, tenure)
    traits["warranty"] = (rng.random(n) < np.where(tenure <= 36, 0.97, 0.12)).astype(np.intp)
    satisfaction = _effect(traits, "satisfaction") + dealer_effect[dealer] + rng.normal(0.0, NOISE, n)
    left = _leave(rng, purchased, _effect(traits, "left") - 0.8 * churn_strength * satisfaction, churn_rate)
    return Population(
        ids=_ids(rng, n), dealer=dealer, dealer_region=region, traits=traits, tenure_months=tenure, purchased=purchased, left=left,
        satisfaction=satisfaction, score=_score(satisfaction),
    )


def _effect(traits: dict[str, Integers], on: str) -> Floats:
    parts = [np.asarray(effect)[traits[trait]] for trait, effect in EFFECTS[on].items()]
    return np.asarray(sum(parts[1:], start=parts[0]))


def _codes(rng: np.random.Generator, shares: Any, size: int) -> Integers:
    return np.searchsorted(np.cumsum(shares)[:-1], rng.random(size), side="right")


def _ids(rng: np.random.Generator, n: int) -> npt.NDArray[np.str_]:
    """Distinct ids of digits, wide enough that every one begins with a zero."""
    number = rng.permutation(n) * 7 + rng.integers(0, 7, n)
    width = max(8, len(str(7 * n)) + 1)
    digits = number[:, None] // 10 ** np.arange(width - 1, -1, -1) % 10
    return (digits + ord("0")).astype(np.uint32).view(f"U{width}").ravel()


def _months(first: Dates, last: Dates) -> Integers:
    """Whole calendar months from `first` to `last`, at least 0."""
    months = (last.astype("datetime64[M]") - first.astype("datetime64[M]")).astype(np.intp)
    return np.asarray(np.maximum(months, 0))


def _leave(rng: np.random.Generator, purchased: Dates, eta: Floats, churn_rate: float) -> Dates:
    """Days of leaving, spread evenly from `FIRST_LEFT` to the export, so that `churn_rate` is about the share of one year."""
    span = (EXPORTED - FIRST_LEFT).astype(int) / 365.0
    leaves = rng.random(eta.size) < probability(eta, min(churn_rate * span, 1.0))
    first = np.maximum(purchased + SHORTEST_STAY, FIRST_LEFT)
    day = days(rng, first, np.full(eta.size, EXPORTED), eta.size)
    return np.where(leaves & (first <= EXPORTED), day, np.datetime64("NaT", "D"))


def _score(satisfaction: Floats) -> Integers:
    mean, spread = -0.09, np.hypot(NOISE, 0.42)  # of the satisfaction: traits, dealers and noise
    thresholds = mean + spread * special.ndtri(np.cumsum(SCORE_SHARES)[:-1])
    return 1 + np.searchsorted(thresholds, satisfaction)
