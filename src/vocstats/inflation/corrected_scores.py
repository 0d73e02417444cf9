"""The scores dealers would have had: corrected scores with their limits, inflation and ranks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .. import _checks, texts
from .._numerics import normal_quantile
from ..results import Flags, Floats, Labels, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    "n", "score", "adjusted_score", "corrected_score", "std_error", "conf_low", "conf_high", "inflation", "inflation_error",
    "inflation_low", "inflation_high", "chance", "rank", "rank_low", "rank_high", "identified", "bound_low", "bound_high",
)


@register("honest_scores")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HonestScores(Result):
    """What the dealers' scores would be without inflation; D is the number of dealers. Scores are in points of the scale.

    Attributes
    ----------
    labels : {"dealer": array (D,)}
        Dealers, sorted, original type.
    n : Floats (D,)
        Answers.
    score : Floats (D,)
        Mean of all answers as they came.
    adjusted_score : Floats (D,)
        The same, had the dealer the customers of the network.
    corrected_score, std_error, conf_low, conf_high : Floats (D,)
        Honest mean over the dealer's visits as answered to the manufacturer: posterior mean, standard deviation and limits. NaN where
        nothing tells it.
    inflation, inflation_error, inflation_low, inflation_high : Floats (D,)
        Score minus what the same answers would have averaged honestly.
    chance : Floats (D,)
        Posterior chance that the dealer's own channel is lifted, given the model. The list of dealers to be verified is not made from it.
    rank, rank_low, rank_high : Floats (D,)
        Rank of the corrected score, 1 the highest, and posterior limits of the rank.
    identified : Flags (D,)
        Whether independent answers speak of the dealer.
    bound_low, bound_high : Floats (D,)
        Where not identified: lower limit if his answers were lifted as far as is plausible, upper limit if none was; NaN elsewhere.
    independent_score, independent_error : Floats (D,)
        Mean of the independent answers alone, with the case mix of the dealer's visits, and its standard error.
    reasons : tuple of str
        Per dealer the code (`texts/reason.toml`) of what is missing; "" where nothing is.
    network : {name: array (1,)}
        Parameters of the network; empty where they could not be learned.
    level : float
        Level of all limits.
    """

    labels: Labels
    n: Floats
    score: Floats
    adjusted_score: Floats
    corrected_score: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    inflation: Floats
    inflation_error: Floats
    inflation_low: Floats
    inflation_high: Floats
    chance: Floats
    rank: Floats
    rank_low: Floats
    rank_high: Floats
    identified: Flags
    bound_low: Floats
    bound_high: Floats
    independent_score: Floats
    independent_error: Floats
    reasons: tuple[str, ...]
    network: Labels
    level: float

    def selected(self, flags: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Limits from the independent answers alone whose false coverage rate over the selected dealers is 1 - level.

        With R of M dealers selected each has level 1 - (1 - level) R / M. The posterior limits need no such adjustment as far as the
        model of the network holds; these rest on the independent answers only, and are wider.

        Parameters
        ----------
        flags : boolean array (D,)
            Which dealers were selected.

        Returns
        -------
        low, high : Floats (D,)
            NaN for dealers not selected, or without independent answers.

        Raises
        ------
        InputError
            `flags` does not fit.

        References
        ----------
        Benjamini & Yekutieli (2005), J. Amer. Stat. Assoc. 100(469), procedure 1.
        """
        chosen = _checks.flags(flags, "flags", length=self.n.size)
        measured = np.isfinite(self.independent_error)
        share = float((chosen & measured).sum() / max(measured.sum(), 1))
        reach = normal_quantile(1.0 - (1.0 - self.level) * share) if share > 0 else float("nan")
        half = np.where(chosen, reach * self.independent_error, np.nan)
        return self.independent_score - half, self.independent_score + half

    def to_frame(self) -> pd.DataFrame:
        """One row per dealer: dealer, the figures in their order, reason."""
        return frame({**self.labels, **{name: getattr(self, name) for name in _COLUMNS}, "reason": list(self.reasons)})

    def tidy(self) -> pd.DataFrame:
        """One row per term ("corrected_score", "inflation") and dealer: term, dealer, estimate, std_error, conf_low, conf_high."""
        dealer = self.labels["dealer"]
        return frame({
            "term": np.repeat(np.array(["corrected_score", "inflation"], object), dealer.size), "dealer": np.concatenate([dealer, dealer]),
            "estimate": np.append(self.corrected_score, self.inflation), "std_error": np.append(self.std_error, self.inflation_error),
            "conf_low": np.append(self.conf_low, self.inflation_low), "conf_high": np.append(self.conf_high, self.inflation_high),
        })

    def summary(self, language: str = "en") -> str:
        """The dealers with most inflation."""
        table = self.to_frame().sort_values("inflation", ascending=False, kind="stable").head(10)
        table["reason"] = [texts.render(f"reason.{code}", language) if code else "" for code in table["reason"]]
        names = ["dealer", "n", "score", "corrected_score", "conf_low", "conf_high", "inflation", "chance", "reason"]
        return str(table[names].to_string(index=False, float_format=lambda value: f"{value:.4g}"))
