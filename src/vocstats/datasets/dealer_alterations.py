"""Mechanisms that change answers: what becomes of the forms a dealer touched.

Each function takes the forms touched and returns them as they arrive at the manufacturer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .._checks import Integers
from .dealer_forms import DAY_SECONDS, HOUR, ITEMS, STAFF_DEVICES, Forms, Items, Premises
from .dealer_suppression import rank_within
from .dealer_visits import THRESHOLDS, TOP, grade

BORDERLINE = 6  # scores from here up to 9 become 10 when a customer is begged
YIELDS, ITEM_YIELDS = 0.9, 0.6
GIFT_ITEMS = 0.85  # share of items that become 10 with the score
BATCH = (6, 15)
TEMPLATES = 3
TEMPLATE_SHARES = (0.1, 0.3, 0.6)  # of 8, 9 and 10
SLIPS = 0.04  # share of answers of a copy that differ from its template
EVENING = 19
INVENTED_LEVEL, INVENTED_SPREAD, INVENTED_NOISE = 0.9, 0.25, 0.45
INVENTED_SECONDS, INVENTED_SECONDS_SPREAD = 100.0, 0.3

Alteration = Callable[[np.random.Generator, Forms, Premises], Forms]


def beg(rng: np.random.Generator, forms: Forms, premises: Premises) -> Forms:
    """Customers near full marks give them; the others give one or two points more."""
    borderline = forms.score >= BORDERLINE
    more = np.minimum(forms.score + rng.integers(1, 3, forms.score.size), 10)
    score = np.where(borderline, np.where(rng.random(forms.score.size) < YIELDS, 10, forms.score), more)
    raised = (forms.items >= BORDERLINE) & (rng.random(forms.items.shape) < ITEM_YIELDS)
    return replace(forms, score=score.astype(np.int8), items=np.where(raised, np.minimum(forms.items + 1, 10), forms.items).astype(np.int8))


def give(rng: np.random.Generator, forms: Forms, premises: Premises) -> Forms:
    """Everybody who takes the gift gives a 10, and most items too."""
    full = rng.random(forms.items.shape) < GIFT_ITEMS
    return replace(forms, score=np.full_like(forms.score, 10), items=np.where(full, 10, forms.items).astype(np.int8))


def copy(rng: np.random.Generator, forms: Forms, premises: Premises) -> Forms:
    """Staff fill in batches of an evening from a few templates, one device a batch."""
    rank = rank_within(forms.dealer, forms.time)
    size = rng.integers(BATCH[0], BATCH[1] + 1, premises.address.size)[forms.dealer]
    batch_of_dealer = rank // size
    _, first, batch = np.unique(forms.dealer * (rank.max() + 1) + batch_of_dealer, return_index=True, return_inverse=True)
    answers = copied_answers(rng, forms.dealer, batch, premises.address.size)
    latest = np.zeros(first.size, np.intp)
    np.maximum.at(latest, batch, forms.time)
    begins = latest // DAY_SECONDS * DAY_SECONDS + (EVENING * HOUR + 1.5 * HOUR * rng.random(first.size)).astype(np.intp)
    time = begins[batch] + 100 * (rank % size) + rng.integers(0, 60, rank.size)
    return replace(
        forms, score=answers[:, 0], items=answers[:, 1:], time=time, device=premises.staff[forms.dealer, batch_of_dealer % STAFF_DEVICES],
        address=premises.address[forms.dealer], seconds=(20 + rng.exponential(25.0, rank.size)).astype(np.intp),
    )


def copied_answers(
    rng: np.random.Generator, dealer: Integers, batch: Integers, dealers: int, *, slips: float = SLIPS, lowest: int = TOP
) -> Items:
    """Scores and items of each batch, copied from one of the dealer's templates; a slip is any answer from `lowest`."""
    template = rng.integers(0, TEMPLATES, batch.max() + 1)[batch]
    templates = rng.choice(np.array([8, 9, 10], np.int8), (dealers, TEMPLATES, 1 + len(ITEMS)), p=TEMPLATE_SHARES)
    templates[:, :, 0] = np.maximum(templates[:, :, 0], TOP)
    copies = templates[dealer, template]
    slip = rng.random(copies.shape) < slips
    return np.asarray(np.where(slip, rng.integers(lowest, 11, copies.shape), copies), np.int8)


def invent(rng: np.random.Generator, forms: Forms, premises: Premises) -> Forms:
    """Staff invent good answers of too little variety, one form at a time, half of them at the dealer's."""
    n = forms.score.size
    factor = THRESHOLDS[TOP - 2] + INVENTED_LEVEL + rng.normal(0.0, INVENTED_SPREAD, n)
    answers = grade(factor[:, None] + rng.normal(0.0, INVENTED_NOISE, (n, 1 + len(ITEMS))))
    address = np.where(rng.random(n) < 0.5, premises.address[forms.dealer], forms.address)
    return replace(
        forms, score=answers[:, 0], items=answers[:, 1:], address=address,
        seconds=(INVENTED_SECONDS * np.exp(rng.normal(0.0, INVENTED_SECONDS_SPREAD, n))).astype(np.intp),
    )


ALTERATIONS: dict[str, Alteration] = {
    "begging": beg, "gifts": give, "copied_forms": copy, "plausible_forms": invent, "month_end_push": give, "drift": beg,
    "late_start": give, "coach_both_channels": beg,
}
