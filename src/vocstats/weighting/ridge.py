"""The penalty of a ridge response model, and its choice by generalised cross-validation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg

from ..errors import ConvergenceError
from . import distances
from .chain import Floats, Matrix
from .covariates import column_sums, dense, linear_predictor

_LARGEST = 10.0  # at that penalty a standardised coefficient keeps 3 % of its size or less: the covariates are out
_SETTLED, _ROUNDS = 1e-8, 200  # relative change of the penalty between two rounds
_LEAST, _POINTS = 1e-3, 65  # the search starts at the first over the number of units, on so many points


def spread_about_mean(x: Matrix, mass: Floats) -> Floats:
    """``sum(mass * (x_j - mean x_j)**2)`` per column; 0 for the intercept."""
    total = mass.sum()
    mean = column_sums(x, mass) / total
    squares = np.zeros(x.shape[1])
    for rows in distances.blocks(x):
        squares += (x[rows] ** 2).T @ mass[rows]
    spread: Floats = np.maximum(squares - total * mean**2, 0.0)
    spread[0] = 0.0
    return spread


def penalty_terms(x: Matrix, mass: Floats, penalty: float, b: Floats) -> Floats:
    """Share of each unit in the penalty's gradient: ``penalty * (x_j - mean x_j)**2 * b_j``, 0 for the intercept."""
    share: Floats = penalty * (dense(x) - column_sums(x, mass) / mass.sum()) ** 2 * b
    share[:, 0] = 0.0
    return share


def choose_penalty(
    solve: Callable[[Floats, Floats | None], distances.Dual], x: Matrix, mass: Floats, heard: npt.NDArray[np.bool_], spread: Floats,
    units: float,
) -> tuple[float, Floats, int]:
    """Penalty that minimises the generalised cross-validation of the working least-squares problem at its own fit.

        GCV(penalty) = sum(m v (z - x b)^2) / (1 - edf / units)^2,   v = p (1 - p),   z = x b + (R - p) / v

    Fit and choice alternate until the penalty settles (performance iteration: Gu 1992, JCGS 1(2)). The fitted parameters
    and the number of rounds come with it.
    """
    penalty = before = x.shape[1] / units
    b: Floats | None = None
    for done in range(_ROUNDS):
        b = solve(penalty * spread, b).parameters
        before, penalty = penalty, _minimum(*_working(x, mass, heard, b), spread, units)
        if abs(penalty / before - 1.0) <= _SETTLED:
            return penalty, b, done + 1
    raise ConvergenceError(
        f"Generalised cross-validation moves between penalties of {before:.3g} and {penalty:.3g}. Give penalty= a value.",
        code="penalty_not_settled", argument="penalty", first=before, second=penalty,
    )


def _working(x: Matrix, mass: Floats, heard: npt.NDArray[np.bool_], b: Floats) -> tuple[Floats, Floats, float]:
    """Cross products of the working problem: ``x' m v x``, ``x' m v z`` and ``z' m v z``."""
    eta = linear_predictor(x, b)
    p, v, _ = distances.logistic(eta)
    residual = heard - p
    gram = distances.gram(x, mass * v)
    working = mass * (v * eta * eta + 2.0 * eta * residual + residual**2 / v)
    return gram, gram @ b + column_sums(x, mass * residual), float(working.sum())


def _minimum(gram: Floats, cross: Floats, square: float, spread: Floats, units: float) -> float:
    """Penalty of least GCV, where its slope is 0 next to the lowest point of a grid."""
    from scipy import optimize

    scale = np.sqrt(np.where(np.diag(gram) > 0.0, np.diag(gram), 1.0))
    values, vectors = np.linalg.eigh(gram / scale[:, None] / scale)
    large = values > 1e-12 * values.max() * values.size
    root = vectors[:, large] / np.sqrt(values[large]) / scale[:, None]
    sizes, turn = linalg.eigh(root.T @ (spread[:, None] * root))  # there, gram is the identity and the penalty diagonal
    squares = (turn.T @ (root.T @ cross)) ** 2

    def kept(log: Floats) -> Floats:
        return np.asarray(1.0 / (1.0 + np.exp(log)[..., None] * np.maximum(sizes, 0.0)))

    def criterion(log: Floats) -> Floats:
        share = kept(log)
        return np.asarray((square - (2.0 * share - share**2) @ squares) / (1.0 - share.sum(axis=-1) / units) ** 2)

    def slope(log: float) -> float:
        share = kept(np.array(log))
        lost, edf = share * (1.0 - share), share.sum()
        error = square - (2.0 * share - share**2) @ squares
        return float(2.0 * (lost * (1.0 - share)) @ squares / error - 2.0 * lost.sum() / (units - edf))

    grid = np.linspace(np.log(_LEAST / units), np.log(_LARGEST), _POINTS)
    best = int(np.argmin(criterion(grid)))
    if best in (0, _POINTS - 1):
        return float(np.exp(grid[best]))
    root_finder: Any = optimize.brentq
    return float(np.exp(root_finder(slope, grid[best - 1], grid[best + 1], xtol=1e-13)))
