"""What `capture_recapture` returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import _checks, texts
from .._numerics import normal_quantile
from ..options import InformationCriterion, LikelihoodInterval
from ..results import Assumption, Floats, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd


@register("capture_recapture")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CaptureRecapture(Result):
    """How many customers there are, on a list or on none, by several log-linear models of the overlap of lists.

    Attributes
    ----------
    models : tuple of str
        The models, M of them.
    estimate, std_error : float arrays (M,)
        Size of the population and its standard error: customers fall on lists independently, each model taken for true.
    conf_low, conf_high : float arrays (M,)
        Limits by `interval`.
    deviance, df, aic, bic, weight : float arrays (M,)
        Fit of the model; `weight` is exp(-criterion / 2), added up to 1.
    average, average_std_error, average_low, average_high : float
        Mean over models by `weight`; its standard error adds the spread between models.
    lists : tuple of str
        Names of the lists, t of them.
    shared : float array (t, t)
        Customers on both lists; in the diagonal, on the list.
    n : float
        Customers on some list.
    not_estimable : tuple of str
        Models in which the overlap of the lists leaves those on none open (some histories nobody has).
    assumption_drives : bool
        The estimates of the models lie further apart than the limits of the model of the largest weight.
    criterion : {"bic", "aic"}
        Behind `weight`.
    interval : {"profile", "delta"}
        Kind of the limits of each model.
    level : float
        Confidence level.
    assumptions : tuple of Assumption
        What the estimates rest on.
    """

    models: tuple[str, ...]
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    deviance: Floats
    df: Floats
    aic: Floats
    bic: Floats
    weight: Floats
    average: float
    average_std_error: float
    average_low: float
    average_high: float
    lists: tuple[str, ...]
    shared: Floats
    n: float
    not_estimable: tuple[str, ...]
    assumption_drives: bool
    criterion: InformationCriterion
    interval: LikelihoodInterval
    level: float
    assumptions: tuple[Assumption, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per model: model, estimate, std_error, conf_low, conf_high, deviance, df, aic, bic, weight."""
        names = ("estimate", "std_error", "conf_low", "conf_high", "deviance", "df", "aic", "bic", "weight")
        return frame({"model": list(self.models), **{name: getattr(self, name) for name in names}})

    def tidy(self) -> pd.DataFrame:
        """One row per model and one of the average: term, estimate, std_error, conf_low, conf_high."""
        average = {"estimate": self.average, "std_error": self.average_std_error}
        average |= {"conf_low": self.average_low, "conf_high": self.average_high}
        columns = {name: np.append(getattr(self, name), value) for name, value in average.items()}
        return frame({"term": [*self.models, "average"], **columns})

    def sensitivity(self, factors: Sequence[float] = (0.5, 1.0, 2.0)) -> pd.DataFrame:
        """Sizes if customers on no list were `factors` times as many as a model has them: model, factor, estimate.

        What a factor other than 1 stands for is an interaction of all lists at once, which no data can tell; with two lists under Mt it
        is their odds ratio.

        Parameters
        ----------
        factors : sequence of float
            Factors, above 0.

        Returns
        -------
        pandas.DataFrame
            One row per model and factor.
        """
        given = np.array([_checks.number(each, "factors", low=0.0, open_low=True) for each in factors])
        sizes = self.n + (self.estimate - self.n)[:, None] * given
        return frame({"model": np.repeat(self.models, given.size), "factor": np.tile(given, len(self.models)), "estimate": sizes.ravel()})

    def summary(self, language: str = "en") -> str:
        """The models, their average, and what they rest on."""
        lines = [self.tidy().to_string(index=False, float_format=lambda value: f"{value:.1f}")]
        if self.assumption_drives:
            ends = {"low": round(float(self.estimate.min())), "high": round(float(self.estimate.max()))}
            lines.append(texts.render("variance.list_models_differ", language, **ends))
        if self.not_estimable:
            lines.append(texts.render("variance.list_models_left_out", language, models=", ".join(self.not_estimable)))
        lines += [f"- {assumption.text(language)}" for assumption in self.assumptions]
        return "\n".join(lines)


def size_limits(unseen: Floats, std_error: Floats, level: float) -> tuple[Floats, Floats]:
    """Limits of those unseen on the logarithmic scale: unseen / C and unseen C, C = exp(z sqrt(log(1 + se² / unseen²))).

    References
    ----------
    Chao (1987), Biometrics 43(4), eq. 12.
    """
    spread = np.exp(normal_quantile(level) * np.sqrt(np.log1p((std_error / unseen) ** 2)))
    return np.asarray(unseen / spread), np.asarray(unseen * spread)
