"""What a correction carries beside its terms: the weight chain, the balance of the auxiliaries, other analyses."""

from __future__ import annotations

from dataclasses import dataclass

from ..results import Floats, Integers, Record, register


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


@register("analysis")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Analysis(Record):
    """What another analysis of the same question says of the terms.

    Attributes
    ----------
    name : str
        A method ("weighting", "double_sampling", "doubly_robust", "callbacks", "shadow"), "proxy_pattern_mixture", "exit_tilt" or
        "registry_check".
    low, high : Floats (D, 3)
        The estimate, or the ends of a range; NaN where the analysis says nothing of a term.
    conf_low, conf_high : Floats (D, 3)
        The same with sampling error.
    reason : str
        Code of the error where the data do not allow the analysis; "" where they do.
    messages : tuple of str
        What that error says, in each of `texts.LANGUAGES`.
    """

    name: str
    low: Floats
    high: Floats
    conf_low: Floats
    conf_high: Floats
    reason: str = ""
    messages: tuple[str, ...] = ()
