"""Log-linear models of overlapping lists: maximum likelihood where cells are empty, and the profile of the population's size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from .._checks import Floats
from .._numerics import normal_quantile

_STEPS = 100
_TOLERANCE = 1e-12  # of the gain in log-likelihood, per customer
_FARTHEST = 1e7  # times those unseen by the estimate: an upper limit beyond is infinite


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogLinear:
    """log μ_h = x_h β over the histories h that can be seen, x_0 = (1, 0, ..., 0) for the one that cannot.

    The last `bounded` coefficients are not below 0 (Chao's moments).
    """

    x: Floats
    y: Floats
    bounded: int

    @property
    def n(self) -> float:
        """Customers seen."""
        return float(self.y.sum())

    def with_unseen(self, unseen: float) -> LogLinear:
        """The same with the history that cannot be seen as one more cell."""
        row = np.zeros(self.x.shape[1])
        row[0] = 1.0
        return LogLinear(x=np.vstack([self.x, row]), y=np.append(self.y, unseen), bounded=self.bounded)

    def among(self, cells: Any) -> LogLinear:
        """The model of some of the cells, the others being empty for certain."""
        return LogLinear(x=self.x[cells], y=self.y[cells], bounded=self.bounded)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogLinearFit:
    """Estimates of one model; those unseen, the variance of their logarithm, and the fitted counts of the cells."""

    unseen: float
    log_variance: float
    fitted: Floats
    log_likelihood: float
    deviance: float
    parameters: int

    @property
    def std_error(self) -> float:
        """Of the population's size: sqrt(μ_0 + μ_0² Var(log μ_0))."""
        return float(np.sqrt(self.unseen + self.unseen**2 * self.log_variance))


def fit(model: LogLinear) -> LogLinearFit | None:
    """Maximum likelihood; None where empty cells leave those unseen open."""
    cells = possible_cells(model)
    if not _tells_intercept(model.x[cells]):
        return None
    inner = model.among(cells)
    beta, kept = _maximise(inner)
    mean = np.zeros(model.y.size)
    mean[cells] = np.exp(inner.x @ beta)
    x = inner.x[:, kept]
    variance = float(np.linalg.pinv(x.T @ (mean[cells][:, None] * x), hermitian=True)[0, 0])
    value = float(special.xlogy(model.y, mean).sum() - mean.sum())
    whole = float((special.xlogy(model.y, model.y) - model.y).sum())
    return LogLinearFit(
        unseen=float(np.exp(beta[0])), log_variance=variance, fitted=mean,
        log_likelihood=value - float(special.gammaln(model.y + 1.0).sum()), deviance=max(2.0 * (whole - value), 0.0),
        parameters=int(np.linalg.matrix_rank(model.x[:, kept])),
    )


def possible_cells(model: LogLinear) -> Any:
    """Cells whose fitted count is above 0: an empty one is not where some direction lowers it and changes no cell that is seen."""
    cells = np.arange(model.y.size)
    while (model.y[cells] == 0).any():
        lowered = _recedes(model.among(cells))
        if not lowered.any():
            break
        cells = cells[~lowered]
    return cells


def _recedes(model: LogLinear) -> Any:
    """Empty cells whose expectation the likelihood sends to 0 (Fienberg & Rinaldo's facial sets), by a linear programme."""
    from scipy.optimize import linprog

    empty = model.y == 0
    size = model.x.shape[1]
    limits = [(None, None)] * (size - model.bounded) + [(0.0, None)] * model.bounded
    none = np.zeros(int(empty.sum()))
    found = linprog(
        model.x[empty].sum(axis=0), A_ub=np.vstack([model.x[empty], -model.x[empty]]), b_ub=np.concatenate([none, none + 1.0]),
        A_eq=model.x[~empty], b_eq=np.zeros(int((~empty).sum())), bounds=limits, method="highs",
    )
    lowered = np.zeros(model.y.size, bool)
    lowered[empty] = model.x[empty] @ found.x < -1e-7
    return lowered


def _tells_intercept(x: Floats) -> bool:
    """Whether those unseen are a function of the cells: x_0 is a combination of their rows."""
    first = np.eye(1, x.shape[1])[0]
    return bool(np.linalg.norm(x.T @ np.linalg.lstsq(x.T, first, rcond=1e-10)[0] - first) < 1e-8)


def _maximise(model: LogLinear) -> tuple[Floats, Any]:
    """β at the maximum, and which columns are free: bounded ones enter while their slope is positive (Lawson & Hanson)."""
    size = model.x.shape[1]
    free = np.arange(size) < size - model.bounded
    beta = _newton(model, free, np.zeros(size))
    for _ in range(3 * model.bounded):
        slope = model.x.T @ (model.y - np.exp(model.x @ beta))
        slope[free] = -np.inf
        if slope.max() <= 1e-8 * model.n:
            break
        free[int(np.argmax(slope))] = True
        beta = _inside(model, free, beta)
    return beta, free


def _inside(model: LogLinear, free: Any, start: Floats) -> Floats:
    """β with these columns free; a bounded one that would fall below 0 is held there, and `free` says so."""
    bounded = np.arange(start.size) >= start.size - model.bounded
    while True:
        beta = _newton(model, free, start)
        below = bounded & free & (beta <= 0.0)
        if not below.any():
            return beta
        step = (start[below] / np.maximum(start[below] - beta[below], 1e-300)).min()
        start = start + step * (beta - start)
        free[below & (start <= 1e-12)] = False
        start[~free] = 0.0


def _newton(model: LogLinear, free: Any, start: Floats) -> Floats:
    """Damped Newton steps in the free columns."""
    x, y = model.x[:, free], model.y
    beta = start.copy()
    b = beta[free] if beta.any() else np.linalg.lstsq(x, np.log(y + 0.5), rcond=None)[0]
    mean = np.exp(x @ b)
    value = float(y @ (x @ b) - mean.sum())
    for _ in range(_STEPS):
        curvature = x.T @ (mean[:, None] * x)
        step = np.linalg.lstsq(curvature, x.T @ (y - mean), rcond=1e-13)[0]
        for _ in range(60):
            with np.errstate(over="ignore"):
                trial = np.exp(x @ (b + step))
                reached = float(y @ (x @ (b + step)) - trial.sum())
            if reached >= value - 1e-13 * abs(value):
                break
            step = step / 2.0
        gain, b, mean, value = reached - value, b + step, trial, reached
        if abs(gain) <= _TOLERANCE * model.n:
            break
    beta[free] = b
    return beta


def profile_limits(model: LogLinear, unseen: float, level: float) -> tuple[float, float]:
    """Sizes N at which twice the profile of the multinomial log-likelihood falls short of its maximum by the chi-square quantile.

        l(N) = log Γ(N + 1) - log Γ(N - n + 1) + Σ_h y_h log p_h(N) + (N - n) log p_0(N)
    """
    from scipy.optimize import brentq, minimize_scalar

    inner = model.among(possible_cells(model))
    least = np.log(1e-6)

    def profile(log: float) -> float:
        return _profile(inner, float(np.exp(log)))

    top = minimize_scalar(lambda log: -profile(log), bounds=(least, np.log(2.0 * unseen + 2.0)), method="bounded", options={"xatol": 1e-5})
    short = 0.5 * normal_quantile(level) ** 2

    def beyond(log: float) -> float:
        return profile(log) + float(top.fun) + short

    low = brentq(beyond, least, top.x, xtol=1e-7) if beyond(least) < 0.0 else -np.inf
    far = float(top.x) + 1.0
    while beyond(far) > 0.0 and far < top.x + np.log(_FARTHEST):
        far += 1.0
    high = brentq(beyond, top.x, far, xtol=1e-7) if beyond(far) < 0.0 else np.inf
    return model.n + float(np.exp(low)), model.n + float(np.exp(high))


def _profile(model: LogLinear, unseen: float) -> float:
    """l(n + unseen)."""
    whole = model.with_unseen(unseen)
    beta, _ = _maximise(whole)
    log_mean = whole.x @ beta
    size = float(whole.y.sum())
    arrangements = float(special.gammaln(size + 1.0) - special.gammaln(unseen + 1.0))
    return arrangements + float(whole.y @ log_mean) - size * float(np.log(size))
