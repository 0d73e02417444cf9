"""How far those heard stand from everybody, before and after weighting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import named_columns, vector
from .._numerics import sums_by
from ..errors import InputError, shown
from .chain import Weights
from .margins import label_codes, line_up

if TYPE_CHECKING:
    import pandas as pd


def balance(columns: Any, weights: Weights, *, targets: Any = None) -> pd.DataFrame:
    """Standardised differences between those heard and everybody, level by level, before and after weighting.

        (share among the heard - share of everybody) / sqrt(share of everybody * (1 - share of everybody))

    Columns of floats are compared by their means, in standard deviations of everybody. Values beyond 0.1 are usually
    called imbalance.

    Parameters
    ----------
    columns : mapping or dataframe
        {name: column}, one row per unit or cell, heard or not; floats are numbers, everything else labels.
    weights : Weights
        Before: its base weights, where its values are not 0; after: its values.
    targets : mapping, optional
        {name: {level: total}} of everybody; None counts the rows of the axis (with ``counts``), heard or not.

    Returns
    -------
    pandas.DataFrame
        Columns variable, level, target, before, after (shares or means), difference_before, difference_after.

    Raises
    ------
    InputError
        Lengths differ, labels are missing, or `targets` lacks a label column.

    Examples
    --------
    >>> from vocstats.weighting import rake
    >>> x = {"new": ["no", "no", "no", "yes"]}
    >>> balance(x, rake(x, {"new": {"no": 50, "yes": 50}}), targets={"new": {"no": 50, "yes": 50}})[["level", "before", "after"]]
      level  before  after
    0    no    0.75    0.5
    1   yes    0.25    0.5
    """
    import pandas as pd

    frames = [_one(name, column, weights, targets) for name, column in named_columns(columns, "columns").items()]
    table = pd.concat(frames, ignore_index=True)
    deviation = table.pop("deviation").where(lambda s: s > 0)
    for when in ("before", "after"):
        table[f"difference_{when}"] = (table[when] - table["target"]) / deviation
    return table


def _one(name: str, column: Any, weights: Weights, targets: Any) -> pd.DataFrame:
    import pandas as pd

    everybody = weights.counts
    masses = {"before": everybody * weights.base * (weights.values != 0), "after": weights.mass}
    if np.asarray(column).dtype.kind == "f":
        x = vector(column, f"columns[{name!r}]", length=len(weights))
        mean = float(everybody @ x / everybody.sum())
        deviation = float(np.sqrt(everybody @ (x - mean) ** 2 / everybody.sum()))
        row = {"variable": name, "level": None, "target": mean, "deviation": deviation}
        return pd.DataFrame([row | {when: float(mass @ x / mass.sum()) for when, mass in masses.items()}])
    codes, levels = label_codes(column, f"columns[{name!r}]", length=len(weights))
    if targets is None:
        totals = sums_by(codes, everybody, len(levels))
    elif name in targets:
        levels, totals = line_up(targets[name], name, levels)
        totals = np.nan_to_num(totals)
    else:
        raise InputError(
            f"targets has no {name!r}; it has {shown(list(targets))}.", code="margins_differ", argument="targets", levels=[name]
        )
    share = totals / totals.sum()
    sums = {when: sums_by(codes, mass, len(levels)) / mass.sum() for when, mass in masses.items()}
    deviations = np.sqrt(share * (1.0 - share))
    table = pd.DataFrame({"variable": name, "level": levels, "target": share, **sums, "deviation": deviations})
    borne = (table[["target", "before", "after"]] > 0).any(axis=1)
    return table[borne].astype({"level": object})
