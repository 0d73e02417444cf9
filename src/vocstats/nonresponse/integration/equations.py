"""Estimating equations: a damped Newton solver, and how an estimate leans on parameters estimated by them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...errors import ConvergenceError
from ...results import Floats

_TOL, _MAX_ITER, _SMALLEST = 1e-10, 100, 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fit:
    """Parameters theta that solve Σ_A c s(i) + Σ_B d s(j) = 0.

    Attributes
    ----------
    parameters : float array (q,)
    sample_score, reference_score : float arrays (n, q), (m, q)
        s of one unit of the sample, and of the reference.
    bread : float array (q, q)
        Minus the derivative of the summed scores to theta.
    """

    parameters: Floats
    sample_score: Floats
    reference_score: Floats
    bread: Floats

    def influence(self, gradient: Floats) -> tuple[Floats, Floats]:
        """Influence of one unit of sample and reference on figures with derivative `gradient` (q, k) to theta, through theta.

        theta^ - theta = bread^-1 Σ s, so a unit moves the figure by gradient' bread^-1 s.
        """
        carried = np.linalg.lstsq(self.bread.T, gradient, rcond=1e-12)[0]
        return self.sample_score @ carried, self.reference_score @ carried


def solve(equations: Callable[[Floats], tuple[Floats, Floats]], start: Floats, scale: Floats, what: str) -> Floats:
    """The root of `equations`, which give the sums and their derivative; errors are relative to `scale`."""
    theta, scale = start, np.where(scale > 0, scale, 1.0)  # the column of a level nobody bears is 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        value, derivative = equations(theta)
        for _ in range(_MAX_ITER):
            error = _error(value, scale)
            if error <= _TOL or not np.isfinite(derivative).all():
                break
            step = np.linalg.lstsq(derivative, -value, rcond=1e-12)[0]
            size = 1.0
            while size > _SMALLEST:
                trial = equations(theta + size * step)
                if _error(trial[0], scale) < (1.0 - 1e-4 * size) * error:
                    break
                size /= 2.0
            else:
                break
            theta = theta + size * step
            value, derivative = trial
    error = _error(value, scale)
    if not error <= 1e2 * _TOL:
        raise ConvergenceError(
            f"The {what} stopped at a relative error of {error:.3g}. Sample and reference may hardly overlap: merge rare levels, leave "
            "columns out, or use another link or other equations.",
            code="integration_not_converged", argument="x", what=what, error=error,
        )
    return theta


def gram(x: Floats, weight: Floats) -> Floats:
    """``x' diag(weight) x``."""
    return np.asarray(x.T @ (x * weight[:, None])) if weight.any() else np.zeros((x.shape[1],) * 2)


def _error(value: Floats, scale: Floats) -> float:
    return float(np.sqrt(np.mean((value / scale) ** 2)))
