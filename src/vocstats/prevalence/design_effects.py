"""Counts of all dealers taken together, divided by how much more they vary than counts of independent customers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .._numerics import sums_by
from ..results import Floats, Integers
from .counts import Columns, PainPointCounts


@dataclass(frozen=True, slots=True, eq=False)
class DealerCells:
    """Counts of one pain by column (a response group and a source, perhaps a pattern of labels), segment and dealer.

    Attributes
    ----------
    group, source : Integers (Q,)
    positive, n : Floats (Q, S, D)
    """

    group: Integers
    source: Integers
    positive: Floats
    n: Floats

    def residuals(self) -> Floats:
        """Positives beyond the share of all dealers in the column and segment, (Q, S, D)."""
        return np.asarray(self.positive - self.n * self._share())

    def variances(self) -> Floats:
        """p (1 - p) of each column and segment, (Q, S, 1)."""
        share = self._share()
        return np.asarray(share * (1.0 - share))

    def _share(self) -> Floats:
        total = self.n.sum(axis=2, keepdims=True)
        return np.asarray(self.positive.sum(axis=2, keepdims=True) / np.maximum(total, 1.0))


def dealer_cells(counts: PainPointCounts, pain: int, *, patterns: bool = False) -> DealerCells:
    """The counts of a pain, by all combinations of column, segment and dealer.

    With `patterns` a column is one pattern of labels, all of whose texts are positives of n; else texts that several coders read are
    positive where at least half of them found the pain.
    """
    segments, dealers, _ = counts.frame.shape
    columns = counts.columns(pain, patterns=patterns)
    rows, shape = columns.rows, (columns.group.size, segments, dealers)
    key = np.ravel_multi_index((columns.column, counts.segment[rows], counts.dealer[rows]), shape)
    found = counts.counted if patterns else counts.positive
    positive, n = (sums_by(key, values[rows], int(np.prod(shape))).reshape(shape) for values in (found, counts.n))
    return DealerCells(columns.group, columns.source, positive, n)


def collapse_dealers(counts: PainPointCounts) -> tuple[PainPointCounts, Floats]:
    """Counts summed over dealers and divided by their design effects: what the collapsed model reads.

    With ρ the correlation of two customers of one dealer beyond their segment, f_sd the dealer's share of those heard in segment s and
    F_sd his share of its customers, the share of those heard estimates that of the customers with a variance that is larger by

        deff_s = (1 - ρ) + ρ n_s Σ_d (f_sd - F_sd)²,        deff = (1 - ρ) + ρ Σ_d (Σ_s W_s (f_sd - F_sd))² / Σ_s W_s² / n_s

    in a segment, and in all of them with their shares W_s of the customers. A count is divided by the larger of the two, never by less
    than 1. Where the heard are spread over dealers as the customers are, dealers add nothing, however much they differ: all of them
    are there. Were they a sample of dealers, F_sd = 0 and the formula is Kish's 1 + ρ (m - 1). Texts that several coders read have one
    design effect for all their patterns, that of the share in which at least half of the coders found the pain.

    Parameters
    ----------
    counts : PainPointCounts
        Of every dealer.

    Returns
    -------
    counts : PainPointCounts
        One row per pain, segment, group, source and pattern with customers looked at; `dealer` 0, `frame` (S, 1, R); positive and n no
        longer whole.
    design_effect : float array (K,)
        By which the customers looked at were divided, all together.

    References
    ----------
    Kish (1965), Survey Sampling, ch. 5, for samples of dealers; ρ by moments, one-way analysis of variance over dealers within cells.
    """
    rows: list[Floats] = []
    design_effect = np.ones(counts.pains)
    for pain in range(counts.pains):
        cells, columns = dealer_cells(counts, pain), counts.columns(pain)
        effect = _design_effects(cells, counts.frame)[_place(columns, cells)]
        shape = (columns.group.size, counts.frame.shape[0])
        key = columns.column * shape[1] + counts.segment[columns.rows]
        n, positive = (sums_by(key, each[columns.rows], shape[0] * shape[1]).reshape(shape) for each in (counts.n, counts.positive))
        column, segment = np.nonzero(n)
        if column.size:
            design_effect[pain] = n.sum() / np.sum(n / effect)
        told = (columns.group[column], columns.source[column], columns.pattern[column])
        kept = (n / effect)[column, segment], (positive / effect)[column, segment]
        rows.append(np.column_stack([np.full(column.size, pain), segment, *told, *kept]))
    together = dict(zip(("pain", "segment", "group", "source", "pattern", "n", "positive"), np.concatenate(rows).T, strict=True))
    dealer = np.zeros(together["n"].size, np.int64)
    return replace(counts, **together, dealer=dealer, frame=counts.frame.sum(axis=1, keepdims=True)), design_effect


def _place(columns: Columns, cells: DealerCells) -> Integers:
    """Which of the cells' columns, a group and a source each, the patterns belong to."""
    among, of = (group * (columns.source.max(initial=0) + 1) + source for group, source in (
        (cells.group, cells.source), (columns.group, columns.source)
    ))
    return np.asarray(np.searchsorted(among, of))


def _design_effects(cells: DealerCells, frame: Floats) -> Floats:
    """Of every column and segment, (Q, S)."""
    customers = np.moveaxis(frame, 2, 0)[cells.group]
    segment_frame, heard = customers.sum(axis=2), cells.n.sum(axis=2)
    apart = cells.n / np.maximum(heard, 1e-300)[:, :, None] - customers / np.maximum(segment_frame, 1e-300)[:, :, None]
    apart[heard == 0.0] = 0.0
    weight = np.where(heard > 0.0, np.maximum(segment_frame, 1e-300), 0.0)
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
    together = np.sum(np.einsum("qs,qsd->qd", weight, apart) ** 2, axis=1)
    alone = np.sum(np.divide(weight**2, heard, out=np.zeros_like(weight), where=heard > 0.0), axis=1)
    larger = np.maximum(heard * np.sum(apart**2, axis=2), (together / np.maximum(alone, 1e-300))[:, None])
    correlation = _correlations(cells)[:, None]
    return np.asarray(np.maximum(1.0 - correlation + correlation * larger, 1.0))


def _correlations(cells: DealerCells) -> Floats:
    """ρ of every column, by moments of the dealers' residuals; columns of one source share it, (Q,)."""
    residual, variance = cells.residuals().sum(axis=1), cells.variances()
    total = np.maximum(cells.n.sum(axis=2, keepdims=True), 1.0)
    expected = np.sum(cells.n * (1.0 - cells.n / total) * variance, axis=1)
    full = np.sum(cells.n * np.sqrt(variance), axis=1) ** 2
    excess, possible = np.sum(residual**2 - expected, axis=1), np.sum(full - expected, axis=1)
    same = (cells.source[:, None] == cells.source).astype(float)
    ratio = np.divide(same @ excess, same @ possible, out=np.zeros_like(excess), where=same @ possible > 0.0)
    return np.asarray(np.clip(ratio, 0.0, 1.0))
