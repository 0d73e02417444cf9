"""The hierarchical model of pain points in PyMC, collapsed over dealers or with an effect of every dealer."""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from ..prevalence.counts import PainPointPriors
from ..prevalence.drop_off import LEAST_CHANCE, LEAST_SPREAD, LEVEL, LEVEL_SCALE
from .coordinates import in_coordinates
from .pain_point_cells import Shape
from .pain_point_coordinates import effects, moved
from .sampling import Sampler, load_pymc

_LEAST = 1e-12  # a chance below this is rounding
_PRIORS = tuple(field.name for field in fields(PainPointPriors))


def pain_point_model(shape: Shape, priors: PainPointPriors, data: dict[str, Any]) -> Any:
    """The model; a part that the shape does not call for is left out."""
    pm = load_pymc()
    with pm.Model() as model:
        at = {name: pm.Data(name, value) for name, value in data.items()}
        effects = _effects(pm, shape, priors)
        logit = sum(effect[tuple(at[name] for name in names)] for names, effect in effects.items())
        if shape.stages:
            _drop_off(pm, shape, priors, at, effects)
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
            found, false = (_together(pm, shape, at, each) for each in (se, 1.0 - sp)) if shape.readers else (se, 1.0 - sp)
            share = false + (found - false) * share
        share = pm.math.clip(share, _LEAST, 1.0 - _LEAST)
        answers = at["positive"] * pm.math.log(share) + (at["n"] - at["positive"]) * pm.math.log(1.0 - share)
        pm.Potential("answers", answers.sum())
    return model


def _effects(pm: Any, shape: Shape, priors: PainPointPriors) -> dict[tuple[str, ...], Any]:
    """Parts of logit θ, by what they differ by."""
    effects: dict[tuple[str, ...], Any] = {("pain",): pm.Normal("intercept", priors.intercept, priors.intercept_scale, shape=shape.pains)}
    spread = pm.HalfNormal("segment_scale", priors.segment_scale, shape=shape.pains)
    if shape.segments > 1:
        unit = pm.ZeroSumNormal("segment_unit", sigma=1.0, shape=(shape.pains, shape.segments))
        effects["pain", "segment"] = spread[:, None] * unit
    if shape.groups > 1:
        others = shape.groups - 1
        centre = pm.Normal("selection_mean", 0.0, priors.selection_mean_scale, shape=others)
        scale = pm.HalfNormal("selection_scale", priors.selection_scale, shape=others)
        offset = centre + scale * pm.Normal("selection_unit", shape=(shape.pains, others))
        effects["pain", "group"] = pm.math.concatenate([np.zeros((shape.pains, 1)), offset], axis=1)
    if shape.dealers:
        tau = pm.HalfNormal("dealer_scale", priors.dealer_scale, shape=shape.pains)
        effects["pain", "dealer"] = tau[:, None] * pm.Normal("dealer_unit", shape=(shape.pains, shape.dealers))
    return effects


def _drop_off(pm: Any, shape: Shape, priors: PainPointPriors, at: dict[str, Any], effects: dict[tuple[str, ...], Any]) -> None:
    """Counts of stages, beta-binomial: see `vocstats.prevalence.drop_off`."""
    places = {"segment": 1, "dealer": 2, "group": 3}
    logit = 0.0
    for names, effect in effects.items():
        own = effect[at["slope_pain"]]
        wide = [-1 if len(names) > 1 and places[names[1]] == axis else 1 for axis in (1, 2, 3)]
        logit = logit + own.reshape((shape.slopes, *wide))
    share = (pm.math.invlogit(logit) * at["weight"]).sum(axis=(2, 3))
    eta = pm.math.logit(share)[:, at["stage_segment"]]  # pairs by counts
    own = pm.math.eq(at["slope_stage"][:, None], at["stage"])
    eta = eta - (own * eta).sum(axis=1, keepdims=True) / own.sum(axis=1, keepdims=True)
    level = pm.Normal("drop_off_level", LEVEL, LEVEL_SCALE, shape=shape.stages)
    slope = pm.HalfNormal("drop_off_slope", priors.drop_off_slope, shape=shape.slopes)
    spread = pm.HalfNormal("drop_off_spread", priors.drop_off_spread, shape=shape.stages)[at["stage"]]
    leave = pm.math.invlogit(level[at["stage"]] + (own * slope[:, None] * eta).sum(axis=0))
    leave = pm.math.clip(leave, LEAST_CHANCE, 1.0 - LEAST_CHANCE)
    precision = pm.math.maximum(spread, LEAST_SPREAD) ** -2.0
    pm.BetaBinomial("left", precision / (1.0 - leave), precision / leave, n=at["reached"], observed=at["dropped"])


def _together(pm: Any, shape: Shape, at: dict[str, Any], chance: Any) -> Any:
    """Chance of the labels of each cell, if each coder finds the pain with a chance (cells, readers)."""
    label = at["label"]
    each = pm.math.switch(pm.math.eq(label, 1), chance, pm.math.switch(pm.math.eq(label, 0), 1.0 - chance, 1.0))
    return prod(each[:, reader] for reader in range(shape.readers))


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
        **dict.fromkeys(("drop_off_level", "drop_off_slope", "drop_off_spread"), shape.stages),
    }
    return [name for name, there in wanted.items() if there]


@lru_cache(maxsize=8)
def compiled(shape: Shape, priors: tuple[float, ...]) -> Sampler:
    """The sampler of the model, for all data of the shape; `priors`: the fields of `PainPointPriors`."""
    model = pain_point_model(shape, PainPointPriors(**dict(zip(_PRIORS, priors, strict=True))), shape.blank)
    return Sampler(in_coordinates(model, moved(shape), variables(shape), effects(shape)))
