"""Confidence limits of shares and correlations from their standard errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import special

from .._checks import Floats
from .._numerics import exact_share_limits, normal_quantile, t_quantile
from ..options import ShareInterval
from .estimate import Estimate

_EDGE = 1e-12  # a share this near to 0 or 1 stands on it: sums of weights round


def share_limits(method: ShareInterval, share: Floats, std_error: Floats, df: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """Limits of shares from their standard errors; NaN where the method has none, as it has not at 0 and 1.

    Parameters
    ----------
    method : {"korn_graubard", "wilson", "logit", "asin", "wald"}
    share, std_error, df, n : float arrays (k,)
        Shares, standard errors, degrees of freedom, units heard.
    level : float

    Returns
    -------
    tuple of float arrays (k,)

    References
    ----------
    Korn & Graubard (1998), Survey Methodology 24(2); Dean & Pagano (2015), J. Survey Stat. Methodol. 3(4), for Wilson's.
    """
    t, odd = t_quantile(level, df), share * (1.0 - share)
    with np.errstate(all="ignore"):
        inside = np.where((share > _EDGE) & (share < 1.0 - _EDGE), share, np.nan)
        if method == "wald":
            return share - t * std_error, share + t * std_error
        if method == "logit":
            half = t * std_error / odd
            return special.expit(special.logit(inside) - half), special.expit(special.logit(inside) + half)
        if method == "asin":
            angle, half = np.arcsin(np.sqrt(inside)), t * std_error / (2.0 * np.sqrt(odd))
            return np.sin(np.maximum(angle - half, 0.0)) ** 2, np.sin(np.minimum(angle + half, np.pi / 2)) ** 2
        effective = odd / std_error**2 * (t_quantile(level, n - 1.0) / t) ** 2
        certain = ~np.isnan(inside) & (effective > 1.0 / _EDGE)  # no variance is left: the share is known
        effective = np.where(certain, 1.0, effective)
        low, high = (exact_share_limits if method == "korn_graubard" else wilson_limits)(inside, effective, level)
    return np.where(certain, share, low), np.where(certain, share, high)


def wilson_limits(share: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    """Wilson's limits of a share of `n`, which may be an effective size."""
    z = normal_quantile(level)
    middle, room = share + z**2 / (2.0 * n), z * np.sqrt(share * (1.0 - share) / n + z**2 / (4.0 * n**2))
    return (middle - room) / (1.0 + z**2 / n), (middle + room) / (1.0 + z**2 / n)


def exact_at_bounds(estimate: Estimate, effective: Floats, limits: tuple[float, float]) -> Estimate:
    """The estimate with Clopper-Pearson limits, of the effective size, where every answer lies on one of `limits`."""
    low, high = limits
    share = (estimate.estimate - low) / (high - low)
    at = (np.abs(share) < _EDGE) | (np.abs(share - 1.0) < _EDGE)
    if not at.any():
        return estimate
    exact = exact_share_limits(np.where(at, np.round(share), 0.0), effective.reshape(share.shape), estimate.level)
    lower, upper = (low + bound * (high - low) for bound in exact)
    return replace(estimate, conf_low=np.where(at, lower, estimate.conf_low), conf_high=np.where(at, upper, estimate.conf_high))


def fisher_limits(correlation: Floats, std_error: Floats, df: Floats, level: float) -> tuple[Floats, Floats]:
    """Limits of correlations that are symmetric on the scale of Fisher's z; no width where the correlation is 1 or -1."""
    with np.errstate(all="ignore"):
        half = t_quantile(level, df) * std_error / (1.0 - correlation**2)
        low, high = np.tanh(np.arctanh(correlation) - half), np.tanh(np.arctanh(correlation) + half)
    exact = np.abs(correlation) > 1.0 - _EDGE
    return np.where(exact, correlation, low), np.where(exact, correlation, high)


def reliability_limits(value: Floats, std_error: Floats, df: Floats, level: float) -> tuple[Floats, Floats]:
    """Limits of figures below 1 that are symmetric on the scale of log(1 - figure); no width where the figure is 1."""
    gap = 1.0 - value
    with np.errstate(all="ignore"):
        factor = np.exp(t_quantile(level, df) * std_error / gap)
        low, high = 1.0 - gap * factor, 1.0 - gap / factor
    exact = np.abs(gap) < _EDGE
    return np.where(exact, value, low), np.where(exact, value, high)
