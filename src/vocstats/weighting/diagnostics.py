"""How far those heard stand from everybody, before and after weighting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._checks import named_columns, non_negative, vector
from .._numerics import sums_by
from ..errors import InputError, shown
from ..results import frame
from .chain import Floats, Weights
from .labels import label_codes, line_up

if TYPE_CHECKING:
    import pandas as pd


def balance(columns: Any, weights: Weights, *, targets: Any = None, design_weights: npt.ArrayLike | None = None) -> pd.DataFrame:
    """Standardised differences between those heard and everybody, level by level, before and after weighting.

        (share among the heard - share of everybody) / sqrt(share of everybody * (1 - share of everybody))

    Columns of floats are compared by their means, in standard deviations of everybody, and by the variance among the heard
    over the variance of everybody. Differences beyond 0.1 and ratios outside 0.5 to 2 are usually called imbalance.

    Parameters
    ----------
    columns : mapping or dataframe
        {name: column}, one row per unit or cell, heard or not; floats are numbers, everything else labels.
    weights : Weights
        Before: its base weights, where its values are not 0; after: its values.
    targets : mapping, optional
        {name: {level: total}} of everybody; None counts the rows of the axis (with ``counts``), heard or not.
    design_weights : array of shape (n,), optional
        What each row of the axis, heard or not, stands for among everybody, where the axis is itself a sample (None: itself).

    Returns
    -------
    pandas.DataFrame
        Columns variable, level, target, before, after (shares or means), variance_ratio_before, variance_ratio_after (of
        numbers), difference_before, difference_after.

    Raises
    ------
    InputError
        Lengths differ, labels or numbers are missing, or `targets` lacks a label column.

    References
    ----------
    Austin (2009), Stat. Med. 28(25), 3083-3107, sections 2.1 and 3.1, with everybody as the standard.

    Examples
    --------
    >>> from vocstats.weighting import rake
    >>> x = {"new": ["no", "no", "no", "yes"]}
    >>> balance(x, rake(x, {"new": {"no": 50, "yes": 50}}), targets={"new": {"no": 50, "yes": 50}})[["level", "before", "after"]]
      level  before  after
    0    no    0.75    0.5
    1   yes    0.25    0.5
    """
    if not isinstance(weights, Weights):
        raise InputError(
            f"weights must be the Weights a weighting function returned; got {type(weights).__name__}. balance compares them with the "
            "base weights they started from.",
            code="not_a_chain", argument="weights", got=type(weights).__name__,
        )
    named = named_columns(columns, "columns")
    if not named:
        raise InputError("columns has no columns. Give {name: values}.", code="no_columns", argument="columns")
    everybody = weights.counts
    if design_weights is not None:
        everybody = everybody * non_negative(design_weights, "design_weights", length=len(weights))
    masses = {"before": weights.counts * weights.base * (weights.values != 0), "after": weights.mass}
    parts = [
        _number(name, vector(column, f"columns[{name!r}]", length=len(weights)), everybody, masses)
        if np.asarray(column).dtype.kind == "f" else _label(name, column, everybody, masses, targets)
        for name, column in named.items()
    ]
    table = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    deviation = table.pop("deviation")
    deviation[deviation <= 0] = np.nan
    for when in masses:
        table[f"difference_{when}"] = (table[when] - table["target"]) / deviation
    return frame(table).astype({"level": object})


def _number(name: str, x: Floats, everybody: Floats, masses: dict[str, Floats]) -> dict[str, npt.NDArray[Any]]:
    """Means of one column of numbers, its standard deviation among everybody, and the ratios of its variance to theirs."""
    mean, variance = _moments(x, everybody)
    moments = {when: _moments(x, mass) for when, mass in masses.items()}
    numbers = {"target": mean, **{when: moment[0] for when, moment in moments.items()}, "deviation": np.sqrt(variance)}
    ratios = {f"variance_ratio_{when}": moment[1] / variance if variance > 0 else np.nan for when, moment in moments.items()}
    texts = {key: np.array([value], object) for key, value in (("variable", name), ("level", None))}
    return {**texts, **{key: np.array([value], float) for key, value in {**numbers, **ratios}.items()}}


def _moments(x: Floats, mass: Floats) -> tuple[float, float]:
    mean = float(mass @ x / mass.sum())
    return mean, float(mass @ (x - mean) ** 2 / mass.sum())


def _label(name: str, column: Any, everybody: Floats, masses: dict[str, Floats], targets: Any) -> dict[str, npt.NDArray[Any]]:
    """Shares of the levels of one column of labels that somebody bears, and their standard deviation among everybody."""
    codes, levels = label_codes(column, f"columns[{name!r}]", length=everybody.size)
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
    borne = (share > 0) | (sums["before"] > 0) | (sums["after"] > 0)
    labels = np.empty(len(levels), object)
    labels[:] = levels
    table = {
        "variable": np.full(labels.size, name, object), "level": labels, "target": share, **sums,
        "deviation": np.sqrt(share * (1.0 - share)), **{f"variance_ratio_{when}": np.full(labels.size, np.nan) for when in masses},
    }
    return {key: values[borne] for key, values in table.items()}
