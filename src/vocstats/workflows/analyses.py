"""The same question answered in every other way the base allows: other methods, proxies, exit interviews as a tilt, later churn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from .. import texts
from ..customer_base import GROUPS, SOURCES, Cells
from ..errors import VocstatsError
from ..options import CorrectionMethod
from ..results import Floats
from ..sensitivity import mubp, registry_check, smub
from ..survivorship import exit_tilt
from ..weighting import weight_by_propensity
from .answering import answer
from .corrected_score import TERMS, Correction
from .correction_records import Analysis
from .question import Question, was_heard

_CHURNED = GROUPS.index("churned")
_SURVEY, _EXIT = SOURCES.index("survey"), SOURCES.index("exit_interview")
_ACTIVE, _EVERYBODY = 1, 2
Figures = Callable[[], dict[str, Floats]]


def analyses_of(correction: Correction) -> tuple[Analysis, ...]:
    """Every analysis that applies to a correction beside its own; one the data do not allow has no figures, but the reason.

    Parameters
    ----------
    correction : Correction
        As `vocstats.correct` returned it; read from a file it no longer knows its base, and there are none.
    """
    question, cells = correction.question, correction.cells
    if question is None or cells is None:
        return ()
    methods: list[tuple[str, Figures]] = [(method, partial(_answered, question, method)) for method in _other_methods(question, cells)]
    further = [] if correction.by else list(_further(question, correction, cells))
    return tuple(_attempted(name, correction, analysis) for name, analysis in methods + further)


def _attempted(name: str, correction: Correction, analysis: Figures) -> Analysis:
    """The figures (D, 3) of an analysis, or none and the code of why."""
    none = np.full(correction.estimate.shape, np.nan)
    nothing = Analysis(name=name, low=none, high=none, conf_low=none, conf_high=none)
    try:
        return replace(nothing, **analysis())  # type: ignore[arg-type]
    except VocstatsError as error:
        return replace(nothing, reason=error.code, messages=tuple(texts.message(error, each) for each in texts.LANGUAGES))


def _other_methods(question: Question, cells: Cells) -> Iterator[CorrectionMethod]:
    followed = was_heard(cells, "follow_up")
    applicable: dict[CorrectionMethod, bool] = {
        "weighting": True, "double_sampling": followed, "doubly_robust": followed,
        "callbacks": question.base.knows_attempts, "shadow": question.shadow is not None,
    }
    return (method for method, applies in applicable.items() if applies and method != question.method)


def _answered(question: Question, method: CorrectionMethod) -> dict[str, Floats]:
    other = answer(replace(question, method=method, trim=None))
    return {"low": other.estimate, "high": other.estimate, "conf_low": other.conf_low, "conf_high": other.conf_high}


def _further(question: Question, correction: Correction, cells: Cells) -> Iterator[tuple[str, Figures]]:
    """Analyses of the whole base."""
    y, churned = question.measure.values(cells.outcome), cells.group == _CHURNED
    x = {name: np.asarray(cells.levels[name])[cells.columns[name]].astype(str) for name in question.auxiliaries}
    if x and question.measure.name != "nps" and (~churned & (cells.source != _SURVEY)).any():
        yield "proxy_pattern_mixture", lambda: _by_proxy(question, cells, x, y)
    if was_heard(cells, "exit_interview"):
        yield "exit_tilt", lambda: _by_tilt(correction, cells, y)
    if (churned & (cells.source == _SURVEY)).any():
        yield "registry_check", lambda: _by_later_churn(question, cells, x, y)


def _by_proxy(question: Question, cells: Cells, x: dict[str, Any], y: Floats) -> dict[str, Floats]:
    """Mean of the active from silence that depends on the proxy alone to silence that depends on the score alone."""
    active = np.flatnonzero(cells.group != _CHURNED)
    said = np.where(cells.source[active] == _SURVEY, y[active], np.nan)
    measure = smub if question.measure.linear else mubp
    found = measure(
        said, {name: column[active] for name, column in x.items()}, counts=cells.counts[active].astype(float), level=question.level,
        draws=1000 if question.measure.linear else 100, seed=question.seed,
    )
    heard = ~np.isnan(said)
    mean = float(found.mean_heard[0])
    unit = float(np.sqrt(np.average((said[heard] - mean) ** 2, weights=cells.counts[active][heard]))) if question.measure.linear else 1.0
    ends = {"low": found.mean_everybody.min(), "high": found.mean_everybody.max()}
    limits = {"conf_low": (mean - unit * found.conf_high).min(), "conf_high": (mean - unit * found.conf_low).max()}
    return _of_term(_ACTIVE, question, ends | limits)


def _by_tilt(correction: Correction, cells: Cells, y: Floats) -> dict[str, Floats]:
    """Everybody, those who left taken for a tilt of the answers of the active that the exit interviews tell."""
    assert correction.weights is not None and correction.question is not None
    churned, question = cells.group == _CHURNED, correction.question
    weights = np.zeros(len(cells))
    weights[correction.voices] = correction.weights.values
    said = np.where((cells.source >= 0) & ~(churned & (cells.source == _SURVEY)), y, np.nan)
    found = exit_tilt(
        np.where(weights > 0, said, np.nan), churned, weights=weights, counts=cells.counts.astype(float), level=question.level
    )
    at = found.labels["part"].tolist().index("everybody")
    limits = {"conf_low": found.conf_low[at], "conf_high": found.conf_high[at]}
    return _of_term(_EVERYBODY, question, {"low": found.estimate[at], "high": found.estimate[at]} | limits)


def _by_later_churn(question: Question, cells: Cells, x: dict[str, Any], y: Floats) -> dict[str, Floats]:
    """Everybody, from all survey answers weighted on the auxiliaries and then set right for the churn that came later."""
    heard = cells.source == _SURVEY
    weights = weight_by_propensity(x or np.empty((len(cells), 0)), heard, counts=cells.counts.astype(float))
    found = registry_check(np.where(heard, y, np.nan), (cells.group == _CHURNED).astype(float), weights, level=question.level)
    right = found.weighted_mean - np.array([found.remaining_bias, found.remaining_bias_high, found.remaining_bias_low])
    return _of_term(_EVERYBODY, question, {"low": right[0], "high": right[0], "conf_low": right[1], "conf_high": right[2]})


def _of_term(term: int, question: Question, figures: dict[str, float]) -> dict[str, Floats]:
    """Figures of one term of the whole base, inside the limits of the statistic."""
    table = {name: np.full((1, len(TERMS)), np.nan) for name in figures}
    for name, value in figures.items():
        table[name][0, term] = np.clip(value, *question.measure.limits)
    return table
