"""The customer base: a registry and those of it who were heard, in groups at a reference date, collapsed to cells."""

from __future__ import annotations

from .base import CustomerBase
from .cells import Cells
from .names import GROUPS, SOURCES
from .pain_points import CountedPainPoints
from .reports import Reports
from .source import Source

__all__ = ["GROUPS", "SOURCES", "Cells", "CountedPainPoints", "CustomerBase", "Reports", "Source"]
