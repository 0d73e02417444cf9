"""How many customers have a pain point, by full sampling: the reference for the deterministic engine of the same model."""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

import numpy as np

from .. import _checks
from ..errors import InputError
from ..prevalence.counts import PainPointCounts, PainPointPriors
from ..prevalence.design_effects import collapse_dealers
from ..prevalence.latent_field import fit_latent_field
from ..prevalence.posterior import PainPointPosterior
from ..results import Floats
from .pain_point_cells import flat_data, shape_of
from .pain_point_coordinates import straightened
from .pain_point_model import compiled, pain_point_model, variables
from .pain_point_posterior import gather
from .sampling import warn_of

_TARGET_ACCEPT = 0.97  # where few pains are told by few answers, of longer steps some diverge
MOST_DEALERS = 50  # of the full model: with 300, chains of minutes did not converge


def build_pain_points(counts: PainPointCounts, *, priors: PainPointPriors | None = None, dealers: bool = False) -> Any:
    """The model that `fit_pain_points` samples, for work of one's own with PyMC.

    Parameters
    ----------
    counts, priors, dealers
        As in `fit_pain_points`.

    Returns
    -------
    pymc.Model
        Variables ``intercept``, ``segment_scale``, ``segment_unit`` and, where the counts call for them, ``selection_mean``,
        ``selection_scale``, ``selection_unit``, ``dealer_scale``, ``dealer_unit``, ``sensitivity``, ``specificity``, ``mention``,
        ``false_mention``, ``mode_unit``, ``drop_off_level``, ``drop_off_slope``, ``drop_off_spread``; the data are
        those of the cells that hold answers.

    Raises
    ------
    InputError, MissingDependencyError
        As `fit_pain_points`.

    References
    ----------
    See `fit_pain_points`.
    """
    read, _ = _what_is_read(counts, dealers)
    shape = shape_of(read, dealers=dealers)
    return pain_point_model(shape, priors or PainPointPriors(), flat_data(read, shape))


def fit_pain_points(
    counts: PainPointCounts, *, priors: PainPointPriors | None = None, dealers: bool = False, draws: int = 1000, tune: int = 1000,
    chains: int = 4, seed: int = 0,
) -> PainPointPosterior:
    """Posterior of the hierarchical model of pain points, sampled.

    A customer of segment s, dealer d and response group r has pain k with chance θ:

        logit θ_ksrd = α_k + σ_k z_ks + δ_kr [+ τ_k b_kd],    z_k· zero-sum,    δ_kr = μ_r + ω_r z_kr,    δ of the engaged = 0
        y ~ Bin(n, s θ' + f (1 - θ')),    s = Se m1 + (1 - Sp)(1 - m1),    f = Se m0 + (1 - Sp)(1 - m0),    logit θ' = logit θ + mode

    By default the collapsed model: counts are added up over dealers and divided by what dealers make them vary more than chance
    (`design_effect`), so that θ is the mean over dealers. With `dealers`, the full model, in which every dealer has effects b of his own.
    The model is compiled once for counts of the same shape. It is sampled in coordinates in which draws of the deterministic engine are
    nearly standard normal: they decide how long the sampler's steps are, and leave the posterior as it is.

    Parameters
    ----------
    counts : PainPointCounts
        What the sources counted.
    priors : PainPointPriors, optional
        None: the defaults.
    dealers : bool
        Sample the full model; for up to 50 dealers. Its α + a + δ is then the logit at a dealer with b = 0, not the network's mean:
        prevalence of a segment is Σ_dr N_sdr logit⁻¹(α_k + a_ks + δ_kr + b_kd) / Σ_dr N_sdr in every draw (`dealer_draw` counts
        all draws, `dealer_shift` is 0).
    draws, tune : int
        Draws kept and steps of tuning of each chain.
    chains : int
        Chains, one after the other.
    seed : int
        Same seed and versions, same draws; but for nutpie's first run after installation, equal to Monte Carlo error only.

    Returns
    -------
    PainPointPosterior
        Of engine ``"nuts"``; `diagnostics` holds ``r_hat``, ``effective_draws`` and ``divergences``.

    Raises
    ------
    InputError
        Bad options, or more dealers than the full model can be sampled with.
    MissingDependencyError
        The extra [bayes] is not installed.

    Warns
    -----
    SamplingWarning
        A step diverged, or an r-hat is above 1.01.

    References
    ----------
    Gelman & Carpenter (2020), J. R. Stat. Soc. C 69(5) (errors of a test within a hierarchical model); Hoffman & Gelman (2014),
    J. Mach. Learn. Res. 15 (the sampler).
    """
    for name, value in {"draws": draws, "tune": tune, "chains": chains}.items():
        _checks.whole(value, name, low=1)
    _checks.whole_seed(seed, "seed")
    read, design_effect = _what_is_read(counts, dealers)
    shape = shape_of(read, dealers=dealers)
    sampler = compiled(shape, astuple(priors or PainPointPriors()))
    data = flat_data(read, shape) | straightened(read, shape, fit_latent_field(counts, priors=priors, seed=seed), seed)
    found = sampler.draw(variables(shape), draws=draws, tune=tune, chains=chains, seed=seed, data=data, target_accept=_TARGET_ACCEPT)
    posterior = gather(found, shape, read, design_effect)
    warn_of(found.divergences, posterior.diagnostics["r_hat"])
    return posterior


def _what_is_read(counts: PainPointCounts, dealers: bool) -> tuple[PainPointCounts, Floats]:
    """Counts as the likelihood reads them, and what each pain's were divided by."""
    if not dealers:
        return collapse_dealers(counts)
    many = counts.frame.shape[1]
    if many > MOST_DEALERS:
        raise InputError(
            f"The full model can be sampled with up to {MOST_DEALERS} dealers; there are {many}. Use the approximate engine for dealers "
            "(engine='approximate', or vocstats.prevalence.fit_latent_field), or leave them out.",
            code="too_many_dealers_to_sample", argument="dealers", most=MOST_DEALERS, dealers=many,
        )
    return counts, np.ones(counts.pains)
