"""Weights of those heard at some attempt, as a step of a chain: by the likelihood, or by equations of inverse probabilities.

With h_ik the chance of unit i to answer at attempt k when not heard before, and s_i = Π_k (1 - h_ik):

    likelihood   factor 1 / (1 - λ_g s);  λ_g: the factors of those heard in class g add up to the class;
                 Σ_heard log[h_k Π_{j<k} (1 - h_j)] - log(1 - λ_g s) - Σ_silent log λ_g  is stationary in all parameters
    weighting    factor 1 / (1 - s);  with r_k heard at k and A_k not heard before, at every attempt
                 Σ (r_k / h_k - A_k) = 0,   Σ_k Σ (r_k / h_k - A_k) x = 0,   Σ_{k>1} Σ {r_k / h_k + 1(heard before k) - r_1 / h_1} u = 0
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from .._checks import Floats, Integers
from ..errors import ConvergenceError, IdentificationError
from ..weighting.chain import times
from ..weighting.response_models import extremes
from .callback_data import MOST_CELLS, Calls, Cells, collapse
from .callback_likelihood import Point, crossed

_TOL, _MAX_ITER, _SHORTEST, _FARTHEST = 1e-10, 100, 1e-6, 30.0
_APART = 15.0  # log odds between people heard: separation, or chances that differ by a factor of three million


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CallbackStep:
    """Weights of those heard over their chance to be heard at any attempt, given characteristics and score; 0 for the others.

    `parameters` are those of the response model, followed by λ of the likelihood; `scores` (n, parameters) and `information` are
    scaled as the chain asks; `contrasts` those of `score(contrast=True)`.
    """

    name: str
    calls: Calls
    parameters: Floats
    factor: Floats
    slope: Floats
    scores: Floats
    contrasts: Floats
    information: Floats
    iterations: int
    refit: Callable[[Calls, Floats], CallbackStep]

    def gradient(self, *, exact: bool = False) -> Floats:
        """Derivative of the factor."""
        return self.slope

    def score(self, *, contrast: bool = False) -> Floats:
        """Estimating functions; the contrast carries the spread over the attempts an answer may come at."""
        return self.contrasts if contrast else self.scores

    def bread(self, *, exact: bool = False) -> Floats:
        """Minus the derivative of the summed estimating functions."""
        return self.information

    def rerun(self, w_in: Floats, counts: Floats) -> CallbackStep:
        """The same model with other weights and multiplicities."""
        return self.refit(self.calls, np.array(times(counts, w_in)))

    def details(self) -> dict[str, float]:
        """Iterations and the extreme chances of an answer."""
        chance = np.divide(1.0, self.factor, out=np.zeros_like(self.factor), where=self.factor > 0)
        found = extremes(self.calls.heard, chance, self.calls.heard.astype(float))
        return {"iterations": self.iterations, **{name: value for name, value in found.items() if name.endswith("_heard")}}


def hazards(calls: Calls, theta: Floats) -> Floats:
    """h, (n, attempts); of those never heard the score's part is left out."""
    k = calls.attempts
    return np.asarray(special.expit(theta[:k] + (calls.z @ theta[k:])[:, None]))


def climb(calls: Calls, mass: Floats, people: float) -> tuple[Cells, Point]:
    """Cells and the maximum of their likelihood, the mass scaled to that of so many people."""
    cells = collapse(calls, mass * (people / mass.sum()))
    top = cells.full.maximum()
    if top is None:
        raise _certain()
    refuse_certain(calls, mass, top.theta)
    return cells, top


def refuse_certain(calls: Calls, mass: Floats, theta: Floats) -> None:
    """Raise where the chances to answer run to 0 or 1 for some of those heard and not for others."""
    if np.ptp((calls.z @ theta[calls.attempts :])[calls.heard & (mass > 0)]) > _APART:
        raise _certain()


def _certain() -> IdentificationError:
    return IdentificationError(
        "The model fits ever better until some answers are certain at the first attempt, or impossible: attempts tell scores or "
        "characteristics apart (separation), or hardly anybody was heard. Merge scores, levels or attempts, or leave columns out.",
        code="callback_certain", argument="y",
    )


def fit_likelihood(calls: Calls, mass: Floats) -> CallbackStep:
    """The step whose weighted shares are those of the maximum of the likelihood."""
    return likelihood_step(calls, mass, *climb(calls, mass, float((mass > 0).sum())))


