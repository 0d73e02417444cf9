"""What a discrete-time hazard regression returns, and the survival it predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _checks, texts
from .._numerics import normal_quantile
from ..errors import InputError
from ..estimation.coding import Coding, row_count
from ..options import HazardLink, HazardVariance
from ..results import Assumption, Floats, Integers, Result, frame, register
from . import hazard_links as links
from .person_periods import Intervals

if TYPE_CHECKING:
    import pandas as pd

_BLOCK = 1 << 22  # entries of derivatives held at once


@register("hazard_regression")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HazardRegression(Result):
    """Chances of leaving in a period, by period and characteristics.

    Attributes
    ----------
    terms, variables : tuple of str (q,)
        Name of each parameter (period=3, period=4-6, then the columns of x) and the variable behind it ("period" of baselines).
    estimate, std_error, conf_low, conf_high, z, p_value : float array (q,)
        On the scale of the link: log odds of leaving in a period, or the log of a hazard ratio under "cloglog".
    covariance : float array (q, q)
    start : float
        Periods until the first at risk: survival is that of those who reach it.
    ends : int array (intervals,)
        Last period of each run with one baseline.
    at_risk, events : float array (intervals,)
        Weight of person-periods at risk, and of those who leave, in each run.
    n, n_events : float
        Units, and those who left.
    log_likelihood : float
        Of the person-periods, weights included.
    link : {"logit", "cloglog"}
    levels : {variable: tuple of levels, or None for numbers}
        How x was coded; the first level is the reference.
    variance : {"model", "robust"}
        Inverse information, or the sandwich over units or clusters.
    level : float
        Confidence level.
    variance_accounts_for : tuple of str
        Codes of what the standard errors include.
    assumptions : tuple of Assumption
        What the estimate rests on.
    """

    terms: tuple[str, ...]
    variables: tuple[str, ...]
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    z: Floats
    p_value: Floats
    covariance: Floats
    start: float
    ends: Integers
    at_risk: Floats
    events: Floats
    n: float
    n_events: float
    log_likelihood: float
    link: HazardLink
    levels: Mapping[str, Any]
    variance: HazardVariance
    level: float
    variance_accounts_for: tuple[str, ...]
    assumptions: tuple[Assumption, ...]

    def survival(self, x: Any, *, times: npt.ArrayLike | None = None) -> pd.DataFrame:
        """Chance to be still there after a time, for customers with given characteristics.

            S(t | x) = exp(-Σ_{u <= t} c(α_u + x b)),   c(η) = log(1 + e^η) under logit, e^η under cloglog

        Parameters
        ----------
        x : mapping, dataframe, array or None
            The variables the model was fitted with, one row per customer; None where it had none.
        times : array of numbers (k,), optional
            When to read the curves, in periods (None: the end of every period).

        Returns
        -------
        pandas.DataFrame
            One row per row of x and time: row, time, survival, std_error (delta method), conf_low, conf_high (normal limits of
            log(-log S)). Beyond the last period observed everything is NaN; at S = 1 there are no limits.

        Raises
        ------
        InputError
            A variable is missing or has a level the model does not know.
        """
        first, last = int(self.start), int(self.ends[-1])
        grid = np.arange(first, last + 1.0) if times is None else np.unique(_checks.non_negative(times, "times"))
        if x is None and self.levels:
            raise InputError(
                f"x must hold the variables of the model: {', '.join(self.levels)}.",
                code="other_columns", argument="x", levels=list(self.levels), expected=", ".join(self.levels),
            )
        length = row_count(x)
        matrix = Coding(levels=self.levels).matrix(x, length=length, rows=np.arange(length))[:, 1:]
        periods = Intervals(first, self.ends).overlap(np.full(grid.size, first), np.floor(grid).astype(np.int64))
        block = max(_BLOCK // max(grid.size * self.estimate.size, 1), 1)
        parts = [self._cumulative(matrix[k : k + block], periods) for k in range(0, length, block)]
        hazard, error = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
        hazard = np.where(grid > last, np.nan, hazard).ravel()
        return frame({"row": np.arange(length).repeat(grid.size), "time": np.tile(grid, length), **self._limits(hazard, error.ravel())})

    def accounts(self, language: str = "en") -> str:
        """`variance_accounts_for` in words."""
        return texts.listed("variance", self.variance_accounts_for, language)

    def to_frame(self) -> pd.DataFrame:
        """One row per parameter: term, estimate, std_error, conf_low, conf_high, z, p_value."""
        names = ("estimate", "std_error", "conf_low", "conf_high", "z", "p_value")
        return frame({"term": list(self.terms), **{name: getattr(self, name) for name in names}})

    def tidy(self) -> pd.DataFrame:
        """Long form: term, estimate, std_error, conf_low, conf_high."""
        return self.to_frame()[["term", "estimate", "std_error", "conf_low", "conf_high"]]

    def summary(self, language: str = "en") -> str:
        """One screen: the parameters, what the standard errors account for, and what the estimate rests on."""
        lines = [
            texts.render("variance.hazards", language, link=self.link, n=f"{self.n:g}", events=f"{self.n_events:g}"),
            self.to_frame().to_string(index=False, float_format=lambda value: f"{value:.6g}"),
            texts.render("variance.summary", language, level=f"{100 * self.level:g}", accounts=self.accounts(language)),
            *(f"- {assumption.text(language)}" for assumption in self.assumptions),
        ]
        return "\n".join(lines)

    def _cumulative(self, x: Floats, periods: Floats) -> tuple[Floats, Floats]:
        """-log survival by row and time, and its standard error."""
        baseline, effects = np.split(self.estimate, [self.ends.size])
        eta = (x @ effects)[:, None] + baseline
        slopes = periods * links.slope(eta, self.link)[:, None, :]
        gradient = np.concatenate([slopes, slopes.sum(axis=2)[:, :, None] * x[:, None, :]], axis=2)
        variance = ((gradient @ self.covariance) * gradient).sum(axis=2)
        return links.cumulative(eta, self.link) @ periods.T, np.sqrt(np.maximum(variance, 0.0))

    def _limits(self, hazard: Floats, error: Floats) -> dict[str, Floats]:
        z = normal_quantile(self.level)
        width = np.exp(z * error / np.where(hazard > 0, hazard, np.nan))
        survival = np.exp(-hazard)
        return {
            "survival": survival, "std_error": survival * error, "conf_low": np.exp(-hazard * width),
            "conf_high": np.exp(-hazard / width),
        }
