"""What a monitor knows after a run: evidence per dealer, and all sums the next run continues from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import texts
from ..results import Flags, Floats, Labels, Record, Result, frame, register
from .null import EmpiricalNull

if TYPE_CHECKING:
    import pandas as pd


@register("monitor_sums")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MonitorSums(Record):
    """Sums over the runs so far; T runs, D dealers, p columns of characteristics.

    Attributes
    ----------
    origin : float
        Score from which deviations are taken: the mean of the first run.
    low, high : float
        Lowest and highest score so far.
    scale : float
        Standard deviation of an answer when the network's scores first varied; 0 before. Lifts are in multiples of it.
    powers : Floats (4, D)
        Sums of the powers 0 to 3 of the adjusted scores less `origin`.
    compared : Floats (T, 4, D)
        Of the comparisons made in each run: their weight c = n_1 n_0 / (n_1 + n_0), c times the gap, c³ (1 / n_1² - 1 / n_0²), and c times
        the standard error that the effects of the characteristics add.
    waiting : Floats (2, D, 2 + p)
        Answers not yet compared, dealer-invited and independent: number, sum of adjusted scores, sums of characteristics.
    characteristics : tuple of str
        Columns of x; those of labels end in "=".
    columns : tuple of str (p,)
        Indicators and numbers made of them.
    middle : Floats (p,)
        Mean of each number in the first run; 0 for indicators.
    square, cross : Floats (p, p), Floats (p,)
        Products of characteristics with each other and with scores, within dealers and runs, among independent responses.
    """

    origin: float
    low: float
    high: float
    scale: float
    powers: Floats
    compared: Floats
    waiting: Floats
    characteristics: tuple[str, ...]
    columns: tuple[str, ...]
    middle: Floats
    square: Floats
    cross: Floats


@register("monitor_state")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MonitorState(Result):
    """Evidence after the latest run, and the state the next one continues from; D dealers.

    Attributes
    ----------
    labels : {"dealer": array (D,)}
        Dealers heard of so far, sorted, original type.
    periods : tuple of str
        Labels of the runs, oldest first.
    n : Floats (D,)
        Responses so far.
    effect, std_error : Floats (D,)
        Mean gap of all runs less that of honest dealers, in points of the score (or as a share with `top`), and its standard error.
    conf_low, conf_high : Floats (D,)
        Limits of the effect that hold at every run together with probability `level`.
    e_value : Floats (D,)
        Evidence now: its mean over honest dealers is at most 1 at any run, also one chosen by looking. NaN where nothing can be said.
    e_max : Floats (D,)
        Largest so far; an honest dealer ever reaches 1 / α with probability α at most.
    p_value : Floats (D,)
        min(1, 1 / e_max): a p-value at any run.
    flagged : Flags (D,)
        On the list of e-BH at `fdr`, made of `e_value`.
    details : {name: array (D,)}
        ``first_flagged`` (period of the first list with the dealer; "" never), ``since`` (run from which the gap is likeliest too large).
    reasons : tuple of str (D,)
        Code (`texts/reason.toml`) of why nothing can be said; "" where something can.
    null : EmpiricalNull or None
        Honest gaps: as given, or as fitted in this run.
    null_given : bool
        Whether it was given.
    top : float or None
        Score from which an answer counts as 1; None: mean scores.
    fdr, level : float
        Of the list and of the limits.
    sums : MonitorSums
        All the next run needs.
    """

    labels: Labels
    periods: tuple[str, ...]
    n: Floats
    effect: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    e_value: Floats
    e_max: Floats
    p_value: Floats
    flagged: Flags
    details: Labels
    reasons: tuple[str, ...]
    null: EmpiricalNull | None
    null_given: bool
    top: float | None
    fdr: float
    level: float
    sums: MonitorSums = field(repr=False)

    def to_frame(self) -> pd.DataFrame:
        """One row per dealer: dealer, n, effect, std_error, e_value, e_max, p_value, flagged, first_flagged, since, reason."""
        columns = {name: getattr(self, name) for name in ("n", "effect", "std_error", "e_value", "e_max", "p_value", "flagged")}
        return frame({**self.labels, **columns, **self.details, "reason": list(self.reasons)})

    def tidy(self) -> pd.DataFrame:
        """One row per dealer: term, dealer, estimate (the effect), std_error, conf_low, conf_high."""
        numbers = {"estimate": self.effect, "std_error": self.std_error, "conf_low": self.conf_low, "conf_high": self.conf_high}
        return frame({"term": ["monitor"] * self.n.size, **self.labels, **numbers})

    def summary(self, language: str = "en") -> str:
        """The dealers with most evidence now."""
        table = self.to_frame().sort_values("e_value", ascending=False, kind="stable").head(10)
        table["reason"] = [texts.render(f"reason.{code}", language) if code else "" for code in table["reason"]]
        return str(table.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
