"""Maximum pseudo-likelihood: estimating equations of a model, solved by damped Newton or Fisher scoring on any mass of the rows."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .._checks import Floats
from ..errors import ConvergenceError, IdentificationError, shown
from .coding import collinear

_TOL, _MAX_ITER, _STALLED = 1e-11, 100, 1e-10  # errors relative to the sum of the absolute terms of each equation


class Model(Protocol):
    """Rows of a model whose parameters solve sum(mass * score) = 0.

    `x` and `columns` are the predictors, an intercept first, `names` those of the parameters; `loss` is what the solution
    minimises, `equations` the summed scores and the sums of their absolute terms, `bread` minus their expected or observed
    derivative, `score` those of each row, `extreme` whether the fit is so sure of some rows that parameters may be infinite,
    and `ordering` the rows and sides of the linear programme that finds out.
    """

    @property
    def x(self) -> Floats: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    def start(self, mass: Floats) -> Floats: ...
    def loss(self, parameters: Floats, mass: Floats) -> float: ...
    def equations(self, parameters: Floats, mass: Floats) -> tuple[Floats, Floats]: ...
    def bread(self, parameters: Floats, mass: Floats) -> Floats: ...
    def score(self, parameters: Floats) -> Floats: ...
    def extreme(self, parameters: Floats, mass: Floats) -> bool: ...
    def ordering(self) -> tuple[Floats, Floats]: ...


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


def _explain(model: Model, mass: Floats, error: float) -> None:
    """Raise for separation or missing convergence."""
    rows, sides = model.ordering()
    every = np.tile(mass > 0, len(rows) // mass.size)
    apart = _separating(rows[every], sides[every])
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


def _separating(rows: Floats, side: Floats) -> npt.NDArray[np.bool_]:
    """Columns of a combination that is >= 0 on rows of side 1, <= 0 on those of side -1 and 0 on those of side 0, but not 0 throughout.

    The linear programme of Konis (2007), section 4.2, maximises the sum over the sided rows; 0 means that there is none.
    """
    from scipy import optimize

    programme: Any = optimize.linprog
    scaled = rows / np.maximum(np.abs(rows).max(axis=0, initial=0.0), 1e-300)
    sided = np.unique(side[side != 0][:, None] * scaled[side != 0], axis=0)
    if not len(sided):
        return np.zeros(rows.shape[1], bool)
    level = np.unique(scaled[side == 0], axis=0)
    fixed = {"A_eq": sparse.csr_array(level), "b_eq": np.zeros(len(level))} if len(level) else {}
    solution = programme(-sided.sum(axis=0), A_ub=-sided, b_ub=np.zeros(len(sided)), **fixed, bounds=(-1.0, 1.0), method="highs")
    if solution.x is None or -solution.fun < 1e-6:
        return np.zeros(rows.shape[1], bool)
    return np.asarray(np.abs(solution.x) > 1e-6)
