"""Pain points counted from rows: by pain, group cell, response group and source, each customer once per source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError, shown
from .outcomes import read_flags
from .pain_cells import RESPONSE_GROUPS, PainFrame, PainTally, pain_frame, tally_answers
from .pain_reports import count_reports
from .registry import as_day
from .reports import by_pain
from .set_aside import SetAside, set_aside_frame

if TYPE_CHECKING:
    import pandas as pd

    from .base import CustomerBase


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CountedPainPoints:
    """What the sources of a base say of pain points, as `estimate_pain_points` reads it.

    Attributes
    ----------
    observations : pandas.DataFrame
        One row per source, pain point and cell with anybody looked at: ``pain_point``, the columns of `groups`, ``response_group``,
        ``source``, ``positive``, ``n`` (customers).
    frame : pandas.DataFrame
        Customers by the columns of `groups` and ``response_group``: ``"engaged"``, ``"silent"``, ``"churned"``, ``"not_invited"`` and
        ``"churned_answered"`` (answered the survey and left since), as far as there are any.
    answers : pandas.DataFrame
        One row per source and pain point: ``source, pain_point, asked`` (customers), ``counted``, ``missing`` (no usable answer).
    set_aside : pandas.DataFrame
        What was left out, and why: ``source, reason, rows, examples``.
    window : (date, date)
        The time all sources speak of.
    groups : tuple of str
        Columns that tell customers apart.
    """

    observations: pd.DataFrame
    frame: pd.DataFrame
    answers: pd.DataFrame
    set_aside: pd.DataFrame
    window: tuple[date, date]
    groups: tuple[str, ...]

    def __repr__(self) -> str:
        pains, missing = self.answers["pain_point"].nunique(), int(self.answers["missing"].sum())
        return (
            f"CountedPainPoints({pains} pain points, {int(self.frame['customers'].sum()):,} customers, {self.window[0]} to "
            f"{self.window[1]}; {missing:,} answers missing)"
        )


def count_pain_points(
    base: CustomerBase, columns: Mapping[str, Any] | Sequence[str], *, groups: Sequence[str], window: Mapping[str, Any] | None,
    missing_codes: Sequence[float],
) -> CountedPainPoints:
    """See `CustomerBase.count_pain_points`."""
    if base._registry.base_weight is not None:
        raise InputError(
            "The base has base_weight=, but pain points are counted without weights. Leave it out, or name what it depends on in groups=.",
            code="weighted_pain_points", argument="base_weight",
        )
    first, last = _window(base, window)
    asked = _asked(base, columns)
    pains = list(dict.fromkeys(pain for named in asked.values() for pain in named))
    frame = pain_frame(base, tuple(dict.fromkeys([groups] if isinstance(groups, str) else groups)))
    labels = frame.labels
    tallies, aside = [], list[SetAside]()
    since = np.datetime64(first, "us")
    for source, named in asked.items():
        table = base._sources[source]
        said, left_out = read_flags(base._listing, table, list(named.values()), missing_codes=missing_codes, since=since)
        tallies.append(tally_answers(frame, source, list(named), said, base._listing.source == table.index))
        aside += left_out
    answers = _answers(tallies)
    for reports in base._reports.values():
        tally, left_out = count_reports(base, reports, frame, pains, since, np.datetime64(last, "us") + np.timedelta64(1, "D"))
        tallies.append(tally)
        aside += left_out
    return CountedPainPoints(
        observations=_observations(labels, tallies), frame=_frame_table(labels, frame), answers=answers, set_aside=set_aside_frame(aside),
        window=(first, last), groups=tuple(labels),
    )


def _window(base: CustomerBase, window: Mapping[str, Any] | None) -> tuple[date, date]:
    given = base.window if window is None else window
    if given is None or not {"from", "to"} <= set(given):
        raise InputError(
            "Say what time the pains are of, the same for all sources: window={'from': day, 'to': day}, here or in from_frames.",
            code="pain_window_needed", argument="window",
        )
    first, last = as_day(given["from"], "window['from']"), as_day(given["to"], "window['to']")
    if first > last:
        raise InputError(
            f"window ends ({last}) before it begins ({first}).", code="window_order", argument="window", first=str(first), last=str(last)
        )
    return first, last


def _asked(base: CustomerBase, columns: Mapping[str, Any] | Sequence[str]) -> dict[str, dict[str, str]]:
    """Column by pain point, by source of answers; the same for all, or given by source."""
    if not isinstance(columns, Mapping) or not columns or any(isinstance(named, str) for named in columns.values()):
        return dict.fromkeys(base._sources, by_pain(columns, "columns"))
    absent = sorted(set(columns) - set(base._sources))
    if absent:
        raise InputError(
            f"columns names {shown(absent)}, but the base has {shown(base._sources)}. Leave it out, or add the source.",
            code="columns_of_absent_source", argument="columns", levels=absent, given=shown(base._sources),
        )
    return {source: by_pain(named, f"columns[{source!r}]") for source, named in columns.items()}


def _observations(labels: Mapping[str, npt.NDArray[Any]], tallies: Sequence[PainTally]) -> pd.DataFrame:
    import pandas as pd

    tables = []
    for tally in tallies:
        pain, cell, group = np.nonzero(tally.n)
        tables.append(
            pd.DataFrame(
                {"pain_point": np.array(tally.pains, object)[pain]}
                | {name: label[cell] for name, label in labels.items()}
                | {"response_group": np.array(RESPONSE_GROUPS, object)[group], "source": tally.source}
                | {"positive": tally.positive[pain, cell, group], "n": tally.n[pain, cell, group]}
            )
        )
    return pd.concat(tables, ignore_index=True)


def _frame_table(labels: Mapping[str, npt.NDArray[Any]], frame: PainFrame) -> pd.DataFrame:
    import pandas as pd

    cell, group = np.nonzero(frame.customers)
    return pd.DataFrame(
        {name: label[cell] for name, label in labels.items()}
        | {"response_group": np.array(RESPONSE_GROUPS, object)[group], "customers": frame.customers[cell, group]}
    )


def _answers(tallies: Sequence[PainTally]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for tally in tallies:
        counted = tally.n.sum(axis=(1, 2))
        rows += [(tally.source, pain, tally.asked, int(n), tally.asked - int(n)) for pain, n in zip(tally.pains, counted, strict=True)]
    return pd.DataFrame(rows, columns=["source", "pain_point", "asked", "counted", "missing"])
