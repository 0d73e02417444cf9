"""From draws of the sampled model to the posterior that both engines return."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import special

from ..prevalence.counts import PainPointCounts
from ..prevalence.posterior import PainPointPosterior
from ..results import Floats
from .pain_point_cells import Shape, told
from .sampling import Draws, convergence


def gather(found: Draws, shape: Shape, counts: PainPointCounts, design_effect: Floats) -> PainPointPosterior:
    """Draws of all chains, one after the other, and how well they were sampled; `counts` as the model read them."""
    effects = _effects(found.values, shape) | {"reporting": _reporting(found.values, counts)}
    effects["drop_off_slope"] = _slopes(found.values, counts)
    r_hat, effective = convergence({name: values for name, values in effects.items() if values.size})
    together = effects["intercept"].shape[0] * effects["intercept"].shape[1]
    joined = {name: values.reshape(together, *values.shape[2:]) for name, values in effects.items()}
    draws = together if shape.dealers else 0
    return PainPointPosterior(
        engine="nuts", model="full" if shape.dealers else "collapsed", dealer_draw=np.arange(draws), dealer=joined.pop("dealer")[:draws],
        dealer_shift=np.zeros((draws, shape.pains)), dealer_scale=joined.pop("dealer_scale")[:draws], **joined, design_effect=design_effect,
        diagnostics={"r_hat": r_hat, "effective_draws": effective, "divergences": float(found.divergences)},
    )


def _effects(values: Mapping[str, Floats], shape: Shape) -> dict[str, Floats]:
    """Effects in logits of every chain and draw; 0 where the model has none."""
    several = values["intercept"].shape[:2]
    pains, coders = shape.pains, shape.coded // shape.pains
    segment, dealer = np.zeros((*several, pains, shape.segments)), np.zeros((*several, pains, shape.dealers))
    mean, scale, selection = (np.zeros((*several, *size)) for size in ((shape.groups,), (shape.groups,), (pains, shape.groups)))
    dealer_scale = values.get("dealer_scale", np.zeros((*several, pains)))
    if shape.segments > 1:
        segment = values["segment_scale"][..., None] * values["segment_unit"]
    if shape.dealers:
        dealer = dealer_scale[..., None] * values["dealer_unit"]
    if shape.groups > 1:
        mean[..., 1:], scale[..., 1:] = values["selection_mean"], values["selection_scale"]
        selection[..., 1:] = values["selection_mean"][..., None, :] + values["selection_scale"][..., None, :] * values["selection_unit"]
    coded = {
        name: values.get(name, np.zeros((*several, 0))).reshape(*several, coders, pains) for name in ("sensitivity", "specificity")
    }
    return {
        "intercept": values["intercept"], "segment": segment, "selection": selection, "segment_scale": values["segment_scale"],
        "selection_mean": mean, "selection_scale": scale, "dealer": dealer, "dealer_scale": dealer_scale, **coded,
    }


def _reporting(values: Mapping[str, Floats], counts: PainPointCounts) -> Floats:
    """Logits of m1 and of m0 and mode effects, (chains, draws, K, M); 0 where a pain has none."""
    several = values["intercept"].shape[:2]
    scale = np.repeat(counts.mode_scale[:, None], counts.pains, axis=1)
    parts = []
    for name, unknown in (("mention", told(counts.mention)), ("false_mention", told(counts.false_mention)), ("mode_unit", scale > 0.0)):
        part = np.zeros((*several, *unknown.shape))
        if unknown.any():
            part[:, :, unknown] = scale[unknown] * values[name] if name == "mode_unit" else special.logit(values[name])
        parts.append(part[:, :, unknown.any(axis=1)])
    return np.moveaxis(np.concatenate(parts, axis=2), 2, 3)


def _slopes(values: Mapping[str, Floats], counts: PainPointCounts) -> Floats:
    """B of every stage and pain, (chains, draws, F, K); 0 where the pain does not act."""
    acts = np.zeros((0, counts.pains), bool) if counts.drop_off is None else counts.drop_off.acts
    slopes = np.zeros((*values["intercept"].shape[:2], *acts.shape))
    if acts.any():
        slopes[:, :, acts] = values["drop_off_slope"]
    return slopes
