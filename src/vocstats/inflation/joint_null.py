"""Joint null draws: p-values of several signals at honest dealers, with the dependence they have there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from ..errors import InputError, shown
from ..results import Floats

FEWEST = 100  # null draws
_LEAST_PAIRS = 20  # dealers a correlation is told from
_CORRELATIONS = np.linspace(0.0, 0.98, 50)


def null_draws(draws: int | npt.ArrayLike, p: Floats, seed: int) -> tuple[Floats, Floats]:
    """p-values of honest dealers (B, S) and the correlation of their normal scores (S, S)."""
    given = np.asarray(draws)
    if given.ndim == 0:
        number = _checks.whole(draws, "draws", low=FEWEST)
        rng = np.random.default_rng(_checks.whole_seed(seed, "seed"))
        correlation = _honest_correlation(rng, p)
        values, vectors = np.linalg.eigh(correlation)
        return special.ndtr(rng.normal(size=(number, p.shape[1])) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T), correlation
    if given.ndim != 2 or given.shape[1] != p.shape[1]:
        raise InputError(
            f"draws must have one column per signal, {p.shape[1]} in all; its shape is {given.shape}.",
            code="draws_do_not_fit", argument="draws", shape=str(given.shape), expected=p.shape[1],
        )
    null = np.column_stack([chances(column, "draws") for column in given.T])
    return null, _honest_correlation(np.random.default_rng(seed), null)


def whole_rows(null: Floats, columns: npt.NDArray[np.bool_]) -> Floats:
    """Null draws (b, s) that hold all signals that speak of some dealers; 100 at least."""
    drawn = null[:, columns]
    drawn = drawn[~np.isnan(drawn).any(axis=1)]
    if drawn.shape[0] < FEWEST:
        raise InputError(
            f"{drawn.shape[0]} rows of draws hold all {int(columns.sum())} signals that speak of some dealers; {FEWEST} are needed.",
            code="few_draws", argument="draws", count=drawn.shape[0], needed=FEWEST,
        )
    return np.asarray(drawn)


def _honest_correlation(rng: np.random.Generator, p: Floats) -> Floats:
    """Correlation of normal scores where both p-values exceed one half, of the nearest positive semidefinite matrix.

    Inflation makes p-values small, so that this quarter of the dealers is honest for the greater part. There the two normal scores have
    density φ₂(z, w; ρ) / (1/4 + arcsin(ρ) / 2π). Scores are those of ranks, ties in random order: p-values of some signals heap at 1.
    A negative ρ counts as 0.
    """
    count = p.shape[1]
    z = np.column_stack([_lower_scores(rng, column) for column in p.T])
    found = np.eye(count)
    for i in range(count):
        for j in range(i):
            known = np.isfinite(z[:, i]) & np.isfinite(z[:, j])
            found[i, j] = found[j, i] = _truncated_correlation(z[known, i], z[known, j])
    values, vectors = np.linalg.eigh(found)
    near = (vectors * np.maximum(values, 1e-8)) @ vectors.T
    scale = np.sqrt(np.diag(near))
    return np.asarray(near / scale[:, None] / scale)


def _lower_scores(rng: np.random.Generator, p: Floats) -> Floats:
    """Normal scores, below 0, of the ranks of p-values above one half; NaN for the others."""
    scores = np.full(p.size, np.nan)
    rows = np.flatnonzero(p > 0.5)
    order = rows[np.lexsort((rng.random(rows.size), p[rows]))]
    scores[order] = -special.ndtri(0.5 + 0.5 * (np.arange(rows.size) + 0.5) / max(rows.size, 1))
    return scores


def _truncated_correlation(z: Floats, w: Floats) -> float:
    """Likeliest ρ from 0 to .98; 0 where fewer than 20 dealers tell it."""
    if z.size < _LEAST_PAIRS:
        return 0.0
    rho = _CORRELATIONS
    square, cross = float(z @ z + w @ w), float(z @ w)
    log = -(square - 2.0 * rho * cross) / (2.0 * (1.0 - rho**2)) - z.size * (
        0.5 * np.log(1.0 - rho**2) + np.log(0.25 + np.arcsin(rho) / (2.0 * np.pi))
    )
    return float(rho[np.argmax(log)])


def chances(value: npt.ArrayLike, argument: str) -> Floats:
    """p-values between 0 and 1; missing ones stay."""
    p = _checks.vector(value, argument, missing=True)
    outside = (p < 0.0) | (p > 1.0)
    if outside.any():
        rows = np.flatnonzero(outside)
        raise InputError(
            f"{argument} must lie between 0 and 1; it does not at rows {shown(rows)}.",
            code="not_a_chance", argument=argument, rows=rows,
        )
    return p
