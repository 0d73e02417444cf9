"""Simulated data with known truth."""

from __future__ import annotations

from .dealer_network import SimulatedNetwork, simulate_dealers
from .dealer_truth import NetworkTruth
from .example import write_example
from .simulation import SimulatedBase, simulate_base
from .truth import SimulatedTruth

__all__ = ["NetworkTruth", "SimulatedBase", "SimulatedNetwork", "SimulatedTruth", "simulate_base", "simulate_dealers", "write_example"]