def likelihood_step(calls: Calls, mass: Floats, cells: Cells, top: Point) -> CallbackStep:
    """The step at a maximum already found."""
    full, group, k, p = cells.full, cells.group, calls.attempts, calls.parameters
    theta, heard, member = top.theta, calls.heard & (mass > 0), np.equal.outer(cells.group, np.arange(cells.size.size))
    level = full.m / (cells.size * full.silence(top))
    lam = level[group]
    h = hazards(calls, theta)
    silent = (1.0 - h).prod(axis=1)
    factor = np.where(heard, 1.0 / (1.0 - lam * silent), 0.0)
    share, t = np.where(heard, factor - 1.0, 0.0), _drift(calls, h)
    inverse = np.divide(1.0, lam, out=np.zeros_like(lam), where=lam > 0)
    options = []
    for answer in range(k + 1):
        own = _own(calls, h, answer) - share[:, None] * t if answer else np.zeros((heard.size, p))
        options.append(np.hstack([own, member * (inverse * (share if answer else -1.0))[:, None]]))
    known, curve = mass * heard, h * (1.0 - h)
    reached = np.arange(1, k + 1) <= calls.attempt[:, None]
    pull = known * share * factor
    information = np.zeros((p + level.size, p + level.size))
    information[:p, :p] = crossed(calls.z, curve * (known[:, None] * (reached + share[:, None]))) - (t * pull[:, None]).T @ t
    information[:p, p:] = (t * (known * silent * factor**2)[:, None]).T @ member
    information[p:, :p] = information[:p, p:].T
    corner = -(known * (silent * factor) ** 2 + np.where(calls.heard, 0.0, mass) * inverse**2) @ member
    information[p:, p:] = np.diag(corner)
    slope = np.hstack([-(factor * share)[:, None] * t, member * (silent * factor**2)[:, None]])
    return _step(calls, np.concatenate([theta, level]), factor, slope, options, lam * silent, information, 0, fit_likelihood)


def fit_weighting(calls: Calls, mass: Floats) -> CallbackStep:
    """The step whose parameters solve the equations of inverse probabilities."""
    theta, rounds = _solved(calls, mass)
    refuse_certain(calls, mass, theta)
    h = hazards(calls, theta)
    silent = (1.0 - h).prod(axis=1)
    factor = np.where(calls.heard & (mass > 0), 1.0 / np.maximum(1.0 - silent, 1e-300), 0.0)
    options = [weighting_equations(calls, h, np.full(mass.size, answer)) for answer in range(calls.attempts + 1)]
    inverse = np.linalg.inv(weighting_bread(calls, h, mass)).T
    options = [option @ inverse for option in options]
    slope = -(factor**2 * silent)[:, None] * _drift(calls, h)
    return _step(calls, theta, factor, slope, options, silent, np.eye(theta.size), rounds, fit_weighting)


def weighting_equations(calls: Calls, h: Floats, answer: Integers) -> Floats:
    """Estimating functions of units that answered at attempt `answer` (0: never), (n, parameters)."""
    k = np.arange(1, calls.attempts + 1)
    found = (answer[:, None] == k) / h
    missed = found - ((answer[:, None] >= k) | (answer[:, None] == 0))
    earlier = (answer[:, None] > 0) & (answer[:, None] < k)
    total = found + earlier
    spread = total[:, 1:].sum(axis=1) - (calls.attempts - 1) * total[:, 0]
    return np.hstack([missed, calls.x * missed.sum(axis=1)[:, None], calls.u * spread[:, None]])


def weighting_bread(calls: Calls, h: Floats, mass: Floats) -> Floats:
    """Minus the derivative of their sum: only the attempt of the answer counts."""
    heard = calls.heard & (mass > 0)
    rows, at = np.flatnonzero(heard), calls.attempt[heard] - 1
    unit = np.eye(calls.attempts)[at]
    odds = mass[rows] * (1.0 / h[rows, at] - 1.0)
    side = np.where(at > 0, 1.0, -(calls.attempts - 1.0))
    equations = np.hstack([unit, calls.x[rows], calls.u[rows] * side[:, None]])
    return np.asarray((equations * odds[:, None]).T @ np.hstack([unit, calls.z[rows]]))


def _solved(calls: Calls, mass: Floats) -> tuple[Floats, int]:
    scale = equation_scale(calls, mass)

    def missed(at: Floats) -> Floats:
        return np.asarray(mass @ weighting_equations(calls, hazards(calls, at), calls.attempt) / scale)

    def bread(at: Floats) -> Floats:
        return weighting_bread(calls, hazards(calls, at), mass) / scale[:, None]

    return newton(missed, bread, begun(calls, mass))


