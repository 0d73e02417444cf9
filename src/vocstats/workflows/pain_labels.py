"""Labels that several coders gave the same texts, as patterns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import Integers
from ..errors import InputError, shown
from ..results import Floats


def patterns_of(labels: Floats, coders: Sequence[str]) -> tuple[Integers, Integers]:
    """Pattern of every row of labels (rows, J), -1 where there are none, and the labels of each pattern, -1 where one is missing."""
    read = ~np.isnan(labels)
    for column, name in enumerate(coders):
        wrong = np.flatnonzero(read[:, column] & ~np.isin(labels[:, column], (0.0, 1.0)))
        if wrong.size:
            raise InputError(
                f"Column {name!r} holds {shown(labels[wrong[:3], column])} at rows {shown(wrong)}; labels are 1 (found), 0 (not found) or "
                "missing (not read by this coder).",
                code="labels_not_0_or_1", argument="coders", rows=wrong, column=name, values=shown(labels[wrong[:3], column]),
            )
    idle = [name for column, name in enumerate(coders) if not read[:, column].any()]
    if idle:
        raise InputError(
            f"Coders {shown(idle)} labelled nothing: their columns of observations are empty. Leave them out of coders=.",
            code="coder_without_labels", argument="coders", levels=idle,
        )
    rows = read.any(axis=1)
    pattern = np.full(len(labels), -1)
    patterns, of = np.unique(np.where(read, labels, -1.0)[rows].astype(np.int64), axis=0, return_inverse=True)
    pattern[rows] = of.ravel()
    return pattern, patterns


def refuse_both(pattern: Integers, positive: Floats, source: Integers, sources: npt.NDArray[Any], column: str) -> None:
    """Raise where positives stand beside labels, or a source has rows of either kind."""
    beside = np.flatnonzero((pattern >= 0) & ~np.isnan(positive))
    if beside.size:
        raise InputError(
            f"Column {column!r} must be empty where coders' labels are given; it is not at rows {shown(beside)}. n counts the "
            "texts labelled so.",
            code="positives_beside_labels", argument=column, rows=beside, column=column,
        )
    both = np.intersect1d(source[pattern >= 0], source[pattern < 0])
    if both.size:
        rows = np.flatnonzero((pattern < 0) & np.isin(source, both))
        raise InputError(
            f"Sources {shown(sources[both])} have rows with labels and rows without, at rows {shown(rows)}. Give the labels of every row, "
            "or name the two kinds of rows as two sources.",
            code="labels_and_positives", argument="coders", rows=rows, levels=sources[both].tolist(),
        )
