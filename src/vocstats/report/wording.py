"""Words and numbers of a report in one language: texts by key, figures with their units, exact limits."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import texts

if TYPE_CHECKING:
    from ..results import Assumption
    from ..workflows.corrected_score import Correction

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
SPACE = "\N{NO-BREAK SPACE}"
FINE = 0.01
SHARES = ("top_box", "bottom_box")


@dataclass(frozen=True, slots=True)
class Words:
    """Texts and number formats of one language."""

    language: str

    def __call__(self, key: str, **values: Any) -> str:
        return texts.render(f"report.{key}", self.language, **values)

    def audit(self, key: str, **values: Any) -> str:
        """A text of ``texts/audit.toml``."""
        return texts.render(f"audit.{key}", self.language, **values)

    def pain(self, key: str, **values: Any) -> str:
        """A text of ``texts/pain.toml``."""
        return texts.render(f"pain.{key}", self.language, **values)

    def page(self, key: str, **values: Any) -> str:
        """A text of ``texts/dealer_page.toml``."""
        return texts.render(f"dealer_page.{key}", self.language, **values)

    def term(self, key: str, **values: Any) -> str:
        """A term of ``texts/term.toml``."""
        return texts.render(f"term.{key}", self.language, **values)

    def named(self, field: str, code: str) -> str:
        """What a code is called (``term.<field>_<code>``); a name that is no code stays as it is."""
        key = f"{field}_{code}" if field else code
        return self.term(key) if key in texts.namespace("term") else code

    def accounted(self, code: str) -> str:
        """What a standard error accounts for (``texts/variance.toml``); a name that is no code stays as it is."""
        return texts.render(f"variance.{code}", self.language) if code in texts.namespace("variance") else code

    def assumption(self, assumption: Assumption) -> str:
        """An assumption in words, its codes and numbers named."""
        return assumption.text(self.language)

    def number(self, value: float, digits: int = 2, *, signed: bool = False) -> str:
        """A number with a proper minus sign; a dash where there is none."""
        if not math.isfinite(value):
            return DASH
        value = round(value, digits) + 0.0
        return f"{value:{'+' if signed and value else ''},.{digits}f}".replace("-", MINUS)

    def shift(self, value: float) -> str:
        """A shift in score points: signed, with as many decimals as it has, three at most."""
        return f"{round(value, 3) + 0.0:{'+' if round(value, 3) else ''}g}".replace("-", MINUS)

    def count(self, value: float) -> str:
        """A count with thousands separated."""
        return self.number(value, 0)

    def share(self, value: float, digits: int = 1) -> str:
        """A fraction as a percentage."""
        if not math.isfinite(value):
            return DASH
        return f"{self.number(100 * value, digits)}{SPACE if self.language == 'en' else ''}%"

    def percent(self, level: float) -> str:
        """A confidence level: 95 %."""
        return f"{100 * level:g}{SPACE if self.language == 'en' else ''}%"

    def listed(self, items: Iterable[str]) -> str:
        """A list of names."""
        return (", " if self.language == "en" else "、").join(items)

    @property
    def gap(self) -> str:
        """What stands between two sentences."""
        return " " if self.language == "en" else ""

    def by(self, names: Iterable[str]) -> str:
        """Names of the columns of a breakdown; `dealer` and `model` have their term."""
        return " × ".join(self.named("", name) if name in ("dealer", "model") else name for name in names)

    def inside(self, name: str) -> str:
        """A name inside a Chinese sentence: Latin letters are set off by a space."""
        if self.language == "en":
            return name
        return f"{' ' if name[:1].isascii() else ''}{name}{' ' if name[-1:].isascii() else ''}"


@dataclass(frozen=True, slots=True)
class Measure:
    """How the figures of one statistic are printed: scores with 2 decimals, shares with 1 and %, net promoter scores in points."""

    words: Words
    correction: Correction

    @property
    def is_share(self) -> bool:
        """Whether the statistic is a share of customers."""
        return self.correction.statistic in SHARES

    @property
    def is_score(self) -> bool:
        """Whether the statistic is a mean of score points."""
        return self.correction.statistic in ("mean", "index")

    @property
    def name(self) -> str:
        """The statistic by name, with the points it counts."""
        statistic = self.correction.statistic
        box = self.correction.top if statistic == "top_box" else self.correction.bottom
        return self.words.term(f"points_{statistic}", points=points(box)) if self.is_share else self.words.term(f"statistic_{statistic}")

    def value(self, value: float) -> str:
        """One figure in the unit of the statistic."""
        if self.is_share:
            return self.words.share(value)
        return self.words.number(value, 2) if self.is_score else self.words.number(100 * value, 1)

    def change(self, value: float, digits: int = 3) -> str:
        """A difference of two figures, signed."""
        if self.is_score:
            return self.words.number(value, digits, signed=True)
        points = self.words.number(100 * value, 1, signed=True)
        unit = {"en": f"{SPACE}pp", "zh": f"{SPACE}个百分点"}[self.words.language] if self.is_share else ""
        return f"{points}{unit}" if math.isfinite(value) else DASH

    def span(self, low: float, high: float) -> str:
        """Two ends: 3.33–3.42; with a word between where one is negative."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return DASH
        if low < 0:
            return self.words("to", low=self.value(low), high=self.value(high))
        if self.is_share:
            return f"{self.words.number(100 * low, 1)}{DASH}{self.value(high)}"
        return f"{self.value(low)}{DASH}{self.value(high)}"

    def estimate(self, domain: int, term: int) -> str:
        """An estimate; a share of 0 or 1 with its exact limit."""
        c = self.correction
        value = float(c.estimate[domain, term])
        if self.is_extreme(domain, term):
            low, high = self.interval_ends(domain, term)
            whole = f"{round(100 * value):d}{SPACE if self.words.language == 'en' else ''}%"
            away = high if value == 0.0 else 1 - low
            limit = self.words.share(high if value == 0.0 else low, 2 if away < FINE else 1)
            return self.words("at_most" if value == 0.0 else "at_least", value=whole, limit=limit)
        return self.value(value) if math.isfinite(value) else self.words("not_estimated")

    def is_extreme(self, domain: int, term: int) -> bool:
        """Whether an estimated share is exactly 0 or 1."""
        return self.is_share and float(self.correction.estimate[domain, term]) in (0.0, 1.0)

    def interval_ends(self, domain: int, term: int) -> tuple[float, float]:
        """Confidence limits; those of a share of 0 or 1 are exact (Clopper and Pearson 1934) where the result's have no width."""
        c = self.correction
        low, high = float(c.conf_low[domain, term]), float(c.conf_high[domain, term])
        if self.is_extreme(domain, term) and not high > low:
            limit = ((1 - c.level) / 2) ** (1 / max(int(c.n[domain, term]), 1))
            low, high = (0.0, 1 - limit) if c.estimate[domain, term] == 0.0 else (limit, 1.0)
        return low, high

    def interval(self, domain: int, term: int) -> str:
        """The confidence interval; empty for a share of 0 or 1, whose limit stands beside the estimate."""
        return "" if self.is_extreme(domain, term) else self.span(*self.interval_ends(domain, term))

    def range(self, domain: int, term: int) -> str:
        """The sensitivity range, sampling error included."""
        return self.span(float(self.correction.range_conf_low[domain, term]), float(self.correction.range_conf_high[domain, term]))

    def short(self, value: float) -> str:
        """A figure on an axis, without decimals."""
        return self.words.number(value, 0) if self.is_score else f"{self.words.number(100 * value, 0)}{'%' if self.is_share else ''}"

    def axis(self) -> tuple[float, float]:
        """The full scale of the statistic."""
        if self.is_score:
            return self.correction.scale
        return (0.0, 1.0) if self.is_share else (-1.0, 1.0)


def points(box: tuple[float, ...]) -> str:
    """The points of a box: 9–10, or 1, 2, 5 where they do not follow each other."""
    if not box:
        return ""
    numbers = sorted(box)
    if len(numbers) > 1 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]:g}{DASH}{numbers[-1]:g}"
    return ", ".join(f"{number:g}" for number in numbers)


def label(correction: Correction, domain: int) -> str:
    """The name of a domain: its labels, as text."""
    return " · ".join(str(correction.labels[name][domain]) for name in correction.by)


def declared(correction: Correction) -> bool:
    """Whether any shift other than 0 was declared."""
    return any(end != 0.0 for shift in (correction.silent_shift, correction.churned_shift, correction.mode_shift) for end in shift)
