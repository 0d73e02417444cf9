"""Weights that remember how they were made: response models, calibration to known totals, trimming."""

from .chain import Step, Weights
from .margins import margin_targets
from .poststratification import poststratify
from .raking import rake

__all__ = ["Step", "Weights", "margin_targets", "poststratify", "rake"]
