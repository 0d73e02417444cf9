"""Raking: weights whose margins equal known totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import number, whole
from .._numerics import sums_by
from . import distances
from .chain import Floats, Matrix, Weights, begin, times
from .feasibility import Verdict, factor_bounds, refuse
from .labels import Codes
from .margins import Margins, collapse
from .proportional_fitting import INNER, fit_replicates

_SWEEPS = 50  # of proportional fitting before Newton's method takes over: enough unless margins are strongly associated
_FEW = 10_000  # cells for which a Newton step costs less than a few sweeps over the rows
_NEAR, _EXACT = 1e-2, 1e-12  # there, sweeps stop early and Newton's method runs to rounding error: results do not depend on the path
_NEWTON = 200  # steps of Newton's method: where these do not suffice the targets are out of reach


def rake(
    margins: Any,
    targets: Any,
    *,
    base_weights: Weights | npt.ArrayLike | None = None,
    counts: npt.ArrayLike | None = None,
    bounds: tuple[float, float] | None = None,
    tol: float = 1e-8,
    max_iter: int = 1000,
) -> Weights:
    """Scale weights until the total of every level of every margin equals its target.

    The weights ``w = d * prod_j f_j[level of margin j]`` closest to the base weights d in the raking distance
    ``sum(w log(w / d) - w + d)``, with ``sum(counts * w)`` over each level equal to its target.

    Parameters
    ----------
    margins : mapping or dataframe
        {name: column of labels}, one row per unit or cell, heard or not. Labels of any type; crossed margins are columns of
        combined labels.
    targets : mapping
        {name: {level: total}}; a Series, or an array of totals for levels 0, 1, ..., serves as well. All margins add up to
        the same total; relative differences up to 1e-6 count as rounding and are scaled to the first margin.
    base_weights : Weights or array, optional
        Weights to start from, 0 where nobody was heard (None: 1 everywhere). A `Weights` continues its chain.
    counts : array, optional
        How often each row stands there (None: once). Enters with the first step of a chain.
    bounds : (low, high), optional
        Limits of the factor ``w / d``.
    tol : float
        Largest relative margin error accepted.
    max_iter : int
        Most iterations (sweeps of proportional fitting, then Newton steps).

    Returns
    -------
    Weights
        The chain with this step; ``values`` are exactly 0 where the base weight is 0.

    Raises
    ------
    InputError
        Margins and targets name different columns, a label is missing, or a level that was heard has no target.
    InfeasibleError
        A level with a positive target was not heard, totals conflict, or no weights within `bounds` meet the targets; the
        margins and levels are named.
    ConvergenceError
        `tol` was not reached within `max_iter`; the error reached is stated.

    References
    ----------
    Deming & Stephan (1940), Ann. Math. Stat. 11(4); Deville, Särndal & Sautory (1993), JASA 88, section 3.

    Examples
    --------
    >>> w = rake({"region": ["N", "N", "S"], "new": [0, 1, 1]}, {"region": {"N": 60, "S": 40}, "new": {0: 30, 1: 70}})
    >>> w.values.round(6).tolist()
    [30.0, 30.0, 40.0]
    """
    collapsed = collapse(margins, targets)
    chain = begin(base_weights, counts, collapsed.cell.size)
    step = fit_margins(
        "rake", collapsed, positive_mass(chain, "rake"), bounds=factor_bounds(bounds),
        tol=number(tol, "tol", low=0.0, open_low=True), max_iter=whole(max_iter, "max_iter", low=1),
    )
    return chain.followed_by(step)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MarginStep:
    """Weights scaled so that the totals of label columns hold: raking and, with one margin, post-stratification."""

    name: str
    margins: Margins
    mass: Floats
    factor: Floats
    slope: Floats | None  # derivative of the factor where it is not the factor itself (bounds)
    bounds: tuple[float, float] | None
    tol: float
    max_iter: int
    iterations: int
    error: float

    def gradient(self, *, exact: bool = False) -> Matrix:
        """Indicators of the levels, times F' if `exact`."""
        x = self.margins.matrix
        return x.scaled(self._slope()) if exact else x

    def score(self, *, contrast: bool = False) -> Matrix:
        """Minus the factor times the indicators."""
        return self.margins.matrix.scaled(-self.factor)

    def bread(self, *, exact: bool = False) -> Matrix:
        """Weighted cross products of the indicators."""
        return distances.products(self.margins.matrix, times(self.mass, self._slope()) if exact else self.mass)

    def rerun(self, w_in: Floats, counts: Floats) -> MarginStep:
        """The same targets with other weights and multiplicities."""
        return fit_margins(self.name, self.margins, times(counts, w_in), bounds=self.bounds, tol=self.tol, max_iter=self.max_iter)

    def rerun_many(self, w_in: Floats, counts: Floats) -> Floats:
        """Factors (n, b) of many replicates; those that proportional fitting does not settle are fitted one by one."""
        mass = np.asfortranarray(counts * w_in)
        factor = np.empty(mass.shape, order="F")
        settled = np.zeros(mass.shape[1], bool)
        if self.bounds is None:
            goal, sweeps = _goal(self.margins, self.tol), min(self.max_iter, _SWEEPS)
            settled = fit_replicates(self.margins, mass, goal=goal, sweeps=sweeps, out=factor)
        for j in np.flatnonzero(~settled):
            factor[:, j] = self.rerun(w_in[:, j], counts[:, j]).factor
        return factor

    def details(self) -> dict[str, float]:
        """Iterations and the largest relative margin error."""
        return {"iterations": self.iterations, "error": self.error}

    def _slope(self) -> Floats:
        return self.factor if self.slope is None else self.slope


