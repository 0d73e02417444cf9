"""Funnel limits of observed over expected counts, with the overdispersion that honest units show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._numerics import normal_quantile
from ..errors import InputError
from ..options import Overdispersion
from ..results import Flags, Floats, Labels, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("funnel")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Funnel(Result):
    """Observed over expected counts of D units against control limits around 1.

    Attributes
    ----------
    labels : {"unit": array (D,)}
        Units, in the order given.
    observed, expected, ratio : Floats (D,)
        Counts, and the first over the second.
    z : Floats (D,)
        Logarithm of the ratio over its standard deviation without overdispersion.
    low, high : Floats (D,)
        Control limits of the ratio.
    outside : Flags (D,)
        Ratio below the lower or above the upper limit.
    spread : float
        Standard deviation of the logarithm of the ratio between units, beside chance; 0 without overdispersion.
    dispersion : float
        Mean square of the z-scores that remained; 1: nothing beside chance.
    level : float
        Level of the limits.
    """

    labels: Labels
    observed: Floats
    expected: Floats
    ratio: Floats
    z: Floats
    low: Floats
    high: Floats
    outside: Flags
    spread: float
    dispersion: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """One row per unit: unit, observed, expected, ratio, z, low, high, outside."""
        names = ("observed", "expected", "ratio", "z", "low", "high", "outside")
        return frame({**self.labels, **{name: getattr(self, name) for name in names}})

    def tidy(self) -> pd.DataFrame:
        """One row per unit: term, unit, estimate (the ratio), std_error of its logarithm, conf_low and conf_high, the control limits."""
        error = np.sqrt(1.0 / self.expected + self.spread**2)
        numbers = {"estimate": self.ratio, "std_error": error, "conf_low": self.low, "conf_high": self.high}
        return frame({"term": ["ratio"] * self.ratio.size, **self.labels, **numbers})

    def summary(self, language: str = "en") -> str:
        """The units outside the limits."""
        table = self.to_frame()
        return str(table[table["outside"]].to_string(index=False, float_format=lambda value: f"{value:.3f}"))


def funnel_limits(
    observed: npt.ArrayLike, expected: npt.ArrayLike, *, unit: Any = None, overdispersion: Overdispersion = "truncate", trim: float = 0.10,
    level: float = 0.998,
) -> Funnel:
    """Control limits of standardised ratios o / e as in England's hospital mortality indicator (SHMI).

        z = sqrt(e) log(o / e),    φ = mean z² of those that remain,    τ² = max(0, [m φ - (m - 1)] / (Σ e - Σ e² / Σ e))
        limits exp(± q sqrt(1 / e + τ²)), q the normal quantile;    without overdispersion the exact Poisson limits of o

    The share `trim` of the smallest and of the largest z-scores is left out (``"truncate"``) or drawn in to the quantiles
    (``"winsorise"``); m is the number of z-scores that remain. A count of 0 enters z as one half.

    Parameters
    ----------
    observed : array (D,)
        Counts.
    expected : array (D,)
        What they would be if the unit were like all others, above 0.
    unit : array (D,), optional
        Names of the units; None: their positions.
    overdispersion : {"truncate", "winsorise", "none"}
        How extreme units are kept from widening the limits; "none": limits by chance alone.
    trim : float
        Share of the z-scores at either end, below one half.
    level : float
        Level of the limits.

    Returns
    -------
    Funnel

    Raises
    ------
    InputError
        Bad arrays, a negative count, or nothing expected.

    References
    ----------
    Spiegelhalter (2005), Qual. Saf. Health Care 14(5); DerSimonian & Laird (1986), Control. Clin. Trials 7(3), eq. 8, for τ²;
    NHS Digital, Summary Hospital-level Mortality Indicator: methodology, for the truncation.

    Examples
    --------
    >>> r = funnel_limits([12, 30, 9, 55], [20, 28, 10, 30], unit=["A", "B", "C", "D"], overdispersion="none")
    >>> r.labels["unit"][r.outside].tolist()
    ['D']
    """
    _checks.level(level)
    _checks.choice(overdispersion, Overdispersion, "overdispersion")
    share = _checks.number(trim, "trim", low=0.0, high=0.5, open_high=True)
    o = _checks.non_negative(observed, "observed")
    e = _checks.non_negative(expected, "expected", length=o.size)
    if (e == 0).any() or not o.size:
        rows = np.flatnonzero(e == 0)
        raise InputError(
            f"expected must be above 0 for every unit; it is not at rows {rows[:5].tolist()}. Leave out units without customers.",
            code="nothing_expected", argument="expected", rows=rows,
        )
    names = np.arange(o.size) if unit is None else _checks.unmasked(unit)
    _checks.same_length(names, "unit", o.size)
    z = np.sqrt(e) * np.log(np.where(o > 0, o, 0.5) / e)
    dispersion, spread = (float("nan"), 0.0) if overdispersion == "none" else _spread(z, e, share, overdispersion)
    low, high = _poisson_limits(e, level) if overdispersion == "none" else _limits(e, spread, level)
    ratio = o / e
    return Funnel(
        labels={"unit": names}, observed=o, expected=e, ratio=ratio, z=z, low=low, high=high, outside=(ratio < low) | (ratio > high),
        spread=spread, dispersion=dispersion, level=level,
    )


def _spread(z: Floats, e: Floats, trim: float, overdispersion: Overdispersion) -> tuple[float, float]:
    """φ and τ of the z-scores that remain."""
    low, high = np.quantile(z, [trim, 1.0 - trim])
    if overdispersion == "truncate":
        kept = (z > low) & (z < high)
        z, e = z[kept], e[kept]
    else:
        z = np.clip(z, low, high)
    square, room = float(z @ z), float(e.sum() - e @ e / max(e.sum(), 1e-300))
    return (square / z.size if z.size else float("nan")), float(np.sqrt(max(square - (z.size - 1), 0.0) / room)) if room > 0 else 0.0


def _limits(e: Floats, spread: float, level: float) -> tuple[Floats, Floats]:
    reach = normal_quantile(level) * np.sqrt(1.0 / e + spread**2)
    return np.exp(-reach), np.exp(reach)


def _poisson_limits(e: Floats, level: float) -> tuple[Floats, Floats]:
    """Exact limits of a Poisson mean e, halves of chi-squared quantiles, over e."""
    tail = (1.0 - level) / 2.0
    return special.gammaincinv(e, tail) / e, special.gammaincinv(e + 1.0, 1.0 - tail) / e
