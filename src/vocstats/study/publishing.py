"""Results as they may leave the room: figures that rest on too few answers are missing, as they are in the report."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import numpy as np

from ..inflation import Signal
from ..report.disclosure import SHOWN, SMALL, suppressed_terms
from ..report.tenure_rows import suppressed_bands
from ..results import Floats, Result
from ..workflows.audit_result import DealerAudit
from ..workflows.cohort_track import CohortTrack
from ..workflows.corrected_score import Correction

_PARTS = ("part_mean", "part_std_error")
_Flags = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
R = TypeVar("R", bound=Result)


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


def publishable_audit(audit: DealerAudit, minimum: int) -> DealerAudit:
    """The audit without figures of dealers and signals with few answers, and without positions of rows.

    Parameters
    ----------
    audit : DealerAudit
    minimum : int
        Fewest answers a figure may rest on.

    Returns
    -------
    DealerAudit
        NaN in place of such figures; the reasons of scores and signals say "under_minimum".
    """
    few = audit.scores.n < minimum
    small = audit.dealers[few]
    own: dict[str, Any] = {name: _without(getattr(audit, name), few) for name in ("n_own", "detectable")}
    signals = tuple(_publishable_signal(each, np.isin(each.labels["dealer"], small), minimum) for each in audit.signals)
    evidence, scores = _by_dealer_without(audit.evidence, few), _by_dealer_without(audit.scores, few)
    return dataclasses.replace(audit, **own, signals=signals, evidence=evidence, scores=scores, responses=None, roster=None)


def _publishable_signal(signal: Signal, few: _Flags, minimum: int) -> Signal:
    few = few | ((signal.n > 0) & (signal.n < minimum))
    nowhere = np.zeros(0, np.int64)
    return dataclasses.replace(_by_dealer_without(signal, few), evidence=nowhere, evidence_dealer=nowhere)


def _by_dealer_without(result: R, few: _Flags) -> R:
    """A result with one row per dealer, the figures of some of them missing."""
    changed: dict[str, Any] = {}
    for field in dataclasses.fields(result):  # type: ignore[arg-type]
        value = getattr(result, field.name)
        if field.type == "Floats" and value.shape[:1] == few.shape and field.name != "correlation":
            changed[field.name] = _without(value, few)
        elif field.name == "details":
            changed["details"] = {name: _blank(column, few) for name, column in value.items()}
        elif field.name == "reasons":
            changed["reasons"] = tuple("under_minimum" if hidden else given for hidden, given in zip(few.tolist(), value, strict=True))
    return dataclasses.replace(result, **changed)  # type: ignore[type-var]


def _blank(column: np.ndarray[Any, Any], few: _Flags) -> np.ndarray[Any, Any]:
    """Numbers and days missing, texts empty."""
    if column.dtype.kind == "M":
        return np.where(few, np.datetime64("NaT", "D"), column)
    return np.where(few, "", column) if column.dtype.kind in "OU" else _without(column.astype(float), few)


def _without(values: Floats, blank: _Flags) -> Floats:
    result = values.copy()
    result[blank] = np.nan
    return result


def _reason(status: int, given: str) -> str:
    return given if status == SHOWN else "under_minimum" if status == SMALL else "would_reveal"
