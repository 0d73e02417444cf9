"""The honest answers: an overall score and eight items with a common factor, when they came, from which device, how long they took.

    item k   x_ik = 1 + number of thresholds tau below f_i + gap_d (to the dealer) + difficulty_k + habit_dk + e_ik,  e ~ N(0, 1 - COMMON)

One customer in twelve gives every item his overall score. Kiosk dealers collect most of their answers at one tablet on Saturdays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._checks import Floats, Integers
from .dealer_visits import COMMON, Dealers, Visits, grade
from .population import Bools

ITEMS = ("welcome", "advice", "punctuality", "work_done", "explanation", "handover", "waiting_area", "value")
DIFFICULTY = (0.20, 0.10, -0.10, 0.05, 0.0, 0.10, -0.05, -0.30)
HABIT = 0.12  # between dealers, of one item
STRAIGHT = 0.08
HOUR, DAY_SECONDS = 3_600, 86_400
OPENS, OPEN_HOURS = 8, 14
DELAY, LONGEST_DELAY = 2.2, 9  # days from the visit to the answer
KIOSK_SHARE, KIOSK_HOUR, KIOSK_HOURS = 0.6, 10, 1.0
SATURDAY = 3  # `START` is a Wednesday
MEDIAN_SECONDS, SECONDS_SPREAD = 170.0, 0.5
AT_THE_DEALER = 0.15  # share of answers given in the dealer's own network
STAFF_DEVICES = 2

Items = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forms:
    """Forms; rows sorted by dealer."""

    visit: Integers  # row of the visits
    dealer: Integers
    asked_by_dealer: Bools
    score: Items
    items: Items  # (n, 8)
    time: Integers  # seconds since `START`
    device: Integers
    address: Integers
    seconds: Integers  # taken to fill in


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Premises:
    """What belongs to the dealers: numbers from the same range as those of customers."""

    kiosk: Integers
    staff: Integers  # (D, STAFF_DEVICES)
    address: Integers


def draw_forms(rng: np.random.Generator, dealers: Dealers, visits: Visits) -> tuple[Forms, Premises]:
    """The answers of everybody an honest dealer, or the manufacturer, would hear."""
    visit = np.flatnonzero(visits.heard)
    dealer, n = visits.dealer[visit], visit.size
    asked_by_dealer = ~visits.drawn[visit]
    gap = np.where(asked_by_dealer, dealers.gap[dealer], 0.0)
    score = grade(visits.latent[visit] + gap)
    at_kiosk = dealers.kiosk[dealer] & asked_by_dealer & (rng.random(n) < KIOSK_SHARE)
    own_device, premises = _premises(rng, dealers.count, n)
    own_address = rng.permutation(n + dealers.count)
    premises_address = own_address[n:]
    local = at_kiosk | (rng.random(n) < AT_THE_DEALER)
    forms = Forms(
        visit=visit, dealer=dealer, asked_by_dealer=asked_by_dealer, score=score,
        items=_items(rng, dealers.count, dealer, visits.satisfaction[visit] + gap, score), time=_times(rng, visits.day[visit], at_kiosk),
        device=np.where(at_kiosk, premises[dealer, 0], own_device), address=np.where(local, premises_address[dealer], own_address[:n]),
        seconds=np.maximum(MEDIAN_SECONDS * np.exp(rng.normal(0.0, SECONDS_SPREAD, n)), 15.0).astype(np.intp),
    )
    return forms, Premises(kiosk=premises[:, 0], staff=premises[:, 1:], address=premises_address)


def _premises(rng: np.random.Generator, count: int, n: int) -> tuple[Integers, Integers]:
    """Devices of n customers, and those of the dealers, numbered at random."""
    device = rng.permutation(n + (1 + STAFF_DEVICES) * count)
    return device[:n], device[n:].reshape(count, 1 + STAFF_DEVICES)


def _items(rng: np.random.Generator, count: int, dealer: Integers, factor: Floats, score: Items) -> Items:
    shift = np.asarray(DIFFICULTY) + rng.normal(0.0, HABIT, (count, len(ITEMS)))
    noise = rng.normal(0.0, np.sqrt(1.0 - COMMON), (dealer.size, len(ITEMS)))
    items = grade(factor[:, None] + shift[dealer] + noise)
    straight = rng.random(dealer.size) < STRAIGHT
    items[straight] = score[straight, None]
    return items


def _times(rng: np.random.Generator, day: Integers, at_kiosk: Bools) -> Integers:
    """Any time of an open day, some days after the visit; at a kiosk during an hour of the next Saturday."""
    n = day.size
    later = day + np.minimum(rng.exponential(DELAY, n), LONGEST_DELAY).astype(np.intp)
    hour = OPENS + OPEN_HOURS * (rng.random(n) + rng.random(n)) / 2
    saturday = day + (SATURDAY - day) % 7
    kiosk_hour = KIOSK_HOUR + KIOSK_HOURS * rng.random(n)
    return np.where(at_kiosk, saturday * DAY_SECONDS + kiosk_hour * HOUR, later * DAY_SECONDS + hour * HOUR).astype(np.intp)
