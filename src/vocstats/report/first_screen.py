"""What the first screen says: checks, the answer in one sentence, what it rests on, and what would help most."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import texts
from ..plots.frames import layers
from ..workflows.corrected_score import PARTS, SHIFTS, TERMS, Correction
from .sheets import reason
from .wording import Measure, Words, declared

if TYPE_CHECKING:
    from .content import ReportContent

OK, OPEN, ATTENTION = "ok", "open", "attention"
MARKS = {OK: "✓", OPEN: "–", ATTENTION: "!"}
SHIFTED = {
    "silent_like_respondents": "silent",
    "silent_like_all_respondents": "silent",
    "follow_up_nonresponse": "silent",
    "follow_up_respondents_only": "silent",
    "not_invited_like_invited": "silent",
    "exit_for_churned": "churned",
    "exit_nonresponse": "churned",
    "exit_respondents_only": "churned",
    "churned_heard_like_unheard": "churned",
    "no_mode_effect": "mode",
}
WORDS_OF_BADGE = {"badge_simulated": ("simulated", "模拟"), "badge_fictional": ("fictional", "虚构")}
ASKED = 100
GROUNDS = 3


@dataclass(frozen=True, slots=True)
class Check:
    """One entry of the checks line."""

    state: str
    text: str

    @property
    def mark(self) -> str:
        """The sign that carries the state without colour."""
        return MARKS[self.state]


@dataclass(frozen=True, slots=True)
class Ground:
    """One assumption: the sentence, whether data could contradict it, and what it would change."""

    text: str
    testable: str
    effect: str


def first_screen(content: ReportContent, words: Words) -> dict[str, Any]:
    """Everything the first screen's template needs."""
    from . import charts

    first = content.first
    contact_known = math.isfinite(content.response_rates.get("contact_rate", math.nan))
    active = int(first.part_customers[0, :3].sum())
    answered = int(first.part_heard[0, PARTS.index("engaged")])
    share = words.share(answered / active) if active else ""
    return {
        "checks": checks(content, words),
        "answer": answer(content, words),
        "ladder": charts.ladder(first, words, content.headline),
        "heard": charts.heard(first, words, contact_known=contact_known),
        "level": words.percent(content.level),
        "response_rate": words("heard_response_rate", active=words.count(active), share=share) if active else "",
        "grounds": grounds(content, words, GROUNDS),
        "moved_little": moved_little(content, words),
        "next_step": next_step(content, words),
    }


def badge(title: Mapping[str, str], words: Words) -> str:
    """The badge of data that are not real, from the words of the title; empty otherwise."""
    named = " ".join(title.values()).lower()
    return next((words(key) for key, said in WORDS_OF_BADGE.items() if any(word in named for word in said)), "")


def checks(content: ReportContent, words: Words) -> list[Check]:
    """The checks line."""
    first = content.first
    found = [_published(content, first, words)]
    if first.steps:
        merged = f"{'; ' if words.language == 'en' else ';'}{words('check_levels_merged', count=len(first.merged))}" if first.merged else ""
        found.append(Check(OK, words("check_weights_converged") + merged))
    found += _hearing(first, words)
    aside = int(content.set_aside["rows"].sum()) if len(content.set_aside) else 0
    if aside:
        found.append(Check(OPEN, words("check_set_aside", count=words.count(aside))))
    return [*found, _dependence(content, first, words)]


def _published(content: ReportContent, first: Correction, words: Words) -> Check:
    measure, figure = Measure(words, first), content.published.get(first.statistic)
    if figure is None:
        return Check(OPEN, words("check_published_absent"))
    naive = float(first.estimate[0, 0])
    if measure.value(figure) == measure.value(naive):
        return Check(OK, words("check_published_reproduced", published=measure.value(figure)))
    difference = measure.change(naive - figure, 2)
    return Check(
        ATTENTION, words("check_published_differs", published=measure.value(figure), naive=measure.value(naive), difference=difference)
    )


def _hearing(first: Correction, words: Words) -> list[Check]:
    said = {"silent": ("check_silent_unasked", "check_silent_asked"), "churned": ("check_churned_unheard", "check_churned_heard")}
    found = []
    for part, (nobody, somebody) in said.items():
        customers, heard = int(first.part_customers[0, PARTS.index(part)]), int(first.part_heard[0, PARTS.index(part)])
        if customers:
            text = words(somebody if heard else nobody, count=words.count(customers), heard=words.count(heard))
            found.append(Check(OK if heard else ATTENTION, text))
    return found


