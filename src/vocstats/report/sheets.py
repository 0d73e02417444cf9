"""The tables of a report as data: one frame per sheet, figures as numbers, small groups blank."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import texts
from ..plots.frames import differences, weighted_rows
from ..workflows.corrected_score import TERMS
from .audit_rows import dealer_rows, evidence_rows
from .disclosure import COMPLEMENT, SHOWN, SMALL, suppressed_terms
from .pain_rows import conflict_rows, information_rows, offset_rows, prevalence_rows, sensitivity_rows
from .pain_wording import PainWords
from .ranks import rank_intervals
from .tenure_rows import track_rows
from .wording import Measure, Words

if TYPE_CHECKING:
    import pandas as pd

    from ..workflows.audit_result import DealerAudit
    from ..workflows.cohort_track import CohortTrack
    from ..workflows.corrected_score import Correction
    from .content import ReportContent
    from .pain_content import PainPointContent

FIGURES = ("estimate", "std_error", "conf_low", "conf_high", "range_low", "range_high")
ENDS = ("low", "high", "conf_low", "conf_high")
BOUNDS = ("monotone_low", "monotone_high", "worst_low", "worst_high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One table: its stable name, its title and its rows.

    Attributes
    ----------
    name, title : str
        File name without ending, and what the table is called.
    frame : DataFrame
        Columns by key; text as str, figures as numbers, NaN where blank.
    headings : mapping
        {column: what it is called}.
    """

    name: str
    title: str
    frame: pd.DataFrame
    headings: Mapping[str, str]


def sheets(content: ReportContent, language: str) -> tuple[Sheet, ...]:
    """Every table the content offers, in the order of the workbook."""
    words = Words(language)
    made = [_readme(content, words), _overview(content, words)]
    made += [_domains(content, words, by, corrections) for by, corrections in content.domains.items()]
    made += [_tenure(content, words, by, tracks) for by, tracks in content.tracks.items()]
    first = content.first
    if first.balance is not None:
        made.append(_sheet("balance", words.term("sheet_balance"), balance_rows(first, words, content.minimum_group), words))
    if first.steps:
        made.append(_sheet("weights", words.term("sheet_weights"), step_rows(first, words), words))
    if others := other_analyses(first, words):
        made.append(_sheet("analyses", words.term("sheet_analyses"), others, words))
    if content.audit is not None:
        made += audit_sheets_of(content.audit, words, content.minimum_group)
    if content.pain_points is not None:
        made += pain_sheets_of(content.pain_points, words)
    made.append(_sheet("assumptions", words.term("sheet_assumptions"), assumption_rows(first, words), words))
    made.append(_sheet("glossary", words.term("sheet_glossary"), glossary_rows(words), words))
    return tuple(made)


def audit_sheets_of(audit: DealerAudit, words: Words, minimum: int) -> tuple[Sheet, ...]:
    """The list of dealers and the evidence of an audit."""
    rows = {"audit_list": dealer_rows(audit, words, minimum), "audit_evidence": evidence_rows(audit, words, minimum)}
    return tuple(_sheet(name, words.term(f"sheet_{name}"), made, words) for name, made in rows.items())


def pain_sheets_of(content: PainPointContent, words: Words) -> tuple[Sheet, ...]:
    """The tables of pain points, as far as there is anything in them."""
    say = PainWords(words, content.taxonomy)
    rows = {
        "pain_points": prevalence_rows(content, say), "pain_offsets": offset_rows(content, say),
        "pain_sensitivity": sensitivity_rows(content, say), "pain_conflict": conflict_rows(content, say),
        "pain_next": information_rows(content, say),
    }
    return tuple(_sheet(name, words.term(f"sheet_{name}"), made, words) for name, made in rows.items() if made)


def _sheet(name: str, title: str, rows: list[dict[str, Any]], words: Words, own: tuple[str, ...] = ()) -> Sheet:
    import pandas as pd

    frame = pd.DataFrame(rows)
    headings = {column: words.by([column]) if column in own else heading(column, words) for column in frame.columns}
    return Sheet(name=name, title=title, frame=frame, headings=headings)


