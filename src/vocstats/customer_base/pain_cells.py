"""Cells in which pain points are counted: the groups asked for crossed with the response groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .cells import Codes, compress
from .names import CHURNED, GROUPS, SURVEY

if TYPE_CHECKING:
    from .base import CustomerBase

Counts = npt.NDArray[np.int64]
RESPONSE_GROUPS = (*GROUPS, "churned_answered")
CHURNED_ANSWERED = len(GROUPS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainFrame:
    """Customers by cell of the groups (C cells) and response group; and where those listed belong.

    `levels` and `codes` (C,) by column say what the cells are, `customers` (C, RESPONSE_GROUPS) how many are in each, `cell` and
    `group` (L,) where each of those listed is.
    """

    levels: dict[str, npt.NDArray[Any]]
    codes: dict[str, Codes]
    customers: Counts
    cell: Codes
    group: Codes

    @property
    def labels(self) -> dict[str, npt.NDArray[Any]]:
        """Label of each cell by column."""
        return {name: self.levels[name][code] for name, code in self.codes.items()}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainTally:
    """Of one source: customers found to have each pain, and looked at, (K, C, RESPONSE_GROUPS)."""

    source: str
    pains: Sequence[str]
    positive: Counts
    n: Counts
    asked: int


def pain_frame(base: CustomerBase, groups: Sequence[str]) -> PainFrame:
    """The frame of a base; who answered the survey and has left since is a response group of his own, for the survey heard them all."""
    cells, listing = base.cells(groups), base._listing
    assert cells.origin is not None
    every = [np.zeros(len(cells), np.intp), *(cells.columns[name] for name in groups)]
    kind, first = compress(every, [1, *(cells.levels[name].size for name in groups)])
    customers = np.zeros((first.size, len(RESPONSE_GROUPS)), np.int64)
    np.add.at(customers, (kind, cells.group), cells.counts)
    cell, group = kind[cells.origin.id_cell], listing.group.copy()
    left_since = (group == CHURNED) & (listing.source == SURVEY)
    group[left_since] = CHURNED_ANSWERED
    np.subtract.at(customers, (cell[left_since], CHURNED), 1)
    np.add.at(customers, (cell[left_since], CHURNED_ANSWERED), 1)
    codes = {name: cells.columns[name][first] for name in groups}
    return PainFrame(levels={name: cells.levels[name] for name in groups}, codes=codes, customers=customers, cell=cell, group=group)


def tally_answers(
    frame: PainFrame, source: str, pains: Sequence[str], said: npt.NDArray[np.float64], stands: npt.NDArray[np.bool_]
) -> PainTally:
    """Answers (L, K), NaN where there is none, as counts; `stands` says whom the source stands for."""
    shape = frame.customers.shape
    at = np.ravel_multi_index((frame.cell, frame.group), shape)
    positive, n = (
        np.stack([np.bincount(at[which], minlength=shape[0] * shape[1]).reshape(shape) for which in chosen.T])
        for chosen in (said == 1, ~np.isnan(said))
    )
    return PainTally(source=source, pains=pains, positive=positive, n=n, asked=int(stands.sum()))
