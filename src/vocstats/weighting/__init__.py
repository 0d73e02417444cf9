"""Weights that remember how they were made: response models, calibration to known totals, trimming."""

from .calibration import calibrate
from .chain import Step, Weights
from .concentration import Concentration, weight_concentration
from .design_effects import design_effect
from .diagnostics import balance
from .margins import margin_targets
from .model_assisted import calibrate_on_model
from .overlap import positivity
from .poststratification import poststratify
from .propensity import weight_by_propensity
from .raking import rake
from .trimming import trim

__all__ = [
    "Concentration", "Step", "Weights", "balance", "calibrate", "calibrate_on_model", "design_effect", "margin_targets", "positivity",
    "poststratify", "rake", "trim", "weight_by_propensity", "weight_concentration",
]
