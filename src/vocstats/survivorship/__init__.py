"""What those who left would have said, and who is still there: survivors speak for themselves only."""

from __future__ import annotations

from .censoring import PositivityWarning, censoring_weights
from .cohorts import cohort_mean
from .exit_tilting import exit_tilt
from .hazard_result import HazardRegression
from .hazards import hazard_regression
from .length_bias import length_bias_weights, stationarity_test
from .length_bias_result import StationarityTest
from .refreshment import refreshment_weights
from .refreshment_result import RefreshmentFit
from .retention import SurvivalCurve, survival_curve
from .trends import decompose_trend

__all__ = [
    "HazardRegression",
    "PositivityWarning",
    "RefreshmentFit",
    "StationarityTest",
    "SurvivalCurve",
    "censoring_weights",
    "cohort_mean",
    "decompose_trend",
    "exit_tilt",
    "hazard_regression",
    "length_bias_weights",
    "refreshment_weights",
    "stationarity_test",
    "survival_curve",
]
