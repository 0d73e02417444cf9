"""Signs that a dealer's scores are inflated: one signal per file, each with its effect, its p-value and the rows that show it."""

from __future__ import annotations

from .addresses import shared_address
from .bunching import threshold_bunching
from .channel_gaps import channel_gap
from .combination import combine, e_bh, e_values, q_values
from .combination_result import CombinedEvidence
from .corrected_scores import HonestScores
from .correcting import honest_scores
from .cub import CubFit, fit_cub
from .dispersions import dispersion
from .duplicates import near_duplicates
from .funnel import Funnel, funnel_limits
from .invitations import invitation_bias
from .item_discordances import item_discordance
from .levels import level_excess
from .monitor_state import MonitorState
from .monitoring import monitor
from .null import EmpiricalNull, fit_null, known_null
from .onsets import onset
from .outcomes import outcome_discordance
from .period_ends import period_end
from .quickness import quick_forms
from .shelters import shelter
from .signal_result import Signal
from .straight_lines import straightlining
from .submission_bursts import bursts

__all__ = [
    "CombinedEvidence", "CubFit", "EmpiricalNull", "Funnel", "HonestScores", "MonitorState", "Signal", "bursts", "channel_gap",
    "combine", "dispersion", "e_bh", "e_values", "fit_cub", "fit_null", "funnel_limits", "honest_scores", "invitation_bias",
    "item_discordance", "known_null", "level_excess", "monitor", "near_duplicates", "onset", "outcome_discordance", "period_end",
    "q_values", "quick_forms", "shared_address", "shelter", "straightlining", "threshold_bunching",
]
