"""What those who left think, as a tilt of what customers with the same history answer, learned from exit interviews."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._checks import Floats
from ..errors import IdentificationError, shown
from ..estimation import Design, Estimate
from ..results import Flags
from ..weighting import Weights
from .parts import Domains, Part, domains_of, estimate_of, weightings_of

_STEEPEST = 500.0  # largest tilt over the whole range of answers: exp() of it is still a number
_TOLERANCE = 1e-13  # of the tilt, over the range of answers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tilted:
    """Answers of the active, tilted by exp(alpha y), by history: mean, variance, mean square, its covariance with y; weights of rows."""

    mean: Floats
    variance: Floats
    square: Floats
    covariance: Floats
    weight: Floats


def exit_tilt(
    y: npt.ArrayLike, churned: npt.ArrayLike, *, history: Any = None, weights: npt.ArrayLike | Weights | None = None,
    counts: npt.ArrayLike | None = None, design: Design | None = None, level: float = 0.95,
) -> Estimate:
    """Mean score of those who left, when they answer like customers with the same history but tilted by exp(alpha y).

        f(y | churned, h) = exp(alpha y) f(y | active, h) / E[exp(alpha y) | active, h]

    alpha solves Σ_exit w {y - m_h(alpha)} = 0 with m_h the tilted mean of the active; those who left, heard or not, get m_h(alpha) of
    their own history. In a sensitivity analysis alpha is declared; here exit interviews tell it.

    Parameters
    ----------
    y : array of numbers (n,)
        Survey answer of the active, exit interview of the churned; missing where not heard.
    churned : array of bool (n,)
        Who left. The axis holds everybody, heard or not.
    history : array of labels, or {name: array}, optional
        What is known of everybody (tenure class, service history); several columns are crossed. None: one history.
    weights : Weights or array (n,), optional
        Weights of the answers. The standard errors take an array as given, a `Weights` as estimated: they are pulled back through
        its chain, with calibration targets known (not counted from these very rows).
    counts : array (n,), optional
        How often a row stands there. Not beside a `Weights`, which has its own.
    design : Design, optional
        Dependence of the rows, such as dealers as clusters. None: independent.
    level : float
        Confidence level.

    Returns
    -------
    Estimate
        Rows by ``part``: everybody, active, churned (means), alpha, and misfit: the mean over exit interviews of y² less its tilted
        expectation, 0 when the tilt has the right shape. The standard errors stack those of all parts.

    Raises
    ------
    InputError
        Bad arrays, Replicates or negative weights.
    IdentificationError
        No exit interview; a history in which no active customer was heard; exit interviews with answers beyond those of the
        active, or a mean no tilt of theirs reaches.

    References
    ----------
    Scharfstein, Rotnitzky & Robins (1999), JASA 94, sec. 2 (tilting); Qin (1998), Biometrika 85(3) (exponential tilt models).

    Examples
    --------
    >>> nan = float("nan")
    >>> r = exit_tilt([2, 4, 6, 8, 4, 2, nan, nan], [False] * 4 + [True] * 4)
    >>> dict(zip(r.labels["part"].tolist(), r.estimate.round(3).tolist()))
    {'everybody': 4.0, 'active': 5.0, 'churned': 3.0, 'alpha': -0.506, 'misfit': -1.431}
    """
    _checks.level(level)
    score = _checks.vector(y, "y", missing=True)
    _checks.squarable(np.nan_to_num(score), "y")
    gone = _checks.flags(churned, "churned", length=score.size)
    weightings = weightings_of(score.size, counts, weights=weights)
    cells = domains_of(score.size, history, None, design, weightings)
    mass, known = np.where(np.isnan(score), 0.0, weightings[0].values), np.nan_to_num(score)
    present = (mass > 0) & (cells.counts > 0)
    _refuse_unheard(cells, present & ~gone, present & gone)
    _refuse_beyond(known, present & ~gone, present & gone)
    whole = domains_of(score.size, None, None, design, weightings)
    parts = _parts(whole, cells, known, np.where(gone, 0.0, mass), np.where(gone, mass, 0.0), gone)
    return estimate_of("exit_tilt", parts, whole, level=level, weights_given=not isinstance(weights, Weights | None))


def _parts(whole: Domains, cells: Domains, y: Floats, active: Floats, exits: Floats, gone: Flags) -> dict[str, Part]:
    """Estimates and influence values; `active` and `exits` hold the weights of the answers heard, 0 elsewhere."""
    h = cells.codes
    q = cells.sums(exits) / exits.dot(whole.counts)
    centre = float(whole.mean(y, exits)[0][0])
    alpha = _solve(cells, y, active, q, centre)
    y = y - centre  # neither alpha nor misfit depends on it, and squares of scores far from 0 would lose their digits
    t, plain = _tilt(cells, y, active, alpha), _tilt(cells, y, active, 0.0)
    pull = float(q @ t.variance)
    mean_h, square_h = t.mean[h], t.square[h]
    exit_share = exits / exits.dot(whole.counts)
    tilt_influence = whole.along(1, (exit_share - q[h] * t.weight) * (y - mean_h) / pull)
    misfit = float((whole.counts * exit_share) @ (y**2 - square_h))
    misfit_influence = whole.along(1, exit_share * (y**2 - square_h - misfit) - q[h] * t.weight * (y**2 - square_h))
    misfit_influence = misfit_influence - float(q @ t.covariance) * tilt_influence
    one, (left, left_influence) = np.ones(y.size), whole.mean(gone.astype(float), np.ones(y.size))
    means = {}
    for name, who, at in (("active", ~gone, plain), ("churned", gone, t)):
        value, influence = whole.mean(at.mean[h] + centre, who * one)
        share = cells.sums(who * one) / float(whole.sums(who * one)[0])
        influence = influence + whole.along(1, share[h] * at.weight * (y - at.mean[h]))
        means[name] = (value, influence + (float(share @ at.variance) * tilt_influence if name == "churned" else 0.0))
    (a, a_influence), (c, c_influence) = means["active"], means["churned"]
    everybody = (a + left * (c - a), a_influence + left * (c_influence - a_influence) + (c - a) * left_influence)
    n_active, n_exit = (whole.sums((mass > 0).astype(float)) for mass in (active, exits))
    told = (n_active > 1) & (n_exit > 1)
    figures = {
        "everybody": (*everybody, n_active + n_exit), "active": (*means["active"], n_active), "churned": (*means["churned"], n_exit),
        "alpha": (np.array([alpha]), tilt_influence, n_exit), "misfit": (np.array([misfit]), misfit_influence, n_exit),
    }
    return {name: Part(value=value, influence=influence, n=n, spread=told) for name, (value, influence, n) in figures.items()}


def _tilt(cells: Domains, y: Floats, active: Floats, alpha: float) -> _Tilted:
    """The active's answers under one tilt; weights add up to 1 in each history."""
    power = np.where(active > 0, alpha * y, -np.inf)
    highest = np.full(cells.size, -np.inf)
    np.maximum.at(highest, cells.codes, np.where(cells.counts > 0, power, -np.inf))
    weight = active * np.exp(np.minimum(power - highest[cells.codes], 0.0))
    weight = weight / cells.sums(weight)[cells.codes]
    mean, square = cells.sums(weight * y), cells.sums(weight * y**2)
    apart = y - mean[cells.codes]
    return _Tilted(
        mean=mean, variance=cells.sums(weight * apart**2), square=square, covariance=cells.sums(weight * apart * y**2), weight=weight
    )


