"""When the forms of a dealer came, by day and hour, against the range of the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from ..results import Floats
from .charts import Axis
from .svg import Drawing

if TYPE_CHECKING:
    from ..workflows.audit_result import DealerAudit
    from .wording import Words

_MOST_DAYS = 100  # of a period drawn day by day; a longer one by week
_RANGE = (0.05, 0.95)
_ROOM = 1.6  # times the dealer's own highest bar; a range beyond is cut off
_BOTTOM, _TOP = 118.0, 16.0


@dataclass(frozen=True, slots=True, eq=False)
class Rhythm:
    """Forms the dealers asked for, by part of the period and by hour.

    Attributes
    ----------
    labels : array (D,)
        Dealers.
    first : datetime64[D]
        First day.
    width : int
        Days of a part: 1 or 7.
    days, hours : array (D, k), (D, 24)
        Forms; no hours (D, 0) where times hold days only.
    """

    labels: npt.NDArray[Any]
    first: np.datetime64
    width: int
    days: Floats
    hours: Floats

    @classmethod
    def of(cls, audit: DealerAudit) -> Self | None:
        """None where it is not known when forms came."""
        answers = audit.responses
        if answers is None or answers.time is None:
            return None
        rows = np.flatnonzero(answers.own & ~np.isnat(answers.time))
        if not rows.size:
            return None
        code, time = np.searchsorted(audit.dealers, answers.dealer[rows]), answers.time[rows]
        day = time.astype("datetime64[D]")
        place = (day - day.min()).astype(np.int64)
        width = 1 if int(place.max()) < _MOST_DAYS else 7
        hour = (time - day).astype("timedelta64[h]").astype(np.int64)
        clock = bool((time != day).any())
        return cls(
            labels=audit.dealers, first=day.min(), width=width, days=_table(code, place // width, audit.dealers.size),
            hours=_table(code, hour, audit.dealers.size, 24) if clock else np.zeros((audit.dealers.size, 0)),
        )

    def range(self, table: Floats, dealer: int, minimum: int) -> tuple[Floats, Floats]:
        """Where nine in ten dealers with enough forms stand, at the number of forms of one."""
        total = table.sum(axis=1)
        shares = table[total >= minimum] / total[total >= minimum, None]
        low, high = np.quantile(shares, _RANGE, axis=0) * total[dealer]
        return low, high

    def part(self, place: int) -> str:
        """A part of the period by its (first) day, month and day."""
        return str(self.first + np.timedelta64(place * self.width, "D"))[5:]


def _table(code: npt.NDArray[np.intp], place: npt.NDArray[np.int64], dealers: int, parts: int | None = None) -> Floats:
    size = int(place.max()) + 1 if parts is None else parts
    return np.bincount(code * size + place, minlength=dealers * size).reshape(dealers, size).astype(float)


def forms_chart(rhythm: Rhythm, dealer: Any, words: Words, minimum: int) -> Markup:
    """Two panels, by day and by hour: the dealer in black, the range of the network in grey; counts under `minimum` are short strokes."""
    place = int(np.flatnonzero(rhythm.labels == dealer)[0])
    if rhythm.days[place].sum() < max(minimum, 1):
        return Markup()
    drawing = Drawing(680.0, 138.0, words.page("chart" if rhythm.width == 1 else "chart_weeks"), "")
    clock = bool(rhythm.hours.size)
    _panel(drawing, rhythm, rhythm.days, place, minimum, (26.0, 440.0 if clock else 672.0))
    parts = rhythm.days.shape[1]
    for at in sorted({0, parts // 2, parts - 1}):
        _tick(drawing, at, parts, (26.0, 440.0 if clock else 672.0), rhythm.part(at))
    if clock:
        _panel(drawing, rhythm, rhythm.hours, place, minimum, (486.0, 672.0))
        for hour in (0, 6, 12, 18, 23):
            _tick(drawing, hour, 24, (486.0, 672.0), str(hour))
        drawing.text(486.0, 10.0, words.page("hour"), style="small")
    return drawing.render()


def _tick(drawing: Drawing, at: int, parts: int, ends: tuple[float, float], text: str) -> None:
    drawing.text(ends[0] + (ends[1] - ends[0]) * (at + 0.5) / parts, _BOTTOM + 13, text, style="small", anchor="middle")


def _panel(drawing: Drawing, rhythm: Rhythm, table: Floats, dealer: int, minimum: int, ends: tuple[float, float]) -> None:
    forms, (low, high) = table[dealer], rhythm.range(table, dealer, minimum)
    most = max(float(forms.max()), float(minimum), 1.0)
    up = Axis(0.0, min(max(most, float(high.max())), _ROOM * most), _BOTTOM, _TOP)
    step = (ends[1] - ends[0]) / forms.size
    for k, (bottom, top) in enumerate(zip(low, high, strict=True)):
        upper = up(min(float(top), up.high))
        drawing.bar(ends[0] + k * step, upper, step, max(up(min(float(bottom), up.high)) - upper, 0.5), "range")
    for tick in sorted({float(minimum), float(round(up.high))}):
        drawing.line(ends[0] - 3, up(tick), ends[1], up(tick), "grid")
        drawing.text(ends[0] - 6, up(tick) + 4, f"{tick:.0f}", style="small", anchor="end")
    drawing.line(ends[0], _BOTTOM, ends[1], _BOTTOM, "axis")
    for k, count in enumerate(forms.tolist()):
        height = 3.0 if 0 < count < minimum else _BOTTOM - up(count)
        if count:
            drawing.bar(ends[0] + (k + 0.2) * step, _BOTTOM - height, 0.6 * step, height, "forms")
