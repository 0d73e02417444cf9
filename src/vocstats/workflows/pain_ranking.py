"""Which pains most customers have, which the survey misses most, and how groups differ: all from the same draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._numerics import central_interval
from ..errors import InputError, shown
from ..results import Floats
from .pain_fit import PainPointFit, apparent
from .pain_shares import Groups, groups_of

Columns = dict[str, Any]
_TOP = 3


def long_form(fit: PainPointFit, groups: Groups, columns: Mapping[str, Floats]) -> Columns:
    """Arrays (K, G) as columns, one row per pain and group."""
    return long_columns(fit.table.pains, groups.labels, columns)


def long_columns(pains: Any, labels: Mapping[str, Any], columns: Mapping[str, Floats]) -> Columns:
    """Arrays (K, G) as columns beside the labels of pains and groups."""
    size = next(iter(columns.values())).shape[1]
    named = {"pain_point": np.repeat(pains, size)} | {name: np.tile(values, len(pains)) for name, values in labels.items()}
    return named | {name: values.ravel() for name, values in columns.items()}


def ranking(fit: PainPointFit, groups: Groups, level: float) -> Columns:
    """Ranks by the share of customers who have the pain, the most frequent first."""
    shape = (fit.table.pains.size, groups.size)
    found = {name: np.empty(shape) for name in ("estimate", "top_three", "expected_rank", "rank_low", "rank_high")}
    for block in fit.blocks(groups):
        rank = 1.0 + np.argsort(np.argsort(-block.shares, axis=1, kind="stable"), axis=1, kind="stable")
        low, high = central_interval(rank, level, method="inverted_cdf")
        parts = (block.shares.mean(axis=0), (rank <= _TOP).mean(axis=0), rank.mean(axis=0), low, high)
        for values, part in zip(found.values(), parts, strict=True):
            values[:, block.at] = part
    return long_form(fit, groups, found)


def silent_gap(fit: PainPointFit, groups: Groups, level: float) -> Columns:
    """True less apparent share; the apparent one is a figure as it stands, so the interval is that of the true one."""
    shape = (fit.table.pains.size, groups.size)
    found = {name: np.empty(shape) for name in ("estimate", "apparent", "silent_gap", "conf_low", "conf_high", "chance_missed")}
    found["apparent"][:] = apparent(fit.table, groups)
    for block in fit.blocks(groups):
        gap = block.shares - found["apparent"][:, block.at]
        found["estimate"][:, block.at] = block.shares.mean(axis=0)
        found["silent_gap"][:, block.at] = gap.mean(axis=0)
        found["conf_low"][:, block.at], found["conf_high"][:, block.at] = central_interval(gap, level)
        found["chance_missed"][:, block.at] = np.where(np.isnan(gap).any(axis=0), np.nan, (gap > 0.0).mean(axis=0))
    return long_form(fit, groups, found)


def contrast(fit: PainPointFit, a: Mapping[str, Any], b: Mapping[str, Any], other: PainPointFit | None, level: float) -> Columns:
    """Θ of `a` less Θ of `b`, by pain; with `other`, `b` is looked up there, and draws of the two are independent."""
    against = fit if other is None else other
    if not np.array_equal(against.table.pains, fit.table.pains):
        raise InputError(
            f"other has the pain points {shown(against.table.pains)}, this result {shown(fit.table.pains)}. Estimate both with the same.",
            code="other_pains", argument="other", levels=against.table.pains.tolist(),
        )
    with_dealer = other is None and any(fit.table.frame.columns.dealer in where for where in (a, b))
    left, right = draws_where(fit, a, "a", dealers=with_dealer), draws_where(against, b, "b", dealers=with_dealer)
    if other is not None:
        size = min(len(left), len(right))
        right = np.random.default_rng(fit.seed).permutation(right)[:size]
        left = left[:size]
    difference = left - right
    low, high = central_interval(difference, level)
    return {
        "pain_point": fit.table.pains, "a": left.mean(axis=0), "b": right.mean(axis=0), "difference": difference.mean(axis=0),
        "std_error": difference.std(axis=0), "conf_low": low, "conf_high": high, "chance_larger": (difference > 0.0).mean(axis=0),
    }


def draws_where(fit: PainPointFit, where: Mapping[str, Any], argument: str, *, dealers: bool) -> Floats:
    """Draws of the customers whose groups are as said, (B, K); of the draws of dealers where these are asked for."""
    groups = groups_of(fit.table, tuple(where))
    chosen = np.all([labels == where[name] for name, labels in groups.labels.items()], axis=0) if where else np.ones(1, bool)
    if not np.any(chosen):
        raise InputError(
            f"{argument} asks for {dict(where)}, and the frame has no such customers; columns hold "
            f"{'; '.join(f'{name}: {shown(np.unique(labels))}' for name, labels in groups.labels.items())}.",
            code="no_such_group", argument=argument, levels=[str(each) for each in where.values()], asked=str(dict(where)),
        )
    place = int(np.flatnonzero(chosen)[0])
    kept = Groups(
        labels={}, segments=groups.segments, of=groups.of[[place]], dealer=groups.dealer[[place]], customers=groups.customers[[place]]
    )
    drawn = next(fit.blocks(kept)).shares[:, :, 0]
    return drawn[fit.posterior.dealer_draw] if dealers and not groups.by_dealer else drawn
