"""Days and times of responses as arrays of moments."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import is_missing, same_length, unmasked
from ..errors import InputError, shown

Moments = npt.NDArray[np.datetime64]


def moments(value: Any, argument: str, *, length: int) -> Moments:
    """`value` as datetime64[s], NaT where missing; of a moment with a time zone the local clock counts."""
    array = unmasked(value)
    same_length(array, argument, length)
    if array.dtype.kind == "M":
        return array.astype("datetime64[s]")
    items = array.astype(object).tolist()
    odd = [row for row, item in enumerate(items) if not (is_missing(item) or isinstance(item, (date, np.datetime64)))]
    if odd:
        raise InputError(
            f"{argument} must hold dates or times; at rows {shown(odd)} it holds {shown([items[row] for row in odd[:3]])}. "
            "Convert it first, as with numpy.array(..., 'datetime64[s]').",
            code="not_moments", argument=argument, rows=odd, value=repr(items[odd[0]]),
        )
    return np.array([_local(item) for item in items], "datetime64[s]")


def _local(item: Any) -> np.datetime64:
    if is_missing(item):
        return np.datetime64("NaT", "s")
    return np.datetime64(item.replace(tzinfo=None) if isinstance(item, datetime) else item, "s")
