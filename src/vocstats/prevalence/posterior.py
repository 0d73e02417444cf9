"""Draws from the posterior of the hierarchical model, as both engines return them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..results import Floats, Integers, Record


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainPointPosterior(Record):
    """Draws (B of them) of what the model calls by these letters; a customer of segment s and group r has pain k with chance
    logit⁻¹(α_k + a_ks + δ_kr), at the network's mean over dealers.

    Attributes
    ----------
    engine : str
        ``"approximate"`` or ``"nuts"``.
    model : str
        ``"collapsed"``: dealers enter through design effects; ``"full"``: every dealer has an effect of his own.
    intercept : float array (B, K)
        α.
    segment : float array (B, K, S)
        a, its sum over segments 0.
    selection : float array (B, K, R)
        δ; 0 for the engaged.
    segment_scale : float array (B, K)
        σ.
    selection_mean, selection_scale : float array (B, R)
        μ and τ of the pool over pains; 0 for the engaged.
    sensitivity, specificity : float array (B, coders, K)
        Of each coder.
    reporting : float array (B, K, M)
        What else is not known of how sources see each pain: logits of m1 and m0, and mode effects, of M in all; 0 where a pain has fewer.
    dealer_draw : integer array (B',)
        Which of the B draws those of dealers belong to; empty where dealers were not estimated.
    dealer : float array (B', K, D)
        b, the dealer's own effect in logits: logit⁻¹(α_k + a_ks + δ_kr + shift_k + b_kd) is the chance at his customers.
    dealer_shift : float array (B', K)
        What to add for dealers so that the mean over them is the network's.
    dealer_scale : float array (B', K)
        τ, the spread of dealers.
    design_effect : float array (K,)
        By which counts were divided; 1 in the full model.
    diagnostics : {name: float}
        Of the engine: largest r-hat, smallest effective number of draws, divergences; or steps, largest Pareto k̂.
    drop_off_slope : float array (B, F, K)
        By how much the logit of drop-off at each stage rises with that of a pain; 0 where the pain does not act there.
    """

    engine: str
    model: str
    intercept: Floats
    segment: Floats
    selection: Floats
    segment_scale: Floats
    selection_mean: Floats
    selection_scale: Floats
    sensitivity: Floats
    specificity: Floats
    reporting: Floats
    dealer_draw: Integers
    dealer: Floats
    dealer_shift: Floats
    dealer_scale: Floats
    design_effect: Floats
    diagnostics: Mapping[str, float]
    drop_off_slope: Floats = field(default_factory=lambda: np.zeros((0, 0, 0)))
