"""The charts of pain points on the page: true against apparent share, silent gap, heat map, where uncertainty comes from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from ..plots.pain_frames import gap_frame, pain_frame
from .charts import Axis, round_ticks
from .grid import records
from .svg import Drawing, fitted, text_width

if TYPE_CHECKING:
    from .pain_content import RankedPains
    from .pain_wording import PainWords

_STEP, _TOP, _TAIL = 25.0, 26.0, 24.0  # height of a row, of the headings, of the axis
MOST_GROUPS = 24  # in a heat map
_DARK = 0.72  # of the highest share: from there on, figures are as light as the page


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a row stand: label, axis, figures, last column."""

    width: float
    label: float
    left: float
    right: float
    figures: float


HALF = Layout(640.0, 226.0, 234.0, 424.0, 436.0)
FULL = Layout(1120.0, 300.0, 312.0, 780.0, 800.0)
GAP_HALF = Layout(560.0, 222.0, 230.0, 396.0, 412.0)


def prevalence(of: RankedPains, place: int, words: PainWords, layout: Layout, *, name: str, most: int = 99) -> Markup:
    """True share with its interval against the apparent one (hollow), the most frequent pain first, and the chance to be among three."""
    rows = records(pain_frame(of.shown, place).head(most))
    if not rows:
        return Markup()
    chance = dict(zip(of.shown.pain_points.tolist(), of.top_three[:, place].tolist(), strict=True))
    highest = np.nanmax([[row["conf_high"], row["apparent"]] for row in rows])
    axis = Axis(0.0, float(highest) * 1.02, layout.left, layout.right)
    drawing = _rows(words("chart_share"), name, layout, len(rows))
    _scale(drawing, axis, len(rows), lambda tick: words.words.share(tick, 0))
    drawing.text(layout.figures, 14.0, words("column_true", level=words.words.percent(of.shown.level)), style="small")
    drawing.text(layout.width, 14.0, words("column_top_three"), style="small", anchor="end")
    for row, y in _placed(rows):
        _label(drawing, words.label(row["pain_point"]), layout.label, y)
        drawing.bar(axis(row["conf_low"]), y - 4, max(axis(row["conf_high"]) - axis(row["conf_low"]), 1.5), 8.0, "layer")
        if math.isfinite(row["apparent"]):
            drawing.line(axis(row["apparent"]), y, axis(row["estimate"]), y, "link")
            drawing.dot(axis(row["apparent"]), y, 4.4, "dot hollow")
        drawing.dot(axis(row["estimate"]), y, 4.4, "dot")
        said = f"{words.share(row['estimate'])} ({words.between(row['conf_low'], row['conf_high'])})"
        drawing.text(layout.figures, y + 4, said)
        top = chance[row["pain_point"]]
        drawing.text(layout.width, y + 4, words.chance(top) or words("no_rank"), style="" if math.isfinite(top) else "quiet", anchor="end")
        pain, apparent = words.label(row["pain_point"]), words.share(row["apparent"]) or words("unasked")
        _hover(drawing, layout, y, words("hover_share", pain=pain, true=said, apparent=apparent))
    return drawing.render()


def silent_gap(of: RankedPains, place: int, words: PainWords, layout: Layout, *, name: str, most: int = 99) -> Markup:
    """True less apparent share, the most hidden pain first; the part of the interval that is prior hatched."""
    rows = records(gap_frame(of.shown, place).head(most))
    if not rows:
        return Markup()
    ends = [row[end] for row in rows for end in ("conf_low", "conf_high")]
    room = 0.03 * (max(*ends, 0.0) - min(*ends, 0.0))
    axis = Axis(min(*ends, 0.0) - room, max(*ends, 0.0) + room, layout.left, layout.right)
    drawing = _rows(words("chart_gap"), name, layout, len(rows))
    _scale(drawing, axis, len(rows), lambda tick: words.points(tick).removesuffix(".0"))
    drawing.line(axis(0.0), _TOP - 4, axis(0.0), _TOP + _STEP * len(rows), "kpi")
    drawing.text(layout.width, 14.0, words("column_gap", level=words.words.percent(of.shown.level)), style="small", anchor="end")
    for row, y in _placed(rows):
        _label(drawing, words.label(row["pain_point"]), layout.label, y)
        for low, high in (("conf_low", "data_low"), ("data_high", "conf_high")):
            drawing.bar(axis(row[low]), y - 5, axis(row[high]) - axis(row[low]), 10.0, "hatched")
        drawing.bar(axis(row["data_low"]), y - 4, axis(row["data_high"]) - axis(row["data_low"]), 8.0, "layer")
        drawing.dot(axis(row["silent_gap"]), y, 4.4, "dot")
        said = f"{words.points(row['silent_gap'])} ({words.points_between(row['conf_low'], row['conf_high'])})"
        drawing.text(layout.width, y + 4, said, anchor="end")
        prior = words.part(row["prior_share"])
        _hover(drawing, layout, y, words("hover_gap", pain=words.label(row["pain_point"]), gap=said, prior=prior))
    return drawing.render()


