"""Covariances between the figures of linearised estimates, under the three kinds of inference."""

from __future__ import annotations

import numpy as np

from .._checks import Floats
from ..options import Inference
from .design import Design
from .linearization import Influence
from .stages import Stage, stages
from .variance import Linearization


def covariance(material: Linearization, inference: Inference) -> Floats:
    """Covariance matrix (domains, domains) whose diagonal is `variance`: squares become products, everything else stays.

    Parameters
    ----------
    material : Linearization
        Influence values and the draw.
    inference : {"r", "registry", "process"}
        What the standard error refers to.

    Returns
    -------
    float array (domains, domains)
        Computed from the factors of the influence values, without writing out rows x domains.

    References
    ----------
    Särndal, Swensson & Wretman (1992), sec. 5.4, eq. 5.4.3.
    """
    design = material.design or Design() if inference == "r" else material.design
    total, reached = np.zeros((material.heard.size, material.heard.size)), np.ones(material.counts.size)
    for stage in stages(design, material.counts) if design is not None else []:
        total += _of_stage(stage, material.influence, material.counts)
        reached = stage.reached
    if material.targets is not None:
        total += material.targets.products(np.ones(material.targets.shape[0]))
    if inference != "r":
        heard = material.heard
        small = np.sqrt(heard / np.maximum(heard - 1.0, 1.0))
        phases = material.contrast.products(material.counts * material.silence * reached)
        if inference == "process":
            phases += material.deviation.products(material.counts * material.values)
        total += small[:, None] * phases * small
    return total


def _of_stage(stage: Stage, influence: Influence, counts: Floats) -> Floats:
    """Σ_h scale_h Σ_g (Z_g - mean_h)(Z_g - mean_h)', Z_g the summed influence of cluster g on every domain."""
    if stage.unknowable:
        return np.full((influence.shape[1], influence.shape[1]), np.nan)
    within = influence if stage.clusters is None else influence.summed(stage.clusters, stage.home.size, counts)
    total = within.products(stage.scale[stage.home] * stage.drawn)
    if stage.centre.any():
        total -= influence.summed(stage.strata, stage.scale.size, counts).products(stage.centre)
    return total
