"""Poststratification: draws of the share of customers who have a pain, of any groups, over everybody in the frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from ..errors import InputError, shown
from ..prevalence.posterior import PainPointPosterior
from ..results import Floats, Labels
from .pain_counts import PainPointTable
from .question import names

Integers = npt.NDArray[np.intp]
_BLOCK = 2_000_000  # numbers held at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """The groups that estimates are asked for; G of them, all with customers.

    Attributes
    ----------
    labels : {column: array (G,)}
        Empty for the whole frame.
    segments : int array (S,)
        Which set of segments each segment belongs to.
    of : int array (G,)
        Set of segments of each group.
    dealer : int array (G,)
        Its dealer; -1: all of them.
    customers : Floats (G,)
    """

    labels: Labels
    segments: Integers
    of: Integers
    dealer: Integers
    customers: Floats

    @property
    def by_dealer(self) -> bool:
        """Whether the groups are of one dealer each."""
        return bool((self.dealer >= 0).all())

    @property
    def size(self) -> int:
        """G."""
        return int(self.of.size)

    def member(self) -> Floats:
        """1 where a segment belongs to a set of segments, (sets, S)."""
        return np.asarray(np.arange(self.segments.max() + 1)[:, None] == self.segments, float)

    def place(self, segment: Integers, dealer: Integers) -> Integers:
        """Group of each cell; -1: none."""
        many = int(self.dealer.max()) + 1 if self.by_dealer else 1
        at = np.full((int(self.segments.max()) + 1, many), -1, np.intp)
        at[self.of, np.maximum(self.dealer, 0)] = np.arange(self.size)
        return np.asarray(at[self.segments[segment], dealer if self.by_dealer else 0])


def groups_of(table: PainPointTable, by: str | Sequence[str] | None) -> Groups:
    """The groups of some columns, crossed; those without customers are left out."""
    frame, listed = table.frame, names(by, "by")
    unknown = [name for name in listed if name not in frame.columns.groups]
    if unknown:
        raise InputError(
            f"by names {shown(unknown)}; the groups are {shown(frame.columns.groups)}.",
            code="unknown_group", argument="by", levels=unknown, known=shown(frame.columns.groups),
        )
    kept = [name for name in listed if name != frame.columns.dealer]
    code = np.zeros(frame.customers.shape[0], np.intp)
    for name in kept:
        code = code * frame.levels[name].size + _code(frame.levels[name], frame.labels[name])
    sets, first, segments = np.unique(code, return_index=True, return_inverse=True)
    count = np.zeros((sets.size, frame.customers.shape[1]))
    np.add.at(count, segments, frame.customers.sum(axis=2))
    if frame.columns.dealer not in listed:
        of, dealer, customers = np.arange(sets.size), np.full(sets.size, -1), count.sum(axis=1)
    else:
        of, dealer = (each.ravel() for each in np.indices(count.shape))
        customers = count.ravel()
    held = customers > 0
    of, dealer, customers = of[held], dealer[held], customers[held]
    labels = {name: frame.dealers[dealer] if name == frame.columns.dealer else frame.labels[name][first[of]] for name in listed}
    return Groups(labels=labels, segments=segments, of=of, dealer=dealer, customers=customers)


def _code(levels: npt.NDArray[np.generic], values: npt.NDArray[np.generic]) -> Integers:
    place = {level: j for j, level in enumerate(levels.tolist())}
    return np.array([place[value] for value in values.tolist()], np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Draws of some groups: `draw` (B,) says which of the posterior's, `shares` (B, K, g) of the groups `at` (g,); `effects` (B, K, d)
    the dealers' own, and `own` (g,) which of them is that of each group."""

    at: Integers
    shares: Floats
    draw: Integers
    effects: Floats | None
    own: Integers | None


def blocks(
    frame: Floats, posterior: PainPointPosterior, groups: Groups, *, selection: Floats | None = None
) -> Iterator[Block]:
    """Draws of Θ_g = Σ N_sdr θ_ksdr / Σ N_sdr, a few dealers at a time.

    Parameters
    ----------
    frame : Floats (S, D, R) or (K, S, D, R)
        Customers; or, of each pain, those to be counted, while the shares stay shares of all customers of a group.
    posterior : PainPointPosterior
    groups : Groups
    selection : Floats (B, K, R), optional
        Offsets to be used instead of the posterior's.
    """
    offset = posterior.selection if selection is None else selection
    if not groups.by_dealer:
        yield _of_network(frame, posterior, groups, offset)
        return
    if not posterior.dealer.size:
        raise InputError(
            "Dealers were not estimated. Estimate again with the dealer among by=.", code="dealers_not_estimated", argument="by"
        )
    draw = posterior.dealer_draw
    shift = posterior.dealer_shift[:, :, None]
    linear = posterior.intercept[draw][:, :, None] + posterior.segment[draw]
    step = max(1, _BLOCK // linear.size)
    member, dealers = groups.member(), np.unique(groups.dealer)
    for start in range(0, dealers.size, step):
        chosen = dealers[start : start + step]
        at = np.flatnonzero((groups.dealer >= chosen[0]) & (groups.dealer <= chosen[-1]))
        own = np.searchsorted(chosen, groups.dealer[at])
        effects = posterior.dealer[:, :, chosen]
        logit = linear[:, :, :, None] + (effects + shift)[:, :, None, :]
        have = np.zeros((*linear.shape[:2], len(member), chosen.size))
        for r in range(frame.shape[-1]):
            share = special.expit(logit + offset[draw][:, :, r, None, None])
            share *= frame[..., chosen, r]
            have += np.einsum("gs,bksd->bkgd", member, share, optimize=True)
        yield Block(at, have[:, :, groups.of[at], own] / groups.customers[at], draw, effects, own)


def _of_network(frame: Floats, posterior: PainPointPosterior, groups: Groups, offset: Floats) -> Block:
    member = groups.member()
    have = np.zeros((*posterior.intercept.shape, len(member)))
    linear = posterior.intercept[:, :, None] + posterior.segment
    full = posterior.model == "full"
    for d in range(frame.shape[-2] if full else 1):
        customers = frame[..., d, :] if full else frame.sum(axis=-2)
        logit = linear + posterior.dealer[:, :, d, None] if full else linear
        for r in range(frame.shape[-1]):
            have += (special.expit(logit + offset[:, :, r, None]) * customers[..., r]) @ member.T
    return Block(np.arange(groups.size), have[:, :, groups.of] / groups.customers, np.arange(len(have)), None, None)


def all_shares(frame: Floats, posterior: PainPointPosterior, groups: Groups) -> Floats:
    """Every draw of every group at once, (B, K, G)."""
    found = list(blocks(frame, posterior, groups))
    order = np.argsort(np.concatenate([block.at for block in found]))
    return np.concatenate([block.shares for block in found], axis=2)[:, :, order]
