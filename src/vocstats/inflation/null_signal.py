"""A signal from figures of dealers held against the empirical null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..results import Floats
from .null import FEWEST, EmpiricalNull, fit_null
from .signal_result import Dealers, Signal, signal

Flags = npt.NDArray[np.bool_]
_TOLD = ("centre", "centre_error", "spread", "spread_error", "honest_share")


def excess_signal(
    name: str, dealers: Dealers, *, effect: Floats, variance: Floats, own_variance: Floats, third_moment: Floats,
    abstains: Mapping[str, Flags], null: EmpiricalNull | None, n: Floats, unit: str, level: float, evidence: npt.NDArray[np.intp],
    details: Mapping[str, npt.NDArray[Any]],
) -> Signal:
    """A signal from effects held against the empirical null of the dealers that do not abstain.

    `variance` holds for a dealer who is honest, `own_variance` whatever he is: it makes the standard error. Evidence: weightiest first.
    """
    speaks = ~np.logical_or.reduce(list(abstains.values()))
    if null is None and speaks.sum() >= FEWEST:
        null = fit_null(effect[speaks], variance[speaks], level=level)
    few = np.full(dealers.count, null is None)
    p = statistic = error = above = np.full(dealers.count, np.nan)
    if null is not None:
        safe = np.where(speaks, variance, 1.0)
        above, statistic = effect - null.centre, null.statistic(effect, safe)
        error = np.sqrt(np.where(speaks, own_variance, np.nan) + null.spread**2 + null.centre_error**2)
        p = np.full(dealers.count, np.nan)
        p[speaks] = null.p_values(effect[speaks], variance[speaks], third_moment=third_moment[speaks])
    return signal(
        name, dealers, n=n, effect=above, std_error=error, statistic=statistic, p_value=p, unit=unit,
        abstains={**abstains, "few_dealers": few}, details=details,
        null={} if null is None else {key: getattr(null, key) for key in _TOLD}, evidence=evidence, level=level,
    )
