"""Checks of arguments: each returns the cleaned value or raises an `InputError` that names the argument."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from .errors import InputError, shown

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]


def choice(value: Any, allowed: Any, argument: str) -> Any:
    """`value`, if it is one of the members of the `Literal` alias `allowed`."""
    members = get_args(allowed)
    if value not in members:
        raise InputError(
            f"{argument} must be one of {shown(members, len(members))}; got {value!r}.",
            code="not_a_choice", argument=argument, value=repr(value), allowed=", ".join(map(repr, members)),
        )
    return value


def number(
    value: Any, argument: str, *, low: float = -math.inf, high: float = math.inf, open_low: bool = False, open_high: bool = False
) -> float:
    """`value` as a finite float inside the stated bounds."""
    if isinstance(value, (str, bytes, bool, np.bool_)) or not np.isscalar(value):
        raise InputError(f"{argument} must be a number; got {value!r}.", code="not_a_number", argument=argument, value=repr(value))
    result = float(value)  # type: ignore[arg-type]
    inside = (result > low if open_low else result >= low) and (result < high if open_high else result <= high)
    if not inside or math.isnan(result):
        bounds = f"{'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"
        raise InputError(
            f"{argument} must lie in {bounds}; got {result:g}.", code="out_of_bounds", argument=argument, value=result, bounds=bounds
        )
    return result


def level(value: Any) -> float:
    """A confidence level strictly between 0 and 1."""
    return number(value, "level", low=0.0, high=1.0, open_low=True, open_high=True)


def vector(value: Any, argument: str, *, length: int | None = None, missing: bool = False, infinite: bool = False) -> Floats:
    """`value` as a one-dimensional float array; strings are refused, missing values too unless `missing`."""
    array = np.asarray(value)
    if array.dtype == object:
        try:
            array = np.array([np.nan if _is_missing(v) else v for v in array.ravel()]).reshape(array.shape)
        except (TypeError, ValueError):
            pass
    if array.dtype.kind not in "buif":
        raise InputError(
            f"{argument} must hold numbers; it holds {array.dtype} ({shown(array.ravel()[:3], 3)}). Convert it first.",
            code="not_numeric", argument=argument, dtype=str(array.dtype),
        )
    if array.ndim != 1:
        raise InputError(
            f"{argument} must have one dimension; its shape is {array.shape}.", code="not_one_dimensional", argument=argument, shape=str(array.shape)
        )
    result = array.astype(np.float64, copy=False)
    same_length(result, argument, length)
    refused = np.zeros(result.size, bool)
    if not missing:
        refused |= np.isnan(result)
    if not infinite:
        refused |= np.isinf(result)
    if refused.any():
        rows = np.flatnonzero(refused)
        raise InputError(
            f"{argument} has {rows.size} missing or infinite values, at rows {shown(rows)}. Remove or fill them first.",
            code="missing_or_infinite", argument=argument, rows=rows, count=int(rows.size),
        )
    return result


def non_negative(value: Any, argument: str, *, length: int | None = None) -> Floats:
    """A `vector` without negative entries: weights, counts, totals."""
    result = vector(value, argument, length=length)
    if (result < 0).any():
        rows = np.flatnonzero(result < 0)
        raise InputError(
            f"{argument} must not be negative; it is at rows {shown(rows)}.", code="negative", argument=argument, rows=rows, count=int(rows.size)
        )
    return result


def same_length(array: npt.NDArray[Any], argument: str, length: int | None) -> None:
    """Raise unless the first axis of `array` has `length` entries (None: any)."""
    if length is not None and array.shape[0] != length:
        raise InputError(
            f"{argument} has {array.shape[0]} entries; {length} were expected.",
            code="wrong_length", argument=argument, got=int(array.shape[0]), expected=length,
        )


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy of `array` that cannot be written to."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ in ("NAType", "NaTType")


def factorize(values: Any, argument: str, *, length: int | None = None) -> tuple[Integers, npt.NDArray[Any]]:
    """Codes and sorted distinct levels of a column of labels; missing labels are refused.

    Works on any array, including pandas categoricals and object arrays of strings; mixed types sort by their text.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(
            f"{argument} must have one dimension; its shape is {array.shape}.", code="not_one_dimensional", argument=argument, shape=str(array.shape)
        )
    same_length(array, argument, length)
    if array.dtype.kind in "iu" and array.size:
        low, high = int(array.min()), int(array.max())
        if high - low <= max(4 * array.size, 65_536):  # dense integers: no sort needed
            present = np.bincount((array - low).astype(np.intp, copy=False), minlength=high - low + 1) > 0
            position = np.cumsum(present) - 1
            return position[(array - low).astype(np.intp, copy=False)], (np.flatnonzero(present) + low).astype(array.dtype)
    missing = _missing_mask(array)
    if missing.any():
        rows = np.flatnonzero(missing)
        raise InputError(
            f"{argument} has {rows.size} missing labels, at rows {shown(rows)}. Give them a level of their own or remove them.",
            code="missing_labels", argument=argument, rows=rows, count=int(rows.size),
        )
    if array.dtype == object:
        first: dict[Any, int] = {}
        seen = np.fromiter((first.setdefault(v, len(first)) for v in array), np.intp, array.size)
        try:
            order = sorted(first)
        except TypeError:
            order = sorted(first, key=str)
        rank = np.empty(len(first), np.intp)
        rank[[first[v] for v in order]] = np.arange(len(order))
        levels = np.empty(len(order), object)
        levels[:] = order
        return rank[seen], levels
    levels, codes = np.unique(array, return_inverse=True)
    return codes.astype(np.intp, copy=False), levels


def _missing_mask(array: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    if array.dtype == object:
        return np.fromiter((_is_missing(v) for v in array), bool, array.size)
    if array.dtype.kind == "f":
        return np.isnan(array)
    if array.dtype.kind in "mM":
        return np.isnat(array)
    return np.zeros(array.shape, bool)


def named_columns(value: Any, argument: str) -> dict[str, Any]:
    """A mapping or dataframe as {name: column}; a single array becomes {argument: array}."""
    if isinstance(value, Mapping):
        return {str(name): column for name, column in value.items()}
    if hasattr(value, "columns") and not isinstance(value, np.ndarray):
        return {str(name): value[name] for name in value.columns}
    if isinstance(value, Sequence) and value and isinstance(value[0], str) and not isinstance(value, str):
        return {argument: np.asarray(value)}
    return {argument: value}
