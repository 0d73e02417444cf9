"""Estimates by domain with standard errors that know how the rows were drawn and how their weights were made."""

from __future__ import annotations

from .contingency import rao_scott, rao_scott_shares
from .design import Design
from .estimate import Estimate
from .functions import difference, smooth_function
from .hypotheses import wald_test
from .hypothesis_test import HypothesisTest
from .indices import CompositeIndex, composite_index
from .means import mean, ratio, total
from .moments import correlation, population_covariance, population_variance
from .proportions import proportion
from .quantiles import quantile
from .regression import regress
from .regression_result import Regression
from .replication import Replicates, replicate
from .scores import bottom_box, net_promoter_score, top_box

__all__ = [
    "CompositeIndex", "Design", "Estimate", "HypothesisTest", "Regression", "Replicates", "bottom_box", "composite_index",
    "correlation", "difference", "mean", "net_promoter_score", "population_covariance", "population_variance", "proportion",
    "quantile", "rao_scott", "rao_scott_shares", "ratio", "regress", "replicate", "smooth_function", "top_box", "total",
    "wald_test",
]
