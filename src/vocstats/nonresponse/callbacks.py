"""Attempts to reach people as evidence of how those never reached would have answered."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from .._numerics import normal_quantile
from ..errors import InputError, shown
from ..estimation.means import mean
from ..options import CallbackDependence, CallbackModel, CallbackResistance, Inference
from ..results import Assumption
from ..weighting.auxiliaries import answers
from ..weighting.chain import Weights, begin
from .callback_continuum import continuum
from .callback_data import Calls, read_calls, refuse_separated
from .callback_profile import outer_limits
from .callback_result import CallbackEstimate
from .callback_robust import fit_robust
from .callback_weights import CallbackStep, climb, fit_weighting, likelihood_step
from .cautions import LikelihoodWarning

_FLAT = 4.0  # limits so many times as far apart as those of a random sample of as many answers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fitted:
    """What a model says: means, standard errors, limits, coefficients (scaled) with their influence, weights."""

    estimate: Floats
    std_error: Floats
    low: Floats
    high: Floats
    accounts: tuple[str, ...]
    interval: str = "normal"
    theta: Floats | None = None
    influence: Floats | None = None
    weights: Weights | None = None
    log_likelihood: float = float("nan")
    misfit: tuple[float, float] = (float("nan"), float("nan"))
    either: bool = False


def reweight_by_callbacks(
    y: npt.ArrayLike, attempt: npt.ArrayLike, *, attempts: int | None = None, x: Any = None, of: Any = None,
    w: npt.ArrayLike | Weights | None = None, counts: npt.ArrayLike | None = None, model: CallbackModel = "likelihood",
    dependence: CallbackDependence = "saturated", resistance: CallbackResistance = "odds_or_chance", inference: Inference = "r",
    level: float = 0.95,
) -> CallbackEstimate:
    """Means of everybody asked when silence depends on the score, from the attempt at which each answer came.

    The chance h_k to answer at attempt k, when not heard before, depends on the score in the same way at every attempt
    (stableness of resistance): log[h_k / (1 - h_k)] = alpha_k + x β + γ(y), γ(y) one number per score or linear in it.

        likelihood     the maximum of Π_heard f(y|x) h_k Π_{j<k} (1 - h_j) Π_silent Σ_y f(y|x) Π_k (1 - h_k), f(y|x) free; profile limits
        weighting      those heard over p = 1 - Π_k (1 - h_k); with A_k not heard before attempt k and r_k heard at it
                       Σ (r_k/h_k - A_k) (1, x) = 0,  Σ {r_k/h_k + 1(heard before k) - r_1/h_1} u(y) = 0
        doubly_robust  the same with regressions of y on x, which may stand in for the alphas and β
        continuum      no response model: the silent think like those heard at the last attempt

    Parameters
    ----------
    y : array of numbers (n,)
        Score of everybody asked; missing where never heard.
    attempt : array (n,)
        Attempt (1, 2, ...) at which the answer came; missing where never heard.
    attempts : int, optional
        Attempts made. None: the largest seen.
    x : mapping, dataframe or array (n, p), optional
        Characteristics of everybody. The likelihood takes every combination as a class with shares of its own.
    of : array (n,) or {name: array}, optional
        Values whose means are wanted, such as ``{"mean": y, "bottom_box": y <= 2}``; missing only where never heard. None: y.
    w : array (n,) or Weights, optional
        Design weights of everybody asked, heard or not.
    counts : array (n,), optional
        How often a row stands there.
    model : {"likelihood", "weighting", "doubly_robust", "continuum"}
        How the means are estimated.
    dependence : {"saturated", "linear"}
        One γ per score, or γ(y) = γ y.
    resistance : {"odds_or_chance", "odds"}
        For the limits of the likelihood: the data hardly tell whether the score moves the odds or the chance itself alike at every
        attempt, log h_k = alpha_k + x β + γ(y). "odds_or_chance" takes the outer limits of both, less what the likelihood of the
        second falls short; the estimate is that of the odds in either case.
    inference : {"r", "registry", "process"}
        What standard errors and limits refer to, as in `estimation.mean`: customers like those asked ("r", "process") or those asked
        themselves ("registry"; likelihood and weighting only).
    level : float
        Confidence level.

    Returns
    -------
    CallbackEstimate
        Means, limits, the response model, the continuum of resistance as comparator, how flat the likelihood is, and weights. A
        `LikelihoodWarning` says which means the data hardly tell.

    Raises
    ------
    InputError
        Scores and attempts do not go together, characteristics are missing, too many scores or cells, `of` is no function of score and
        class under the likelihood.
    IdentificationError
        A single attempt, an attempt or a class nobody was heard at, one score, a score that decides when somebody is heard
        (separation), a likelihood that rises for ever.
    ConvergenceError
        The weighting equations have no solution.

    References
    ----------
    Alho (1990), Biometrika 77(3); Miao, Li, Zhang & Sun, arXiv 2112.02822; Qin, Leung & Shao (2002), JASA 97(457), for the likelihood
    with a free distribution; Lin & Schaeffer (1995), Public Opin. Q. 59(2), for the continuum; Kent (1982), Biometrika 69(1), for
    profile limits with weights.

    Examples
    --------
    >>> score, call, nan = [1, 1, 2, 2], [1, 2, 1, 2], float("nan")
    >>> r = reweight_by_callbacks([*score, nan], [*call, nan], counts=[300, 170, 130, 110, 140])
    >>> r.estimate.round(3).tolist(), r.naive.round(3).tolist()
    ([1.372], [1.338])
    """
    for value, allowed, argument in (
        (model, CallbackModel, "model"), (dependence, CallbackDependence, "dependence"), (resistance, CallbackResistance, "resistance"),
        (inference, Inference, "inference"),
    ):
        _checks.choice(value, allowed, argument)
    _checks.level(level)
    length = _checks.vector(y, "y", missing=True).size
    chain = begin(w, counts, length)
    calls = read_calls(y, attempt, attempts, x, dependence, chain.mass > 0)
    labels, values = _statistics(of, calls, chain)
    _refuse_options(model, inference, x)
    if dependence == "saturated" and model != "continuum":
        refuse_separated(calls, chain.mass > 0)
    if model == "likelihood":
        fitted = _by_likelihood(calls, chain, values, labels, resistance, inference, level, w is not None)
    elif model == "weighting":
        fitted = _by_weights(calls, chain, values, fit_weighting(calls, np.array(chain.mass)), inference, level)
    else:
        fitted = _by_influence(calls, chain, values, model, level)
    return _result(calls, chain, values, labels, fitted, model, dependence, inference, level, x is not None, _accounts(fitted, w))


def _statistics(of: Any, calls: Calls, chain: Weights) -> tuple[list[str], Floats]:
    """Names and values (n, m), 0 where never heard."""
    columns = {"y": calls.y} if of is None else _checks.named_columns(of, "of")
    if not columns:
        raise InputError("of names no values.", code="empty_of", argument="of")
    heard = Weights(base=np.where(calls.heard, chain.base, 0.0), counts=chain.counts, steps=chain.steps)
    return list(columns), np.column_stack([answers(column, f"of[{name!r}]", heard) for name, column in columns.items()])


def _refuse_options(model: CallbackModel, inference: Inference, x: Any) -> None:
    if model == "continuum" and x is not None:
        raise InputError(
            "model='continuum' has no response model, so x would not be used. Leave x out.", code="x_of_continuum", argument="x"
        )
    if inference == "registry" and model in ("doubly_robust", "continuum"):
        raise InputError(
            f"inference='registry' goes with model='likelihood' and 'weighting'; model={model!r} refers to customers like those asked. "
            "Use inference='r'.",
            code="inference_of_callbacks", argument="inference", model=model,
        )


def _by_weights(calls: Calls, chain: Weights, values: Floats, step: CallbackStep, inference: Inference, level: float) -> Fitted:
    """Means of the weighted, and what the chain says of their errors."""
    weights = chain.followed_by(step)
    each = [mean(column, weights, inference=inference, level=level) for column in values.T]
    moved = step.scores @ np.linalg.pinv(step.information).T[:, : calls.parameters] * chain.values[:, None]
    estimate, error, low, high = (
        np.array([float(getattr(e, name)) for e in each]) for name in ("estimate", "std_error", "conf_low", "conf_high")
    )
    return Fitted(
        estimate=estimate, std_error=error, low=low, high=high, accounts=each[0].variance_accounts_for,
        theta=step.parameters[: calls.parameters], influence=moved, weights=weights,
    )


def _by_likelihood(
    calls: Calls, chain: Weights, values: Floats, labels: list[str], resistance: CallbackResistance, inference: Inference, level: float,
    weighted: bool,
) -> Fitted:
    """The same with limits from the profile, its deviance scaled to the variance it stands for."""
    mass = np.array(chain.mass)
    cells, top = climb(calls, mass, float(chain.counts[mass > 0].sum()))
    linear = _by_weights(calls, chain, values, likelihood_step(calls, mass, cells, top), inference, level)
    full, heard = cells.full, np.flatnonzero(cells.cell >= 0)
    other = replace(full, link="log")
    other_top = other.maximum() if resistance == "odds_or_chance" else None
    models = [(full, top), *([] if other_top is None else [(other, other_top)])]
    low, high = linear.low.copy(), linear.high.copy()
    for j, column in enumerate(values.T):
        of_cell = np.zeros(full.total.size)
        of_cell[cells.cell[heard]] = column[heard]
        odd = heard[np.abs(column[heard] - of_cell[cells.cell[heard]]) > 1e-9 * np.abs(column).max()]
        if odd.size:
            raise InputError(
                f"of[{labels[j]!r}] differs between people of the same score and characteristics, at rows {shown(odd)}: the likelihood "
                "knows means of the score only. Use estimation.mean(values, result.weights).",
                code="of_not_of_score", argument="of", rows=odd, levels=[labels[j]],
            )
        if np.ptp(of_cell) == 0:
            continue
        curvature, people = full.variance(of_cell, top), float(chain.counts[mass > 0].sum())
        between, within = full.spread(of_cell, top)
        listed = -within if inference == "registry" else between  # of those asked themselves, or like them: the curvature knows neither
        scale = max((linear.std_error[j] ** 2 if weighted else curvature + listed / people) / curvature, 1e-6)
        low[j], high[j] = outer_limits(models, of_cell, scale * normal_quantile(level) ** 2)
    return Fitted(
        estimate=linear.estimate, std_error=linear.std_error, low=low, high=high, accounts=linear.accounts, interval="profile",
        theta=linear.theta, influence=linear.influence, weights=linear.weights, log_likelihood=full.value(top),
        misfit=(float("nan"), float("nan")) if weighted else full.misfit(top), either=other_top is not None,
    )


def _by_influence(calls: Calls, chain: Weights, values: Floats, model: CallbackModel, level: float) -> Fitted:
    """Estimates without weights of their own: variance of what each unit adds, the weights taken as given."""
    mass, theta, moved = np.array(chain.mass), None, None
    if model == "doubly_robust":
        robust = fit_robust(calls, mass, values)
        means, influence = robust.means, robust.influence
        theta, moved = robust.parameters, robust.parameter_influence * chain.values[:, None]
    else:
        means, influence = continuum(calls, mass, values, trend=False)
    error = _std_errors(influence * chain.values[:, None], chain.counts)
    half = normal_quantile(level) * error
    accounts = ("with_replacement", *(("callbacks", "outcome_model") if model == "doubly_robust" else ("latest_attempt",)))
    return Fitted(estimate=means, std_error=error, low=means - half, high=means + half, accounts=accounts, theta=theta, influence=moved)


def _std_errors(influence: Floats, counts: Floats) -> Floats:
    n = float(counts.sum())
    return np.asarray(np.sqrt(counts @ influence**2 * n / (n - 1.0)))


def _accounts(fitted: Fitted, w: Any) -> tuple[str, ...]:
    given = w is not None and (fitted.weights is None or not isinstance(w, Weights))
    return (*fitted.accounts, *(("weights_as_given",) if given else ()))


def _result(
    calls: Calls, chain: Weights, values: Floats, labels: list[str], fitted: Fitted, model: CallbackModel, dependence: CallbackDependence,
    inference: Inference, level: float, with_x: bool, accounts: tuple[str, ...],
) -> CallbackEstimate:
    mass, counts = np.array(chain.mass), np.where(chain.mass > 0, chain.counts, 0.0)
    at = calls.attempt[:, None] == np.arange(1, calls.attempts + 1)
    heard = counts @ at
    naive = (mass * calls.heard) @ values / float(mass @ calls.heard)
    spread = np.sqrt((mass * calls.heard) @ (values - naive) ** 2 / float(mass @ calls.heard) / float(heard.sum()))
    width = fitted.high - fitted.low
    widening = np.divide(width, 2.0 * normal_quantile(level) * spread, out=np.ones_like(width), where=spread > 0)
    comparators: dict[str, Floats] = {}
    for name, trend in (("latest", False), ("extrapolated", True)):
        means, influence = continuum(calls, mass, values, trend=trend)
        comparators |= {name: means, f"{name}_std_error": _std_errors(influence * chain.values[:, None], chain.counts)}
    names = tuple(f"attempt {k}" for k in range(1, calls.attempts + 1)) + calls.columns + calls.terms
    unscaled = calls.unscaled()
    result = CallbackEstimate(
        labels={"statistic": np.array(labels, object)}, estimate=fitted.estimate, std_error=fitted.std_error, conf_low=fitted.low,
        conf_high=fitted.high, naive=naive, **comparators, widening=widening, flat=widening > _FLAT, model=model, dependence=dependence,
        interval=fitted.interval, inference=inference, heard=heard,
        asked=counts.sum() - np.concatenate([[0.0], np.cumsum(heard)[:-1]]),
        attempt_mean=(at * mass[:, None]).T @ values / (mass @ at)[:, None],
        terms=() if fitted.theta is None else names, coefficient=np.zeros(0) if fitted.theta is None else unscaled @ fitted.theta,
        coefficient_std_error=np.zeros(0) if fitted.influence is None else _std_errors(fitted.influence @ unscaled.T, chain.counts),
        log_likelihood=fitted.log_likelihood, misfit=float(fitted.misfit[0]), misfit_df=float(fitted.misfit[1]), n=float(counts.sum()),
        n_heard=float(heard.sum()), level=level, variance_accounts_for=accounts,
        assumptions=_assumptions(model, dependence, calls.attempts, with_x, fitted.either), weights=fitted.weights,
    )
    if result.flat.any():
        warnings.warn(" ".join(result.remarks()), LikelihoodWarning, stacklevel=3)
    return result


def _assumptions(
    model: CallbackModel, dependence: CallbackDependence, attempts: int, with_x: bool, either: bool
) -> tuple[Assumption, ...]:
    """Named and testable or not; with two attempts the saturated model fits whatever the truth."""
    if model == "continuum":
        return (Assumption(code="callback_latest", testable="no"),)
    testable = "partly" if attempts > 2 or dependence == "linear" or with_x else "no"
    codes: Mapping[str, str | None] = {
        "callback_stable_either" if either else "callback_stable": testable,
        "callback_linear": "partly" if dependence == "linear" else None,
        "callback_additive": "partly" if with_x else None, "callback_one_right": "partly" if model == "doubly_robust" else None,
        "callback_scores_heard": "no",
    }
    return tuple(Assumption(code=code, testable=said) for code, said in codes.items() if said is not None)
