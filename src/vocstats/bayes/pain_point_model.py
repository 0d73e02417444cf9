"""The hierarchical model of pain points in PyMC, collapsed over dealers or with an effect of every dealer."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..prevalence.counts import PainPointPriors
from .coordinates import in_coordinates
from .pain_point_cells import Shape
from .pain_point_coordinates import effects, moved
from .sampling import Sampler, load_pymc

_LEAST = 1e-12  # a chance below this is rounding


def pain_point_model(shape: Shape, priors: PainPointPriors, data: dict[str, Any]) -> Any:
    """The model; a part that the shape does not call for is left out."""
    pm = load_pymc()
    with pm.Model() as model:
        at = {name: pm.Data(name, value) for name, value in data.items()}
        logit = _logit(pm, shape, priors, at)
        if shape.modes:
            modes = at["mode_scale"] * pm.Normal("mode_unit", shape=shape.modes)
            logit = logit + pm.math.concatenate([modes, np.zeros(1)])[at["mode"]]
        share = pm.math.invlogit(logit)
        if shape.mentions or shape.false_mentions:
            m1 = _known(pm, "mention", at, shape.mentions, 1.0)[at["mentioner"]] if shape.mentions else 1.0
            m0 = _known(pm, "false_mention", at, shape.false_mentions, 0.0)[at["false_mentioner"]] if shape.false_mentions else 0.0
            share = m0 + (m1 - m0) * share
        if shape.coded:
            se, sp = (_known(pm, name, at, shape.coded, 1.0)[at["coder"]] for name in ("sensitivity", "specificity"))
            share = 1.0 - sp + (se + sp - 1.0) * share
        share = pm.math.clip(share, _LEAST, 1.0 - _LEAST)
        answers = at["positive"] * pm.math.log(share) + (at["n"] - at["positive"]) * pm.math.log(1.0 - share)
        pm.Potential("answers", answers.sum())
    return model


def _logit(pm: Any, shape: Shape, priors: PainPointPriors, at: dict[str, Any]) -> Any:
    """logit θ of every cell."""
    logit = pm.Normal("intercept", priors.intercept, priors.intercept_scale, shape=shape.pains)[at["pain"]]
    spread = pm.HalfNormal("segment_scale", priors.segment_scale, shape=shape.pains)
    if shape.segments > 1:
        unit = pm.ZeroSumNormal("segment_unit", sigma=1.0, shape=(shape.pains, shape.segments))
        logit = logit + (spread[:, None] * unit)[at["pain"], at["segment"]]
    if shape.groups > 1:
        others = shape.groups - 1
        centre = pm.Normal("selection_mean", 0.0, priors.selection_mean_scale, shape=others)
        scale = pm.HalfNormal("selection_scale", priors.selection_scale, shape=others)
        offset = centre + scale * pm.Normal("selection_unit", shape=(shape.pains, others))
        logit = logit + pm.math.concatenate([np.zeros((shape.pains, 1)), offset], axis=1)[at["pain"], at["group"]]
    if shape.dealers:
        tau = pm.HalfNormal("dealer_scale", priors.dealer_scale, shape=shape.pains)
        effect = tau[:, None] * pm.Normal("dealer_unit", shape=(shape.pains, shape.dealers))
        logit = logit + effect[at["pain"], at["dealer"]]
    return logit


def _known(pm: Any, name: str, at: dict[str, Any], size: int, end: float) -> Any:
    """Shares with Beta distributions, and after the last one that is certain."""
    a_b = at[f"{name}_beta"]
    return pm.math.concatenate([pm.Beta(name, a_b[:, 0], a_b[:, 1], shape=size), np.full(1, end)])


def variables(shape: Shape) -> list[str]:
    """Names of what is drawn."""
    wanted = {
        **dict.fromkeys(("intercept", "segment_scale"), True), "segment_unit": shape.segments > 1,
        **dict.fromkeys(("selection_mean", "selection_scale", "selection_unit"), shape.groups > 1),
        **dict.fromkeys(("dealer_scale", "dealer_unit"), shape.dealers), **dict.fromkeys(("sensitivity", "specificity"), shape.coded),
        "mention": shape.mentions, "false_mention": shape.false_mentions, "mode_unit": shape.modes,
    }
    return [name for name, there in wanted.items() if there]


@lru_cache(maxsize=8)
def compiled(shape: Shape, priors: tuple[float, ...]) -> Sampler:
    """The sampler of the model, for all data of the shape; `priors`: the fields of `PainPointPriors`."""
    intercept, intercept_scale, segment_scale, dealer_scale, selection_mean_scale, selection_scale = priors
    model = pain_point_model(
        shape, PainPointPriors(
            intercept=intercept, intercept_scale=intercept_scale, segment_scale=segment_scale, dealer_scale=dealer_scale,
            selection_mean_scale=selection_mean_scale, selection_scale=selection_scale,
        ), shape.blank,
    )
    return Sampler(in_coordinates(model, moved(shape), variables(shape), effects(shape)))
