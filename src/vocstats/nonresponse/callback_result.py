"""What `reweight_by_callbacks` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from .. import texts
from ..options import CallbackDependence, CallbackModel, Inference
from ..results import Assumption, Flags, Floats, Labels, Result, frame, register
from ..weighting.chain import Weights

if TYPE_CHECKING:
    import pandas as pd


@register("callbacks")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CallbackEstimate(Result):
    """Means of everybody asked, from who answered at which attempt.

    Attributes
    ----------
    labels : {"statistic": array (m,)}
        Names of the means.
    estimate, std_error, conf_low, conf_high : float arrays (m,)
        In the units of the statistic. The standard error is linearised at the estimate; where `interval` is "profile" the limits do
        not come from it.
    naive : float arrays (m,)
        Weighted mean of those heard.
    latest, latest_std_error, extrapolated, extrapolated_std_error : float arrays (m,)
        The continuum of resistance as comparator: the silent like those heard last, or on the line through the attempts.
    widening : float array (m,)
        How many times as far apart the limits are as those of a random sample of as many answers.
    flat : bool array (m,)
        Whether the data hardly tell answers apart: a widening above 4.
    model : {"likelihood", "weighting", "doubly_robust", "continuum"}
        How the estimate was made.
    dependence : {"saturated", "linear"}
        How the odds of an answer depend on the score.
    interval : {"profile", "normal"}
        Kind of limits.
    inference : {"r", "registry", "process"}
        What standard errors and limits refer to.
    heard, asked : float arrays (attempts,)
        People who answered at each attempt, and who had not before.
    attempt_mean : float array (attempts, m)
        Weighted mean of those heard at each attempt.
    terms : tuple of str (k,)
        Parameters of the response model: attempts, characteristics, score; none for the continuum.
    coefficient, coefficient_std_error : float arrays (k,)
        Log odds of an answer.
    log_likelihood : float
        At the maximum; NaN for other models.
    misfit, misfit_df : float
        Twice what the log-likelihood falls short of that of the shares observed, a chi-square with so many degrees of freedom where the
        model is right; NaN for other models and with weights.
    n, n_heard : float
        People asked, and heard.
    level : float
        Confidence level.
    variance_accounts_for : tuple of str
        Codes of what the standard errors include; `accounts` puts them in words.
    assumptions : tuple of Assumption
        What the estimate rests on.
    weights : Weights or None
        Of the likelihood and of weighting: on the axis of all rows, 0 where never heard; `estimation.mean(v, weights, by=...)` gives
        any other statistic with a standard error that accounts for the response model. None for other models and after reading a file.
    """

    labels: Labels
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    naive: Floats
    latest: Floats
    latest_std_error: Floats
    extrapolated: Floats
    extrapolated_std_error: Floats
    widening: Floats
    flat: Flags
    model: CallbackModel
    dependence: CallbackDependence
    interval: str
    inference: Inference
    heard: Floats
    asked: Floats
    attempt_mean: Floats
    terms: tuple[str, ...]
    coefficient: Floats
    coefficient_std_error: Floats
    log_likelihood: float
    misfit: float
    misfit_df: float
    n: float
    n_heard: float
    level: float
    variance_accounts_for: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    weights: Weights | None = field(default=None, repr=False, metadata={"memory_only": True})

    def accounts(self, language: str = "en") -> str:
        """`variance_accounts_for` in words."""
        return texts.listed("variance", self.variance_accounts_for, language)

    @property
    def misfit_p_value(self) -> float:
        """Probability of so large a misfit where the model is right; NaN without degrees of freedom."""
        return float(special.chdtrc(self.misfit_df, self.misfit)) if self.misfit_df > 0 else float("nan")

    def to_frame(self) -> pd.DataFrame:
        """One row per mean: statistic, estimate, std_error, conf_low, conf_high, naive, latest, extrapolated, widening, flat."""
        names = ("estimate", "std_error", "conf_low", "conf_high", "naive", "latest", "extrapolated", "widening", "flat")
        return frame({**self.labels, **{name: getattr(self, name) for name in names}})

    def attempt_frame(self) -> pd.DataFrame:
        """One row per attempt: attempt, asked, heard, and the mean of every statistic."""
        means = {str(name): self.attempt_mean[:, j] for j, name in enumerate(self.labels["statistic"])}
        return frame({"attempt": np.arange(1, self.heard.size + 1), "asked": self.asked, "heard": self.heard, **means})

    def coefficient_frame(self) -> pd.DataFrame:
        """One row per parameter of the response model: term, estimate, std_error (log odds)."""
        return frame({"term": list(self.terms), "estimate": self.coefficient, "std_error": self.coefficient_std_error})

    def tidy(self) -> pd.DataFrame:
        """Long form: statistic, term (callbacks, latest, extrapolated, naive), estimate, std_error, conf_low, conf_high."""
        size = self.estimate.size
        nothing = np.full(size, np.nan)
        return frame({
            "statistic": np.concatenate([self.labels["statistic"]] * 4),
            "term": np.repeat(np.array(["callbacks", "latest", "extrapolated", "naive"], object), size),
            "estimate": np.concatenate([self.estimate, self.latest, self.extrapolated, self.naive]),
            "std_error": np.concatenate([self.std_error, self.latest_std_error, self.extrapolated_std_error, nothing]),
            "conf_low": np.concatenate([self.conf_low, nothing, nothing, nothing]),
            "conf_high": np.concatenate([self.conf_high, nothing, nothing, nothing]),
        })

    def remarks(self, language: str = "en") -> list[str]:
        """A sentence for every mean the data hardly tell."""
        code = "callbacks_flat" if self.interval == "profile" else "callbacks_wide"
        return [
            texts.render(
                f"variance.{code}", language, statistic=str(self.labels["statistic"][j]), low=f"{self.conf_low[j]:.3g}",
                high=f"{self.conf_high[j]:.3g}", widening=f"{self.widening[j]:.1f}",
            )
            for j in np.flatnonzero(self.flat)
        ]

    def summary(self, language: str = "en") -> str:
        """The means, the attempts, the response model, how flat the likelihood is, and what the estimate rests on."""
        frames = [self.to_frame(), self.attempt_frame(), *([self.coefficient_frame()] if self.terms else [])]
        lines = [each.to_string(index=False, float_format=lambda value: f"{value:.6g}") for each in frames]
        code = f"variance.callbacks_{self.interval}"
        lines.append(texts.render(code, language, level=f"{100 * self.level:g}", accounts=self.accounts(language)))
        if self.misfit_df > 0:
            values = {"misfit": f"{self.misfit:.2f}", "df": f"{self.misfit_df:g}", "p_value": f"{self.misfit_p_value:.3f}"}
            lines.append(texts.render("variance.callbacks_misfit", language, **values))
        lines += self.remarks(language)
        lines += [f"- {assumption.text(language)}" for assumption in self.assumptions]
        return "\n".join(lines)
