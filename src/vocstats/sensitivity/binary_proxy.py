"""MUBP: bias of a share under silence that may depend on the outcome, from a probit proxy pattern-mixture model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._checks import Floats
from ..errors import ConvergenceError, IdentificationError, InputError, shown
from ..estimation.generalized_linear import GeneralizedLinear, family_of
from ..estimation.scoring import solve
from .proxies import Asked, UnadjustedBias, read_asked, read_phi, refuse_weak, steepness

_GOLDEN = (5.0**0.5 - 1.0) / 2.0
_LARGEST = 0.999  # correlation searched for
_FAILING = 0.05  # share of bootstrap samples that may fail


def mubp(
    y: npt.ArrayLike, x: Any, *, cuts: npt.ArrayLike | None = None, phi: npt.ArrayLike = (0.0, 0.5, 1.0),
    counts: npt.ArrayLike | None = None, draws: int = 200, seed: int = 0, level: float = 0.95,
) -> UnadjustedBias:
    """Measure of unadjusted bias of the share of those heard with an outcome, or with a score of at least each cut.

    The outcome is 1 where a normal variable u is above 0; the proxy x is the linear predictor of a probit regression fitted to those
    heard. Among them (1) and the silent (0), with u of variance 1 among those heard, ρ its correlation with x (biserial, in two steps:
    u's mean from the share, ρ by likelihood), and g = [φ + (1 - φ) ρ] / [φ ρ + (1 - φ)]:

        mean of u:      μ⁰ = μ¹ + g (x̄⁰ - x̄¹) / s¹_x
        variance of u:  σ⁰ = 1 + g² (s⁰_x² - s¹_x²) / s¹_x²
        MUBP(φ) = share - [π share + (1 - π) Φ(μ⁰ / sqrt(σ⁰))],    π the share heard

    An ordinal score is cut at each of `cuts`, each cut with its own proxy.

    Parameters
    ----------
    y : array (n,)
        Outcome of everybody in the base, missing for the silent: 0 and 1, or a score beside `cuts`.
    x : mapping, dataframe or array (n, p)
        Characteristics of everybody: numbers as they are, labels as indicators.
    cuts : array, optional
        Points of the score; the share is that of scores at least as high. None: y is 0 or 1.
    phi : float or array (k,)
        In [0, 1]; 0: silence depends on the proxy alone, 1: on u alone.
    counts : array (n,), optional
        How often a row stands there.
    draws : int
        Bootstrap samples of everybody asked; each fits the model again.
    seed : int
        Of the bootstrap.
    level : float
        Level of the limits, which are percentiles.

    Returns
    -------
    UnadjustedBias
        Rows by cut, then phi. The limits account for drawing everybody asked independently.

    Raises
    ------
    InputError
        y is neither 0 nor 1 without `cuts`, `phi` outside [0, 1], bad arrays.
    IdentificationError
        Everybody or nobody was heard; all have the outcome or none; x tells the outcome for certain, or not at all while phi is 1; the
        variance of u among the silent would be negative; more than 5 % of the samples cannot be fitted.

    References
    ----------
    Andridge, West, Little, Boonstra & Alvarado-Leiton (2019), JRSS C 68(5), 1465-1483; Andridge & Little (2020), J. Off. Stat. 36(3).
    Biserial correlation: Olsson, Drasgow & Dorans (1982), Psychometrika 47(3).

    Examples
    --------
    >>> import numpy as np
    >>> visits, satisfied = np.tile([0, 1, 2, 3], 50), np.tile([0, 0, 1, 1, 1, 0, 1, 1], 25) * 1.0
    >>> satisfied[:120:2] = np.nan
    >>> mubp(satisfied, {"visits": visits}, draws=50).estimate.round(3).tolist()
    [0.059, 0.081, 0.111]
    """
    values = read_phi(phi)
    _checks.level(level)
    number = int(_checks.number(draws, "draws", low=2))
    asked = read_asked(y, x, counts)
    found = [_one_cut(share, values, number, seed, level, cut) for cut, share in _shares(asked, cuts)]
    column = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    labels = {} if cuts is None else {"cut": column["cut"]}
    return UnadjustedBias(
        statistic="mubp", labels=labels, phi=column["phi"], estimate=column["estimate"], conf_low=column["low"], conf_high=column["high"],
        mean_heard=column["heard"], mean_everybody=column["heard"] - column["estimate"], correlation=column["correlation"],
        share_heard=asked.share_heard, draws=number, failed=int(column["failed"][:: values.size].sum()), level=level,
    )


def _shares(asked: Asked, cuts: npt.ArrayLike | None) -> list[tuple[float, Asked]]:
    """The outcome as 0 and 1, by cut."""
    known = asked.y[asked.heard]
    points = np.array([1.0]) if cuts is None else _checks.vector(np.atleast_1d(np.asarray(cuts)), "cuts")
    if cuts is None and not ((known == 0) | (known == 1)).all():
        odd = np.unique(known[(known != 0) & (known != 1)])
        raise InputError(
            f"y must be 0 or 1 (missing where silent); it is {shown(odd)}. Give the points of its scale as cuts.",
            code="not_zero_or_one", argument="y", levels=odd.tolist(),
        )
    return [
        (cut, Asked(x=asked.x, columns=asked.columns, y=(asked.heard & (asked.y >= cut)) * 1.0, heard=asked.heard, counts=asked.counts))
        for cut in points.tolist()
    ]


def _one_cut(asked: Asked, phi: Floats, draws: int, seed: int, level: float, cut: float) -> dict[str, Floats]:
    """Estimate, limits and the rest, one entry per phi."""
    known = asked.known
    share = float(known @ asked.y / known.sum())
    if not 0.0 < share < 1.0:
        raise IdentificationError(
            f"Everybody heard has the outcome, or nobody has (cut {cut:g}): no proxy of it can be fitted. Choose another cut.",
            code="one_outcome", argument="y", cut=cut,
        )
    model = _Probit.of(asked)
    slopes = model.slopes(asked.counts)
    refuse_weak(phi, model.p_value(slopes), level)
    bias, correlation, possible = model.bias(phi, slopes, asked.counts)
    if not possible.all():
        raise IdentificationError(
            f"At phi = {shown(phi[~possible])} the silent would have a negative variance: their proxies vary too little. "
            "Use lower values of phi, or other characteristics.",
            code="negative_variance", argument="phi", levels=phi[~possible].tolist(),
        )
    table = _bootstrap(model, phi, slopes, draws, np.random.default_rng(seed))
    failed = draws - table.shape[1]
    if failed > _FAILING * draws:
        raise IdentificationError(
            f"{failed} of {draws} bootstrap samples could not be fitted, so the data hardly identify the proxy. Merge levels or use fewer "
            "characteristics.",
            code="bootstrap_failed", argument="x", failed=failed, draws=draws,
        )
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(table, (tail, 1.0 - tail), axis=1, method="weibull")  # a tail of (1 - level) / 2 however few the draws
    same = {"cut": cut, "heard": share, "correlation": correlation, "failed": float(failed)}
    return {"phi": phi, "estimate": bias, "low": low, "high": high, **{name: np.full(phi.size, value) for name, value in same.items()}}


@dataclass(frozen=True, slots=True, eq=False)
class _Probit:
    """The probit regression of those heard, and everybody's proxies from it."""

    asked: Asked
    rows: npt.NDArray[np.intp]
    model: GeneralizedLinear

    @classmethod
    def of(cls, asked: Asked) -> _Probit:
        rows = np.flatnonzero(asked.heard)
        family = family_of("binomial", "probit")
        return cls(asked, rows, GeneralizedLinear(x=asked.x[rows], y=asked.y[rows], columns=asked.columns, name="binomial", family=family))

    def slopes(self, counts: Floats, *, start: Floats | None = None) -> Floats:
        """Coefficients, with these multiplicities of everybody."""
        return solve(self.model, counts[self.rows], start=start)

    def p_value(self, slopes: Floats) -> float:
        """Of the likelihood ratio of x."""
        counts = self.asked.counts[self.rows]
        fall = self.model.loss(self.model.start(counts), counts) - self.model.loss(slopes, counts)
        return float(special.chdtrc(slopes.size - 1, 2.0 * max(fall, 0.0)))

    def bias(self, phi: Floats, slopes: Floats, counts: Floats) -> tuple[Floats, float, npt.NDArray[np.bool_]]:
        """MUBP, the biserial correlation, and where the variance of the silent is positive; elsewhere MUBP is its limit at 0."""
        proxy = self.asked.x @ slopes
        heard, silent = counts * self.asked.heard, counts * ~self.asked.heard
        (mean, variance), (mean_silent, variance_silent) = (_moments(proxy, mass) for mass in (heard, silent))
        share = float(heard @ self.asked.y / heard.sum())
        standard = (proxy[self.rows] - mean) / variance**0.5
        correlation = _biserial(self.asked.y[self.rows], standard, heard[self.rows], float(special.ndtri(share)))
        steep = steepness(phi, correlation)
        centre = special.ndtri(share) + steep * (mean_silent - mean) / variance**0.5
        spread = 1.0 + steep**2 * (variance_silent - variance) / variance
        above = special.ndtr(centre / np.sqrt(np.maximum(spread, 1e-300)))
        return (silent.sum() / counts.sum()) * (share - above), correlation, spread > 0


def _moments(x: Floats, mass: Floats) -> tuple[float, float]:
    mean = float(mass @ x / mass.sum())
    return mean, float(mass @ (x - mean) ** 2 / mass.sum())


def _biserial(y: Floats, standard: Floats, mass: Floats, threshold: float) -> float:
    """Correlation of the standardised proxy and u, u's mean being `threshold`: golden-section search of the likelihood in ρ >= 0."""
    sign = 2.0 * y - 1.0

    def loss(rho: float) -> float:
        return -float(mass @ special.log_ndtr(sign * (threshold + rho * standard) / (1.0 - rho**2) ** 0.5))

    low, high = 0.0, _LARGEST
    a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_a, at_b = loss(a), loss(b)
    while high - low > 1e-9:
        if at_a < at_b:
            high, b, at_b = b, a, at_a
            a = high - _GOLDEN * (high - low)
            at_a = loss(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + _GOLDEN * (high - low)
            at_b = loss(b)
    return (low + high) / 2.0


def _bootstrap(model: _Probit, phi: Floats, start: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """MUBP (k, draws) of the samples that can be fitted."""
    counts = model.asked.counts
    size, columns = round(float(counts.sum())), []
    for _ in range(draws):
        drawn = rng.multinomial(size, counts / counts.sum()).astype(float)
        try:
            bias, *_ = model.bias(phi, model.slopes(drawn, start=start), drawn)
        except (IdentificationError, ConvergenceError):
            continue
        columns.append(bias)
    return np.array(columns).reshape(-1, phi.size).T
