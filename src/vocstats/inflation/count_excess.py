"""Counts of dealers held against honest dealers: what is expected of them, an honest spread of log odds, binomial tails."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from ..results import Floats
from .null import FEWEST, EmpiricalNull, fit_null

Flags = npt.NDArray[np.bool_]

_NODES = 15


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CountExcess:
    """How far counts lie above those of honest dealers; (D,), NaN without a null.

    Attributes
    ----------
    effect, std_error : float arrays (D,)
        The number in excess of an honest dealer's.
    statistic, p_value : float arrays (D,)
    null : EmpiricalNull, optional
    """

    effect: Floats
    std_error: Floats
    statistic: Floats
    p_value: Floats
    null: EmpiricalNull | None

    @property
    def told(self) -> dict[str, float]:
        """The null as a signal tells it."""
        return {} if self.null is None else {key: getattr(self.null, key) for key in ("centre", "spread", "honest_share")}


def count_excess(
    seen: Floats, expected: Floats, variance: Floats, speaks: Flags, null: EmpiricalNull | None, level: float, *,
    unsure: Floats | float = 0.0,
) -> CountExcess:
    """Counts O_d with mean E_d and variance V_d at an average honest dealer, on the scale of square roots in units of log odds:

        x_d = 2 (√(O_d + 3/8) - √(E_d + 3/8)) √E_d / V_d,   x_d ~ N(μ, 1 / V_d + u_d + ω²) at honest dealers (`fit_null`)

    u_d (`unsure`) is the variance of the log odds that E_d rests on, where it was learned from little.

    The p-value counts the chance of exactly O_d by half: P(X >= O_d) alone is too large where few are expected. Dealers that do not speak
    have anything in their place.
    """
    expected, variance, unsure = (np.where(speaks, each, 1.0) for each in (expected, variance, unsure))
    x, v = 2.0 * (np.sqrt(seen + 0.375) - np.sqrt(expected + 0.375)) * np.sqrt(expected) / variance, 1.0 / variance + unsure
    if null is None and speaks.sum() >= FEWEST:
        null = fit_null(x[speaks], v[speaks], level=level)
    if null is None:
        nothing = np.full(seen.size, np.nan)
        return CountExcess(effect=nothing, std_error=nothing, statistic=nothing, p_value=nothing, null=None)
    trials, odds = _binomial(expected, variance)
    usual = trials * special.expit(odds + null.centre)
    return CountExcess(
        effect=seen - usual, std_error=np.sqrt(variance + variance**2 * (null.spread**2 + unsure)), statistic=null.statistic(x, v),
        p_value=(count_tail(seen, expected, variance, null, unsure) + count_tail(seen + 1.0, expected, variance, null, unsure)) / 2.0,
        null=null,
    )


def count_tail(seen: Floats, expected: Floats, variance: Floats, null: EmpiricalNull, unsure: Floats | float = 0.0) -> Floats:
    """Chance of as many, or more, at honest dealers: a binomial with the first two moments, its log odds moved by x, averaged over x."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    spread = np.sqrt(null.spread**2 + null.spread_error**2 + null.centre_error**2 + unsure)
    trials, odds = _binomial(expected, variance)
    tail = np.zeros(seen.size)
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        p = special.expit(odds + null.centre + spread * node)
        tail += weight * special.betainc(np.maximum(seen, 1e-9), np.maximum(trials - seen + 1.0, 1e-9), p)
    return np.where(seen == 0, 1.0, tail)


def _binomial(expected: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Trials, and log odds of one, of the binomial with this mean and variance."""
    trials = expected**2 / np.maximum(expected - variance, 1e-12)
    return trials, np.asarray(special.logit(np.clip(expected / trials, 1e-15, 1.0 - 1e-15)))
