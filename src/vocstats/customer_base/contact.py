"""Contact outcomes of the survey: who was invited, reached, cooperated; AAPOR response rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError, shown
from ..options import Unmatched
from ..tables import InputTable, Table, either
from .listing import Listing
from .names import DISPOSITIONS, NOT_CONTACTED, SURVEY
from .registry import Registry
from .set_aside import SetAside
from .source import SourceTable


class Contact:
    """A table of contact outcomes, one row for each customer invited.

    Parameters
    ----------
    table : Table
    id, outcome : str
        Its columns.
    codes : mapping
        ``{standard outcome: values of the column}``.
    unmatched : {"fail", "set_aside"}
        What to do about ids that are not in the registry.
    """

    def __init__(
        self, table: InputTable, *, id: str, outcome: str, codes: Mapping[str, Any], attempts: str | None, unmatched: Unmatched
    ) -> None:
        self.table, self.id, self.outcome, self._policy = table, id, outcome, unmatched
        argument = f"{table.name}.codes"
        unknown = sorted(set(codes) - set(DISPOSITIONS))
        if unknown or not codes:
            raise InputError(
                f"{argument} must map {shown(DISPOSITIONS, len(DISPOSITIONS))} to values of column {outcome!r}; got {shown(codes)}.",
                code="contact_codes", argument=argument, levels=unknown,
            )
        listed = [value for values in codes.values() for value in ([values] if np.isscalar(values) else values)]
        if twice := sorted({str(value) for value in listed if listed.count(value) > 1}):
            raise InputError(
                f"{argument} gives {shown(twice)} more than one meaning. Name each value of column {outcome!r} once.",
                code="contact_code_twice", argument=argument, levels=twice, column=outcome,
            )
        self._id = table.identifier(id, argument=table.name)
        cases = [(DISPOSITIONS.index(name), table.is_in(outcome, values, argument=argument)) for name, values in codes.items()]
        self._code = either(cases, NOT_CONTACTED)
        self._attempts = attempts
        self._check(attempts)

    @property
    def counts_attempts(self) -> bool:
        """Whether the table says how many attempts were made."""
        return self._attempts is not None

    def attempts_of(self, listing: Listing, outcome: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Attempt at which those listed answered the survey, (L,); NaN for the others.

        Raises
        ------
        InputError
            The number of attempts is missing, or 0, for somebody who answered.
        """
        import pandas as pd

        assert self._attempts is not None
        answered = (listing.source == SURVEY) & ~np.isnan(outcome)
        number = self.table.number(self._attempts, argument=self.table.name)
        rows = self.table.view({"id": self._id, "attempts": number}).having("id", listing.ids[answered]).rows()
        known = pd.Series(rows["attempts"], index=pd.Index(rows["id"], dtype=object), dtype=float)
        made = np.where(answered, known.reindex(listing.ids).to_numpy(), np.nan)
        lacking = np.flatnonzero(answered & ~(made >= 1))
        if lacking.size:
            ids = listing.ids[lacking]
            raise InputError(
                f"{lacking.size} customers answered the survey, but column {self._attempts!r} of {self.table.name} does not say at which "
                f"attempt: ids {shown(ids)}. Complete it.",
                code="attempt_not_known", argument=self._attempts, levels=ids[:5].tolist(), count=int(lacking.size), table=self.table.name,
            )
        return made

    @classmethod
    def of(cls, survey: SourceTable) -> Contact:
        """The contact outcomes a survey was given with."""
        given = survey.source.contact
        if isinstance(given, str):
            survey.table.require(given, argument="contact")
            table = InputTable(survey.source.frame, f"{survey.argument}.contact")
            codes = {name: [name] for name in DISPOSITIONS}
            return cls(table, id=survey.id, outcome=given, codes=codes, attempts=survey.source.attempt, unmatched=survey.unmatched)
        assert given is not None
        unknown = set(given) - {"frame", "id", "outcome", "codes", "attempts"}
        if unknown or not {"frame", "outcome"} <= set(given):
            raise InputError(
                "contact must be a column, or {'frame': table, 'id': column, 'outcome': column, 'codes': {...}, 'attempts': column}; "
                f"got the keys {shown(given)}.", code="contact_keys", argument="contact", levels=sorted(unknown),
            )
        table = InputTable(given["frame"], f"{survey.argument}.contact")
        codes = given.get("codes") or {name: [name] for name in DISPOSITIONS}
        id, attempts = given.get("id") or survey.id, given.get("attempts")
        return cls(table, id=id, outcome=given["outcome"], codes=codes, attempts=attempts, unmatched=survey.unmatched)

    def view(self) -> Table:
        """id and code of the outcome (an index into `DISPOSITIONS`)."""
        return self.table.view({"id": self._id, "contact": self._code})

    def _check(self, attempts: str | None) -> None:
        view = self.view()
        totals = view.key_facts("id") | view.aggregate({"uncoded": (view.get("contact") < 0).sum()})
        self.rows = int(totals["rows"])
        if totals["missing"]:
            rows = view.offenders(view.get("id").is_null(), "id")
            raise InputError(
                f"{rows.count} rows of {self.table.name} have no {self.id!r}. Every contact outcome needs a customer; leave out or "
                "complete those rows.",
                code="missing_ids", argument=self.id, rows=rows.rows, count=rows.count,
            )
        if totals["distinct"] < totals["rows"]:
            rows = view.repeated("id")
            raise InputError(
                f"{rows.count} customers stand more than once in {self.table.name}: ids {rows}. Give each customer's final outcome only.",
                code="repeated_contacts", argument=self.table.name, rows=rows.rows, levels=rows.ids, count=rows.count,
            )
        if totals["uncoded"]:
            values = self.table.view({"outcome": self.table.column(self.outcome), "contact": self._code})
            found = values.view({"outcome": values.get("outcome")}, values.get("contact") < 0).distinct("outcome", 20)
            raise InputError(
                f"{int(totals['uncoded'])} contact outcomes in column {self.outcome!r} of {self.table.name} have no code: "
                f"{shown(found or ['missing'])}. Name them in codes= under one of {shown(DISPOSITIONS, len(DISPOSITIONS))}.",
                code="uncoded_contacts", argument=self.outcome, levels=found, count=int(totals["uncoded"]), table=self.table.name,
            )
        if attempts is not None:
            number = self.table.number(attempts, argument=self.table.name)
            wrong = self.table.view({"id": self._id, "wrong": (number.fill_null(0.0) < 0) | (number.fill_null(0.0) % 1 != 0)})
            if wrong.aggregate({"wrong": wrong.get("wrong").sum()})["wrong"]:
                rows = wrong.offenders(wrong.get("wrong"), "id")
                raise InputError(
                    f"Attempts in column {attempts!r} of {self.table.name} must be whole numbers of 0 or more; they are not for ids "
                    f"{rows}. Correct them.",
                    code="unusable_attempts", argument=attempts, rows=rows.rows, levels=rows.ids, count=rows.count, table=self.table.name,
                )

    def unmatched(self, matched: int, registry: Registry) -> list[SetAside]:
        """Contacts with ids that are not in the registry, refused or counted."""
        if matched == self.rows:
            return []
        view = self.view()
        strangers = view.without(registry.view([]), "id").offenders(view.get("id") == view.get("id"), "id")
        if self._policy == "fail":
            raise InputError(
                f"{strangers.count} ids of {self.table.name} are not in the registry: {shown(strangers.ids, strangers.count)}."
                f"{registry.near_ids(strangers.ids)} Correct them, or set them aside with unmatched='set_aside'.",
                code="unknown_ids", argument=self.table.name, levels=strangers.ids, count=strangers.count,
            )
        return [SetAside("contact", "unmatched", strangers.count, tuple(map(str, strangers.ids)))]


