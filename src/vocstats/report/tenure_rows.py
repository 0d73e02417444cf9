"""Satisfaction by tenure as rows of a table: one per group and band, small numbers of answers blank."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from .. import texts
from ..workflows.cohort_track import TERMS
from .disclosure import COMPLEMENT, SHOWN, SMALL, suppressed
from .wording import Measure, Words

if TYPE_CHECKING:
    from ..workflows.cohort_track import CohortTrack
    from ..workflows.corrected_score import Correction

COLUMNS = ("estimate", "std_error", "conf_low", "conf_high", "n")


def measure_of(track: CohortTrack, words: Words) -> Measure:
    """How the figures of a track are printed: as those of a correction of the same statistic."""
    return Measure(words, cast("Correction", track))


def suppressed_bands(track: CohortTrack, minimum: int) -> npt.NDArray[np.int8]:
    """`suppressed` for each group, band and term, (G, K, 3).

    A table has its total by tenure and by group. The figure of everybody who bought rests on two sets of answers: the smaller counts.
    """
    answers = track.n.copy()
    active = np.maximum(track.n[..., 1] - track.n_churned, 0.0)  # 0 where the figure is missing
    answers[..., 1] = np.where(track.n_churned > 0, np.minimum(active, track.n_churned), active)
    status = np.zeros(answers.shape, np.int8)
    for t in range(answers.shape[2]):
        along = np.stack([suppressed(row, minimum) for row in answers[..., t]])
        if answers.shape[0] > 1:
            across = np.stack([suppressed(column, minimum) for column in answers[..., t].T], axis=1)
            along = np.where((along == SMALL) | (across == SMALL), SMALL, np.maximum(along, across))
        status[..., t] = along
    return status


def track_rows(track: CohortTrack, words: Words, minimum: int) -> Iterator[dict[str, Any]]:
    """Rows with the figures of the three terms, retention and counts; NaN where not shown, with the reason.

    Tenures that no customer of a group has, such as those a purchase cohort has not reached, have no row.
    """
    status, measure = suppressed_bands(track, minimum), measure_of(track, words)
    for g in range(len(track.estimate)):
        for k, band in enumerate(track.band_names()):
            if track.by and not track.customers[g, k]:
                continue
            row: dict[str, Any] = {name: str(column[g]) for name, column in track.labels.items()}
            row |= {"statistic": measure.name, "tenure": band}
            for t, term in enumerate(TERMS):
                shown = status[g, k, t] == SHOWN
                row |= {f"cohort_{term}:{name}": float(getattr(track, name)[g, k, t]) if shown else math.nan for name in COLUMNS}
                if t:
                    ends = (("range_low", track.range_conf_low), ("range_high", track.range_conf_high))
                    row |= {f"cohort_{term}:{name}": float(end[g, k, t]) if shown else math.nan for name, end in ends}
            row |= {name: float(getattr(track, name)[g, k]) for name in ("retention", "customers", "left")}
            why = [_reason(track, g, k, t, int(status[g, k, t]), minimum, words) for t in range(len(TERMS))]
            row["reason"] = words.gap.join(dict.fromkeys(text for text in why if text))
            yield row


def _reason(track: CohortTrack, g: int, k: int, t: int, status: int, minimum: int, words: Words) -> str:
    if status == SMALL:
        return words("under_minimum", minimum=minimum)
    if status == COMPLEMENT:
        return texts.render("reason.would_reveal", words.language)
    code = track.reasons[g][k][t]
    return texts.render(f"reason.{code}", words.language) if code else ""