def begun(calls: Calls, mass: Floats) -> Floats:
    """Where to start: the maximum of the likelihood without characteristics; every score answering alike where there is none."""
    heard = np.bincount(calls.attempt, mass, minlength=calls.attempts + 1)
    risk = mass.sum() - np.concatenate([[0.0], np.cumsum(heard[1:-1])])
    theta = np.concatenate([special.logit(heard[1:] / risk), np.zeros(calls.parameters - calls.attempts)])
    if np.unique(calls.y[calls.heard]).size <= MOST_CELLS:
        top = collapse(replace(calls, x=calls.x[:, :0]), mass).full.maximum()
        if top is not None:
            theta[: calls.attempts], theta[calls.attempts + calls.x.shape[1] :] = np.split(top.theta, [calls.attempts])
    return theta


def equation_scale(calls: Calls, mass: Floats) -> Floats:
    """What each equation sums in size."""
    columns = np.hstack([np.ones((mass.size, calls.attempts)), calls.z])
    return np.maximum(np.abs(columns).T @ (mass * calls.heard), 1e-300)


def newton(missed: Callable[[Floats], Floats], bread: Callable[[Floats], Floats], theta: Floats) -> tuple[Floats, int]:
    """Where the scaled equations `missed` are 0, by Newton's method with halved steps; `bread` is minus their derivative."""
    with np.errstate(all="ignore"):
        error = missed(theta)
        for turn in range(_MAX_ITER):
            if np.abs(error).max() < _TOL:
                return theta, turn
            step, size = np.linalg.lstsq(bread(theta), error, rcond=None)[0], 1.0
            step *= min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-300))
            while size > _SHORTEST and not np.linalg.norm(missed(theta + size * step)) < np.linalg.norm(error):
                size /= 2.0
            theta = theta + size * step
            error = missed(theta)
            if size <= _SHORTEST or np.abs(theta).max() > _FARTHEST:
                break
    raise ConvergenceError(
        f"The weighting equations have no solution nearby (relative error {np.abs(error).max():.3g}): no chances to answer make all "
        "attempts tell the same totals. The resistance may change between attempts, or few were heard; merge scores or attempts, use "
        "dependence='linear', or model='likelihood'.",
        code="callback_equations_unsolved", argument="y", error=float(np.abs(error).max()),
    )


def _drift(calls: Calls, h: Floats) -> Floats:
    """Minus the derivative of log s, Σ_k h_k D_k."""
    return np.hstack([h, calls.z * h.sum(axis=1)[:, None]])


def _own(calls: Calls, h: Floats, answer: int) -> Floats:
    """Derivative of the log chance to answer at an attempt and not before."""
    k = np.arange(1, calls.attempts + 1)
    each = (k == answer) - (k <= answer) * h
    return np.hstack([each, calls.z * each.sum(axis=1)[:, None]])


def _step(
    calls: Calls, parameters: Floats, factor: Floats, slope: Floats, options: list[Floats], silent: Floats, information: Floats,
    iterations: int, refit: Callable[[Calls, Floats], CallbackStep],
) -> CallbackStep:
    """Put together; `options` are the scores of every unit had it answered at attempt 0 (never), 1, 2, ...

    Over who answers when, a unit's part varies by Σ_k q_k c_k² - (Σ_k q_k c_k)², c_k the option less that of never. The chain's
    (1 - p) c² over those heard gives just that for c = (c_k - mean) / sqrt(1 - p) + mean, mean = Σ_k q_k c_k / p.
    """
    table = np.stack(options)
    scores = table[calls.attempt, np.arange(factor.size)]
    h = hazards(calls, parameters[: calls.parameters])
    chance = h * np.cumprod(np.hstack([np.ones((factor.size, 1)), 1.0 - h[:, :-1]]), axis=1)
    against = table[1:] - table[0]
    mean = np.einsum("ik,kip->ip", chance / chance.sum(axis=1, keepdims=True), against)
    own = scores - table[0]
    contrasts = np.where((factor > 0)[:, None], (own - mean) / np.sqrt(np.maximum(silent, 1e-300))[:, None] + mean, 0.0)
    factor.flags.writeable = False
    return CallbackStep(
        name="callbacks", calls=calls, parameters=parameters, factor=factor, slope=slope, scores=scores, contrasts=contrasts,
        information=information, iterations=iterations, refit=refit,
    )
