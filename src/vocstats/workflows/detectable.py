"""How small an inflation the audit could have seen: an unlisted dealer is not acquitted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import special

from .._checks import Floats
from ..inflation import CombinedEvidence, Signal

POWER = 0.8
_LIFTED = ("channel_gap", "level_excess")  # what every lift of the marks shows in, whatever the practice
_SPREADS = np.array([-np.sqrt(3.0), 0.0, np.sqrt(3.0)])  # in standard errors, for the mean over a normal with the chances below
_CHANCES = np.array([1.0, 4.0, 1.0]) / 6.0
_FARTHEST = 40.0  # standard deviations


def detectable_inflation(signals: Mapping[str, Signal], evidence: CombinedEvidence, own_share: Floats) -> Floats:
    """Smallest lift of the score that is listed with a chance of 80 %, seen by level and channel gap alone; NaN where neither speaks.

    The list ends at the p-value p* = max(number listed, 1) fdr / dealers; a combined p-value is about that of the strongest of the S
    signals that speak, times S. A lift of the dealer's own answers by δ moves the statistic of a signal by δ / s, s the standard deviation
    of its effect at an honest dealer, of which the honest spread ω and the centre are known up to their standard errors e_ω and e_μ. A
    signal alone reaches p*/S with a chance of 80 % at

        δ_k = (z_k + z_{.8}) s_k,    z_k the solution of    E Φ(-z s_k / s(ω)) = p*/S,    s(ω)² = s_k² - ω_k² + ω² + e_μ²,  ω ~ N(ω_k, e_ω²)

    and both weighed together at (Σ 1 / δ_k²)^(-1/2), told in points of the whole score, of which own answers are a share. Practices that
    other signals see are found when smaller.

    Parameters
    ----------
    signals : {name: Signal}
    evidence : CombinedEvidence
    own_share : array (D,)
        Share of the answers that the dealer asked for.
    """
    speaking = np.isfinite(evidence.p_values).sum(axis=1)
    audited = int(np.isfinite(evidence.p_value).sum())
    last = max(int(evidence.flagged.sum()), 1) * evidence.fdr / max(audited, 1)
    chance = np.minimum(last / np.maximum(speaking, 1), 0.5)
    reached = sum((_reached(signals[name], evidence, chance) for name in _LIFTED if name in signals), np.zeros(own_share.size))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(reached > 0, own_share / np.sqrt(reached), np.nan)


def _reached(of: Signal, evidence: CombinedEvidence, chance: Floats) -> Floats:
    """1 / δ² of each audited dealer by one signal; 0 where it is silent."""
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = of.effect / of.statistic
    place = np.searchsorted(evidence.labels["dealer"], of.labels["dealer"])
    found = np.zeros(chance.size)
    known = np.isfinite(deviation) & (deviation > 0)
    if known.any():
        spread, spread_error, centre_error = (float(of.null[name][0]) for name in ("spread", "spread_error", "centre_error"))
        spreads = np.maximum(spread + _SPREADS * spread_error, 0.0)
        s = deviation[known]
        wide = np.sqrt(np.maximum(s**2 - spread**2, 0.0) + spreads[:, None] ** 2 + centre_error**2) / s
        found[place[known]] = ((_quantile(wide, chance[place[known]]) + special.ndtri(POWER)) * s) ** -2.0
    return found


def _quantile(wide: Floats, chance: Floats) -> Floats:
    """z at which the mean over the spreads of Φ(-z / wide) is the chance, by bisection."""
    low, high = np.zeros(chance.size), np.full(chance.size, _FARTHEST)
    for _ in range(50):
        middle = (low + high) / 2.0
        above = _CHANCES @ special.ndtr(-middle / wide) > chance
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray((low + high) / 2.0)
