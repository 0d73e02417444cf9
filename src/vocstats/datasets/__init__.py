"""Simulated data with known truth."""

from __future__ import annotations

from .audit_example import write_audit_example
from .dealer_network import SimulatedNetwork, simulate_dealers
from .dealer_truth import NetworkTruth
from .example import write_example
from .pain_points import SimulatedPainPoints, simulate_pain_points
from .pain_points_example import write_pain_points_example
from .pain_points_truth import PainPointTruth
from .simulation import SimulatedBase, simulate_base
from .truth import SimulatedTruth

__all__ = [
    "NetworkTruth", "PainPointTruth", "SimulatedBase", "SimulatedNetwork", "SimulatedPainPoints", "SimulatedTruth", "simulate_base",
    "simulate_dealers", "simulate_pain_points", "write_audit_example", "write_example", "write_pain_points_example",
]
