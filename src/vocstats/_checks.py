"""Checks of arguments: each returns the cleaned value or raises an `InputError` that names the argument."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from numbers import Number
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from .errors import InputError, shown

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

_SQUARABLE = 1e100


def choice(value: Any, allowed: Any, argument: str) -> Any:
    """`value`, if it is one of the members of the `Literal` alias `allowed`."""
    members = get_args(allowed)
    if value not in members:
        raise InputError(
            f"{argument} must be one of {shown(members, len(members))}; got {value!r}.",
            code="not_a_choice",
            argument=argument,
            value=repr(value),
            allowed=", ".join(map(repr, members)),
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


def whole(value: Any, argument: str, *, low: int) -> int:
    """`value` as a whole number of at least `low`."""
    result = number(value, argument, low=low, high=math.inf, open_high=True)
    if result != int(result):
        raise InputError(
            f"{argument} must be a whole number; got {result:g}.", code="not_whole", argument=argument, value=result
        )
    return int(result)


def whole_seed(value: Any, argument: str) -> int:
    """`value` as a seed: a whole number, not negative."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise InputError(
            f"{argument} must be a whole number, 0 or more; got {value!r}.", code="not_a_seed", argument=argument, value=repr(value)
        )
    return int(value)


def numbers(value: Any, argument: str) -> tuple[float, ...]:
    """`value` as a tuple of finite floats."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise InputError(
            f"{argument} must be a list of numbers, such as [1, 10]; got {value!r}.",
            code="not_numbers", argument=argument, value=repr(value),
        )
    return tuple(number(each, argument) for each in value)


def nearest(name: Any, known: Iterable[Any]) -> str:
    """The known name most like `name`, whatever the case of its letters; empty where none is near."""
    folded = {str(each).casefold(): str(each) for each in known}
    near = get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.5)
    return folded[near[0]] if near else ""


def suggestion(name: Any, known: Iterable[Any]) -> tuple[str, dict[str, Any]]:
    """The nearest known name as a question after a sentence, and as the values of an error; both empty where none is near."""
    near = nearest(name, known)
    return f" Did you mean {near!r}?" if near else "", {"nearest": near, "nearest_zh": f"是否应为 {near!r}?" if near else ""}


def level(value: Any) -> float:
    """A confidence level strictly between 0 and 1."""
    return number(value, "level", low=0.0, high=1.0, open_low=True, open_high=True)


def vector(value: Any, argument: str, *, length: int | None = None, missing: bool = False, infinite: bool = False) -> Floats:
    """`value` as a one-dimensional float array; strings are refused, missing values too unless `missing`."""
    array = unmasked(value)
    if array.dtype == object:
        with suppress(TypeError, ValueError, OverflowError):
            items = [np.nan if is_missing(v) else v for v in array.ravel()]
            exact = all(isinstance(v, Number) for v in items)  # decimals and fractions are numbers too
            array = np.array(items, np.float64 if exact else None).reshape(array.shape)
    if array.dtype.kind not in "buif":
        raise InputError(
            f"{argument} must hold numbers; it holds {array.dtype} ({shown(array.ravel()[:3], 3)}). Convert it first.",
            code="not_numeric",
            argument=argument,
            dtype=str(array.dtype),
        )
    one_dimensional(array, argument)
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
            code="missing_or_infinite",
            argument=argument,
            rows=rows,
            count=int(rows.size),
        )
    return result


def squarable(values: Floats, argument: str) -> Floats:
    """`values`, if their squares, and thus variances, neither overflow nor vanish."""
    size = max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))
    if size != 0.0 and not 1.0 / _SQUARABLE < size < _SQUARABLE:
        raise InputError(
            f"The largest number of {argument} is {size:g} in size; variances of such numbers leave the range a computer can hold. "
            "Measure it in other units.",
            code="not_squarable", argument=argument, size=size,
        )
    return values


def non_negative(value: Any, argument: str, *, length: int | None = None) -> Floats:
    """A `vector` without negative entries: weights, counts, totals."""
    result = vector(value, argument, length=length)
    if (result < 0).any():
        rows = np.flatnonzero(result < 0)
        raise InputError(
            f"{argument} must not be negative; it is at rows {shown(rows)}.",
            code="negative",
            argument=argument,
            rows=rows,
            count=int(rows.size),
        )
    return result


def flags(value: Any, argument: str, *, length: int | None = None) -> npt.NDArray[np.bool_]:
    """`value` as a boolean array: true and false, or 1 and 0."""
    values = vector(value, argument, length=length)
    odd = (values != 0.0) & (values != 1.0)
    if odd.any():
        rows = np.flatnonzero(odd)
        raise InputError(
            f"{argument} must be true or false; it is something else at rows {shown(rows)}.",
            code="not_true_or_false", argument=argument, rows=rows,
        )
    return values.astype(bool)


def unmasked(value: Any) -> npt.NDArray[Any]:
    """`value` as an array, missing where a masked array hides what it holds."""
    array = np.asarray(value)
    if isinstance(value, np.ma.MaskedArray) and value.mask.any():
        array = array.astype(object)
        array[value.mask] = None
    return array


def one_dimensional(array: npt.NDArray[Any], argument: str) -> None:
    """Raise unless `array` has one axis."""
    if array.ndim != 1:
        raise InputError(
            f"{argument} must have one dimension; its shape is {array.shape}.",
            code="not_one_dimensional",
            argument=argument,
            shape=str(array.shape),
        )


def same_length(array: npt.NDArray[Any], argument: str, length: int | None) -> None:
    """Raise unless the first axis of `array` has `length` entries (None: any)."""
    if array.ndim == 0:
        one_dimensional(array, argument)
    if length is not None and array.shape[0] != length:
        raise InputError(
            f"{argument} has {array.shape[0]} entries; {length} were expected.",
            code="wrong_length",
            argument=argument,
            got=int(array.shape[0]),
            expected=length,
        )


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy of `array` that cannot be written to."""
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


