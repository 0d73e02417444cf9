"""Warnings of estimators whose assumptions carry the answer."""

from __future__ import annotations

from ..errors import VocstatsWarning


class IdentifyingAssumptionWarning(VocstatsWarning):
    """What no data can tell moves the answer further than the standard error admits."""


class CoderWarning(VocstatsWarning):
    """The labels hardly tell the coders' errors from the prevalence."""
