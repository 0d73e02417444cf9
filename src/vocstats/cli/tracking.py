"""``vocstats track``, and the terminal's table of satisfaction by tenure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from rich import box
from rich.table import Table

from ..report.disclosure import SHOWN
from ..report.tenure import tenure_name
from ..report.tenure_rows import measure_of, suppressed_bands
from ..report.wording import DASH, Words
from ..study.publishing import publishable_track
from ..study.reading import read_base, read_files
from ..study.tracking import track_study
from ..workflows.cohort_track import TERMS

if TYPE_CHECKING:
    from ..study import Study
    from ..workflows.cohort_track import CohortTrack
    from .terminal import Terminal


def track_and_show(terminal: Terminal, study: Study, *, json: bool) -> None:
    """Track and write the tables and the assumptions, or one JSON document per statistic and line."""
    terminal.name_files(study)
    with terminal.progress() as tell:
        files = read_files(study)
        tell("read", 0, 1)
        base = read_base(study, files)
        tell("read", 1, 1)
        tables = track_study(study, base, tell)
    minimum = study["report"]["minimum_group"]
    wanted = list(tables.values())[-1]  # by group, with the whole base inside, where groups were asked for
    if json:
        for track in wanted.values():
            terminal.out.file.write(publishable_track(track, minimum).to_json() + "\n")
        return
    for found in tables.values():
        for track in found.values():
            terminal.show(track_table(terminal, track, minimum))
    terminal.show("")
    terminal.show(Words(terminal.language)("tenure_note"))
    for assumption in next(iter(wanted.values())).assumptions:
        terminal.say("assumption", text=assumption.text(terminal.language))


def track_table(terminal: Terminal, track: CohortTrack, minimum: int) -> Table:
    """One row for each group and band: the three figures with their intervals, and the survey answers."""
    words = Words(terminal.language)
    measure = measure_of(track, words)
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 0), pad_edge=False, show_edge=False, title_justify="left", title_style="bold",
        title=f"\n{measure.name}: {tenure_name(track, words)}",
    )  # fmt: skip
    if track.by:
        table.add_column(words.by(track.by))
    table.add_column(terminal.text("column_tenure"), no_wrap=True)
    for term in TERMS:
        table.add_column(terminal.text(f"column_{term}"), justify="right", no_wrap=True)
    table.add_column(terminal.text("column_answers"), justify="right")
    for cells in _rows(track, measure, words, suppressed_bands(track, minimum) == SHOWN):
        table.add_row(*cells)
    return table


def _rows(track: CohortTrack, measure: Any, words: Words, shown: Any) -> Iterator[list[str]]:
    for g in range(len(track.estimate)):
        for k, band in enumerate(track.band_names()):
            if track.by and not track.customers[g, k]:
                continue
            cells = [" · ".join(str(column[g]) for column in track.labels.values())] if track.by else []
            cells.append(band)
            for t in range(len(TERMS)):
                value = float(track.estimate[g, k, t])
                known = bool(shown[g, k, t]) and np.isfinite(value)
                span = measure.span(float(track.conf_low[g, k, t]), float(track.conf_high[g, k, t]))
                cells.append(f"{measure.value(value)} ({span})" if known else DASH)
            cells.append(words.count(track.n[g, k, 0]) if shown[g, k, 0] else DASH)
            yield cells
