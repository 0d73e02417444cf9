"""Hierarchical models sampled by PyMC: one model per file, slow and complete where the other estimators are fast."""

from __future__ import annotations

from .contamination import build_contamination, fit_contamination
from .contamination_result import ContaminationFit, ContaminationPriors
from .engine_comparison import EngineComparison, compare_engines
from .pain_points import build_pain_points, fit_pain_points
from .sampling import SamplingWarning

__all__ = [
    "ContaminationFit", "ContaminationPriors", "EngineComparison", "SamplingWarning", "build_contamination", "build_pain_points",
    "compare_engines", "fit_contamination", "fit_pain_points",
]
