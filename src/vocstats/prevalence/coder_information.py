"""Standard errors of the latent class model of coders: Louis's observed information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, sparse

from .._checks import Floats
from .coder_likelihood import LEAST, CoderModel, Parameters, expanded

_EMPTY = 1e-4  # expected labels or items below which a chance stands at 0
_MOST = 3000  # parameters whose information is inverted


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Errors:
    """Standard errors in the shapes of the parameters, the effective number of labels behind each θ, and the least share of information.

    `kept` is the smallest eigenvalue of the observed against the complete information: 0 says that the labels do not identify the model.
    """

    p: Floats
    e: Floats
    theta: Floats
    effective: Floats
    kept: float


def standard_errors(model: CoderModel, at: Parameters) -> Errors:
    """From the observed information in log odds of the chances inside (0, 1); NaN for those at 0 or 1, and for more than 3,000."""
    _, hard, easy = model.chances(at)
    labels = model.label_counts(hard)
    items = model.prevalence_counts @ (hard + easy) + model.prevalence_prior
    by_class = model.patterns.counts @ (hard + easy)
    chances = np.concatenate([at.p, np.column_stack([1.0 - at.e, at.e]).ravel(), at.theta.ravel()])
    trials = np.concatenate([np.full(at.p.size, items.sum()), np.repeat(by_class, 2), np.repeat(labels.sum(axis=2), at.p.size)])
    simplex = _simplices(at)
    inside = chances * trials > _EMPTY
    inside &= np.bincount(simplex, inside)[simplex] > 1  # a chance of 1 stands at the edge as those of 0 beside it do
    free = inside & ~_largest(chances, simplex)
    variance, kept = np.full(chances.size, np.nan), np.nan
    if 0 < free.sum() <= _MOST:
        slope = _slope(chances, simplex, free)
        complete = slope[np.flatnonzero(free)].toarray() * trials[free]
        observed = complete - _missing(model, at, hard, easy, free)
        kept = float(linalg.eigh(observed, complete, eigvals_only=True, subset_by_index=[0, 0])[0])
        covariance = linalg.pinvh(observed)
        variance = np.where(inside, slope.multiply(slope @ covariance).sum(axis=1).A1, np.nan)
    error = np.sqrt(np.maximum(variance, 0.0))
    k = at.p.size
    theta = error[3 * k :].reshape(at.theta.shape)
    return Errors(
        p=error[:k], e=error[k : 3 * k].reshape(k, 2)[:, 1], theta=theta, effective=_effective(model, at, theta, labels, hard), kept=kept
    )


def _slope(chances: Floats, simplex: np.ndarray, free: np.ndarray) -> sparse.csr_matrix:
    """Derivatives of the chances after the free log odds: π_a (1[a = f] - π_f) within a simplex."""
    place = np.flatnonzero(free)
    row, column = np.nonzero(simplex[:, None] == simplex[place])
    change = chances[row] * ((row == place[column]) - chances[place[column]])
    return sparse.csr_matrix((change, (row, column)), shape=(free.size, place.size))


def _simplices(at: Parameters) -> np.ndarray:
    """Which chances add up to 1 together."""
    j, k = at.theta.shape[:2]
    return np.concatenate([np.zeros(k), np.repeat(1 + np.arange(k), 2), np.repeat(1 + k + np.arange(j * k), k)]).astype(int)


def _largest(chances: Floats, simplex: np.ndarray) -> np.ndarray:
    """The largest of each simplex, which the others are held against."""
    order = np.lexsort((-chances, simplex))
    found = np.zeros(chances.size, bool)
    found[order[np.flatnonzero(np.diff(simplex[order], prepend=-1))]] = True
    return found


def _missing(model: CoderModel, at: Parameters, hard: Floats, easy: Floats, free: np.ndarray) -> Floats:
    """Variance of the complete score given the labels: Σ_s n_s [Σ_m r_sm z_sm z_sm' - z̄_s z̄_s'] over the free log odds."""
    k, counts = at.p.size, model.patterns.counts
    told = np.ones(counts.size) if model.gold_tells_prevalence else (model.patterns.gold < 0).astype(float)
    size = free.size
    mean: Any = sparse.csr_matrix((counts.size, int(free.sum())))
    second = np.zeros((int(free.sum()), int(free.sum())))
    for c in range(k):
        of_labels = model.patterns.labels - model.totals @ expanded(at.theta, c)
        for chance, is_easy in ((hard[:, c], 0), (easy[:, c], 1)):
            if not chance.any():
                continue
            fixed = np.zeros((counts.size, 3 * k))
            fixed[:, :k] = told[:, None] * (np.eye(k)[c] - at.p)
            fixed[:, k + 2 * c : k + 2 * c + 2] = np.eye(2)[is_easy] - [1.0 - at.e[c], at.e[c]]
            parts = [sparse.csr_matrix(fixed), _at_class(of_labels, c, k, 0.0 if is_easy else 1.0)]
            score = sparse.hstack(parts, format="csr")[:, np.arange(size)[free]]
            weighted = score.multiply(chance[:, None]).tocsr()
            mean = mean + weighted
            second += (score.T @ weighted.multiply(counts[:, None])).toarray()
    return np.asarray(second - (mean.T @ mean.multiply(counts[:, None])).toarray())


def _at_class(of_labels: sparse.csr_matrix, c: int, k: int, factor: float) -> sparse.csr_matrix:
    """Scores of the labels (S, J K) at the places of class c among (J, K, K)."""
    found = (factor * of_labels).tocoo()
    coder, label = np.divmod(found.col, k)
    return sparse.csr_matrix((found.data, (found.row, (coder * k + c) * k + label)), shape=(found.shape[0], found.shape[1] * k))


def _effective(model: CoderModel, at: Parameters, error: Floats, labels: Floats, hard: Floats) -> Floats:
    """Labels that, were the classes known, would tell a chance as well: θ (1 - θ) / se², at 0 the slope of the log-likelihood."""
    theta, trials = at.theta, labels.sum(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = theta * (1.0 - theta) / error**2
    lowered = np.where(theta * trials > _EMPTY, theta, 0.0)
    j, k = model.patterns.shape
    _, at_zero, _ = model.chances(Parameters(p=at.p, e=at.e, theta=np.maximum(lowered, LEAST)))
    pulled = np.asarray(model.patterns.labels.T @ (model.patterns.counts[:, None] * at_zero)).reshape(j, k, k).transpose(0, 2, 1) / LEAST
    slope = np.where(lowered == 0.0, trials - pulled, np.inf)
    outer = np.where(lowered == 0.0, slope, slope.min(axis=2, keepdims=True))
    found = np.where(np.isnan(error), outer, inner)
    return np.asarray(np.where(np.isfinite(found), np.clip(found, 0.0, trials), np.nan))
