"""Population means from a non-probability sample, compared with a probability sample, a registry or totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ... import _checks
from ..._numerics import normal_quantile
from ...errors import InputError, shown
from ...estimation.design import Design
from ...options import (
    Imputation, MatchOn, NonprobabilityMethod, NonprobabilityVariance, OutcomeFamily, PropensityEquations, PropensityLink,
)
from ...results import Assumption, Floats
from ...weighting.chain import Weights
from .bootstrap import bootstrap_variance
from .characteristics import (
    Characteristic, Columns, characteristics, check_support, columns_of, columns_of_models, places, with_totals,
)
from .estimators import Data, Figures, Settings, estimate
from .reference import Reference, reference_sample, registry_of, scaled_covariance
from .result import NonprobabilityEstimate


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
    totals_covariance : array, optional
        Covariance matrix of estimated totals: numeric columns, and levels but the first, in the order of x.
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
    settings = _settings(method, link, equations, family, imputation, match_on, donors, variance, totals is not None)
    level = _checks.level(level)
    outcomes = _outcomes(y)
    n = next(iter(outcomes.values())).size
    often = np.ones(n) if counts is None else _checks.non_negative(counts, "counts", length=n)
    if not often.sum() > 0:
        raise InputError("The sample is empty.", code="sample_empty", argument="y")
    population = None if population is None else _checks.number(population, "population", low=float(often.sum()), high=1e15)
    source, paired = _read(x, often, reference, weights, design, registry, totals, population, reference_counts)
    columns = columns_of_models(paired, source, population)
    if totals_covariance is not None:
        if source.kind != "totals":
            raise InputError("totals_covariance belongs to totals.", code="covariance_without_totals", argument="totals_covariance")
        source = replace(source, covariance=scaled_covariance(totals_covariance, columns.scale))
    _check_identified(settings, source, variance)
    data = _data(np.column_stack(list(outcomes.values())), often, source, paired, columns, settings, population, propensity_columns, outcome_columns)
    figures = estimate(data, settings)
    parts = [data.counts @ (figures.open_share * figures.of_sample**2) + figures.extra, source.variance(figures.of_reference)]
    if variance == "bootstrap":
        spread = bootstrap_variance(data, settings, source, replicates, seed)
        parts = [np.full(spread.size, np.nan)] * 2
    else:
        spread = parts[0] + parts[1]
    return _result(figures, parts, spread, outcomes, data, source, settings, variance, level, paired)


def _settings(
    method: NonprobabilityMethod, link: PropensityLink, equations: PropensityEquations | None, family: OutcomeFamily,
    imputation: Imputation, match_on: MatchOn, donors: int, variance: NonprobabilityVariance, only_totals: bool,
) -> Settings:
    for value, allowed, argument in (
        (method, NonprobabilityMethod, "method"), (link, PropensityLink, "link"), (family, OutcomeFamily, "family"),
        (imputation, Imputation, "imputation"), (match_on, MatchOn, "match_on"), (variance, NonprobabilityVariance, "variance"),
    ):
        _checks.choice(value, allowed, argument)
    chosen = ("calibration" if only_totals else "likelihood") if equations is None else _checks.choice(equations, PropensityEquations, "equations")
    wrong = {
        "equations": chosen == "bias_minimising" and method != "doubly_robust",
        "imputation": imputation != "model" and method != "mass_imputation",
        "variance": variance == "bootstrap" and imputation != "model",
    }
    for argument, refused in wrong.items():
        if refused:
            raise InputError(_MISFITS[argument], code=f"integration_{argument}", argument=argument)
    if donors != int(_checks.number(donors, "donors", low=1.0)):
        raise InputError(f"donors must be a whole number; got {donors!r}.", code="not_whole", argument="donors", value=repr(donors))
    return Settings(
        method=method, link=link, equations=chosen, family=family, imputation=imputation, match_on=match_on, donors=int(donors),
        plug_in=variance == "plug_in",
    )


_MISFITS = {
    "equations": "equations='bias_minimising' fits both models of method='doubly_robust' jointly, and only those.",
    "imputation": "imputation by donors belongs to method='mass_imputation'; the doubly robust estimator needs imputation='model'.",
    "variance": "The bootstrap is not valid for nearest donors (Abadie & Imbens 2008). Use variance='linearized'.",
}


def _outcomes(y: Any) -> dict[str, Floats]:
    """Outcomes by name: y, or y0, y1, ... for the columns of an array."""
    if isinstance(y, np.ndarray | list | tuple):
        array = np.asarray(y)
        columns = {"y": array} if array.ndim == 1 else {f"y{k}": array[:, k] for k in range(array.shape[1])} if array.ndim == 2 else {"y": array}
    else:
        columns = _checks.named_columns(y, "y")
    if not columns:
        raise InputError("y has no columns. Give {name: values}.", code="no_columns", argument="y")
    result: dict[str, Floats] = {}
    for name, column in columns.items():
        length = next(iter(result.values())).size if result else None
        result[name] = _checks.vector(column, "y" if name == "y" else f"y[{name!r}]", length=length)
    return result


def _read(
    x: Any, counts: Floats, reference: Any, weights: Any, design: Design | None, registry: Any, totals: Any, population: float | None,
    reference_counts: Any,
) -> tuple[Reference, list[Characteristic]]:
    """The source of comparison, and the characteristics of both sides."""
    given = [name for name, value in (("reference", reference), ("registry", registry), ("totals", totals)) if value is not None]
    if len(given) != 1:
        raise InputError(
            f"Give one of reference, registry and totals; got {shown(given) or 'none'}.", code="one_reference", argument="reference",
            levels=given, given=shown(given) or "-",
        )
    needless = {"weights": weights, "design": design} if given[0] != "reference" else {}
    needless |= {"reference_counts": reference_counts} if given[0] == "totals" else {}
    for name, value in needless.items():
        if value is not None:
            raise InputError(f"{name} does not go with {given[0]}. Leave it out.", code="needless_beside_reference", argument=name, source=given[0])
    if given[0] == "totals":
        if population is None:
            raise InputError("totals need population, the number of people they are totals of.", code="totals_need_population", argument="population")
        return Reference(kind="totals", mass=np.zeros(0)), with_totals(x, totals, counts)
    rows = reference if given[0] == "reference" else registry
    length = len(next(iter(columns_of(rows, given[0]).values())))
    source = reference_sample(weights, design, reference_counts, length) if given[0] == "reference" else registry_of(reference_counts, length)
    return source, characteristics(x, rows, counts, given[0])


def _check_identified(settings: Settings, source: Reference, variance: NonprobabilityVariance) -> None:
    from ...errors import IdentificationError

    if source.kind != "totals":
        return
    if settings.method != "mass_imputation" and settings.equations not in ("calibration", "bias_minimising"):
        raise IdentificationError(
            f"equations={settings.equations!r} needs the people of the population one by one. With totals use 'calibration'.",
            code="equations_need_rows", argument="equations", equations=settings.equations,
        )
    if settings.method != "ipw" and (settings.family != "gaussian" or settings.imputation != "model"):
        raise IdentificationError(
            "Totals of x do not tell the mean of a curved prediction, nor whom to match: only family='gaussian' with imputation='model' "
            "can use them. Give reference or registry.",
            code="totals_need_linear", argument="family",
        )


def _data(
    y: Floats, counts: Floats, source: Reference, paired: list[Characteristic], columns: Columns, settings: Settings,
    population: float | None, propensity_columns: Sequence[str] | None, outcome_columns: Sequence[str] | None,
) -> Data:
    names = [each.name for each in paired]
    of_propensity = _chosen(propensity_columns, names, "propensity_columns")
    of_outcome = _chosen(outcome_columns, names, "outcome_columns")
    if settings.equations == "bias_minimising" and set(of_propensity) != set(of_outcome):
        raise InputError(
            "equations='bias_minimising' needs the same columns in both models.", code="columns_differ", argument="outcome_columns"
        )
    by_name = {each.name: each for each in paired}
    if settings.method != "mass_imputation":
        check_support([by_name[name] for name in of_propensity], counts, source, propensities=True)
        if counts.sum() >= columns.mass @ columns.z[:, 0]:
            raise InputError(
                f"The sample has {counts.sum():g} people, the reference stands for {columns.mass @ columns.z[:, 0]:g}: no propensity below 1 "
                "fits. Correct the weights, or use method='mass_imputation'.",
                code="sample_exceeds_reference", argument="weights", n=float(counts.sum()), population=float(columns.mass @ columns.z[:, 0]),
            )
    if settings.method != "ipw":
        check_support([by_name[name] for name in of_outcome], counts, source, propensities=False)
    (x_propensity, z_propensity), (x_outcome, z_outcome) = columns.chosen(of_propensity), columns.chosen(of_outcome)
    x_place, z_place = places([by_name[name] for name in of_outcome]) if settings.imputation == "nearest_neighbour" else (x_outcome, z_outcome)
    replacement = source.kind == "sample" and not (source.design is not None and source.design.fpc)
    return Data(
        y=y, counts=counts, mass=columns.mass, x_propensity=x_propensity, z_propensity=z_propensity, x_outcome=x_outcome,
        z_outcome=z_outcome, x_place=x_place, z_place=z_place, population=population, replacement=replacement,
    )


def _chosen(wanted: Sequence[str] | None, names: list[str], argument: str) -> list[str]:
    if wanted is None:
        return names
    listed = [wanted] if isinstance(wanted, str) else [str(name) for name in wanted]
    unknown = [name for name in listed if name not in names]
    if unknown or not listed:
        raise InputError(
            f"{argument} names {shown(unknown) or 'nothing'}; the columns of x are {shown(names)}.", code="unknown_columns", argument=argument,
            levels=unknown, known=shown(names),
        )
    return [name for name in names if name in listed]


def _result(
    figures: Figures, parts: list[Floats], spread: Floats, outcomes: Mapping[str, Floats], data: Data, source: Reference, settings: Settings,
    variance: NonprobabilityVariance, level: float, paired: list[Characteristic],
) -> NonprobabilityEstimate:
    std_error = np.sqrt(spread)
    half = normal_quantile(level) * std_error
    nothing = np.full(spread.size, np.nan)
    weights = figures.weights
    size, squares = (data.counts @ weights**power if weights is not None else nothing for power in (1, 2))
    propensities = None if weights is None else 1.0 / weights
    if propensities is not None and not np.ptp(propensities, axis=1).any():
        propensities = propensities[:, 0]
    present = data.counts > 0
    return NonprobabilityEstimate(
        method=settings.method, reference=source.kind, labels={"outcome": np.array(list(outcomes), object)}, estimate=figures.estimate,
        std_error=std_error, conf_low=figures.estimate - half, conf_high=figures.estimate + half,
        naive=data.counts @ data.y / data.counts.sum(), n=float(data.counts.sum()),
        n_reference=_size(source), population=float(data.mass @ data.z_outcome[:, 0]) if data.population is None else data.population,
        estimated_population=size, effective_sample_size=size**2 / squares,
        smallest_propensity=nothing if weights is None else 1.0 / weights[present].max(axis=0),
        variance=variance, variance_sample=parts[0], variance_reference=parts[1],
        variance_accounts_for=_accounts(settings, source, variance), assumptions=_assumptions(settings, source, paired), level=level,
        propensities=propensities,
    )


def _size(source: Reference) -> float:
    if source.kind == "totals":
        return float("nan")
    return float(source.mass.sum() if source.weights is None else source.weights.counts[source.weights.values != 0].sum())


def _accounts(settings: Settings, source: Reference, variance: NonprobabilityVariance) -> tuple[str, ...]:
    """Codes of what the standard error includes."""
    matched = settings.imputation != "model"
    codes = {
        "replicates": variance == "bootstrap",
        "selection": settings.method != "mass_imputation",
        "propensity": settings.method != "mass_imputation",
        "outcome_model": settings.method != "ipw" and not matched and not (settings.plug_in and settings.method == "doubly_robust"),
        "donors": matched,
    }
    return (*(code for code, holds in codes.items() if holds), *source.accounts())


def _assumptions(settings: Settings, source: Reference, paired: list[Characteristic]) -> tuple[Assumption, ...]:
    names = {"auxiliaries": ", ".join(each.name for each in paired)}
    first = Assumption(code="selection_ignorable", testable="no", values=names)
    by_method = {
        "ipw": [("everybody_could_enter", "partly"), ("propensity_model_right", "partly"), ("entered_independently", "partly")],
        "mass_imputation": [("common_support", "partly"), ("outcome_model_right" if settings.imputation == "model" else "donors_alike", "partly")],
        "doubly_robust": [("everybody_could_enter", "partly"), ("one_model_right", "partly"), ("entered_independently", "partly")],
    }
    rest = [Assumption(code=code, testable=testable) for code, testable in by_method[settings.method]]
    return (first, *rest, Assumption(code=f"reference_{source.kind}", testable="partly"))
