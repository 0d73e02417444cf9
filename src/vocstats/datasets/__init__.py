"""Simulated data with known truth."""

from __future__ import annotations

from .audit_example import write_audit_example
from .dealer_network import SimulatedNetwork, simulate_dealers
from .dealer_truth import NetworkTruth
from .example import write_example
from .simulation import SimulatedBase, simulate_base
from .truth import SimulatedTruth

__all__ = [
    "NetworkTruth", "SimulatedBase", "SimulatedNetwork", "SimulatedTruth", "simulate_base", "simulate_dealers", "write_audit_example",
    "write_example",
]
