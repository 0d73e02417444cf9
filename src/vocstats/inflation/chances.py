"""Chances of an event given characteristics, learned at other dealers."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """Chances of the event of every row, with the logistic model they are from: rows alike in x are one of the cells of its matrix."""

    chance: Floats
    matrix: Floats  # (cells, coefficients)
    code: Codes  # cell of each row
    learn: Flags  # rows learned from
    dealers: Dealers

    def level_variance(self, weight: Floats, spread: float) -> Floats:
        """Variance, by dealer, of the mean log odds with these weights: the coefficients are those of a sample of forms and of dealers.

        With H_k the information on the coefficients b_k in the forms of the dealers outside fold k, s_d that in the forms of dealer d with
        regard to a shift of all his log odds, N(0, ω²) between dealers, and x̄_d the weighted mean of x less that of the network

            x̄_d' Var(b_k) x̄_d,   Var(b_k) = H_k⁻¹ (H_k + ω² Σ s_d s_d') H_k⁻¹

        An error that all dealers share is no part of it.
        """
        size, fold = self.dealers.sums(weight), _folds(self.dealers)
        moment, shared = (self._sums(each) for each in (weight, np.where(self.learn, self.chance * (1.0 - self.chance), 0.0)))
        mean = moment / np.maximum(size, 1e-12)[:, None] - moment.sum(axis=0) / max(float(size.sum()), 1e-12)
        variance = np.empty(size.size)
        for k in range(_FOLDS):
            other, own = fold != k, fold == k
            rows = self.learn & other[self.dealers.code]
            spreads = np.bincount(self.code[rows], (self.chance * (1.0 - self.chance))[rows], minlength=len(self.matrix))
            information = (self.matrix * spreads[:, None]).T @ self.matrix
            gain = solve_symmetric(information + np.diag(_penalty(information.shape[0])), mean[own].T)
            between = np.square(shared[other] @ gain).sum(axis=0)
            variance[own] = np.einsum("kd,kd->d", gain, information @ gain) + spread**2 * between
        return variance

    def _sums(self, weight: Floats) -> Floats:
        """Weighted sums of x by dealer, (D, coefficients)."""
        return np.stack([self.dealers.sums(weight * column[self.code]) for column in self.matrix.T], axis=1)


def learn_elsewhere(x: dict[str, Any], event: Flags, learn: Flags, dealers: Dealers) -> Learned:
    """Chance of the event of every row by a logistic model fitted to the rows to `learn` from of other dealers, in five folds of dealers.

    Rows alike in x are fitted as one.
    """
    code, distinct = _cells(x, event.size)
    cells = int(code.max(initial=0)) + 1
    matrix = dense(read_covariates(distinct, cells)[0])
    fold = _folds(dealers)[dealers.code]
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
    return Learned(np.asarray(chance[code, fold]), matrix, code, learn, dealers)


def chances_elsewhere(x: dict[str, Any], event: Flags, learn: Flags, dealers: Dealers) -> Floats:
    """The chances of `learn_elsewhere` alone."""
    return learn_elsewhere(x, event, learn, dealers).chance


def spread_of_shares(share: Floats, n: Floats, mean: float) -> float:
    """Variance between dealers of shares of n_d responses, beyond chance, by moments; 0 at the least."""
    chance = float((n > 0).sum()) * mean * (1.0 - mean)
    return max((float(n @ (share - mean) ** 2) - chance) / max(float(n.sum() - n @ n / max(n.sum(), 1.0)), 1.0), 0.0)


def _folds(dealers: Dealers) -> Codes:
    return np.arange(dealers.count) % _FOLDS


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
    penalty = _penalty(x.shape[1])
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


def _penalty(coefficients: int) -> Floats:
    return np.append(1e-6, np.full(coefficients - 1, _PENALTY))


def _loss(x: Floats, n: Floats, events: Floats, penalty: Floats, b: Floats) -> float:
    eta = x @ b
    return float(n @ np.logaddexp(0.0, eta) - events @ eta + 0.5 * penalty @ b**2)
