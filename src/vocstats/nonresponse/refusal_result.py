"""What `nonignorable_em` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import texts
from ..results import Assumption, Floats, Labels, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("refusal")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RefusalEstimate(Result):
    """Shares of answers when refusing depends on the answer.

    Attributes
    ----------
    labels : {"answer": array (k,)}
        Names of the answers.
    estimate, likelihood_estimate : float arrays (k,)
        Shares among everybody, by the EM at its last tolerance and at the maximum of the full likelihood.
    conf_low, conf_high : float arrays (k,)
        Profile likelihood limits.
    naive, ignorable, ignorable_std_error : float arrays (k,)
        Shares among those who answered; shares, and their standard errors, if refusing depended on the cell alone.
    odds : float array (groups, k)
        Odds to refuse by the EM.
    groups : tuple of str
        Groups of the predictor, sorted.
    iterations : float
        Turns of the EM.
    tolerances, path, shortfall : float arrays (t,), (t, k), (t,)
        Shares the EM would have given at looser tolerances, and how far the log-likelihood is from its maximum there.
    log_likelihood : float
        At the maximum.
    widening : float
        Largest ratio of the width of the limits to that under refusal that does not depend on the answer.
    at_boundary : bool
        Whether some chance to refuse is estimated next to 0 or 1.
    n, refused : float
        People who answered, and who refused.
    level : float
        Confidence level.
    assumptions : tuple of Assumption
        What the estimate rests on.
    """

    labels: Labels
    estimate: Floats
    likelihood_estimate: Floats
    conf_low: Floats
    conf_high: Floats
    naive: Floats
    ignorable: Floats
    ignorable_std_error: Floats
    odds: Floats
    groups: tuple[str, ...]
    iterations: float
    tolerances: Floats
    path: Floats
    shortfall: Floats
    log_likelihood: float
    widening: float
    at_boundary: bool
    n: float
    refused: float
    level: float
    assumptions: tuple[Assumption, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per answer: answer, estimate, likelihood_estimate, conf_low, conf_high, naive, ignorable, ignorable_std_error."""
        names = ("estimate", "likelihood_estimate", "conf_low", "conf_high", "naive", "ignorable", "ignorable_std_error")
        return frame({**self.labels, **{name: getattr(self, name) for name in names}})

    def path_frame(self) -> pd.DataFrame:
        """One row per tolerance of the EM: tolerance, the share of every answer, shortfall of the log-likelihood."""
        shares = {str(name): self.path[:, k] for k, name in enumerate(self.labels["answer"])}
        return frame({"tolerance": self.tolerances, **shares, "shortfall": self.shortfall})

    def tidy(self) -> pd.DataFrame:
        """Long form: term (nonignorable, ignorable, naive), answer, estimate, std_error, conf_low, conf_high."""
        size = self.estimate.size
        nothing = np.full(size, np.nan)
        return frame({
            "term": np.repeat(np.array(["nonignorable", "ignorable", "naive"], object), size),
            "answer": np.concatenate([self.labels["answer"]] * 3),
            "estimate": np.concatenate([self.estimate, self.ignorable, self.naive]),
            "std_error": np.concatenate([nothing, self.ignorable_std_error, nothing]),
            "conf_low": np.concatenate([self.conf_low, nothing, nothing]), "conf_high": np.concatenate([self.conf_high, nothing, nothing]),
        })

    def summary(self, language: str = "en") -> str:
        """The shares, the EM by tolerance, how flat the likelihood is, and what the estimate rests on."""
        lines = [each.to_string(index=False, float_format=lambda value: f"{value:.6g}") for each in (self.to_frame(), self.path_frame())]
        lines.append(texts.render("variance.flatness", language, widening=f"{self.widening:.1f}", level=f"{100 * self.level:g}"))
        lines += [f"- {assumption.text(language)}" for assumption in self.assumptions]
        return "\n".join(lines)
