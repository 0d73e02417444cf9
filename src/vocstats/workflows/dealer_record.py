"""What an audit says of one dealer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from .. import texts
from ..inflation import Signal
from ..results import frame
from .audit_reasons import Reason

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalLine:
    """One signal at one dealer; `reason` is the code why it says nothing, "" where it speaks."""

    name: str
    n: float
    effect: float
    std_error: float
    unit: str
    p_value: float
    reason: str

    @classmethod
    def of(cls, signal: Signal, dealer: Any) -> Self:
        """The line of a dealer the signal may not know."""
        k = signal.place_of(dealer)
        if k is None:
            return cls(
                name=signal.name, n=0.0, effect=np.nan, std_error=np.nan, unit=signal.unit, p_value=np.nan, reason="few_responses"
            )
        numbers = {name: float(getattr(signal, name)[k]) for name in ("n", "effect", "std_error", "p_value")}
        return cls(name=signal.name, unit=signal.unit, reason=signal.reasons[k], **numbers)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DealerRecord:
    """One dealer's page as data.

    Attributes
    ----------
    dealer : label
    status : str
        As in `DealerAudit.status`.
    flagged : bool
    figures : {name: float}
        n, n_own, score, adjusted_score, corrected_score with limits, inflation with limits, rank with limits, p_value, q_value,
        detectable, and of the telephone plan calls and settles_below.
    medians : {name: float}
        Of all dealers: n, score, adjusted_score.
    reasons : tuple of Reason
        Signals that show, strongest first.
    signals : tuple of SignalLine
        Every signal that was taken.
    left_out : {signal: code}
        Signals that could not be taken.
    first_day, last_day : str
    fdr, level : float
    seed : int
    """

    dealer: Any
    status: str
    flagged: bool
    figures: Mapping[str, float]
    medians: Mapping[str, float]
    reasons: tuple[Reason, ...]
    signals: tuple[SignalLine, ...]
    left_out: Mapping[str, str]
    first_day: str
    last_day: str
    fdr: float
    level: float
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """One row per signal, strongest first: signal, n, effect, std_error, unit, p_value, reason."""
        columns = ("name", "n", "effect", "std_error", "unit", "p_value", "reason")
        table = frame({name: [getattr(line, name) for line in self.signals] for name in columns})
        return table.rename(columns={"name": "signal"}).sort_values("p_value", kind="stable").reset_index(drop=True)

    def summary(self, language: str = "en") -> str:
        """Status, score and corrected score, and the reasons in words."""
        figures = {name: self.figures[name] for name in ("n", "score", "corrected_score", "conf_low", "conf_high", "detectable")}
        head = texts.render(
            "term.dealer_line", language, dealer=self.dealer, status=texts.render(f"term.status_{self.status}", language), **figures
        )
        return "\n".join([head, *(f"- {reason.text(language)}" for reason in self.reasons)])
