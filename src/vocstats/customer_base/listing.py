"""Those listed by any source: matched to the registry, put in their group, one source for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from .. import texts
from ..errors import InputError, shown
from ..options import Unmatched
from ..tables import Columns
from .names import CHURNED, ENGAGED, EXIT_INTERVIEW, FOLLOW_UP, GROUPS, NOT_CONTACTED, NOT_INVITED, POPULATION, SILENT, SOURCES, SURVEY
from .set_aside import SetAside
from .source import SourceTable

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """Customers of the base whom a source lists, sorted by id; L is their number.

    Attributes
    ----------
    ids : object (L,)
    group, source : intp (L,)
        Index into `GROUPS`; index into `SOURCES` of the source that stands for the customer.
    drawn : bool (L,)
        Listed by the follow-up or the exit interview.
    churned : bool (L,)
    contact : intp (L,)
        Index into `DISPOSITIONS`; `NOT_CONTACTED` without one.
    """

    ids: npt.NDArray[Any]
    group: npt.NDArray[np.intp]
    source: npt.NDArray[np.intp]
    drawn: npt.NDArray[np.bool_]
    churned: npt.NDArray[np.bool_]
    contact: npt.NDArray[np.intp]


class Matched(Protocol):
    """A table whose rows are found in the registry by id."""

    name: str
    argument: str
    id: str
    unmatched: Unmatched


def read_ids(source: SourceTable) -> tuple[Columns, list[SetAside]]:
    """The rows of a source with an id, checked for repetition."""
    rows = source.rows()
    if not rows["id"].size:
        raise InputError(
            f"{source.argument} has no rows{' left after where, selected and answered' if source.filtered else ''}. Leave the source "
            "out, or correct it.",
            code="empty_table", argument=source.argument, table=source.argument,
        )
    rows, aside = with_ids(source, rows)
    source.refuse_values(rows)
    return rows, aside + _repetitions(source, rows)


def with_ids(source: Matched, rows: Columns) -> tuple[Columns, list[SetAside]]:
    """The rows that have an id."""
    aside = []
    missing = np.array([value is None for value in rows["id"]], bool)
    if missing.any():
        if source.unmatched == "fail":
            raise InputError(
                f"{source.argument} has {missing.sum()} rows without {source.id!r}{_at(rows['row'][missing])}. Complete them, or set "
                "them aside with unmatched='set_aside'.",
                code="answers_without_id", argument=source.argument, rows=positions(rows["row"][missing]), count=int(missing.sum()),
            )
        aside.append(SetAside(source.name, "without_id", int(missing.sum())))
        rows = {name: column[~missing] for name, column in rows.items()}
    return rows, aside


def _repetitions(source: SourceTable, rows: Columns) -> list[SetAside]:
    import pandas as pd

    again = pd.Series(rows["id"], dtype=object).duplicated(keep=False).to_numpy()
    if not again.any():
        return []
    ids = sorted(set(rows["id"][again].tolist()))
    if source.repeated == "fail":
        raise InputError(
            f"{len(ids)} customers answered more than once in {source.argument}: ids {shown(ids)}{_at(rows['row'][again])}. "
            "Say which answer counts: repeated='first', 'last' (by date=) or 'mean'.",
            code="repeated_answers", argument=source.argument, rows=positions(rows["row"][again]), levels=ids[:_SHOWN], count=len(ids),
        )
    further = int(again.sum()) - len(ids)
    if source.repeated == "mean":
        return [SetAside(source.name, "averaged", further, tuple(ids[:_SHOWN]))]
    if "date" not in rows:
        raise InputError(
            f"{len(ids)} customers answered more than once in {source.argument}: ids {shown(ids)}. repeated={source.repeated!r} needs "
            "the date of each answer, for a table promises no row order. Name it: Source(..., date=...).",
            code="repeated_needs_date", argument=source.argument, levels=ids[:_SHOWN], repeated=source.repeated,
        )
    return [SetAside(source.name, "repeated", further, tuple(ids[:_SHOWN]))]


def match(
    source: Matched, rows: Columns, known: pd.Index[Any], population: npt.NDArray[Any], hint: Callable[[Sequence[str]], str]
) -> tuple[npt.NDArray[np.intp], list[SetAside]]:
    """Positions, among the registry rows fetched, of a source's customers who belong to the base."""
    import pandas as pd

    ids = pd.unique(rows["id"])
    position = known.get_indexer(pd.Index(ids, dtype=object))
    aside = []
    unknown = sorted(ids[position < 0].tolist())
    if unknown:
        if source.unmatched == "fail":
            at = np.isin(rows["id"].astype(str), np.array(unknown[:_SHOWN], str))
            raise InputError(
                f"{len(unknown)} ids of {source.argument} are not in the registry: "
                f"{shown(unknown)}{_at(rows['row'][at])}.{hint(unknown[:_SHOWN])} "
                "Correct them, or set them aside with unmatched='set_aside'.",
                code="unknown_ids", argument=source.argument, rows=positions(rows["row"][at]), levels=unknown[:_SHOWN], count=len(unknown),
            )
        aside.append(SetAside(source.name, "unmatched", len(unknown), tuple(unknown[:_SHOWN])))
    found = position[position >= 0]
    for code, reason in enumerate(POPULATION):
        outside = found[population[found] == code]
        if code and outside.size:
            aside.append(SetAside(source.name, reason, int(outside.size), tuple(sorted(known[outside].tolist())[:_SHOWN])))
    return found[population[found] == 0].astype(np.intp), aside


