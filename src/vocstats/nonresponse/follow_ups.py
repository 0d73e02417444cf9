"""A follow-up of the silent that has silent people itself: the doubly robust two-phase estimator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from .._numerics import t_quantile
from ..errors import IdentificationError, InputError, VocstatsError, shown
from ..estimation.axis import crossed
from ..estimation.generalized_linear import check_outcome
from ..estimation.replication import Replicates
from ..options import OutcomeFamily
from ..results import Assumption
from ..weighting.chain import Weights, begin
from .follow_up_fit import Phases, fit
from .follow_up_result import FollowUpEstimate


def follow_up(
    y: npt.ArrayLike, answered: npt.ArrayLike, drawn: npt.ArrayLike, *, x: Any = None,
    w: npt.ArrayLike | Weights | Replicates | None = None, rate: npt.ArrayLike | None = None,
    propensity_columns: Sequence[str] | None = None, outcome_columns: Sequence[str] | None = None,
    family: OutcomeFamily = "gaussian", counts: npt.ArrayLike | None = None, population: float | None = None, by: Any = None,
    level: float = 0.95,
) -> FollowUpEstimate:
    """Mean of everybody asked, from those who answered and a follow-up of the silent that not all of those drawn answered.

        mean = Σ_i d_i [m_i + {R_i + (1 - R_i) F_i / (φ_i p_i)} (y_i - m_i)] / Σ_i d_i

    R who answered at first, F who answered the follow-up, φ the known chance of a silent person to be drawn for it, p the chance
    of those drawn to answer (logistic in x, fitted among them), m the outcome by x (fitted among F); both fits weigh with d / φ.
    Right when p or m is; with everybody drawn heard p is 1 and it is right whatever m is. With φ the share drawn, m constant and
    everybody heard it is Hansen and Hurwitz's `double_sampling`, with its variance.

    Parameters
    ----------
    y : array of numbers (n,)
        Outcome of everybody asked; missing for the silent who were not drawn or did not answer the follow-up.
    answered : boolean array (n,)
        Who answered at first (R).
    drawn : boolean array (n,)
        Which of the silent were drawn for the follow-up, heard or not.
    x : mapping, dataframe or array (n, p), optional
        Characteristics of everybody, numbers or labels; labels become indicators. None: both models are constants.
    w : array (n,), Weights or Replicates, optional
        Design weights d of everybody asked. With `Replicates` both models are fitted anew in each and the variance is theirs.
    rate : float or array (n,), optional
        φ. None: the share of the silent who were drawn.
    propensity_columns, outcome_columns : sequence of str, optional
        Columns of x in either model; None: all, an empty list: none.
    family : {"gaussian", "binomial", "poisson"}
        Outcome model: linear, logistic or log-linear.
    counts : array (n,), optional
        How often a row stands there.
    population : float, optional
        N, of whom those asked are a random sample. None: those asked are the population; infinite: customers like them.
    by : array of labels, or {name: array}, optional
        Domains: the mean of each, by the same two models fitted to everybody. A domain whose silent nobody heard is not
        estimated (NaN). With few heard in a domain, put it among the characteristics only if it holds some of them everywhere.
    level : float
        Confidence level.

    Returns
    -------
    FollowUpEstimate
        The mean, Student limits and the parts of the variance: first phase, draw of the follow-up, response to it. Arrays of
        shape (), with `by` (domains,).

    Raises
    ------
    InputError
        An outcome is missing where somebody answered or known where nobody was drawn; `drawn` are not silent; bad arrays.
    IdentificationError
        Nobody of those drawn was heard, or some characteristic tells for certain who was (separation).

    References
    ----------
    Robins, Rotnitzky & Zhao (1994), JASA 89(427); Särndal, Swensson & Wretman (1992), secs. 9.8 and 15.4; Kim & Haziza (2014),
    Statistica Sinica 24.

    Examples
    --------
    >>> nan = float("nan")
    >>> y = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 2, 4] + [6, 7, 8] + [nan] * 5
    >>> silent = [False] * 12 + [True] * 8
    >>> r = follow_up(y, [not s for s in silent], [False] * 12 + [True] * 3 + [False] * 5, population=300)
    >>> print(f"{r.estimate:.6f} (variance {r.std_error**2:.8f})")
    4.600000 (variance 0.29073684)
    """
    _checks.choice(family, OutcomeFamily, "family")
    _checks.level(level)
    outcome = _checks.vector(y, "y", missing=True)
    _checks.squarable(np.nan_to_num(outcome), "y")
    first = _checks.flags(answered, "answered", length=outcome.size)
    later = _checks.flags(drawn, "drawn", length=outcome.size)
    design_weights, counted = (w.weights, None) if isinstance(w, Replicates) else (w, counts)
    weights = begin(design_weights, counted, outcome.size, "w")
    if isinstance(w, Replicates):
        _refuse_beside_replicates(counts, population)
    base, often = np.array(weights.values), np.array(weights.counts)
    _check_phases(outcome, first, later, often * base)
    codes, labels, domains = crossed(by, outcome.size)
    phases = Phases(
        y=outcome, answered=first, drawn=later, rate=_rate(rate, first, later, often), base=base, codes=codes, domains=domains,
        x_propensity=chosen_columns(x, propensity_columns, "propensity_columns"),
        x_outcome=chosen_columns(x, outcome_columns, "outcome_columns"), family=family,
    )
    check_outcome(outcome[phases.heard], np.flatnonzero(phases.heard), family)
    size = float(often @ base) if population is None else _checks.number(population, "population", low=float(often.sum()))
    fitted = fit(phases, often)
    if isinstance(w, Replicates):
        figures = _replicated(phases, w)
        variance = w.scaling.variance(figures, fitted.estimate)
        low, high = w.scaling.limits(figures, fitted.estimate, np.sqrt(variance), level)
        parts, df = np.full((3, domains), np.nan), np.full(domains, w.scaling.df)
        accounts = (*w.accounts_for, "follow_up_draw", "propensity", "outcome_model")
    else:
        parts, df = fitted.variance(phases, often, 0.0 if population is None else 1.0 - float(often.sum()) / size)
        variance = parts.sum(axis=0)
        half = t_quantile(level, df) * np.sqrt(variance)
        low, high = fitted.estimate - half, fitted.estimate + half
        given = () if w is None else ("weights_as_given",)
        first_phase = () if population is None else ("with_replacement",) if np.isinf(size) else ("simple_random_first_phase",)
        accounts = (*first_phase, "follow_up_draw", *(("propensity",) if fitted.modelled else ()), "outcome_model", *given)
    figures_by_name = {
        "estimate": fitted.estimate, "std_error": np.sqrt(variance), "conf_low": low, "conf_high": high, "df": df,
        "naive": fitted.naive, "silent_mean": fitted.silent_mean,
        "variance_first": parts[0], "variance_draw": parts[1], "variance_response": parts[2],
        **phases.sizes(often), **fitted.diagnostics(phases, often),
    }
    shape = (domains,) if labels else ()
    return FollowUpEstimate(
        **{name: column.reshape(shape) for name, column in figures_by_name.items()}, labels=labels, population=size, family=family,
        level=level, variance_accounts_for=accounts, assumptions=_assumptions(fitted.modelled), material=fitted.influence(outcome.size),
        weighting=fitted.weighting,
    )


def _refuse_beside_replicates(counts: Any, population: float | None) -> None:
    for argument, value in {"counts": counts, "population": population}.items():
        if value is not None:
            raise InputError(
                f"{argument} does not go with Replicates, which say themselves how those asked were drawn. Leave it out.",
                code="not_with_replicates", argument=argument,
            )


def _check_phases(y: Floats, answered: npt.NDArray[np.bool_], drawn: npt.NDArray[np.bool_], mass: Floats) -> None:
    known, present = ~np.isnan(y), mass > 0
    problems = (
        (answered & ~known, "y", "answered_without_outcome",
         "y is missing at rows {rows}, who are not silent. Mark them as silent, or weight this item nonresponse first."),
        (answered & drawn, "drawn", "drawn_not_silent",
         "drawn is true at rows {rows}, who had answered. Only the silent are drawn for the follow-up."),
        (~answered & ~drawn & known, "y", "outcome_without_draw",
         "y is known at rows {rows}, who are silent and were not drawn. Mark them as drawn, or leave out answers that came unasked."),
    )
    for wrong, argument, code, message in problems:
        rows = np.flatnonzero(wrong & present)
        if rows.size:
            raise InputError(message.format(rows=shown(rows)), code=code, argument=argument, rows=rows, count=int(rows.size))
    if not (present & ~answered).any():
        raise InputError(
            "Nobody is silent, so there is nothing to follow up. Use estimation.mean.", code="nobody_silent", argument="answered"
        )
    if not (present & drawn & known).any():
        raise IdentificationError(
            "None of the silent was heard in the follow-up, so nobody can speak for them. State an assumption about them instead.",
            code="follow_up_not_heard", argument="y",
        )


def _rate(rate: Any, answered: npt.NDArray[np.bool_], drawn: npt.NDArray[np.bool_], counts: Floats) -> Floats:
    """φ of each row; 1 where it is not needed."""
    share = counts @ drawn / (counts @ ~answered) if rate is None else rate
    given = np.broadcast_to(share, answered.shape) if np.ndim(share) == 0 else share
    phi = np.where(answered, 1.0, _checks.vector(given, "rate", length=answered.size, missing=True))
    rows = np.flatnonzero(~((phi > 0) & (phi <= 1)) & ~answered)
    if rows.size:
        raise InputError(
            f"rate must lie in (0, 1] for the silent; it does not at rows {shown(rows)}. Silent people who could not be drawn have "
            "nobody to speak for them: leave them out and say so.",
            code="rate_not_a_chance", argument="rate", rows=rows, count=int(rows.size),
        )
    return phi


def chosen_columns(x: Any, wanted: Sequence[str] | None, argument: str) -> dict[str, Any]:
    """The named columns of x (None: all)."""
    columns = _checks.columns_of(x, "x")
    listed = list(columns) if wanted is None else [wanted] if isinstance(wanted, str) else [str(name) for name in wanted]
    unknown = [name for name in listed if name not in columns]
    if unknown:
        raise InputError(
            f"{argument} names {shown(unknown)}; the columns of x are {shown(columns)}.",
            code="unknown_columns", argument=argument, levels=unknown, known=shown(columns),
        )
    return {name: columns[name] for name in listed}


def _replicated(phases: Phases, replicates: Replicates) -> Floats:
    """The estimates in every replicate, (domains, R)."""
    values: list[Floats] = []
    for masses in replicates.chunks():
        for mass in masses.T:
            whole = np.zeros(phases.y.size)
            whole[replicates.rows] = np.divide(
                mass, phases.base[replicates.rows], out=np.zeros(mass.size), where=phases.base[replicates.rows] > 0
            )
            try:
                values.append(fit(phases, whole).estimate)
            except VocstatsError as error:
                raise IdentificationError(
                    f"Replicate {len(values) + 1} cannot be fitted: {error} Or use linearised standard errors (Weights as w).",
                    code="replicate_not_identified", argument="w", levels=error.levels, replicate=len(values) + 1, reason=str(error),
                ) from error
    return np.stack(values, axis=1)


def _assumptions(modelled: bool) -> tuple[Assumption, ...]:
    model = (Assumption(code="follow_up_ignorable", testable="no"), Assumption(code="follow_up_model_right", testable="partly"))
    return (Assumption(code="follow_up_drawn_at_random", testable="partly"), *(model if modelled else ()),
            Assumption(code="follow_up_measures_alike", testable="no"))
