"""Whether a shadow variable tells anything of the outcome among those heard, and whether spare moments of it agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from .._checks import Floats
from ..estimation.scoring import solved
from .shadow_fit import Moments, Profile, covariance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Test:
    """A statistic, its degrees of freedom (infinite denominator: chi-square) and p-value."""

    statistic: float
    df: float
    df_denominator: float
    p_value: float


def relevance(given: Moments, counts: Floats) -> Test:
    """Kleibergen and Paap's test that z tells the parts of y apart, given x, among those heard; F of z for one part.

    Least squares of b(y) on (x, z) with the masses as weights; Θ = G^½ Π F', G the cross product of z given x, Π the coefficients
    of z, F' F the inverse of the residual covariance, U S V' = Θ: the smallest singular value against the sandwich of its direction,

        (U_2' Θ v_2)' [Σ spread (U_2' G^-½ z_i)(e_i' F' v_2)² (...)']^-1 (U_2' Θ v_2) / df,   df = columns of z - columns of b + 1.
    """
    m = given.mass
    x = np.hstack([given.x, given.a])
    root = np.sqrt(m)[:, None]
    both = np.hstack([given.z, given.b])
    rest = both - x @ np.linalg.lstsq(x * root, both * root, rcond=None)[0]
    z, b = rest[:, : given.z.shape[1]], rest[:, given.z.shape[1] :]
    q, s = z.shape[1], b.shape[1]
    cross = z.T @ (z * m[:, None])
    effects = solved(cross, z.T @ (b * m[:, None]))
    error = b - z @ effects
    free = float(counts.sum()) - x.shape[1] - q
    df = q - s + 1
    residual = error.T @ (error * m[:, None]) / m.sum()
    size = b.T @ (b * m[:, None]) / m.sum()
    if free <= 0:
        return Test(statistic=float("nan"), df=df, df_denominator=free, p_value=1.0)
    if np.linalg.eigvalsh(residual)[0] <= 1e-12 * np.trace(size):
        return Test(statistic=float("inf"), df=df, df_denominator=free, p_value=0.0)
    half, inner = _root(cross), np.linalg.cholesky(np.linalg.inv(residual)).T
    left, _, right = np.linalg.svd(half @ effects @ inner.T)
    directions, weakest = left[:, s - 1 :], right[-1]
    value = directions.T @ half @ effects @ inner.T @ weakest
    each = (z @ np.linalg.solve(half, directions)) * (error @ inner.T @ weakest)[:, None]
    table = (each * given.spread[:, None]).T @ each * (float(counts.sum()) / free)
    statistic = float(value @ np.linalg.pinv(table) @ value) / df
    return Test(statistic=statistic, df=df, df_denominator=free, p_value=float(special.fdtrc(df, free, statistic)))


def agreement(given: Moments, at: Profile) -> Test:
    """Hansen's J: whether the moments of z hold together; NaN where there are as many as entries of gamma."""
    spare = at.moments.size - at.gamma.size
    if not spare:
        return Test(statistic=float("nan"), df=0.0, df_denominator=float("inf"), p_value=float("nan"))
    statistic = float(at.moments @ np.linalg.pinv(covariance(given, at)) @ at.moments)
    return Test(statistic=statistic, df=spare, df_denominator=float("inf"), p_value=float(special.chdtrc(spare, statistic)))


def _root(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 1e-300))) @ vectors.T)
