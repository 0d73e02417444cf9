"""What `stationarity_test` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..results import Result, frame, register

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("estimate", "std_error", "conf_low", "conf_high")


@register("stationarity_test")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StationarityTest(Result):
    """Time since joining against time until leaving, of customers met in stock.

    Attributes
    ----------
    backward, forward : float
        Mean time since joining and until leaving, each cut off at the follow-up, in the unit of the durations.
    estimate, std_error, conf_low, conf_high : float
        Backward less forward; below 0 where the inflow has grown, or customers leave less than they used to.
    statistic, df, p_value : float
        Student's t of no difference, its degrees of freedom, and the two-sided probability of a larger one.
    n : float
        Units compared.
    level : float
        Confidence level of the limits.
    """

    backward: float
    forward: float
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    statistic: float
    df: float
    p_value: float
    n: float
    level: float

    def to_frame(self) -> pd.DataFrame:
        """One row: backward, forward, estimate with limits, statistic, df, p_value, n."""
        names = ("backward", "forward", *_NUMBERS, "statistic", "df", "p_value", "n")
        return frame({name: [getattr(self, name)] for name in names})

    def tidy(self) -> pd.DataFrame:
        """One row: term, estimate, std_error, conf_low, conf_high."""
        return frame({"term": ["backward_less_forward"], **{name: [getattr(self, name)] for name in _NUMBERS}})

    def summary(self, language: str = "en") -> str:
        """The table."""
        return str(self.to_frame().to_string(index=False, float_format=lambda value: f"{value:.4g}"))
