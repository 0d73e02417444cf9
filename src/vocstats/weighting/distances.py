"""How a calibration factor depends on its linear predictor, with bounds; and Newton's method on the dual problem.

Calibration minimises ``sum(mass * G(g))`` under ``x' (mass * g) = totals``. Its dual is the convex, unconstrained problem

    minimise  sum(mass * P(x b)) - totals' b + b' diag(ridge) b / 2,        P' = F,   g = F(x b)

where F is the inverse of G' (Deville & Särndal 1992, JASA 87, section 2). Bounds on g turn F into a clipped F.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from .._numerics import solve_symmetric
from .chain import Floats

_STALLED = 1e-14


@dataclass(frozen=True, slots=True)
class Shape:
    """F, its derivative and its integral P as functions of the linear predictor eta, inside [low, high]; linear outside."""

    factor: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    integral: Callable[[Floats], Floats]
    low: Floats | float = -np.inf
    high: Floats | float = np.inf

    def evaluate(self, eta: Floats) -> tuple[Floats, Floats, Floats]:
        """F, F' and P at `eta`."""
        with np.errstate(over="ignore", invalid="ignore"):
            inner = np.clip(eta, self.low, self.high)
            factor, slope, integral = self.factor(inner), self.slope(inner), self.integral(inner)
            outside = inner != eta
            if outside.any():
                integral = np.where(outside, integral + factor * (eta - inner), integral)
                slope = np.where(outside, 0.0, slope)
            return factor, slope, integral


def linear(low: Any = -np.inf, high: Any = np.inf) -> Shape:
    """F = 1 + eta, kept inside [low, high]."""
    return Shape(lambda e: 1.0 + e, np.ones_like, lambda e: e + e * e / 2.0, np.subtract(low, 1.0), np.subtract(high, 1.0))


def raking(low: Any = 0.0, high: Any = np.inf) -> Shape:
    """F = exp(eta), kept inside [low, high]."""
    with np.errstate(divide="ignore"):
        return Shape(np.exp, np.exp, np.exp, np.log(low), np.log(high))


def logit(low: float, high: float) -> Shape:
    """F = [L(U-1) + U(1-L) exp(A eta)] / [(U-1) + (1-L) exp(A eta)], A = (U-L) / ((1-L)(U-1))."""
    a = (high - low) / ((1.0 - low) * (high - 1.0))

    def share(eta: Floats) -> Floats:
        return np.asarray(1.0 / (1.0 + (high - 1.0) / (1.0 - low) * np.exp(-a * eta)))

    def integral(eta: Floats) -> Floats:
        return np.asarray(low * eta + (high - low) / a * np.logaddexp(np.log(high - 1.0), np.log(1.0 - low) + a * eta))

    return Shape(
        lambda e: low + (high - low) * share(e), lambda e: (high - low) * a * share(e) * (1.0 - share(e)), integral
    )


@dataclass(frozen=True, slots=True)
class Dual:
    """Where Newton's method ended: parameters, factors, F' and the largest relative error of the dual equations."""

    parameters: Floats
    factor: Floats
    slope: Floats
    error: float
    iterations: int


def minimise(
    x: Any, mass: Floats, totals: Floats, shape: Shape, *, scale: Floats, ridge: Floats | float = 0.0,
    start: Floats | None = None, tol: float, max_iter: int,
) -> Dual:
    """Damped Newton on the dual; errors are relative to `scale`. Never raises: the caller judges what was reached."""
    b = np.zeros(totals.size) if start is None else start.copy()
    penalty = np.broadcast_to(ridge, b.shape)

    def state(b: Floats) -> tuple[float, Floats, Floats, Floats]:
        factor, slope, integral = shape.evaluate(np.asarray(x @ b))
        with np.errstate(over="ignore", invalid="ignore"):
            value = float(mass @ integral - totals @ b + penalty @ (b * b) / 2.0)
        return (value if np.isfinite(value) else np.inf), np.asarray(x.T @ (mass * factor) - totals + penalty * b), factor, slope

    value, gradient, factor, slope = state(b)
    iteration = 0
    while iteration < max_iter:
        error = float(np.abs(gradient / scale).max())
        if error <= tol:
            break
        clipped = slope == 0.0  # a little curvature there keeps the steps finite; it vanishes as the error does
        hessian = gram(x, mass * np.where(clipped, min(error, 0.1) * factor, slope)) if clipped.any() else gram(x, mass * slope)
        hessian[np.diag_indices_from(hessian)] += penalty
        step = -solve_symmetric(hessian, gradient)
        size = 1.0
        while size > _STALLED:
            trial = state(b + size * step)
            if trial[0] <= value + 1e-4 * size * (gradient @ step) or float(np.abs(trial[1] / scale).max()) < 0.5 * error:
                break
            size /= 2.0
        else:
            break
        b = b + size * step
        value, gradient, factor, slope = trial
        iteration += 1
    return Dual(b, factor, slope, float(np.abs(gradient / scale).max()), iteration)


def scaled(x: Any, weights: Floats) -> Any:
    """``diag(weights) @ x`` for a dense or sparse x."""
    if isinstance(x, np.ndarray):
        return x * weights[:, None]
    rows = x.tocsr()
    return sparse.csr_array((rows.data * np.repeat(weights, np.diff(rows.indptr)), rows.indices, rows.indptr), shape=rows.shape)


def gram(x: Any, weights: Floats) -> Floats:
    """``x' diag(weights) x`` as a dense array."""
    product = x.T @ scaled(x, weights)
    return product if isinstance(product, np.ndarray) else np.asarray(product.toarray())

