"""What the signals of an audit say of each dealer together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..results import Flags, Floats, Labels, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("combined_evidence")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CombinedEvidence(Result):
    """Several signals as one p-value per dealer, and who is to be verified at a false discovery rate; D dealers, S signals.

    Attributes
    ----------
    labels : {"dealer": array (D,)}
        Dealers, sorted, original type.
    signals : tuple of str (S,)
        Names of the signals.
    p_values : Floats (D, S)
        p-values as they came; NaN where a signal abstains.
    statistic : Floats (D,)
        Combined statistic; larger is more suspicious; NaN where every signal abstains.
    p_value : Floats (D,)
        Chance of such a statistic, or a larger one, at an honest dealer of whom the same signals speak; of a likelihood ratio, at an
        honest dealer of the network.
    q_value : Floats (D,)
        Smallest false discovery rate at which Benjamini and Hochberg's list holds the dealer: it describes the list up to this dealer.
    e_value : Floats (D,)
        Evidence on a betting scale: its mean over honest dealers is at most 1.
    flagged : Flags (D,)
        On the list at `fdr`, by `control`.
    correlation : Floats (S, S)
        Of the normal scores of honest dealers in the null draws.
    method, control : str
        How signals were combined, and how the list is held to its false discovery rate.
    fdr : float
        False discovery rate of the list.
    """

    labels: Labels
    signals: tuple[str, ...]
    p_values: Floats
    statistic: Floats
    p_value: Floats
    q_value: Floats
    e_value: Floats
    flagged: Flags
    correlation: Floats
    method: str
    control: str
    fdr: float

    def to_frame(self) -> pd.DataFrame:
        """One row per dealer: dealer, p_value, q_value, e_value, flagged, and the p-value of each signal under its name."""
        numbers = {name: getattr(self, name) for name in ("p_value", "q_value", "e_value", "flagged")}
        return frame({**self.labels, **numbers, **dict(zip(self.signals, self.p_values.T, strict=True))})

    def tidy(self) -> pd.DataFrame:
        """One row per term ("combined" or a signal) and dealer: term, dealer, estimate (the p-value); std_error and limits are NaN."""
        terms = ("combined", *self.signals)
        dealer = self.labels["dealer"]
        unknown = np.full(len(terms) * dealer.size, np.nan)
        return frame({
            "term": np.repeat(np.array(terms, object), dealer.size), "dealer": np.concatenate([dealer] * len(terms)),
            "estimate": np.concatenate([self.p_value, self.p_values.T.ravel()]), "std_error": unknown, "conf_low": unknown,
            "conf_high": unknown,
        })

    def summary(self, language: str = "en") -> str:
        """The dealers of whom the signals say most."""
        table = self.to_frame().sort_values("p_value", kind="stable").head(10)
        return str(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
