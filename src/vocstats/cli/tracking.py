"""The terminal's table of satisfaction by tenure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.table import Table

from ..report.disclosure import SHOWN
from ..report.tenure import tenure_name
from ..report.tenure_rows import measure_of, suppressed_bands
from ..report.wording import DASH, Words
from ..workflows.cohort_track import TERMS
from .terminal import plain_table

if TYPE_CHECKING:
    from ..workflows.cohort_track import CohortTrack
    from .terminal import Terminal


def show_tracks(terminal: Terminal, tracks: Iterable[CohortTrack], minimum: int) -> None:
    """The table of every track, and how they are read."""
    for track in tracks:
        terminal.show(track_table(terminal, track, minimum))
    terminal.show("")
    terminal.show(Words(terminal.language)("tenure_note"))


def track_table(terminal: Terminal, track: CohortTrack, minimum: int) -> Table:
    """One row for each group and band: the three figures with their intervals, and the survey answers."""
    words = Words(terminal.language)
    measure = measure_of(track, words)
    table = plain_table(f"{measure.name}: {tenure_name(track, words)}")
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
