"""Estimates by domain with standard errors that know how the rows were drawn and how their weights were made."""

from __future__ import annotations

from .design import Design
from .estimate import Estimate
from .functions import difference, smooth_function
from .means import mean, ratio, total
from .proportions import proportion
from .quantiles import quantile
from .replication import Replicates, replicate
from .scores import bottom_box, net_promoter_score, top_box

__all__ = [
    "Design", "Estimate", "Replicates", "bottom_box", "difference", "mean", "net_promoter_score", "proportion",
    "quantile", "ratio", "replicate", "smooth_function", "top_box", "total",
]
