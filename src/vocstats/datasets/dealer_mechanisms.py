"""Who inflates, how, how strongly and since when, and what becomes of the honest network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args

import numpy as np

from .._checks import Floats, Integers
from ..options import InflationMechanism
from .dealer_alterations import ALTERATIONS
from .dealer_evasion import CAREFUL_ALTERATIONS
from .dealer_forms import DAY_SECONDS, Forms, Premises
from .dealer_suppression import kept_out, rank_within
from .dealer_visits import START, TOP, Dealers, Visits
from .population import Bools

MECHANISMS: tuple[str, ...] = get_args(InflationMechanism)
SUPPRESSING = ("cherry_picking", "corrupted_numbers", "deleted_records")
MONTHS = 12
MONTH_STARTS = (np.arange(MONTHS + 1) + START.astype("datetime64[M]")).astype("datetime64[s]").astype(np.int64) - START.astype(
    "datetime64[s]"
).astype(np.int64)
ONSETS = {"drift": (1, 5), "late_start": (2, 6)}  # first and last month of beginning, counted from 0
MOST = 0.95  # of the answers of any time are touched
MONTH_DAYS = 30
BEYOND = 0.1  # of the cut-off
PUSH_DAYS = 20  # days of a month's end that a push of strength 1 covers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What every dealer does; arrays (D,)."""

    mechanism: Integers  # position in `MECHANISMS`, -1: none
    strength: Floats  # 0: none
    onset: Integers  # month of beginning, -1: none

    def uses(self, name: str) -> Bools:
        """Which dealers use one mechanism."""
        return np.asarray(self.mechanism == MECHANISMS.index(name))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fieldwork:
    """What the manufacturer receives, with what was done to it."""

    invited: Bools  # per visit
    reached: Bools
    heard: Bools
    kept_out: Bools
    forms: Forms  # of everybody an honest dealer would hear, as altered
    arrived: Bools  # per form: not kept out
    touched: Bools  # per form


def draw_plan(
    rng: np.random.Generator, dealers: Dealers, *, inflated: float, strengths: tuple[float, ...], mechanisms: tuple[str, ...],
    threshold: float,
) -> Plan:
    """Who inflates: anybody but honest stars; those who push at month end are dealers below the cut-off, as far as there are any."""
    candidates = rng.permutation(np.flatnonzero(~dealers.star))
    chosen = candidates[: round(inflated * dealers.count)]
    codes = np.resize(rng.permutation([MECHANISMS.index(name) for name in mechanisms]), chosen.size)
    pushing = codes == MECHANISMS.index("month_end_push")
    below = (dealers.quality + dealers.gap_points)[chosen] < threshold
    chosen = np.concatenate([chosen[below], chosen[~below]])
    codes = np.concatenate([codes[pushing], codes[~pushing]])
    mechanism = np.full(dealers.count, -1, np.intp)
    mechanism[chosen] = codes
    strength = np.zeros(dealers.count)
    strength[chosen] = rng.choice(strengths, chosen.size)
    onset = np.where(mechanism >= 0, 0, -1)
    for name, (first, last) in ONSETS.items():
        late = mechanism == MECHANISMS.index(name)
        onset = np.where(late, rng.integers(first, last + 1, dealers.count), onset)
    return Plan(mechanism=mechanism, strength=strength, onset=onset)


def inflate(
    rng: np.random.Generator, plan: Plan, dealers: Dealers, visits: Visits, forms: Forms, premises: Premises, *, threshold: float,
    careful: bool,
) -> Fieldwork:
    """The fieldwork after every dealer did what is planned; what the others send stays as it was."""
    streams = dict(zip(MECHANISMS, rng.spawn(len(MECHANISMS)), strict=True))
    out = {
        name: kept_out(streams[name], dealers, visits, name, np.where(plan.uses(name), plan.strength, 0.0), careful=careful)
        for name in SUPPRESSING
    }
    gone = np.logical_or.reduce(list(out.values()))
    touched = _touched(rng, plan, forms)
    touched |= _pushed(rng, plan, forms, threshold, careful)
    columns = {name: getattr(forms, name).copy() for name in ("score", "items", "time", "device", "address", "seconds")}
    for name, alter in (CAREFUL_ALTERATIONS if careful else ALTERATIONS).items():
        rows = np.flatnonzero(touched & plan.uses(name)[forms.dealer])
        if rows.size:
            altered = alter(streams[name], _take(forms, rows), premises)
            for column, values in columns.items():
                values[rows] = getattr(altered, column)
    return Fieldwork(
        invited=visits.invited & ~out["cherry_picking"], reached=visits.reached & ~out["cherry_picking"] & ~out["corrupted_numbers"],
        heard=visits.heard & ~gone, kept_out=gone, forms=replace(forms, **columns), arrived=~gone[forms.visit], touched=touched,
    )


def _touched(rng: np.random.Generator, plan: Plan, forms: Forms) -> Bools:
    """Forms touched one by one: a drift rises in proportion to the time since it began, everything else stays as it began."""
    altering = np.logical_or.reduce([plan.uses(name) for name in ALTERATIONS if name != "month_end_push"])
    begun = MONTH_STARTS[np.maximum(plan.onset, 0)][forms.dealer]
    left = 1.0 - begun / MONTH_STARTS[-1]
    since = (forms.time - begun) / (MONTH_STARTS[-1] - begun)
    profile = np.where(plan.uses("drift")[forms.dealer], 2.0 * since, 1.0) * (since >= 0) / left
    within_reach = altering[forms.dealer] & (forms.asked_by_dealer | plan.uses("coach_both_channels")[forms.dealer])
    return np.asarray(within_reach & (rng.random(forms.score.size) < np.minimum(plan.strength[forms.dealer] * profile, MOST)))


def _pushed(rng: np.random.Generator, plan: Plan, forms: Forms, threshold: float, careful: bool) -> Bools:
    """Latest low scores of each dealer-month, as many as are missing to the cut-off, within the last days of the month.

    The careful choose among as many days of the whole month, and go up to `BEYOND` past the cut-off.
    """
    pushed = np.zeros(forms.score.size, bool)
    rows = np.flatnonzero(plan.uses("month_end_push")[forms.dealer] & forms.asked_by_dealer)
    month = np.searchsorted(MONTH_STARTS, forms.time[rows], side="right") - 1
    group = forms.dealer[rows] * MONTHS + month
    high = forms.score[rows] >= TOP
    answers = np.bincount(group)
    goal = threshold + (BEYOND * rng.random(answers.size) if careful else 0.0)
    missing = np.ceil(goal * answers - 1e-9) - np.bincount(group, weights=high)
    to_month_end = (MONTH_STARTS[month + 1] - forms.time[rows]) / DAY_SECONDS
    days_left = MONTH_DAYS * rng.random(rows.size) if careful else to_month_end
    late = np.flatnonzero(~high & (days_left < PUSH_DAYS * plan.strength[forms.dealer[rows]]))
    pushed[rows[late[rank_within(group[late], days_left[late]) < missing[group[late]]]]] = True
    return pushed


def _take(forms: Forms, rows: Integers) -> Forms:
    return replace(forms, **{name: getattr(forms, name)[rows] for name in Forms.__dataclass_fields__})
