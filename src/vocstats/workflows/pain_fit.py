"""Tables, engine and draws of pain points, kept together in memory so that further questions need no second fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .._numerics import central_interval, sums_by
from ..options import PainEngine
from ..prevalence.counts import PainPointCounts, PainPointPriors
from ..prevalence.latent_field import fit_latent_field
from ..prevalence.posterior import PainPointPosterior
from ..results import Flags, Floats
from .pain_counts import PainPointTable
from .pain_ledger import ledger
from .pain_shares import Block, Groups, all_shares, blocks, groups_of


def run_engine(engine: PainEngine, counts: PainPointCounts, priors: PainPointPriors, *, dealers: bool, seed: int) -> PainPointPosterior:
    """Draws from the posterior by the engine of that name."""
    if engine == "approximate":
        return fit_latent_field(counts, priors=priors, dealers=dealers, seed=seed)
    from ..bayes import fit_pain_points

    return fit_pain_points(counts, priors=priors, dealers=dealers, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainPointFit:
    """What was read, what the engine drew, and how it was asked."""

    table: PainPointTable
    posterior: PainPointPosterior
    priors: PainPointPriors
    engine: PainEngine
    seed: int

    def groups(self, by: str | Sequence[str] | None) -> Groups:
        """The groups of some columns, crossed."""
        return groups_of(self.table, by)

    def blocks(self, groups: Groups, *, selection: Floats | None = None) -> Iterator[Block]:
        """Draws of their shares, a few dealers at a time."""
        return blocks(self.table.frame.customers, self.posterior, groups, selection=selection)

    def shares(self, groups: Groups) -> Floats:
        """All draws of their shares, (B, K, G)."""
        return all_shares(self.table.frame.customers, self.posterior, groups)

    def refitted(self, counts: PainPointCounts, engine: PainEngine | None = None) -> PainPointFit:
        """The same question asked of other counts, or of another engine."""
        used = engine or self.engine
        posterior = run_engine(used, counts, self.priors, dealers=self.posterior.dealer.size > 0, seed=self.seed)
        return replace(self, table=replace(self.table, counts=counts), posterior=posterior, engine=used)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Estimates:
    """Of K pains in G groups, (K, G) each."""

    estimate: Floats
    std_error: Floats
    conf_low: Floats
    conf_high: Floats
    apparent: Floats
    prior_share: Floats
    from_selection: Floats
    from_coder: Floats
    from_sampling: Floats


def estimates(fit: PainPointFit, groups: Groups, level: float) -> Estimates:
    """Mean, standard deviation and central interval of the draws, with the ledger, streamed over dealers."""
    empty = {name: np.empty((fit.table.pains.size, groups.size)) for name in Estimates.__slots__}
    for block in fit.blocks(groups):
        low, high = central_interval(block.shares, level)
        parts = ledger(block, fit.posterior, fit.table.counts, fit.priors, fit.table.panel.guessed)
        found = {
            "estimate": block.shares.mean(axis=0), "std_error": block.shares.std(axis=0), "conf_low": low, "conf_high": high,
            "prior_share": parts.prior, "from_selection": parts.selection, "from_coder": parts.coder,
        }
        for name, values in found.items():
            empty[name][:, block.at] = values
    empty["from_sampling"][:] = 1.0 - empty["from_selection"] - empty["from_coder"]
    empty["apparent"][:] = apparent(fit.table, groups)
    return Estimates(**empty)


def apparent(table: PainPointTable, groups: Groups) -> Floats:
    """Positives among the engaged who were asked, by pain and group, (K, G), as they were counted (of texts that several coders read:
    found by at least half of them); NaN where nobody was asked."""
    counts = table.counts
    kept = (counts.group == 0) & table.asked[counts.source]
    group = groups.place(counts.segment[kept], counts.dealer[kept])
    inside = group >= 0
    size = table.pains.size * groups.size
    cell = (counts.pain[kept] * groups.size + group)[inside]
    positive, n = (sums_by(cell, each[kept][inside], size).reshape(table.pains.size, groups.size) for each in (counts.positive, counts.n))
    return np.asarray(np.divide(positive, n, out=np.full(n.shape, np.nan), where=n > 0))


def heard(table: PainPointTable) -> Flags:
    """Response groups that a source asked, (R,)."""
    counts = table.counts
    asked = table.asked[counts.source] & (counts.n > 0)
    return np.asarray(np.bincount(counts.group[asked], minlength=counts.frame.shape[2]) > 0)
