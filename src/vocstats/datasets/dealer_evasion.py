"""The same mechanisms in the hands of dealers who know how an audit looks for them.

They spread what they fill in over the time, devices and addresses of the customers, take as long as customers do, vary the answers
as customers do, move the items with the score, and are content with a 9 now and then.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .dealer_alterations import ALTERATIONS, BORDERLINE, YIELDS, Alteration, copied_answers
from .dealer_forms import ITEMS, Forms, Premises
from .dealer_visits import COMMON, THRESHOLDS, TOP, grade

CAREFUL_SLIPS = 0.35
CAREFUL_LEVEL, CAREFUL_SPREAD = 1.1, 0.6
NINES = 0.35


def beg_evenly(rng: np.random.Generator, forms: Forms, premises: Premises) -> Forms:
    """Borderline scores become 9 or 10, and the items rise by as many points."""
    yields = (forms.score >= BORDERLINE) & (rng.random(forms.score.size) < YIELDS)
    return _raise(forms, np.where(yields, _high(rng, forms.score.size), forms.score))


def give_evenly(rng: np.random.Generator, forms: Forms, premises: Premises) -> Forms:
    """Everybody gives a 9 or 10, and raises the items by as many points."""
    return _raise(forms, _high(rng, forms.score.size))


def copy_loosely(rng: np.random.Generator, forms: Forms, premises: Premises) -> Forms:
    """Copies with many slips, each sent as if by the customer."""
    answers = copied_answers(rng, forms.dealer, np.arange(forms.dealer.size), premises.address.size, slips=CAREFUL_SLIPS, lowest=TOP - 1)
    return replace(forms, score=answers[:, 0], items=answers[:, 1:])


def invent_variety(rng: np.random.Generator, forms: Forms, premises: Premises) -> Forms:
    """Invented answers nearly as varied as those of satisfied customers, each sent as if by the customer."""
    factor = THRESHOLDS[TOP - 2] + CAREFUL_LEVEL + rng.normal(0.0, CAREFUL_SPREAD, forms.score.size)
    answers = grade(factor[:, None] + rng.normal(0.0, np.sqrt(1.0 - COMMON), (forms.score.size, 1 + len(ITEMS))))
    return replace(forms, score=answers[:, 0], items=answers[:, 1:])


def _high(rng: np.random.Generator, n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.where(rng.random(n) < NINES, TOP, 10)


def _raise(forms: Forms, score: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Forms:
    """The forms with scores raised to `score`, and the items by as much."""
    raised = np.maximum(score, forms.score)
    items = np.minimum(forms.items + (raised - forms.score)[:, None], 10)
    return replace(forms, score=raised.astype(np.int8), items=items.astype(np.int8))


CAREFUL_ALTERATIONS: dict[str, Alteration] = {
    **dict.fromkeys(ALTERATIONS, beg_evenly), **dict.fromkeys(("gifts", "month_end_push", "late_start"), give_evenly),
    "copied_forms": copy_loosely, "plausible_forms": invent_variety,
}
