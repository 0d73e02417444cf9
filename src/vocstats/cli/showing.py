"""The terminal's table of a correction, and what a check found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.table import Table

from .. import texts
from ..report.disclosure import SHOWN, suppressed_terms
from ..report.first_screen import answer
from ..report.wording import DASH, Measure, Words, label
from ..workflows.corrected_score import TERMS
from .terminal import plain_table
from .tracking import track_table

if TYPE_CHECKING:
    import pandas as pd

    from ..report.content import ReportContent
    from ..workflows.corrected_score import Correction
    from .terminal import Terminal

_MOST_DOMAINS = 20
_SPAN = len("82.3–84.7 %")


def show_result(terminal: Terminal, content: ReportContent, *, groups: bool = False) -> None:
    """The table of every statistic, the first by tenure, those by group if asked for, and the one sentence of the report."""
    for correction in content.corrections.values():
        terminal.show(overall_table(terminal, correction))
    for track in list(content.tracks.get("", {}).values())[:1]:
        terminal.show(track_table(terminal, track, content.minimum_group))
    for table in content.domains.values() if groups else ():
        for correction in table.values():
            terminal.show(domain_table(terminal, correction, content.headline, content.minimum_group))
    terminal.show("")
    terminal.show((" " if terminal.language == "en" else "").join(answer(content, Words(terminal.language))))
    terminal.show(terminal.text("under_every_score"))
    if chosen := next(iter(content.corrections.values())).method_reason:
        terminal.show(texts.render(f"reason.{chosen}", terminal.language))


def overall_table(terminal: Terminal, correction: Correction) -> Table:
    """The three terms: whom they speak for, figure, confidence interval, sensitivity range, answers."""
    measure = Measure(Words(terminal.language), correction)
    table = _table(measure, terminal.text("column_term"), terminal.text("column_population"))
    for term, name in enumerate(TERMS):
        table.add_row(terminal.text(f"term_{name}"), terminal.text(f"population_{name}"), *_figures(measure, 0, term))
    return table


def domain_table(terminal: Terminal, correction: Correction, headline: str, minimum: int) -> Table:
    """The headline term of each domain; small groups blank, as in the report."""
    words = Words(terminal.language)
    measure, term = Measure(words, correction), TERMS.index(headline)
    table = _table(measure, words.by(correction.by), title=words.term(headline))
    blank = suppressed_terms(correction, minimum)[:, term] != SHOWN
    domains = correction.estimate.shape[0]
    for domain in range(min(domains, _MOST_DOMAINS)):
        figures = (terminal.text("too_small"), "", "", "") if blank[domain] else _figures(measure, domain, term)
        table.add_row(label(correction, domain), *figures)
    if domains > _MOST_DOMAINS:
        table.caption = terminal.text("more_groups", shown=_MOST_DOMAINS, all=domains)
    return table


def _table(measure: Measure, *names: str, title: str = "") -> Table:
    words = measure.words
    table = plain_table(f"{measure.name}{title and ': '}{title}")
    for name in names:
        table.add_column(name, no_wrap=True)
    for key, width in (("figure", 6), ("interval", _SPAN), ("range", _SPAN), ("answers", 7)):
        heading = texts.render(f"cli.column_{key}", words.language, level=words.percent(measure.correction.level))
        table.add_column(heading, justify="right", min_width=width)
    return table


def _figures(measure: Measure, domain: int, term: int) -> tuple[str, str, str, str]:
    """Figure, interval, range and answers; a share of 0 or 1 has its exact limit in the interval."""
    correction = measure.correction
    value, answers = float(correction.estimate[domain, term]), measure.words.count(float(correction.n[domain, term]))
    spread = "" if term == 0 else measure.range(domain, term)
    if not np.isfinite(value):
        return DASH, "", spread, answers
    return measure.value(value), measure.span(*measure.interval_ends(domain, term)), spread, answers


def base_table(terminal: Terminal, groups: pd.DataFrame) -> Table:
    """The groups of the base with how many customers each has and how many were heard; empty rows and columns left out."""
    groups = groups[groups["customers"] > 0]
    words = Words(terminal.language)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column(terminal.text("column_group"))
    numbers = [name for name in ("customers", "share", "invited", "heard", "item_nonresponse") if groups[name].notna().any()]
    for name in numbers:
        table.add_column(terminal.text(f"column_{name}"), justify="right")
    figures = groups[numbers].astype(float)
    for group, row in zip(groups["group"], figures.to_dict("records"), strict=True):
        shown = [words.share(row[name]) if name == "share" else words.count(row[name]) for name in numbers]
        table.add_row(words.named("group", str(group)), *shown)
    return table
