"""Parametric response models: logistic, ridge and just-identified covariate balancing, one convex problem each.

    logistic   sum(m (R - p) x) = 0
    ridge      sum(m (R - p) x) = L b,   L_j = penalty * sum(m (x_j - mean x_j)^2), 0 for the intercept
    cbps       sum(m (R / p - 1) x) = 0

with p = 1 / (1 + exp(-x b)) and m the mass (counts times the weights entering the step).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from ..errors import ConvergenceError, IdentificationError, InfeasibleError, shown
from ..options import PropensityEstimator
from . import distances
from .chain import Floats, Matrix, times
from .covariates import column_sums, dense, linear_predictor, rows_of, written
from .feasibility import Verdict, refuse
from .ridge import choose_penalty, penalty_terms, spread_about_mean
from .separation import separating

Flags = npt.NDArray[np.bool_]

_TOL, _MAX_ITER = 1e-10, 100
_SUSPICIOUS = 12.0  # log odds this far from those of the whole: separation, or a probability 160,000 times as far from 1/2
_FEW, _EVERY = 1e-3, 50_000  # a first fit on about that many rows, to that error, brings Newton's method close


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelStep:
    """Weights of those heard divided by their modelled response probability; 0 for the others.

    `penalty` is the ridge penalty used (0: none), `chosen` whether the data chose it, `curvature` the diagonal of L.
    """

    name: str
    estimator: PropensityEstimator
    x: Matrix
    columns: list[Any]
    heard: Flags
    probability: Floats
    mass: Floats
    factor: Floats
    parameters: Floats
    penalty: float
    chosen: bool
    curvature: Floats
    iterations: int

    def gradient(self, *, exact: bool = False) -> Matrix:
        """Derivative of the factor R / p."""
        return distances.scaled(written(self.x), slope_of_inverse(self.heard, self.probability))

    def score(self, *, contrast: bool = False) -> Matrix:
        """(R - p) x, divided by p for cbps, less the share of the penalty; between heard and not heard only x, divided alike."""
        p = self.probability
        residual = np.ones_like(p) if contrast else self.heard - p
        score = distances.scaled(written(self.x), residual / p if self.estimator == "cbps" else residual)
        return score - penalty_terms(self.x, self.mass, self.penalty, self.parameters) if self.penalty and not contrast else score

    def bread(self, *, exact: bool = False) -> Floats:
        """Minus the derivative of the weighted score: for logistic models the information, plus the penalty."""
        p = self.probability
        weights = np.where(self.heard, (1.0 - p) / p, 0.0) if self.estimator == "cbps" else p * (1.0 - p)
        bread = distances.gram(self.x, self.mass * weights)
        bread[np.diag_indices_from(bread)] += self.curvature
        return bread

    def rerun(self, w_in: Floats, counts: Floats) -> ModelStep:
        """The same model with other weights and multiplicities; a penalty the data chose is chosen again."""
        penalty = None if self.chosen else self.penalty
        return fit_response(self.estimator, self.x, self.columns, self.heard, w_in, counts, penalty=penalty, start=self.parameters)

    def details(self) -> dict[str, float]:
        """Iterations, the penalty of a ridge, and the extreme probabilities."""
        ridge = {"penalty": self.penalty} if self.estimator == "ridge" else {}
        return {"iterations": self.iterations, **ridge, **extremes(self.heard, self.probability, self.mass)}


def fit_response(
    estimator: PropensityEstimator, x: Matrix, columns: list[Any], heard: Flags, w_in: Floats, counts: Floats, *,
    penalty: float | None = 0.0, start: Floats | None = None,
) -> ModelStep:
    """Fit one model; a `penalty` of None is chosen by generalised cross-validation."""
    mass = np.array(times(counts, w_in))
    refuse_empty(heard, mass)
    used = mass > 0.0
    rows, weights, answered = (x, mass, heard) if used.all() else (rows_of(x, used), mass[used], heard[used])
    if answered.all():
        raise IdentificationError(
            "Everybody was heard, so there is no response to model. Leave the propensity step out.",
            code="everybody_heard", argument="heard",
        )
    spread = spread_about_mean(rows, weights) if estimator == "ridge" else np.zeros(x.shape[1])
    chosen, rounds = penalty is None, 0
    if penalty is None:
        units = float(np.broadcast_to(counts, mass.shape)[used].sum())
        penalty, start, rounds = choose_penalty(partial(_solve, estimator, rows, weights, answered), rows, weights, answered, spread, units)
    curvature = penalty * spread
    dual = _solve(estimator, rows, weights, answered, curvature, start)
    odds = linear_predictor(x, dual.parameters)
    if not penalty:
        _refuse_separation(estimator, columns, rows, weights, answered, odds[used], dual)
    if not dual.error <= _TOL:
        raise ConvergenceError(
            f"The response model stopped at a relative error of {dual.error:.3g} after {dual.iterations} iterations. "
            "Look for columns of very different size or nearly the same content.",
            code="response_model_not_converged", argument="x", error=dual.error, iterations=dual.iterations,
        )
    probability = special.expit(odds)
    return ModelStep(
        name="propensity", estimator=estimator, x=x, columns=columns, heard=heard, probability=probability, mass=mass,
        factor=inverse(heard, probability), parameters=dual.parameters, penalty=penalty, chosen=chosen, curvature=curvature,
        iterations=rounds + dual.iterations,
    )


def refuse_empty(heard: Flags, mass: Floats) -> None:
    """Raise unless somebody with a positive weight was heard."""
    if not (mass * heard).any():
        raise InfeasibleError(
            "Nobody was heard, so no response probability can be estimated. Leave this group out, or state an assumption about it.",
            code="nobody_heard", argument="heard",
        )


def inverse(heard: Flags, probability: Floats) -> Floats:
    """R / p, read-only; where p is 0 the weight is too, and the factor stays 0."""
    factor = np.divide(1.0, probability, out=np.zeros_like(probability), where=heard & (probability > 0.0))
    factor.flags.writeable = False
    return factor


def slope_of_inverse(heard: Flags, probability: Floats) -> Floats:
    """Derivative of R / p with respect to the log odds."""
    return np.where(heard, 1.0 - 1.0 / probability, 0.0)


def extremes(heard: Flags, probability: Floats, mass: Floats) -> dict[str, float]:
    """Smallest and largest probability among those heard and those not, by which overlap is judged."""
    found = {}
    for group, members in (("heard", heard & (mass > 0.0)), ("unheard", ~heard & (mass > 0.0))):
        for name, extreme in (("min", np.min), ("max", np.max)):
            found[f"probability_{name}_{group}"] = float(extreme(probability[members])) if members.any() else float("nan")
    return found


def _solve(
    estimator: PropensityEstimator, x: Matrix, mass: Floats, heard: Flags, ridge: Floats, start: Floats | None
) -> distances.Dual:
    """The dual solver with F the logistic function and the totals of those heard; for cbps F = 1 / p and those of everybody."""
    known = mass * heard
    totals = column_sums(x, mass if estimator == "cbps" else known)
    if estimator == "cbps":
        among = np.flatnonzero(heard)
        first = -_start(mass, heard, x.shape[1]) if start is None else -start
        shape = distances.Shape(inverse_logistic)
        scale = np.maximum(np.abs(totals), _sizes(rows_of(x, among), mass[among][:, None])[:, 0])
        dual = distances.minimise(
            rows_of(x, among), mass[among], totals, shape, scale=_positive(scale), start=first, tol=_TOL, max_iter=_MAX_ITER
        )
        return distances.Dual(-dual.parameters, dual.factor, dual.slope, dual.missed, dual.error, dual.iterations)
    sides = _sizes(x, np.column_stack([known, mass - known]))
    smaller = sides.min(axis=1)
    scale = _positive(np.where(smaller > 0.0, smaller, sides.max(axis=1)))
    shape = distances.Shape(distances.logistic)
    every, curvature = mass.size // _EVERY, None
    if start is None:
        start = _start(mass, heard, x.shape[1])
        if every > 1 and 0 < np.count_nonzero(heard[::every]) < heard[::every].size:
            some, part = x[::every], mass[::every]
            few = column_sums(some, known[::every])
            rough = distances.minimise(
                some, part, few, shape, scale=_positive(np.abs(some).T @ part), ridge=ridge / every, start=start, tol=_FEW,
                max_iter=_MAX_ITER,
            )
            start, curvature = rough.parameters, every * distances.gram(some, part * rough.slope) + np.diag(ridge)
    return distances.minimise(
        x, mass, totals, shape, scale=scale, ridge=ridge, start=start, curvature=curvature, tol=_TOL, max_iter=_MAX_ITER
    )


def inverse_logistic(eta: Floats) -> distances.Curve:
    """1 / p at log odds of -eta."""
    odds = np.exp(eta)
    return 1.0 + odds, odds, eta + odds


def _start(mass: Floats, heard: Flags, columns: int) -> Floats:
    """The log odds of being heard, whatever the covariates."""
    start = np.zeros(columns)
    start[0] = special.logit(mass @ heard / mass.sum())
    return start


def _sizes(x: Matrix, weights: Floats) -> Floats:
    """Weighted sums of the absolute values of the columns, (p, k)."""
    result = np.zeros((x.shape[1], weights.shape[1]))
    for rows in distances.blocks(x):
        result += np.abs(x[rows]).T @ weights[rows]
    return result


def _positive(scale: Floats) -> Floats:
    return np.where(scale > 0.0, scale, 1.0)


def _refuse_separation(
    estimator: PropensityEstimator, columns: list[Any], x: Matrix, mass: Floats, heard: Flags, odds: Floats, dual: distances.Dual
) -> None:
    if dual.error <= _TOL and np.abs(odds - special.logit(mass @ heard / mass.sum())).max() <= _SUSPICIOUS:
        return
    separated = [columns[j] for j in np.flatnonzero(separating(dense(x), np.where(heard, 1.0, -1.0))) if j]
    if separated:
        raise IdentificationError(
            f"Some people were heard always or never, as {shown(separated)} tells: their probability of being heard cannot be "
            "estimated. Merge levels, leave the column out, or use adjustment classes.",
            code="separation", argument="x", levels=separated,
        )
    if estimator == "cbps" and not dual.error <= _TOL:
        among = np.flatnonzero(heard)
        problem = Verdict("cbps", dense(rows_of(x, among)), mass[among], column_sums(x, mass), columns, (1.0, np.inf))
        refuse(problem, error=dual.error, iterations=dual.iterations, tol=_TOL)
