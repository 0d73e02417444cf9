"""Chapters for the dealer council: figures, data card, fieldwork, results by dealer, questions, glossary."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import texts
from ..workflows.corrected_score import TERMS, Correction
from . import charts
from .chapter import Chapter
from .disclosure import SHOWN, suppressed_terms
from .grid import Column, Grid, figure, grid, plain, records
from .questions import questions
from .sheets import domain_rows, glossary_rows
from .wording import Measure, Words

if TYPE_CHECKING:
    from .content import FileRecord, ReportContent

CODES_FOUND = "missing_code"


def overview(content: ReportContent, words: Words) -> Chapter:
    chapter = Chapter("overview", words("chapter_overview"))
    chapter.add("text", words("overview_intro", level=words.percent(content.level)))
    rows = [{"measure": Measure(words, c), "term": term} for c in content.corrections.values() for term in range(3)]
    columns: list[Column] = [
        (words.term("statistic"), False, lambda row: (row["measure"].name, row["measure"].name)),
        (words.term("population"), False, lambda row: (words.term(f"population_{TERMS[row['term']]}"), row["term"])),
        (words.term("estimate"), True, lambda row: (row["measure"].estimate(0, row["term"]), _at(row, "estimate"))),
        (words.term("interval"), True, lambda row: (row["measure"].interval(0, row["term"]), _at(row, "conf_low"))),
        (words.term("range"), True, lambda row: (row["measure"].range(0, row["term"]) if row["term"] else "", _at(row, "range_conf_low"))),
        (words.term("worst_case_bounds"), True, lambda row: (_worst(row), _at(row, "worst_low"))),
        (words.term("n"), True, lambda row: (words.count(_at(row, "n")), _at(row, "n"))),
    ]
    chapter.add("grid", grid("overview", rows, columns))
    chapter.add("note", words("interval_and_range"))
    return chapter


def _at(row: Mapping[str, Any], name: str) -> float:
    return float(getattr(row["measure"].correction, name)[0, row["term"]])


def _worst(row: Mapping[str, Any]) -> str:
    measure: Measure = row["measure"]
    return measure.span(_at(row, "worst_low"), _at(row, "worst_high")) if row["term"] else ""


def data_card(content: ReportContent, first: Correction, words: Words) -> Chapter:
    chapter = Chapter("data", words("chapter_data"))
    published = first.statistic in content.published
    facts = {
        "card_title": content.text("title", words.language),
        "card_period": content.period,
        "card_producer": content.producer,
        "card_unit": words(f"unit_{content.unit}"),
        "card_window": content.window,
        "card_churn": content.text("churn_definition", words.language) or words("not_stated"),
        "card_outcome": words("card_scale", outcome=first.outcome, low=f"{first.scale[0]:g}", high=f"{first.scale[1]:g}"),
        "card_published": Measure(words, first).value(content.published[first.statistic]) if published else "",
        "card_why": content.why,
        "card_created": content.created,
    }
    chapter.add("facts", [(words(key), text) for key, text in facts.items() if text])
    if content.files:
        chapter.add("grid", file_grid(content.files, words))
    chapter.add("heading", words("set_aside_heading"))
    if len(content.set_aside):
        chapter.add("grid", _set_aside(content, words))
    else:
        chapter.add("text", words("set_aside_none"))
    found = [finding.text(words.language) for finding in content.findings if finding.code != "set_aside"]
    if found:
        chapter.add("heading", words("findings_heading"))
        chapter.add("list", found)
    return chapter


def file_grid(files: Iterable[FileRecord], words: Words) -> Grid:
    """What was read, with its hashes."""
    rows = [
        {"role": " · ".join(words.named("source", name) for name in file.role.split(".")), "file": file.name, "rows": file.rows,
         "sha256": file.sha256}
        for file in files
    ]
    columns = [
        plain(words.term("role"), "role"), plain(words.term("file"), "file"), figure(words.term("rows"), "rows", words.count),
        plain("SHA-256", "sha256"),
    ]
    return grid("files", rows, columns, caption=words("files_heading"))


def _set_aside(content: ReportContent, words: Words) -> Grid:
    """What was set aside; examples only where they are codes and not customers."""

    def reason(row: Mapping[str, Any]) -> tuple[str, str]:
        code = str(row["reason"])
        examples = f" ({row['examples']})" if code == CODES_FOUND else ""
        return texts.render(f"set_aside.{code}", words.language) + examples, code

    columns: list[Column] = [
        (words.term("source"), False, lambda row: (words.named("source", row["source"]), row["source"])),
        (words.term("why"), False, reason),
        figure(words.term("rows"), "rows", words.count),
    ]
    return grid("set-aside", records(content.set_aside), columns)


def _frame_grid(name: str, frame: Any, words: Words, *, interactive: bool = False) -> Grid:
    """Any small frame as it is: numbers as counts, or as shares where all lie between 0 and 1 and some are no whole number."""
    columns: list[Column] = []
    for column in map(str, frame.columns[~(frame.isna() | frame.isin([0])).all()]):
        heading = words.named("", column)
        if frame[column].dtype.kind in "iuf":
            values = frame[column].to_numpy(dtype=np.float64, na_value=np.nan)
            known = values[np.isfinite(values)]
            share = bool(known.size and known.min() >= 0 and known.max() <= 1 and (column == "share" or (known % 1 != 0).any()))
            columns.append(figure(heading, column, words.share if share else words.count))
        else:
            columns.append(_codes(heading, column, words))
    return grid(name, records(frame), columns, interactive=interactive)


def _codes(heading: str, column: str, words: Words) -> Column:
    return heading, False, lambda row: (_code(row[column], column, words), str(row[column]))


def _code(value: Any, column: str, words: Words) -> str:
    if isinstance(value, (list, tuple)):
        return words.listed(map(str, value))
    return words.named(column, str(value)) if column in ("group", "source") else str(value)


def fieldwork(content: ReportContent, words: Words) -> Chapter:
    chapter = Chapter("fieldwork", words("chapter_fieldwork"))
    rates = {name: value for name, value in content.response_rates.items() if math.isfinite(value)}
    contact_known = "contact_rate" in rates
    chapter.add("text" if contact_known else "note", words("fieldwork_intro" if contact_known else "fieldwork_no_contact"))
    chapter.add("heading", words("groups_heading"))
    chapter.add("grid", _frame_grid("groups", content.groups[content.groups["customers"] > 0], words))
    if rates:
        chapter.add("heading", words("rates_heading"))
        chapter.add("facts", [(words.named("", name), words.share(value)) for name, value in rates.items()])
    if content.fieldwork is not None:
        chapter.add("grid", _frame_grid("fieldwork-dealers", content.fieldwork, words, interactive=True))
    return chapter


def domain_chapter(content: ReportContent, words: Words, by: str, corrections: Mapping[str, Correction]) -> Chapter:
    first = next(iter(corrections.values()))
    chapter = Chapter(f"by-{by}", words("chapter_domains", by=words.inside(words.by(first.by)).lstrip()))
    headline = TERMS.index(content.headline)
    chapter.add("note", words("domains_note", population=words.term(f"population_{content.headline}")))
    for statistic, correction in corrections.items():
        measure = Measure(words, correction)
        status = suppressed_terms(correction, content.minimum_group)[:, headline]
        if (status != SHOWN).any() and correction is first:
            chapter.add(
                "note", words("domains_blank", count=int((status != SHOWN).sum()), total=status.size, minimum=content.minimum_group)
            )
        chapter.add("heading", measure.name[:1].upper() + measure.name[1:])
        caption = words("domains_intro", level=words.percent(correction.level))
        rows = list(domain_rows(correction, content, words))
        for domain, row in enumerate(rows):
            row["domain"] = domain
        columns = domain_columns(correction, content, words)
        chapter.add("grid", grid(f"by-{by}-{statistic}", rows, columns, caption=caption, interactive=True))
    return chapter


def domain_columns(correction: Correction, content: ReportContent, words: Words) -> list[Column]:
    """The columns of a table by dealer or model: no interval without the range beside it."""
    measure, headline = Measure(words, correction), TERMS.index(content.headline)
    term = TERMS[headline]

    def said(index: int, text: Any, key: str) -> Any:
        def tell(row: Mapping[str, Any]) -> tuple[str, Any]:
            value = float(row[key])
            return (text(row["domain"], index) if math.isfinite(value) else ""), value

        return tell

    def heard(row: Mapping[str, Any]) -> tuple[str, Any]:
        known = math.isfinite(row["n"])
        return (words.count(row["n"]) if known else words("fewer_than", count=content.minimum_group)), row["n"] if known else 0.0

    def rank(row: Mapping[str, Any]) -> tuple[str, Any]:
        if not math.isfinite(row["rank"]):
            return "", row["rank"]
        low, high = words.count(row["rank_low"]), words.count(row["rank_high"])
        return f"{words.count(row['rank'])} ({low if low == high else words('to', low=low, high=high)})", row["rank"]

    def position(row: Mapping[str, Any]) -> tuple[str, Any]:
        value = float(row[f"{term}:estimate"])
        return (charts.position(measure, row["domain"], headline) if math.isfinite(value) else ""), value

    borrowed = (
        [figure(words.term("borrowed"), "borrowed", lambda value: words.share(value, 0) if math.isfinite(value) else "")]
        if np.nansum(correction.borrowed[:, headline]) > 0
        else []
    )
    reason = [plain(words.term("reason"), "reason")] if _any_blank(correction, content, headline) else []
    return [
        *(plain(words.by([name]), name) for name in correction.by),
        (words.term("heard"), True, heard),
        (words("ladder_naive"), True, said(0, measure.estimate, "naive:estimate")),
        (words.term("interval"), True, said(0, measure.interval, "naive:conf_low")),
        (words(f"ladder_{term}"), True, said(headline, measure.estimate, f"{term}:estimate")),
        (words.term("interval"), True, said(headline, measure.interval, f"{term}:conf_low")),
        (words.term("range"), True, said(headline, measure.range, f"{term}:range_low")),
        (words("position", low=measure.short(measure.axis()[0]), high=measure.short(measure.axis()[1])), True, position),
        *borrowed,
        (words.term("rank"), True, rank),
        *reason,
    ]


def _any_blank(correction: Correction, content: ReportContent, term: int) -> bool:
    return bool(
        (suppressed_terms(correction, content.minimum_group)[:, term] != SHOWN).any() or np.isnan(correction.estimate[:, term]).any()
    )


def council_questions(content: ReportContent, words: Words) -> Chapter:
    chapter = Chapter("questions", words("chapter_questions"))
    chapter.add("entries", questions(content, words))
    return chapter


def glossary(words: Words) -> Chapter:
    chapter = Chapter("glossary", words("chapter_glossary"))
    columns = [plain(words.term(key), key) for key in ("english", "chinese", "definition")]
    chapter.add("grid", grid("glossary", glossary_rows(words), columns, interactive=True))
    return chapter
