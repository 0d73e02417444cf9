"""What the charts of a correction show, as numbers; drawing is apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..results import Floats

if TYPE_CHECKING:
    from ..workflows.corrected_score import Balance, Correction


def differences(balance: Balance) -> tuple[Floats, Floats]:
    """Standardised differences of each level before and after weighting.

    ``(share heard - share to be represented) / sqrt(target (1 - target))``; 0 where a level is everybody or nobody.

    References
    ----------
    Austin (2009), Stat. Med. 28, 3083-3107, for binary characteristics, with the target's variance as the standard.
    """
    sd = np.sqrt(balance.target * (1 - balance.target))
    with np.errstate(divide="ignore", invalid="ignore"):
        return tuple(np.where(sd > 0, (share - balance.target) / sd, 0.0) for share in (balance.before, balance.after))  # type: ignore[return-value]


def layers(correction: Correction, domain: int, term: int) -> dict[str, tuple[float, float]]:
    """The four ranges of one term, narrowest first: {layer: (low, high)}."""

    def ends(low: Any, high: Any) -> tuple[float, float]:
        return float(low[domain, term]), float(high[domain, term])

    c = correction
    return {
        "interval": ends(c.conf_low, c.conf_high),
        "range": ends(c.range_conf_low, c.range_conf_high),
        "monotone": ends(c.monotone_low, c.monotone_high),
        "worst": ends(c.worst_low, c.worst_high),
    }
