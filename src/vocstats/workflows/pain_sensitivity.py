"""What prevalence would be were the unheard otherwise than the model says, and which source disagrees with the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import special

from .._numerics import central_interval, sums_by
from ..errors import InputError, shown
from ..options import PainEngine
from ..prevalence.counts import PainPointCounts
from ..results import Flags, Floats
from .pain_drop_off import DROP_OFF
from .pain_fit import PainPointFit
from .pain_ranking import Columns, long_form
from .pain_shares import Groups, blocks

PHI = (0.0, 0.5, 1.0)
_LEAST = 0.05  # of the variance without a source, what it can at least be thought to have brought


def sensitivity(fit: PainPointFit, groups: Groups, level: float) -> Columns:
    """Prevalence with the offsets δ multiplied by φ, and its bounds were nobody but those heard known."""
    shape = (fit.table.pains.size, groups.size)
    lowest, highest = bounds(fit, groups)
    rows: list[Columns] = []
    for phi in PHI:
        found = {name: np.empty(shape) for name in ("phi", "estimate", "conf_low", "conf_high")}
        found["phi"][:] = phi
        for block in fit.blocks(groups, selection=phi * fit.posterior.selection):
            found["estimate"][:, block.at] = block.shares.mean(axis=0)
            found["conf_low"][:, block.at], found["conf_high"][:, block.at] = central_interval(block.shares, level)
        rows.append(long_form(fit, groups, found | {"lowest": lowest, "highest": highest}))
    return {name: np.stack([each[name] for each in rows], axis=-1).ravel() for name in rows[0]}


def bounds(fit: PainPointFit, groups: Groups) -> tuple[Floats, Floats]:
    """Worst-case bounds: the engaged and those heard as estimated, of all others nobody or everybody with the pain."""
    frame, counts = fit.table.frame.customers, fit.table.counts
    heard = np.zeros((counts.pains, *frame.shape))
    asked = fit.table.asked[counts.source]
    at = (counts.pain[asked], counts.segment[asked], counts.dealer[asked], counts.group[asked])
    np.add.at(heard, at, counts.n[asked])
    heard = np.minimum(heard, frame)
    heard[..., 0] = frame[..., 0]
    low = np.empty((counts.pains, groups.size))
    for block in blocks(heard, fit.posterior, groups):
        low[:, block.at] = block.shares.mean(axis=0)
    group = groups.place(*(each.ravel() for each in np.indices(frame.shape[:2])))
    inside = group >= 0
    unheard = (frame - heard).sum(axis=-1).reshape(counts.pains, -1)[:, inside]
    return low, low + np.stack([sums_by(group[inside], each, groups.size) for each in unheard]) / groups.customers


def offsets(fit: PainPointFit, level: float) -> Columns:
    """δ by pain and response group, and by how much what was heard has narrowed it."""
    drawn, groups = fit.posterior.selection[:, :, 1:], np.array(fit.table.frame.response_groups[1:], object)
    low, high = central_interval(drawn, level) if len(groups) else (drawn.mean(axis=0),) * 2
    prior = fit.priors.selection_mean_scale**2 + fit.priors.selection_scale**2
    return {
        "pain_point": np.repeat(fit.table.pains, groups.size), "response_group": np.tile(groups, fit.table.pains.size),
        "offset": drawn.mean(axis=0).ravel(), "std_error": drawn.std(axis=0).ravel(), "conf_low": low.ravel(), "conf_high": high.ravel(),
        "contraction": 1.0 - drawn.var(axis=0).ravel() / prior,
    }


def source_conflict(fit: PainPointFit, groups: Groups) -> Columns:
    """Prevalence with each source left out in turn, and how far that is beyond what less data explain (Hausman).

    z is taken in logits: the spread of a share grows with the share itself, so that more data may well widen it.
    """
    every = fit.shares(groups)
    less = list(_left_out(fit))
    if not less:
        raise InputError(
            f"No source can be left out: without any of {shown(dict.fromkeys(fit.table.source_names))} some pain point has no data.",
            code="no_source_to_leave_out", argument="source", levels=list(dict.fromkeys(fit.table.source_names)),
        )
    rows = []
    for name, rest in less:
        drawn = fit.refitted(rest).shares(groups)
        logit, full = special.logit(drawn), special.logit(every)
        lost = np.maximum(logit.var(axis=0) - full.var(axis=0), _LEAST * logit.var(axis=0))
        z = (logit.mean(axis=0) - full.mean(axis=0)) / np.sqrt(lost)
        table = long_form(fit, groups, {
            "estimate": every.mean(axis=0), "without": drawn.mean(axis=0), "difference": drawn.mean(axis=0) - every.mean(axis=0),
            "std_error_without": drawn.std(axis=0), "z": z, "p_value": 2.0 * special.ndtr(-np.abs(z)),
        })  # fmt: skip
        rows.append({"source": np.full(z.size, name, object)} | table)
    return {name: np.concatenate([each[name] for each in rows]) for name in rows[0]}


def _left_out(fit: PainPointFit) -> Iterator[tuple[str, PainPointCounts]]:
    """Counts without each source, where all pains still have some."""
    counts, names = fit.table.counts, np.array(fit.table.source_names, object)
    for name in dict.fromkeys(fit.table.source_names):
        rest = _without(counts, names != name)
        if (np.bincount(rest.pain, minlength=rest.pains) > 0).all():
            yield name, rest
    if counts.drop_off is not None:
        yield DROP_OFF, replace(counts, drop_off=None)


def compare_engines(fit: PainPointFit, by: tuple[str, ...]) -> Columns:
    """Estimates by both engines of the same model, side by side."""
    other: PainEngine = "nuts" if fit.engine == "approximate" else "approximate"
    groups = fit.groups(by)
    found = {each.engine: _moments(each, groups) for each in (fit, fit.refitted(fit.table.counts, other))}
    (quick, quick_error), (sampled, sampled_error) = found["approximate"], found["nuts"]
    return long_form(fit, groups, {
        "approximate_estimate": quick, "approximate_std_error": quick_error, "nuts_estimate": sampled, "nuts_std_error": sampled_error,
        "difference": (quick - sampled) / sampled_error, "ratio": quick_error / sampled_error,
    })


def _moments(fit: PainPointFit, groups: Groups) -> Floats:
    """Means and standard deviations of the draws, (2, K, G), streamed over dealers."""
    found = np.empty((2, fit.table.pains.size, groups.size))
    for block in fit.blocks(groups):
        found[:, :, block.at] = block.shares.mean(axis=0), block.shares.std(axis=0)
    return found


def _without(counts: PainPointCounts, kept: Flags) -> PainPointCounts:
    """The counts of the sources kept."""
    rows = kept[counts.source]
    names = ("pain", "segment", "dealer", "group", "positive", "n", "pattern")
    each: dict[str, Any] = {name: getattr(counts, name)[rows] for name in names}
    renamed = np.cumsum(kept) - 1
    by_source = {name: getattr(counts, name)[kept] for name in ("coder", "mention", "false_mention", "mode_scale")}
    return replace(counts, source=renamed[counts.source[rows]], **each, **by_source)
