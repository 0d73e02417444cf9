"""Numbers cut into bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import number
from ..errors import InputError, shown
from ..tables import InputTable
from .cells import Codes


@dataclass(frozen=True, slots=True)
class Band:
    """A number cut into bands: value <= upper[0], <= upper[1], ..., and more."""

    column: str
    upper: tuple[float, ...]
    labels: tuple[str, ...]


def read_band(name: str, spec: Mapping[str, Any], table: InputTable) -> Band:
    """A band from the caller's description of it."""
    upper = tuple(number(value, f"bands[{name!r}]['upper']") for value in spec.get("upper", ()))
    labels = tuple(str(label) for label in spec.get("labels", ()))
    ascending = len(upper) > 0 and all(low < high for low, high in pairwise(upper))
    if set(spec) != {"from", "upper", "labels"} or not ascending or len(set(labels)) != len(labels) or len(labels) != len(upper) + 1:
        raise InputError(
            f"bands[{name!r}] must have 'from' (a column), 'upper' (ascending limits) and 'labels' (one more than limits, all "
            f"different); got keys {shown(spec)}, {len(upper)} limits and {len(labels)} labels.",
            code="bad_band", argument=f"bands[{name!r}]", limits=len(upper), labels=len(labels),
        )
    table.require(spec["from"], argument=f"bands[{name!r}]")
    return Band(spec["from"], upper, labels)


def coded_band(band: Band, values: npt.NDArray[Any], level: str | None) -> tuple[Codes, npt.NDArray[Any]]:
    """Codes and labels of band numbers; missing ones stay -1 unless a level is named for them."""
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    codes = np.where(missing, -1, np.where(missing, 0, values)).astype(np.intp)
    labels = list(band.labels)
    if level is not None and missing.any():
        if level not in labels:
            labels.append(level)
        codes[missing] = labels.index(level)
    used = np.bincount(codes[codes >= 0], minlength=len(labels)) > 0
    result = np.empty(int(used.sum()), object)
    result[:] = [label for label, kept in zip(labels, used, strict=True) if kept]
    return np.where(codes < 0, -1, np.cumsum(used)[codes] - 1), result
