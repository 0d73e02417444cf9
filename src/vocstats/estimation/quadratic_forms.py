"""Quadratic forms of estimates, and the distribution of weighted sums of chi-squares they follow."""

from __future__ import annotations

import numpy as np
from scipy import special

from .._checks import Floats
from ..errors import IdentificationError


def quadratic(gap: Floats, covariance: Floats) -> float:
    """gap' covariance^-1 gap; a singular covariance is refused."""
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    positive = bool((scale > 0).all())
    correlation = covariance / np.outer(scale, scale) if positive else covariance
    if not positive or np.linalg.eigvalsh(correlation)[0] < 1e-10:
        raise IdentificationError(
            "The covariance of what is tested is singular: some of it is known without error, follows from the rest, or the design has too "
            "few clusters. Test fewer restrictions at once.",
            code="singular_covariance", argument="estimate", count=gap.size,
        )
    return float(gap / scale @ np.linalg.solve(correlation, gap / scale))


def f_tail(value: float, df: float, df_denominator: float) -> float:
    """P(F > value); an infinite denominator is a chi-square over its degrees of freedom."""
    if not df_denominator > 0:
        raise IdentificationError(
            "The design has no degrees of freedom left for this test: there are too few clusters. Test fewer restrictions, or choose a "
            "chi-square statistic knowing that it rejects too often.",
            code="no_degrees_of_freedom", argument="design",
        )
    return float(special.chdtrc(df, df * value) if np.isinf(df_denominator) else special.fdtrc(df, df_denominator, value))


def satterthwaite(values: Floats) -> float:
    """Degrees of freedom of the chi-square like Σ values chi-square_1: (Σ values)² / Σ values²."""
    return float(values.sum() ** 2 / (values @ values))


def sum_exceeds(x: float, values: Floats, free: float, *, approximation: bool) -> float:
    """P(Σ values chi-square_1 > x chi-square_free / free), by Imhof's integral or the saddlepoint approximation.

    References
    ----------
    Imhof (1961), Biometrika 48, eq. 3.2; Kuonen (1999), Biometrika 86(4), eq. 3.
    """
    weights, df = np.append(values, -x / free), np.append(np.ones(values.size), free)
    weights = weights / weights.max()
    return _saddlepoint(weights, df, f_tail(x / values.sum(), satterthwaite(values), free)) if approximation else _imhof(weights, df)


def _imhof(weights: Floats, df: Floats) -> float:
    """P(Σ weights chi-square_df > 0) = 1/2 + 1/pi ∫ sin(theta) / (u rho) du."""
    from scipy import integrate

    def integrand(u: float) -> float:
        theta = 0.5 * float(df @ np.arctan(weights * u))
        return float(np.sin(theta) * np.exp(-0.25 * df @ np.log1p((weights * u) ** 2)) / u)

    value, _ = integrate.quad(integrand, 0.0, np.inf, limit=1000, epsabs=1e-11, epsrel=1e-9)
    return 0.5 + value / np.pi


def _saddlepoint(weights: Floats, df: Floats, otherwise: float) -> float:
    """Lugannani and Rice's formula at 0 in Barndorff-Nielsen's form; next to the mean, where it is undefined, `otherwise`."""
    from scipy import optimize

    def slope(z: float) -> float:
        return float(df @ (weights / (1.0 - 2.0 * z * weights)))

    low, high = (0.99999 / (2.0 * weights[side]) for side in (weights < 0, weights > 0))
    z = float(optimize.brentq(slope, low.max(), high.min(), xtol=1e-14, rtol=1e-12))
    if abs(z) < 1e-4:
        return otherwise
    cumulant = -0.5 * float(df @ np.log(1.0 - 2.0 * z * weights))
    curvature = 2.0 * float(df @ (weights / (1.0 - 2.0 * z * weights)) ** 2)
    w, v = np.sign(z) * np.sqrt(-2.0 * cumulant), z * np.sqrt(curvature)
    return float(special.ndtr(-(w + np.log(v / w) / w)))
