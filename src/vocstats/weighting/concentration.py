"""How few units hold how much of the total weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .. import texts
from .._checks import non_negative, number
from ..results import Floats, Result, frame, register
from .chain import Weights, begin

if TYPE_CHECKING:
    import pandas as pd

_GRID = np.linspace(0.0, 1.0, 101)


@register("concentration")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Concentration(Result):
    """How the total weight is spread over those heard.

    Attributes
    ----------
    n : float
        Units heard (with their counts).
    total : float
        Sum of their weights.
    largest : float
        Share of the total held by the unit with the largest weight.
    largest_to_mean : float
        Largest weight over the mean weight.
    top, top_shares : float array (k,)
        Fractions of the units, largest weights first, and the share of the total they hold.
    gini : float
        Gini's coefficient: 0 for equal weights, towards 1 when one unit holds everything.
    design_effect, effective_sample_size : float
        Kish's.
    lorenz : float array (101,)
        Share of the total held by the 0, 1, ..., 100 % of units with the smallest weights.
    """

    n: float
    total: float
    largest: float
    largest_to_mean: float
    top: Floats
    top_shares: Floats
    gini: float
    design_effect: float
    effective_sample_size: float
    lorenz: Floats

    def to_frame(self) -> pd.DataFrame:
        """One row per measure: measure, value."""
        names = ("n", "total", "largest", "largest_to_mean")
        measures = {name: getattr(self, name) for name in names}
        measures |= {f"top_{100 * share:g}%": held for share, held in zip(self.top.tolist(), self.top_shares.tolist(), strict=True)}
        measures |= {name: getattr(self, name) for name in ("gini", "design_effect", "effective_sample_size")}
        return frame({"measure": list(measures), "value": list(measures.values())})

    def tidy(self) -> pd.DataFrame:
        """Long form: term, estimate; the limits are missing, because nothing is estimated."""
        table = self.to_frame().rename(columns={"measure": "term", "value": "estimate"})
        return table.assign(std_error=np.nan, conf_low=np.nan, conf_high=np.nan)

    def summary(self, language: str = "en") -> str:
        """One screen of text."""
        lines = [texts.render("weights.summary", language, n=self.n, total=self.total)]
        shares = zip(self.top.tolist(), self.top_shares.tolist(), strict=True)
        lines += [texts.render("weights.top", language, top=100 * share, held=100 * held) for share, held in shares]
        lines.append(texts.render("weights.largest", language, largest=100 * self.largest, multiple=self.largest_to_mean))
        lines.append(texts.render("weights.kish", language, deff=self.design_effect, size=self.effective_sample_size, gini=self.gini))
        return "\n".join(lines)


def weight_concentration(
    w: Weights | npt.ArrayLike, *, counts: npt.ArrayLike | None = None, top: Sequence[float] = (0.01, 0.05, 0.10)
) -> Concentration:
    """Share of the total weight held by the heaviest units, and Gini's coefficient.

        L(q) = share of the total held by the fraction q of units with the smallest weights (linear within a unit)
        share of the top p = 1 - L(1 - p),   Gini = 1 - 2 * integral of L

    Parameters
    ----------
    w : Weights or array of shape (n,)
        Weights per unit; units with weight 0 are left out.
    counts : array, optional
        How often each row stands there, where `w` is an array.
    top : sequence of float
        Fractions of the units, in (0, 1].

    Returns
    -------
    Concentration
        Shares, Gini's coefficient, the Lorenz curve, Kish's design effect.

    Raises
    ------
    InputError
        A weight is negative, or a fraction is not in (0, 1].
    InfeasibleError
        Every weight is 0.

    References
    ----------
    Lorenz (1905), Publ. ASA 9(70); Gini (1914); Kish (1965), Survey Sampling, 11.7.

    Examples
    --------
    >>> c = weight_concentration([1.0, 1.0, 1.0, 7.0], top=[0.25])
    >>> c.top_shares.tolist(), c.gini.__round__(6), c.effective_sample_size.__round__(6)
    ([0.7], 0.45, 1.923077)
    """
    fractions = [number(share, "top", low=0.0, high=1.0, open_low=True) for share in top]
    chain = begin(w, counts, len(w) if isinstance(w, Weights) else np.asarray(w).size, "w")
    mass = non_negative(chain.mass, "w")
    heard = np.flatnonzero(mass)
    order = heard[np.argsort(chain.values[heard], kind="stable")]
    n, total = float(chain.counts[order].sum()), float(mass[order].sum())
    units = np.concatenate([[0.0], np.cumsum(chain.counts[order]) / n])
    held = np.concatenate([[0.0], np.cumsum(mass[order]) / total])
    largest = float(chain.values[order[-1]])
    return Concentration(
        n=n, total=total, largest=largest / total, largest_to_mean=largest * n / total, top=np.array(fractions),
        top_shares=1.0 - np.interp(1.0 - np.array(fractions), units, held),
        gini=1.0 - float(np.diff(units) @ (held[1:] + held[:-1])),
        design_effect=chain.design_effect, effective_sample_size=chain.effective_sample_size, lorenz=np.interp(_GRID, units, held),
    )
