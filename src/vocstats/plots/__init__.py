"""Charts of a result: they draw and compute nothing."""

from __future__ import annotations

from .audit_charts import fingerprint, funnel
from .cohort_chart import cohorts
from .drawing import balance, correction, sensitivity
from .page import page
from .pain_charts import pain_heat_map, pain_points, silent_gap
from .weight_charts import love, weights

__all__ = [
    "balance", "cohorts", "correction", "fingerprint", "funnel", "love", "page", "pain_heat_map", "pain_points", "sensitivity",
    "silent_gap", "weights",
]
