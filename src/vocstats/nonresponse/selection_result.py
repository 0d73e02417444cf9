"""What `heckman` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import texts
from .._numerics import normal_quantile
from ..options import SelectionMethod
from ..results import Assumption, Floats, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("selection")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SelectionEstimate(Result):
    """Heckman's selection model.

    Attributes
    ----------
    method : {"likelihood", "two_step"}
        How it was fitted.
    equations, terms : tuple of str (k,)
        Equation ("selection", "outcome", "errors") and name of each parameter; those of the errors are sigma (in units of the outcome),
        rho, and mills = rho sigma, the coefficient of the inverse Mills ratio.
    estimate, std_error, conf_low, conf_high : float arrays (k,)
        Parameters; normal limits, of sigma on the log scale and (likelihood) of rho on that of atanh. rho of the two steps may
        leave [-1, 1].
    covariance : float array (k, k)
        Of the parameters.
    mean, mean_std_error, mean_conf_low, mean_conf_high : float
        Modelled mean of everybody listed, in the units of the outcome; its standard error is that of the coefficients.
    naive : float
        Weighted mean of those heard.
    n, n_heard : float
        Units, and those heard.
    exclusions : tuple of str
        Columns that move response and are not in x.
    exclusion_p_value : float
        Wald test that they do not move it; NaN without any.
    mills_r_squared : float
        Share of the variance of the inverse Mills ratio among those heard that x explains; near 1 the data hardly tell it from x.
    log_likelihood : float
        At the maximum; NaN for the two steps.
    summits, summit_gains : float arrays
        rho at other summits of the likelihood that were found, and how much higher the log-likelihood is there.
    variance : {"robust", "model", "replicates"}
        How the covariance was estimated.
    level : float
        Confidence level.
    variance_accounts_for : tuple of str
        Codes of what the standard errors include; `accounts` puts them in words.
    assumptions : tuple of Assumption
        What the estimate rests on.
    """

    method: SelectionMethod
    equations: tuple[str, ...]
    terms: tuple[str, ...]
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    covariance: Floats
    mean: float
    mean_std_error: float
    mean_conf_low: float
    mean_conf_high: float
    naive: float
    n: float
    n_heard: float
    exclusions: tuple[str, ...]
    exclusion_p_value: float
    mills_r_squared: float
    log_likelihood: float
    summits: Floats
    summit_gains: Floats
    variance: str
    level: float
    variance_accounts_for: tuple[str, ...]
    assumptions: tuple[Assumption, ...]

    @property
    def sigma(self) -> float:
        """Standard deviation of the outcome's error."""
        return float(self.estimate[-3])

    @property
    def rho(self) -> float:
        """Correlation of the errors of response and outcome."""
        return float(self.estimate[-2])

    def accounts(self, language: str = "en") -> str:
        """`variance_accounts_for` in words."""
        return texts.listed("variance", self.variance_accounts_for, language)

    def to_frame(self) -> pd.DataFrame:
        """One row per parameter: equation, term, estimate, std_error, conf_low, conf_high."""
        numbers = {name: getattr(self, name) for name in ("estimate", "std_error", "conf_low", "conf_high")}
        return frame({"equation": list(self.equations), "term": list(self.terms), **numbers})

    def tidy(self) -> pd.DataFrame:
        """The means: term (heckman, naive), estimate, std_error, conf_low, conf_high."""
        nothing = float("nan")
        return frame({
            "term": ["heckman", "naive"], "estimate": [self.mean, self.naive], "std_error": [self.mean_std_error, nothing],
            "conf_low": [self.mean_conf_low, nothing], "conf_high": [self.mean_conf_high, nothing],
        })

    def summary(self, language: str = "en") -> str:
        """The means above the parameters, what the standard errors account for, and what the estimate rests on."""
        lines = [each.to_string(index=False, float_format=lambda value: f"{value:.6g}") for each in (self.tidy(), self.to_frame())]
        lines.append(texts.render("variance.summary", language, level=f"{100 * self.level:g}", accounts=self.accounts(language)))
        lines += [f"- {assumption.text(language)}" for assumption in self.assumptions]
        return "\n".join(lines)


def limits(estimate: Floats, covariance: Floats, method: SelectionMethod, level: float) -> tuple[Floats, Floats]:
    """Normal limits on the scale each parameter was estimated on."""
    half = normal_quantile(level) * np.sqrt(np.maximum(np.diag(covariance), 0.0))
    low, high = estimate - half, estimate + half
    sigma, rho = estimate[-3], estimate[-2]
    if sigma > 0:
        low[-3], high[-3] = sigma * np.exp(-half[-3] / sigma), sigma * np.exp(half[-3] / sigma)
    if method == "likelihood":
        turned, width = np.arctanh(rho), half[-2] / (1.0 - rho**2)
        low[-2], high[-2] = np.tanh(turned - width), np.tanh(turned + width)
    return low, high
