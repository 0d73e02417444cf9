"""How pain points and their figures are printed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ..plots.pain_frames import pain_label
from .wording import DASH, Words

if TYPE_CHECKING:
    from ..options import Language
    from ..prevalence.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class PainWords:
    """Words of a report, and labels of its pain points."""

    words: Words
    taxonomy: Taxonomy

    def __call__(self, key: str, **values: Any) -> str:
        return self.words.pain(key, **values)

    def label(self, pain: Any) -> str:
        """What a pain point is called."""
        return pain_label(pain, self.taxonomy, cast("Language", self.words.language))

    def definition(self, pain: Any) -> str:
        """What a pain point means; empty where the taxonomy does not say."""
        return self.taxonomy.definition(pain, cast("Language", self.words.language)) if pain in self.taxonomy.keys else ""

    def share(self, value: float) -> str:
        """A share of customers; empty where there is none."""
        return self.words.share(value) if math.isfinite(value) else ""

    def between(self, low: float, high: float) -> str:
        """Two ends of an interval of shares: 46.7–49.9 %."""
        if not (math.isfinite(low) and math.isfinite(high)):
            return ""
        return f"{self.words.number(100 * low, 1)}\u2060{DASH}\u2060{self.words.share(high)}"

    def points(self, value: float) -> str:
        """A difference of shares in percentage points, signed."""
        return self.words.number(100 * value, 1, signed=True) if math.isfinite(value) else ""

    def points_between(self, low: float, high: float) -> str:
        """Two ends of a difference of shares, signed."""
        return self.words("to", low=self.points(low), high=self.points(high)) if math.isfinite(low) and math.isfinite(high) else ""

    def chance(self, value: float) -> str:
        """A probability with two digits, never 0 or 1 of a finite number of draws."""
        if not math.isfinite(value):
            return ""
        return "> 0.99" if value > 0.995 else "< 0.01" if value < 0.005 else self.words.number(value, 2)

    def likely(self, value: float) -> str:
        """A probability within a sentence."""
        text = self.chance(value)
        key = {">": "above", "<": "below"}.get(text[:1], "exactly")
        return self(key, value=text.lstrip("<> "))

    def ranks(self, low: float, high: float) -> str:
        """Ends of the interval of a rank."""
        return "" if not math.isfinite(low) else f"{low:.0f}" if low == high else f"{low:.0f}{DASH}{high:.0f}"

    def part(self, value: float) -> str:
        """A share of variance, in whole percent."""
        return self.words.share(value, 0) if math.isfinite(value) else ""
