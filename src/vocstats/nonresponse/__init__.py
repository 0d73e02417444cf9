"""What the silent would have said: two-phase sampling through a follow-up; what a sample nobody drew says about its population."""

from __future__ import annotations

from .follow_up_result import FollowUpEstimate
from .follow_ups import follow_up
from .integration import NonprobabilityEstimate, nonprobability
from .two_phase import TwoPhaseEstimate, double_sampling, two_phase_stratified

__all__ = [
    "FollowUpEstimate",
    "NonprobabilityEstimate",
    "TwoPhaseEstimate",
    "double_sampling",
    "follow_up",
    "nonprobability",
    "two_phase_stratified",
]