def fit_margins(
    name: str, margins: Margins, mass: Floats, *, bounds: tuple[float, float] | None, tol: float, max_iter: int
) -> MarginStep:
    """Fit the factors of the levels: proportional fitting on the two-way table, then Newton's method on its cells."""
    table = margins.table(mass)
    margins.check_heard(table)
    slope = None
    goal = _goal(margins, tol)
    sweeps = min(max_iter, _SWEEPS) if bounds is None else 1
    multipliers, sides, iterations, error = _proportional_fitting(margins, table, _NEAR if _few(margins) else goal, sweeps)
    if error <= goal and bounds is None:
        factor = margins.spread(*sides)
    else:
        start = np.log(np.concatenate(multipliers)[np.concatenate(margins.targets) > 0])
        factor, slope, iterations, error = _newton(name, margins, table, bounds, start, goal, tol, max_iter, iterations)
    factor.flags.writeable = False
    return MarginStep(
        name=name, margins=margins, mass=mass, factor=factor, slope=slope if bounds else None, bounds=bounds, tol=tol,
        max_iter=max_iter, iterations=iterations, error=error,
    )


def _few(margins: Margins) -> bool:
    return (margins.shape[0] * margins.shape[1] if margins.pairs is None else margins.pairs.size) <= _FEW


def _goal(margins: Margins, tol: float) -> float:
    return min(tol, _EXACT) if _few(margins) else tol


def positive_mass(chain: Weights, what: str, argument: str = "base_weights") -> Floats:
    """Mass of a chain, refused where an earlier step made weights negative."""
    from ..errors import InputError, shown

    if chain.steps and (chain.values < 0).any():
        rows = np.flatnonzero(chain.values < 0)
        raise InputError(
            f"{what} needs weights that are not negative; an earlier step left {rows.size} negative ones, at rows {shown(rows)}. "
            "Use a distance that keeps weights positive there.",
            code="negative_weights", argument=argument, rows=rows, count=int(rows.size),
        )
    return chain.mass


def _proportional_fitting(margins: Margins, table: Any, goal: float, sweeps: int) -> tuple[list[Floats], list[Floats], int, float]:
    multipliers = [np.ones(totals.size) for totals in margins.targets]
    factors = [np.ones(margins.shape[0]), np.ones(margins.shape[1])]
    # passes over a block's margins before the other's turn: as many as cost less than the product with the table
    cells = table.size if isinstance(table, np.ndarray) else table.nnz
    passes = [min(max(cells // (size * max(len(block), 1)), 1), INNER) for block, size in zip(margins.blocks, margins.shape, strict=True)]
    error = np.inf
    for sweep in range(sweeps):
        change = 0.0
        for side, block in enumerate(margins.blocks):
            opposite = table.T @ factors[0] if side else table @ factors[1]
            fits = [(margins.codes[j], margins.targets[j], multipliers[j]) for j in block]
            change = max(change, _fit_block(factors[side], opposite, fits, goal, passes=passes[side]))
        if change <= goal:
            error = _margin_error(margins, table, factors)
            if error <= goal:
                return multipliers, factors, sweep + 1, error
    return multipliers, factors, sweeps, error


def _fit_block(factor: Floats, opposite: Floats, fits: list[tuple[Codes, Floats, Floats]], goal: float, *, passes: int) -> float:
    """Scale one side's factor until its margins hold, in place; the largest change of a level in the first pass."""
    first = 0.0
    for inner in range(passes if len(fits) > 1 else 1):
        change = 0.0
        for codes, totals, multiplier in fits:
            reached = sums_by(codes, factor * opposite, totals.size)
            ratio = np.divide(totals, reached, out=np.ones_like(totals), where=(totals > 0) & (reached > 0))
            multiplier *= ratio
            factor *= ratio[codes]
            change = max(change, float(np.abs(ratio - 1.0).max()))
        first = change if inner == 0 else first
        if change <= goal / 4.0:
            break
    return first


def _margin_error(margins: Margins, table: Any, factors: list[Floats]) -> float:
    reached = np.concatenate(margins.reached(table, *factors))
    totals = np.concatenate(margins.targets)
    wanted = totals > 0
    return float(np.abs(reached[wanted] / totals[wanted] - 1.0).max())


def _newton(
    name: str, margins: Margins, table: Any, bounds: tuple[float, float] | None, start: Floats, goal: float, tol: float,
    max_iter: int, sweeps: int,
) -> tuple[Floats, Floats, int, float]:
    """Factors and slopes per unit from Newton's method on the cells that were heard."""
    by_cell = table.ravel() if margins.pairs is None else table.data
    heard = np.flatnonzero(by_cell > 0)
    x, totals = margins.indicators(heard), margins.totals()
    shape = distances.raking(*bounds) if bounds else distances.raking()
    steps = min(max_iter - sweeps, _NEWTON)
    dual = distances.minimise(x, by_cell[heard], totals, shape, scale=totals, start=start, tol=goal, max_iter=steps)
    if dual.error > tol:
        problem = Verdict(name, x, by_cell[heard], totals, margins.labels(), bounds or (0.0, np.inf))
        refuse(problem, error=dual.error, iterations=sweeps + dual.iterations, tol=tol)
    per_cell = np.zeros((2, by_cell.size))
    per_cell[:, heard] = dual.factor, dual.slope
    return per_cell[0][margins.cell], per_cell[1][margins.cell], sweeps + dual.iterations, dual.error
