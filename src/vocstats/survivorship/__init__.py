"""What those who left would have said, and who is still there: survivors speak for themselves only."""

from __future__ import annotations

from .censoring import PositivityWarning, censoring_weights
from .cohorts import cohort_mean
from .exit_tilting import exit_tilt
from .hazard_result import HazardRegression
from .hazards import hazard_regression
from .retention import SurvivalCurve, survival_curve
from .trends import decompose_trend

__all__ = [
    "HazardRegression",
    "PositivityWarning",
    "SurvivalCurve",
    "censoring_weights",
    "cohort_mean",
    "decompose_trend",
    "exit_tilt",
    "hazard_regression",
    "survival_curve",
]
