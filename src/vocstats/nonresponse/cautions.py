"""Warnings of estimators whose assumptions carry the answer."""

from __future__ import annotations

from ..errors import VocstatsWarning


class ExclusionWarning(VocstatsWarning):
    """Nothing, or hardly anything, moves response that does not move the outcome: the shape of the errors carries the answer."""


class LikelihoodWarning(VocstatsWarning):
    """A likelihood that hardly tells answers apart, or that has several summits."""


class ShadowWarning(VocstatsWarning):
    """A shadow variable that tells little of the outcome: intervals that take its strength for granted are too short."""
