"""The charts of an audit: score against number of forms with honest limits, and who was heard against what they gave."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from ..plots.audit_frames import funnel_frame, limits_frame, sizes_between
from ..workflows.audit_result import STATUSES
from .charts import STEPS, Axis, round_ticks
from .grid import records
from .svg import Drawing, text_width

if TYPE_CHECKING:
    import pandas as pd

    from ..workflows.audit_result import DealerAudit
    from .wording import Words

WIDTH, HEIGHT = 620.0, 380.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 612.0, 30.0, 340.0
_NAMED = 25  # listed dealers that are named in the chart; more would cover each other


def control_limits(audit: DealerAudit, words: Words, minimum: int) -> Markup:
    """Score against number of forms, bands of honest dealers behind."""
    dealers = funnel_frame(audit, minimum_group=minimum)
    if dealers.empty:
        return Markup()
    limits = limits_frame(audit, sizes_between(float(dealers["n"].min()) * 0.9, float(dealers["n"].max()) * 1.1))
    log = Axis(math.log(float(dealers["n"].min()) * 0.9), math.log(float(dealers["n"].max()) * 1.1), LEFT, RIGHT)
    up = Axis(*_reach(dealers["level"], limits, audit.highest), BOTTOM, TOP)
    drawing = Drawing(WIDTH, HEIGHT, words.audit("funnel_heading"), "funnel")
    for outer in ("outer", "inner"):
        _band(drawing, limits, outer, log, up)
    _rows(drawing, up, lambda value: words.number(value, 1 if up.high - up.low > 0.8 else 2))
    if not limits.empty:
        drawing.line(LEFT, up(float(limits["centre"].iloc[0])), RIGHT, up(float(limits["centre"].iloc[0])), "kpi")
    for size in _sizes(math.exp(log.low), math.exp(log.high)):
        drawing.text(log(math.log(size)), BOTTOM + 15, words.count(size), style="small", anchor="middle")
    _axis_names(drawing, words.audit("funnel_x"), words.audit("funnel_y"))

    def hover(row: Mapping[str, Any]) -> str:
        return words.audit(
            "funnel_hover", dealer=row["dealer"], level=words.number(row["level"]), n=words.count(row["n"]),
            status=words.term(f"status_{row['status']}"),
        )

    _dots(drawing, dealers, lambda row: (log(math.log(row["n"])), up(row["level"])), hover)
    return drawing.render()


def fingerprint(dealers: pd.DataFrame, top: str, words: Words) -> Markup:
    """Share of visits heard against the share of top marks; dashed: medians."""
    if dealers.empty:
        return Markup()
    across = Axis(*_padded(dealers["heard"]), LEFT, RIGHT)
    up = Axis(*_padded(dealers["top"]), BOTTOM, TOP)
    drawing = Drawing(WIDTH, HEIGHT, words.audit("fingerprint_heading"), "fingerprint")
    _rows(drawing, up, lambda value: words.share(value, 0))
    for tick in round_ticks(across.low, across.high):
        drawing.text(across(tick), BOTTOM + 15, words.share(tick, 0), style="small", anchor="middle")
    x, y = across(float(dealers["heard"].median())), up(float(dealers["top"].median()))
    drawing.line(x, TOP, x, BOTTOM, "kpi")
    drawing.line(LEFT, y, RIGHT, y, "kpi")
    _axis_names(drawing, words.audit("fingerprint_x"), words.audit("fingerprint_y", points=top))

    def hover(row: Mapping[str, Any]) -> str:
        return words.audit(
            "fingerprint_hover", dealer=row["dealer"], visits=words.count(row["visits"]), heard=words.share(row["heard"], 0),
            top=words.share(row["top"], 0), status=words.term(f"status_{row['status']}"),
        )

    _dots(drawing, dealers, lambda row: (across(row["heard"]), up(row["top"])), hover)
    return drawing.render()


def key(words: Words) -> Markup:
    """What the marks of both charts mean."""
    drawing = Drawing(1232.0, 22.0, words.term("status"), "")
    x = 4.0
    for status in STATUSES:
        _mark(drawing, status, x + 6, 10.0, "")
        text = words.term(f"status_{status}")
        drawing.text(x + 18, 14.0, text)
        x += 44.0 + text_width(text)
    return drawing.render()


def _dots(
    drawing: Drawing, dealers: pd.DataFrame, place: Callable[[Mapping[str, Any]], tuple[float, float]],
    hover: Callable[[Mapping[str, Any]], str],
) -> None:
    """A mark per dealer, those to be verified on top and by name."""
    rows = sorted(records(dealers), key=lambda row: -STATUSES.index(row["status"]))
    for row in rows:
        _mark(drawing, row["status"], *place(row), hover(row))
    listed = [row for row in rows if row["status"] == STATUSES[0]]
    taken: list[tuple[float, float]] = []
    for row in listed if len(listed) <= _NAMED else ():
        x, y = place(row)
        name = str(row["dealer"])
        while any(abs(x - other) < 7.0 * len(name) + 4 and abs(y - height) < 11.0 for other, height in taken):
            y += 11.0
        taken.append((x, y))
        left = x > RIGHT - 60
        drawing.text(x + (-9 if left else 9), y + 4, name, style="name", anchor="end" if left else "start")


def _mark(drawing: Drawing, status: str, x: float, y: float, hover: str) -> None:
    """Shape tells the status, not colour alone: diamond, triangle, dot, ring."""
    if status == "to_be_verified":
        drawing.add("path", d=f"M{x:.1f} {y - 6.5:.1f} L{x + 6.5:.1f} {y:.1f} L{x:.1f} {y + 6.5:.1f} L{x - 6.5:.1f} {y:.1f} Z",
                    class_="listed", hover=hover)
    elif status == "watch":
        drawing.add("path", d=f"M{x - 5:.1f} {y + 4:.1f} H{x + 5:.1f} L{x:.1f} {y - 5:.1f} Z", class_="watched", hover=hover)
    else:
        drawing.add("circle", cx=x, cy=y, r=3.2, class_="plain" if status == "no_sign_found" else "plain ring", hover=hover)


def _band(drawing: Drawing, limits: pd.DataFrame, name: str, across: Axis, up: Axis) -> None:
    if limits.empty:
        return
    x = [across(math.log(size)) for size in limits["n"]]
    high, low = ([up(min(max(value, up.low), up.high)) for value in limits[f"{name}_{side}"]] for side in ("high", "low"))
    corners = [*zip(x, high, strict=True), *zip(reversed(x), reversed(low), strict=True)]
    drawing.add("path", d="M" + " L".join(f"{a:.1f} {b:.1f}" for a, b in corners) + " Z", class_=f"band {name}")


def _rows(drawing: Drawing, up: Axis, form: Callable[[float], str]) -> None:
    for tick in round_ticks(up.low, up.high):
        drawing.line(LEFT, up(tick), RIGHT, up(tick), "grid")
        drawing.text(LEFT - 7, up(tick) + 4, form(tick), style="small", anchor="end")


def _axis_names(drawing: Drawing, across: str, up: str) -> None:
    drawing.text(RIGHT, BOTTOM + 33, across, style="small", anchor="end")
    drawing.text(LEFT - 40, TOP - 12, up, style="small")


def _reach(level: Any, limits: pd.DataFrame, highest: float) -> tuple[float, float]:
    """The scores shown: all dealers, and the inner band of most sizes; not above the highest score."""
    low, high = float(level.min()), float(level.max())
    if not limits.empty:
        middle = limits.iloc[len(limits) // 2]
        low, high = min(low, float(middle["inner_low"])), max(high, float(middle["inner_high"]))
    room = 0.05 * max(high - low, 0.1)
    return low - room, max(min(high + room, highest), float(level.max()) + 0.2 * room)


def _padded(shares: Any) -> tuple[float, float]:
    low, high = float(shares.min()), float(shares.max())
    room = 0.08 * max(high - low, 0.05)
    return max(low - room, 0.0), min(high + room, 1.0) if high < 1.0 else 1.0 + 0.3 * room


def _sizes(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between two ends; powers alone where these are many."""
    powers = 10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [float(size * power) for power in powers for size in STEPS if low <= size * power <= high]
