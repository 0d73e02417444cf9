"""How small an inflation the audit could have seen: an unlisted dealer is not acquitted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import special

from .._checks import Floats
from ..inflation import CombinedEvidence, Signal

POWER = 0.8
_LIFTED = ("channel_gap", "level_excess")  # what every lift of the marks shows in, whatever the practice


def detectable_inflation(signals: Mapping[str, Signal], evidence: CombinedEvidence, own_share: Floats) -> Floats:
    """Smallest lift of the score that is listed with a chance of 80 %, seen by level and channel gap alone; NaN where neither speaks.

    A lift of the dealer's own answers by δ moves the statistic of a signal by δ / s, s the standard deviation of its effect at an honest
    dealer. The larger of the two, weighed together, is held against the p-value at which the list ends,

        p* = max(number listed, 1) fdr / dealers,   divided by the number S of signals that speak (a combined p-value is about S min p)
        δ  = (z_{p*/S} + z_{.8}) / sqrt(Σ 1 / s²)

    and told in points of the whole score, of which own answers are a share. Practices that other signals see are found when smaller.

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
    precision = np.zeros(own_share.size)
    for name in _LIFTED:
        if name in signals:
            precision += _precision(signals[name], evidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = -special.ndtri(last / np.maximum(speaking, 1)) + special.ndtri(POWER)
        return np.where(precision > 0, reach / np.sqrt(precision) * own_share, np.nan)


def _precision(of: Signal, evidence: CombinedEvidence) -> Floats:
    """1 / s² of each audited dealer; 0 where the signal is silent."""
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(np.isfinite(of.statistic) & (of.effect != 0.0), (of.statistic / of.effect) ** 2, 0.0)
    place = np.searchsorted(evidence.labels["dealer"], of.labels["dealer"])
    found = np.zeros(evidence.p_value.size)
    found[place] = np.nan_to_num(precision)
    return found
