"""Columns brought home from an engine, in one form whatever the engine."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import narwhals as nw
import numpy as np
import numpy.typing as npt

Columns = dict[str, npt.NDArray[Any]]
_WIDEST = 64  # bytes of a text among others of the same width
_AT_ONCE = 100_000  # texts


def bring_home(frame: nw.DataFrame[Any]) -> Columns:
    """Numpy columns of an eager frame.

    Text is an object array with None where missing, and so are flags with missing values; flags without are bool; whole
    numbers without missing values are int64, other numbers float64 with NaN; days and times are datetime64[us].
    """
    return {name: _as_array(frame[name]) for name in frame.columns}


def _as_array(series: nw.Series[Any]) -> npt.NDArray[Any]:
    dtype, native = series.dtype, series.to_native()
    if dtype.is_numeric():
        if dtype.is_integer() and not series.null_count():
            return series.to_numpy().astype(np.int64)
        return series.cast(nw.Float64).to_numpy().astype(np.float64)
    if dtype == nw.Boolean and not series.null_count():
        return series.to_numpy().astype(bool)
    if isinstance(dtype, (nw.Date, nw.Datetime)):
        return series.cast(nw.Datetime("us")).to_numpy().astype("datetime64[us]")
    if dtype == nw.String:
        return _text_of(native if series.implementation.is_pandas() else series.to_numpy())
    if series.implementation.is_pandas():
        return native.to_numpy(dtype=object, na_value=None)  # type: ignore[no-any-return]
    values = np.asarray(series.to_numpy(), dtype=object)
    missing = series.is_null().to_numpy().astype(bool)
    if missing.any():
        values = values.copy()
        values[missing] = None
    return values


def _text_of(values: Any) -> npt.NDArray[Any]:
    """Text with equal values as one object: 8 bytes a row of a category, where texts of their own take some 60."""
    import pandas as pd

    code, levels = pd.factorize(values)
    texts = np.full(len(levels) + 1, None, object)  # the last, -1, is missing
    texts[:-1] = np.asarray(levels, dtype=object)
    return np.asarray(texts[code])


def packed(texts: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Texts of which hardly two are alike as UTF-8, b"" where missing: some bytes a row, where objects take 60 and more.

    The order of the bytes is that of the texts. Where one is very long all stay objects, of bytes.
    """
    parts = []
    for start in range(0, max(texts.size, 1), _AT_ONCE):
        part = [b"" if text is None else text.encode() for text in texts[start : start + _AT_ONCE].tolist()]
        longest = max((len(text) for text in part), default=0)
        parts.append(np.array(part, object if longest > _WIDEST else f"S{max(longest, 1)}"))
    return np.concatenate(parts)


def settle_object(series: nw.Series[Any], *, as_text: bool) -> nw.Series[Any]:
    """A pandas column of Python objects as the type its values have; mixed values become text if `as_text`.

    Whole floats lose their ".0" in text: an Excel column of numbers and text holds 123.0 where the sheet shows 123.
    """
    import pandas as pd

    column = series.to_native()
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if not as_text and kind in ("date", "datetime", "datetime64"):
        return nw.from_native(pd.to_datetime(column), series_only=True)
    if not as_text and kind == "decimal":
        return nw.from_native(column.astype(float), series_only=True)
    settled = column.infer_objects() if not as_text else column
    if not as_text and settled.dtype == object:
        settled = column.convert_dtypes()
    if as_text or (settled.dtype == object and kind in ("mixed", "mixed-integer")):
        settled = column.map(_text, na_action="ignore").astype("string")
    return nw.from_native(settled, series_only=True)


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def day(value: Any) -> date | None:
    """`value` (a date, a datetime without timezone, or text written year first) as a day; None if it is none."""
    if isinstance(value, datetime):
        return value.date() if value.tzinfo is None else None
    if isinstance(value, date):
        return value
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else value.astype("datetime64[D]").astype(date)
    moment = moment_of(value) if isinstance(value, str) else None
    return None if moment is None else moment.date()


def moment_of(text: str) -> datetime | None:
    """Date, with or without a time of day, written year first: 2026-09-30, 2026/9/30, 20260930, 2026年9月30日 14:05."""
    cleaned = text.strip().replace("年", "-").replace("月", "-").replace("日", "").replace("/", "-").replace(".", "-", 2)
    head, _, clock = cleaned.replace("T", " ", 1).partition(" ")
    if len(head) == 8 and head.isdigit():
        head = f"{head[:4]}-{head[4:6]}-{head[6:]}"
    parts = head.split("-")
    if len(parts) != 3 or len(parts[0]) != 4 or not all(part.isdigit() for part in parts):
        return None
    try:
        moment = datetime.fromisoformat("-".join(part.zfill(2) for part in parts) + (f"T{clock.strip().zfill(5)}" if clock.strip() else ""))
    except ValueError:
        return None
    return moment if moment.tzinfo is None else None
