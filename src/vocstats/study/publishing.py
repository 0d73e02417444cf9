"""A correction as it may leave the room: figures that rest on too few answers are missing, as they are in the report."""

from __future__ import annotations

import dataclasses

import numpy as np

from ..report.disclosure import SHOWN, SMALL, suppressed_terms
from ..results import Floats
from ..workflows.corrected_score import Correction

_PARTS = ("part_mean", "part_std_error")


def publishable(correction: Correction, minimum: int) -> Correction:
    """The correction without the figures of small groups, and without those that would let one subtract them.

    Parameters
    ----------
    correction : Correction
        Of the whole base or by domain.
    minimum : int
        Fewest answers a figure may rest on.

    Returns
    -------
    Correction
        NaN in place of such figures; `reasons` says "under_minimum" or "would_reveal".
    """
    status = suppressed_terms(correction, minimum)
    blank = status != SHOWN
    small_part = (correction.part_heard > 0) & (correction.part_heard < minimum)
    changed: dict[str, object] = {
        "reasons": tuple(
            tuple(_reason(int(status[row, term]), given) for term, given in enumerate(terms))
            for row, terms in enumerate(correction.reasons)
        ),
        "contribution": _without(correction.contribution, blank[:, :2] | blank[:, 1:]),
        **{name: _without(getattr(correction, name), (small_part | blank.any(1, keepdims=True)).any(1)) for name in _PARTS},
        "analyses": () if blank.any() else correction.analyses,
        "question": None,
        "overall": None if correction.overall is None else publishable(correction.overall, minimum),
    }
    for field in dataclasses.fields(correction):
        value = getattr(correction, field.name)
        if field.type == "Floats" and field.name not in changed and value.shape[:2] == blank.shape:
            changed[field.name] = _without(value, blank)
    return dataclasses.replace(correction, **changed)  # type: ignore[arg-type]


def _without(values: Floats, blank: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    result = values.copy()
    result[blank] = np.nan
    return result


def _reason(status: int, given: str) -> str:
    return given if status == SHOWN else "under_minimum" if status == SMALL else "would_reveal"
