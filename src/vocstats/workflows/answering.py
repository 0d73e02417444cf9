"""From a question to its answer: collapse, represent, estimate, ask what if."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .._checks import Integers as Codes
from ..customer_base import Cells
from ..errors import InputError
from .assumptions import assumptions_of
from .choosing import choose
from .corrected_score import Correction
from .domains import Domains
from .estimates import estimate_domains
from .question import Question, was_heard
from .representation import balance_of, represent, steps_of
from .what_if import what_if


def answer(question: Question) -> Correction:
    """The correction of the whole base, or of the domains of `by` with the whole beside it."""
    reason = ""
    if question.method == "auto":
        method, reason = choose(question)
        question = replace(question, method=method)
    cells = question.cells()
    question = replace(question, method=_method(question, cells))
    values = question.measure.values(cells.outcome)
    made = represent(question, cells, values)
    whole = Domains(cells=cells, made=made, y=values, of=np.zeros(len(cells), np.intp), count=1, labels={})
    overall = _result(question, whole)
    common: dict[str, Any] = {
        "method_reason": reason,
        "assumptions": assumptions_of(question, whole, overall),
        "steps": steps_of(made),
        "balance": balance_of(cells, question.auxiliaries, made),
        "merged": made.merged,
        "weights": made.weights,
        "cells": cells,
        "question": question,
    }
    overall = replace(overall, **common)
    if not question.by:
        return overall
    of, labels = _domains(cells, question.by)
    domains = replace(whole, of=of, count=next(iter(labels.values())).size, labels=labels)
    return replace(_result(question, domains), overall=overall, **common)


def _result(question: Question, domains: Domains) -> Correction:
    """Estimates, sensitivity and parts of one set of domains."""
    estimates = estimate_domains(question, domains)
    what = question.measure
    assert question.method is not None
    return Correction(
        outcome=question.outcome or "index",
        statistic=what.name,
        method=question.method,
        weighting=question.weighting,
        inference=question.inference,
        unit=question.base.unit,
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


def _method(question: Question, cells: Cells) -> Any:
    """The method asked for, if the base allows it; without one the follow-up where it was heard, else weighting."""
    followed = was_heard(cells, "follow_up")
    if question.method is None:
        return "double_sampling" if followed else "weighting"
    if question.follows and not followed:
        raise InputError(
            f"method={question.method!r} needs answers from a follow-up of the silent; none was given or none was answered. "
            "Add answers={'follow_up': ...} or use method='weighting'.",
            code="no_follow_up", argument="method", method=question.method,
        )
    return question.method


def _domains(cells: Cells, by: tuple[str, ...]) -> tuple[Codes, dict[str, Any]]:
    """Domain of each cell and the labels of the domains, crossing the columns of `by`."""
    table = np.column_stack([cells.columns[name] for name in by])
    present, domain = np.unique(table, axis=0, return_inverse=True)
    return domain.ravel().astype(np.intp), {name: np.asarray(cells.levels[name])[present[:, k]] for k, name in enumerate(by)}
