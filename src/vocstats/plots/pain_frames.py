"""What the charts of pain points show, as numbers; drawing is apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError, shown
from ..options import Language
from ..prevalence.taxonomy import Taxonomy
from ..results import Floats, frame
from ..workflows.pain_result import PainPointPrevalence, result_of

if TYPE_CHECKING:
    import pandas as pd

Group = Mapping[str, Any]


def whole(result: PainPointPrevalence) -> PainPointPrevalence:
    """The same estimate of everybody in the frame."""
    if not result.by:
        return result
    if result.fit is None:
        raise InputError(
            "This result holds its groups and, read back from JSON, no draws: what holds for everybody is not known of it. Name a group, "
            "or estimate again.", code="no_draws_of_everybody", argument="result",
        )
    return result_of(result.fit, (), result.level, result.assumptions, result.diagnostics)


def one_group(result: PainPointPrevalence, group: Group | None) -> tuple[PainPointPrevalence, int]:
    """A result and the place of one of its groups; without a group, everybody.

    Raises
    ------
    InputError
        No group of the result has these labels, or several have.
    """
    if not group:
        return whole(result), 0
    unknown = [name for name in group if name not in result.by]
    if unknown:
        raise InputError(
            f"group names the columns {shown(unknown)}; the result is by {shown(result.by) or 'no column: it is of everybody'}.",
            code="group_of_other_columns", argument="group", levels=unknown, known=shown(result.by),
        )
    inside = np.all([np.array([each == level for each in result.by[name].tolist()]) for name, level in group.items()], axis=0)
    if inside.sum() != 1:
        held = "; ".join(f"{name}: {shown(dict.fromkeys(labels.tolist()))}" for name, labels in result.by.items())
        raise InputError(
            f"group must name one group of the result, and {dict(group)} is {int(inside.sum())} of them. Groups are {held}.",
            code="not_one_group", argument="group", levels=[str(level) for level in group.values()], count=int(inside.sum()), held=held,
        )
    return result, int(np.flatnonzero(inside)[0])


def group_names(result: PainPointPrevalence) -> list[str]:
    """What each group is called: its labels, as text."""
    return [" · ".join(map(str, labels)) for labels in zip(*(each.tolist() for each in result.by.values()), strict=True)]


def pain_label(pain: Any, taxonomy: Taxonomy, language: Language) -> str:
    """What a pain point is called; a key the taxonomy does not have stands for itself."""
    return taxonomy.label(pain, language) if pain in taxonomy.keys else str(pain)


def pain_frame(result: PainPointPrevalence, place: int = 0) -> pd.DataFrame:
    """One row per pain of one group, the most frequent first: pain_point, estimate, conf_low, conf_high, apparent, prior_share.

    A pain whose share is not shown has no row.
    """
    columns = ("estimate", "conf_low", "conf_high", "apparent", "prior_share")
    table = frame({"pain_point": result.pain_points} | {name: getattr(result, name)[:, place] for name in columns})
    return table[table["estimate"].notna()].sort_values("estimate", ascending=False, kind="stable").reset_index(drop=True)


def gap_frame(result: PainPointPrevalence, place: int = 0) -> pd.DataFrame:
    """One row per pain of one group, the pain the survey misses most first.

    pain_point, estimate, apparent, silent_gap (estimate less apparent), conf_low, conf_high, prior_share, data_low, data_high: between
    these two lies the part of the interval that comes from data, a share 1 - prior_share of its length, as of its variance.
    """
    table = pain_frame(result, place)
    gap, low, high = (table[name] - table["apparent"] for name in ("estimate", "conf_low", "conf_high"))
    data = (1.0 - table["prior_share"]).clip(0.0, 1.0)
    table = table.assign(
        silent_gap=gap, conf_low=low, conf_high=high, data_low=gap - data * (gap - low), data_high=gap + data * (high - gap)
    )
    return table[table["silent_gap"].notna()].sort_values("silent_gap", ascending=False, kind="stable").reset_index(drop=True)


def heat_frame(result: PainPointPrevalence) -> pd.DataFrame:
    """One row per pain and group, pains by how many customers have them over all groups: pain_point, group, estimate and its limits,
    apparent.

    Raises
    ------
    InputError
        The result is of everybody at once.
    """
    if not result.by:
        raise InputError(
            "The result has no groups, so that there is no map of them. Estimate with by=.", code="no_groups_to_map", argument="result"
        )
    order = np.argsort(-_over_groups(result), kind="stable")
    names = np.array(group_names(result), object)
    columns = ("estimate", "conf_low", "conf_high", "apparent")
    return frame(
        {"pain_point": np.repeat(result.pain_points[order], names.size), "group": np.tile(names, order.size)}
        | {name: getattr(result, name)[order].ravel() for name in columns}
    )


def _over_groups(result: PainPointPrevalence) -> Floats:
    """Share of each pain over the groups shown."""
    known = np.isfinite(result.estimate)
    customers = np.where(known, result.customers, 0.0)
    have = (np.where(known, result.estimate, 0.0) * customers).sum(axis=1)
    return np.asarray(have / np.maximum(customers.sum(axis=1), 1.0))
