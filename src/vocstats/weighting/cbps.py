"""Covariate balancing propensity scores with more moments than parameters: likelihood score and balance together.

With m the mass, the moments and their covariance given x are, summed over units,

    g(b) = sum m [ (R - p) x ; (R - p) h x ],     S = sum m p (1 - p) [ xx'  h xx' ; h xx'  h^2 xx' ],     h = 1 / p - k,

and b minimises g' W g with W the inverse of S at the logistic fit (two-step generalised method of moments). Balance is k = 0; the
estimator is the same for every k, and the mean of 1 / p keeps S far from singular.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    centre : float
        k.
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
    centre: float
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
        p, q, k = self.probability, self.first.probability, self.centre
        (a, c), (top, bottom) = (x @ half for half in np.split(self.pull, 2)), np.split(self.combination, 2, axis=1)
        r = np.ones_like(p) if contrast else self.heard.astype(float)
        own = -r * (1.0 - p) / p * c
        first, second, before = r.copy(), r * (1.0 / p - k), r.copy()
        if not contrast:
            h = 1.0 / q - k
            expected = q * (1.0 - q) * (a + h * c)
            own += p * (1.0 - p) * (k * c - a)
            first -= p + expected
            second -= 1.0 - k * p + h * expected
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
        h, slope = 1.0 / q - self.centre, -(1.0 - q) / q
        both = a + h * c
        upper = mass * q * (1.0 - q) * ((1.0 - 2.0 * q) * both + slope * c)
        lower = mass * q * (1.0 - q) * ((1.0 - 2.0 * q) * h * both + slope * (both + h * c))
        top, bottom = np.split(self.combination, 2, axis=1)
        return -(top @ distances.gram(x, upper) + bottom @ distances.gram(x, lower))


def fit_balancing(
    x: Matrix, columns: list[Any], heard: Flags, w_in: Floats, counts: Floats, *, start: Floats | None = None
) -> BalancingStep:
    """Two-step generalised method of moments from the logistic fit."""
    first = _polished(fit_response("logistic", x, columns, heard, w_in, counts, start=start))
    mass, q = first.mass, first.probability
    used = mass > 0.0
    centre = float(mass[used] @ (1.0 / q[used]) / mass.sum())
    h = np.divide(1.0, q, out=np.full_like(q, centre), where=used) - centre
    upper, corner, lower = (distances.gram(x, mass * q * (1.0 - q) * h**power) for power in range(3))
    covariance = np.block([[upper, corner], [corner, lower]])
    weighting = solve_symmetric(covariance, np.eye(len(covariance)))
    found = _minimise(x, mass, heard, centre, weighting, first.parameters)
    probability = special.expit(linear_predictor(x, found.parameters))
    effective = float(mass.sum()) / float(mass @ w_in)  # of one unit of mass, Kish
    j = effective * found.value
    df = _rank(covariance) - _rank(upper)
    return BalancingStep(
        name="propensity", first=first, probability=probability, factor=inverse(heard, probability), centre=centre,
        combination=found.combination, pull=found.pull, bread_matrix=found.hessian, j_statistic=j, j_df=df,
        j_p_value=float(special.chdtrc(df, j)) if df else float("nan"), iterations=found.iterations,
    )


def _polished(fit: ModelStep) -> ModelStep:
    """The logistic fit after one more Newton step: its rounding error is multiplied in the moments."""
    score = column_sums(fit.x, np.where(fit.mass > 0.0, fit.mass * (fit.heard - fit.probability), 0.0))
    b = fit.parameters + solve_symmetric(fit.bread(), score)
    probability = special.expit(linear_predictor(fit.x, b))
    return replace(fit, parameters=b, probability=probability, factor=inverse(fit.heard, probability))


@dataclass(frozen=True, slots=True)
class _Minimum:
    parameters: Floats
    value: float
    pull: Floats
    combination: Floats
    hessian: Floats
    iterations: int


def _minimise(x: Matrix, mass: Floats, heard: Flags, centre: float, weighting: Floats, b: Floats) -> _Minimum:
    """Newton's method on half of g' W g, downhill along directions in which it curves the other way."""
    value, g, p = _moments(x, mass, heard, centre, weighting, b)
    for iteration in range(_MAX_ITER):
        inverse_odds, spread = np.where(heard, (1.0 - p) / p, 0.0), p * (1.0 - p)
        slope = -np.vstack([distances.gram(x, mass * spread), distances.gram(x, mass * (inverse_odds - centre * spread))])
        pull, combination = weighting @ g, slope.T @ weighting
        a, c = (linear_predictor(x, half) for half in np.split(pull, 2))
        bend = mass * (inverse_odds * c + spread * (1.0 - 2.0 * p) * (centre * c - a))
        hessian = combination @ slope + distances.gram(x, bend)
        gradient = slope.T @ pull
        step = _downhill(hessian, gradient)
        if np.abs(step).max() <= _CLOSE * (1.0 + np.abs(b).max()):
            return _Minimum(b + step, value, pull, combination, hessian, iteration)
        size = 1.0
        while size > _STALLED:
            ahead = _moments(x, mass, heard, centre, weighting, b + size * step)
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


def _downhill(hessian: Floats, gradient: Floats) -> Floats:
    """Newton's step with the eigenvalues of the scaled curvature taken positive; 0 along directions without any."""
    scale = np.sqrt(np.abs(np.diag(hessian)))
    scale[scale == 0.0] = 1.0
    values, vectors = np.linalg.eigh(hessian / scale[:, None] / scale)
    size = np.abs(values)
    inverse_size = np.divide(1.0, size, out=np.zeros_like(size), where=size > 1e-12 * size.max() * size.size)
    return np.asarray(-(vectors @ (inverse_size * (vectors.T @ (gradient / scale)))) / scale)


def _moments(x: Matrix, mass: Floats, heard: Flags, centre: float, weighting: Floats, b: Floats) -> tuple[float, Floats, Floats]:
    """g' W g, g and the probabilities at b."""
    p = special.expit(linear_predictor(x, b))
    residual = np.where(mass > 0.0, mass * (heard - p), 0.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.where(mass > 0.0, residual * (1.0 / p - centre), 0.0)
        g = np.concatenate([column_sums(x, residual), column_sums(x, ratio)])
        value = float(g @ weighting @ g)
    return (value if np.isfinite(value) else np.inf), g, p


def _rank(matrix: Floats) -> int:
    scale = np.sqrt(np.where(np.diag(matrix) > 0.0, np.diag(matrix), 1.0))
    values = np.linalg.eigvalsh(matrix / scale[:, None] / scale)
    return int((values > 1e-12 * values.max() * values.size).sum())

