"""By how much weights change the variance of an estimate, compared with a simple random sample of the same size."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import choice, named_columns, vector
from .._numerics import solve_symmetric
from ..errors import InputError, shown
from ..options import DesignEffectMethod
from . import distances
from .calibration import CalibrationStep
from .chain import Floats, Matrix, Weights, begin, times
from .labels import label_codes
from .model_assisted import ModelStep
from .raking import MarginStep

_CONSTANT = 1e-13  # a column whose variance is a smaller share of its mean square is a constant


def design_effect(
    w: Weights | npt.ArrayLike,
    *,
    y: npt.ArrayLike | None = None,
    x: Any = None,
    method: DesignEffectMethod = "kish",
    counts: npt.ArrayLike | None = None,
) -> float:
    """Variance of a weighted estimate over that of a simple random sample (with replacement) of as many units.

    With n units heard, N = sum(c w), e the residual of a regression of y with weights c w, s² the weighted variance of y:

        kish             n sum(c w²) / N²
        henry_valliant   n sum(c w² e²) / (N² s²),  e of y on (1, x): the total is calibrated on x
        spencer          (n sum(c w² (a + e)²) / N² - a²) / s²,  a and e: constant and residual of y on (1, p), p = 1 / (n w)

    These are the published formulas with their correlations multiplied out. Henry and Valliant write theirs, with u = a + e
    and r, s correlations and standard deviations under c w, as ``(n sum(c w²) / N²) s_u² / s² + n s_w (r_{u²,w} s_{u²} -
    2 a r_{u,w} s_u) / (N s²)``.

    Parameters
    ----------
    w : Weights or array of shape (n,)
        Inverse selection probabilities for "spencer" and "henry_valliant", any weights for "kish"; 0 where not heard. Of a
        `Weights`, its values; for "henry_valliant" without `x` the weights that entered its last calibration.
    y : array of shape (n,), optional
        Outcome, for "henry_valliant" and "spencer"; may be missing only where the weight is 0.
    x : array (n, p), mapping or dataframe, optional
        Auxiliaries of the calibration, labels or numbers as in `balance`; an intercept is added. None takes those of the last
        calibration of a `Weights`.
    method : {"kish", "henry_valliant", "spencer"}
        "kish": unequal weights that have nothing to do with y. "spencer": weights that follow the size of y (a total under
        unequal probabilities). "henry_valliant": weights calibrated on x, which may explain y; below 1 where they do.
    counts : array, optional
        How often each row stands there, where `w` is an array.

    Returns
    -------
    float
        The design effect; ``n / design_effect`` is the effective sample size. NaN where y does not vary.

    Raises
    ------
    InputError
        y or x is missing, or given to a method that does not use it; weights are negative; the chain has no calibration.

    References
    ----------
    Kish (1965), Survey Sampling, 11.7; Spencer (2000), Survey Methodology 26(2); Henry & Valliant (2015), Survey Methodology
    41(2), 315-331.

    Examples
    --------
    >>> design_effect([1.0, 1.0, 2.0])
    1.125
    >>> design_effect([10.0] * 4, y=[1.0, 2.0, 3.0, 4.0], x=[1.0, 2.0, 3.0, 5.0], method="henry_valliant").__round__(6)
    0.034286
    """
    choice(method, DesignEffectMethod, "method")
    chain = begin(w, counts, len(w) if isinstance(w, Weights) else np.asarray(w).size, "w")
    if method != "henry_valliant":
        _unused("x", x, method)
    if method == "kish":
        _unused("y", y, method)
        return chain.design_effect
    calibrated = method == "henry_valliant" and x is None
    weight, auxiliaries = _calibration(chain) if calibrated else (chain.values, None if x is None else _matrix(x, len(chain)))
    _refuse_negative(weight)
    heard = np.flatnonzero(times(chain.counts, weight))
    outcome, weight, counts = _outcome(y, method, heard, len(chain)), weight[heard], chain.counts[heard]
    mass, n = counts * weight, float(counts.sum())
    total = float(mass.sum())
    spread = float(mass @ (outcome - mass @ outcome / total) ** 2) / total
    if not spread > 0:
        return float("nan")
    if auxiliaries is None:
        constant, residual = _regression(outcome, 1.0 / (n * weight[:, None]), mass)
        return (n * float(mass @ (weight * (constant + residual) ** 2)) / total**2 - constant**2) / spread
    _, residual = _regression(outcome, auxiliaries[heard], mass)
    return n * float(mass @ (weight * residual**2)) / total**2 / spread


def _calibration(chain: Weights) -> tuple[Floats, Matrix]:
    """Weights that entered the last calibration of a chain, and its auxiliaries."""
    for k in reversed(range(len(chain.steps))):
        step = chain.steps[k]
        if isinstance(step, MarginStep):
            return chain.entering(k), step.margins.indicators()
        if isinstance(step, CalibrationStep | ModelStep):
            return chain.entering(k), step.calibration.x if isinstance(step, ModelStep) else step.x
    raise InputError(
        "method='henry_valliant' needs x: these weights were not calibrated. Give the auxiliaries, or another method.",
        code="no_calibration", argument="x",
    )


def _regression(y: Floats, x: Matrix, mass: Floats) -> tuple[float, Floats]:
    """Constant and residuals of the regression of y on (1, x) with weights `mass`; x may be collinear."""
    total = float(mass.sum())
    means, middle = np.asarray(x.T @ mass) / total, float(mass @ y / total)
    if isinstance(x, np.ndarray):  # centring first keeps the digits of large numbers; indicators do not need it
        gram = distances.gram(x - means, mass)
    else:
        gram = distances.gram(x, mass) - total * np.outer(means, means)
    varies = np.diag(gram) > _CONSTANT * (np.diag(gram) + total * means**2)
    right = np.where(varies, np.asarray(x.T @ (mass * (y - middle))), 0.0)
    slopes = solve_symmetric(gram * np.outer(varies, varies), right)
    constant = middle - float(means @ slopes)
    return constant, y - constant - x @ slopes


def _matrix(x: Any, length: int) -> Floats:
    """Numbers as they are, labels as indicators."""
    array = None if hasattr(x, "keys") else np.asarray(x)
    if array is not None and array.ndim == 2 and array.dtype.kind in "fiub":
        columns: dict[str, Any] = {f"x{j}": array[:, j].astype(float) for j in range(array.shape[1])}
    else:
        columns = {name: np.asarray(column) for name, column in named_columns(x, "x").items()}
    parts = []
    for name, column in columns.items():
        if np.asarray(column).dtype.kind == "f":
            parts.append(vector(column, f"x[{name!r}]", length=length)[:, None])
        else:
            codes, levels = label_codes(column, f"x[{name!r}]", length=length)
            parts.append(np.equal.outer(codes, np.arange(len(levels))).astype(float))
    return np.hstack(parts)


def _outcome(y: Any, method: str, heard: npt.NDArray[np.intp], length: int) -> Floats:
    """The outcome of those heard."""
    if y is None:
        raise InputError(f"method={method!r} needs the outcome y.", code="needs_argument", argument="y", method=method)
    outcome = vector(y, "y", length=length, missing=True)
    rows = heard[np.isnan(outcome[heard])]
    if rows.size:
        raise InputError(
            f"y has {rows.size} missing values where the weight is not 0, at rows {shown(rows)}. "
            "Weight those who answered, or give these rows a weight of 0.",
            code="missing_outcome", argument="y", rows=rows, count=int(rows.size),
        )
    return outcome[heard]


def _refuse_negative(weight: Floats) -> None:
    rows = np.flatnonzero(weight < 0)
    if rows.size:
        raise InputError(
            f"design_effect needs weights that are not negative; an earlier step left {rows.size} negative ones, at rows {shown(rows)}. "
            "Use a distance that keeps weights positive there.",
            code="negative_weights", argument="w", rows=rows, count=int(rows.size),
        )


def _unused(argument: str, value: Any, method: str) -> None:
    if value is not None:
        raise InputError(
            f"method={method!r} does not use {argument}. Leave it out.", code="unused_argument", argument=argument, method=method
        )