def _dependence(content: ReportContent, first: Correction, words: Words) -> Check:
    term = TERMS.index(content.headline)
    low, high = float(first.range_conf_low[0, term]), float(first.range_conf_high[0, term])
    if math.isfinite(first.kpi) and declared(first):
        return (
            Check(ATTENTION, words("check_depends"))
            if low < first.kpi < high or not math.isfinite(low)
            else Check(OK, words("check_stands"))
        )
    assumed = bool(np.nansum(first.part_assumed[0] * first.part_customers[0]) > 0)
    return Check(ATTENTION, words("check_assumed")) if assumed else Check(OK, words("check_stands"))


def answer(content: ReportContent, words: Words) -> list[str]:
    """The sentence of the first screen: reported, corrected with interval and range, and the other population by its name."""
    first = content.first
    measure, term = Measure(words, first), TERMS.index(content.headline)
    share = "" if first.statistic == "mean" else "_share"
    naive = words(f"answer_naive{share}", naive=measure.estimate(0, 0), statistic=measure.name)
    return [naive, _headline(first, measure, term, words, share), _other(first, measure, 3 - term, words)]


def _headline(first: Correction, measure: Measure, term: int, words: Words, share: str) -> str:
    if not math.isfinite(first.estimate[0, term]):
        return _unestimated(first, measure, term, words)
    said = words(f"answer_{TERMS[term]}{share}", estimate=measure.estimate(0, term))
    interval = measure.interval(0, term)
    if interval:
        said += words("answer_interval", level=words.percent(first.level), span=interval)
    if declared(first):
        return said + words("answer_range", shifts=_shifts(first, term, words), span=measure.range(0, term))
    return said + words(
        "answer_range_none", low=measure.value(float(first.worst_low[0, term])), high=measure.value(float(first.worst_high[0, term]))
    )


def _unestimated(first: Correction, measure: Measure, term: int, words: Words) -> str:
    """Why there is no estimate, and the narrowest range that is known."""
    known = [(low, high) for name, (low, high) in layers(first, 0, term).items() if name in ("range", "worst") and math.isfinite(low)]
    low, high = known[0] if known else (math.nan, math.nan)
    key = "answer_missing" if known else "answer_missing_unbounded"
    why = reason(first, 0, term, words) + words.gap
    population = words.term(f"population_{TERMS[term]}")
    return words(key, population=population, reason=why, low=measure.value(low), high=measure.value(high)).strip()


def _shifts(first: Correction, term: int, words: Words) -> str:
    said = []
    for name in SHIFTS if TERMS[term] == "survivor_corrected" else ("silent", "mode"):
        low, high = getattr(first, f"{name}_shift")
        if low == 0.0 and high == 0.0:
            continue
        form, who = "lower" if high == 0.0 else "between", unheard(first) if name == "silent" else name
        ends = {"amount": words.number(-low, 1), "low": words.number(low, 1), "high": words.number(high, 1, signed=True)}
        said.append(words(f"shift_{who}_{form}", **ends))
    return words("shift_and").join(said)


def _other(first: Correction, measure: Measure, term: int, words: Words) -> str:
    population = words.term(f"population_{TERMS[term]}")
    if not math.isfinite(first.estimate[0, term]):
        return words("answer_other_missing", population=population)
    low, high = measure.interval_ends(0, term)
    return words(
        "answer_other",
        population=population,
        estimate=measure.estimate(0, term),
        span=measure.span(low, high),
        range=measure.range(0, term),
    )


def grounds(content: ReportContent, words: Words, most: int | None = None) -> list[Ground]:
    """The assumptions, the weightiest first, each shift's effect beside the first assumption it belongs to."""
    first = content.first
    said: set[str] = set()
    found = []
    for item in first.assumptions[:most]:
        shift = SHIFTED.get(item.code, "")
        effect = "" if shift in said else _effect(first, shift, TERMS.index(content.headline), words)
        said.add(shift)
        found.append(Ground(words.assumption(item), words.term(f"testable_{item.testable}"), effect))
    return found


