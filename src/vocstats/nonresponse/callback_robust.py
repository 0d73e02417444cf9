"""The doubly robust form: totals told by every attempt, with regressions of what those not heard by then would have said.

For a column v, η_k the log odds of an answer at attempt k (with score part u γ), and m_k the regression of v on x among those heard
at k, weighted by exp(-u γ), which is that of those not heard by then:

    T_k(v) = Σ [1(heard by k) v + r_k exp(-η_k) (v - m_k) + 1(not heard by k) m_k]

has the expectation of Σ v where the response model is right or m_k is, if γ is. γ solves Σ_{k>1} (T_k(u) - T_1(u)) = 0, the
coefficients of x those of inverse probability weighting, and the mean of v is T_K(v) over everybody, K the last attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from .._checks import Floats
from .._numerics import sums_by
from ..errors import IdentificationError
from .callback_data import Calls
from .callback_weights import begun, equation_scale, hazards, newton, refuse_certain, weighting_equations


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RobustFit:
    """Means of the columns, parameters, and what each unit adds to both, (n, columns) and (n, parameters)."""

    means: Floats
    parameters: Floats
    influence: Floats
    parameter_influence: Floats
    iterations: int


def fit_robust(calls: Calls, mass: Floats, values: Floats) -> RobustFit:
    """Solve all equations at once, on distinct rows; `values` (n, columns) are 0 where never heard."""
    distinct, first, place = np.unique(
        np.column_stack([calls.attempt, calls.x, calls.u, values]), axis=0, return_index=True, return_inverse=True
    )
    few = replace(calls, y=calls.y[first], attempt=calls.attempt[first], x=calls.x[first], u=calls.u[first])
    fitted = _fitted(few, sums_by(place, mass, len(distinct)), values[first])
    return replace(fitted, influence=fitted.influence[place], parameter_influence=fitted.parameter_influence[place])


def _fitted(calls: Calls, mass: Floats, values: Floats) -> RobustFit:
    columns = np.hstack([calls.u, values])
    x = np.hstack([np.ones((mass.size, 1)), calls.x])
    scale, p, q = equation_scale(calls, mass), calls.parameters, calls.u.shape[1]

    def missed(theta: Floats) -> Floats:
        totals = _totals(calls, theta, columns, x, _regressions(calls, mass, theta, columns, x))
        return np.asarray(mass @ _equations(calls, theta, totals) / scale)

    theta, rounds = newton(missed, lambda at: -differences(missed, at), begun(calls, mass))
    refuse_certain(calls, mass, theta)
    regressions = _regressions(calls, mass, theta, columns, x)
    shape = regressions.shape

    def stacked(at: Floats) -> Floats:
        """Equations of the parameters and the regressions, and totals at the last attempt, by unit."""
        theta, regressions = at[:p], at[p:].reshape(shape)
        totals = _totals(calls, theta, columns, x, regressions)
        weights = _tilts(calls, theta)
        residuals = weights[:, :, None] * (columns[:, None, :] - np.einsum("ij,kjc->ikc", x, regressions))
        normal = np.einsum("ij,ikc->ikjc", x, residuals).reshape(mass.size, -1)
        return np.hstack([_equations(calls, theta, totals), normal, totals[:, -1, q:]])

    at = np.concatenate([theta, regressions.ravel()])
    each = stacked(at)
    slopes = differences(lambda there: mass @ stacked(there), at)
    size, total = at.size, float(mass.sum())
    means = mass @ each[:, size:] / total
    moved = each[:, :size] @ np.linalg.inv(-slopes[:size]).T
    influence = (each[:, size:] - means + moved @ slopes[size:].T) / total
    return RobustFit(means=means, parameters=theta, influence=influence, parameter_influence=moved[:, :p], iterations=rounds)


def differences(function: Callable[[Floats], Floats], at: Floats) -> Floats:
    """Derivative by central differences, (outputs, parameters)."""
    steps = 1e-5 * np.maximum(np.abs(at), 0.1)
    ways = np.diag(steps)
    return np.column_stack([(function(at + way) - function(at - way)) / (2.0 * step) for step, way in zip(steps, ways, strict=True)])


def _tilts(calls: Calls, theta: Floats) -> Floats:
    """exp(-u γ) of those heard at each attempt, (n, attempts)."""
    gamma = theta[calls.attempts + calls.x.shape[1] :]
    return np.where(calls.attempt[:, None] == np.arange(1, calls.attempts + 1), np.exp(-(calls.u @ gamma))[:, None], 0.0)


def _regressions(calls: Calls, mass: Floats, theta: Floats, columns: Floats, x: Floats) -> Floats:
    """Coefficients of x by attempt, (attempts, x, columns)."""
    found = []
    for k, weight in enumerate((_tilts(calls, theta) * mass[:, None]).T, 1):
        gram = (x.T * weight) @ x
        if np.linalg.matrix_rank(gram, hermitian=True) < x.shape[1]:
            raise IdentificationError(
                f"Those heard at attempt {k} do not tell the columns of x apart, so no regression among them speaks for those not "
                "heard. Leave columns out, merge levels or attempts, or use model='weighting'.",
                code="callback_regression", argument="x", levels=[k],
            )
        found.append(np.linalg.solve(gram, (x.T * weight) @ columns))
    return np.array(found)


def _totals(calls: Calls, theta: Floats, columns: Floats, x: Floats, regressions: Floats) -> Floats:
    """What every unit adds to T_k, (n, attempts, columns)."""
    k, h = np.arange(1, calls.attempts + 1), hazards(calls, theta)
    at, by = calls.attempt[:, None] == k, calls.heard[:, None] & (calls.attempt[:, None] <= k)
    odds = np.where(at, 1.0 / h - 1.0, 0.0)
    fitted = np.einsum("ij,kjc->ikc", x, regressions)
    return np.asarray((by + odds)[:, :, None] * columns[:, None, :] + (~by - odds)[:, :, None] * fitted)


def _equations(calls: Calls, theta: Floats, totals: Floats) -> Floats:
    """Those of inverse probability weighting, the score's from the totals."""
    q = calls.u.shape[1]
    spread = totals[:, 1:, :q].sum(axis=1) - (calls.attempts - 1) * totals[:, 0, :q]
    return np.hstack([weighting_equations(calls, hazards(calls, theta), calls.attempt)[:, :-q], spread])
