"""Answers of a network collapsed to counts by dealer, channel, case mix and score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _checks
from .._numerics import sums_by
from ..errors import IdentificationError, InputError
from ..inflation.case_mix import adjust_for_case_mix
from ..inflation.cub import whole_scores
from ..inflation.signal_result import dealers_of
from ..results import Floats

BANDS = 8  # of the case-mix index: within one, the mean of its cell stands for all
INDEPENDENT, OWN = 0, 1  # channels
_FLAT = 1e-9  # spread of an index that tells nothing


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCells:
    """D dealers, 2 channels (independent, the dealer's own), B bands of the case mix, scores `low` to `low + K - 1`.

    Attributes
    ----------
    dealers : array (D,)
        Labels, sorted.
    counts : Floats (2, D, B, K)
    index : Floats (2, D, B)
        Mean case-mix index of each cell, in standard deviations of the network; 0 without case mix and in empty cells.
    """

    dealers: npt.NDArray[Any]
    counts: Floats
    index: Floats
    low: int

    @property
    def marks(self) -> Floats:
        """The scores, (K,)."""
        return self.low + np.arange(self.counts.shape[-1], dtype=float)


def collapse(score: Any, dealer: Any, independent: Any, *, x: Any = None, scale: tuple[int, int] | None = None) -> ScoreCells:
    """Cells of the responses; see `fit_contamination`."""
    dealers = dealers_of(dealer, length=np.size(score))
    place, low, scores = whole_scores(score, scale)
    if scores < 3:
        raise InputError(
            f"The model of contaminated scores needs a scale of at least 3 scores; there are {scores}. Give scale=(lowest, highest).",
            code="too_short_a_scale", argument="scale", least=3, scores=scores,
        )
    outside = _checks.flags(independent, "independent", length=place.size)
    if outside.all() or not outside.any():
        raise IdentificationError(
            "All responses came by the same channel. What an honest dealer's invitations bring is learnt from both: independently invited "
            "responses and the dealers' own.",
            code="one_channel_only", argument="independent",
        )
    index = _index(place.astype(float), x, dealers.code, dealers.count, outside)
    band = _bands(index)
    bands = int(band.max()) + 1
    cell = (np.where(outside, INDEPENDENT, OWN) * dealers.count + dealers.code) * bands + band
    shape, cells = (2, dealers.count, bands), 2 * dealers.count * bands
    counts = np.bincount(cell * scores + place, minlength=cells * scores).reshape(*shape, scores).astype(float)
    mean = sums_by(cell, index, cells) / np.maximum(counts.reshape(cells, scores).sum(axis=1), 1.0)
    return ScoreCells(dealers.labels, counts, mean.reshape(shape), low)


def _index(score: Floats, x: Any, code: npt.NDArray[np.intp], count: int, rows: npt.NDArray[np.bool_]) -> Floats:
    """What a customer's characteristics predict, from independent responses of the same dealer, standardised."""
    predicted = score - adjust_for_case_mix(score, x, code, count, rows=rows).scores
    spread = float(predicted.std())
    return np.zeros(score.size) if spread < _FLAT else (predicted - predicted.mean()) / spread


def _bands(index: Floats) -> npt.NDArray[np.intp]:
    """Each value by itself where there are few, equally filled bands otherwise."""
    values, band = np.unique(np.round(index, 9), return_inverse=True)
    if values.size <= BANDS:
        return np.asarray(band, np.intp)
    edges = np.unique(np.quantile(index, np.arange(1, BANDS) / BANDS))
    _, band = np.unique(np.searchsorted(edges, index, side="left"), return_inverse=True)
    return np.asarray(band, np.intp)
