"""Who leaves at which stage of a simulated journey.

    stage f      two pains act there, those numbered 2f and 2f + 1
    reached      of all customers of a segment and dealer, binomial with REACHED
    dropped      logit = LEVEL + slope Σ_k η_ks + spread z_fs,  z_fs ~ N(0, 1): what else tells segments apart at the stage
                 η_ks: logit of the chance of pain k over all customers of the segment, less its mean over segments
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from .._checks import Floats
from .pain_points_world import Counts

REACHED, LEVEL = 0.9, -1.2
_ACTING = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Journey:
    """Customers who reached a stage and left there, (F, S, D); the pains that act at each, (F, P)."""

    reached: Counts
    dropped: Counts
    acting: npt.NDArray[np.intp]


def draw_journey(
    rng: np.random.Generator, customers: Counts, chance: Floats, *, stages: int, slope: float, spread: float
) -> Journey:
    """The journey of customers (S, D, R) with chances (K, S, D, R)."""
    pains, segments = chance.shape[:2]
    have, many = (chance * customers).sum(axis=(2, 3)), customers.sum(axis=(1, 2))
    logit = special.logit(np.divide(have, many, out=np.full(have.shape, 0.5), where=many > 0))
    eta = logit - logit.mean(axis=1, keepdims=True)
    acting = np.arange(stages * _ACTING).reshape(stages, _ACTING) % pains
    if pains == 1:
        acting = acting[:, :1]
    leave = special.expit(LEVEL + slope * eta[acting].sum(axis=1) + spread * rng.normal(size=(stages, segments)))
    reached = rng.binomial(customers.sum(axis=2), REACHED, (stages, *customers.shape[:2]))
    return Journey(reached=reached, dropped=rng.binomial(reached, leave[:, :, None]), acting=acting)
