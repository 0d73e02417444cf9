"""How far those heard stand from everybody, before and after weighting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._checks import named_columns, vector
from .._numerics import sums_by
from ..errors import InputError, shown
from ..results import frame
from .chain import Weights
from .labels import label_codes, line_up

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
    parts = [_one(name, column, weights, targets) for name, column in named_columns(columns, "columns").items()]
    table = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    deviation = table.pop("deviation")
    deviation[deviation <= 0] = np.nan
    for when in ("before", "after"):
        table[f"difference_{when}"] = (table[when] - table["target"]) / deviation
    return frame(table).astype({"level": object})


def _one(name: str, column: Any, weights: Weights, targets: Any) -> dict[str, npt.NDArray[Any]]:
    """Variable, level, target, before, after and the standard deviation among everybody of one column."""
    everybody = weights.counts
    masses = {"before": everybody * weights.base * (weights.values != 0), "after": weights.mass}
    if np.asarray(column).dtype.kind == "f":
        x = vector(column, f"columns[{name!r}]", length=len(weights))
        mean = float(everybody @ x / everybody.sum())
        deviation = float(np.sqrt(everybody @ (x - mean) ** 2 / everybody.sum()))
        means = {when: float(mass @ x / mass.sum()) for when, mass in masses.items()}
        row = {"variable": name, "level": None, "target": mean, **means, "deviation": deviation}
        return {key: np.array([value], float if isinstance(value, float) else object) for key, value in row.items()}
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
    borne = (share > 0) | (sums["before"] > 0) | (sums["after"] > 0)
    labels = np.empty(len(levels), object)
    labels[:] = levels
    variable = np.full(labels.size, name, object)
    table = {"variable": variable, "level": labels, "target": share, **sums, "deviation": deviations}
    return {key: column[borne] for key, column in table.items()}