def _effect(first: Correction, shift: str, term: int, words: Words) -> str:
    slope = float(first.shift_effect[0, term, SHIFTS.index(shift)]) if shift else math.nan
    if not math.isfinite(slope) or slope == 0.0:
        return ""
    said = words(f"effect_{shift}", effect=words.number(abs(slope) / 10, 3))
    if shift != "mode" and math.isfinite(first.kpi):
        needed = float(first.tipping[0, term, SHIFTS.index(shift)])
        if math.isfinite(needed):
            key = "tipping_lower" if needed < 0 else "tipping_higher"
            said += words.gap + words(key, shift=words.number(abs(needed), 2), kpi=Measure(words, first).value(first.kpi))
    return said


def moved_little(content: ReportContent, words: Words) -> str:
    """The caution when weighting moved the score by less than the sampling error of the reported one; empty otherwise."""
    first = content.first
    moved, error = float(first.contribution[0, 0]), float(np.fmax(first.std_error[0, 0], first.std_error[0, 1]))
    if first.method != "weighting" or not abs(moved) < error:
        return ""
    return words("weighting_moved_little", moved=Measure(words, first).change(moved))


def next_step(content: ReportContent, words: Words) -> str:
    """Which group, asked again at random, would shrink the range most; and to about what width.

    Asking m of a group of N at random, all answering, replaces its declared shift by sampling error: the width becomes what
    the other shifts leave plus ``2 z sqrt(SE^2 + share^2 s^2 (1 - m/N) / m)``, with s the spread among those heard.
    """
    first = content.first
    term = TERMS.index(content.headline)
    before = float(first.range_conf_high[0, term] - first.range_conf_low[0, term])
    best = min(((_width_after(first, term, part), part) for part in ("silent", "churned")), default=(math.inf, ""))
    if not best[0] < before:
        return "" if np.nansum(first.part_assumed[0]) > 0 else words("next_nothing")
    measure, part = Measure(words, first), best[1]
    count = min(ASKED, _unheard(first, part))
    who = unheard(first) if part == "silent" else part
    return words(
        f"next_{who}",
        count=words.count(count),
        before=_width(measure, before),
        after=_width(measure, best[0]),
    )


def _width(measure: Measure, width: float) -> str:
    return measure.change(width, 2).lstrip("+")


def unheard(first: Correction) -> str:
    """Whom the shift of the silent is about: "silent", or "unheard" where some were heard again or others never invited."""
    index, others = PARTS.index("silent"), PARTS.index("not_invited")
    return "unheard" if first.part_heard[0, index] or first.part_customers[0, others] else "silent"


def _unheard(first: Correction, part: str) -> int:
    parts = [PARTS.index(name) for name in (("silent", "not_invited") if part == "silent" else (part,))]
    return int((first.part_customers[0] - first.part_heard[0])[parts].sum())


def _width_after(first: Correction, term: int, part: str) -> float:
    slope, unheard = first.shift_effect[0, term], _unheard(first, part)
    spread = float(first.std_error[0, 0]) * math.sqrt(float(first.n[0, 0]))
    index, asked = SHIFTS.index(part), min(ASKED, unheard)
    if not (np.isfinite(slope[index]) and slope[index] and asked and spread > 0):
        return math.inf
    shifts = (first.silent_shift, first.churned_shift, first.mode_shift)
    left = sum(
        abs(float(slope[other])) * (shifts[other][1] - shifts[other][0])
        for other in range(3)
        if other != index and np.isfinite(slope[other])
    )
    added = (float(slope[index]) * spread) ** 2 / asked * (1 - asked / unheard)
    half = (float(first.conf_high[0, term]) - float(first.conf_low[0, term])) / 2
    return left + 2 * math.sqrt(half**2 + added * (half / float(first.std_error[0, term])) ** 2)


def language_links(languages: Iterable[str], words: Words) -> list[tuple[str, str, str]]:
    """The sibling reports: (language, its own name, file)."""
    return [
        (other, texts.render("report.language_name", other), f"report.{other}.html") for other in languages if other != words.language
    ]


def subtitle(content: ReportContent, words: Words) -> str:
    """What stands under the title: period, customers, producer."""
    customers = words.count(int(content.first.part_customers[0].sum()))
    counted = words("visits_total" if content.unit == "visit" else "customers_total", count=customers)
    return " · ".join(part for part in (content.period, counted, content.producer) if part)
