"""The terminal's table of a correction, and what a check found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich import box
from rich.table import Table

from ..report.disclosure import SHOWN, suppressed_terms
from ..report.wording import Measure, Words, label
from ..workflows.corrected_score import TERMS

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from ..workflows.corrected_score import Correction
    from .terminal import Terminal

_MOST_DOMAINS = 20


def overall_table(terminal: Terminal, corrections: Iterable[Correction]) -> Table:
    """The three terms of every statistic: figure, confidence interval, sensitivity range, answers."""
    words = Words(terminal.language)
    listed = list(corrections)
    table = _table(terminal, "", words.percent(listed[0].level))
    for correction in listed:
        measure = Measure(words, correction)
        table.add_row(measure.name, style="bold")
        for term, name in enumerate(TERMS):
            table.add_row(f"  {words.term(name)}", *_figures(measure, 0, term))
        table.add_section()
    return table


def domain_table(terminal: Terminal, correction: Correction, headline: str, minimum: int) -> Table:
    """The headline term of each domain; small groups blank, as in the report."""
    words = Words(terminal.language)
    measure, term = Measure(words, correction), TERMS.index(headline)
    table = _table(terminal, words.by(correction.by), words.percent(correction.level))
    table.title = f"{measure.name}: {words.term(headline)}"
    blank = suppressed_terms(correction, minimum)[:, term] != SHOWN
    domains = correction.estimate.shape[0]
    for domain in range(min(domains, _MOST_DOMAINS)):
        figures = (terminal.text("too_small"), "", "", "") if blank[domain] else _figures(measure, domain, term)
        table.add_row(label(correction, domain), *figures)
    if domains > _MOST_DOMAINS:
        table.caption = terminal.text("more_groups", shown=_MOST_DOMAINS, all=domains)
    return table


def _table(terminal: Terminal, first: str, level: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left")
    table.add_column(first)
    for key in ("figure", "interval", "range", "answers"):
        table.add_column(terminal.text(f"column_{key}", level=level), justify="right")
    return table


def _figures(measure: Measure, domain: int, term: int) -> tuple[str, str, str, str]:
    correction = measure.correction
    answers = measure.words.count(float(correction.n[domain, term]))
    if not np.isfinite(correction.estimate[domain, term]):
        return measure.estimate(domain, term), "", measure.range(domain, term), answers
    return measure.estimate(domain, term), measure.interval(domain, term), "" if term == 0 else measure.range(domain, term), answers


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