def is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ in ("NAType", "NaTType")


def factorize(values: Any, argument: str, *, length: int | None = None) -> tuple[Integers, npt.NDArray[Any]]:
    """Codes and sorted distinct levels of a column of labels; missing labels are refused.

    Works on any array, including pandas categoricals, lists of tuples and arrays of strings; mixed types sort by their text.
    """
    if hasattr(values, "factorize") and str(values.dtype) in ("object", "str", "string", "category"):  # pandas need not unpack its text
        same_length(values, argument, length)
        codes, distinct = values.factorize()
        return _sorted_levels(np.asarray(codes, np.intp), np.asarray(distinct, object).tolist(), argument)
    array = _labels(values)
    one_dimensional(array, argument)
    same_length(array, argument, length)
    if array.dtype.kind in "iu" and array.size:
        low, high = int(array.min()), int(array.max())
        if high - low <= max(4 * array.size, 65_536):  # dense integers: no sort needed
            offset = np.subtract(array, low, dtype=np.intp, casting="unsafe")
            present = np.zeros(high - low + 1, bool)
            present[offset] = True
            codes = offset if present.all() else (np.cumsum(present) - 1)[offset]
            return codes, (np.flatnonzero(present) + low).astype(array.dtype)
    if array.dtype.kind in "OUS":  # hashed: sorting text is slow
        items = array.tolist()
        first = {value: code for code, value in enumerate(dict.fromkeys(items))}
        codes = np.fromiter(map(first.__getitem__, items), np.intp, array.size)
        absent = [code for value, code in first.items() if is_missing(value)]
        codes, levels = _sorted_levels(np.where(np.isin(codes, absent), -1, codes) if absent else codes, list(first), argument)
        return codes, levels.astype(array.dtype)
    missing = np.isnat(array) if array.dtype.kind in "mM" else np.isnan(array) if array.dtype.kind == "f" else np.zeros(0, bool)
    _refuse_missing(np.flatnonzero(missing), argument)
    levels, codes = np.unique(array, return_inverse=True)
    return codes.astype(np.intp, copy=False), levels


def _labels(values: Any) -> npt.NDArray[Any]:
    """Labels as an array; tuples stay labels, and what stands in a list beside text (numbers, a missing value) does not turn to text."""
    array = None if isinstance(values, (list, tuple)) and any(isinstance(value, tuple) for value in values) else unmasked(values)
    beside_text = array is not None and array.dtype.kind in "US" and isinstance(values, (list, tuple))
    if array is None or (beside_text and not all(isinstance(value, (str, bytes)) for value in values)):
        array = np.empty(len(values), object)
        array[:] = values
    return array


def _sorted_levels(codes: Integers, labels: list[Any], argument: str) -> tuple[Integers, npt.NDArray[Any]]:
    """Codes in the order of the sorted labels; -1 stands for a missing one."""
    _refuse_missing(np.flatnonzero(codes < 0), argument)
    try:
        order = sorted(range(len(labels)), key=labels.__getitem__)
    except TypeError:
        order = sorted(range(len(labels)), key=lambda code: str(labels[code]))
    rank = np.empty(len(labels), np.intp)
    rank[order] = np.arange(len(labels))
    levels = np.empty(len(labels), object)
    levels[:] = [labels[code] for code in order]
    return rank[codes], levels


def _refuse_missing(rows: Integers, argument: str) -> None:
    if rows.size:
        raise InputError(
            f"{argument} has {rows.size} missing labels, at rows {shown(rows)}. Give them a level of their own or remove them.",
            code="missing_labels",
            argument=argument,
            rows=rows,
            count=int(rows.size),
        )


def columns_of(value: Any, argument: str) -> dict[str, Any]:
    """`named_columns`; those of an array (n, p) are called x0, x1, ..., and None has none."""
    if value is None:
        return {}
    array = unmasked(value) if isinstance(value, np.ndarray | list | tuple) else None
    if array is None or array.ndim == 1:
        return named_columns(value, argument)
    return {f"x{j}": array[:, j] for j in range(array.shape[1])}


def named_columns(value: Any, argument: str) -> dict[str, Any]:
    """A mapping or dataframe as {name: column}; a single array becomes {argument: array}."""
    if hasattr(value, "collect"):
        raise InputError(
            f"{argument} is a lazy table, whose rows have no order yet. Collect it first.", code="lazy_table", argument=argument
        )
    if isinstance(value, Mapping):
        return {str(name): column for name, column in value.items()}
    if hasattr(value, "columns") and not isinstance(value, np.ndarray):
        names = value.column_names if hasattr(type(value), "column_names") else value.columns  # Arrow's columns are the data
        return {str(name): value[name] for name in names}
    if isinstance(value, Sequence) and value and isinstance(value[0], str) and not isinstance(value, str):
        return {argument: _labels(value)}
    return {argument: value}
