"""How far an estimate could move when an assumption nobody can test fails."""

from .bounding import worst_case_bounds
from .shifting import ShiftCurve, shift_curve

__all__ = ["ShiftCurve", "shift_curve", "worst_case_bounds"]
