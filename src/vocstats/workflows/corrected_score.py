"""The result of `vocstats.correct`: three populations or estimates, their sensitivity and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import texts
from ..results import Assumption, Floats, Integers, Labels, Record, Result, register

if TYPE_CHECKING:
    import pandas as pd

TERMS = ("naive", "nonresponse_corrected", "survivor_corrected")
PARTS = ("engaged", "silent", "not_invited", "churned")
SHIFTS = ("silent", "churned", "mode")


@register("weighting_step")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightingStep(Record):
    """One line of the weight chain as the report shows it: the weights of those heard after the step.

    Attributes
    ----------
    name : str
        Name of the step ("base", "rake", "trim", ...).
    n : int
        Units heard with a positive weight.
    total : float
        Sum of the weights, in customers.
    smallest, largest, cv : float
        Extremes and coefficient of variation of the weights.
    design_effect, effective_n : float
        Kish's design effect and n divided by it.
    """

    name: str
    n: int
    total: float
    smallest: float
    largest: float
    cv: float
    design_effect: float
    effective_n: float


@register("balance")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Balance(Record):
    """Share of each auxiliary level among those to be represented, and among those heard before and after weighting.

    Attributes
    ----------
    part, variable, level : tuple of str
        Part of the base ("active" or "churned" or a member of `PARTS`), auxiliary and level; one entry a row.
    target, before, after : Floats (rows,)
        Shares between 0 and 1.
    heard : Integers (rows,)
        Answers in the level.
    """

    part: tuple[str, ...]
    variable: tuple[str, ...]
    level: tuple[str, ...]
    target: Floats
    before: Floats
    after: Floats
    heard: Integers


@register("correction")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correction(Result):
    """A score as reported, corrected for those who never answered, and for those who left.

    D is the number of domains (1 without `by`); the last axis of length 3 follows `TERMS`: ``naive`` (all survey
    answers), ``nonresponse_corrected`` (everyone active at the reference date), ``survivor_corrected`` (everyone in the
    window). These are three populations or estimates, not three attempts at one number.

    Attributes
    ----------
    outcome, statistic, method, weighting, inference, unit : str
        What was asked for; `method` is the one used for the silent: "double_sampling" or "weighting".
    scale : tuple of float
        Lowest and highest possible score.
    top, bottom : tuple of float
        The points counted by box and promoter statistics; empty where not used.
    level : float
        Confidence level of every interval.
    seed : int
        Seed the result was asked with (linearised results do not use it).
    by : tuple of str
        Names of the columns that make the domains; empty for the whole base.
    labels : Labels
        {column: label of each domain}, sorted, original type; empty for the whole base.
    estimate, std_error, conf_low, conf_high, df : Floats (D, 3)
        In the units of the statistic (score points; shares and net promoter shares as fractions). NaN: not estimated.
    n, customers : Integers (D, 3)
        Answers behind the term, and customers (or answers, for naive) it speaks for.
    borrowed : Floats (D, 3)
        Share of the term's customers whose group mean leans on the network's cells (0: none).
    reasons : tuple of tuple of str
        (D, 3) codes of `texts/reason.toml` why a term is missing; "" where it is not.
    contribution : Floats (D, 2)
        What the silent and the churned add: nonresponse_corrected - naive, survivor_corrected - nonresponse_corrected.
    range_low, range_high : Floats (D, 3)
        Estimates at the ends of the declared shifts, without sampling error.
    range_conf_low, range_conf_high : Floats (D, 3)
        The same with sampling error at both ends: the sensitivity range.
    monotone_low, monotone_high, worst_low, worst_high : Floats (D, 3)
        Bounds if those not heard score no higher than look-alikes who were, and if they may score anything on the scale.
    shift_effect : Floats (D, 3, 3)
        Change of each term per point of silent, churned and mode shift (`SHIFTS`); the mean only, NaN otherwise.
    silent_shift, churned_shift, mode_shift : tuple of float
        The declared shifts, in score points.
    kpi : float
        Score a dealer must reach, in units of the statistic; NaN when not given.
    tipping : Floats (D, 3, 2)
        Silent and churned shift, in score points, at which the term equals `kpi`; NaN where none on the scale does.
    kpi_confidence : Floats (D, 3)
        Confidence, from sampling error only, that the term stands at or above `kpi`.
    part_customers, part_heard : Integers (D, 4)
        Customers and answers by part of the base (`PARTS`).
    part_mean, part_std_error : Floats (D, 4)
        Estimate for each part; NaN where nobody speaks for it.
    part_assumed : Floats (D, 4)
        Share of the part's customers for whom no answer and no random draw speaks, only an assumption.
    overall : Correction or None
        The same for the whole base; None when this is it.
    assumptions : tuple of Assumption
        What the figures rest on, the weightiest first.
    steps : tuple of WeightingStep
        The weight chain.
    balance : Balance or None
        Auxiliaries before and after weighting.
    merged : tuple of str
        One line per merged level: "variable: level -> level".
    """

    outcome: str
    statistic: str
    method: str
    weighting: str
    inference: str
    unit: str
    scale: tuple[float, float]
    top: tuple[float, ...]
    bottom: tuple[float, ...]
    level: float
    seed: int
    by: tuple[str, ...]
    labels: Labels
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    df: Floats
    n: Integers
    customers: Integers
    borrowed: Floats
    reasons: tuple[tuple[str, ...], ...]
    contribution: Floats
    range_low: Floats
    range_high: Floats
    range_conf_low: Floats
    range_conf_high: Floats
    monotone_low: Floats
    monotone_high: Floats
    worst_low: Floats
    worst_high: Floats
    shift_effect: Floats
    silent_shift: tuple[float, float]
    churned_shift: tuple[float, float]
    mode_shift: tuple[float, float]
    kpi: float
    tipping: Floats
    kpi_confidence: Floats
    part_customers: Integers
    part_heard: Integers
    part_mean: Floats
    part_std_error: Floats
    part_assumed: Floats
    overall: Correction | None = None
    assumptions: tuple[Assumption, ...] = ()
    steps: tuple[WeightingStep, ...] = ()
    balance: Balance | None = None
    merged: tuple[str, ...] = ()
    variance_accounts_for: tuple[str, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
