"""What the silent would have said: two-phase sampling through a follow-up."""

from __future__ import annotations

from .two_phase import TwoPhaseEstimate, double_sampling, two_phase_stratified

__all__ = ["TwoPhaseEstimate", "double_sampling", "two_phase_stratified"]
