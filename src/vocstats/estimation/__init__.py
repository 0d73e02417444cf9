"""Estimates by domain with standard errors that know how the rows were drawn and how their weights were made."""

from __future__ import annotations

from .design import Design
from .estimate import Estimate
from .functions import difference, smooth_function
from .means import mean, ratio, total

__all__ = ["Design", "Estimate", "difference", "mean", "ratio", "smooth_function", "total"]
