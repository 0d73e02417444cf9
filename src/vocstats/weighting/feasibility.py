"""Why a calibration failed: which totals no weights within the bounds can meet, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from .._checks import number
from ..errors import ConvergenceError, InfeasibleError, InputError
from .chain import Floats

_SLACK = 1e-6  # relative miss below which a total counts as within reach: ten times the solver's own tolerance


@dataclass(frozen=True, slots=True)
class Verdict:
    """A calibration problem: ``x' (mass * g) = totals`` with g inside the bounds (numbers, or one per row)."""

    name: str
    x: Any
    mass: Floats
    totals: Floats
    labels: list[Any]
    bounds: tuple[Any, Any]

    def missed(self) -> Floats:
        """Total reached minus target, under the weights that miss the targets by the smallest sum of relative errors."""
        from scipy import optimize, sparse

        scale = np.maximum(np.abs(self.totals), np.abs(self.x).T @ np.abs(self.mass))
        matrix: Any = sparse.csr_array(self.x)
        constraint: Any = sparse.diags_array(1.0 / scale) @ matrix.T @ sparse.diags_array(self.mass)
        p, n = constraint.shape
        eye = sparse.eye_array(p)
        low, high = (np.broadcast_to(np.asarray(bound, float), n) for bound in self.bounds)
        solve: Any = optimize.linprog
        solution = solve(
            np.concatenate([np.zeros(n), np.ones(2 * p)]), A_eq=sparse.hstack([constraint, -eye, eye]).tocsc(), b_eq=self.totals / scale,
            bounds=np.concatenate([np.column_stack([low, high]), np.tile([0.0, np.inf], (2 * p, 1))]), method="highs",
        )
        if solution.x is None:
            return np.zeros(p)
        over, under = solution.x[n : n + p], solution.x[n + p :]
        missed = over - under
        return np.where(np.abs(missed) > _SLACK, missed * scale, 0.0)


def refuse(problem: Verdict, *, error: float, iterations: int, tol: float) -> NoReturn:
    """Raise `InfeasibleError` naming the totals out of reach, or `ConvergenceError` if all are within reach."""
    missed = problem.missed()
    wrong = np.flatnonzero(missed)
    if wrong.size:
        levels = [problem.labels[j] for j in wrong]
        nearest = problem.totals + missed
        listed = "; ".join(f"{_said(problem.labels[j])}: {problem.totals[j]:.6g} / {nearest[j]:.6g}" for j in wrong[:10])
        low, high = problem.bounds
        cut = " between the floor and the cap" if np.any(low) else " under the cap"
        limits = f" with factors from {low:g} to {high:g}" if np.ndim(low) == np.ndim(high) == 0 else cut
        raise InfeasibleError(
            f"{problem.name}: no weights of those heard{limits} meet all totals. "
            f"Missed, at the least (target / nearest that can be reached): {listed}. "
            "Correct these totals, merge levels, widen the bounds or relax the targets (calibrate, penalty=).",
            code="totals_out_of_reach", argument="targets", levels=levels, name=problem.name, listed=listed,
            missed={_said(problem.labels[j]): float(missed[j]) for j in wrong},
        )
    raise ConvergenceError(
        f"{problem.name}: the largest relative error of a total is {error:.3g} after {iterations} iterations; tol is {tol:.3g}. "
        "Raise max_iter or tol; very uneven targets may need merged levels.",
        code="not_converged", argument="tol", name=problem.name, error=error, iterations=iterations, tol=tol,
    )


def factor_bounds(bounds: Any) -> tuple[float, float] | None:
    """`bounds` as (low, high) with 0 <= low < high, or None."""
    if bounds is None:
        return None
    try:
        low, high = bounds
    except (TypeError, ValueError):
        raise InputError(f"bounds must be (low, high); got {bounds!r}.", code="not_a_pair", argument="bounds", value=repr(bounds)) from None
    first = number(low, "bounds[0]", low=0.0)
    return first, number(high, "bounds[1]", low=first, open_low=True)


def _said(label: Any) -> str:
    return f"{label[0]} = {label[1]}" if isinstance(label, tuple) else str(label)