def heading(column: str, words: Words) -> str:
    """What a column is called; "naive:estimate" is the estimate of the naive score."""
    return (": " if words.language == "en" else ":").join(words.named("", part) for part in column.split(":"))


def _readme(content: ReportContent, words: Words) -> Sheet:
    first = content.first
    rows = [
        (words("card_title"), content.text("title", words.language)),
        (words("card_period"), content.period),
        (words("card_producer"), content.producer),
        (words("card_churn"), content.text("churn_definition", words.language)),
        (words("card_outcome"), first.outcome),
        (words("card_created"), content.created),
        (words("seed"), str(content.seed)),
        ("", words("readme_text")),
        ("", words("readme_interval")),
        ("", words("interval_and_range")),
        ("", words("method_disclosure", minimum=content.minimum_group)),
    ]
    return _sheet("readme", words.term("sheet_readme"), [{"item": item, "value": value} for item, value in rows if value], words)


def figures(correction: Correction, domain: int, term: int, columns: tuple[str, ...] = FIGURES) -> dict[str, float]:
    """Figures of one domain and term as numbers; the range is the one with sampling error."""
    named = {"range_low": correction.range_conf_low, "range_high": correction.range_conf_high}
    return {column: float(named.get(column, getattr(correction, column))[domain, term]) for column in columns}


def _overview(content: ReportContent, words: Words) -> Sheet:
    rows = []
    for correction in content.corrections.values():
        measure = Measure(words, correction)
        for index, term in enumerate(TERMS):
            low, high = measure.interval_ends(0, index)
            rows.append(
                {
                    "statistic": measure.name,
                    "term": words.term(term),
                    "population": words.term(f"population_{term}"),
                    **figures(correction, 0, index),
                    "conf_low": low,
                    "conf_high": high,
                    **figures(correction, 0, index, BOUNDS),
                    "n": int(correction.n[0, index]),
                    "customers": int(correction.customers[0, index]),
                    "reason": reason(correction, 0, index, words),
                }
            )
    return _sheet("overview", words.term("sheet_overview"), rows, words)


def other_analyses(correction: Correction, words: Words) -> list[dict[str, Any]]:
    """One row per other analysis of the same question and term: what it says, or that the data do not allow it."""
    measure = Measure(words, correction)
    rows = []
    for analysis in correction.analyses:
        for term in (1, 2):
            low, high, conf_low, conf_high = (float(getattr(analysis, name)[0, term]) for name in ENDS)
            if not math.isfinite(low) and (term == 1 or not analysis.reason):  # one that is refused has one row
                continue
            rows.append(
                {
                    "analysis": words.term(f"analysis_{analysis.name}"),
                    "population": "" if analysis.reason else words.term(f"population_{TERMS[term]}"),
                    "result": measure.value(low) if low == high else measure.span(low, high),
                    "interval": measure.span(conf_low, conf_high),
                    "reason": analysis.messages[texts.LANGUAGES.index(words.language)] if analysis.reason else "",
                }
            )
    return rows


def _domains(content: ReportContent, words: Words, by: str, corrections: Mapping[str, Correction]) -> Sheet:
    rows = [row for correction in corrections.values() for row in domain_rows(correction, content, words)]
    names = next(iter(corrections.values())).by
    return _sheet(f"by_{by}", words.by(names), rows, words, own=names)


def _tenure(content: ReportContent, words: Words, by: str, tracks: Mapping[str, CohortTrack]) -> Sheet:
    rows = [row for track in tracks.values() for row in track_rows(track, words, content.minimum_group)]
    names = next(iter(tracks.values())).by
    title = words.term("sheet_tenure") + (f" · {words.by(names)}" if by else "")
    return _sheet(f"tenure_by_{by}" if by else "tenure", title, rows, words, own=names)


