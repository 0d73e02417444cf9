"""The charts of the page: from reported to corrected, who was heard, sensitivity, balance. Static, on the full scale."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from ..plots.frames import differences, layers, weighted_rows
from ..workflows.corrected_score import PARTS, TERMS, Correction
from .svg import Drawing
from .wording import Measure, Words, declared

STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis from `low` to `high` drawn between `left` and `right`."""

    low: float
    high: float
    left: float
    right: float

    def __call__(self, value: float) -> float:
        return self.left + (self.right - self.left) * (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Whole points of a short scale, else five equal steps."""
        span = self.high - self.low
        steps = int(span) if span == int(span) and 2 <= span <= 10 else 5 if span != 2.0 else 4
        return [self.low + span * step / steps for step in range(steps + 1)]


def round_ticks(low: float, high: float) -> list[float]:
    """About six round values between two ends."""
    rough = (high - low) / 7
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * min(size for size in (*STEPS, 10) if size * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [float(place * step) for place in range(first, math.floor(high / step + 1e-9) + 1)]


def ladder(correction: Correction, words: Words, headline: str) -> Markup:
    """Reported score, what the silent and the churned add, and the corrected scores, each with interval and range."""
    measure = Measure(words, correction)
    axis = Axis(*measure.axis(), 176.0, 500.0)
    drawing = Drawing(660.0, 190.0, words("ladder_heading"), "ladder")
    _scale(drawing, axis, measure, 8.0, 166.0)
    rows = (22.0, 54.0, 84.0, 116.0, 146.0)
    for term, y in zip(range(3), rows[::2], strict=True):
        _rung(drawing, axis, measure, term, y, strong=TERMS[term] == headline)
    for part, y in zip(range(2), rows[1::2], strict=True):
        _contribution(drawing, axis, measure, part, y)
    return drawing.render()


def _scale(drawing: Drawing, axis: Axis, measure: Measure, top: float, bottom: float) -> None:
    for tick in axis.ticks():
        drawing.line(axis(tick), top, axis(tick), bottom, "grid")
        drawing.text(axis(tick), bottom + 13, measure.short(tick), style="small", anchor="middle")
    kpi = measure.correction.kpi
    if math.isfinite(kpi) and axis.low <= kpi <= axis.high:
        drawing.line(axis(kpi), top - 2, axis(kpi), bottom, "kpi")
        drawing.text(axis(kpi), bottom + 24, measure.words("kpi", value=measure.value(kpi)), style="small", anchor="middle")


def _rung(drawing: Drawing, axis: Axis, measure: Measure, term: int, y: float, *, strong: bool) -> None:
    c, words = measure.correction, measure.words
    name, weight = TERMS[term], "strong" if strong else ""
    drawing.text(0.0, y - 1, words(f"ladder_{name}"), style=weight)
    count = words.count(int(c.n[0, term]))
    said = (
        words("ladder_answers", count=count) if term == 0 else words("ladder_speaks", n=count, count=words.count(int(c.customers[0, term])))
    )
    drawing.text(0.0, y + 12, said, style="small")
    if term:
        _band(drawing, axis, float(c.range_conf_low[0, term]), float(c.range_conf_high[0, term]), y - 8, 16.0, "hatched")
    low, high = measure.interval_ends(0, term)
    _band(drawing, axis, low, high, y - 4, 8.0, "interval")
    if math.isfinite(c.estimate[0, term]):
        drawing.dot(axis(float(c.estimate[0, term])), y, 2.6 if term else 4.4, "dot inner" if term else "dot hollow")
    drawing.text(516.0, y - 1, measure.estimate(0, term), style=weight)
    interval = measure.interval(0, term)
    if interval and math.isfinite(low):
        drawing.text(660.0, y - 1, f"({interval})", anchor="end")
    if term and declared(c):
        drawing.text(660.0, y + 12, words("ladder_range", span=measure.range(0, term)), style="small", anchor="end")


def _contribution(drawing: Drawing, axis: Axis, measure: Measure, part: int, y: float) -> None:
    c, words = measure.correction, measure.words
    silent = "unheard" if c.part_customers[0, PARTS.index("not_invited")] else "silent"
    drawing.text(14.0, y + 4, "+ " + words(f"ladder_{(silent, 'churned')[part]}"), style="quiet")
    start, end = float(c.estimate[0, part]), float(c.estimate[0, part + 1])
    if math.isfinite(start) and math.isfinite(end):
        drawing.add("path", d=f"M{axis(start):.1f} {y - 27:.1f} V{y:.1f} H{axis(end):.1f} V{y + 20:.1f}", class_="link")
    drawing.text(516.0, y + 4, measure.change(float(c.contribution[0, part])), style="quiet")


def _band(drawing: Drawing, axis: Axis, low: float, high: float, y: float, height: float, style: str) -> None:
    if math.isfinite(low) and math.isfinite(high):
        left, right = (axis(min(max(end, axis.low), axis.high)) for end in (low, high))
        drawing.bar(left, y, max(right - left, 1.0), height, style)


def position(measure: Measure, domain: int, term: int) -> Markup:
    """One domain on the full scale, for a table's row: range, interval, estimate and target."""
    c = measure.correction
    axis = Axis(*measure.axis(), 4.0, 176.0)
    drawing = Drawing(180.0, 16.0, measure.estimate(domain, term), "", style="spark")
    drawing.line(axis.left, 8.0, axis.right, 8.0, "grid")
    _band(drawing, axis, float(c.range_conf_low[domain, term]), float(c.range_conf_high[domain, term]), 4.0, 8.0, "layer")
    _band(drawing, axis, *measure.interval_ends(domain, term), 5.5, 5.0, "interval")
    if math.isfinite(c.kpi):
        drawing.line(axis(c.kpi), 0.0, axis(c.kpi), 16.0, "kpi")
    drawing.dot(axis(float(c.estimate[domain, term])), 8.0, 3.2, "dot")
    return drawing.render()


def heard(correction: Correction, words: Words, *, contact_known: bool) -> Markup:
    """Customers of each part of the base; filled the heard, hatched the others."""
    drawing = Drawing(560.0, 132.0, words("heard_heading"), "heard")
    customers, answers = correction.part_customers[0], correction.part_heard[0]
    largest, total = max(int(customers.max()), 1), max(int(customers.sum()), 1)
    for row, part in enumerate(("engaged", "silent", "churned", "not_invited")):
        index, y = PARTS.index(part), 6.0 + 33.0 * row
        drawing.text(0.0, y + 14, words(f"heard_{part}"))
        count, got = int(customers[index]), int(answers[index])
        if part == "not_invited" and count == 0 and not contact_known:
            drawing.text(104.0, y + 14, words("heard_no_contact_file"), style="quiet")
            continue
        width = 236.0 * count / largest
        drawing.bar(104.0, y, width, 20.0, "hatched outline")
        drawing.bar(104.0, y, width * got / max(count, 1), 20.0, "filled")
        drawing.text(400.0, y + 14, words.count(count), anchor="end")
        drawing.text(460.0, y + 14, words.share(count / total), anchor="end")
        drawing.text(560.0, y + 14, words("heard_count", count=words.count(got)), style="quiet", anchor="end")
    return drawing.render()


def sensitivity(correction: Correction, words: Words) -> Markup:
    """The four layers of each corrected score on the full scale."""
    measure = Measure(words, correction)
    terms = [term for term in (1, 2) if math.isfinite(correction.worst_low[0, term])]
    axis = Axis(*measure.axis(), 380.0, 980.0)
    height = 24.0 + 118.0 * len(terms)
    drawing = Drawing(1120.0, height + 30, words("chapter_sensitivity"), "layers")
    _scale(drawing, axis, measure, 4.0, height)
    for block, term in enumerate(terms):
        top = 20.0 + 118.0 * block
        drawing.text(0.0, top, words.term(f"population_{TERMS[term]}"), style="strong")
        for row, (layer, (low, high)) in enumerate(layers(correction, 0, term).items()):
            y = top + 20 + 22.0 * row
            drawing.text(0.0, y + 4, words(f"layer_{layer}", level=words.percent(correction.level)))
            _band(drawing, axis, low, high, y - 5, 10.0, {"interval": "interval", "range": "hatched"}.get(layer, f"layer {layer}"))
            drawing.text(1120.0, y + 4, measure.span(low, high), anchor="end")
        if math.isfinite(correction.estimate[0, term]):
            drawing.dot(axis(float(correction.estimate[0, term])), top + 20, 2.6, "dot inner")
    return drawing.render()


def love(correction: Correction, words: Words) -> Markup:
    """Standardised differences of every auxiliary level, before (hollow) and after (filled) weighting.

    Parts that represent themselves have no differences and are left out.
    """
    balance = correction.balance
    assert balance is not None
    before, after = differences(balance)
    rows = weighted_rows(balance)
    reach = max(0.1, *(abs(float(value)) for value in (*before, *after))) * 1.08
    axis = Axis(-reach, reach, 400.0, 1100.0)
    height = 14.0 + 20.0 * len(rows)
    drawing = Drawing(1120.0, height + 24, words("chapter_balance"), "love")
    drawing.bar(axis(-0.1), 4.0, axis(0.1) - axis(-0.1), height, "tolerance")
    drawing.line(axis(0.0), 4.0, axis(0.0), height + 4, "kpi")
    for tick in (-0.1, 0.0, 0.1):
        drawing.text(axis(tick), height + 18, words.number(tick, 1), style="small", anchor="middle")
    for place, row in enumerate(rows):
        y = 18.0 + 20.0 * place
        drawing.text(0.0, y + 4, f"{words.named('group', balance.part[row])} · {balance.variable[row]}", style="quiet")
        drawing.text(384.0, y + 4, balance.level[row], anchor="end")
        drawing.line(axis(float(before[row])), y, axis(float(after[row])), y, "link")
        drawing.dot(axis(float(before[row])), y, 4.0, "dot hollow")
        drawing.dot(axis(float(after[row])), y, 4.0, "dot")
    return drawing.render()
