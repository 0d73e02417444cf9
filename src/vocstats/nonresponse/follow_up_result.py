"""What `follow_up` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .. import texts
from ..estimation.linearization import Influence
from ..options import OutcomeFamily
from ..results import Assumption, Floats, Labels, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("follow_up")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FollowUpEstimate(Result):
    """Mean of everybody asked, through a follow-up of the silent; or one per domain.

    Attributes
    ----------
    estimate, std_error, conf_low, conf_high, df : float arrays
        In the units of the outcome; Student limits. Shape () without domains, (domains,) with, as all that follow. NaN where
        nobody of the silent of a domain was heard (std_error: one person who stands for others).
    naive : float array
        Weighted mean of those who answered at first; NaN where nobody did.
    silent_mean : float array
        What the silent would have said on average; NaN where nobody is silent.
    variance_first, variance_draw, variance_response : float arrays
        Parts of the variance: who was asked, who was drawn for the follow-up, who of them answered; NaN from replicates.
    n_answered, n_silent, n_drawn, n_heard : float arrays
        Who answered at first, who did not, who of these were drawn, and who of these were heard.
    response_rate : float array
        Share of those drawn who were heard; NaN where nobody was drawn.
    smallest_propensity : float array
        Smallest modelled chance to answer the follow-up of anybody who did (1 without a model); NaN where nobody did.
    effective_heard : float array
        Kish's effective number of those heard in the follow-up.
    labels : {name: array (domains,)}
        Labels of the domains, sorted, in their original dtype; empty without domains.
    population : float
        N of everybody: as given, or the sum of the weights.
    family : {"gaussian", "binomial", "poisson"}
        Outcome model.
    level : float
        Confidence level.
    variance_accounts_for : tuple of str
        Codes of what the standard error includes; `accounts` puts them in words.
    assumptions : tuple of Assumption
        What the estimate rests on.
    material : Influence, or None after reading from a file
        Influence values in factors; `influence_values` writes them out.
    weighting : Influence, or None after reading from a file
        Weights of the outcomes in factors; `outcome_weights` writes them out.
    """

    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    df: Floats
    naive: Floats
    silent_mean: Floats
    variance_first: Floats
    variance_draw: Floats
    variance_response: Floats
    n_answered: Floats
    n_silent: Floats
    n_drawn: Floats
    n_heard: Floats
    response_rate: Floats
    smallest_propensity: Floats
    effective_heard: Floats
    labels: Labels
    population: float
    family: OutcomeFamily
    level: float
    variance_accounts_for: tuple[str, ...]
    assumptions: tuple[Assumption, ...]
    material: Influence | None = field(default=None, repr=False, metadata={"memory_only": True})
    weighting: Influence | None = field(default=None, repr=False, metadata={"memory_only": True})

    @property
    def influence_values(self) -> Floats | None:
        """What each unit adds to the estimate, given who was asked, (n,) or (n, domains); one unit of a row that counts several times."""
        return self._written(self.material)

    @property
    def outcome_weights(self) -> Floats | None:
        """Derivative of the estimate to the outcome of a unit, (n,) or (n, domains).

        With a linear outcome model these are weights: the estimate is sum(counts * outcome_weights * y) over those heard.
        """
        return self._written(self.weighting)

    def _written(self, factors: Influence | None) -> Floats | None:
        if factors is None:
            return None
        values = factors.values()
        return values if self.labels else values[:, 0]

    def accounts(self, language: str = "en") -> str:
        """`variance_accounts_for` in words."""
        return texts.listed("variance", self.variance_accounts_for, language)

    def to_frame(self) -> pd.DataFrame:
        """Two rows per domain, those who answered and the silent: units, heard, share of the domain and mean."""
        units = np.stack([self.n_answered, self.n_silent], axis=-1)
        heard = np.stack([self.n_answered, self.n_heard], axis=-1)
        means = np.stack([self.naive, self.silent_mean], axis=-1)
        columns = {"units": units, "heard": heard, "share": units / units.sum(axis=-1, keepdims=True), "mean": means}
        return self._twice("group", ["answered", "silent"], columns)

    def tidy(self) -> pd.DataFrame:
        """Two rows per domain, follow_up and naive: term, labels, estimate, std_error, conf_low, conf_high."""
        numbers = {"estimate": self.naive} | {name: np.full_like(self.naive, np.nan) for name in ("std_error", "conf_low", "conf_high")}
        columns = {name: np.stack([getattr(self, name), naive], axis=-1) for name, naive in numbers.items()}
        return self._twice("term", ["follow_up", "naive"], columns)

    def _twice(self, name: str, rows: list[str], columns: Mapping[str, Floats]) -> pd.DataFrame:
        labels = {column: np.repeat(levels, 2) for column, levels in self.labels.items()}
        return frame({name: rows * self.estimate.size, **labels, **{key: column.ravel() for key, column in columns.items()}})

    def summary(self, language: str = "en") -> str:
        """The estimate, the groups, what the standard error accounts for, and what the estimate rests on."""
        frames = (self.tidy(), self.to_frame())
        lines = [each.to_string(index=False, float_format=lambda value: f"{value:.6g}") for each in frames]
        lines.append(texts.render("variance.summary", language, level=f"{100 * self.level:g}", accounts=self.accounts(language)))
        lines += [f"- {assumption.text(language)}" for assumption in self.assumptions]
        return "\n".join(lines)
