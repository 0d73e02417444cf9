"""Correct a satisfaction score for those who never answered and for those who left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import _checks
from .._checks import Integers as Codes
from ..customer_base import SOURCES, Cells, CustomerBase
from ..errors import InputError, shown
from ..options import Assume, CorrectionMethod, Inference, SmallGroups, Statistic, WeightingMethod
from .assumptions import assumptions_of
from .corrected_score import Correction
from .domains import Domains
from .estimates import estimate_domains
from .representation import Representation, balance_of, represent, steps_of
from .statistic import Measure, measure
from .what_if import Shifts, what_if


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What `correct` was asked, checked: everything the later steps need beside the cells."""

    measure: Measure
    outcome: str
    method: str
    weighting: str
    inference: str
    small_groups: str
    level: float
    seed: int
    kpi: float
    shifts: Shifts
    auxiliaries: tuple[str, ...]
    pool_churned: bool
    unit: str


def correct(
    base: CustomerBase,
    *,
    outcome: str | None = None,
    scale: Sequence[float],
    statistic: Statistic = "mean",
    boxes: int = 2,
    top: Sequence[float] | None = None,
    bottom: Sequence[float] | None = None,
    items: Mapping[str, float] | None = None,
    points: float | None = None,
    auxiliaries: Sequence[str] = (),
    minimum_cell: int = 5,
    method: CorrectionMethod | None = None,
    weighting: WeightingMethod = "rake",
    trim: float | None = None,
    by: str | Sequence[str] | None = None,
    small_groups: SmallGroups = "borrow",
    inference: Inference = "registry",
    kpi: float | None = None,
    silent_shift: Sequence[float] = (0.0, 0.0),
    churned_shift: Sequence[float] = (0.0, 0.0),
    mode_shift: Sequence[float] = (0.0, 0.0),
    assume: str | Sequence[str] = (),
    level: float = 0.95,
    seed: int = 0,
) -> Correction:
    """Correct a score for nonresponse and for survivorship.

    Three figures come back. ``naive`` is the mean of all survey answers: what a company reports. ``nonresponse_corrected``
    speaks for everyone active at the reference date: the engaged for themselves, the silent through the follow-up where
    there is one (double sampling), else through weighting the engaged to all active customers on the auxiliaries.
    ``survivor_corrected`` speaks for everyone in the window: it adds the churned, of whom those who had answered
    the survey stand for themselves and exit interviews for the others. They are three populations or estimates, not three
    attempts at one number.

    Parameters
    ----------
    base : CustomerBase
        Registry and answers.
    outcome : str
        Column of the answers that holds the score. Leave it out when `items` is given.
    scale : pair of numbers
        Lowest and highest possible score; answers off it are refused.
    statistic : {"mean", "top_box", "bottom_box", "nps", "index"}
        Box statistics are shares between 0 and 1, "nps" the share of promoters minus that of detractors (-1 to 1).
    boxes : int
        Points of the scale in the top or bottom box.
    top, bottom : sequence of numbers, optional
        The points themselves, instead of `boxes`.
    items : mapping, optional
        {column: index weight}, weights summing to 1: the outcome is a weighted composite of several items.
    points : float, optional
        Points of an index at the highest score; default 100.
    auxiliaries : sequence of str
        Categorical columns of the registry on which those heard are weighted.
    minimum_cell : int
        Levels in which fewer were heard within a group are merged with their neighbour, and listed in ``merged``. Where the few
        heard in a group cannot meet all its margins at once, more of its levels are merged, and listed too.
    method : {"double_sampling", "weighting"}, optional
        How the silent are represented. Left out: by the follow-up where one was heard, else by weighting; ``method`` of the
        result says which.
    weighting : {"rake", "poststratify", "calibrate"}
        How those heard in a pool are weighted to its customers.
    trim : float, optional
        Cap of the weights as a multiple of their mean; margins still hold.
    by : str or sequence of str, optional
        Column whose levels are estimated one by one; several columns are crossed.
    small_groups : {"borrow", "blank", "fail"}
        What to do with a domain in which a group only partly heard has fewer than five answers: borrow from the
        network's cells, leave blank with the reason, or refuse.
    inference : {"registry", "process", "r"}
        What the standard errors refer to: the customers listed; those and others like them; or R survey's formulas
        (with replacement, no finite-population correction).
    kpi : float, optional
        Score to be reached, in units of the statistic.
    silent_shift, churned_shift : pair of numbers
        By how many score points those who never answered may differ from those who speak for them, lowest and highest.
    mode_shift : pair of numbers
        By how many points answers by telephone (follow-up, exit interviews) may stand above what the web would have given.
    assume : str or sequence of str
        "churned_heard_like_unheard": without exit interviews, let survey answers of those who left stand for all who left.
    level : float
        Confidence level.
    seed : int
        Kept with the result; the estimates are linearised and use no random numbers.

    Returns
    -------
    Correction

    Raises
    ------
    InputError
        An argument or the data are not usable; the message names column, rows and remedy.
    InfeasibleError
        Those heard cannot represent a level of an auxiliary.

    References
    ----------
    Hansen & Hurwitz (1946), JASA 41(236); Särndal, Swensson & Wretman (1992), ch. 9 and 15; Deville & Särndal (1992).

    Examples
    --------
    >>> import vocstats as vs
    >>> simulated = vs.datasets.simulate_base(2000, seed=1)
    >>> r = vs.correct(simulated.base(), outcome="csi", scale=(1, 10), auxiliaries=["age_band", "warranty"])
    >>> r.tidy()["term"].tolist()
    ['naive', 'nonresponse_corrected', 'survivor_corrected']
    """
    if not isinstance(base, CustomerBase):
        raise InputError(f"base must be a CustomerBase; got {type(base).__name__}.", code="not_a_base", argument="base")
    if (outcome is None) == (items is None):
        raise InputError(
            "correct needs the score: name its column (outcome=), or several with their weights (items=); one of the two.",
            code="no_outcome", argument="outcome",
        )  # fmt: skip
    what = measure(statistic, scale=scale, boxes=boxes, top=top, bottom=bottom, points=points)
    columns, domains_by = _names(auxiliaries, "auxiliaries"), _names(by, "by")
    assumed = [_checks.choice(code, Assume, "assume") for code in _names(assume, "assume")]
    chosen: dict[str, Any] = {
        "weighting": _checks.choice(weighting, WeightingMethod, "weighting"),
        "inference": _checks.choice(inference, Inference, "inference"),
        "small_groups": _checks.choice(small_groups, SmallGroups, "small_groups"),
        "level": _checks.level(level),
        "seed": int(_checks.number(seed, "seed", low=0.0)),
        "kpi": np.nan if kpi is None else _checks.number(kpi, "kpi", low=what.limits[0], high=what.limits[1]),
        "shifts": Shifts(
            *(_pair(s, f"{n}_shift") for n, s in (("silent", silent_shift), ("churned", churned_shift), ("mode", mode_shift)))
        ),
    }
    if method is not None:
        _checks.choice(method, CorrectionMethod, "method")
    minimum = int(_checks.number(minimum_cell, "minimum_cell", low=1))
    cap = None if trim is None else _checks.number(trim, "trim", low=1.0, open_low=True)
    cells = base.cells(list(dict.fromkeys(columns + domains_by)), outcome=outcome, items=items, scale=what.scale)
    question = Question(
        measure=what,
        outcome=outcome or "index",
        method=_method(method, cells),
        auxiliaries=columns,
        pool_churned=bool(assumed) and not _heard(cells, "exit_interview"),
        unit=base.unit,
        **chosen,
    )
    made = represent(
        cells,
        columns,
        double_sampling=question.method == "double_sampling",
        pool_churned=question.pool_churned,
        weighting=weighting,
        minimum_cell=minimum,
        trim_at=cap,
    )
    return _correction(question, cells, made, domains_by)


