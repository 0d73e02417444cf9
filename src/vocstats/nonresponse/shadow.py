"""Silence that depends on the answer, corrected by a variable that goes with the answer and does not itself drive response."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from ..errors import IdentificationError, InputError, shown
from ..estimation.means import mean
from ..options import Inference, ResponseForm, ShadowModel
from ..results import Assumption
from ..weighting.chain import Weights, begin
from .cautions import ShadowWarning
from .follow_ups import chosen_columns
from .shadow_columns import Columns, read_columns
from .shadow_fit import moments_of
from .shadow_range import Ranges, ranges
from .shadow_relevance import Test, agreement, relevance
from .shadow_result import ShadowEstimate
from .shadow_step import ShadowStep, fit_step

_LEVEL = 0.05  # of the relevance test
_WEAK = 30.0  # F below this is warned of: simulated coverage of the intervals falls short of 92 %


def shadow_variable(
    y: npt.ArrayLike, z: Any, *, x: Any = None, of: Any = None, w: npt.ArrayLike | Weights | None = None,
    counts: npt.ArrayLike | None = None, model: ShadowModel = "weighting", response: ResponseForm = "linear",
    response_columns: Sequence[str] | None = None, outcome_columns: Sequence[str] | None = None, inference: Inference = "r",
    level: float = 0.95,
) -> ShadowEstimate:
    """Means of everybody where silence depends on the answer, by a shadow variable such as later churn or usage.

    z is known of everybody, goes with y given x, and has nothing to do with being heard once x and y are known. With
    logit π(x, y) = x β + γ y, d design weights and h = (1, x, functions of z),

        weighting      Σ d (R / π - 1) h = 0
        doubly_robust  Σ d (R / π - 1) x = 0,  Σ d (ω - 1) (a, z) = 0,  ω = R {1 + (1/π - 1)(1 + a λ)},  a = (1, outcome columns)

    and the mean is Σ d ω y / Σ d ω (ω = R / π in the first). The second is right if, beside γ, either x β is, or the means of y and
    of z among the silent are linear in a (that of y also in z). With the same columns in both models (or a among x) λ is 0: the first
    is doubly robust by itself.

    Parameters
    ----------
    y : array of numbers (n,)
        What response depends on; missing where not heard.
    z : array (n,), mapping or dataframe
        One or several shadow variables of everybody. Labels become indicators; numbers enter as they are (with as many powers as y
        has coefficients).
    x : mapping, dataframe or array (n, p), optional
        Characteristics of everybody that response and outcome may depend on; labels become indicators.
    of : array (n,) or {name: array}, optional
        Values whose means are wanted, such as ``{"mean": y, "bottom_box": y <= 2}``; None: y.
    w : array (n,) or Weights, optional
        Design weights of everybody, heard or not.
    counts : array (n,), optional
        How often a row stands there.
    model : {"weighting", "doubly_robust"}
        As above.
    response : {"linear", "saturated"}
        How y enters the log odds; saturated: one coefficient per answer but the lowest, for which z needs as many levels as y.
    response_columns, outcome_columns : sequence of str, optional
        Columns of x in the response and (doubly robust) in the outcome model; None: all, an empty list: none.
    inference : {"r", "registry", "process"}
        What the standard errors refer to, as in `estimation.mean`.
    level : float
        Confidence level; also of the set for gamma and of the ranges.

    Returns
    -------
    ShadowEstimate
        Means with standard errors and ranges, the response model, the strength of z, and the `weights` for any other statistic.

    Raises
    ------
    InputError
        Missing characteristics, bad arrays, columns that are not there.
    IdentificationError
        z is constant, does not tell the outcomes of those heard apart (p > .05), has a level nobody was heard of or too few levels;
        everybody or nobody was heard; some kinds of people never were; or no finite gamma solves the equations.

    Warns
    -----
    ShadowWarning
        F of z is below 30, or the set of acceptable gammas has no end: read the range, not the interval.

    References
    ----------
    Miao, Liu, Tchetgen Tchetgen & Geng (2015), arXiv:1509.02556; Miao & Tchetgen Tchetgen (2016), Biometrika 103(2); Wang, Shao &
    Kim (2014), Statistica Sinica 24(3); Kleibergen & Paap (2006), J. Econometrics 133(1); Stock & Wright (2000), Econometrica 68(5).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> truth = rng.integers(1, 6, 4000)
    >>> churned = rng.random(4000) < 0.7 - 0.12 * truth
    >>> y = np.where(rng.random(4000) < 1 / (1 + np.exp(3 - 0.6 * truth)), truth, np.nan)
    >>> r = shadow_variable(y, churned)
    >>> print(f"{truth.mean():.2f}: naive {r.naive[0]:.2f}, corrected {r.estimate[0]:.2f} (SE {r.std_error[0]:.2f})")
    3.02: naive 3.83, corrected 3.15 (SE 0.11)
    """
    _checks.choice(model, ShadowModel, "model")
    _checks.choice(response, ResponseForm, "response")
    _checks.choice(inference, Inference, "inference")
    _checks.level(level)
    outcome = _checks.vector(y, "y", missing=True)
    _checks.squarable(np.nan_to_num(outcome), "y")
    chain = begin(w, counts, outcome.size, "w")
    wanted = _wanted(of, outcome)
    _refuse_unused(model, outcome_columns)
    columns = read_columns(
        outcome, z, chosen_columns(x, response_columns, "response_columns"), chosen_columns(x, outcome_columns, "outcome_columns"),
        doubly=model == "doubly_robust", mass=chain.mass, form=response,
    )
    given = moments_of(columns.data, chain.mass, chain.mass * chain.values)
    strength = relevance(given, chain.counts[columns.data.heard])
    _refuse_irrelevant(strength)
    step = fit_step(columns.data, chain.values, chain.counts)
    heard = columns.data.heard
    table = np.column_stack([np.where(heard, column, 0.0)[heard] for column in wanted.values()])
    found = ranges(given, step.fit.profile, table, level) if response == "linear" else None
    _warn(strength, found)
    options = _Options(model, response, inference, level)
    return _result(chain, step, wanted, columns, strength, agreement(given, step.fit.profile), found, options)


@dataclass(frozen=True, slots=True)
class _Options:
    model: ShadowModel
    response: ResponseForm
    inference: Inference
    level: float


def _wanted(of: Any, y: Floats) -> dict[str, Floats]:
    """Values whose means are wanted, by name; missing where y is known is refused."""
    named = of if isinstance(of, Mapping) else {"mean": y if of is None else of}
    wanted = {
        str(name): _checks.vector(column, f"of[{name!r}]" if isinstance(of, Mapping) else "of", length=y.size, missing=True)
        for name, column in named.items()
    }
    if not wanted:
        raise InputError("of names no values. Give {name: array}, or leave it out.", code="no_columns", argument="of")
    for name, column in wanted.items():
        rows = np.flatnonzero(np.isnan(column) & ~np.isnan(y))
        if rows.size:
            raise InputError(
                f"of[{name!r}] is missing where y is known, at rows {shown(rows)}. Fill it, or set y missing there as well.",
                code="value_without_outcome", argument="of", rows=rows, count=int(rows.size), column=name,
            )
    return wanted


def _refuse_unused(model: ShadowModel, outcome_columns: Sequence[str] | None) -> None:
    if model == "weighting" and outcome_columns is not None:
        raise InputError(
            "outcome_columns belongs to model='doubly_robust'. Leave it out or choose that model.",
            code="outcome_columns_unused", argument="outcome_columns",
        )


def _refuse_irrelevant(strength: Test) -> None:
    if not strength.p_value <= _LEVEL:
        raise IdentificationError(
            f"z does not tell the outcomes of those heard apart (F = {strength.statistic:.3g}, p = {strength.p_value:.2g}): it says "
            "nothing of the silent. Give a variable that goes with the outcome, or use a sensitivity range.",
            code="shadow_irrelevant", argument="z", f=strength.statistic, p=strength.p_value,
        )


def _warn(strength: Test, found: Ranges | None) -> None:
    weak, open_ended = strength.statistic < _WEAK, found is not None and bool(np.isinf(found.gamma).any())
    if weak and found is None:
        raise IdentificationError(
            f"z hardly tells the outcomes of those heard apart (F = {strength.statistic:.3g}; {_WEAK:g} is wanted for "
            "response='saturated', which has no range to fall back on). Use response='linear' or a sensitivity range.",
            code="shadow_weak_saturated", argument="z", f=strength.statistic, p=strength.p_value,
        )
    if weak or open_ended:
        reason = f"F = {strength.statistic:.3g}" if weak else "the set of acceptable coefficients of y has no end"
        warnings.warn(
            f"z tells little of the outcome ({reason}): the intervals take its strength for granted. Read range_low and range_high, "
            "which do not.", ShadowWarning, stacklevel=3,
        )


def _result(
    chain: Weights, step: ShadowStep, wanted: dict[str, Floats], columns: Columns, strength: Test, spare: Test, found: Ranges | None,
    options: _Options,
) -> ShadowEstimate:
    weights, heard = chain.followed_by(step), step.data.heard
    means = [mean(np.where(heard, v, 0.0), weights, inference=options.inference, level=options.level) for v in wanted.values()]
    numbers = {
        name: np.array([float(getattr(each, name)) for each in means]) for name in ("estimate", "std_error", "conf_low", "conf_high", "df")
    }
    known, k = np.where(heard, chain.mass, 0.0), len(wanted)
    at = step.fit.profile
    place = [*range(at.beta.size), *range(step.data.nuisances, step.data.nuisances + at.gamma.size)]  # β and γ among (β, λ, γ)
    moved = chain.values[:, None] * step.score()[:, place]
    n = float(chain.counts[chain.values > 0].sum())
    spread = columns.back @ (moved.T @ (moved * chain.counts[:, None])) @ columns.back.T * n / (n - 1.0)
    gamma = (np.nan, np.nan) if found is None else tuple(end * columns.back[-1, -1] for end in found.gamma)
    nothing = np.full(k, np.nan)
    return ShadowEstimate(
        labels={"statistic": np.array(list(wanted), object)}, **numbers,
        range_low=nothing if found is None else np.fmin(found.low, numbers["conf_low"]),
        range_high=nothing if found is None else np.fmax(found.high, numbers["conf_high"]),
        naive=np.array([float(known @ np.where(heard, v, 0.0) / known.sum()) for v in wanted.values()]),
        terms=columns.terms, coefficients=columns.back @ np.concatenate([at.beta, at.gamma]),
        coefficient_std_errors=np.sqrt(np.maximum(np.diag(spread), 0.0)), gamma_low=float(gamma[0]), gamma_high=float(gamma[1]),
        relevance=strength.statistic, relevance_df=strength.df, relevance_df_denominator=strength.df_denominator,
        relevance_p_value=strength.p_value, j_statistic=spare.statistic, j_df=spare.df, j_p_value=spare.p_value,
        condition=_condition(step.fit.bread()), smallest_probability=float(step.chance[known > 0].min()),
        smallest_weight=float(step.factor[known > 0].min()), n=n, n_heard=float(chain.counts @ (known > 0)),
        effective_heard=weights.effective_sample_size, model=options.model, response=options.response, inference=options.inference,
        level=options.level, variance_accounts_for=means[0].variance_accounts_for,
        assumptions=_assumptions(options, bool(spare.df)), weights=weights,
    )


def _condition(bread: Floats) -> float:
    rows = bread / np.abs(bread).max(axis=1, keepdims=True)
    return float(np.linalg.cond(rows / np.abs(rows).max(axis=0)))


def _assumptions(options: _Options, spare: bool) -> tuple[Assumption, ...]:
    tested = "partly" if spare else "no"
    model = "shadow_one_model_right" if options.model == "doubly_robust" else "shadow_response_right"
    return (
        Assumption(code="shadow_excluded", testable=tested),
        Assumption(code="shadow_relevant", testable="yes"),
        Assumption(code="shadow_linear" if options.response == "linear" else "shadow_saturated", testable=tested),
        Assumption(code=model, testable="partly"),
        Assumption(code="shadow_everybody_has_a_chance", testable="no"),
    )
