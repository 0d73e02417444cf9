"""Columns of labels: their codes, the totals their levels are to reach, and what is wrong between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import factorize, non_negative, same_length, vector
from ..errors import InfeasibleError, InputError, shown
from .chain import Floats

Codes = npt.NDArray[Any]  # integers of any width
TOTALS_AGREE = 1e-6  # margins whose totals differ by less, relatively, are rescaled to those of the first; more is a conflict


def label_codes(column: Any, argument: str, *, length: int | None = None) -> tuple[Codes, list[Any]]:
    """Code of each label and the sorted labels. Unlike `factorize` it may list labels nobody bears, and then need not copy the column."""
    if getattr(getattr(column, "dtype", None), "kind", "") in ("i", "u", "b") and not isinstance(column, np.ma.MaskedArray):
        array = np.asarray(column)
        array = array.astype(np.uint8) if array.dtype == bool else array
        if array.ndim == 1 and array.size and array.dtype.kind in "iu":
            low, high = int(array.min()), int(array.max())
            if high - low < max(256, array.size // 16):
                same_length(array, argument, length)
                codes = array if low == 0 else np.subtract(array, low, dtype=np.int32 if max(-low, high) < 2**31 else np.int64)
                return codes, list(range(low, high + 1))
    codes, levels = factorize(column, argument, length=length)
    return codes, levels.tolist()


def line_up(totals: Any, name: str, levels: list[Any]) -> tuple[list[Any], Floats]:
    """Totals in the order of `levels` (nan: none given); levels nobody bears are added behind."""
    argument = f"targets[{name!r}]"
    if isinstance(totals, Mapping) or (hasattr(totals, "items") and hasattr(totals, "keys")):
        given = {key.item() if hasattr(key, "item") else key: total for key, total in totals.items()}
    else:
        given = dict(enumerate(vector(totals, argument).tolist()))
    values = dict(zip(given, non_negative(list(given.values()), argument), strict=True))
    borne = set(levels)
    known = [*levels, *(level for level in values if level not in borne)]
    return known, np.array([values.get(level, np.nan) for level in known])


def check_levels(names: Sequence[str], levels: Sequence[list[Any]], targets: Sequence[Floats], heard: Sequence[Floats]) -> None:
    """Raise unless every positive target has somebody heard, and every level heard has a positive target."""
    flat = [
        (name, level, total, mass)
        for name, labels, totals, sums in zip(names, levels, targets, heard, strict=True)
        for level, total, mass in zip(labels, totals, sums, strict=True)
    ]
    unmatched = [(name, level) for name, level, total, mass in flat if np.isnan(total) and mass != 0]
    if unmatched:
        spelled = {(name, str(level)) for name, level in unmatched}
        alike = [(name, level) for name, level, total, _ in flat if not np.isnan(total) and (name, str(level)) in spelled]
        raise InputError(
            f"targets has no total for {shown(unmatched)}, although people with this level were heard. Add the total, or merge the level."
            + (f" It has {shown(alike)}: numbers and text are different levels." if alike else ""),
            code="level_without_target", argument="targets", levels=unmatched,
        )
    unheard = [(name, level) for name, level, total, mass in flat if total > 0 and mass == 0]
    if unheard:
        raise InfeasibleError(
            f"Nobody heard has {shown(unheard)}, so no weighting can reach its target. "
            "Merge the level with a neighbour in margins and targets.",
            code="level_not_heard", argument="targets", levels=unheard,
        )
    zero = [(name, level) for name, level, total, mass in flat if total == 0 and mass != 0]
    if zero:
        raise InfeasibleError(
            f"The target of {shown(zero)} is 0, but people with this level were heard. "
            "Correct the total, or give these people base weight 0.",
            code="zero_target_heard", argument="targets", levels=zero,
        )


def check_sums(names: tuple[str, ...], totals: list[Floats]) -> None:
    """Raise unless all margins have the same positive total; rescale what is only rounding, in place."""
    sums = [float(np.nansum(values)) for values in totals]
    if not min(sums) > 0:
        empty = [name for name, total in zip(names, sums, strict=True) if not total > 0]
        raise InfeasibleError(
            f"The targets of {shown(empty)} add up to 0. Give totals of people.", code="targets_zero", argument="targets", levels=empty
        )
    if max(sums) - min(sums) > TOTALS_AGREE * max(sums):
        listed = ", ".join(f"{name}: {total:.10g}" for name, total in zip(names, sums, strict=True))
        raise InfeasibleError(
            f"The totals conflict: the targets of each margin must add up to the same number of people, but they add up to {listed}. "
            "Correct them, or turn them into shares of one total.",
            code="totals_conflict", argument="targets", levels=names, listed=listed,
        )
    for values, total in zip(totals, sums, strict=True):
        values *= sums[0] / total
