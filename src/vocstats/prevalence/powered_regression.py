"""Regression coefficients from a predicted outcome for everybody and labels for a random few."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from .. import _checks
from .._checks import Floats
from ..errors import ConvergenceError, IdentificationError, InputError, shown
from ..estimation.coding import coding_of, collinear
from ..estimation.scoring import solved
from ..options import ModelFamily, PoweredInference
from ..results import Flags
from .powered_result import PredictionPowered, enough, labels_and_predictions, residual_variance, student_limits

_MAX_ITER, _TOL, _LEAP, _SURE = 60, 1e-9, 4.0, 30.0  # the last three: of the linear predictor


def prediction_powered_regression(
    y: npt.ArrayLike, prediction: npt.ArrayLike, x: Any, *, family: ModelFamily = "linear", weight: float | None = None,
    inference: PoweredInference = "process", level: float = 0.95,
) -> PredictionPowered:
    """Linear or logistic regression of an outcome labelled for some rows drawn at random and predicted for all.

    With ψ(y) = (y - μ(x'θ)) x, L the n labelled rows, U the N others and f the predictions, θ solves

        mean_L ψ(y) + λ [mean_U ψ(f) - mean_L ψ(f)] = 0

    with variance H⁻¹ [Cov_L(ψ(y) - λ ψ(f)) / n + λ² Cov(ψ(f)) / N] H⁻¹, H = mean(μ' x x'). The λ in [0, 1] of the smallest sum of
    variances is taken (PPI++, Angelopoulos, Duchi and Zrnic 2023, sections 3 and 6):

        λ = tr H⁻¹ (C + C') H⁻¹ / [2 (1 + n / N) tr H⁻¹ Cov(ψ(f)) H⁻¹],    C = Cov_L(ψ(y), ψ(f))

    Parameters
    ----------
    y, prediction, inference, level
        As in `prediction_powered`; a logistic regression takes outcomes 0 and 1 and predictions in [0, 1].
    x : mapping, dataframe or array (M, p)
        Variables of every row, numbers or labels; labels become indicators against their first level, an intercept is added.
    family : {"linear", "logistic"}
        What is modelled.
    weight : float, optional
        λ in [0, 1]; None tunes it.

    Returns
    -------
    PredictionPowered
        With `inference` "registry" about the coefficients that labels of all M rows would give.

    Raises
    ------
    InputError
        Fewer labels than coefficients and two more, missing predictors or predictions, outcomes outside [0, 1], lengths that differ.
    IdentificationError
        Columns of x are collinear among the labelled rows, or nothing varies there beyond the predictions.
    ConvergenceError
        The logistic equations have no finite solution, such as where x separates the labels.

    References
    ----------
    Angelopoulos, Duchi & Zrnic (2023), arXiv:2311.01453.

    Examples
    --------
    >>> import numpy as np
    >>> age = np.arange(1000) % 40
    >>> truth, guess = (age % 7 < age / 8) * 1.0, (age % 7 < age / 9) * 1.0
    >>> y = np.where(np.random.default_rng(1).permutation(1000) < 200, truth, np.nan)
    >>> r = prediction_powered_regression(y, guess, {"age": age}, family="logistic")
    >>> r.to_frame()[["term", "estimate", "std_error", "labels_only_error"]].round(3)
            term  estimate  std_error  labels_only_error
    0  intercept    -2.885      0.186              0.383
    1        age     0.111      0.007              0.015
    """
    _checks.choice(family, ModelFamily, "family")
    _checks.choice(inference, PoweredInference, "inference")
    _checks.level(level)
    given = None if weight is None else _checks.number(weight, "weight", low=0.0, high=1.0)
    outcome, guess, labelled = labels_and_predictions(y, prediction)
    everybody = np.arange(outcome.size)
    coding = coding_of(x, length=outcome.size, rows=everybody)
    matrix = coding.matrix(x, length=outcome.size, rows=everybody)
    rows = _Rows(x=matrix, y=np.where(labelled, outcome, 0.0), f=guess, labelled=labelled, logistic=family == "logistic")
    rows.check(coding.columns)
    first = rows.solve(1.0) if given is None else None
    tuned = rows.tuned(first) if first is not None else given
    assert tuned is not None
    theta, alone = rows.solve(tuned), rows.solve(0.0)
    variance, df = rows.variance(theta, tuned, inference, lost=matrix.shape[1] + (given is None))
    error, low, high = student_limits(theta, variance, df, level, known=inference == "registry" and bool(labelled.all()))
    return PredictionPowered(
        statistic=family, terms=coding.columns, estimate=theta, std_error=error, conf_low=low, conf_high=high, df=df, labels_only=alone,
        labels_only_error=np.sqrt(rows.variance(alone, 0.0, inference, lost=matrix.shape[1])[0]), weight=np.array([tuned]), strata=(),
        labelled=float(labelled.sum()), n=float(outcome.size), inference=inference, level=level,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Everybody's predictors and predictions, the labels of some."""

    x: Floats
    y: Floats
    f: Floats
    labelled: Flags
    logistic: bool

    def check(self, columns: tuple[str, ...]) -> None:
        """Refuse too few labels, outcomes and predictions that are no chances, and collinear columns."""
        enough(self.labelled)
        count, size = int(self.labelled.sum()), self.x.shape[1]
        if count < size + 2:
            raise InputError(
                f"y holds {count} labels for {size} coefficients; at least {size + 2} are needed. Label more, or leave variables out.",
                code="too_few_labels", argument="y", count=count, least=size + 2,
            )
        for name, values in (("y", self.y), ("prediction", self.f)):
            odd = np.flatnonzero((values < 0) | (values > 1)) if self.logistic else np.zeros(0, np.intp)
            if odd.size:
                raise InputError(
                    f"{name} of a logistic regression must lie in [0, 1]; it does not at rows {shown(odd)}.",
                    code="no_chance", argument=name, rows=odd,
                )
        dependent = collinear(self.x, self.labelled.astype(np.float64), columns)
        if dependent:
            raise IdentificationError(
                f"Columns {shown(dependent)} of x are combinations of other columns (the intercept among them): their effects cannot be "
                "told apart. Leave them out.",
                code="collinear", argument="x", levels=dependent,
            )

    def solve(self, weight: float) -> Floats:
        """θ by Newton's method: Σ mass μ(x'θ) x = target, where mass is (1 - λ) / n on labelled rows and λ / N on others."""
        n, every = self.labelled.sum(), self.labelled.size
        rest = max(every - n, 1)
        used = weight if n < every else 0.0
        mass = np.where(self.labelled, (1.0 - used) / n, used / rest)
        target = np.where(self.labelled, (self.y - used * self.f) / n, used * self.f / rest) @ self.x
        theta = np.zeros(self.x.shape[1])
        for _ in range(_MAX_ITER if self.logistic else 1):
            mean, slope = self._means(theta)
            step = solved((self.x.T * (mass * slope)) @ self.x, target - (mass * mean) @ self.x)
            size = float(np.abs(self.x @ step).max())
            theta = theta + step * (min(1.0, _LEAP / size) if self.logistic and size > 0 else 1.0)
            if size < _TOL:
                break
        certain = self.logistic and (size >= _TOL or np.abs(self.x @ theta).max() > _SURE)
        if certain or not np.isfinite(theta).all():
            raise ConvergenceError(
                "The logistic equations have no finite solution: a combination of x may tell the labels apart for certain. Merge levels, "
                "leave variables out, or label more rows.",
                code="powered_not_converged", argument="x",
            )
        return theta

    def _means(self, theta: Floats) -> tuple[Floats, Floats]:
        """μ and its derivative."""
        eta = self.x @ theta
        if not self.logistic:
            return eta, np.ones(eta.size)
        mean = special.expit(eta)
        return mean, mean * (1.0 - mean)

    def _influence(self, theta: Floats) -> tuple[Floats, Floats]:
        """H⁻¹ ψ(y) of the labelled rows, H⁻¹ ψ(f) of all."""
        mean, slope = self._means(theta)
        bread = (self.x.T * slope) @ self.x / slope.size
        labels, guesses = (solved(bread, (self.x * (values - mean)[:, None]).T).T for values in (self.y, self.f))
        return labels[self.labelled], guesses

    def tuned(self, theta: Floats) -> float:
        """λ of the smallest sum of variances, in [0, 1]."""
        labels, guesses = self._influence(theta)
        n, size = len(labels), len(guesses)
        common = float(np.sum((labels - labels.mean(axis=0)) * guesses[self.labelled])) / n
        spread = float(guesses.var(axis=0, ddof=1).sum())
        return float(np.clip(common / spread * (size - n) / size, 0.0, 1.0)) if spread > 0 else 0.0

    def variance(self, theta: Floats, weight: float, inference: str, *, lost: int) -> tuple[Floats, Floats]:
        """Variances of the coefficients and their degrees of freedom."""
        labels, guesses = self._influence(theta)
        n, size = len(labels), len(guesses)
        rest = (size - n) / size
        used = 0.0 if n == size else weight / rest if inference == "registry" else weight
        within, df = np.array([residual_variance(column, lost) for column in (labels - used * guesses[self.labelled]).T]).T
        if inference == "registry":
            return rest * within / n, df
        beyond = used**2 * guesses.var(axis=0, ddof=1) / max(size - n, 1)
        total = within / n + beyond
        return total, df * (total / np.maximum(within / n, 1e-300)) ** 2
