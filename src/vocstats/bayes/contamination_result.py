"""What the model of contaminated scores assumes beforehand, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks, texts
from ..errors import InputError
from ..results import Assumption, Floats, Labels, Record, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("contamination_priors")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContaminationPriors(Record):
    """Priors of the model of contaminated scores; spreads and gaps are in standard deviations of an answer within a dealer.

    Attributes
    ----------
    reference : float
        Concentration of the Dirichlet prior of an average dealer's distribution of scores; 1: all distributions alike.
    quality_spread : float
        Scale of the half-normal prior of τ, the spread of honest quality between dealers.
    gap_centre : float
        Standard deviation of the normal prior, around 0, of γ, the honest channel gap.
    gap_spread : float
        Scale of the half-normal prior of ω, the spread of honest channel gaps between dealers.
    case_mix : float
        Standard deviation of the normal prior, around 0, of the effect of one standard deviation of the case mix.
    inflated : tuple of float
        Beta prior of π, the share of dealers with turned forms.
    turned : tuple of float
        Beta prior of c, the share of forms turned into top marks at such a dealer.

    Examples
    --------
    >>> ContaminationPriors(gap_spread=0.1).turned
    (2.0, 4.0)
    """

    reference: float = 1.0
    quality_spread: float = 0.5
    gap_centre: float = 0.2
    gap_spread: float = 0.2
    case_mix: float = 0.5
    inflated: tuple[float, float] = (1.0, 4.0)
    turned: tuple[float, float] = (2.0, 4.0)

    def __post_init__(self) -> None:
        for name in ("reference", "quality_spread", "gap_centre", "gap_spread", "case_mix"):
            _checks.number(getattr(self, name), name, low=0.0, open_low=True, open_high=True)
        for name in ("inflated", "turned"):
            shape = _checks.numbers(getattr(self, name), name)
            if len(shape) != 2 or min(shape) <= 0.0:
                raise InputError(
                    f"{name} must be the two positive numbers of a Beta distribution, such as (2, 4); got {getattr(self, name)!r}.",
                    code="not_a_beta", argument=name, value=repr(getattr(self, name)),
                )
            object.__setattr__(self, name, shape)


@register("contamination")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContaminationFit(Result):
    """Honest means of dealers, and what turned forms add to their scores; D dealers. Points of the scale, limits of equal tails.

    Attributes
    ----------
    labels : {"dealer": array (D,)}
        Dealers, sorted, original type.
    n, n_independent : Floats (D,)
        Answers, and those of them that were independently invited.
    score : Floats (D,)
        Mean of all answers as they came.
    honest_mean, std_error, conf_low, conf_high : Floats (D,)
        What the dealer's customers (those who answered) would score on average if independently invited: posterior mean, standard
        deviation and credible limits. Of customers like these, not of these alone.
    inflation, inflation_low, inflation_high : Floats (D,)
        What turned forms add to the mean of all the dealer's answers; 0 has a positive chance.
    chance_inflated : Floats (D,)
        Posterior chance that any forms were turned.
    turned : Floats (D,)
        Posterior mean of the share of dealer-invited forms turned into top marks, 0 included.
    parameters : {"parameter", "estimate", "std_error", "conf_low", "conf_high"}
        Posterior of the network: spread of quality, centre and spread of honest channel gaps, share of inflated dealers, case mix.
    r_hat, effective_draws : float
        Largest r-hat and smallest effective number of draws over the parameters, honest means, inflations and chances.
    divergences : int
        Steps that diverged after tuning.
    draws, chains : int
        Draws kept of each chain, and chains.
    level : float
        Level of the limits.
    priors : ContaminationPriors
        What was assumed beforehand.
    assumptions : tuple of Assumption
        What the figures rest on.
    """

    labels: Labels
    n: Floats
    n_independent: Floats
    score: Floats
    honest_mean: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    inflation: Floats
    inflation_low: Floats
    inflation_high: Floats
    chance_inflated: Floats
    turned: Floats
    parameters: Labels
    r_hat: float
    effective_draws: float
    divergences: int
    draws: int
    chains: int
    level: float
    priors: ContaminationPriors
    assumptions: tuple[Assumption, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per dealer: dealer, n, n_independent, score, the honest mean and the inflation with their limits, chance_inflated."""
        names = (
            "n", "n_independent", "score", "honest_mean", "std_error", "conf_low", "conf_high", "inflation", "inflation_low",
            "inflation_high", "chance_inflated", "turned",
        )
        return frame({**self.labels, **{name: getattr(self, name) for name in names}})

    def parameters_frame(self) -> pd.DataFrame:
        """One row per parameter of the network: parameter, estimate, std_error, conf_low, conf_high."""
        return frame(self.parameters)

    def tidy(self) -> pd.DataFrame:
        """Two rows per dealer, honest_mean and inflation: term, dealer, estimate, std_error, conf_low, conf_high."""
        dealers = self.n.size
        rows: dict[str, Any] = {
            "estimate": (self.honest_mean, self.inflation), "std_error": (self.std_error, np.full(dealers, np.nan)),
            "conf_low": (self.conf_low, self.inflation_low), "conf_high": (self.conf_high, self.inflation_high),
        }
        return frame({
            "term": ["honest_mean"] * dealers + ["inflation"] * dealers, "dealer": np.tile(self.labels["dealer"], 2),
            **{name: np.concatenate(pair) for name, pair in rows.items()},
        })

    def summary(self, language: str = "en") -> str:
        """The dealers most likely inflated, the network, how well it was sampled, and what all rests on."""
        names = ["dealer", "n", "score", "honest_mean", "conf_low", "conf_high", "inflation", "chance_inflated"]
        table = self.to_frame().sort_values("chance_inflated", ascending=False, kind="stable").head(10)[names]
        lines = [each.to_string(index=False, float_format=lambda value: f"{value:.4g}") for each in (table, self.parameters_frame())]
        told = {
            "level": f"{100 * self.level:g}", "r_hat": f"{self.r_hat:.3f}", "effective": f"{self.effective_draws:,.0f}",
            "divergences": self.divergences,
        }
        lines.append(texts.render("variance.posterior", language, **told))
        lines += [f"- {assumption.text(language)}" for assumption in self.assumptions]
        return "\n".join(lines)
