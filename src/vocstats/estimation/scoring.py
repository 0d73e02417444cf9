"""Maximum pseudo-likelihood: estimating equations of a model, solved by damped Newton or Fisher scoring on any mass of the rows."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .._checks import Floats
from ..errors import ConvergenceError, IdentificationError, shown
from ..weighting.separation import separating
from .coding import collinear

_TOL, _MAX_ITER, _STALLED = 1e-11, 100, 1e-10  # errors relative to the sum of the absolute terms of each equation


class Equations(Protocol):
    """Rows whose parameters, called `names`, solve sum(mass * score) = 0.

    `loss` is what the solution minimises, `equations` the summed scores and the sums of their absolute terms, `bread` minus their
    expected or observed derivative, `extreme` whether the fit is so sure of some rows that parameters may be infinite, and
    `ordering` the rows and sides of the linear programme that finds out.
    """

    @property
    def names(self) -> tuple[str, ...]: ...
    def start(self, mass: Floats) -> Floats: ...
    def loss(self, parameters: Floats, mass: Floats) -> float: ...
    def equations(self, parameters: Floats, mass: Floats) -> tuple[Floats, Floats]: ...
    def bread(self, parameters: Floats, mass: Floats) -> Floats: ...
    def extreme(self, parameters: Floats, mass: Floats) -> bool: ...
    def ordering(self) -> tuple[Floats, Floats]: ...


class Model(Equations, Protocol):
    """Equations of a regression: `x` and `columns` are the predictors, an intercept first, `score` the scores of each row."""

    @property
    def x(self) -> Floats: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    def score(self, parameters: Floats) -> Floats: ...


def solve(model: Model, mass: Floats, *, start: Floats | None = None) -> Floats:
    """Parameters at which the summed scores vanish.

    Parameters
    ----------
    model : Model
        Rows and their scores.
    mass : float array (n,)
        What each row stands for.
    start : float array (k,), optional
        Where to begin; None: the model's own start.

    Returns
    -------
    float array (k,)
        Parameters.

    Raises
    ------
    IdentificationError
        Columns are collinear, or a combination of them separates the outcomes.
    ConvergenceError
        The tolerance was not reached.
    """
    dependent = collinear(model.x, mass, model.columns)
    if dependent:
        raise IdentificationError(
            f"Columns {shown(dependent)} of x are combinations of other columns (the intercept among them): their effects cannot be told "
            "apart. Leave them out.",
            code="collinear", argument="x", levels=dependent,
        )
    return root(model, mass, start=start)


def root(model: Equations, mass: Floats, *, start: Floats | None = None) -> Floats:
    """What `solve` does once no column is known to be collinear."""
    b = model.start(mass) if start is None else start
    error = np.inf
    for _ in range(_MAX_ITER):
        gradient, magnitude = model.equations(b, mass)
        error = float(np.abs(gradient / np.maximum(magnitude, 1e-300)).max())
        if error <= _TOL:
            break
        step = solved(model.bread(b, mass), gradient)
        loss, size = model.loss(b, mass), 1.0
        while size > _STALLED and not model.loss(b + size * step, mass) <= loss + 1e-10 * abs(loss):
            size /= 2.0
        if size <= _STALLED:
            break
        b = b + size * step
    if not error <= _TOL or model.extreme(b, mass):
        _explain(model, mass, error)
    return b


def solved(bread: Floats, right: Floats) -> Floats:
    """bread^-1 right, its diagonal scaled to 1 first."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(bread), 1e-300))
    factors = scale if right.ndim == 1 else scale[:, None]
    try:
        return np.asarray(factors * np.linalg.solve(bread * scale[:, None] * scale, factors * right))
    except np.linalg.LinAlgError:
        return np.full_like(right, np.nan)


def _explain(model: Equations, mass: Floats, error: float) -> None:
    """Raise for separation or missing convergence."""
    rows, sides = model.ordering()
    every = np.tile(mass > 0, len(rows) // mass.size)
    apart = separating(rows[every], sides[every])
    names = [column for column, flag in zip(model.names, apart, strict=True) if flag]
    if apart.any():
        raise IdentificationError(
            f"A combination of {shown(names)} predicts the outcome of some rows for certain, so its effect is infinite. "
            "Merge levels or leave a column out.",
            code="separated_outcome", argument="x", levels=names,
        )
    if not error <= _TOL:
        raise ConvergenceError(
            f"The regression stopped at a relative error of {error:.3g}. Look for columns of very different size or nearly the same "
            "content, or choose another link.",
            code="regression_not_converged", argument="x", error=error,
        )
