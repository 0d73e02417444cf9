"""The joint model of honest ordinal scores and forms turned into top marks: the slow reference for the corrected score of an audit."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .contamination_cells import OWN, ScoreCells, collapse
from .contamination_posterior import summarise
from .contamination_result import ContaminationFit, ContaminationPriors
from .sampling import Sampler, load_pymc, warn_of

_LEAST = 1e-12  # a chance below this is rounding


def build_contamination(
    score: npt.ArrayLike, dealer: Any, independent: npt.ArrayLike, *, x: Any = None, scale: tuple[int, int] | None = None,
    priors: ContaminationPriors | None = None,
) -> Any:
    """The model that `fit_contamination` samples, for work of one's own with PyMC.

    Parameters
    ----------
    score, dealer, independent, x, scale, priors
        As in `fit_contamination`.

    Returns
    -------
    pymc.Model
        Variables ``reference`` (an average dealer's distribution of scores), ``quality_spread``, ``quality``, ``gap_centre``,
        ``gap_spread``, ``gap_unit``, ``inflated``, ``turned`` and, with x, ``case_mix``; data ``counts`` and ``index``.

    Raises
    ------
    InputError, IdentificationError, MissingDependencyError
        As `fit_contamination`.

    References
    ----------
    See `fit_contamination`.
    """
    return contamination_model(collapse(score, dealer, independent, x=x, scale=scale), priors or ContaminationPriors())


def fit_contamination(
    score: npt.ArrayLike, dealer: Any, independent: npt.ArrayLike, *, x: Any = None, scale: tuple[int, int] | None = None,
    priors: ContaminationPriors | None = None, draws: int = 2000, tune: int = 1000, chains: int = 2, seed: int = 0, level: float = 0.90,
) -> ContaminationFit:
    """What customers would score, and how much forms turned into top marks add, of all dealers together.

    Honest answers follow an ordered probit; a dealer turns the share c_d of the forms he invited into the highest score K:

        P(score <= k | independent) = Φ(t_k - μ_d - β u),    P(score <= k | dealer) = (1 - c_d) Φ(t_k - μ_d - h_d - β u),  k < K
        μ_d ~ N(0, τ²) about the mean of these dealers,   h_d ~ N(γ, ω²),   c_d = 0 with chance 1 - π, otherwise Beta

    Whether c_d = 0 is summed out. u is the case mix of a customer, standardised: what the characteristics x predict by least squares
    within dealers, from independent responses; beyond 8 values it is taken in 8 bands. The data are counts by dealer, channel, band and
    score, so that the cost does not grow with their number.

    Parameters
    ----------
    score : array (n,)
        Score of each response, a whole number.
    dealer : array (n,)
        Its dealer.
    independent : boolean array (n,)
        Whether somebody other than the dealer invited the customer (the manufacturer). Both must occur; not with every dealer.
    x : mapping, dataframe or array (n, p), optional
        Characteristics of the customer. Labels enter as indicators, numbers as they are.
    scale : (int, int), optional
        Lowest and highest score; None: of those given.
    priors : ContaminationPriors, optional
        None: the defaults.
    draws, tune : int
        Draws kept and steps of tuning of each chain.
    chains : int
        Chains, one after the other.
    seed : int
        Same seed and versions, same draws; but for nutpie's first run after installation, equal to Monte Carlo error only.
    level : float
        Level of the credible limits.

    Returns
    -------
    ContaminationFit
        Given the model and the priors. Not accounted for: errors of the effects that make up u, but for their common factor β.

    Raises
    ------
    InputError
        Bad arrays or options, scores that are not whole or leave the scale, or fewer than three of them.
    IdentificationError
        All responses came by one channel.
    MissingDependencyError
        The extra [bayes] is not installed.

    Warns
    -----
    SamplingWarning
        A step diverged, or an r-hat is above 1.01.

    References
    ----------
    McCullagh (1980), J. R. Stat. Soc. B 42(2) (ordered probit); Iannario (2012), Adv. Data Anal. Classif. 6 (a share of answers at one
    score); Mitchell & Beauchamp (1988), J. Am. Stat. Assoc. 83 (a share that may be 0).
    """
    for name, value in {"draws": draws, "tune": tune, "chains": chains}.items():
        _checks.whole(value, name, low=1)
    _checks.whole_seed(seed, "seed")
    _checks.level(level)
    priors = priors or ContaminationPriors()
    cells = collapse(score, dealer, independent, x=x, scale=scale)
    sampler = Sampler(contamination_model(cells, priors))
    found = sampler.draw(variables(cells), draws=draws, tune=tune, chains=chains, seed=seed)
    fit = summarise(cells, found, priors=priors, seed=seed, level=level)
    warn_of(fit.divergences, fit.r_hat)
    return fit


def variables(cells: ScoreCells) -> list[str]:
    """Names of what is drawn."""
    names = ["reference", "quality_spread", "quality", "gap_centre", "gap_spread", "gap_unit", "inflated", "turned"]
    return [*names, "case_mix"] if cells.index.any() else names


def contamination_model(cells: ScoreCells, priors: ContaminationPriors) -> Any:
    """The model of collapsed answers; one that has no case mix leaves β out."""
    pm = load_pymc()
    dealers, scores = cells.counts.shape[1], cells.counts.shape[3]
    with pm.Model() as model:
        counts, index = pm.Data("counts", cells.counts), pm.Data("index", cells.index)
        cuts = pm.math.probit(pm.math.cumsum(pm.Dirichlet("reference", np.full(scores, priors.reference)))[:-1])
        quality = pm.ZeroSumNormal("quality", sigma=pm.HalfNormal("quality_spread", priors.quality_spread), shape=dealers)
        centre, spread = pm.Normal("gap_centre", 0.0, priors.gap_centre), pm.HalfNormal("gap_spread", priors.gap_spread)
        gap = centre + spread * pm.Normal("gap_unit", shape=dealers)
        share = pm.Beta("inflated", *priors.inflated)
        turned = pm.Beta("turned", *priors.turned, shape=dealers)[:, None, None]
        level = pm.math.stack([quality, quality + gap])[:, :, None]
        if cells.index.any():
            level = level + pm.Normal("case_mix", 0.0, priors.case_mix) * index
        below = pm.math.invprobit(cuts - level[..., None])
        inside = [below[..., :1], below[..., 1:] - below[..., :-1], 1.0 - below[..., -1:]]
        p = pm.math.maximum(pm.math.concatenate(inside, axis=-1), _LEAST)
        honest = counts * pm.math.log(p)
        altered = counts[OWN] * pm.math.log((1.0 - turned) * p[OWN] + turned * np.eye(scores)[-1])
        odds = pm.math.logit(share) + (altered - honest[OWN]).sum(axis=(1, 2))
        pm.Potential("answers", honest.sum() + pm.math.log1pexp(odds).sum() + dealers * pm.math.log(1.0 - share))
    return model
