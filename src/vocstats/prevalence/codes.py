"""From a source's own codes to pain points, many to one, without losing a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import is_missing, one_dimensional, unmasked
from ..errors import InputError
from ..results import Integers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MappedCodes:
    """A source's codes as keys of a taxonomy.

    Attributes
    ----------
    keys : object array (n,)
        Key of each row; None where its code was set aside.
    set_aside : {str: int}
        Rows by code that the mapping does not know.
    missing : int
        Rows without a code.
    """

    keys: npt.NDArray[Any]
    set_aside: Mapping[str, int]
    missing: int


def mapped_codes(codes: Any, mapping: Mapping[Any, str]) -> tuple[MappedCodes, Integers]:
    """Key of each row, and the rows that have none."""
    known = _by_text(mapping)
    array = unmasked(codes)
    one_dimensional(array, "codes")
    rows = array.tolist()
    spelt = {code: None if is_missing(code) else _text(code) for code in dict.fromkeys(rows)}
    keys = np.empty(len(rows), object)
    keys[:] = [None if spelt[code] is None else known.get(str(spelt[code])) for code in rows]
    without = np.flatnonzero([key is None for key in keys]).astype(np.int64)
    aside = Counter(spelt[rows[row]] for row in without)
    missing = aside.pop(None, 0)
    return MappedCodes(keys=keys, set_aside={str(code): count for code, count in aside.items()}, missing=missing), without


def _by_text(mapping: Mapping[Any, str]) -> dict[str, str]:
    """The mapping by the text of its codes."""
    known: dict[str, str] = {}
    for code, key in mapping.items():
        if known.setdefault(_text(code), key) != key:
            raise InputError(
                f"mapping leads from {_text(code)!r} to {known[_text(code)]!r} and to {key!r}. Keep one.", code="code_mapped_twice",
                argument="mapping", levels=[_text(code)], first=known[_text(code)], second=key,
            )
    return known


def _text(code: Any) -> str:
    """A code as text; whole numbers that stand among missing ones are floats and are written as whole numbers again."""
    return str(int(code)) if isinstance(code, float) and code.is_integer() else str(code)
