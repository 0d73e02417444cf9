"""Weights out of the package: data, weights and replicates in one file, and an R script that rebuilds the design."""

from __future__ import annotations

from .survey_files import write_survey

__all__ = ["write_survey"]
