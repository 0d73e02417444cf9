"""What `follow_up` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .. import texts
from ..options import OutcomeFamily
from ..results import Assumption, Floats, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("follow_up")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FollowUpEstimate(Result):
    """Mean of everybody asked, through a follow-up of the silent.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high, df : float
        In the units of the outcome; Student limits.
    naive : float
        Weighted mean of those who answered at first; NaN where nobody did.
    silent_mean : float
        What the silent would have said on average.
    variance_first, variance_draw, variance_response : float
        Parts of the variance: who was asked, who was drawn for the follow-up, who of them answered; NaN from replicates.
    population : float
        N: as given, or the sum of the weights.
    n_answered, n_silent, n_drawn, n_heard : float
        Who answered at first, who did not, who of these were drawn, and who of these were heard.
    response_rate : float
        Share of those drawn who were heard.
    smallest_propensity : float
        Smallest modelled chance to answer the follow-up of anybody who did (1 without a model).
    effective_heard : float
        Kish's effective number of those heard in the follow-up.
    family : {"gaussian", "binomial", "poisson"}
        Outcome model.
    level : float
        Confidence level.
    variance_accounts_for : tuple of str
        Codes of what the standard error includes; `accounts` puts them in words.
    assumptions : tuple of Assumption
        What the estimate rests on.
    influence_values : float array (n,), or None after reading from a file
        What each unit adds to the estimate, given who was asked; one unit of a row that counts several times.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    df: float
    naive: float
    silent_mean: float
    variance_first: float
    variance_draw: float
    variance_response: float
    population: float
    n_answered: float
    n_silent: float
    n_drawn: float
    n_heard: float
    response_rate: float
    smallest_propensity: float
    effective_heard: float
    family: OutcomeFamily
    level: float
    variance_accounts_for: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    influence_values: Floats | None = field(default=None, repr=False, metadata={"memory_only": True})

    def accounts(self, language: str = "en") -> str:
        """`variance_accounts_for` in words."""
        return texts.listed("variance", self.variance_accounts_for, language)

    def to_frame(self) -> pd.DataFrame:
        """One row per group: those who answered and the silent; units, heard, share of the base and mean."""
        total = self.n_answered + self.n_silent
        return frame({
            "group": ["answered", "silent"], "units": [self.n_answered, self.n_silent], "heard": [self.n_answered, self.n_heard],
            "share": [self.n_answered / total, self.n_silent / total], "mean": [self.naive, self.silent_mean],
        })

    def tidy(self) -> pd.DataFrame:
        """Two rows, follow_up and naive: term, estimate, std_error, conf_low, conf_high."""
        numbers = {name: [getattr(self, name), np.nan] for name in ("std_error", "conf_low", "conf_high")}
        return frame({"term": ["follow_up", "naive"], "estimate": [self.estimate, self.naive], **numbers})

    def summary(self, language: str = "en") -> str:
        """The estimate, the groups, what the standard error accounts for, and what the estimate rests on."""
        frames = (self.tidy(), self.to_frame())
        lines = [each.to_string(index=False, float_format=lambda value: f"{value:.6g}") for each in frames]
        lines.append(texts.render("variance.summary", language, level=f"{100 * self.level:g}", accounts=self.accounts(language)))
        lines += [f"- {assumption.text(language)}" for assumption in self.assumptions]
        return "\n".join(lines)
