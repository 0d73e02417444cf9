"""Weights that remember how they were made: response models, calibration to known totals, trimming."""

from .calibration import calibrate
from .chain import Step, Weights
from .diagnostics import balance
from .margins import margin_targets
from .poststratification import poststratify
from .propensity import weight_by_propensity
from .raking import rake
from .trimming import trim

__all__ = ["Step", "Weights", "balance", "calibrate", "margin_targets", "poststratify", "rake", "trim", "weight_by_propensity"]
