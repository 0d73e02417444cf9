"""Chances of an event given characteristics, learned at other dealers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .._checks import columns_of, factorize
from .._numerics import solve_symmetric
from ..results import Floats
from ..weighting.covariates import dense, read_covariates
from .signal_result import Dealers

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]

_FOLDS = 5
_PENALTY = 1.0  # as if each standardised effect had a prior standard deviation of 1
_STEPS = 50


def chances_elsewhere(x: dict[str, Any], event: Flags, learn: Flags, dealers: Dealers) -> Floats:
    """Chance of the event of every row by a logistic model fitted to the rows to `learn` from of other dealers, in five folds of dealers.

    Rows alike in x are fitted as one.
    """
    code, distinct = _cells(x, event.size)
    cells = int(code.max(initial=0)) + 1
    matrix = dense(read_covariates(distinct, cells)[0])
    fold = (np.arange(dealers.count) % _FOLDS)[dealers.code]
    place = (code * _FOLDS + fold)[learn]
    n, events = (
        np.bincount(place, weights=weights, minlength=cells * _FOLDS).reshape(-1, _FOLDS) for weights in (None, event[learn] * 1.0)
    )
    chance = np.empty((cells, _FOLDS))
    for k in range(_FOLDS):
        other = np.arange(_FOLDS) != k
        size = n[:, other].sum(axis=1)
        seen = size > 0
        chance[:, k] = special.expit(matrix @ _logistic(matrix[seen], size[seen], events[seen][:, other].sum(axis=1)))
    return np.asarray(chance[code, fold])


def spread_of_shares(share: Floats, n: Floats, mean: float) -> float:
    """Variance between dealers of shares of n_d responses, beyond chance, by moments; 0 at the least."""
    chance = float((n > 0).sum()) * mean * (1.0 - mean)
    return max((float(n @ (share - mean) ** 2) - chance) / max(float(n.sum() - n @ n / max(n.sum(), 1.0)), 1.0), 0.0)


def named(x: Any, **more: Any) -> dict[str, Any]:
    """Columns of x, and more columns beside them."""
    return {**columns_of(x, "x"), **more}


def _cells(x: dict[str, Any], n: int) -> tuple[Codes, dict[str, npt.NDArray[Any]]]:
    """Code of each row among the distinct rows of x, and those."""
    code, columns = np.zeros(n, np.intp), {}
    for name, column in x.items():
        columns[name] = factorize(column, f"x[{name!r}]", length=n)
        each, levels = columns[name]
        code = factorize(code * levels.size + each, "x")[0]
    first = np.zeros(int(code.max(initial=0)) + 1, np.intp)
    first[code[::-1]] = np.arange(n)[::-1]
    return code, {name: levels[each[first]] for name, (each, levels) in columns.items()}


def _logistic(x: Floats, n: Floats, events: Floats) -> Floats:
    """Penalised coefficients by Newton's method with halved steps; the intercept, which comes first, is free."""
    penalty = np.full(x.shape[1], _PENALTY)
    penalty[0] = 1e-6
    b = np.zeros(x.shape[1])
    b[0] = special.logit((events.sum() + 0.5) / (n.sum() + 1.0))
    loss = _loss(x, n, events, penalty, b)
    for _ in range(_STEPS):
        p = special.expit(x @ b)
        gradient = x.T @ (events - n * p) - penalty * b
        step = solve_symmetric((x * (n * p * (1.0 - p))[:, None]).T @ x + np.diag(penalty), gradient)
        while (moved := _loss(x, n, events, penalty, b + step)) > loss and np.abs(step).max() > 1e-8:
            step = step / 2.0
        b, loss = b + step, moved
        if np.abs(step).max() < 1e-6:
            break
    return b


def _loss(x: Floats, n: Floats, events: Floats, penalty: Floats, b: Floats) -> float:
    eta = x @ b
    return float(n @ np.logaddexp(0.0, eta) - events @ eta + 0.5 * penalty @ b**2)
