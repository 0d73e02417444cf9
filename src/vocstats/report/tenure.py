"""The chapter on satisfaction by tenure: a chart of the three curves, a table, and what they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from ..workflows.cohort_track import TERMS
from .chapter import Chapter
from .charts import Axis
from .disclosure import SHOWN
from .grid import Column, figure, grid, plain
from .svg import Drawing
from .tenure_rows import measure_of, suppressed_bands, track_rows
from .wording import Words

if TYPE_CHECKING:
    from ..workflows.cohort_track import CohortTrack
    from .content import ReportContent

LEFT, RIGHT, TOP, BOTTOM = 44.0, 1100.0, 74.0, 314.0
MARKS = ("circle", "square", "triangle")


def tenure_chapters(content: ReportContent, words: Words) -> Iterator[Chapter]:
    """One chapter where the study asks for it: the whole base by statistic, then by the columns it names."""
    if not content.tracks:
        return
    chapter = Chapter("tenure", words("chapter_tenure"))
    whole = content.tracks[""]
    first = next(iter(whole.values()))
    chapter.add("text", words("tenure_intro", level=words.percent(content.level)))
    for statistic, track in whole.items():
        chapter.add("heading", _capital(measure_of(track, words).name))
        chapter.add("chart", curves(track, words, content.minimum_group, f"tenure-{statistic}"))
        chapter.add("grid", _table(track, content, words, f"tenure-{statistic}"))
    chapter.add("note", words("interval_and_range" if _has_range(first) else "tenure_note"))
    if first.beyond:
        chapter.add("note", words("tenure_beyond", count=words.count(first.beyond), last=f"{first.tenure_to[-1]:g}"))
    for by, tracks in content.tracks.items():
        if by:
            _by(chapter, by, tracks, content, words)
    chapter.add("heading", words("tenure_rests"))
    chapter.add("list", [words.assumption(item) for item in first.assumptions])
    yield chapter


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _by(chapter: Chapter, by: str, tracks: Mapping[str, CohortTrack], content: ReportContent, words: Words) -> None:
    """One table for each statistic, groups below each other."""
    for statistic, track in tracks.items():
        named = words.by(track.by)
        chapter.add("heading", f"{_capital(measure_of(track, words).name)}{words('tenure_by', by=words.inside(named).rstrip())}")
        if (track.observed_from > 0).any():
            chapter.add("note", words("tenure_observed_from"))
        chapter.add("grid", _table(track, content, words, f"tenure-{by}-{statistic}"))


def _table(track: CohortTrack, content: ReportContent, words: Words, name: str) -> Any:
    measure = measure_of(track, words)
    rows = list(track_rows(track, words, content.minimum_group))

    def estimate(term: str) -> Column:
        return figure(words.term(f"cohort_{term}"), f"cohort_{term}:estimate", lambda v: measure.value(v) if math.isfinite(v) else "")

    def interval(term: str) -> Column:
        low, high = f"cohort_{term}:conf_low", f"cohort_{term}:conf_high"
        return words.term("interval"), True, lambda row: (measure.span(row[low], row[high]) if math.isfinite(row[low]) else "", row[low])

    def range_of(term: str) -> Column:
        low, high = f"cohort_{term}:range_low", f"cohort_{term}:range_high"
        return words.term("range"), True, lambda row: (measure.span(row[low], row[high]) if math.isfinite(row[low]) else "", row[low])

    def answers(term: str) -> Column:
        return figure(words.term("n"), f"cohort_{term}:n", lambda v: words.count(v) if math.isfinite(v) else "")

    columns: list[Column] = [*(plain(words.by([column]), column) for column in track.by), _tenure_column(words)]
    for term in TERMS:
        columns += [estimate(term), interval(term), *([range_of(term)] if term != "naive" and _has_range(track) else []), answers(term)]
    columns += [
        figure(words.term("retention"), "retention", lambda v: words.share(v, 0)),
        figure(words.term("customers"), "customers", words.count),
        figure(words.term("left"), "left", words.count),
    ]
    if any(row["reason"] for row in rows):
        columns.append(plain(words.term("reason"), "reason"))
    return grid(name, rows, columns, caption=words("tenure_caption", tenure=tenure_name(track, words)), interactive=bool(track.by))


def _tenure_column(words: Words) -> Column:
    """The band, kept on one line."""
    return words.term("tenure"), False, lambda row: (row["tenure"].replace("–", "\u2060–\u2060"), row["tenure"])


def _has_range(track: CohortTrack) -> bool:
    """Whether shifts were declared that move the figures."""
    return bool(np.isfinite(track.range_low).any()) and (track.silent_shift, track.churned_shift) != ((0.0, 0.0), (0.0, 0.0))


def tenure_name(track: CohortTrack, words: Words) -> str:
    """The column of tenure, or months since purchase."""
    return track.tenure or words.term("months_since_purchase")


def curves(track: CohortTrack, words: Words, minimum: int, name: str) -> Markup:
    """The three figures of each band of the whole base on the full scale, with intervals and the survey answers of each band."""
    measure, shown = measure_of(track, words), suppressed_bands(track, minimum)[0] == SHOWN
    bands = track.band_names()
    across, up = Axis(-0.5, len(bands) - 0.5, LEFT, RIGHT), Axis(*measure.axis(), BOTTOM, TOP)
    drawing = Drawing(1120.0, BOTTOM + 56.0, words("chapter_tenure"), "")
    for tick in up.ticks():
        drawing.line(LEFT, up(tick), RIGHT, up(tick), "grid")
        drawing.text(LEFT - 8, up(tick) + 4, measure.short(tick), style="small", anchor="end")
    for k, band in enumerate(bands):
        drawing.text(across(k), BOTTOM + 18, band, anchor="middle")
        count = float(track.n[0, k, 0]) if shown[k, 0] else math.nan
        drawing.text(across(k), BOTTOM + 33, f"n = {words.count(count)}", style="small", anchor="middle")
    drawing.text((LEFT + RIGHT) / 2, BOTTOM + 51, tenure_name(track, words), style="small", anchor="middle")
    for t, term in enumerate(TERMS):
        _mark(drawing, t, LEFT + 8, 10.0 + 20.0 * t)
        drawing.text(LEFT + 22, 14.0 + 20.0 * t, words.term(f"cohort_{term}"))
        _curve(drawing, track, t, np.where(shown[:, t], track.estimate[0, :, t], np.nan), across, up)
    return drawing.render()


def _curve(drawing: Drawing, track: CohortTrack, t: int, estimate: Any, across: Axis, up: Axis) -> None:
    known = [k for k in range(estimate.size) if math.isfinite(estimate[k])]
    places = {k: across(k + 0.12 * (t - 1)) for k in known}
    for before, after in zip(known[:-1], known[1:], strict=True):
        if after == before + 1:
            drawing.line(places[before], up(estimate[before]), places[after], up(estimate[after]), f"curve curve{t}")
    for k in known:
        low, high = float(track.conf_low[0, k, t]), float(track.conf_high[0, k, t])
        if math.isfinite(low):
            drawing.line(places[k], up(low), places[k], up(high), f"whisker curve{t}")
        _mark(drawing, t, places[k], up(float(estimate[k])))


def _mark(drawing: Drawing, t: int, x: float, y: float) -> None:
    """The marker of a term: colour is never the only carrier."""
    if MARKS[t] == "circle":
        drawing.dot(x, y, 4.5, "dot hollow")
    elif MARKS[t] == "square":
        drawing.bar(x - 4.5, y - 4.5, 9.0, 9.0, "filled")
    else:
        drawing.add("path", d=f"M{x - 5.5:.1f} {y + 4.5:.1f} H{x + 5.5:.1f} L{x:.1f} {y - 5.5:.1f} Z", class_="mark2")
