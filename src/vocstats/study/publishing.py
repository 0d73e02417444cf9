"""A correction as it may leave the room: figures that rest on too few answers are missing, as they are in the report."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ..report.disclosure import SHOWN, SMALL, suppressed_terms
from ..report.tenure_rows import suppressed_bands
from ..results import Floats
from ..workflows.cohort_track import CohortTrack
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


def publishable_track(track: CohortTrack, minimum: int) -> CohortTrack:
    """The track without the figures of bands and groups with few answers, and without those that would let one subtract them.

    Parameters
    ----------
    track : CohortTrack
        Of the whole base or by group.
    minimum : int
        Fewest answers a figure may rest on.

    Returns
    -------
    CohortTrack
        NaN in place of such figures; `reasons` says "under_minimum" or "would_reveal".
    """
    status = suppressed_bands(track, minimum)
    blank = status != SHOWN
    ranges = ("range_low", "range_high", "range_conf_low", "range_conf_high", "shift_effect")
    figures = ("estimate", "std_error", "conf_low", "conf_high", "df", *ranges)
    changed: dict[str, Any] = {name: _without(getattr(track, name), blank) for name in figures}
    changed |= {"active": _without(track.active, blank[:, :, 1:].any(axis=2)), "churned": _without(track.churned, blank[:, :, 1])}
    reasons = tuple(
        tuple(tuple(_reason(int(s), given) for s, given in zip(*term, strict=True)) for term in zip(rows, bands, strict=True))
        for rows, bands in zip(status, track.reasons, strict=True)
    )
    overall = None if track.overall is None else publishable_track(track.overall, minimum)
    return dataclasses.replace(track, **changed, reasons=reasons, overall=overall)


def _without(values: Floats, blank: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    result = values.copy()
    result[blank] = np.nan
    return result


def _reason(status: int, given: str) -> str:
    return given if status == SHOWN else "under_minimum" if status == SMALL else "would_reveal"