def _correction(question: Question, cells: Cells, made: Representation, by: tuple[str, ...]) -> Correction:
    """The correction of the whole base, or of the domains of `by` with the whole beside it."""
    whole = Domains(cells=cells, made=made, y=question.measure.values(cells.outcome), of=np.zeros(len(cells), np.intp), count=1, labels={})
    overall = _result(question, whole)
    common: dict[str, Any] = {
        "assumptions": assumptions_of(question, cells, overall),
        "steps": steps_of(made),
        "balance": balance_of(cells, question.auxiliaries, made),
        "merged": made.merged,
        "weights": made.weights,
        "cells": cells,
    }
    overall = replace(overall, **common)
    if not by:
        return overall
    of, labels = _domains(cells, by)
    domains = replace(whole, of=of, count=next(iter(labels.values())).size, labels=labels)
    return replace(_result(question, domains), overall=overall, **common)


def _result(question: Question, domains: Domains) -> Correction:
    """Estimates, sensitivity and parts of one set of domains."""
    estimates = estimate_domains(question, domains)
    what = question.measure
    return Correction(
        outcome=question.outcome,
        statistic=what.name,
        method=question.method,
        weighting=question.weighting,
        inference=question.inference,
        unit=question.unit,
        scale=what.scale,
        top=what.top,
        bottom=what.bottom,
        level=question.level,
        seed=question.seed,
        by=tuple(domains.labels),
        labels=domains.labels,
        silent_shift=question.shifts.silent,
        churned_shift=question.shifts.churned,
        mode_shift=question.shifts.mode,
        kpi=question.kpi,
        **estimates.fields(),
        **what_if(question, domains, estimates),
    )


def _method(method: str | None, cells: Cells) -> str:
    followed = _heard(cells, "follow_up")
    if method is None:
        return "double_sampling" if followed else "weighting"
    if method == "double_sampling" and not followed:
        raise InputError(
            "method='double_sampling' needs answers from a follow-up of the silent; none was given or none was answered. "
            "Add answers={'follow_up': ...} or use method='weighting'.",
            code="no_follow_up",
            argument="method",
        )
    return method


def _heard(cells: Cells, source: str) -> bool:
    return bool((cells.source == SOURCES.index(source)).any())


def _names(value: str | Sequence[str] | None, argument: str) -> tuple[str, ...]:
    names = () if value is None else (value,) if isinstance(value, str) else tuple(value)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise InputError(f"{argument} must name columns; got {shown(wrong)}.", code="not_a_name", argument=argument)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InputError(f"{argument} names {shown(repeated)} more than once.", code="named_twice", argument=argument, levels=repeated)
    return names


def _pair(value: Sequence[float], argument: str) -> tuple[float, float]:
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != 2:
        raise InputError(
            f"{argument} must be a pair (lowest, highest); got {value!r}.", code="not_a_pair", argument=argument, value=repr(value)
        )
    low, high = (_checks.number(v, argument, open_low=True, open_high=True) for v in value)
    if low > high:
        raise InputError(
            f"{argument} must rise from lowest to highest; got {(low, high)}.", code="not_a_pair", argument=argument, value=repr(value)
        )
    return low, high


def _domains(cells: Cells, by: tuple[str, ...]) -> tuple[Codes, dict[str, Any]]:
    """Domain of each cell and the labels of the domains, crossing the columns of `by`."""
    table = np.column_stack([cells.columns[name] for name in by])
    present, domain = np.unique(table, axis=0, return_inverse=True)
    return domain.ravel().astype(np.intp), {name: np.asarray(cells.levels[name])[present[:, k]] for k, name in enumerate(by)}
