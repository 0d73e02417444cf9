"""What the charts of a correction show, as numbers; drawing is apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..results import Floats
from ..workflows.corrected_score import TERMS

if TYPE_CHECKING:
    import pandas as pd

    from ..workflows.corrected_score import Correction
    from ..workflows.correction_records import Balance

_NOTHING = 0.0005


def differences(balance: Balance) -> tuple[Floats, Floats]:
    """Standardised differences of each level before and after weighting.

    ``(share heard - share to be represented) / sqrt(target (1 - target))``; 0 where a level is everybody or nobody.

    References
    ----------
    Austin (2009), Stat. Med. 28, 3083-3107, for binary characteristics, with the target's variance as the standard.
    """
    sd = np.sqrt(balance.target * (1 - balance.target))
    safe = np.where(sd > 0, sd, 1.0)
    before, after = (np.where(sd > 0, (share - balance.target) / safe, 0.0) for share in (balance.before, balance.after))
    return before, after


def weighted_rows(balance: Balance) -> list[int]:
    """Rows of the parts that were weighted; parts that represent themselves differ nowhere."""
    before, after = differences(balance)
    moved = {part for part, *values in zip(balance.part, before, after, strict=True) if max(map(abs, values)) > _NOTHING}
    return [row for row, part in enumerate(balance.part) if part in moved]


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


def ladder(correction: Correction) -> pd.DataFrame:
    """The three terms of the whole base: term, estimate, limits and range; the naive score has none."""
    import pandas as pd

    whole = correction if correction.overall is None else correction.overall
    columns = {
        "estimate": "estimate",
        "conf_low": "conf_low",
        "conf_high": "conf_high",
        "range_low": "range_conf_low",
        "range_high": "range_conf_high",
    }
    frame = pd.DataFrame({"term": TERMS, **{name: getattr(whole, source)[0] for name, source in columns.items()}})
    frame.loc[frame["term"] == "naive", ["range_low", "range_high"]] = np.nan
    return frame


def balance_frame(balance: Balance) -> pd.DataFrame:
    """One row for each level and moment: part, variable, level, weighted, difference."""
    import pandas as pd

    before, after = differences(balance)
    rows = weighted_rows(balance)
    names = {name: [getattr(balance, name)[row] for row in rows] for name in ("part", "variable", "level")}
    moments = (("before", before[rows]), ("after", after[rows]))
    return pd.concat([pd.DataFrame({**names, "weighted": moment, "difference": values}) for moment, values in moments], ignore_index=True)


def layer_frame(correction: Correction) -> pd.DataFrame:
    """The four layers of both corrected terms of the whole base: term, layer, low, high."""
    import pandas as pd

    whole = correction if correction.overall is None else correction.overall
    rows = [(TERMS[term], layer, *ends) for term in (1, 2) for layer, ends in layers(whole, 0, term).items()]
    return pd.DataFrame(rows, columns=["term", "layer", "low", "high"]).dropna()
