"""Stages from the roster to an answer, and whether those who look dissatisfied drop out at one of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from .._numerics import sums_by
from ..results import Floats
from .null import FEWEST, EmpiricalNull, fit_null
from .signal_result import Dealers

Flags = npt.NDArray[np.bool_]

_PRIOR = 1.0  # standard deviation of a dealer's log odds per standard deviation of predicted dissatisfaction
_ROUNDS = 20
_LEAST_CHANCE = 0.02  # no visit stands for more than fifty


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stage:
    """One stage: visits at risk of dropping out, those who did, and what the drop-out has to do with predicted dissatisfaction; (D,).

    Attributes
    ----------
    log_odds, variance, third : float arrays (D,)
        Score estimate U / V of the log odds of dropping out per unit of g, its variance 1 / V and third central moment, given how many
        dropped out; NaN where that is nobody or everybody, or g does not vary.
    """

    name: str
    at_risk: Flags
    out: Flags
    dropped: Floats
    log_odds: Floats
    variance: Floats
    third: Floats
    null: EmpiricalNull | None
    p_value: Floats

    @property
    def known(self) -> Flags:
        """Dealers with a p-value."""
        return ~np.isnan(self.p_value)


def stage(name: str, at_risk: Flags, out: Flags, g: Floats, dealers: Dealers, level: float) -> Stage:
    """A stage held against the honest network; without p-values where fewer than 20 dealers tell of it."""
    code, dropped = dealers.code[at_risk], out[at_risk].astype(float)
    n, k, total = (sums_by(code, each, dealers.count) for each in (np.ones(code.size), dropped, g[at_risk]))
    centred = g[at_risk] - (total / np.maximum(n, 1.0))[code]
    u, square, cube = (sums_by(code, each, dealers.count) for each in (dropped * centred, centred**2, centred**3))
    mixed = k * (n - k) / np.maximum(n * (n - 1.0), 1.0)
    information = mixed * square
    known = information > 1e-9 * np.maximum(n, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_odds, variance = (np.where(known, each, np.nan) for each in (u / information, 1.0 / information))
        third = np.where(n > 2, mixed * (n - 2.0 * k) / np.maximum(n - 2.0, 1.0) * cube, 0.0) / information**3
    null, p = None, np.full(dealers.count, np.nan)
    if known.sum() >= FEWEST:
        null = fit_null(log_odds[known], variance[known], level=level)
        p[known] = null.p_values(log_odds[known], variance[known], third_moment=third[known])
    return Stage(
        name=name, at_risk=at_risk, out=out & at_risk, dropped=k, log_odds=log_odds, variance=variance, third=third, null=null, p_value=p
    )


def answer_chances(answered: Flags, g: Floats, dealers: Dealers) -> Floats:
    """Chance of an answer of every visit given g: a logistic regression for each dealer, slopes with a normal prior around 0."""
    code, count = dealers.code, dealers.count
    y = answered.astype(float)
    n = sums_by(code, np.ones(y.size), count)
    a, b = special.logit((sums_by(code, y, count) + 0.5) / (n + 1.0)), np.zeros(count)
    for _ in range(_ROUNDS):
        p = special.expit(a[code] + b[code] * g)
        w = p * (1.0 - p)
        s0, s1 = sums_by(code, y - p, count), sums_by(code, (y - p) * g, count) - b / _PRIOR**2
        h00, h01 = sums_by(code, w, count) + 1e-6, sums_by(code, w * g, count)
        h11 = sums_by(code, w * g**2, count) + 1.0 / _PRIOR**2
        size = h00 * h11 - h01**2
        steps = (h11 * s0 - h01 * s1) / size, (h00 * s1 - h01 * s0) / size
        a, b = (value + np.clip(step, -1.0, 1.0) for value, step in zip((a, b), steps, strict=True))
        if max(np.abs(step).max() for step in steps) < 1e-8:
            break
    return np.maximum(special.expit(a[code] + b[code] * g), _LEAST_CHANCE)
