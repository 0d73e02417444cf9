"""Covariate balancing propensity scores with more moments than parameters: likelihood score and balance together.

With m the mass, the moments and their covariance given x are, summed over units,

    g(b) = sum m [ (R - p) x ; (R / p - 1) x ],     S = sum m [ p(1-p) xx'  (1-p) xx' ; (1-p) xx'  (1-p)/p xx' ],

and b minimises g' W g with W the inverse of S at the logistic fit (two-step generalised method of moments).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from .._numerics import solve_symmetric
from ..errors import ConvergenceError
from . import distances
from .chain import Floats, Matrix
from .covariates import column_sums, dense, linear_predictor, written
from .response_models import Flags, ModelStep, extremes, fit_response, inverse, slope_of_inverse

_MAX_ITER, _CLOSE, _STALLED = 200, 1e-7, 1e-12  # a Newton step below _CLOSE leaves an error of its square


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BalancingStep:
    """Weights of those heard divided by an over-identified covariate balancing propensity score.

    Attributes
    ----------
    first : ModelStep
        The logistic fit the weighting matrix of the moments is taken from.
    combination : array (p, 2p)
        Derivative of the moments, transposed, times W: the moments as they are combined to p equations.
    pull : array (2p,)
        W g at the solution; 0 where all moments hold.
    bread_matrix : array (p, p)
        Second derivative of half the criterion.
    j_statistic, j_df, j_p_value : float
        Hansen's test that balance and likelihood agree: a small p-value speaks against the logistic form.
    """

    name: str
    first: ModelStep
    probability: Floats
    factor: Floats
    combination: Floats
    pull: Floats
    bread_matrix: Floats
    j_statistic: float
    j_df: int
    j_p_value: float
    iterations: int

    @property
    def heard(self) -> Flags:
        """Who was heard."""
        return self.first.heard

    def gradient(self, *, exact: bool = False) -> Matrix:
        """Derivative of the factor R / p."""
        return distances.scaled(written(self.first.x), slope_of_inverse(self.heard, self.probability))

    def score(self, *, contrast: bool = False) -> Matrix:
        """Minus the derivative of the combined equations to the mass of a unit: its moments, and what it does to their combination.

        With a, c the halves of ``x W g``, and A the combination, a unit adds to the equations: the derivative of its moments
        times W g; A times its moments; minus A times its part of S times W g; and what it does to the logistic fit S comes from.
        """
        x = dense(self.first.x)
        p, q = self.probability, self.first.probability
        k = x.shape[1]
        a, c = x @ self.pull[:k], x @ self.pull[k:]
        top, bottom = self.combination[:, :k], self.combination[:, k:]
        r = np.ones_like(p) if contrast else self.heard.astype(float)
        own = -r * (1.0 - p) / p * c
        first, second, before = r.copy(), r / p, r.copy()
        if not contrast:
            own -= p * (1.0 - p) * a
            first -= p + (1.0 - q) * (q * a + c)
            second -= 1.0 + (1.0 - q) * (a + c / q)
            before -= q
        moved = solve_symmetric(self.first.bread(), self._change_of_first(a, c).T)
        return -(own[:, None] * x + (first[:, None] * x) @ top.T + (second[:, None] * x) @ bottom.T + (before[:, None] * x) @ moved)

    def bread(self, *, exact: bool = False) -> Floats:
        """Second derivative of half the criterion."""
        return self.bread_matrix

    def rerun(self, w_in: Floats, counts: Floats) -> BalancingStep:
        """Both fits with other weights and multiplicities."""
        return fit_balancing(self.first.x, self.first.columns, self.heard, w_in, counts, start=self.first.parameters)

    def details(self) -> dict[str, float]:
        """Iterations, the J statistic with its degrees of freedom and p-value, and the extreme probabilities."""
        test = {"j_statistic": self.j_statistic, "j_df": self.j_df, "j_p_value": self.j_p_value}
        return {"iterations": self.iterations, **test, **extremes(self.heard, self.probability, self.first.mass)}

    def _change_of_first(self, a: Floats, c: Floats) -> Floats:
        """Derivative of the combined equations to the parameters of the first fit."""
        x, mass, q = self.first.x, self.first.mass, self.first.probability
        k = x.shape[1]
        upper = mass * q * (1.0 - q) * ((1.0 - 2.0 * q) * a - c)
        lower = -mass * (1.0 - q) * (q * a + c / q)
        return -(self.combination[:, :k] @ distances.gram(x, upper) + self.combination[:, k:] @ distances.gram(x, lower))


def fit_balancing(
    x: Matrix, columns: list[Any], heard: Flags, w_in: Floats, counts: Floats, *, start: Floats | None = None
) -> BalancingStep:
    """Two-step generalised method of moments from the logistic fit."""
    first = fit_response("logistic", x, columns, heard, w_in, counts, start=start)
    mass, q = first.mass, first.probability
    used = mass > 0.0
    corner = distances.gram(x, np.where(used, mass * (1.0 - q), 0.0))
    covariance = np.block([
        [distances.gram(x, mass * q * (1.0 - q)), corner],
        [corner, distances.gram(x, np.where(used, mass * (1.0 - q) / q, 0.0))],
    ])
    weighting = solve_symmetric(covariance, np.eye(len(covariance)))
    found = _minimise(x, mass, heard, weighting, first.parameters)
    probability = special.expit(linear_predictor(x, found.parameters))
    effective = float(mass.sum()) / float(mass @ w_in)  # of one unit of mass, Kish
    j = effective * found.value
    df = _rank(covariance) - _rank(covariance[: x.shape[1], : x.shape[1]])
    return BalancingStep(
        name="propensity", first=first, probability=probability, factor=inverse(heard, probability), combination=found.combination,
        pull=found.pull, bread_matrix=found.hessian, j_statistic=j, j_df=df,
        j_p_value=float(special.chdtrc(df, j)) if df else float("nan"), iterations=found.iterations,
    )


@dataclass(frozen=True, slots=True)
class _Minimum:
    parameters: Floats
    value: float
    pull: Floats
    combination: Floats
    hessian: Floats
    iterations: int


def _minimise(x: Matrix, mass: Floats, heard: Flags, weighting: Floats, b: Floats) -> _Minimum:
    """Newton's method on half of g' W g; Gauss-Newton steps where its curvature is not positive."""
    value, g, p = _moments(x, mass, heard, weighting, b)
    for iteration in range(_MAX_ITER):
        inverse_odds = np.where(heard, (1.0 - p) / p, 0.0)
        slope = -np.vstack([distances.gram(x, mass * p * (1.0 - p)), distances.gram(x, mass * inverse_odds)])
        pull, combination = weighting @ g, slope.T @ weighting
        gauss = combination @ slope
        a, c = (linear_predictor(x, half) for half in np.split(pull, 2))
        bend = mass * (inverse_odds * c - p * (1.0 - p) * (1.0 - 2.0 * p) * a)
        hessian = gauss + distances.gram(x, bend)
        gradient = slope.T @ pull
        step = -solve_symmetric(hessian, gradient)
        if gradient @ step > 0.0 or np.linalg.eigvalsh(hessian)[0] < -1e-9 * np.abs(hessian).max():
            step = -solve_symmetric(gauss, gradient)
        if np.abs(step).max() <= _CLOSE * (1.0 + np.abs(b).max()):
            return _Minimum(b + step, value, pull, combination, hessian, iteration)
        size = 1.0
        while size > _STALLED:
            ahead = _moments(x, mass, heard, weighting, b + size * step)
            if ahead[0] <= value + 1e-4 * size * (gradient @ step):
                break
            size /= 2.0
        else:
            break
        b = b + size * step
        value, g, p = ahead
    raise ConvergenceError(
        f"The balancing response model stopped after {iteration + 1} iterations at a criterion of {value:.6g}. "
        "Look for people who were hardly ever heard, or use estimator='cbps' or 'logistic'.",
        code="balancing_not_converged", argument="estimator", value=value, iterations=iteration + 1,
    )


def _moments(x: Matrix, mass: Floats, heard: Flags, weighting: Floats, b: Floats) -> tuple[float, Floats, Floats]:
    """g' W g, g and the probabilities at b."""
    p = special.expit(linear_predictor(x, b))
    residual = np.where(mass > 0.0, mass * (heard - p), 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(mass > 0.0, residual / p, 0.0)
        g = np.concatenate([column_sums(x, residual), column_sums(x, ratio)])
        value = float(g @ weighting @ g)
    return (value if np.isfinite(value) else np.inf), g, p


def _rank(matrix: Floats) -> int:
    scale = np.sqrt(np.where(np.diag(matrix) > 0.0, np.diag(matrix), 1.0))
    values = np.linalg.eigvalsh(matrix / scale[:, None] / scale)
    return int((values > 1e-12 * values.max() * values.size).sum())