def domain_rows(correction: Correction, content: ReportContent, words: Words) -> Iterator[dict[str, Any]]:
    """One row per domain: naive, headline score, intervals, range, rank; figures of suppressed domains are NaN."""
    measure, headline = Measure(words, correction), TERMS.index(content.headline)
    status = suppressed_terms(correction, content.minimum_group)
    ranks = rank_intervals(
        _masked(correction.estimate[:, headline], status[:, headline]),
        correction.std_error[:, headline],
        level=correction.level,
        lowest_is_best=correction.statistic == "bottom_box",
    )
    for domain in range(correction.estimate.shape[0]):
        row: dict[str, Any] = {name: str(correction.labels[name][domain]) for name in correction.by}
        row |= {
            "statistic": measure.name,
            "n": answers(correction, domain, status, headline),
            "customers": int(correction.customers[domain, headline]),
        }
        for index, term in enumerate(TERMS):
            shown = status[domain, index] == SHOWN
            values = figures(correction, domain, index, FIGURES if index else FIGURES[:4])
            values["conf_low"], values["conf_high"] = measure.interval_ends(domain, index)
            row |= {f"{term}:{column}": value if shown else math.nan for column, value in values.items()}
        row["borrowed"] = float(correction.borrowed[domain, headline]) if status[domain, headline] == SHOWN else math.nan
        row |= {"rank": ranks.rank[domain], "rank_low": ranks.low[domain], "rank_high": ranks.high[domain]}
        row["reason"] = blank_reason(correction, domain, headline, int(status[domain, headline]), content.minimum_group, words)
        yield row


def _masked(values: Any, status: Any) -> Any:
    import numpy as np

    return np.where(status == SHOWN, values, np.nan)


def answers(correction: Correction, domain: int, status: Any, term: int) -> float:
    """Answers behind a term; NaN where they are too few to count."""
    return math.nan if status[domain, term] == SMALL else float(correction.n[domain, term])


def blank_reason(correction: Correction, domain: int, term: int, status: int, minimum: int, words: Words) -> str:
    """Why a figure is blank, in words; empty where it is not."""
    if status == SMALL:
        return words("under_minimum", minimum=minimum)
    if status == COMPLEMENT:
        return texts.render("reason.would_reveal", words.language)
    return reason(correction, domain, term, words)


def reason(correction: Correction, domain: int, term: int, words: Words) -> str:
    """Why a term was not estimated, in words; empty where it was."""
    code = correction.reasons[domain][term] if correction.reasons else ""
    return texts.render(f"reason.{code}", words.language) if code else ""


def balance_rows(correction: Correction, words: Words, minimum: int) -> list[dict[str, Any]]:
    """Shares before and after weighting and their standardised differences; counts under `minimum` are NaN."""
    balance = correction.balance
    assert balance is not None
    before, after = differences(balance)
    return [
        {
            "part": words.named("group", balance.part[row]),
            "variable": balance.variable[row],
            "level": balance.level[row],
            "heard": float(balance.heard[row]) if balance.heard[row] >= minimum else math.nan,
            "target": float(balance.target[row]),
            "before": float(balance.before[row]),
            "after": float(balance.after[row]),
            "difference_before": float(before[row]),
            "difference_after": float(after[row]),
        }
        for row in weighted_rows(balance)
    ]


def step_rows(correction: Correction, words: Words) -> list[dict[str, Any]]:
    """The weight chain, one step a row."""
    columns = ("n", "total", "smallest", "largest", "cv", "design_effect", "effective_n")
    return [{"step": words.named("step", step.name), **{column: getattr(step, column) for column in columns}} for step in correction.steps]


def assumption_rows(correction: Correction, words: Words) -> list[dict[str, Any]]:
    """What the figures rest on."""
    return [{"assumption": words.assumption(item), "testable": words.term(f"testable_{item.testable}")} for item in correction.assumptions]


def glossary_rows(words: Words) -> list[dict[str, Any]]:
    """Terms in both languages and what they mean."""
    english, chinese = Words("en"), Words("zh")
    return [
        {"english": english.term(key), "chinese": chinese.term(key), "definition": texts.render(f"glossary.{key}", words.language)}
        for key in texts.namespace("glossary")
    ]
