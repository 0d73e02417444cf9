"""Population means from a non-probability sample, compared with a probability sample, a registry or totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import _checks
from ..._numerics import normal_quantile
from ...errors import InputError, shown
from ...estimation.design import Design
from ...options import (
    Imputation,
    MatchOn,
    NonprobabilityMethod,
    NonprobabilityVariance,
    OutcomeFamily,
    PropensityEquations,
    PropensityLink,
)
from ...results import Floats
from ...weighting.chain import Weights
from .bootstrap import bootstrap_variance
from .characteristics import Characteristic, Columns, check_support, columns_of_models, places
from .estimators import Data, Figures, estimate
from .reading import read_covariance, read_outcomes, read_source
from .reference import Reference
from .result import NonprobabilityEstimate, accounted, assumed
from .settings import Settings, check_identified, read_settings, refuse_needless


def nonprobability(
    y: Any, x: Any, *, reference: Any = None, weights: npt.ArrayLike | Weights | None = None, design: Design | None = None,
    registry: Any = None, totals: Mapping[str, Any] | None = None, population: float | None = None,
    totals_covariance: npt.ArrayLike | None = None, counts: npt.ArrayLike | None = None, reference_counts: npt.ArrayLike | None = None,
    method: NonprobabilityMethod = "doubly_robust", link: PropensityLink = "logit", equations: PropensityEquations | None = None,
    propensity_columns: Sequence[str] | None = None, family: OutcomeFamily = "gaussian", imputation: Imputation = "model",
    donors: int = 5, match_on: MatchOn = "predicted", outcome_columns: Sequence[str] | None = None,
    variance: NonprobabilityVariance = "linearized", replicates: int = 500, seed: int = 0, level: float = 0.95,
) -> NonprobabilityEstimate:
    """Population means of outcomes seen only in a sample nobody drew: volunteers, users of an app, an administrative register.

        ipw               Σ_A y/pi / Σ_A 1/pi                                   (over N where `population` is given)
        mass_imputation   Σ_B d m / Σ_B d
        doubly_robust     Σ_A (y - m)/pi / Σ_A 1/pi + Σ_B d m / Σ_B d

    A: the sample; B: what it is compared with, a row standing for d people; pi: the modelled probability of being in the
    sample; m: the outcome predicted from x by a model fitted in the sample, or by donors.

    Parameters
    ----------
    y : array (n,) or (n, k), mapping or dataframe of numbers
        Outcomes of the sample. Several give the same numbers as each by itself.
    x : array (n, q), mapping or dataframe
        Characteristics of the sample. Text and categories become indicators (the first level is the reference).
    reference : as x, with m rows
        Characteristics of a probability sample of the population (columns found by name), with `weights` and `design`.
    weights : array (m,) or Weights
        Weights of the probability sample; a `Weights` brings its chain along into the standard error.
    design : Design, optional
        How the probability sample was drawn; None: with replacement.
    registry : as x, with m rows
        Characteristics of everybody, instead of `reference`.
    totals : mapping
        {column: total} or {column: {level: total}} of the population, instead of `reference`; needs `population`.
    population : float, optional
        N, if known: it takes the place of the sums of weights in the formulas above.
    totals_covariance : array or mapping, optional
        Covariance of estimated totals, as `vocstats.weighting.calibrate` takes it.
    counts, reference_counts : arrays (n,), (m,), optional
        How often a row of the sample, or of the reference or registry, stands there.
    method : {"doubly_robust", "ipw", "mass_imputation"}
        The estimator.
    link : {"logit", "probit", "cloglog"}
        Of the propensity model.
    equations : {"likelihood", "calibration", "moments", "bias_minimising"}, optional
        How the propensity model is fitted: maximum pseudo-likelihood; h = x/pi, so that the weighted sample has the totals of
        the reference; h = x; or, for ``"doubly_robust"``, jointly with the outcome model (Yang, Kim & Song). None:
        likelihood, but calibration where only totals are known.
    propensity_columns, outcome_columns : sequence of str, optional
        Characteristics in either model; None: all.
    family : {"gaussian", "binomial", "poisson"}
        Outcome model: linear, logistic or log-linear.
    imputation : {"model", "nearest_neighbour", "predictive_mean"}
        For ``"mass_imputation"``: predictions, or mean outcome of the nearest donors by x or by prediction.
    donors : int
        Donors per row of the reference.
    match_on : {"predicted", "observed"}
        For ``"predictive_mean"``: predictions of the reference against predictions, or against outcomes, of the sample.
    variance : {"linearized", "plug_in", "bootstrap"}
        With the estimation of all models; without that of the outcome model beside propensities (Chen, Li & Wu's own, valid where
        the propensity model is right); or sample with replacement and reference by its design's bootstrap, all refitted.
    replicates, seed : int
        Of the bootstrap.
    level : float
        Confidence level.

    Returns
    -------
    NonprobabilityEstimate
        One mean per outcome.

    Raises
    ------
    InputError
        Columns, lengths or options do not fit together; missing values.
    IdentificationError
        A level occurs only in the reference (or, with propensities, only in the sample); totals cannot serve this model.
    ConvergenceError
        A model has no solution.

    References
    ----------
    Chen, Li & Wu (2020), JASA 115(532); Kim, Park, Chen & Wu (2021), J. R. Stat. Soc. A 184(3); Yang, Kim & Song (2020),
    J. R. Stat. Soc. B 82(2).

    Examples
    --------
    >>> volunteers = {"age": ["old", "old", "old", "young"]}
    >>> r = nonprobability([8, 7, 9, 4], volunteers, registry={"age": ["old"] * 10 + ["young"] * 30}, method="mass_imputation")
    >>> r.naive.tolist(), r.estimate.round(6).tolist()
    ([7.0], [5.0])
    """
    settings = read_settings(method, link, equations, family, imputation, match_on, donors, variance, totals is not None)
    refuse_needless(method, equations, propensity_columns, outcome_columns)
    level = _checks.level(level)
    outcomes = read_outcomes(y, None if method == "ipw" else family)
    n = next(iter(outcomes.values())).size
    often = np.ones(n) if counts is None else _checks.non_negative(counts, "counts", length=n)
    if not often.sum() > 0:
        raise InputError("The sample is empty.", code="sample_empty", argument="y")
    known = None if population is None else _checks.number(population, "population", low=float(often.sum()), high=1e15)
    source, paired = read_source(x, often, reference, weights, design, registry, totals, known, reference_counts)
    check_identified(settings, source)
    columns = columns_of_models(paired, source, known)
    source = read_covariance(totals_covariance, x, totals, columns, source)
    data = _data(
        np.column_stack(list(outcomes.values())), often, known, source, columns, settings,
        _chosen(propensity_columns, paired, "propensity_columns"), _chosen(outcome_columns, paired, "outcome_columns"),
    )
    figures = estimate(data, settings)
    if variance == "bootstrap":
        spread = bootstrap_variance(data, settings, source, replicates, seed)
        parts = np.full((2, spread.size), np.nan)
    else:
        chance = data.counts @ (figures.open_share * figures.of_sample**2) + figures.extra
        parts = np.array([chance, source.variance(figures.of_reference)])
        spread = parts.sum(axis=0)
    names = np.array(list(outcomes), object)
    return _result(figures, parts, spread, names, data, source, settings, [each.name for each in paired], variance, level)


def _data(
    y: Floats, counts: Floats, population: float | None, source: Reference, columns: Columns, settings: Settings,
    of_propensity: list[Characteristic], of_outcome: list[Characteristic],
) -> Data:
    """The columns of both models, after a look at whether sample and reference overlap in them."""
    if settings.equations == "bias_minimising" and of_propensity != of_outcome:
        raise InputError(
            "equations='bias_minimising' needs the same columns in both models.", code="columns_differ", argument="outcome_columns"
        )
    (x_propensity, z_propensity), (x_outcome, z_outcome) = columns.chosen(of_propensity), columns.chosen(of_outcome)
    n, size = float(counts.sum()), float(columns.mass @ columns.z[:, 0])
    if settings.method != "mass_imputation":
        check_support(of_propensity, counts, source, propensities=True)
        _check_size(n, size)
    if settings.method != "ipw":
        check_support(of_outcome, counts, source, propensities=False)
        _check_parameters(n, x_outcome.shape[1], settings)
    near = settings.imputation == "nearest_neighbour"
    x_place, z_place = places(of_outcome) if near else (x_outcome, z_outcome)
    return Data(
        y=y, counts=counts, mass=columns.mass, x_propensity=x_propensity, z_propensity=z_propensity, x_outcome=x_outcome,
        z_outcome=z_outcome, x_place=x_place, z_place=z_place, population=population, squares=source.squares,
    )


def _check_size(n: float, size: float) -> None:
    if n >= size:
        raise InputError(
            f"The sample has {n:g} people, the reference stands for {size:g}: no propensity below 1 fits. "
            "Correct the weights, or use method='mass_imputation'.",
            code="sample_exceeds_reference", argument="weights", n=n, population=size,
        )


def _check_parameters(n: float, parameters: int, settings: Settings) -> None:
    if settings.imputation != "nearest_neighbour" and n <= parameters:
        raise InputError(
            f"The outcome model has {parameters} parameters and the sample {n:g} people: nothing is left to judge its errors. "
            "Leave columns out or merge levels.",
            code="too_few_for_model", argument="x", n=n, parameters=parameters,
        )


def _chosen(wanted: Sequence[str] | None, paired: list[Characteristic], argument: str) -> list[Characteristic]:
    if wanted is None:
        return paired
    listed = [wanted] if isinstance(wanted, str) else [str(name) for name in wanted]
    known = [each.name for each in paired]
    unknown = [name for name in listed if name not in known]
    if unknown or not listed:
        raise InputError(
            f"{argument} names {shown(unknown) or 'nothing'}; the columns of x are {shown(known)}.",
            code="unknown_columns", argument=argument, levels=unknown, known=shown(known),
        )
    return [each for each in paired if each.name in listed]


def _result(
    figures: Figures, parts: Floats, spread: Floats, names: npt.NDArray[Any], data: Data, source: Reference, settings: Settings,
    characteristics: list[str], variance: NonprobabilityVariance, level: float,
) -> NonprobabilityEstimate:
    std_error = np.sqrt(spread)
    half = normal_quantile(level) * std_error
    nothing = np.full(spread.size, np.nan)
    size, squares, largest, propensities = nothing, nothing, nothing, None
    if figures.weights is not None:
        size, squares = (data.counts @ figures.weights**power for power in (1, 2))
        largest = figures.weights[data.counts > 0].max(axis=0)
        shared = not np.ptp(figures.weights, axis=1).any()
        propensities = 1.0 / (figures.weights[:, 0] if shared else figures.weights)
    n = float(data.counts.sum())
    return NonprobabilityEstimate(
        method=settings.method, reference=source.kind, labels={"outcome": names}, estimate=figures.estimate, std_error=std_error,
        conf_low=figures.estimate - half, conf_high=figures.estimate + half, naive=data.counts @ data.y / n, n=n, n_reference=source.size,
        population=float(data.mass @ data.z_outcome[:, 0]) if data.population is None else data.population,
        estimated_population=size, effective_sample_size=size**2 / squares, smallest_propensity=1.0 / largest,
        variance=variance, variance_sample=parts[0], variance_reference=parts[1],
        variance_accounts_for=accounted(settings, source, variance), assumptions=assumed(settings, source, characteristics), level=level,
        propensities=propensities,
    )
