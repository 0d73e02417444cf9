"""One pain out of the collapsed counts: its cells, and what is not known of the sources that counted it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ..results import Floats, Integers
from .conditional_laplace import OffsetPrior, PainCells, fit_fields
from .counts import PainPointCounts, PainPointPriors
from .independence_chains import PainApproximation
from .nuisance_points import Nuisances, Proposal


@dataclass(frozen=True, slots=True, eq=False)
class OnePain:
    """The model of one pain given the pool.

    Attributes
    ----------
    cells : PainCells
    nuisances : Nuisances
        Of its coders Se, then Sp; then m1, then m0 of the sources where they are unknown.
    coders : Integers
        That coded it.
    modes : Floats
        Prior precisions of the mode effects.
    """

    cells: PainCells
    nuisances: Nuisances
    coders: Integers
    modes: Floats

    def fit(
        self, proposal: Proposal, points: int, centre: Floats, variance: Floats, start: tuple[Floats, Floats], rng: np.random.Generator
    ) -> PainApproximation:
        """Fields at points of the proposal, as if δ were normal with mean `centre` (G,) and `variance`, from x and β of `start`."""
        z, log_ratio = proposal.points(points, rng)
        fixed = self.nuisances.points(z)
        prior = OffsetPrior(np.append(centre, np.zeros_like(self.modes)), np.append(1.0 / variance, self.modes))
        fields = fit_fields(self.cells, fixed, prior, x=start[0], beta=start[1])
        return PainApproximation(self.cells, z, fixed, fields, prior, log_ratio, special.softmax(log_ratio + fields.log_evidence))


def one_pain(counts: PainPointCounts, pain: int, priors: PainPointPriors) -> OnePain:
    """Of collapsed counts; a column is a response group and a source."""
    rows = np.flatnonzero((counts.pain == pain) & (counts.n > 0))
    columns, column = np.unique(counts.group[rows] * counts.coder.size + counts.source[rows], return_inverse=True)
    group, source = np.divmod(columns, max(counts.coder.size, 1))
    positive, n = np.zeros((2, counts.frame.shape[0], columns.size))
    np.add.at(positive, (counts.segment[rows], column), counts.positive[rows])
    np.add.at(n, (counts.segment[rows], column), counts.n[rows])
    modal = np.unique(source[counts.mode_scale[source] > 0.0])
    offsets = np.hstack([group[:, None] == np.arange(1, counts.frame.shape[2]), source[:, None] == modal]).astype(float)
    cells = PainCells(positive, n, offsets, priors.intercept, priors.intercept_scale**2)
    coder = counts.coder[source]
    coders = np.unique(coder[coder >= 0])
    return OnePain(cells, _nuisances(counts, pain, source, coders, priors.segment_scale), coders, counts.mode_scale[modal] ** -2.0)


def _nuisances(counts: PainPointCounts, pain: int, source: Integers, coders: Integers, segment_scale: float) -> Nuisances:
    """Of the sources of the columns."""
    sources = np.unique(source)
    told = sources[~np.isnan(counts.mention[sources, pain, 0])]
    invented = sources[~np.isnan(counts.false_mention[sources, pain, 0])]
    betas = np.concatenate([
        counts.sensitivity[coders, pain], counts.specificity[coders, pain], counts.mention[told, pain], counts.false_mention[invented, pain]
    ])
    one, none, after = len(betas), -1, 2 * coders.size
    perfect, at_coder = counts.coder[source] < 0, np.searchsorted(coders, counts.coder[source])
    return Nuisances(
        betas,
        sensitivity=np.where(perfect, one, at_coder), specificity=np.where(perfect, one, coders.size + at_coder),
        mention=np.where(np.isin(source, told), after + np.searchsorted(told, source), one),
        false_mention=np.where(np.isin(source, invented), after + told.size + np.searchsorted(invented, source), none),
        segment_scale=segment_scale,
    )
