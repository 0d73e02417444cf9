"""Signs that a dealer's scores are inflated: one signal per file, each with its effect, its p-value and the rows that show it."""

from __future__ import annotations

from .signal_result import Signal

__all__ = ["Signal"]
