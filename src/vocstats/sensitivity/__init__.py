"""How far an estimate could move when an assumption nobody can test fails."""

from .binary_proxy import mubp
from .bounding import worst_case_bounds
from .design_shifts import DesignShift, design_shift
from .proxies import UnadjustedBias
from .proxy_pattern_mixture import smub
from .registry_checks import RegistryCheck, registry_check
from .representativity import RIndicator, r_indicator
from .shifting import ShiftCurve, shift_curve
from .tipping import TippingPoint, tipping_point
from .trimming_bounds import LeeBounds, lee_bounds

__all__ = [
    "DesignShift", "LeeBounds", "RIndicator", "RegistryCheck", "ShiftCurve", "TippingPoint", "UnadjustedBias", "design_shift",
    "lee_bounds", "mubp", "r_indicator", "registry_check", "shift_curve", "smub", "tipping_point", "worst_case_bounds",
]
