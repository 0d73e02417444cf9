"""The score of a whole purchase cohort at some tenure: those still customers, and those who left on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from .._numerics import sums_by
from ..errors import IdentificationError, InputError, shown
from ..estimation import Design, Estimate
from ..results import Flags
from ..weighting import Weights
from .parts import Domains, Part, domains_of, estimate_of, weightings_of
from .retention import survival_curve
from .risk_sets import RiskSets


def cohort_mean(
    y: npt.ArrayLike, duration: npt.ArrayLike, event: npt.ArrayLike, *, tenure: float, entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | Weights | None = None, counts: npt.ArrayLike | None = None, design: Design | None = None, by: Any = None,
    level: float = 0.95,
) -> Estimate:
    """Mean score of everybody who bought, at some tenure: survivors by their answers, those who left by exit interviews.

        mean(t) = S(t) active(t) + {1 - S(t)} churned(t),   bias(t) = active(t) - mean(t) = {1 - S(t)} {active(t) - churned(t)}

    S is Kaplan and Meier's; somebody who left at u stands for w S(u-)/n_u, so that exits seen early are not over-represented
    when part of the cohort has not been followed for the whole tenure.

    Parameters
    ----------
    y : array of numbers (n,)
        For those who left by `tenure` the exit interview, for those still there the answer at that tenure; missing where not
        heard, and for those whose observation ended before or began after `tenure`.
    duration, event, entry
        Of everybody in the cohort, as in `survival_curve`.
    tenure : float
        In the unit of the durations. Who leaves exactly then has left.
    weights : Weights or array (n,), optional
        Weights of the answers; retention does not use them. The standard errors take an array as given, a `Weights` as estimated:
        they are pulled back through its chain, with calibration targets known (not counted from these very rows).
    counts : array (n,), optional
        How often a row stands there. Not beside a `Weights`, which has its own.
    design : Design, optional
        Dependence of the rows, such as dealers as clusters. None: independent.
    by : array of labels, or {name: array}, optional
        Cohorts, or other domains.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Rows by domain and ``part``: mean, bias, retention, active, churned. The standard errors are about customers like these
        (the registry is a draw), with the errors of retention and of both means stacked; NaN where a group rests on one answer.

    Raises
    ------
    InputError
        An answer of somebody whose status at `tenure` is not known, bad arrays, Replicates or negative weights.
    IdentificationError
        Nobody active, or nobody of those who left, was heard; or the cohort was not followed for so long.

    References
    ----------
    Kaplan & Meier (1958), JASA 53; Satten & Datta (2001), Am. Stat. 55(3) (S(u-)/n_u as inverse probability of censoring);
    Stefanski & Boos (2002), Am. Stat. 56(1) (stacked estimating equations).

    Examples
    --------
    >>> nan = float("nan")
    >>> r = cohort_mean([8, 9, 7, nan, 3, 2], [24, 24, 24, 24, 5, 9], [False] * 4 + [True] * 2, tenure=24)
    >>> dict(zip(r.labels["part"].tolist(), r.estimate.round(3).tolist()))
    {'mean': 6.167, 'bias': 1.833, 'retention': 0.667, 'active': 8.0, 'churned': 2.5}
    """
    score = _checks.vector(y, "y", missing=True)
    _checks.squarable(np.nan_to_num(score), "y")
    at = _checks.number(tenure, "tenure", low=0.0, open_high=True)
    weightings = weightings_of(score.size, counts, weights=weights)
    time = _checks.non_negative(duration, "duration", length=score.size)
    curve = survival_curve(time, event, entry=entry, counts=weightings[0].counts, by=by, times=[at], level=level)
    assert curve.material is not None
    domains = domains_of(score.size, by, None, design, weightings)
    mass = np.where(np.isnan(score), 0.0, weightings[0].values)
    spells = curve.material.spells
    gone = spells.event & (spells.duration <= at)
    there = ~gone & (spells.duration >= at) & (spells.entry <= at)
    _refuse_unreached(domains, curve.survival, at)
    _refuse_unplaced((mass > 0) & (spells.counts > 0) & ~gone & ~there, at)
    _refuse_unheard(domains, curve.survival, mass * there > 0, mass * gone > 0, at)
    n = domains.sums(np.ones(score.size))
    survival = Part(value=curve.survival, influence=domains.along(0, curve.influence_at(at)), n=n, spread=n > 1)
    active = _mean(domains, np.nan_to_num(score), mass * there)
    churned = _churned(domains, np.nan_to_num(score), mass * gone, curve.material, at)
    parts = _stacked(domains, survival, active, churned)
    return estimate_of("cohort_mean", parts, domains, level=level, weights_given=not isinstance(weights, Weights | None))


def _stacked(domains: Domains, survival: Part, active: Part, churned: Part) -> dict[str, Part]:
    """Mean and bias with the influence values of what they are made of."""
    s, apart = survival.value, np.where(survival.value < 1, active.value - churned.value, 0.0)
    code, heard, told = domains.codes, active.n + churned.n, active.spread & (churned.spread | (s == 1))
    bias = (1 - s[code]) * (active.influence - churned.influence) - apart[code] * survival.influence
    return {
        "mean": Part(value=active.value - (1 - s) * apart, influence=active.influence - bias, n=heard, spread=told),
        "bias": Part(value=(1 - s) * apart, influence=bias, n=heard, spread=told),
        "retention": survival,
        "active": active,
        "churned": replace(churned, value=np.where(churned.n > 0, churned.value, np.nan)),
    }


def _mean(domains: Domains, y: Floats, mass: Floats) -> Part:
    value, influence = domains.mean(y, mass, 1)
    n = domains.sums((mass > 0).astype(float))
    return Part(value=value, influence=influence, n=n, spread=n > 1)


def _churned(domains: Domains, y: Floats, mass: Floats, sets: RiskSets, at: float) -> Part:
    """Mean of those who left, each standing for his part of the fall of the survival curve; its influence through the curve."""
    share = np.append(0.0, sets.leaving_share())[sets.left]
    mean = _mean(domains, y, np.where(mass > 0, mass * share, 0.0))
    rows = np.flatnonzero((mass > 0) & (domains.counts > 0))
    change = sums_by(sets.left[rows] - 1, (domains.counts * mean.influence.sum(axis=0))[rows], sets.time.size)
    position = sets.position(np.arange(domains.size), np.full(domains.size, at))
    influence = mean.influence + domains.along(0, sets.leaving_influence(change, position))
    return replace(mean, influence=influence)


def _refuse_unreached(domains: Domains, survival: Floats, at: float) -> None:
    levels = [domains.names[d] for d in np.flatnonzero(np.isnan(survival))]
    if levels:
        raise IdentificationError(
            f"Nobody was followed until tenure {at:g} in {shown(levels)}, so retention is not known. Choose a shorter tenure.",
            code="tenure_not_reached", argument="tenure", levels=levels, tenure=at,
        )


def _refuse_unplaced(unplaced: Flags, at: float) -> None:
    rows = np.flatnonzero(unplaced)
    if rows.size:
        raise InputError(
            f"y holds answers of people who were not under observation at tenure {at:g}, at rows {shown(rows)}: whether they stayed "
            "until then is not known, or they were listed later. Set y to missing there, or choose another tenure.",
            code="status_unknown_at_tenure", argument="y", rows=rows, tenure=at,
        )


def _refuse_unheard(domains: Domains, survival: Floats, active: Flags, churned: Flags, at: float) -> None:
    """Raise where a group that exists was not heard."""
    heard_active, heard_churned = (domains.sums(who.astype(float)) > 0 for who in (active, churned))
    levels = [domains.names[d] for d in np.flatnonzero(~heard_active)]
    if levels:
        raise IdentificationError(
            f"Nobody still a customer at tenure {at:g} was heard in {shown(levels)}. Merge the domain, or choose another tenure.",
            code="active_not_heard", argument="y", levels=levels, tenure=at,
        )
    levels = [domains.names[d] for d in np.flatnonzero(~heard_churned & (survival < 1))]
    if levels:
        raise IdentificationError(
            f"Customers of {shown(levels)} left before tenure {at:g} and none of them was heard: what they think is an assumption, "
            "not data. Hold exit interviews, merge the domain, or see vocstats.sensitivity for a range.",
            code="churned_not_heard", argument="y", levels=levels, tenure=at,
        )
