"""The honest network: its dealers, the visits on their rosters, and who of the customers is asked and heard.

    quality       T_d = top_box + spread z_d              share of 9 and 10 among average customers who answer the manufacturer
    satisfaction  f_i = level_d + case mix + season + u,  u ~ N(0, COMMON);  level_d = tau_9 + sigma Phi^-1(T_d)
    score         y_i = 1 + number of thresholds tau below f_i + e_i,  e ~ N(0, 1 - COMMON)
                  answered to the dealer: tau below f_i + gap_d + e_i, with gap_d worth channel_gap + gap_spread g_d points of top box

z is standard normal, of honest stars about 2.6 before it is standardised. The manufacturer draws visits at random; the dealer
invites of the others. Whom he reaches and who then answers depends on the case mix (and on f by `response_strength`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from .._checks import Floats, Integers
from .population import Bools, probability

START = np.datetime64("2025-10-01")
VISIT_DAYS = 355  # the last answers come ten days later, within twelve calendar months
SHARES = (0.005, 0.005, 0.008, 0.012, 0.025, 0.035, 0.07, 0.14, 0.27, 0.43)  # of the scores 1 to 10 at an average dealer
TOP = 9
COMMON = 0.6  # variance of the common factor among that of a score within a dealer and case
LEVELS: dict[str, tuple[str, ...]] = {
    "age_band": ("18-29", "30-39", "40-49", "50-59", "60+"),
    "warranty": ("expired", "in warranty"),
    "repeat_repair": ("no", "yes"),
    "wait": ("under 1 h", "1-2 h", "2-4 h", "over 4 h"),
}
CASE_SHARES: dict[str, tuple[float, ...]] = {
    "age_band": (0.14, 0.32, 0.28, 0.18, 0.08), "warranty": (0.4, 0.6), "repeat_repair": (0.88, 0.12), "wait": (0.35, 0.35, 0.2, 0.1)
}
EFFECTS: dict[str, tuple[float, ...]] = {  # on satisfaction
    "age_band": (-0.20, -0.10, 0.04, 0.13, 0.27), "warranty": (-0.12, 0.08), "repeat_repair": (0.09, -0.66),
    "wait": (0.20, 0.08, -0.18, -0.62),
}
CASE_SPREAD = {"age_band": 0.2, "warranty": 0.25, "repeat_repair": 0.25, "wait": 0.25}  # between dealers, in logits
EXTREME = {"age_band": -0.5, "warranty": -0.8, "repeat_repair": 1.0, "wait": 0.8}  # further shift of the dealers with hard cases
ANSWER_EFFECTS: dict[str, tuple[float, ...]] = {"age_band": (-0.4, -0.15, 0.05, 0.25, 0.3), "warranty": (-0.15, 0.1)}
INVITED, REACHED, HEARD = 0.88, 0.76, 0.50
INVITED_SPREAD = 0.3  # between dealers, in logits
SEASON, BUSY_SEASON = 0.08, 0.15
STAR, STAR_SPREAD = 2.6, 0.25
LOWEST, HIGHEST = 0.25, 0.98  # of a top-box share
TINY = (3, 29)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dealers:
    """The dealers; D of them, in no order."""

    quality: Floats  # T_d
    gap_points: Floats  # honest top box answered to the dealer minus T_d, for average customers
    level: Floats
    gap: Floats
    visits: Integers  # on the roster
    invited: Floats  # logit shift of the share invited
    case_shift: dict[str, Floats]
    star: Bools
    kiosk: Bools
    tiny: Bools
    extreme: Bools

    @property
    def count(self) -> int:
        """D."""
        return int(self.quality.size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Visits:
    """The visits on all rosters, sorted by dealer."""

    dealer: Integers
    day: Integers  # since `START`
    case: dict[str, Integers]
    satisfaction: Floats  # f
    latent: Floats  # f + e
    drawn: Bools  # by the manufacturer
    invited: Bools  # by whomever
    reached: Bools
    heard: Bools

    @property
    def size(self) -> int:
        """Number of visits."""
        return int(self.dealer.size)


def case_variance() -> float:
    """Variance of the case-mix effects at an average dealer, plus that of the season."""
    parts = [np.average(np.square(EFFECTS[name]), weights=share) for name, share in CASE_SHARES.items()]
    return float(sum(parts)) + SEASON**2 / 2


SCALE = float(np.sqrt(1.0 + case_variance()))
THRESHOLDS = SCALE * special.ndtri(np.cumsum(SHARES)[:-1])


def grade(latent: Floats) -> npt.NDArray[np.int8]:
    """Scores from 1 to 10 of latent values."""
    return np.asarray(1 + np.searchsorted(THRESHOLDS, latent), np.int8)


def draw_dealers(
    rng: np.random.Generator, count: int, *, responses: tuple[float, float], top_box: float, spread: float, channel_gap: float,
    gap_spread: float, drawn: float, stars: float, kiosks: float, tiny: float, extremes: float,
) -> Dealers:
    """Draw the dealers; `drawn` is the share of visits that the manufacturer draws."""
    star, kiosk, small, extreme = (_some(rng, count, share) for share in (stars, kiosks, tiny, extremes))
    quality = np.clip(top_box + spread * _standing(rng, star, stars), LOWEST, HIGHEST)
    answered = np.clip(quality + channel_gap + gap_spread * rng.normal(size=count), LOWEST, HIGHEST)
    level = THRESHOLDS[TOP - 2] + SCALE * special.ndtri(quality)
    size = np.exp(rng.uniform(np.log(responses[0]), np.log(responses[1]), count))
    size[small] = rng.uniform(*TINY, int(small.sum()))
    rate = REACHED * HEARD * (drawn + (1.0 - drawn) * INVITED)
    return Dealers(
        quality=quality, gap_points=answered - quality, level=level, gap=SCALE * (special.ndtri(answered) - special.ndtri(quality)),
        visits=np.maximum(np.rint(size / rate), 1.0).astype(np.intp), invited=rng.normal(0.0, INVITED_SPREAD, count),
        case_shift={name: rng.normal(0.0, sd, count) + extreme * EXTREME[name] for name, sd in CASE_SPREAD.items()},
        star=star, kiosk=kiosk, tiny=small, extreme=extreme,
    )


def draw_visits(rng: np.random.Generator, dealers: Dealers, *, drawn: float, response_strength: float) -> Visits:
    """Draw the visits, and who of the customers is asked and heard by an honest dealer."""
    dealer = np.repeat(np.arange(dealers.count), dealers.visits)
    n = dealer.size
    day = _days(rng, n)
    case = {name: _levels(rng, share, dealers.case_shift[name][dealer]) for name, share in CASE_SHARES.items()}
    satisfaction = dealers.level[dealer] + total_effect(case, EFFECTS) + season(day) + rng.normal(0.0, np.sqrt(COMMON), n)
    latent = satisfaction + rng.normal(0.0, np.sqrt(1.0 - COMMON), n)
    by_manufacturer = rng.random(n) < drawn
    invited = by_manufacturer | (rng.random(n) < probability(dealers.invited, INVITED)[dealer])
    eta = total_effect(case, ANSWER_EFFECTS)
    reached = invited & (rng.random(n) < probability(0.5 * eta, REACHED))
    heard = reached & (rng.random(n) < probability(eta + response_strength * satisfaction, HEARD))
    return Visits(
        dealer=dealer, day=day, case=case, satisfaction=satisfaction, latent=latent, drawn=by_manufacturer, invited=invited,
        reached=reached, heard=heard,
    )


def total_effect(case: dict[str, Integers], effects: dict[str, tuple[float, ...]]) -> Floats:
    """Sum of the effects of the case mix on one of the outcomes."""
    return np.asarray(np.sum([np.asarray(effect)[case[name]] for name, effect in effects.items()], axis=0))


def season(day: Integers) -> Floats:
    """What the season adds to satisfaction: lowest in January."""
    return np.asarray(-SEASON * np.cos(2 * np.pi * (day - 107) / 365))


def _some(rng: np.random.Generator, count: int, share: float) -> Bools:
    """Exactly the share of the dealers, at random."""
    return np.asarray(rng.permutation(count) < round(share * count))


def _standing(rng: np.random.Generator, star: Bools, share: float) -> Floats:
    """z of the dealers: a mixture of ordinary dealers and stars, with mean 0 and variance 1."""
    normal = rng.normal(size=star.size)
    z = np.where(star, STAR + STAR_SPREAD * normal, normal)
    mean = share * STAR
    variance = (1 - share) * (1 + mean**2) + share * (STAR_SPREAD**2 + (STAR - mean) ** 2)
    return np.asarray((z - mean) / np.sqrt(variance))


def _days(rng: np.random.Generator, n: int) -> Integers:
    """Days of visits, busiest in April and October."""
    busy = 1.0 + BUSY_SEASON * np.cos(4 * np.pi * (np.arange(VISIT_DAYS) - 15) / 365)
    return np.searchsorted(np.cumsum(busy / busy.sum())[:-1], rng.random(n), side="right")


def _levels(rng: np.random.Generator, shares: tuple[float, ...], shift: Floats) -> Integers:
    """Ordered levels whose cumulative odds a shift moves upwards."""
    logits = special.logit(np.cumsum(shares)[:-1])
    return np.searchsorted(logits, special.logit(rng.random(shift.size)) + shift)

