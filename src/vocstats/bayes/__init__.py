"""Hierarchical models sampled by PyMC: one model per file, slow and complete where the other estimators are fast."""

from __future__ import annotations

from .contamination import build_contamination, fit_contamination
from .contamination_result import ContaminationFit, ContaminationPriors
from .pain_points import build_pain_points, fit_pain_points
from .sampling import SamplingWarning

__all__ = [
    "ContaminationFit", "ContaminationPriors", "SamplingWarning", "build_contamination", "build_pain_points", "fit_contamination",
    "fit_pain_points",
]
