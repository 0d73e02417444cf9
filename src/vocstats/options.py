"""The choices a public argument allows, each written once."""

from __future__ import annotations

from typing import Literal

Statistic = Literal["mean", "top_box", "bottom_box", "nps", "index"]
MeanOrTotal = Literal["mean", "total"]
Inference = Literal["registry", "process", "r"]
SmallGroups = Literal["borrow", "blank", "fail"]
CorrectionMethod = Literal["weighting", "double_sampling"]
WeightingMethod = Literal["rake", "poststratify", "calibrate"]
Assume = Literal["churned_heard_like_unheard"]
Distance = Literal["linear", "raking", "logit", "truncated"]
LonelyPsu = Literal["fail", "remove", "adjust", "average"]
Repeated = Literal["fail", "first", "last", "mean"]
Unmatched = Literal["fail", "set_aside"]
ShareInterval = Literal["korn_graubard", "wilson", "logit", "asin", "wald"]
Language = Literal["en", "zh"]
PropensityEstimator = Literal["logistic", "classes"]
TrimMethod = Literal["cap", "mse"]
TrimUnits = Literal["mean", "weight"]
Redistribution = Literal["proportional", "equal"]
DesignEffectMethod = Literal["kish", "henry_valliant", "spencer"]
