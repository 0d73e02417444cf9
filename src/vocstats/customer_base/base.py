"""The base itself: a registry and its answers, checked once, ready to be collapsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from .._checks import choice, numbers, vector
from ..errors import InputError, shown
from ..options import Repeated, Unmatched
from ..tables import Columns, NearTable, Table, either
from .cells import Cells
from .collapsing import collapse
from .contact import Contact, rates
from .listing import Listing, match, place, read_ids
from .names import DISPOSITIONS, NOT_CONTACTED, POPULATION, SOURCES
from .outcomes import Heard, index_items, read_outcomes
from .pain_points import CountedPainPoints, count_pain_points
from .registry import Registry
from .reporting import contacts_by_group, fieldwork, find, group_table
from .reports import ReportTable, bind_reports
from .set_aside import Finding, SetAside, set_aside_frame
from .source import SourceTable, bind

if TYPE_CHECKING:
    import pandas as pd

Unit = Literal["customer", "visit"]


class CustomerBase:
    """A registry and the answers of those of it who were heard. Build one with `from_frames`.

    Attributes
    ----------
    n : int
        Customers in the base (in `where` and in the window).
    unit : str
        What one row of the registry is.
    dealer : str or None
        The registry's column of dealers.
    reference_date : date or None
        The day at which status was taken, where dates decide it.
    window : dict or None
        Columns ``joined`` and ``left`` (None where not given) and days ``from`` and ``to``: who counts.
    """

    def __init__(
        self,
        registry: Registry,
        sources: Mapping[str, SourceTable],
        contact: Contact | None,
        *,
        reports: Mapping[str, ReportTable],
        unit: Unit,
        dealer: str | None,
        precedence: Sequence[str] | None,
        missing_codes: Sequence[float],
    ) -> None:
        self._registry, self._sources, self._contact, self._reports = registry, dict(sources), contact, reports
        self._missing_codes = numbers(missing_codes, "missing_codes")
        self.unit, self.dealer, self.reference_date, self.window = unit, dealer, registry.reference_date, registry.window
        self._set_aside: list[SetAside] = []
        self._contact_key = [] if contact is None else ["contact"]
        self._core = registry.core if contact is None else self._view([]).near()
        self._counted = self._count()
        self.n = int(self._counted["count"][self._counted["population"] == 0].sum())
        self._listing = self._list(precedence)

    def _view(self, columns: Sequence[str], *, design: bool = False) -> Table:
        """The registry's view, with the contact outcome of everybody as ``contact`` and ``invited`` where such data are given."""
        view = self._registry.view(columns, design=design)
        if self._contact is not None:
            joined = view.joined(self._contact.view(), ["id"])
            contact = joined.get("contact")
            view = joined.extended({"contact": contact.fill_null(NOT_CONTACTED), "invited": either([(0, contact.is_null())], 1)})
        return view

    def _counted_view(self, columns: Sequence[str], *, design: bool = False) -> Table | NearTable:
        """The same to be counted: what is at home already is not fetched again."""
        if not isinstance(self._core, NearTable):
            return self._view(columns, design=design)
        return self._core.extended(self._registry.view(columns, design=design, status=False).rows()) if columns or design else self._core

    def _count(self) -> Columns:
        counted = self._core.count_by(["population", "churned", *self._contact_key])
        for code, reason in enumerate(POPULATION):
            rows = int(counted["count"][counted["population"] == code].sum())
            if code and rows:
                self._set_aside.append(SetAside("registry", reason, rows))
            elif not code and not rows:
                raise InputError(
                    "No row of the registry is left after where= and window=.", code="empty_table", argument="registry", table="registry"
                )
        if self._contact is not None:
            self._set_aside += self._contact.unmatched(int(counted["count"][counted["contact"] >= 0].sum()), self._registry)
        return counted

    def _list(self, precedence: Sequence[str] | None) -> Listing:
        import pandas as pd

        precedence = (precedence,) if isinstance(precedence, str) else precedence
        if precedence is not None and (set(precedence) - set(SOURCES) or set(self._sources) - set(precedence)):
            raise InputError(
                f"precedence must name every source given ({shown(self._sources)}), most trusted first; got {shown(precedence)}.",
                code="precedence_names", argument="precedence", levels=list(precedence), given=shown(self._sources),
            )
        read = {name: read_ids(source) for name, source in self._sources.items()}
        wanted = pd.unique(np.concatenate([rows["id"] for rows, _ in read.values()]))
        home = self._core.having("id", wanted).rows()
        known = pd.Index(home["id"], dtype=object)
        members = {}
        for name, source in self._sources.items():
            members[name], aside = match(source, read[name][0], known, home["population"], self._registry.near_ids)
            self._set_aside += [*read[name][1], *aside]
        listing, aside = place(home, members, precedence=precedence)
        self._set_aside += aside
        return listing

    @classmethod
    def from_frames(
        cls,
        registry: Any,
        *,
        id: str,
        churned: str | Mapping[str, Any] | None,
        answers: Mapping[str, Any],
        reports: Mapping[str, Any] | None = None,
        reference_date: date | str | None = None,
        window: Mapping[str, Any] | None = None,
        dealer: str | None = None,
        stratum: str | None = None,
        cluster: str | Sequence[str] | None = None,
        base_weight: str | None = None,
        unit: Unit = "customer",
        repeated: Repeated = "fail",
        unmatched: Unmatched = "fail",
        missing: str | Mapping[str, str] = "fail",
        missing_codes: Sequence[float] = (),
        bands: Mapping[str, Mapping[str, Any]] | None = None,
        precedence: Sequence[str] | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> CustomerBase:
        """Build a base from tables: pandas, Polars (eager or lazy), PyArrow, DuckDB relations, in any mixture.

        Tables are joined by id, as text, never by row order. Each query reads only the columns it needs.

        Parameters
        ----------
        registry : dataframe
            One row for each customer (or visit, with ``unit="visit"``).
        id : str
            Column of ids, in the registry and, unless a `Source` says otherwise, in the answers. Whole numbers and text match if
            their text is equal.
        churned : str, mapping or None
            Who has left: a column of true/false or 1/0; a column of dates (gone when the date is not after `reference_date`);
            ``{"column":, "before": day}``; ``{"column":, "is": [levels]}``; None where nobody has.
        answers : mapping
            ``{"survey":, "follow_up":, "exit_interview":}``, each a dataframe or a `Source`.
        reports : mapping, optional
            ``{name: Reports(...)}``: tickets, notes of staff, comments; only `count_pain_points` reads them.
        reference_date : date or str, optional
            Day at which status is taken; the window's end where not given.
        window : mapping, optional
            ``{"joined": column, "left": column, "from": day, "to": day}``: a customer counts if he was one at any time in it.
        dealer : str, optional
            Column of dealers.
        stratum, cluster, base_weight : str, optional
            Design of a sampled survey: columns of the registry. `cluster` may be a list, one column for each stage.
        unit : {"customer", "visit"}
            What one row of the registry is.
        repeated : {"fail", "first", "last", "mean"}
            Which answer of a customer with several in one source counts; "first" and "last" go by the source's date.
        unmatched : {"fail", "set_aside"}
            Answers from ids that are not in the registry.
        missing : {"fail", "level"} or mapping
            Missing auxiliaries: refused; a level "missing"; or ``{column: name of its level}``, other columns refused.
        missing_codes : sequence of float
            Outcome values that mean "no answer".
        bands : mapping, optional
            ``{name: {"from": column, "upper": [...], "labels": [...]}}``: auxiliaries made of a number; value <= upper.
        precedence : sequence of str, optional
            Sources, most trusted first, for a customer in more than one; refused without it.
        where : mapping, optional
            ``{column: value or list of values}``: the rows of the registry to keep.

        Returns
        -------
        CustomerBase

        Raises
        ------
        InputError
            Something in the tables is not usable; the message names column, rows or ids, and the remedy.
        """
        choice(unit, Unit, "unit")
        sources = bind(answers, id=id, repeated=repeated, unmatched=unmatched)
        table = Registry(
            registry, id=id, churned=churned, reference_date=reference_date, window=window, where=where, base_weight=base_weight,
            stratum=stratum, cluster=cluster, bands=bands, missing=missing,
        )
        if dealer is not None:
            table.table.require(dealer, argument="dealer")
        contact = Contact.of(sources["survey"]) if sources["survey"].source.contact is not None else None
        return cls(
            table, sources, contact, reports=bind_reports(reports, id=id), unit=unit, dealer=dealer, precedence=precedence,
            missing_codes=missing_codes,
        )

    def band_source(self, name: str) -> str:
        """The column of the registry an auxiliary is made of: that of a band, else itself."""
        band = self._registry.bands.get(name)
        return name if band is None else band.column

    @property
    def set_aside(self) -> pd.DataFrame:
        """What was left out, and why: source, reason (a code), rows, examples."""
        return set_aside_frame(self._set_aside)

    def cells(
        self,
        columns: Sequence[str] = (),
        *,
        outcome: str | None = None,
        items: Mapping[str, float] | None = None,
        scale: tuple[float, float] | None = None,
        attempts: bool = False,
    ) -> Cells:
        """The base collapsed to distinct cells, in an order that does not depend on the engine.

        Parameters
        ----------
        columns : sequence of str
            Auxiliaries: columns of the registry, or names of `bands`.
        outcome : str, optional
            Column of the answers (or of their `outcome_frame`) with the score. Without it nobody is heard.
        items : mapping, optional
            ``{column: weight}``, weights summing to 1: the outcome is their weighted mean, missing where any is.
        scale : tuple of float, optional
            Lowest and highest possible answer; others are refused.
        attempts : bool
            Tell survey answers apart by the attempt at which they came, which the source or its contact data must say.

        Returns
        -------
        Cells

        Raises
        ------
        InputError
            An auxiliary is missing or has too many levels, an answer is not usable, or no attempts are known.
        """
        heard = self._heard(outcome, items, scale, attempts=attempts)
        names = tuple(dict.fromkeys(columns))
        return collapse(
            self._registry, self._counted_view(names, design=True), self._listing, heard, names, contacts=self._contact is not None,
            documented={name: name in self._sources and self._sources[name].documented for name in SOURCES},
            issued={name: self._sources[name].issued if name in self._sources else None for name in SOURCES},
        )

    @property
    def knows_attempts(self) -> bool:
        """Whether the survey, or its contact data, say at which attempt an answer came."""
        return self._sources["survey"].source.attempt is not None or (self._contact is not None and self._contact.counts_attempts)

    def _heard(
        self, outcome: str | None, items: Mapping[str, float] | None, scale: tuple[float, float] | None, *, attempts: bool = False
    ) -> Heard:
        if attempts and not self.knows_attempts:
            raise InputError(
                "Nothing says at which attempt a survey answer came. Name the column: Source(..., attempt=) or contact={'attempts': ...}.",
                code="no_attempts", argument="answers",
            )
        columns, weights = index_items(outcome, items)
        heard = read_outcomes(
            self._listing, self._sources, columns, weights, scale=scale, missing_codes=self._missing_codes, attempts=attempts
        )
        if attempts and self._sources["survey"].source.attempt is None and self._contact is not None:
            heard = replace(heard, attempt=self._contact.attempts_of(self._listing, heard.outcome))
        return heard

    def spread(self, values: npt.ArrayLike, cells: Cells, *, name: str = "value") -> Any:
        """A value of each cell given to every customer in it: weights back to rows, for example.

        Parameters
        ----------
        values : float (C,)
            One for each cell.
        cells : Cells
            What `cells` of this base returned.
        name : str
            Name of the new column.

        Returns
        -------
        dataframe
            Two columns, the id (as text, under the registry's name) and the value, of the registry's kind: a lazy frame stays lazy.
        """
        if cells.origin is None:
            raise InputError(
                "These cells were not made by CustomerBase.cells, so no customer can be found for them.",
                code="foreign_cells", argument="cells",
            )
        given, origin = vector(values, "values", length=len(cells), missing=True, infinite=True), cells.origin
        view = self._view(tuple(cells.columns), design=True)
        view = view.view({column: view.get(column) for column in ("id", *origin.keys)}, view.get("population") == 0)
        found = view.looked_up(origin.keys, np.append(given, np.nan)[origin.key_cell], "unlisted")
        own = {"id": origin.ids, "own": given[origin.id_cell], "is_listed": np.ones(origin.ids.size, np.int64)}
        found = found.joined(view.like(own), ["id"])
        value = either([(found.get("own"), ~found.get("is_listed").is_null())], found.get("unlisted"))
        return found.view({self._registry.id_column: found.get("id"), name: value}).native

    @property
    def groups(self) -> pd.DataFrame:
        """Who is in which group and who was heard, as far as the tables say it without an outcome; see `group_table`."""
        return self.group_table()

    def group_table(
        self, outcome: str | None = None, *, items: Mapping[str, float] | None = None, scale: tuple[float, float] | None = None
    ) -> pd.DataFrame:
        """One row for each group: customers, their share, who was invited, reached, cooperated, drawn, and heard by each source.

        Without `outcome` an answer counts as heard where its row alone says so: a survey row, a table of respondents, or a
        source with ``answered=``. Figures the tables do not hold are missing: contact figures without contact data, answers of
        a follow-up before the outcome is named.

        Parameters
        ----------
        outcome, items, scale
            As in `cells`.

        Returns
        -------
        pandas.DataFrame
            ``group, customers, share, invited, reached, cooperated, drawn, heard_survey, heard_follow_up,
            heard_exit_interview, heard, item_nonresponse``.
        """
        return group_table(self, outcome, items, scale)

    @property
    def response_rates(self) -> dict[str, float]:
        """AAPOR response rates 1, 3, 5, contact rate and cooperation rate of the survey; NaN without contact data.

        RR3 counts the share e of those of unknown eligibility, e being that among the others (proportional, CASRO rule). All
        customers invited count, those too who have left since. See `customer_base.contact.rates` for the formulas.
        """
        return rates(contacts_by_group(self).sum(axis=0)[1:] if self._contact is not None else np.zeros(len(DISPOSITIONS), np.int64))

    def fieldwork(self, by: str) -> pd.DataFrame:
        """Customers, and those invited, reached, cooperating and answering the survey, by level of a column of the registry.

        Parameters
        ----------
        by : str
            Column of the registry, such as the dealer, or the name of a band.

        Returns
        -------
        pandas.DataFrame
            ``by, customers, invited, reached, cooperated, complete``, one row for each level, sorted; contact figures are missing
            without contact data.
        """
        return fieldwork(self, by)

    def count_pain_points(
        self,
        columns: Mapping[str, Any] | Sequence[str],
        *,
        groups: Sequence[str],
        window: Mapping[str, Any] | None = None,
        missing_codes: Sequence[float] = (),
    ) -> CountedPainPoints:
        """Who has which pain, counted by source, ready for `estimate_pain_points`; each customer counts once for each source.

        An answer of 1 says yes, 0 no; missing ones and missing codes are not counted, and the result tells how many they are.
        Who answered the survey and has left since is the response group ``"churned_answered"``, apart from the others who left:
        the survey heard all of the former, the exit interviews a sample of the latter.

        Parameters
        ----------
        columns : mapping or sequence of str
            Column of 1 and 0 by pain point, ``{pain point: column}``, or columns named as the pain points; the same for every source
            of answers, or ``{source: such columns}``: then only those sources are read.
        groups : sequence of str
            Columns of the registry, or names of `bands`, that tell customers apart, such as the segment and the dealer.
        window : mapping, optional
            ``{"from": day, "to": day}``: the time the pains are of; that of the base where not given. Reports of other days are set
            aside, and so are answers dated before it; later answers look back on it, and the question should say so.
        missing_codes : sequence of float
            Answers that mean "no answer", beside those of the base.

        Returns
        -------
        CountedPainPoints
            Observations and frame as `estimate_pain_points` reads them, missing answers, and what was set aside.

        Raises
        ------
        InputError
            No window is known, a column is absent or holds something else than 1 and 0, a code has no pain point, an id is unknown.
        """
        codes = (*self._missing_codes, *numbers(missing_codes, "missing_codes"))
        return count_pain_points(self, columns, groups=groups, window=window, missing_codes=codes)

    @property
    def findings(self) -> list[Finding]:
        """What a user should know before computing; `Finding.text` puts it in words."""
        return find(self)
