"""What those who left would have said, and who is still there: survivors speak for themselves only."""

from __future__ import annotations

from .cohorts import cohort_mean
from .exit_tilting import exit_tilt
from .retention import SurvivalCurve, survival_curve
from .trends import decompose_trend

__all__ = ["SurvivalCurve", "cohort_mean", "decompose_trend", "exit_tilt", "survival_curve"]
