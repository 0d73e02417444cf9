"""Totals that are estimates themselves: their covariance, and how replicates carry it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg

from .._checks import Floats, non_negative, number, read_only
from ..errors import InputError, shown
from .auxiliaries import Auxiliaries, known_columns
from .chain import Estimated, Weights

_ROUNDING = 1e-8  # relative asymmetry, and negative eigenvalues, that count as rounding
_NULL = 1e-10  # relative eigenvalue below which no weights can move the totals in a direction
_FOLLOWED = 1e-6  # share of the variance that may lie in such directions


def read_covariance(covariance: Any, auxiliaries: Auxiliaries) -> Floats | None:
    """Covariance of the totals in the order of the columns of x; None where they are known without error.

    An array follows the columns of x, a label column with its levels in the order in which `totals` names them. A mapping
    {name: variance, or matrix or {level: variance} for a label column} holds independent blocks; names left out are known.
    """
    if covariance is None:
        return None
    given = auxiliaries.given
    if isinstance(covariance, Mapping):
        known_columns(covariance, [label[0] if isinstance(label, tuple) else label for label in given], "totals_covariance")
        matrix = np.zeros((len(given), len(given)))
        for name, block in covariance.items():
            own = [j for j, label in enumerate(given) if (label[0] if isinstance(label, tuple) else label) == name]
            matrix[np.ix_(own, own)] = _block(block, name, [given[j] for j in own])
    else:
        matrix = _matrix(covariance, "totals_covariance", len(given))
    _refuse_unless_covariance(matrix)
    order = [given.index(label) for label in auxiliaries.labels]
    return read_only(matrix[np.ix_(order, order)])


def refuse_unattainable(covariance: Floats, bread: Floats, labels: list[Any]) -> None:
    """Raise where totals may vary in directions no weights can follow, such as two margins whose sums differ."""
    scale = np.sqrt(np.diag(bread))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    values, vectors = np.linalg.eigh(bread * inverse[:, None] * inverse)
    stuck = vectors[:, values <= _NULL * values.max()]
    scaled = covariance * inverse[:, None] * inverse
    lost = ((scaled @ stuck) * stuck).sum(axis=0)
    wrong = lost > _FOLLOWED * np.trace(scaled)
    if wrong.any():
        levels = [labels[j] for j in np.flatnonzero((np.abs(stuck[:, wrong]) > 0.1).any(axis=1))]
        raise InputError(
            f"totals_covariance lets the totals of {shown(levels)} vary in a way that no weights can follow, such as two margins that no "
            "longer add up to the same number of people. Give the joint covariance, or make one margin's levels but one.",
            code="covariance_conflict", argument="totals_covariance", levels=levels,
        )


def target_roots(weights: Weights) -> Floats:
    """Root of the covariance of the estimated totals of all steps: directions whose squares add up to it.

    A jackknife or half samples carry the covariance exactly, and whatever the order of the rows, by one further replicate per
    direction: the whole sample with its totals moved in that direction, its squared deviation counted once.

    Returns
    -------
    array (p, k)
        p totals of the steps, first step first; k the rank of their covariance.

    References
    ----------
    Fuller (1998), Statistica Sinica 8(4); Opsomer & Erciulescu (2021), Survey Methodology 47(1), who move the totals of k of
    the replicates there are.
    """
    estimated = [step for step in weights.steps if isinstance(step, Estimated)]
    roots = [covariance_root(step.target_covariance) for step in estimated if step.target_covariance is not None]
    return linalg.block_diag(*roots) if roots else np.zeros((0, 0))


def target_draws(weights: Weights, coefficients: npt.ArrayLike, seed: Any) -> Floats:
    """Normal draws by which the estimated totals move in the replicates of a bootstrap.

    Parameters
    ----------
    weights : Weights
        The chain.
    coefficients : array (R,)
        c_r: the variance is the sum of c_r times the squared deviation of replicate r, and its shift has covariance
        ``C / (R c_r)``, C being that of the totals.
    seed : int or sequence of int
        Seed of the draws.

    Returns
    -------
    array (p, R)
        Columns for `Weights.rerun`.

    References
    ----------
    Opsomer & Erciulescu (2021), Survey Methodology 47(1).
    """
    c, roots = non_negative(coefficients, "coefficients"), target_roots(weights)
    draws = np.random.default_rng(seed).standard_normal((roots.shape[1], c.size))
    return np.asarray(roots @ draws / np.sqrt(c.size * c))


def covariance_root(covariance: Floats) -> Floats:
    """Eigenvectors times the roots of their eigenvalues, those of rounding size left out."""
    values, vectors = np.linalg.eigh(covariance)
    large = values > _ROUNDING * values.max(initial=0.0)
    return np.asarray(vectors[:, large] * np.sqrt(values[large]))


def _block(block: Any, name: str, labels: list[Any]) -> Floats:
    """Covariance of one variable: a variance, {level: variance}, or a matrix in the order of its levels."""
    argument = f"totals_covariance[{name!r}]"
    if isinstance(block, Mapping):
        levels = [level for _, level in labels] if isinstance(labels[0], tuple) else []
        odd = sorted(set(block) - set(levels), key=str)
        if odd:
            raise InputError(f"{argument} names {shown(odd)}, which totals does not.", code="not_a_level", argument=argument, levels=odd)
        return np.diag(non_negative([block.get(level, 0.0) for level in levels], argument))
    if np.ndim(block) == 0:
        if len(labels) > 1:
            return _matrix(np.array([[number(block, argument)]]), argument, len(labels))
        return np.array([[number(block, argument, low=0.0)]])
    return _matrix(block, argument, len(labels))


def _matrix(value: Any, argument: str, size: int) -> Floats:
    matrix = np.asarray(value)
    if matrix.dtype.kind not in "buif" or matrix.shape != (size, size) or not np.isfinite(matrix).all():
        raise InputError(
            f"{argument} must be a matrix of finite numbers of shape {(size, size)}, one row per total; got shape {matrix.shape}.",
            code="not_a_matrix", argument=argument, shape=str((size, size)), got=str(matrix.shape),
        )
    return matrix.astype(float)


def _refuse_unless_covariance(matrix: Floats) -> None:
    deviation = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    inverse = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    correlation = matrix * inverse[:, None] * inverse
    symmetric = np.abs(matrix - matrix.T).max(initial=0.0) <= _ROUNDING * np.abs(matrix).max(initial=0.0)
    possible = not matrix[deviation == 0.0].any() and np.linalg.eigvalsh(correlation).min(initial=0.0) >= -_ROUNDING * len(matrix)
    if not (symmetric and possible):
        raise InputError(
            "totals_covariance is no covariance matrix: it must be symmetric, with variances that are not negative and correlations "
            "that fit together. Use the covariance that the other survey's software prints.",
            code="not_a_covariance", argument="totals_covariance",
        )
