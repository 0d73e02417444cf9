"""The estimators: inverse propensities, mass imputation, both at once; every one with the influence of the units it uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...results import Floats
from .bias_minimising import fit_jointly
from .matching import impute
from .outcome_models import OutcomeFit, fit_outcome
from .propensity import PropensityFit, fit_propensity
from .settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Data:
    """Outcomes, multiplicities and columns.

    Attributes
    ----------
    y : float array (n, k)
    counts, mass : float arrays (n,), (m,)
        How often a row of the sample stands there, and what a row of the reference stands for.
    x_propensity, z_propensity, x_outcome, z_outcome, x_place, z_place : float arrays (n, .), (m, .)
        Columns of the two models and of nearest neighbours, in sample and reference.
    population : float or None
        N where it is to be used; None: the sums of the weights stand for it.
    squares : float array (m,)
        Sum of the squared weights of a row's units where they were drawn with replacement, else 0.
    """

    y: Floats
    counts: Floats
    mass: Floats
    x_propensity: Floats
    z_propensity: Floats
    x_outcome: Floats
    z_outcome: Floats
    x_place: Floats
    z_place: Floats
    population: float | None
    squares: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figures:
    """Means of all outcomes and what their variance is made of.

    Attributes
    ----------
    estimate : float array (k,)
    of_sample, of_reference : float arrays (n, k), (m, k)
        Influence of one unit on the mean.
    open_share : float array (n, k)
        1 - pi: the part of a squared influence that chance in selection adds; 1 without propensities.
    extra : float array (k,)
        Variance the influences do not hold.
    weights : float array (n, k) or None
        1 / pi.
    """

    estimate: Floats
    of_sample: Floats
    of_reference: Floats
    open_share: Floats
    extra: Floats
    weights: Floats | None


def estimate(data: Data, settings: Settings) -> Figures:
    """The figures of one method."""
    if settings.method == "ipw":
        return _ipw(data, settings)
    columns = range(data.y.shape[1])
    if settings.method == "mass_imputation":
        one = _imputed if settings.imputation == "model" else _matched
        return _beside([one(data, data.y[:, k], settings) for k in columns])
    if settings.equations == "bias_minimising":
        shared = (data.x_outcome, data.z_outcome, data.counts, data.mass, settings.link, settings.family)
        fits = [fit_jointly(data.y[:, k], *shared) for k in columns]
    else:
        chosen = _propensity(data, settings)
        fits = [(chosen, _outcome(data, data.y[:, k], settings)) for k in columns]
    return _beside([_augmented(data, data.y[:, k], *fits[k], settings) for k in columns])


def _ipw(data: Data, settings: Settings) -> Figures:
    """Σ_A y/pi / N; N known, or Σ_A 1/pi (Chen, Li & Wu 2020, sec. 3.1)."""
    chosen = _propensity(data, settings)
    weights = chosen.weights
    mass = data.counts * weights
    size = mass.sum() if data.population is None else data.population
    value = mass @ data.y / size
    residual = data.y - value if data.population is None else data.y
    own, others = chosen.fit.influence(chosen.gradient(data.counts[:, None] * residual) / size)
    return Figures(
        estimate=value, of_sample=residual * weights[:, None] / size + own, of_reference=others,
        open_share=_each(1.0 - chosen.of_sample.pi, data), extra=np.zeros(value.size), weights=_each(weights, data),
    )


def _imputed(data: Data, y: Floats, settings: Settings) -> Figures:
    """Σ_B d m(x) / Σ_B d (Kim, Park, Chen & Wu 2021)."""
    outcome = _outcome(data, y, settings)
    return _of_model(data, outcome, outcome.of_reference.m)


def _of_model(data: Data, outcome: OutcomeFit, imputed: Floats) -> Figures:
    """The mean of imputed outcomes that follow the predictions of a model."""
    value, direct, size = _mean_of_reference(data, imputed)
    gradient = data.z_outcome.T @ (data.mass * outcome.of_reference.slope) / size
    own, _ = outcome.fit.influence(gradient[:, None])
    return Figures(
        estimate=np.array([value]), of_sample=own, of_reference=direct[:, None], open_share=np.ones_like(own), extra=np.zeros(1),
        weights=None,
    )


def _matched(data: Data, y: Floats, settings: Settings) -> Figures:
    """Σ_B d y*(x) / Σ_B d, y* the mean outcome of the nearest donors."""
    if settings.imputation == "nearest_neighbour":
        return _of_donors(data, y, data.x_place, data.z_place, settings)
    outcome = _outcome(data, y, settings)
    wanted = outcome.of_reference.m[:, None]
    if settings.match_on == "predicted":
        return _of_donors(data, y, outcome.of_sample.m[:, None], wanted, settings)
    found = impute(y, y[:, None], wanted, data.counts, data.mass, data.squares, settings.donors)
    return _of_model(data, outcome, found.imputed)  # the outcomes nearest to a prediction are the prediction, all but


def _of_donors(data: Data, y: Floats, place: Floats, wanted: Floats, settings: Settings) -> Figures:
    found = impute(y, place, wanted, data.counts, data.mass, data.squares, settings.donors)
    value, direct, size = _mean_of_reference(data, found.imputed)
    nothing = np.zeros((y.size, 1))
    return Figures(
        estimate=np.array([value]), of_sample=nothing, of_reference=direct[:, None], open_share=nothing,
        extra=np.array([data.counts @ (found.spread * (found.donated**2 - found.chance)) / size**2]), weights=None,
    )


def _augmented(data: Data, y: Floats, chosen: PropensityFit, outcome: OutcomeFit, settings: Settings) -> Figures:
    """Σ_A (y - m)/pi / N_A + Σ_B d m / N_B (Chen, Li & Wu 2020, eqs. 11-12)."""
    weights, of_sample, of_reference = chosen.weights, outcome.of_sample, outcome.of_reference
    mass = data.counts * weights
    size = mass.sum() if data.population is None else data.population
    residual = y - of_sample.m
    correction = mass @ residual / size
    if data.population is None:
        residual = residual - correction
    value, direct, others_size = _mean_of_reference(data, of_reference.m)
    of_alpha = chosen.gradient((data.counts * residual)[:, None]) / size
    of_beta = (
        data.z_outcome.T @ (data.mass * of_reference.slope) / others_size - data.x_outcome.T @ (mass * of_sample.slope) / size
    )[:, None]
    if chosen.fit is outcome.fit:
        own, others = chosen.fit.influence(np.vstack([of_alpha, of_beta]))
    else:
        own, others = chosen.fit.influence(of_alpha)
        if not settings.plug_in:
            own = own + outcome.fit.influence(of_beta)[0]
    return Figures(
        estimate=np.array([correction + value]), of_sample=own + (residual * weights / size)[:, None],
        of_reference=others + direct[:, None], open_share=1.0 - chosen.of_sample.pi[:, None], extra=np.zeros(1), weights=weights[:, None],
    )


def _mean_of_reference(data: Data, m: Floats) -> tuple[float, Floats, float]:
    """Σ_B d m / N, the influence of a row's unit on it, and N: known, or Σ_B d. The first column of the models counts a unit as one."""
    one = data.z_outcome[:, 0]
    size = float(data.mass @ one) if data.population is None else data.population
    value = float(data.mass @ m) / size
    return value, (m - value * one if data.population is None else m) / size, size


def _propensity(data: Data, settings: Settings) -> PropensityFit:
    assert settings.equations != "bias_minimising"
    return fit_propensity(data.x_propensity, data.z_propensity, data.counts, data.mass, settings.link, settings.equations)


def _outcome(data: Data, y: Floats, settings: Settings) -> OutcomeFit:
    return fit_outcome(y, data.x_outcome, data.z_outcome, data.counts, settings.family)


def _each(column: Floats, data: Data) -> Floats:
    return np.broadcast_to(column[:, None], data.y.shape)


def _beside(figures: list[Figures]) -> Figures:
    weights = [each.weights for each in figures if each.weights is not None]
    return Figures(
        estimate=np.concatenate([each.estimate for each in figures]),
        **{name: np.hstack([getattr(each, name) for each in figures]) for name in ("of_sample", "of_reference", "open_share")},
        extra=np.concatenate([each.extra for each in figures]), weights=np.hstack(weights) if weights else None,
    )
