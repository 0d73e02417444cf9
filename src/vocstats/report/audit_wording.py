"""How the figures of an audit are printed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .wording import Words

_SMALL_P = 0.001


def number(value: float, words: Words) -> str:
    """A score with two decimals; nothing where there is none."""
    return words.number(value) if math.isfinite(value) else ""


def between(low: float, high: float, words: Words) -> str:
    """Two ends of an interval of scores; nothing where there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    ends = {"low": words.number(low), "high": words.number(high)}
    return words("to", **ends) if round(low, 2) < 0 else "{low}\u2060–\u2060{high}".format(**ends)


def chance(value: float, words: Words) -> str:
    """A p- or q-value: two digits, "< 0.001" below."""
    if not math.isfinite(value):
        return ""
    return f"< {_SMALL_P}" if value < _SMALL_P else words.number(value, 3 if value < 0.1 else 2)


def relation(value: float, words: Words) -> str:
    """A p- or q-value behind its letter: "= 0.03" or "< 0.001"."""
    text = chance(value, words)
    return text if text.startswith("<") else f"= {text}"
