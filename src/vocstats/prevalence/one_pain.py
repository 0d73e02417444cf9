"""One pain out of the collapsed counts: its cells, and what is not known of the sources that counted it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from ..results import Floats, Integers
from .conditional_laplace import OffsetPrior, PainCells, fit_fields
from .counts import Columns, PainPointCounts, PainPointPriors
from .independence_chains import PainApproximation
from .nuisance_mode import around_mode
from .nuisance_points import Nuisances, Proposal, prior_proposal


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

    @property
    def several(self) -> bool:
        """Whether several coders read the same texts."""
        return self.cells.together is not None

    def first_proposal(self, centre: Floats, variance: Floats, start: tuple[Floats, Floats]) -> Proposal:
        """Of the first points: the prior, or what is around the mode where several coders read the same texts."""
        if not self.several:
            return prior_proposal(self.nuisances.dimensions)
        prior = self._offsets(centre, variance)

        def log_density(z: Floats) -> Floats:
            fields = fit_fields(self.cells, self.nuisances.points(z), prior, x=start[0], beta=start[1])
            return np.asarray(fields.log_evidence - 0.5 * np.sum(z**2, axis=1))

        return around_mode(log_density, self.nuisances.dimensions)

    def fit(
        self, proposal: Proposal, points: int, centre: Floats, variance: Floats, start: tuple[Floats, Floats], rng: np.random.Generator
    ) -> PainApproximation:
        """Fields at points of the proposal, as if δ were normal with mean `centre` (G,) and `variance`, from x and β of `start`."""
        z, log_ratio = proposal.points(points, rng)
        fixed = self.nuisances.points(z)
        prior = self._offsets(centre, variance)
        fields = fit_fields(self.cells, fixed, prior, x=start[0], beta=start[1])
        return PainApproximation(self.cells, z, fixed, fields, prior, log_ratio, special.softmax(log_ratio + fields.log_evidence))

    def _offsets(self, centre: Floats, variance: Floats) -> OffsetPrior:
        return OffsetPrior(np.append(centre, np.zeros_like(self.modes)), np.append(1.0 / variance, self.modes))


def one_pain(counts: PainPointCounts, pain: int, priors: PainPointPriors) -> OnePain:
    """Of collapsed counts; a column is a response group, a source and, where several coders read, a pattern of their labels."""
    columns = counts.columns(pain)
    rows, source = columns.rows, columns.source
    counted, n = np.zeros((2, counts.frame.shape[0], source.size))
    np.add.at(counted, (counts.segment[rows], columns.column), counts.counted[rows])
    np.add.at(n, (counts.segment[rows], columns.column), counts.n[rows])
    modal = np.unique(source[counts.mode_scale[source] > 0.0])
    offsets = np.hstack([columns.group[:, None] == np.arange(1, counts.frame.shape[2]), source[:, None] == modal]).astype(float)
    cells = PainCells(counted, n, offsets, priors.intercept, priors.intercept_scale**2, _together(counts, columns))
    coder, label = counts.readings(source, columns.pattern)
    coders = np.unique(coder[(coder >= 0) & (label >= 0)])
    nuisances = _nuisances(counts, pain, source, coders, (coder, label), priors.segment_scale)
    return OnePain(cells, nuisances, coders, counts.mode_scale[modal] ** -2.0)


def _together(counts: PainPointCounts, columns: Columns) -> Integers | None:
    """Which columns are patterns of texts that the same coders read; -1: counts positives. None where all do."""
    joint = counts.joint(columns.pattern)
    if not joint.any():
        return None
    texts = np.column_stack([columns.group, columns.source, counts.patterns[columns.pattern] >= 0])
    return np.where(joint, np.unique(texts, axis=0, return_inverse=True)[1].ravel(), -1)


def _nuisances(
    counts: PainPointCounts, pain: int, source: Integers, coders: Integers, read: tuple[Integers, Integers], segment_scale: float
) -> Nuisances:
    """Of the sources of the columns, and of who read them, with his label."""
    sources, (coder, label) = np.unique(source), read
    told = sources[~np.isnan(counts.mention[sources, pain, 0])]
    invented = sources[~np.isnan(counts.false_mention[sources, pain, 0])]
    betas = np.concatenate([
        counts.sensitivity[coders, pain], counts.specificity[coders, pain], counts.mention[told, pain], counts.false_mention[invented, pain]
    ])
    one, none, after = len(betas), -1, 2 * coders.size
    perfect, at_coder = coder < 0, np.searchsorted(coders, coder)
    return Nuisances(
        betas,
        sensitivity=np.where(perfect, one, at_coder), specificity=np.where(perfect, one, coders.size + at_coder), label=label,
        mention=np.where(np.isin(source, told), after + np.searchsorted(told, source), one),
        false_mention=np.where(np.isin(source, invented), after + told.size + np.searchsorted(invented, source), none),
        segment_scale=segment_scale,
    )
