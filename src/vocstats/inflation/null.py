"""The honest network: centre and spread of what honest dealers show, fitted to the lower tail that inflation leaves alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._numerics import normal_quantile
from ..errors import IdentificationError, InputError
from ..results import Floats, Result, frame, register
from .lower_tail import fit_lower_tail

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 20  # dealers: the lower tail of fewer holds next to nothing of the spread


@register("empirical_null")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmpiricalNull(Result):
    """What honest dealers show: effects around a centre, with an honest spread beside the error of measurement.

    Attributes
    ----------
    centre, centre_error : float
        Mean effect of honest dealers and its standard error, in units of the effect.
    spread, spread_error : float
        Standard deviation ω of the true effects of honest dealers, and its standard error.
    honest_share : float
        Share of the dealers that the fit takes for honest; a by-product, and rough.
    dealers : float
        How many dealers the fit rests on.
    level : float
        Confidence level of `tidy`.
    centres, spreads, chances : Floats (k,)
        Values of centre and spread the lower tail allows, and how likely each is; the chances add up to 1.
    """

    centre: float
    centre_error: float
    spread: float
    spread_error: float
    honest_share: float
    dealers: float
    level: float
    centres: Floats = field(repr=False)
    spreads: Floats = field(repr=False)
    chances: Floats = field(repr=False)

    def statistic(self, effect: npt.ArrayLike, variance: npt.ArrayLike) -> Floats:
        """Effects in standard deviations of an honest dealer's, z = (effect - centre) / sqrt(variance + ω²).

        Parameters
        ----------
        effect, variance : array (D,)
            As in `fit_null`.

        Returns
        -------
        Floats (D,)
        """
        return np.asarray((np.asarray(effect, float) - self.centre) / np.sqrt(np.asarray(variance, float) + self.spread**2))

    def p_values(self, effect: npt.ArrayLike, variance: npt.ArrayLike, *, third_moment: npt.ArrayLike = 0.0) -> Floats:
        """Chance that an honest dealer, measured as exactly, shows such an effect or a larger one.

        Averaged over `chances`: not knowing centre and spread exactly makes it larger.

        Parameters
        ----------
        effect, variance : array (D,)
            As in `fit_null`.
        third_moment : array (D,)
            Third central moment of the error of measurement. Shares near 1 measured on a few responses are skewed, and the normal tail is
            then wrong by a factor; the tail of Pearson's type III has the first three moments.

        Returns
        -------
        Floats (D,)
        """
        x, v, third = (np.atleast_1d(np.asarray(value, float)) for value in (effect, variance, third_moment))
        deviation = np.sqrt(v + self.spreads[:, None] ** 2)
        z = (x - self.centres[:, None]) / deviation
        return np.asarray(self.chances @ upper_tail(z, third / deviation**3))

    def to_frame(self) -> pd.DataFrame:
        """The values of centre and spread the lower tail allows: centre, spread, chance."""
        return frame({"centre": self.centres, "spread": self.spreads, "chance": self.chances})

    def tidy(self) -> pd.DataFrame:
        """Centre and spread: term, estimate, std_error, conf_low, conf_high."""
        terms = {"centre": (self.centres, self.centre, self.centre_error), "spread": (self.spreads, self.spread, self.spread_error)}
        limits = [_quantiles(values, self.chances, self.level) for values, _, _ in terms.values()]
        return frame({
            "term": list(terms), "estimate": [estimate for _, estimate, _ in terms.values()],
            "std_error": [error for _, _, error in terms.values()],
            "conf_low": [low for low, _ in limits], "conf_high": [high for _, high in limits],
        })

    def summary(self, language: str = "en") -> str:
        """Centre and spread with their limits."""
        return str(self.tidy().to_string(index=False, float_format=lambda value: f"{value:.4f}"))


def fit_null(effect: npt.ArrayLike, variance: npt.ArrayLike, *, level: float = 0.95) -> EmpiricalNull:
    """Empirical null fitted to the lower tail: what honest dealers show, whatever the inflated ones do above.

    An honest dealer shows x_d ~ N(μ, v_d + ω²): v_d is the error of measurement, ω the honest spread. Inflation only raises x_d. Of
    dealers above a cut c_d the likelihood takes no more than that they are above; with a share π of honest dealers

        Π (x_d < c_d)  π φ((x_d - μ) / s_d) / s_d    ×    Π (x_d >= c_d)  [1 - π Φ((c_d - μ) / s_d)],    s_d² = v_d + ω²

    The cut stands at the same z everywhere, such that two fifths of the dealers are below. Dealers whose s_d² is above three times the
    lower quartile stay out of the fit: they tell little of ω, and when inflated often hide below the cut. μ, ω and π are integrated over
    a grid, flat in μ and ω; π is 1 with chance three quarters, else anything from .3 to 1.

    For z-scores with Var(z_d) = 1 + n_d γ give effect = z / sqrt(n) and variance = 1 / n: then γ = ω².

    Parameters
    ----------
    effect : array (D,)
        One figure per dealer that inflation raises.
    variance : array (D,)
        Variance of its error of measurement, above 0.
    level : float
        Confidence level.

    Returns
    -------
    EmpiricalNull
        Its standard errors account for which dealers there are and for the error of measurement.

    Raises
    ------
    InputError
        Bad arrays, or a variance that is not above 0.
    IdentificationError
        Fewer than 20 dealers.

    References
    ----------
    Hartman, Messana, Kang, Naik, Shearon & He (2024), Ann. Appl. Stat. 18(1), and Xia, He, Li & Kalbfleisch (2022), Biostatistics 23(1),
    for Var(z_d) = 1 + n_d γ; Efron (2004), J. Amer. Stat. Assoc. 99(465), for the null fitted where the others are not.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> effect = rng.normal(0.0, 0.05, 400)
    >>> effect[:120] += 0.3
    >>> null = fit_null(effect, np.full(400, 0.03**2))
    >>> print(f"{null.centre:.3f} ± {null.centre_error:.3f}, {null.spread:.3f} ± {null.spread_error:.3f}")
    0.012 ± 0.008, 0.043 ± 0.006
    """
    _checks.level(level)
    x = _checks.squarable(_checks.vector(effect, "effect"), "effect")
    v = _checks.squarable(_checks.vector(variance, "variance", length=x.size), "variance")
    if (v <= 0).any():
        rows = np.flatnonzero(v <= 0)
        raise InputError(
            f"variance must be above 0; it is not at rows {rows[:5].tolist()}. Leave out dealers measured without error, or give them one.",
            code="variance_not_positive", argument="variance", rows=rows,
        )
    if x.size < FEWEST:
        raise IdentificationError(
            f"{x.size} dealers are too few to tell the honest spread; {FEWEST} are needed. Use known_null with that of an earlier period.",
            code="few_dealers_for_null", argument="effect", count=int(x.size), needed=FEWEST,
        )
    tail = fit_lower_tail(x, v)
    return _null(tail.centre, tail.spread, tail.chance, honest_share=tail.honest_share, dealers=float(tail.dealers), level=level)


def known_null(centre: float, spread: float, *, level: float = 0.95) -> EmpiricalNull:
    """An honest network known from elsewhere: an earlier period, or a larger network.

    Parameters
    ----------
    centre : float
        Mean effect of honest dealers.
    spread : float
        Standard deviation of their true effects.
    level : float
        Confidence level.

    Returns
    -------
    EmpiricalNull
        Without any uncertainty.

    Raises
    ------
    InputError
        `spread` is negative, or either is no number.

    Examples
    --------
    >>> known_null(0.0, 0.03).p_values([0.1], [0.04**2]).round(4)
    array([0.0228])
    """
    _checks.level(level)
    at, wide = _checks.number(centre, "centre"), _checks.number(spread, "spread", low=0.0)
    return _null(np.array([at]), np.array([wide]), np.ones(1), honest_share=float("nan"), dealers=0.0, level=level)


def upper_tail(z: Floats, skewness: Floats) -> Floats:
    """P(Z >= z) of Pearson's type III with mean 0, variance 1 and this skewness: a shifted gamma; normal where it is nearly so."""
    z, g = np.broadcast_arrays(z, skewness)
    tail = np.asarray(special.ndtr(-z))
    curved = np.abs(g) > 1e-3  # beyond, shape 4 / g² exceeds what gammainc resolves better than the normal
    shape = 4.0 / g[curved] ** 2
    at = np.maximum(shape + np.sign(g[curved]) * z[curved] * np.sqrt(shape), 0.0)
    tail[curved] = np.where(g[curved] > 0, special.gammaincc(shape, at), special.gammainc(shape, at))
    return tail


def _null(centres: Floats, spreads: Floats, chances: Floats, *, honest_share: float, dealers: float, level: float) -> EmpiricalNull:
    centre, spread = float(chances @ centres), float(chances @ spreads)
    return EmpiricalNull(
        centre=centre, centre_error=float(np.sqrt(chances @ (centres - centre) ** 2)), spread=spread,
        spread_error=float(np.sqrt(chances @ (spreads - spread) ** 2)), honest_share=honest_share, dealers=dealers, level=level,
        centres=centres, spreads=spreads, chances=chances,
    )


def _quantiles(values: Floats, chances: Floats, level: float) -> tuple[float, float]:
    """Limits with equal chances outside; those of the normal would reach below a spread of 0."""
    order = np.argsort(values, kind="stable")
    below = np.cumsum(chances[order])
    tails = special.ndtr(np.array([-1.0, 1.0]) * normal_quantile(level))
    low, high = values[order][np.minimum(np.searchsorted(below, tails), values.size - 1)]
    return float(low), float(high)
