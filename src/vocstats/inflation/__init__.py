"""Signs that a dealer's scores are inflated: one signal per file, each with its effect, its p-value and the rows that show it."""

from __future__ import annotations

from .bunching import threshold_bunching
from .channel_gaps import channel_gap
from .cub import CubFit, fit_cub
from .dispersions import dispersion
from .funnel import Funnel, funnel_limits
from .levels import level_excess
from .null import EmpiricalNull, fit_null, known_null
from .shelters import shelter
from .signal_result import Signal
from .straight_lines import straightlining

__all__ = [
    "CubFit", "EmpiricalNull", "Funnel", "Signal", "channel_gap", "dispersion", "fit_cub", "fit_null", "funnel_limits", "known_null",
    "level_excess", "shelter", "straightlining", "threshold_bunching",
]