def _solve(cells: Domains, y: Floats, active: Floats, q: Floats, target: float) -> float:
    """The alpha at which the tilted mean over the histories of the exit interviews is theirs: Newton's steps inside a bracket."""
    heard = active * cells.counts > 0
    reach = float(np.ptp(y[heard])) or 1.0
    low, high = -_STEEPEST / reach, _STEEPEST / reach
    ends = [float(q @ _tilt(cells, y, active, end).mean) for end in (low, high)]
    slack = 1e-9 * reach
    if not ends[0] + slack < target < ends[1] - slack:
        raise IdentificationError(
            f"Exit interviews have a mean of {target:.6g}; no tilt of the answers of active customers with the same history leaves "
            f"{ends[0]:.6g} to {ends[1]:.6g}. The answers of the active say nothing about those who left: use the exit interviews alone.",
            code="tilt_out_of_reach", argument="y", mean=target, low=ends[0], high=ends[1],
        )
    alpha = 0.0
    for _ in range(200):
        t = _tilt(cells, y, active, alpha)
        gap, slope = float(q @ t.mean) - target, float(q @ t.variance)
        low, high = (low, alpha) if gap > 0 else (alpha, high)
        new = alpha - gap / slope if slope > 0 else np.inf
        new = new if low < new < high else (low + high) / 2.0
        if abs(new - alpha) * reach < _TOLERANCE * max(1.0, abs(alpha) * reach):
            break
        alpha = new
    return float(new)


def _refuse_unheard(cells: Domains, active: Flags, exits: Flags) -> None:
    if not exits.any():
        raise IdentificationError(
            "No exit interview was heard, so nothing tells how those who left differ from customers with the same history. "
            "Hold exit interviews, or declare a range of shifts: see vocstats.sensitivity.",
            code="no_exit_interview", argument="y",
        )
    lived = cells.sums(np.ones(active.size)) > 0
    levels = [cells.names[cell] for cell in np.flatnonzero(lived & (cells.sums(active.astype(float)) == 0))]
    if levels:
        raise IdentificationError(
            f"No active customer with history {shown(levels)} was heard, so there are no answers to tilt. Merge it with another history.",
            code="history_not_heard", argument="history", levels=levels,
        )


def _refuse_beyond(y: Floats, active: Flags, exits: Flags) -> None:
    low, high = float(y[active].min()), float(y[active].max())
    rows = np.flatnonzero(exits & ((y < low) | (y > high)))
    if rows.size:
        raise IdentificationError(
            f"{rows.size} of {int(exits.sum())} exit interviews, at rows {shown(rows)}, hold answers outside {low:g} to {high:g}, which no "
            "active customer gave: no tilt of their answers reaches there. Use the exit interviews alone, or merge points of the scale.",
            code="exit_beyond_active", argument="y", rows=rows, count=int(rows.size), total=int(exits.sum()), low=low, high=high,
        )