def rates(outcomes: npt.NDArray[np.int64]) -> dict[str, float]:
    """Response, contact and cooperation rates from the number of customers with each contact outcome.

        RR1 = I / (I + R + NC + U)     RR3 = I / (I + R + NC + e U)     RR5 = I / (I + R + NC)
        contact rate CON1 = (I + R) / (I + R + NC + U)     cooperation rate COOP1 = I / (I + R)

    I complete, R refusal (break-offs included), NC noncontact, U of unknown eligibility: the number on file was wrong. The
    ineligible are in no denominator. e, the share of U taken to be eligible, is that among the others (the proportional or
    CASRO rule): e = (I + R + NC) / (I + R + NC + ineligible).

    Parameters
    ----------
    outcomes : int (5,)
        Customers by outcome, in the order of `names.DISPOSITIONS`.

    Returns
    -------
    dict of float
        ``RR1, RR3, RR5, contact_rate, cooperation_rate``; NaN where a denominator is 0.

    References
    ----------
    AAPOR (2023), Standard Definitions, 10th ed., response rates 1, 3 and 5, contact rate 1, cooperation rate 1; e as in
    Council of American Survey Research Organizations (1982).
    """
    complete, refusal, noncontact, unknown, ineligible = (float(count) for count in outcomes)
    known = complete + refusal + noncontact
    e = _share(known, known + ineligible)
    return {
        "RR1": _share(complete, known + unknown),
        "RR3": _share(complete, known + (e * unknown if unknown else 0.0)),
        "RR5": _share(complete, known),
        "contact_rate": _share(complete + refusal, known + unknown),
        "cooperation_rate": _share(complete, complete + refusal),
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
