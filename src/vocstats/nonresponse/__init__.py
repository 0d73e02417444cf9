"""What the silent would have said: two-phase sampling through a follow-up; what a sample nobody drew says about its population."""

from __future__ import annotations

from .callback_result import CallbackEstimate
from .callbacks import reweight_by_callbacks
from .cautions import ExclusionWarning, LikelihoodWarning, ShadowWarning
from .follow_up_result import FollowUpEstimate
from .follow_ups import follow_up
from .integration import NonprobabilityEstimate, nonprobability
from .refusal_result import RefusalEstimate
from .refusal_tables import nonignorable_em
from .selection import heckman
from .selection_result import SelectionEstimate
from .shadow import shadow_variable
from .shadow_result import ShadowEstimate
from .two_phase import TwoPhaseEstimate, double_sampling, two_phase_stratified

__all__ = [
    "CallbackEstimate",
    "ExclusionWarning",
    "FollowUpEstimate",
    "LikelihoodWarning",
    "NonprobabilityEstimate",
    "RefusalEstimate",
    "SelectionEstimate",
    "ShadowEstimate",
    "ShadowWarning",
    "TwoPhaseEstimate",
    "double_sampling",
    "follow_up",
    "heckman",
    "nonignorable_em",
    "nonprobability",
    "reweight_by_callbacks",
    "shadow_variable",
    "two_phase_stratified",
]
