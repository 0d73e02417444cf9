"""Questions a dealer council asks, answered from the result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..workflows.corrected_score import PARTS, TERMS, Correction
from .disclosure import SHOWN, suppressed_terms
from .ranks import rank_intervals
from .wording import Measure, Words, label

if TYPE_CHECKING:
    from .content import ReportContent


def questions(content: ReportContent, words: Words) -> list[tuple[str, str]]:
    """(question, answer) pairs."""
    first = content.first
    asked = [
        (words("question_churned"), _churned(first, words)),
        (words("question_lost"), _lost(first, words)),
        (words("question_rank"), _rank(content, words)),
        (words("question_asked"), _asked(first, words)),
    ]
    term = TERMS.index(content.headline)
    low, high = float(first.range_conf_low[0, term]), float(first.range_conf_high[0, term])
    measure = Measure(words, first)
    if math.isfinite(first.kpi) and math.isfinite(first.estimate[0, term]):
        asked.append((words("question_target"), _target(first, measure, term, words)))
    if math.isfinite(low):
        asked.append((words("question_forecast"), words("answer_forecast", low=measure.value(low), high=measure.value(high))))
    return asked


def _part(first: Correction, part: str, words: Words) -> tuple[str, str]:
    index = PARTS.index(part)
    return words.count(int(first.part_customers[0, index])), words.count(int(first.part_heard[0, index]))


def _churned(first: Correction, words: Words) -> str:
    measure, (count, heard) = Measure(words, first), _part(first, "churned", words)
    total = int(first.part_customers[0].sum())
    share = words.share(int(first.part_customers[0, PARTS.index("churned")]) / max(total, 1))
    key = "answer_churned" if math.isfinite(first.contribution[0, 1]) else "answer_churned_missing"
    contribution = measure.change(float(first.contribution[0, 1]), 2)
    return words(
        key, count=count, total=words.count(total), share=share, heard=heard, contribution=contribution, current=measure.estimate(0, 1)
    )


def _lost(first: Correction, words: Words) -> str:
    silent, churned = (Measure(words, first).change(float(value), 2) for value in first.contribution[0])
    return words("answer_lost", silent=silent, churned=churned, source=words.term(f"method_{first.method}"))


def _rank(content: ReportContent, words: Words) -> str:
    if not content.domains:
        return words("answer_rank_none")
    correction = next(iter(next(iter(content.domains.values())).values()))
    term = TERMS.index(content.headline)
    shown = suppressed_terms(correction, content.minimum_group)[:, term] == SHOWN
    ranks = rank_intervals(
        np.where(shown, correction.estimate[:, term], np.nan),
        correction.std_error[:, term],
        level=correction.level,
        lowest_is_best=correction.statistic == "bottom_box",
    )
    known = np.flatnonzero(np.isfinite(ranks.rank))
    if not known.size:
        return words("answer_rank_none")
    best = int(known[np.argmin(ranks.rank[known])])
    width = float(np.median(ranks.high[known] - ranks.low[known] + 1))
    return words(
        "answer_rank",
        by=words.inside(words.by(correction.by)),
        width=words.count(width),
        total=words.count(known.size),
        first=label(correction, best),
        low=words.count(ranks.low[best]),
        high=words.count(ranks.high[best]),
    )


def _asked(first: Correction, words: Words) -> str:
    counts = {part: _part(first, part, words) for part in ("silent", "not_invited", "churned")}
    return words(
        "answer_asked",
        silent=counts["silent"][0],
        silent_heard=counts["silent"][1],
        not_invited=counts["not_invited"][0],
        churned=counts["churned"][0],
        churned_heard=counts["churned"][1],
    )


def _target(first: Correction, measure: Measure, term: int, words: Words) -> str:
    return words(
        "answer_target",
        population=words.term(f"population_{TERMS[term]}"),
        estimate=measure.estimate(0, term),
        kpi=measure.value(first.kpi),
        confidence=words.share(float(first.kpi_confidence[0, term]), 0),
        low=measure.value(float(first.range_conf_low[0, term])),
        high=measure.value(float(first.range_conf_high[0, term])),
    )
