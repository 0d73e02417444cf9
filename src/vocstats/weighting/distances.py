"""How a calibration factor depends on its linear predictor, with bounds; and Newton's method on the dual problem.

Calibration minimises ``sum(mass * G(g))`` under ``x' (mass * g) = totals``. Its dual is the convex, unconstrained problem

    minimise  sum(mass * P(x b)) - totals' b + b' diag(ridge) b / 2,        P' = F,   g = F(x b)

where F is the inverse of G' (Deville & Särndal 1992, JASA 87, section 2). Bounds on g turn F into a clipped F.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from .._numerics import solve_symmetric
from .chain import Floats
from .indicators import Indicators

_STALLED = 1e-14
_REUSE = 0.1
_EVEN = 1e-12  # slopes within rounding of 1
_WIDE = 2_048  # columns of a sparse matrix up to which a square of them is dense
_BLOCK = 1 << 16  # entries of a dense x worked on at once: they and their products stay in the processor's cache

Curve = tuple[Floats, Floats, Floats]  # F, its derivative and its integral P, at the same points


@dataclass(frozen=True, slots=True)
class Shape:
    """F, its derivative and its integral P as functions of the linear predictor eta, inside [low, high]; linear outside."""

    curve: Callable[[Floats], Curve]
    low: Floats | float = -np.inf
    high: Floats | float = np.inf

    def evaluate(self, eta: Floats, rows: slice = slice(None)) -> Curve:
        """F, F' and P at `eta`, the linear predictor of `rows`."""
        low, high = (bound[rows] if isinstance(bound, np.ndarray) and bound.ndim else bound for bound in (self.low, self.high))
        with np.errstate(over="ignore", invalid="ignore"):
            inner = np.clip(eta, low, high)
            factor, slope, integral = self.curve(inner)
            outside = inner != eta
            if outside.any():
                integral = np.where(outside, integral + factor * (eta - inner), integral)
                slope = np.where(outside, 0.0, slope)
            return factor, slope, integral


def linear(low: Any = -np.inf, high: Any = np.inf) -> Shape:
    """F = 1 + eta, kept inside [low, high]."""
    return Shape(lambda e: (1.0 + e, np.ones_like(e), e + e * e / 2.0), np.subtract(low, 1.0), np.subtract(high, 1.0))


def raking(low: Any = 0.0, high: Any = np.inf) -> Shape:
    """F = exp(eta), kept inside [low, high]."""

    def curve(eta: Floats) -> Curve:
        factor = np.exp(eta)
        return factor, factor, factor

    with np.errstate(divide="ignore"):
        return Shape(curve, np.log(low), np.log(high))


def logit(low: float, high: float) -> Shape:
    """F = [L(U-1) + U(1-L) exp(A eta)] / [(U-1) + (1-L) exp(A eta)], A = (U-L) / ((1-L)(U-1))."""
    a = (high - low) / ((1.0 - low) * (high - 1.0))
    shift = np.log((1.0 - low) / (high - 1.0))

    def curve(eta: Floats) -> Curve:
        share, slope, integral = logistic(a * eta + shift)
        return low + (high - low) * share, (high - low) * a * slope, low * eta + (high - low) / a * integral

    return Shape(curve)


def logistic(eta: Floats) -> Curve:
    """F = 1 / (1 + exp(-eta)), from one exponential that never overflows."""
    small = np.exp(-np.abs(eta))
    upper = 1.0 / (1.0 + small)  # the larger of F(eta) and F(-eta)
    lower = small * upper
    return np.where(eta >= 0.0, upper, lower), upper * lower, np.maximum(eta, 0.0) + np.log1p(small)


@dataclass(frozen=True, slots=True)
class Dual:
    """Where Newton's method ended: parameters, factors, F', misses of the totals, largest relative error of the dual equations."""

    parameters: Floats
    factor: Floats
    slope: Floats
    missed: Floats
    error: float
    iterations: int


