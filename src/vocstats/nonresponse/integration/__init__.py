"""Integration of a non-probability sample with what is known of its population."""

from .integration import nonprobability
from .result import NonprobabilityEstimate

__all__ = ["NonprobabilityEstimate", "nonprobability"]
