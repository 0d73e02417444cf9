"""The base collapsed: distinct combinations of everything that matters, and how many customers have each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ..tables import Columns
from .set_aside import SetAside

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Origin:
    """Which cell each customer went to: the unheard by what the registry says of them, those listed by id."""

    keys: Columns
    key_cell: Codes
    ids: npt.NDArray[Any]
    id_cell: Codes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """Distinct cells of a customer base; C is their number, and their order does not depend on the engine.

    Attributes
    ----------
    counts : int64 (C,)
        Customers in the cell.
    group : intp (C,)
        Index into `GROUPS`.
    source : intp (C,)
        Index into `SOURCES` of the source whose answer stands; -1 where nobody's does.
    drawn : bool (C,)
        Drawn for the follow-up or the exit interview, whether or not an answer came.
    outcome : float (C,)
        The score as it was given; NaN where not heard.
    columns : dict of intp (C,)
        Code of each auxiliary, an index into its `levels`.
    levels : dict of array
        Labels of each auxiliary: sorted, bands in their order.
    selection_probability : float (C,)
        Probability of having been drawn, where the source gives it; else NaN.
    attempt : float (C,)
        Attempt at which the survey answer came, where it was asked for and is known; else NaN.
    base_weight : float (C,)
        Base weight of each customer in the cell; 1 without one.
    stratum, cluster : intp (C,), tuple of such (one per stage), or None
        Codes of the design.
    documented : dict of bool
        Whether each source says whom it drew (`selected` or `selection_probability`); False for an absent source.
    issued : dict of str
        "listed", "respondents", or None for an absent source.
    set_aside : tuple of SetAside
        Answers without a usable outcome, by source and reason.
    """

    counts: Integers
    group: Codes
    source: Codes
    drawn: npt.NDArray[np.bool_]
    outcome: Floats
    columns: Mapping[str, Codes]
    levels: Mapping[str, npt.NDArray[Any]]
    selection_probability: Floats
    attempt: Floats
    base_weight: Floats
    stratum: Codes | None
    cluster: Codes | tuple[Codes, ...] | None
    documented: Mapping[str, bool]
    issued: Mapping[str, str | None]
    set_aside: tuple[SetAside, ...] = ()
    origin: Origin | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return int(self.counts.size)


def compress(columns: Sequence[Codes], sizes: Sequence[int]) -> tuple[Codes, Codes]:
    """Number of each distinct row of several code columns, in lexicographic order, and one row of each kind."""
    total = np.zeros(columns[0].size if columns else 0, np.int64)
    span = 1
    for codes, size in zip(columns, sizes, strict=True):
        if span * max(size, 1) > 2**62:
            total = np.unique(total, return_inverse=True)[1].astype(np.int64)
            span = int(total.max(initial=0)) + 1
        total = total * size + codes
        span *= max(size, 1)
    _, first, inverse = np.unique(total, return_index=True, return_inverse=True)
    return inverse.astype(np.intp, copy=False), first.astype(np.intp, copy=False)


def coded_numbers(values: Floats) -> tuple[Codes, int]:
    """Codes of numbers in ascending order, NaN last, and how many there are."""
    distinct, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.intp, copy=False), int(distinct.size)


def coded_labels(values: npt.NDArray[Any], missing: str | None) -> tuple[Codes, npt.NDArray[Any]]:
    """Codes (-1 where missing) and sorted labels; with `missing`, the missing ones are a level of that name.

    Whole numbers read as floats (an engine's way to hold missing ones) are whole numbers again.
    """
    import pandas as pd

    codes, labels = pd.factorize(values, use_na_sentinel=True)
    if labels.dtype.kind == "f" and np.all(labels == np.floor(labels)):
        labels = labels.astype(np.int64)
    listed = labels.tolist()
    if missing is not None and (codes < 0).any():
        if missing not in listed:
            listed.append(missing)
        codes = np.where(codes < 0, listed.index(missing), codes)
    textual = any(isinstance(label, str) for label in listed)
    order = sorted(range(len(listed)), key=lambda k: str(listed[k]) if textual else listed[k])
    rank = np.empty(len(listed) + 1, np.intp)
    rank[order] = np.arange(len(listed))
    rank[-1] = -1
    ordered = [listed[k] for k in order]
    if not textual:
        return rank[codes], np.array(ordered)
    result = np.empty(len(ordered), object)
    result[:] = ordered
    return rank[codes], result
