"""Signals of a network whose normal scores are correlated within a dealer."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from vocstats.inflation import Signal
from vocstats.inflation.signal_result import dealers_of, signal

CORRELATION = 0.6  # among the first half of the signals


def scores(rng: np.random.Generator, dealers: int, signals: int, *, inflated: float = 0.0, lift: float = 3.5) -> tuple[Any, Any]:
    """Normal scores (D, S), and who inflates: two signals of each inflating dealer are lifted."""
    common = rng.normal(size=(dealers, 1)) * (np.arange(signals) < signals // 2) * CORRELATION**0.5
    own = np.where(np.arange(signals) < signals // 2, (1 - CORRELATION) ** 0.5, 1.0)
    z = common + own * rng.normal(size=(dealers, signals))
    bad = np.arange(dealers) < inflated * dealers
    for _ in range(2):
        z[np.flatnonzero(bad), rng.integers(0, signals, bad.sum())] += lift
    return z, bad


def as_signals(p: Any, labels: Any = None) -> list[Signal]:
    """One signal a column of p-values; NaN where it abstains."""
    dealers = dealers_of(np.arange(p.shape[0]) if labels is None else labels)
    zero = np.zeros(p.shape[0])
    return [
        signal(
            f"sign{k}", dealers, n=zero, effect=zero, std_error=zero, statistic=zero, p_value=column, unit="share",
            abstains={"few_responses": np.isnan(column)},
        )
        for k, column in enumerate(p.T)
    ]


def p_values(z: Any) -> Any:
    """One-sided."""
    return special.ndtr(-z)
