"""Signs that a dealer's scores are inflated: one signal per file, each with its effect, its p-value and the rows that show it."""

from __future__ import annotations

from .channel_gaps import channel_gap
from .funnel import Funnel, funnel_limits
from .levels import level_excess
from .null import EmpiricalNull, fit_null, known_null
from .signal_result import Signal

__all__ = [
    "EmpiricalNull", "Funnel", "Signal", "channel_gap", "fit_null", "funnel_limits", "known_null", "level_excess",
]
