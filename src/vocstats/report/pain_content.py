"""Everything a report says of pain points, asked of the result once for all languages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .. import _checks
from ..errors import InputError
from ..plots.pain_frames import Group, group_names, one_group, whole
from ..prevalence.taxonomy import Taxonomy
from ..results import Flags, Floats
from ..workflows.pain_ranking import ranking
from ..workflows.pain_tables import SILENT
from .pain_disclosure import Answers, answers, publishable_pain_points

if TYPE_CHECKING:
    import pandas as pd

    from ..workflows.pain_fit import PainPointFit
    from ..workflows.pain_result import PainPointPrevalence
    from ..workflows.pain_shares import Groups

_MOSTLY = 0.5  # of the variance
NEXT = 100  # follow-ups, answers read again


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RankedPains:
    """A result as it may be shown, and how its pains rank; K pains, G groups.

    Attributes
    ----------
    shown : PainPointPrevalence
        Without figures of small groups.
    heard : Answers
    first, top_three, rank_low, rank_high : Floats (K, G)
        Chance to be the most frequent and among the three most frequent pains, and ends of the interval of the rank; NaN where the group
        is not ranked.
    unranked : tuple of str (G,)
        Why a group's pains are not ranked: "few" answers, "borrowed" (for half of its pains, more of the variance comes from the pools of
        other groups and from priors, those of the unheard aside, than from data); "" where they are.
    assumed : bool array (G,)
        For half of the pains, more of the variance comes from priors than from data.
    """

    shown: PainPointPrevalence
    heard: Answers
    first: Floats
    top_three: Floats
    rank_low: Floats
    rank_high: Floats
    unranked: tuple[str, ...]
    assumed: Flags


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PainPointContent:
    """What a report shows of pain points; see `pain_content`.

    Attributes
    ----------
    everybody : RankedPains
        Of the whole frame (G = 1).
    groups : RankedPains or None
        By the columns of the result; None where it has none.
    place : int or None
        Group of the first screen; None: everybody.
    taxonomy : Taxonomy
    minimum_group : int
    window : str
        Time window of all sources, in the words of the reader.
    response_groups : tuple of str
        Of the frame, the engaged first.
    sensitivity, offsets : DataFrame
        As the result gives them, of everybody.
    conflict, information : DataFrame or None
        None where they were not asked for or cannot be had.
    follow_ups, audits : int
        What `information` was asked about.
    """

    everybody: RankedPains
    groups: RankedPains | None
    place: int | None
    taxonomy: Taxonomy
    minimum_group: int
    window: str
    response_groups: tuple[str, ...]
    sensitivity: pd.DataFrame
    offsets: pd.DataFrame
    conflict: pd.DataFrame | None
    information: pd.DataFrame | None
    follow_ups: int
    audits: int

    @property
    def first(self) -> tuple[RankedPains, int]:
        """What the first screen is about: pains, and the place of the group among theirs."""
        return (self.everybody, 0) if self.place is None or self.groups is None else (self.groups, self.place)

    @property
    def result(self) -> PainPointPrevalence:
        """The result of everybody, as it may be shown."""
        return self.everybody.shown

    @property
    def group_names(self) -> list[str]:
        """What each group is called."""
        return [] if self.groups is None else group_names(self.groups.shown)


def pain_content(
    result: PainPointPrevalence, *, taxonomy: Taxonomy | None = None, group: Group | None = None, minimum_group: int = 5, window: str = "",
    conflict: bool = True,
) -> PainPointContent:
    """What a report says of pain points.

    Parameters
    ----------
    result : PainPointPrevalence
        With its draws; not one read back from JSON.
    taxonomy : Taxonomy, optional
        Labels and definitions of the pain points; None: the eighteen of the package. A key it does not have stands for itself.
    group : {column: level}, optional
        Group of the first screen, such as ``{"model": "M3"}``; None: everybody.
    minimum_group : int
        Figures that rest on fewer answers are blank.
    window : str
        Time window of all sources, such as "in the 12 months to 30 September"; printed with the figures.
    conflict : bool
        Whether to leave each source out in turn; it takes as many further fits as there are sources.

    Returns
    -------
    PainPointContent
        For `write_pain_report`, or as `pain_points` of a `ReportContent`.

    Raises
    ------
    InputError
        `result` holds no draws, or `group` is none of its groups.
    """
    minimum = _checks.whole(minimum_group, "minimum_group", low=1)
    shown = publishable_pain_points(result, minimum)
    place = one_group(shown, group)[1] if group else None
    fit = result.fit
    assert fit is not None
    everybody = whole(result)
    follow_ups = NEXT if SILENT in fit.table.frame.response_groups else 0
    audits = NEXT if fit.table.coders else 0
    return PainPointContent(
        everybody=_ranked(publishable_pain_points(everybody, minimum), fit, minimum),
        groups=_ranked(shown, fit, minimum) if result.by else None, place=place,
        taxonomy=taxonomy or Taxonomy.default(), minimum_group=minimum, window=window, response_groups=fit.table.frame.response_groups,
        sensitivity=everybody.sensitivity(), offsets=everybody.offsets(),
        conflict=_unless("no_source_to_leave_out", everybody.source_conflict) if conflict else None,
        information=everybody.value_of_information(follow_ups=follow_ups, audits=audits) if follow_ups or audits else None,
        follow_ups=follow_ups, audits=audits,
    )


def _ranked(shown: PainPointPrevalence, fit: PainPointFit, minimum: int) -> RankedPains:
    groups = fit.groups(tuple(shown.by))
    heard = answers(fit, groups)
    few = (heard.everybody.max(axis=0) < minimum) | np.isnan(shown.estimate).any(axis=0)
    assumed, borrowed = (
        np.asarray(np.median(part, axis=0) > _MOSTLY) for part in (shown.prior_share, shown.prior_share - shown.from_selection)
    )
    unranked = tuple("few" if blank else "borrowed" if other else "" for blank, other in zip(few.tolist(), borrowed.tolist(), strict=True))
    told = np.array([not why for why in unranked])
    found = ranking(fit, groups, shown.level)
    ranks = {name: np.where(told, np.reshape(found[name], shown.estimate.shape), np.nan) for name in ("top_three", "rank_low", "rank_high")}
    return RankedPains(
        shown=shown, heard=heard, first=np.where(told, _chance_first(fit, groups), np.nan), unranked=unranked, assumed=assumed, **ranks
    )


def _chance_first(fit: PainPointFit, groups: Groups) -> Floats:
    """Chance of each pain to be the most frequent, (K, G)."""
    found = np.empty((fit.table.pains.size, groups.size))
    for block in fit.blocks(groups):
        leader = block.shares.argmax(axis=1)
        found[:, block.at] = (leader == np.arange(len(found))[:, None, None]).mean(axis=1)
    return found


def _unless(code: str, ask: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
    """What a question answers, or None where it is refused by that code."""
    try:
        return ask()
    except InputError as error:
        if error.code != code:
            raise
        return None