def ledger(of: RankedPains, words: PainWords) -> Markup:
    """Interval of each pain by what it comes from: not knowing the unheard, how sources see, the rest; the widest at full length."""
    shown = of.shown
    rows = records(pain_frame(shown))
    parts = ("from_sampling", "from_coder", "from_selection")
    place = {pain: k for k, pain in enumerate(shown.pain_points.tolist())}
    widest = max(row["conf_high"] - row["conf_low"] for row in rows)
    axis = Axis(0.0, max(widest, 1e-9), FULL.left, FULL.right)
    drawing = _rows(words("chart_ledger"), "ledger", FULL, len(rows))
    _key(drawing, [(words.words.term(part), style) for part, style in zip(parts, _LEDGER, strict=True)])
    for row, y in _placed(rows):
        k, at = place[row["pain_point"]], FULL.left
        _label(drawing, words.label(row["pain_point"]), FULL.label, y)
        width = row["conf_high"] - row["conf_low"]
        for part, style in zip(parts, _LEDGER, strict=True):
            wide = (axis(width) - FULL.left) * float(getattr(shown, part)[k, 0])
            drawing.bar(at, y - 6, wide, 12.0, style)
            at += wide
        said = words("ledger_row", width=words.words.number(100 * width, 1), prior=words.part(row["prior_share"]))
        drawing.text(FULL.figures, y + 4, said)
    return drawing.render()


_LEDGER = ("interval", "layer", "hatched outline")


def heat_map(of: RankedPains, groups: list[int], names: list[str], words: PainWords) -> Markup:
    """True share by pain and group, in percent: the darker, the more customers."""
    shown = of.shown
    order = np.argsort(-np.nan_to_num(np.nanmean(shown.estimate[:, groups], axis=1)), kind="stable")
    left, step = FULL.label + 12.0, min(64.0, (FULL.width - FULL.label - 12.0) / len(groups))
    drawing = Drawing(FULL.width, 72.0 + _STEP * len(order), words("chart_heat"), "heat")
    highest = float(np.nanmax(shown.estimate[:, groups], initial=1e-9))
    for column, group in enumerate(groups):
        x = left + step * (column + 0.5)
        drawing.add("text", fitted(names[group], 78.0), x=x, y=58.0, class_="t small", transform=f"rotate(-30 {x:.1f} 58)")
    for row, pain in enumerate(order.tolist()):
        y = 66.0 + _STEP * row
        label = words.label(shown.pain_points[pain])
        _label(drawing, label, FULL.label, y + _STEP / 2)
        for column, group in enumerate(groups):
            _field(drawing, shown, pain, group, (left + step * column, y, step), highest, words, f"{label} · {names[group]}")
    return drawing.render()


def _field(
    drawing: Drawing, shown: Any, pain: int, group: int, box: tuple[float, float, float], highest: float, words: PainWords, named: str
) -> None:
    value = float(shown.estimate[pain, group])
    x, y, step = box
    if not math.isfinite(value):
        drawing.bar(x + 0.5, y + 0.5, step - 1.0, _STEP - 1.0, "hatched")
        return
    depth = value / highest
    high, wide = _STEP - 1.0, step - 1.0
    drawing.add("rect", x=x + 0.5, y=y + 0.5, width=wide, height=high, class_="field", fill_opacity=0.04 + 0.9 * depth)
    drawing.text(x + step / 2, y + 16.5, words.words.number(100 * value, 0), style="light" if depth > _DARK else "", anchor="middle")
    said = f"{named}: {words.share(value)} ({words.between(float(shown.conf_low[pain, group]), float(shown.conf_high[pain, group]))})"
    drawing.add("rect", x=x, y=y, width=step, height=_STEP, class_="pointed", hover=said)


def _rows(title: str, name: str, layout: Layout, many: int) -> Drawing:
    return Drawing(layout.width, _TOP + _STEP * many + _TAIL, title, name)


def _placed(rows: list[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], float]]:
    return [(row, _TOP + _STEP * (place + 0.5)) for place, row in enumerate(rows)]


def _label(drawing: Drawing, text: str, room: float, y: float) -> None:
    drawing.text(0.0, y + 4, fitted(text, room))


def _hover(drawing: Drawing, layout: Layout, y: float, text: str) -> None:
    drawing.add("rect", x=0.0, y=y - _STEP / 2, width=layout.width, height=_STEP, class_="pointed", hover=text)


def _scale(drawing: Drawing, axis: Axis, many: int, form: Any) -> None:
    bottom = _TOP + _STEP * many
    for tick in round_ticks(axis.low, axis.high):
        drawing.line(axis(tick), _TOP - 4, axis(tick), bottom, "grid")
        drawing.text(axis(tick), bottom + 14, form(tick), style="small", anchor="middle")


def _key(drawing: Drawing, entries: list[tuple[str, str]]) -> None:
    x = FULL.left
    for text, style in entries:
        drawing.bar(x, 5.0, 18.0, 10.0, style)
        drawing.text(x + 24.0, 14.0, text, style="small")
        x += 52.0 + text_width(text)
