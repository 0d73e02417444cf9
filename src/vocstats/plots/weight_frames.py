"""What the charts of weights show, as numbers; drawing is apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..results import Floats
from ..weighting import Weights, weight_concentration
from ..weighting.trimming import TrimStep
from .frames import differences, weighted_rows

if TYPE_CHECKING:
    import pandas as pd

    from ..workflows.correction_records import Balance

_BINS, _WIDE = 40, 10.0  # beyond this ratio of the largest to the smallest weight the axis is logarithmic
_MOMENTS = ("before", "after")


def love_frame(table: pd.DataFrame, *, absolute: bool) -> pd.DataFrame:
    """One row per level and moment of a table of `weighting.balance`: variable, level, moment, difference."""
    import pandas as pd

    known = table[table["difference_before"].notna()]
    level = known["level"].where(known["level"].notna(), known["variable"]).astype(str)
    parts = []
    for moment in _MOMENTS:
        values = known[f"difference_{moment}"]
        values = values.abs() if absolute else values
        parts.append(pd.DataFrame({"variable": known["variable"], "level": level, "moment": moment, "difference": values}))
    return pd.concat(parts, ignore_index=True)


def balance_table(balance: Balance) -> pd.DataFrame:
    """The balance of a correction in the form of `weighting.balance`; parts that represent themselves are left out."""
    import pandas as pd

    rows, (before, after) = weighted_rows(balance), differences(balance)
    variable = [f"{balance.part[row]} · {balance.variable[row]}" for row in rows]
    level = [balance.level[row] for row in rows]
    return pd.DataFrame({"variable": variable, "level": level, "difference_before": before[rows], "difference_after": after[rows]})


def weight_frame(weights: Weights) -> tuple[pd.DataFrame, bool]:
    """Histogram of the weights of those heard after every step, in multiples of their mean, and whether its axis is logarithmic.

    Columns step (0 is the base), name, low, high, share (of the units heard), cap (multiples of the mean; only in rows of
    their own), design_effect, top (share of the total held by the 5 % with the largest weights).
    """
    import pandas as pd

    heard = np.flatnonzero(weights.mass)
    counts = weights.counts[heard]
    stages = [weights.entering(k)[heard] for k in range(len(weights.steps) + 1)]
    means = [float(counts @ stage / counts.sum()) for stage in stages]
    multiples = np.array([stage / mean for stage, mean in zip(stages, means, strict=True)])
    edges, wide = _edges(multiples)
    rows: list[dict[str, Any]] = []
    for k, values in enumerate(multiples):
        step = weights.steps[k - 1] if k else None
        figures = _figures(values, counts)
        panel = {"step": k, "name": "base" if step is None else step.name, **figures}
        shares, _ = np.histogram(values, edges, weights=counts / counts.sum())
        rows += [
            {**panel, "low": low, "high": high, "share": share}
            for low, high, share in zip(edges, edges[1:], shares, strict=False) if share > 0
        ]
        if isinstance(step, TrimStep):
            rows += [{**panel, "cap": cap} for cap in np.unique(step.cap / means[k]).tolist() if np.isfinite(cap)]
    return pd.DataFrame(rows, columns=["step", "name", "low", "high", "share", "cap", "design_effect", "top"]), wide


def _edges(multiples: Floats) -> tuple[Floats, bool]:
    low, high = float(multiples.min()), float(multiples.max())
    if low > 0 and high / low > _WIDE:
        return np.geomspace(low * 0.999, high * 1.001, _BINS + 1), True
    start = min(low, 0.0)
    return np.linspace(start, max(high * 1.001, start + 1e-9), _BINS + 1), False


def _figures(values: Floats, counts: Floats) -> dict[str, float]:
    if (values < 0).any():  # linear calibration: a share of the total has no meaning
        return {"design_effect": Weights(base=values, counts=counts).design_effect, "top": np.nan}
    spread = weight_concentration(values, counts=counts, top=[0.05])
    return {"design_effect": spread.design_effect, "top": float(spread.top_shares[0])}
