"""What prediction-powered inference returns, and the pieces its estimators share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks
from .._numerics import t_quantile
from ..errors import IdentificationError, InputError, shown
from ..options import PoweredInference, PoweredStatistic
from ..results import Flags, Floats, Result, frame, register

if TYPE_CHECKING:
    import pandas as pd

_FEWEST = 3  # labels: two to have a spread, one for the tuned weight


@register("prediction_powered")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PredictionPowered(Result):
    """Estimates from predictions for everybody and labels for some.

    Attributes
    ----------
    statistic : {"mean", "linear", "logistic"}
    terms : tuple of str
        "mean", or the names of the coefficients.
    estimate, std_error, conf_low, conf_high, df : float arrays (k,)
        Student limits; the degrees of freedom fall with the kurtosis of the labels' residuals.
    labels_only, labels_only_error : float arrays (k,)
        What the labels alone say, and its standard error.
    weight : float array (H,)
        λ, the weight of the predictions, of each stratum.
    strata : tuple
        Labels of the strata; empty without.
    labelled, n : float
        Rows with a label, rows.
    inference : {"registry", "process"}
        Whether the standard error is about these rows, or about those they were drawn from.
    level : float
    """

    statistic: PoweredStatistic
    terms: tuple[str, ...]
    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    df: Floats
    labels_only: Floats
    labels_only_error: Floats
    weight: Floats
    strata: tuple[Any, ...]
    labelled: float
    n: float
    inference: PoweredInference
    level: float

    @property
    def labels_worth(self) -> Floats:
        """How many labels alone would have this standard error, were there no end of rows to draw them from."""
        return np.asarray(self.labelled * (self.labels_only_error / self.std_error) ** 2)

    def to_frame(self) -> pd.DataFrame:
        """One row per term."""
        names = ("estimate", "std_error", "conf_low", "conf_high", "df", "labels_only", "labels_only_error", "labels_worth")
        return frame({"term": list(self.terms), **{name: getattr(self, name) for name in names}})

    def tidy(self) -> pd.DataFrame:
        """One row per term: term, estimate, std_error, conf_low, conf_high."""
        return self.to_frame()[["term", "estimate", "std_error", "conf_low", "conf_high"]]

    def summary(self, language: str = "en") -> str:
        """The table."""
        return str(self.to_frame().to_string(index=False, float_format=lambda value: f"{value:.4f}"))


def labels_and_predictions(y: Any, prediction: Any) -> tuple[Floats, Floats, Flags]:
    """Outcomes, predictions, and which rows have a label."""
    outcome = _checks.vector(y, "y", missing=True)
    labelled = ~np.isnan(outcome)
    _checks.squarable(outcome[labelled], "y")
    return outcome, _checks.squarable(_checks.vector(prediction, "prediction", length=outcome.size), "prediction"), labelled


def enough(labelled: Flags, where: str = "") -> None:
    """Raise unless some rows have labels."""
    count = int(labelled.sum())
    if count < _FEWEST:
        raise InputError(
            f"y holds {count} labels{where}; at least {_FEWEST} are needed. Label more, or merge strata.",
            code="too_few_labels", argument="y", count=count, least=_FEWEST,
        )


def residual_variance(residual: Floats, lost: int) -> tuple[float, float]:
    """Variance of residuals, and its degrees of freedom: of n values with kurtosis κ, 2n / (κ - 1), at most n - `lost`."""
    centred = residual - residual.mean()
    square = float(centred @ centred)
    size, free = residual.size, residual.size - lost
    if square == 0.0:
        return 0.0, float(free)
    kurtosis = size * float(np.sum((centred / square**0.5) ** 4))
    return square / free, min(2.0 * size / max(kurtosis - 1.0, 1e-300), float(free))


def student_limits(estimate: Floats, variance: Floats, df: Floats, level: float, *, known: bool) -> tuple[Floats, Floats, Floats]:
    """Standard errors and limits; refuses a variance of 0, which no few labels can show, unless every row is `known`."""
    certain = np.flatnonzero(~(variance > 0)) if not known else np.zeros(0, np.intp)
    if certain.size:
        raise IdentificationError(
            f"Among the rows with labels nothing varies beyond the predictions (estimates {shown(certain)}), so how far these err cannot "
            "be told: an interval of no width would be wrong. Label more rows.",
            code="no_residual_variance", argument="y", rows=certain,
        )
    error = np.sqrt(variance)
    half = t_quantile(level, df) * error
    return error, estimate - half, estimate + half
