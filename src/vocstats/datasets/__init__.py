"""Simulated data with known truth."""

from __future__ import annotations

from .example import write_example
from .simulation import SimulatedBase, simulate_base
from .truth import SimulatedTruth

__all__ = ["SimulatedBase", "SimulatedTruth", "simulate_base", "write_example"]