def place(
    home: Columns, members: Mapping[str, npt.NDArray[np.intp]], *, precedence: Sequence[str] | None
) -> tuple[Listing, list[SetAside]]:
    """Group and standing source of everybody listed; `members` are positions in `home` by source."""
    ids, size = home["id"], home["id"].size
    standing, aside = _standing(ids, members, precedence)
    churned, uninvited = home["churned"].astype(bool), np.zeros(size, bool)
    contact = np.full(size, NOT_CONTACTED)
    if "contact" in home:
        contact = home["contact"].astype(np.intp)
        uninvited = contact == NOT_CONTACTED
    group = np.where(churned, CHURNED, np.where(standing == SURVEY, ENGAGED, np.where(uninvited, NOT_INVITED, SILENT)))
    _refuse_placement(ids, group, standing, FOLLOW_UP, SILENT)
    _refuse_placement(ids, group, standing, EXIT_INTERVIEW, CHURNED)
    kept = np.flatnonzero(standing >= 0)
    kept = kept[np.argsort(ids[kept], kind="stable")] if size else kept
    listing = Listing(
        ids[kept], group[kept].astype(np.intp), standing[kept], standing[kept] != SURVEY, churned[kept], contact[kept]
    )
    return listing, aside


def _standing(
    ids: npt.NDArray[Any], members: Mapping[str, npt.NDArray[np.intp]], precedence: Sequence[str] | None
) -> tuple[npt.NDArray[np.intp], list[SetAside]]:
    """The source that stands for each customer: the first in `precedence` that lists him."""
    order = [name for name in (precedence or SOURCES) if name in members]
    standing = np.full(ids.size, -1, np.intp)
    aside = []
    for name in order:
        mine = members[name]
        taken = mine[standing[mine] >= 0]
        if taken.size:
            examples = sorted(ids[taken].tolist())
            if precedence is None:
                others = sorted({SOURCES[k] for k in standing[taken]})
                raise InputError(
                    f"{taken.size} customers are in {' and '.join(map(repr, others))} and in {name!r}: ids {shown(examples)}. "
                    f"Say whose answer stands, for example precedence=({others[0]!r}, {name!r}), or remove the other rows.",
                    code="two_sources", argument="precedence", levels=examples[:_SHOWN], count=int(taken.size),
                    first="、".join(others), second=name,
                )
            aside.append(SetAside(name, "lower_precedence", int(taken.size), tuple(examples[:_SHOWN])))
        standing[mine[standing[mine] < 0]] = SOURCES.index(name)
    return standing, aside


def _refuse_placement(ids: npt.NDArray[Any], group: npt.NDArray[Any], standing: npt.NDArray[Any], source: int, expected: int) -> None:
    wrong = np.flatnonzero((standing == source) & (group != expected))
    if not wrong.size:
        return
    examples = sorted(ids[wrong].tolist())
    there = [f"group_{GROUPS[k]}" for k in np.unique(group[wrong])]
    follow_up = source == FOLLOW_UP
    remedy = (
        "A follow-up is drawn from the silent: active, invited, without an answer. Correct the status or contact data, or take those "
        "rows out"
        + ("; answers of customers who have left belong in answers['exit_interview']." if CHURNED in group[wrong] else ".")
        if follow_up
        else "Exit interviews are held with those who left. Correct the churn status or the reference date, or take those rows out."
    )
    raise InputError(
        f"{wrong.size} customers in answers[{SOURCES[source]!r}] are not {GROUPS[expected]} but "
        f"{' or '.join(texts.render(f'term.{name}', 'en') for name in there)}: ids "
        f"{shown(examples)}. {remedy}",
        code="follow_up_not_silent" if follow_up else "exit_interview_not_churned",
        argument=f"answers[{SOURCES[source]!r}]", levels=examples[:_SHOWN], count=int(wrong.size),
        groups="、".join(texts.render(f"term.{name}", "zh") for name in there),
    )


def positions(rows: npt.NDArray[Any]) -> list[int]:
    """Row positions that are known, the first few."""
    return sorted(rows[rows >= 0].tolist())[: 2 * _SHOWN]


def _at(rows: npt.NDArray[Any]) -> str:
    known = np.sort(rows[rows >= 0])
    return f", at rows {shown(known.tolist())}" if known.size else ""