def minimise(
    x: Any, mass: Floats, totals: Floats, shape: Shape, *, scale: Floats, ridge: Floats | float = 0.0,
    start: Floats | None = None, cross: Floats | None = None, curvature: Floats | None = None, tol: float, max_iter: int,
) -> Dual:
    """Damped Newton on the dual; errors are relative to `scale`. Never raises: the caller judges what was reached.

    `cross`, where known, is ``x' diag(mass) x``: the curvature wherever every slope is 1. `curvature`, where given, is about the
    second derivative near `start`: it, and later exact ones, are used again for as long as each step leaves a tenth of the error.
    """
    b = np.zeros(totals.size) if start is None else start.copy()
    penalty = np.broadcast_to(ridge, b.shape)
    value, missed, factor, slope = _state(x, mass, totals, shape, b, penalty)
    iteration, before = 0, np.inf
    reuse, hessian = (0.0 if curvature is None else _REUSE), curvature
    while True:
        gradient = missed + penalty * b
        error = float(np.abs(gradient / scale).max())
        if error <= tol or iteration >= max_iter:
            break
        if hessian is None or error > reuse * before:
            even = cross is not None and (np.abs(slope - 1.0) < _EVEN).all()
            hessian = np.array(cross) if even else _curvature(x, mass, factor, slope, error)
            hessian[np.diag_indices_from(hessian)] += penalty
        before = error
        step = -solve_symmetric(hessian, gradient)
        size = 1.0
        while size > _STALLED:
            ahead = b + size * step
            trial = _state(x, mass, totals, shape, ahead, penalty)
            enough = trial[0] <= value + 1e-4 * size * (gradient @ step)
            if enough or float(np.abs((trial[1] + penalty * ahead) / scale).max()) < 0.5 * error:
                break
            size /= 2.0
        else:
            break
        b = ahead
        value, missed, factor, slope = trial
        iteration += 1
    return Dual(b, factor, slope, missed, error, iteration)


def _state(
    x: Any, mass: Floats, totals: Floats, shape: Shape, b: Floats, penalty: Floats
) -> tuple[float, Floats, Floats, Floats]:
    """Value of the dual at b, ``x' (mass * F) - totals``, F and F', in one pass over x."""
    value, reached = 0.0, np.zeros(b.size)
    factor, slope = np.empty((2, mass.size))
    begun = bool(b.any())
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in blocks(x):
            part = x[rows]
            eta = np.asarray(part @ b) if begun else np.zeros(part.shape[0])
            factor[rows], slope[rows], integral = shape.evaluate(eta, rows)
            value += float(mass[rows] @ integral)
            reached += part.T @ (mass[rows] * factor[rows])
    value += float(penalty @ (b * b)) / 2.0 - float(totals @ b)
    return (value if np.isfinite(value) else np.inf), reached - totals, factor, slope


def _curvature(x: Any, mass: Floats, factor: Floats, slope: Floats, error: float) -> Floats:
    clipped = slope == 0.0  # a little curvature there keeps the steps finite; it vanishes as the error does
    return gram(x, mass * np.where(clipped, min(error, 0.1) * factor, slope)) if clipped.any() else gram(x, mass * slope)


def blocks(x: Any) -> Iterator[slice]:
    """Runs of rows of x that fit the cache when written out; all rows of a sparse x."""
    n, p = x.shape
    size = max(n, 1) if sparse.issparse(x) else max(_BLOCK // max(p, 1), 256)
    return (slice(start, start + size) for start in range(0, n, size))


def scaled(x: Any, weights: Floats) -> Any:
    """``diag(weights) @ x``."""
    if isinstance(x, Indicators):
        return x.scaled(weights)
    if isinstance(x, np.ndarray):
        return x * weights[:, None]
    rows = x.tocsr()
    return sparse.csr_array((rows.data * np.repeat(weights, np.diff(rows.indptr)), rows.indices, rows.indptr), shape=rows.shape)


def gram(x: Any, weights: Floats) -> Floats:
    """``x' diag(weights) x`` as a dense array."""
    if isinstance(x, Indicators):
        return x.gram(weights)
    if sparse.issparse(x):
        rows: Any = x
        return np.asarray((rows.T @ scaled(rows, weights)).toarray())
    product = np.zeros((x.shape[1], x.shape[1]))
    signed = bool((weights < 0.0).any())
    side = weights if signed else np.sqrt(weights)  # y' y with y = sqrt(weights) x takes half the multiplications
    for run in blocks(x):
        written = x[run]
        part = scaled(written, side[run])
        product += (written if signed else part).T @ part
    return product


def products(x: Any, weights: Floats) -> Any:
    """`gram`, left sparse where x is sparse and so wide that a dense square might not fit."""
    if isinstance(x, np.ndarray) or x.shape[1] <= _WIDE:
        return gram(x, weights)
    rows = x.tocsr()
    return (rows.T @ scaled(rows, weights)).tocsr()


def cross(x: Any, z: Any, weights: Floats) -> Floats:
    """``x' diag(weights) z`` as a dense array."""
    left, right = (side.tocsr() if isinstance(side, Indicators) else side for side in (x, z))
    product = left.T @ scaled(right, weights)
    return np.asarray(product if isinstance(product, np.ndarray) else product.toarray())
