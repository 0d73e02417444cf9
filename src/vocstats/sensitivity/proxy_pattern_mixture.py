"""SMUB: bias of a mean under silence that may depend on the outcome, from a normal proxy pattern-mixture model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._checks import Floats
from ..errors import IdentificationError, shown
from ..estimation.coding import collinear
from .proxies import Asked, UnadjustedBias, read_asked, read_phi, refuse_weak, steepness


def smub(
    y: npt.ArrayLike, x: Any, *, phi: npt.ArrayLike = (0.0, 0.5, 1.0), counts: npt.ArrayLike | None = None, draws: int = 4000,
    seed: int = 0, level: float = 0.95,
) -> UnadjustedBias:
    """Standardised measure of unadjusted bias of the mean of those heard.

    The proxy is the linear prediction of y from x, fitted to those heard; x̄_R its mean and s_x its standard deviation among
    them, X̄ its mean over the whole base, ρ its correlation with y among those heard:

        SMUB(φ) = [φ + (1 - φ) ρ] / [φ ρ + (1 - φ)] * (x̄_R - X̄) / s_x

    in standard deviations of y among those heard. No data tell φ.

    Limits are quantiles of draws from the posterior of the model under Jeffreys' priors, the characteristics of everybody being given:
    the regression that makes the proxy; then slope, residual and proxy variance of y on the proxy.

    Parameters
    ----------
    y : array (n,)
        Outcome of everybody in the base, missing for the silent.
    x : mapping, dataframe or array (n, p)
        Characteristics of everybody: numbers as they are, labels as indicators.
    phi : float or array (k,)
        In [0, 1]; 0: silence depends on the proxy alone, 1: on y alone.
    counts : array (n,), optional
        How often a row stands there.
    draws : int
        Draws from the posterior.
    seed : int
        Of the draws.
    level : float
        Level of the limits.

    Returns
    -------
    UnadjustedBias
        The limits refer to the bias the model expects given everybody's x, not to the chance in the outcomes of the silent.

    Raises
    ------
    InputError
        `phi` outside [0, 1], bad arrays.
    IdentificationError
        Everybody or nobody was heard, all answers are alike, columns are collinear, or phi is 1 and x does not predict y.

    References
    ----------
    Little, West, Boonstra & Hu (2020), J. Survey Stat. Methodol. 8(5), 932-964; for the draws Andridge & Little (2011), J. Off. Stat.
    27(2).

    Examples
    --------
    >>> nan = float("nan")
    >>> r = smub([7, 8, 9, 9, 10, nan, nan, nan], {"visits": [1, 2, 3, 4, 5, 1, 1, 2]}, draws=500)
    >>> r.estimate.round(3).tolist()
    [0.429, 0.442, 0.455]
    """
    values = read_phi(phi)
    _checks.level(level)
    number = int(_checks.number(draws, "draws", low=2))
    asked = read_asked(y, x, counts)
    moments = _Moments.of(asked)
    refuse_weak(values, moments.p_value, level)
    bias = _bias(values[:, None], moments.correlation, moments.shift(moments.slopes), moments.proxy_sums(moments.slopes) / moments.n)[:, 0]
    table = _drawn(values, moments, number, np.random.default_rng(seed))
    tail = (1.0 - level) / 2.0
    low, high = (np.quantile(table, at, axis=1, method="inverted_cdf") for at in (tail, 1.0 - tail))
    spread = np.sqrt(moments.yy / moments.n)
    return UnadjustedBias(
        statistic="smub", labels={}, phi=values, estimate=bias, conf_low=low, conf_high=high,
        mean_heard=np.full(values.size, moments.mean), mean_everybody=moments.mean - bias * spread,
        correlation=np.full(values.size, moments.correlation), share_heard=asked.share_heard, draws=number, failed=0, level=level,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Moments:
    """What the data say: sums of squares of those heard about their means, and the difference of the means of x."""

    n: float
    mean: float
    xx: Floats
    xy: Floats
    yy: float
    difference: Floats  # heard less everybody

    @classmethod
    def of(cls, asked: Asked) -> _Moments:
        known, n = asked.known, float(asked.known.sum())
        lost = collinear(asked.x, known, asked.columns)
        if lost:
            raise IdentificationError(
                f"Among those heard, columns {shown(lost)} of x are combinations of others (or never occur): their effects cannot be told "
                "apart. Leave them out or merge levels.",
                code="collinear_heard", argument="x", levels=lost,
            )
        x = asked.x[:, 1:]
        centre, mean = known @ x / n, float(known @ asked.y / n)
        dx, dy = x - centre, asked.y - mean
        yy = float(known @ dy**2)
        if not yy > 1e-12 * n * max(mean**2, 1e-300):
            raise IdentificationError(
                "All outcomes heard are alike, so there is no spread to measure bias by.", code="no_spread", argument="y"
            )
        everybody = asked.counts @ x / asked.counts.sum()
        return cls(n=n, mean=mean, xx=(dx.T * known) @ dx, xy=(known * dy) @ dx, yy=yy, difference=centre - everybody)

    @property
    def slopes(self) -> Floats:
        return np.asarray(np.linalg.solve(self.xx, self.xy))

    @property
    def residual(self) -> float:
        return max(self.yy - float(self.xy @ self.slopes), 1e-14 * self.yy)

    @property
    def correlation(self) -> float:
        return float(np.sqrt(max(float(self.xy @ self.slopes), 0.0) / self.yy))

    @property
    def p_value(self) -> float:
        """Of the regression of y on x."""
        p, free = self.xy.size, self.n - self.xy.size - 1.0
        return float(special.fdtrc(p, free, (self.yy - self.residual) / p / (self.residual / free)))

    def shift(self, slopes: Floats) -> Any:
        """x̄_R - X̄ of proxies."""
        return slopes @ self.difference

    def proxy_sums(self, slopes: Floats) -> Any:
        """Sums of squares of proxies among those heard."""
        return np.sum((slopes @ self.xx) * slopes, axis=-1)


def _bias(phi: Floats, correlation: Any, shift: Any, variance: Any) -> Floats:
    """SMUB; no shift is no bias."""
    standard = np.asarray(shift / np.sqrt(variance))
    steep = steepness(phi, correlation)
    moved = np.broadcast_to(standard, np.broadcast_shapes(steep.shape, standard.shape))
    return np.asarray(np.multiply(steep, moved, out=np.zeros(moved.shape), where=moved != 0.0))


def _drawn(phi: Floats, m: _Moments, draws: int, rng: np.random.Generator) -> Floats:
    """SMUB (k, draws) of the posterior."""
    p = m.xy.size
    sigma = np.sqrt(m.residual / rng.chisquare(m.n - p - 1.0, draws))
    root = np.linalg.cholesky(m.xx)
    slopes = m.slopes + sigma[:, None] * np.linalg.solve(root.T, rng.standard_normal((p, draws))).T
    sums, products = m.proxy_sums(slopes), slopes @ m.xy
    left = np.maximum(m.yy - products**2 / sums, 1e-14 * m.yy) / rng.chisquare(m.n - 2.0, draws)
    variance = sums / rng.chisquare(m.n - 1.0, draws)
    slope = products / sums + np.sqrt(left / sums) * rng.standard_normal(draws)
    correlation = slope * np.sqrt(variance / (left + slope**2 * variance))
    return _bias(phi[:, None], correlation, m.shift(slopes), variance)
