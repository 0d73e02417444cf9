"""What those who left would have said, and who is still there: survivors speak for themselves only."""

from __future__ import annotations

from .retention import SurvivalCurve, survival_curve

__all__ = ["SurvivalCurve", "survival_curve"]
