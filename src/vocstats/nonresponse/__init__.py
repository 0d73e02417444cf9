"""What the silent would have said: two-phase sampling through a follow-up; what a sample nobody drew says about its population."""

from __future__ import annotations

from .cautions import ExclusionWarning, LikelihoodWarning
from .follow_up_result import FollowUpEstimate
from .follow_ups import follow_up
from .integration import NonprobabilityEstimate, nonprobability
from .refusal_result import RefusalEstimate
from .refusal_tables import nonignorable_em
from .selection import heckman
from .selection_result import SelectionEstimate
from .two_phase import TwoPhaseEstimate, double_sampling, two_phase_stratified

__all__ = [
    "ExclusionWarning",
    "FollowUpEstimate",
    "LikelihoodWarning",
    "NonprobabilityEstimate",
    "RefusalEstimate",
    "SelectionEstimate",
    "TwoPhaseEstimate",
    "double_sampling",
    "follow_up",
    "heckman",
    "nonignorable_em",
    "nonprobability",
    "two_phase_stratified",
]
