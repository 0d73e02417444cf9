"""What `shadow_variable` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .. import texts
from ..options import Inference, ResponseForm, ShadowModel
from ..results import Assumption, Floats, Labels, Result, frame, register
from ..weighting.chain import Weights

if TYPE_CHECKING:
    import pandas as pd


@register("shadow")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShadowEstimate(Result):
    """Means of everybody where silence depends on the outcome, by a shadow variable.

    Attributes
    ----------
    labels : {"statistic": array (k,)}
        Names of the values whose means were wanted.
    estimate, std_error, conf_low, conf_high, df : float arrays (k,)
        Means of everybody, linearised standard errors and their limits.
    range_low, range_high : float arrays (k,)
        Ends of a set that contains the mean with the confidence level however weak the shadow variable is; NaN where the
        response is saturated in y, or where no gamma is acceptable.
    naive : float array (k,)
        Weighted means of those heard.
    terms : tuple of str (p,)
        Coefficients of the response model (log odds of being heard): those of x, then "y" or "y=<level>".
    coefficients, coefficient_std_errors : float arrays (p,)
        Those coefficients.
    gamma_low, gamma_high : float
        Ends of the set of acceptable coefficients of y, valid however weak z is; infinite where the set has no end. NaN as above.
    relevance : float
        F statistic (Kleibergen-Paap) that z tells the outcomes of those heard apart, given x.
    relevance_df, relevance_df_denominator, relevance_p_value : float
        Its degrees of freedom and p-value.
    j_statistic, j_df, j_p_value : float
        Hansen's test that the moments of z agree; NaN, 0, NaN where none is spare.
    condition : float
        Condition number of the derivative of the equations, columns and rows scaled to 1.
    smallest_probability : float
        Smallest modelled probability of anybody heard.
    smallest_weight : float
        Smallest factor of anybody heard; below 1 only where the outcome model corrects the response model.
    n, n_heard, effective_heard : float
        Units, those heard, and Kish's effective number of these.
    model : {"weighting", "doubly_robust"}
        What was fitted.
    response : {"linear", "saturated"}
        How y enters the response model.
    inference : {"r", "registry", "process"}
        What the standard errors refer to.
    level : float
        Confidence level.
    variance_accounts_for : tuple of str
        Codes of what the standard errors include; `accounts` puts them in words.
    assumptions : tuple of Assumption
        What the estimates rest on.
    weights : Weights, or None after reading from a file
        Weights of everybody, 0 where not heard, with the step that carries their estimation into any standard error.
    """

    labels: Labels
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    df: Floats
    range_low: Floats
    range_high: Floats
    naive: Floats
    terms: tuple[str, ...]
    coefficients: Floats
    coefficient_std_errors: Floats
    gamma_low: float
    gamma_high: float
    relevance: float
    relevance_df: float
    relevance_df_denominator: float
    relevance_p_value: float
    j_statistic: float
    j_df: float
    j_p_value: float
    condition: float
    smallest_probability: float
    smallest_weight: float
    n: float
    n_heard: float
    effective_heard: float
    model: ShadowModel
    response: ResponseForm
    inference: Inference
    level: float
    variance_accounts_for: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    weights: Weights | None = field(default=None, repr=False, metadata={"memory_only": True})

    @property
    def gamma(self) -> float:
        """Coefficient of y: change of the log odds of being heard per unit; NaN where y enters saturated."""
        return float(self.coefficients[-1]) if self.response == "linear" else float("nan")

    def accounts(self, language: str = "en") -> str:
        """`variance_accounts_for` in words."""
        return texts.listed("variance", self.variance_accounts_for, language)

    def to_frame(self) -> pd.DataFrame:
        """One row per statistic: statistic, naive, estimate, std_error, conf_low, conf_high, range_low, range_high."""
        names = ("naive", "estimate", "std_error", "conf_low", "conf_high", "range_low", "range_high")
        return frame({**self.labels, **{name: getattr(self, name) for name in names}})

    def coefficients_frame(self) -> pd.DataFrame:
        """One row per coefficient of the response model: term, estimate, std_error."""
        return frame({"term": list(self.terms), "estimate": self.coefficients, "std_error": self.coefficient_std_errors})

    def tidy(self) -> pd.DataFrame:
        """Two rows per statistic, shadow and naive: term, statistic, estimate, std_error, conf_low, conf_high."""
        k = self.estimate.size
        numbers = {
            name: np.concatenate([getattr(self, name), np.full(k, np.nan)]) for name in ("std_error", "conf_low", "conf_high")
        }
        return frame({
            "term": ["shadow"] * k + ["naive"] * k, "statistic": np.tile(self.labels["statistic"], 2),
            "estimate": np.concatenate([self.estimate, self.naive]), **numbers,
        })

    def summary(self, language: str = "en") -> str:
        """The means, the response model, how strong the shadow variable is, and what the estimates rest on."""
        frames = (self.to_frame(), self.coefficients_frame())
        lines = [each.to_string(index=False, float_format=lambda value: f"{value:.6g}") for each in frames]
        strength = {"relevance": f"{self.relevance:.4g}", "p_value": f"{self.relevance_p_value:.2g}", "heard": f"{self.n_heard:g}"}
        lines.append(texts.render("variance.shadow_strength", language, **strength))
        if self.j_df:
            lines.append(texts.render("variance.shadow_agreement", language, j=f"{self.j_statistic:.4g}", p_value=f"{self.j_p_value:.2g}"))
        if self.response == "linear":
            ends = {"low": f"{self.gamma_low:.4g}", "high": f"{self.gamma_high:.4g}", "level": f"{100 * self.level:g}"}
            lines.append(texts.render("variance.shadow_gamma", language, **ends))
        lines.append(texts.render("variance.summary", language, level=f"{100 * self.level:g}", accounts=self.accounts(language)))
        lines += [f"- {assumption.text(language)}" for assumption in self.assumptions]
        return "\n".join(lines)
