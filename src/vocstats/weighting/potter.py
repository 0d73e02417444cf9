"""Potter's criterion: the cap at which squared bias plus variance of weighted means is smallest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import named_columns
from ..errors import ConvergenceError, InfeasibleError
from .auxiliaries import answers
from .chain import Floats, Weights

_GRID = 40  # caps tried where none are given: quantiles of the distinct weights above the mean


def read_outcomes(outcomes: Any, chain: Weights) -> dict[str, Floats]:
    """Columns of answers by name."""
    return {name: answers(column, f"outcomes[{name!r}]", chain) for name, column in named_columns(outcomes, "outcomes").items()}


def caps(ratio: Floats, least: float) -> Floats:
    """Caps to try, from no cap (infinite) downwards: distinct weights above `least`, or quantiles of them where they are many."""
    distinct = np.unique(ratio[ratio > least])[:-1]
    if distinct.size > _GRID:
        distinct = np.unique(np.quantile(distinct, np.linspace(0.0, 1.0, _GRID), method="nearest"))
    return np.concatenate([[np.inf], distinct[::-1]])


def compare(
    candidates: npt.ArrayLike, trimmed: Callable[[float], tuple[Floats, float]], outcomes: Mapping[str, Floats], before: Floats,
    counts: Floats,
) -> dict[str, Floats]:
    """The criterion of every cap that can be met, from the highest down.

    For an outcome with weighted means m before and m_t after trimming at t, linearised with the weights given:

        bias_t^2 = max(0, (m_t - m)^2 - V(m_t - m)),   MSE_t = bias_t^2 + V(m_t)

    `relative_mse` averages MSE_t / V(m) over the outcomes. Lower caps than the first that cannot be met are not tried.
    """
    rows: list[dict[str, float]] = []
    for cap in np.sort(np.asarray(candidates, float))[::-1]:
        try:
            after, number = trimmed(float(cap))
        except (InfeasibleError, ConvergenceError):
            if not rows and np.isinf(cap):
                raise
            break
        row = {"upper": float(cap), "trimmed": number, "relative_mse": 0.0}
        ratios = []
        for name, y in outcomes.items():
            bias, variance, without = _criterion(y, before, after, counts)
            row |= {f"bias_{name}": bias, f"std_error_{name}": variance**0.5}
            ratios.append((bias**2 + variance) / without if without > 0 else 1.0)
        rows.append(row | {"relative_mse": float(np.mean(ratios))})
    return {name: np.array([row[name] for row in rows]) for name in rows[0]} if rows else {"upper": np.empty(0)}


def _criterion(y: Floats, before: Floats, after: Floats, counts: Floats) -> tuple[float, float, float]:
    """Estimated bias (its sign that of the change), variance after, and variance before trimming."""
    heard = counts * (before != 0)
    n = float(heard.sum())
    small = n / max(n - 1.0, 1.0)
    means, influence = [], []
    for w in (before, after):
        mass = heard * w
        means.append(float(mass @ y / mass.sum()))
        influence.append(w * (y - means[-1]) / mass.sum())
    change = means[1] - means[0]
    excess = change**2 - small * float(heard @ (influence[1] - influence[0]) ** 2)
    bias = float(np.sign(change) * max(excess, 0.0) ** 0.5)
    return bias, small * float(heard @ influence[1] ** 2), small * float(heard @ influence[0] ** 2)
