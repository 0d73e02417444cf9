"""What the terminal shows of pain points: the list, its sentence, the leaders of each group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table

from ..report.pain_first_screen import sentence
from ..report.pain_rows import leader_rows, prevalence_rows
from ..report.pain_wording import PainWords
from ..report.wording import Words
from .terminal import JOINER, plain_table

if TYPE_CHECKING:
    from ..study.pain_points import StudyPains
    from ..workflows.pain_counts import PainPointTable
    from .terminal import Terminal

_MOST_GROUPS = 20
_WIDTHS = {"share": 6, "interval": len("28.7–32.8 %"), "apparent": 6, "gap": 6, "rank": 5}


def show_pains(terminal: Terminal, pains: StudyPains) -> None:
    """How many of all customers have which pain, the first three of each group, and what it rests on."""
    content = pains.content
    words = PainWords(Words(terminal.language), content.taxonomy)
    if pains.counted is not None and (missing := int(pains.counted.answers["missing"].sum())):
        terminal.say("pains_missing", count=f"{missing:,}", asked=f"{int(pains.counted.answers['asked'].sum()):,}")
    terminal.show(_table(terminal, pains, words))
    if content.groups is not None:
        rows = leader_rows(content, content.groups, words)
        terminal.show(_leaders(terminal, rows[:_MOST_GROUPS], words, len(rows)))
    terminal.show("")
    terminal.show(sentence(content, words).replace(JOINER, ""))
    terminal.show(words("by_number"))
    terminal.list_assumptions(pains.result.assumptions)


def _table(terminal: Terminal, pains: StudyPains, words: PainWords) -> Table:
    """Everybody's pains, the most frequent first."""
    table = plain_table(pains.content.window)
    table.add_column(terminal.text("column_pain"))
    level = words.words.percent(pains.result.level)
    for name, width in _WIDTHS.items():
        table.add_column(terminal.text(f"column_pain_{name}", level=level), justify="right", min_width=width)
    size = len(pains.result.pain_points)
    for row in prevalence_rows(pains.content, words)[:size]:
        blank = np.isnan(row["estimate"])
        share = terminal.text("too_small") if blank else words.share(row["estimate"])
        interval = words.between(row["conf_low"], row["conf_high"]).replace(JOINER, "")
        figures = (words.share(row["apparent"]), words.points(row["silent_gap"]), words.ranks(row["rank_low"], row["rank_high"]))
        table.add_row(row["pain_point"], share, interval, *figures)
    return table


def _leaders(terminal: Terminal, rows: list[dict[str, object]], words: PainWords, count: int) -> Table:
    """The three most frequent pains of each group."""
    table = plain_table()
    table.add_column(terminal.text("column_pain_group"), no_wrap=True)
    table.add_column(terminal.text("column_pain_leaders"))
    for row in rows:
        named = [f"{label} {words.share(share)}" for label, share in row["leaders"]]  # type: ignore[attr-defined]
        table.add_row(str(row["group"]), words.words.listed(named) if named else terminal.text("too_small"))
    if count > len(rows):
        table.caption = terminal.text("more_groups", shown=len(rows), all=count)
    return table


def pain_base_table(terminal: Terminal, counts: PainPointTable) -> Table:
    """What an estimate of pain points has to go by: customers, and answers by source."""
    words = Words(terminal.language)
    table = plain_table()
    table.add_column(terminal.text("column_pain_base"))
    table.add_column(terminal.text("column_count"), justify="right")
    table.add_row(terminal.text("pains_pains"), words.count(counts.pains.size))
    table.add_row(terminal.text("pains_customers"), words.count(float(counts.counts.frame.sum())))
    for code, source in enumerate(counts.source_names):
        rows = counts.counts.source == code
        most = max((counts.counts.n[rows & (counts.counts.pain == k)].sum() for k in range(counts.pains.size)), default=0.0)
        table.add_row(terminal.text("pains_source", source=words.named("source", source)), words.count(float(most)))
    return table
