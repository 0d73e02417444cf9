"""One source of answers: which of its rows count, and what they say, one row for each customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from difflib import get_close_matches
from functools import reduce
from operator import and_
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .._checks import choice
from ..errors import InputError, shown
from ..options import Repeated, Unmatched
from ..tables import Columns, Expression, InputTable
from .names import SOURCES

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]
Issued = Literal["listed", "respondents"]


@dataclass(frozen=True, eq=False)
class Source:
    """A table of answers and what its columns mean.

    Parameters
    ----------
    frame : dataframe
        pandas, Polars (eager or lazy) or PyArrow table, or DuckDB relation; one row for each customer asked.
    id : str, optional
        Column of customer ids, where it differs from the registry's.
    selected : str, optional
        Column of true/false or 1/0: drawn for the follow-up or exit interview, answered or not. Other rows are ignored.
    contact : str or mapping, optional
        Survey only. A column of this frame with the standard outcomes "complete", "refusal", "noncontact", "bad_number",
        "ineligible"; or ``{"frame":, "id":, "outcome":, "codes": {"complete": [...], ...}, "attempts":}`` for a table of
        its own. A registry row without contact outcome was never invited.
    attempt : str, optional
        Column with the number of attempts made; positive whole numbers.
    selection_probability : str, optional
        Column with the probability, in (0, 1], with which each drawn customer was drawn.
    date : str, optional
        Column with the date of the answer; needed for ``repeated="first"`` and ``"last"``.
    where : mapping, optional
        ``{column: value or list of values}``: the rows to keep.
    answered : str, optional
        Column whose missing value means that the row did not answer: an export of everyone invited with the score empty
        for the silent. Such a row of the survey is no answer; in the follow-up and the exit interviews it was asked and not heard.
    issued : {"listed", "respondents"}
        "listed": every row was drawn and asked, and a missing outcome is a refusal. "respondents": only those who answered
        are listed, so how many were asked is unknown.
    outcome_frame : dataframe, optional
        Another table, with the registry's (or this source's) id column and the outcome, read for the customers of this source only.
    repeated, unmatched : str, optional
        As in `CustomerBase.from_frames`, for this source alone.
    """

    frame: Any
    _: KW_ONLY
    id: str | None = None
    selected: str | None = None
    contact: str | Mapping[str, Any] | None = None
    attempt: str | None = None
    selection_probability: str | None = None
    date: str | None = None
    where: Mapping[str, Any] | None = None
    answered: str | None = None
    issued: Issued = "listed"
    outcome_frame: Any = None
    repeated: Repeated | None = None
    unmatched: Unmatched | None = None


class SourceTable:
    """A `Source` bound to its name and the base's defaults, ready to be read."""

    def __init__(self, name: str, source: Source, *, id: str, repeated: Repeated, unmatched: Unmatched) -> None:
        self.name, self.source, self.index = name, source, SOURCES.index(name)
        self.argument = f"answers[{name!r}]"
        self.repeated: Repeated = choice(source.repeated or repeated, Repeated, "repeated")
        self.unmatched: Unmatched = choice(source.unmatched or unmatched, Unmatched, "unmatched")
        self.issued: Issued = choice(source.issued, Issued, f"{self.argument}.issued")
        self.id, self._registry_id = source.id or id, id
        self.table = InputTable(source.frame, self.argument)
        self.table.require(self.id, argument="id")
        self._refuse_contradictions()
        self._columns, self._keep = self._what_to_read()
        self._known: Columns | None = None

    @property
    def documented(self) -> bool:
        """Whether the source says whom it drew."""
        return self.source.selected is not None or self.source.selection_probability is not None

    def _refuse_contradictions(self) -> None:
        source = self.source
        if self.issued == "respondents" and source.selected is not None:
            raise InputError(
                f"{self.argument} lists respondents only (issued='respondents') and yet says who was drawn "
                f"(selected={source.selected!r}). Keep one.",
                code="respondents_and_selected", argument=self.argument,
            )
        for name in ("selection_probability", "contact"):
            on_survey = self.name == "survey"
            if getattr(source, name) is not None and on_survey != (name == "contact"):
                remedy = "Give base_weight= for a sampled survey." if on_survey else "Contact outcomes belong to the survey."
                raise InputError(
                    f"{self.argument} cannot have {name}. {remedy}", code="not_for_this_source", argument=self.argument, name=name,
                    remedy_zh="抽样调查请给出 base_weight=。" if on_survey else "联系结果只属于 survey。",
                )

    def _what_to_read(self) -> tuple[dict[str, Expression], Expression | None]:
        table, source = self.table, self.source
        columns = {"id": table.identifier(self.id, argument=self.argument)}
        if source.date is not None:
            columns["date"] = table.moment(source.date, argument=self.argument)
        if source.selection_probability is not None:
            columns["probability"] = table.number(source.selection_probability, argument=self.argument)
        if source.attempt is not None:
            columns["attempt"] = table.number(source.attempt, argument=self.argument)
        conditions = [] if source.where is None else [table.where(source.where, argument=f"{self.argument}.where")]
        if source.selected is not None:
            conditions.append(table.flag(source.selected, self.id, argument=self.argument))
        if source.answered is not None:
            said = table.presence(source.answered, argument=self.argument)
            if self.name == "survey":
                conditions.append(said)
            else:  # drawn and asked, whether or not he answered
                columns["said"] = said
        return columns, reduce(and_, conditions) if conditions else None

    @property
    def filtered(self) -> bool:
        """Whether rows of the frame may not count."""
        return self._keep is not None

    def rows(self, outcomes: Sequence[str] = ()) -> Columns:
        """The rows that count: row (position, -1 without order), id, date, probability, attempt, y0, y1, ... of `outcomes`."""
        here = {} if self.source.outcome_frame is not None else dict(enumerate(outcomes))
        wanted = {f"y{k}": self.table.number(column, argument="outcome") for k, column in here.items()}
        if self._known is None:  # an engine that promises no order is asked for everything together each time
            rows = self.table.view(self._columns | wanted, self._keep, position="row").rows()
            if "date" in rows:
                rows["date"] = self.table.moments(str(self.source.date), rows["date"])
            self._known = None if self.table.lazy else dict(rows)
        else:
            rows = self._known | (self.table.view(wanted, self._keep).rows() if wanted else {})
        if self.source.outcome_frame is not None and outcomes:
            rows |= self._elsewhere(rows["id"], outcomes)
        if "said" in rows:
            rows |= {f"y{k}": np.where(rows["said"], rows[f"y{k}"], np.nan) for k in range(len(outcomes))}
        return rows

    def _elsewhere(self, ids: npt.NDArray[Any], outcomes: Sequence[str]) -> Columns:
        """The outcomes of the customers listed here, from `outcome_frame`."""
        import pandas as pd

        name = f"{self.argument}.outcome_frame"
        table = InputTable(self.source.outcome_frame, name)
        key = self._registry_id if self._registry_id in table.schema else self.id
        wanted = {"id": table.identifier(key, argument=name)}
        wanted |= {f"y{k}": table.number(column, argument="outcome") for k, column in enumerate(outcomes)}
        home = table.view(wanted).having("id", pd.unique(ids)).rows()
        known = pd.Index(home["id"], dtype=object)
        if not known.is_unique:
            again = sorted(set(known[known.duplicated()].tolist()))
            raise InputError(
                f"{len(again)} ids stand more than once in column {key!r} of {name}: {shown(again)}. One row for each customer is "
                "expected.",
                code="duplicate_outcomes", argument=name, levels=again[:5], count=len(again),
            )
        position = known.get_indexer(pd.Index(ids, dtype=object))
        return {column: np.where(position < 0, np.nan, home[column][position]) for column in wanted if column != "id"}

    def refuse_values(self, rows: Columns) -> None:
        """Raise unless selection probabilities lie in (0, 1] and attempts are positive whole numbers."""
        for key, column, expected in (
            ("probability", self.source.selection_probability, "a probability above 0 and at most 1"),
            ("attempt", self.source.attempt, "a positive whole number"),
        ):
            if key not in rows:
                continue
            values = rows[key]
            usable = (values > 0) & (values <= 1) if key == "probability" else (values >= 1) & (values == np.floor(values))
            if not usable.all():
                wrong = np.flatnonzero(~usable)
                raise InputError(
                    f"Column {column!r} of {self.argument} must hold {expected} in every row; it does not for {wrong.size} ids: "
                    f"{shown(rows['id'][wrong])} (values {shown(values[wrong])}). Correct them, or leave those rows out.",
                    code=f"unusable_{key}", argument=column, rows=[row for row in rows["row"][wrong] if row >= 0],
                    levels=rows["id"][wrong][:5], count=int(wrong.size), table=self.argument, sample=shown(values[wrong]),
                )


def bind(answers: Mapping[str, Any], *, id: str, repeated: Repeated, unmatched: Unmatched) -> dict[str, SourceTable]:
    """The sources of a base in the order of `SOURCES`; a survey must be among them."""
    unknown = sorted(set(answers) - set(SOURCES))
    if unknown or "survey" not in answers:
        near = get_close_matches(unknown[0], SOURCES, n=1) if unknown else []
        raise InputError(
            f"answers must have 'survey' and may have 'follow_up' and 'exit_interview'; got {shown(answers)}."
            + (f" Did you mean {near[0]!r}?" if near else ""),
            code="answer_sources", argument="answers", levels=unknown, got=shown(answers),
        )
    given = {name: answers[name] if isinstance(answers[name], Source) else Source(answers[name]) for name in SOURCES if name in answers}
    return {name: SourceTable(name, source, id=id, repeated=repeated, unmatched=unmatched) for name, source in given.items()}
