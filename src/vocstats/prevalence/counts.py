"""What the sources counted, as arrays: the one input of both engines."""

from __future__ import annotations

from dataclasses import dataclass

from ..results import Floats, Integers, Record


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainPointCounts(Record):
    """Counts by pain point k, segment s, dealer d, response group r and source, and what is known of how sources see.

    A source finds the pain at a customer who has it with chance Se m1 + (1 - Sp) (1 - m1), and at one who has not with chance
    Se m0 + (1 - Sp) (1 - m0): m1 and m0 are the chances that he mentions it, Se and Sp those of the source's coder.

    Attributes
    ----------
    pain, segment, dealer, group, source : integer array (C,)
        Where each count belongs. Group 0 is the engaged; `dealer` is 0 throughout where dealers are not told apart.
    positive, n : float array (C,)
        Customers found to have the pain, of those looked at.
    frame : float array (S, D, R)
        Customers of each segment, dealer and group.
    coder : integer array (sources,)
        Which coder coded the source; -1: what it says is the truth.
    sensitivity, specificity : float array (coders, K, 2)
        Beta distributions (a, b) of each coder's Se and Sp, the audit's counts added to the prior.
    mention, false_mention : float array (sources, K, 2)
        Beta distributions of m1 and m0, each by itself: NaN where m1 = 1 (the source asked everyone), NaN where m0 = 0.
    mode_scale : float array (sources,)
        Prior standard deviation of what the mode of the source adds to the logit of θ, for every pain by itself; 0: nothing.
    pains : int
        K.
    """

    pain: Integers
    segment: Integers
    dealer: Integers
    group: Integers
    source: Integers
    positive: Floats
    n: Floats
    frame: Floats
    coder: Integers
    sensitivity: Floats
    specificity: Floats
    mention: Floats
    false_mention: Floats
    mode_scale: Floats
    pains: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainPointPriors(Record):
    """Priors of the hierarchical model, all in logits.

    Attributes
    ----------
    intercept, intercept_scale : float
        Mean and standard deviation of a pain's level α among the engaged.
    segment_scale : float
        Scale of the half-normal prior of σ, the spread of segments.
    dealer_scale : float
        Scale of the half-normal prior of τ, the spread of dealers.
    selection_mean_scale : float
        Standard deviation of μ, by how much a response group differs over all pains.
    selection_scale : float
        Scale of the half-normal prior of the spread of that difference over pains.
    """

    intercept: float = -2.0
    intercept_scale: float = 1.0
    segment_scale: float = 0.5
    dealer_scale: float = 0.5
    selection_mean_scale: float = 0.7
    selection_scale: float = 0.5
