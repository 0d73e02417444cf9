"""The registry: who belongs to the base, who has left, and what is known of everybody."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError, shown
from ..tables import Expression, InputTable, Offenders, Table, day, either
from .bands import coded_band, read_band
from .cells import Codes, coded_labels
from .times import DayColumn, NumberColumn, coded_times, time_column

_ID, _CHURNED, _POPULATION = "vocstats id", "vocstats churned", "vocstats population"  # computed once beside the caller's columns
_MANY_LEVELS = 10_000
_FEW_LEVELS = 50  # below this no column is taken for a continuous measurement or an id


def as_day(value: Any, argument: str) -> date:
    """`value` as a day, or an error that says how to write one."""
    result = day(value)
    if result is None:
        raise InputError(
            f"{argument} must be a day, written year first (2026-09-30), without timezone; got {value!r}.",
            code="not_a_day", argument=argument, value=repr(value),
        )
    return result


class Registry:
    """A registry's columns as expressions, checked once.

    Parameters are those of `CustomerBase.from_frames`.
    """

    def __init__(
        self,
        frame: Any,
        *,
        id: str,
        churned: str | Mapping[str, Any] | None,
        reference_date: Any,
        window: Mapping[str, Any] | None,
        where: Mapping[str, Any] | None,
        base_weight: str | None,
        stratum: str | None,
        cluster: str | Sequence[str] | None,
        bands: Mapping[str, Mapping[str, Any]] | None,
        missing: str | Mapping[str, str],
    ) -> None:
        self.table = InputTable(frame, "registry")
        self.table.require(id, argument="id")
        self.id_column = id
        self.window = None if window is None else self._checked_window(window)
        self.reference_date = None if reference_date is None else as_day(reference_date, "reference_date")
        core = {_ID: self.table.identifier(id), _CHURNED: self._status(churned), _POPULATION: self._population(where)}
        self.table = self.table.extended(core)
        self.base_weight, self.stratum = base_weight, stratum
        self.cluster = () if cluster is None else (cluster,) if isinstance(cluster, str) else tuple(cluster)
        for argument, column in (("base_weight", base_weight), ("stratum", stratum), *(("cluster", c) for c in self.cluster)):
            if column is not None:
                self.table.require(column, argument=argument)
        self.bands = {name: read_band(name, spec, self.table) for name, spec in (bands or {}).items()}
        self.missing = missing
        if not isinstance(missing, str):
            self.table.require(*(column for column in missing if column not in self.bands), argument="missing")
        elif missing not in ("fail", "level"):
            raise InputError(
                f"missing must be 'fail', 'level' or {{column: name of its level}}; got {missing!r}.",
                code="not_a_choice", argument="missing", value=repr(missing), allowed="'fail', 'level', {column: name}",
            )
        self.core = self.view([]).near()
        self._check()

    # -------------------------------------------------------------- who belongs, who has left
    def _checked_window(self, window: Mapping[str, Any]) -> dict[str, Any]:
        unknown = set(window) - {"joined", "left", "from", "to"}
        if unknown or not {"from", "to"} <= set(window):
            raise InputError(
                f"window must be {{'joined': column, 'left': column, 'from': day, 'to': day}}; got the keys {shown(window)}.",
                code="window_keys", argument="window", levels=list(window),
            )
        first, last = as_day(window["from"], "window['from']"), as_day(window["to"], "window['to']")
        if first > last:
            raise InputError(
                f"window ends ({last}) before it begins ({first}).",
                code="window_order", argument="window", first=str(first), last=str(last),
            )
        for key in ("joined", "left"):
            if window.get(key) is not None:
                self.table.require(window[key], argument=f"window[{key!r}]")
        return {"joined": window.get("joined"), "left": window.get("left"), "from": first, "to": last}

    def _population(self, where: Mapping[str, Any] | None) -> Expression:
        """0 for a row of the base, 1 outside `where`, 2 outside the window."""
        reasons = []
        if where:
            reasons.append((1, ~self.table.where(where)))
        if self.window is not None:
            outside = self.table.nothing
            if self.window["joined"] is not None:
                outside = outside | ~self.table.before(self.window["joined"], self.window["to"] + timedelta(days=1), argument="window")
            if self.window["left"] is not None:
                outside = outside | self.table.before(self.window["left"], self.window["from"], argument="window")
            reasons.append((2, outside))
        return either(reasons, 0)

    def _status(self, churned: str | Mapping[str, Any] | None) -> Expression:
        table = self.table
        if churned is None:
            return table.nothing
        if isinstance(churned, str):
            table.require(churned, argument="churned")
            kind, dated = table.kind(churned), self.reference_date is not None or self.window is not None
            if kind in ("date", "datetime") or (dated and kind in ("text", "empty")):
                return table.before(churned, self._reference() + timedelta(days=1), argument="churned")
            return table.flag(churned, self.id_column, argument="churned")
        keys = set(churned)
        if keys == {"column", "before"}:
            limit = as_day(churned["before"], "churned['before']")
            self.reference_date = self.reference_date or limit - timedelta(days=1)
            return table.before(churned["column"], limit, argument="churned")
        if keys == {"column", "is"}:
            return self._by_levels(churned["column"], churned["is"])
        raise InputError(
            "churned must be a column, {'column': ..., 'before': day} or {'column': ..., 'is': [levels]}; "
            f"got the keys {shown(churned)}.", code="churned_keys", argument="churned", levels=list(churned),
        )

    def _reference(self) -> date:
        if self.reference_date is None and self.window is not None:
            self.reference_date = self.window["to"]
        if self.reference_date is None:
            raise InputError(
                "churned names a column of dates, so reference_date= must say at which day a customer counts as gone.",
                code="reference_date_needed", argument="reference_date",
            )
        return self.reference_date

    def _by_levels(self, column: str, levels: Any) -> Expression:
        status = self.table.is_in(column, levels, argument="churned")
        lacking = self.table.column(column).is_null()
        found = self.table.view({"id": self.table.identifier(self.id_column), "missing": lacking, "churned": status})
        totals = found.aggregate({"missing": found.get("missing").sum(), "churned": found.get("churned").sum()})
        if totals["missing"]:
            rows = found.offenders(found.get("missing"), "id")
            raise InputError(
                f"{rows.count} rows of the registry have no status in column {column!r}: ids {rows}. Fill them, or leave those rows out "
                "with where=.",
                code="missing_status", argument=column, rows=rows.rows, levels=rows.ids, count=rows.count,
            )
        if not totals["churned"]:
            present = self.table.view({"level": self.table.column(column)}).distinct("level", 20)
            raise InputError(
                f"No row of the registry has {shown(np.atleast_1d(np.asarray(levels, object)))} in column {column!r}; it holds "
                f"{shown(present, len(present))}. Correct the level, or give churned=None where nobody has left.",
                code="no_such_level", argument=column, levels=np.atleast_1d(np.asarray(levels, object)),
                present=shown(present, len(present)),
            )
        return status

    # -------------------------------------------------------------- checks, one query
    def _check(self) -> None:
        table = self.table
        view: dict[str, Expression] = {"id": table.get(_ID)}
        if self.base_weight is not None:
            view["weight"] = table.number(self.base_weight, argument="base_weight")
        if self.window is not None and self.window["joined"] is not None:
            view["joined"] = table.presence(self.window["joined"])
        seen = table.view(view)
        wanted = {}
        if "weight" in view:
            wanted["unusable"] = self._unusable(seen).sum()
        if "joined" in view:
            wanted["undated"] = (~seen.get("joined")).sum()
        totals = self.core.key_facts("id") | (seen.aggregate(wanted) if wanted else {})
        if not totals["rows"]:
            raise InputError("The registry has no rows.", code="empty_table", argument="registry", table="registry")
        self._refuse(seen, totals)

    def _unusable(self, seen: Table) -> Expression:
        weight = seen.get("weight")
        return weight.is_null() | (weight.fill_null(0.0) < 0) | (weight.fill_null(0.0) == np.inf)

    def _refuse(self, seen: Table, totals: Mapping[str, float]) -> None:
        if totals["missing"]:
            rows = seen.offenders(seen.get("id").is_null(), "id")
            raise InputError(
                f"{rows.count} rows of the registry have no {self.id_column!r}{_at(rows)}. Every customer needs an id; leave out or "
                "complete those rows.",
                code="missing_ids", argument=self.id_column, rows=rows.rows, count=rows.count,
            )
        if totals["distinct"] < totals["rows"]:
            rows = seen.repeated("id")
            raise InputError(
                f"{rows.count} ids stand more than once in column {self.id_column!r} of the registry: {rows}. One row for each customer "
                "is expected; remove the repetitions, or use the visit number as id with unit='visit'.",
                code="duplicate_ids", argument=self.id_column, rows=rows.rows, levels=rows.ids, count=rows.count,
            )
        if totals.get("unusable"):
            rows = seen.offenders(self._unusable(seen), "id")
            raise InputError(
                f"{rows.count} base weights in column {self.base_weight!r} are negative, infinite or missing, for ids {rows}. Correct "
                "them, or leave those rows out.",
                code="unusable_base_weight", argument=self.base_weight, rows=rows.rows, levels=rows.ids, count=rows.count,
            )
        if totals.get("undated") and self.window is not None:
            rows = seen.offenders(~seen.get("joined"), "id")
            raise InputError(
                f"{rows.count} customers have no date in column {self.window['joined']!r}, so the window cannot place them: ids {rows}. "
                "Fill the dates, or leave those rows out with where=.",
                code="undated", argument=self.window["joined"], rows=rows.rows, levels=rows.ids, count=rows.count,
            )

    # -------------------------------------------------------------- what is known of everybody
    def view(self, columns: Sequence[str], *, design: bool = False, status: bool = True) -> Table:
        """Table of id, population and churned (`status`), the auxiliaries as a0, a1, ... and, with `design`, weight, stratum, s0, ..."""
        table = self.table
        wanted = {}
        if status:
            wanted = {"id": table.get(_ID), "population": table.get(_POPULATION), "churned": table.get(_CHURNED)}
        for k, name in enumerate(columns):
            if isinstance(name, (DayColumn, NumberColumn)):
                wanted[f"a{k}"] = time_column(table, name)
            elif name in self.bands:
                wanted[f"a{k}"] = table.band(self.bands[name].column, self.bands[name].upper, argument=f"bands[{name!r}]")
            else:
                wanted[f"a{k}"] = table.column(name, argument="columns")
        if design:
            if self.base_weight is not None:
                wanted["weight"] = table.number(self.base_weight)
            if self.stratum is not None:
                wanted["stratum"] = table.column(self.stratum)
            wanted |= {f"s{k}": table.column(column) for k, column in enumerate(self.cluster)}
        return table.view(wanted)

    def coded(self, name: str, values: npt.NDArray[Any], customers: int) -> tuple[Codes, npt.NDArray[Any]]:
        """Codes and labels of an auxiliary's values; missing ones stay -1 unless a level was named for them."""
        if isinstance(name, (DayColumn, NumberColumn)):
            return coded_times(name, values)
        level = ("missing" if self.missing == "level" else None) if isinstance(self.missing, str) else self.missing.get(name)
        if name in self.bands:
            return coded_band(self.bands[name], values, level)
        codes, labels = coded_labels(values, level)
        continuous = labels.dtype.kind == "f" and bool(np.any(labels != np.floor(labels)))
        if labels.size > _MANY_LEVELS or (labels.size > _FEW_LEVELS and (continuous or 2 * labels.size > customers)):
            raise InputError(
                f"Column {name!r} has {labels.size:,} levels ({shown(labels[:3], 3)}, ...): too many for an auxiliary. Band it (bands=), "
                "group its levels, or leave it out.",
                code="too_many_levels", argument=name, levels=labels[:5], count=int(labels.size),
            )
        return codes, labels

    def near_ids(self, unknown: Sequence[str]) -> str:
        """What to say of ids that the registry has in another spelling: leading zeros, ".0", spaces; "" where it has none."""
        spelt = {_plain(value): value for value in unknown if value is not None}
        view = self.view([])
        plain = view.extended({"plain": view.get("id").str.strip_chars().str.replace_all(r"\.0$", "").str.replace_all("^0+", "")})
        found = plain.having("plain", np.array(list(spelt), object)).rows() if spelt else {"id": np.empty(0, object)}
        if not found["id"].size:
            return ""
        theirs = sorted(found["id"].tolist())[0]
        return (
            f" The registry has {theirs!r} where the answers have {spelt[_plain(theirs)]!r}: "
            "read both columns as text (read_table(path, text_columns=[...]))."
        )

    def refuse_missing(self, name: str, count: int) -> None:
        """Raise: `count` customers have no value of an auxiliary."""
        view = self.view([name])
        rows = view.offenders(view.get("a0").is_null() & (view.get("population") == 0), "id")
        raise InputError(
            f"{count} customers have no {name!r}, ids {rows}. Complete them, give the missing ones a level of their own "
            f"(missing='level' or missing={{{name!r}: 'name'}}), or leave the column out.",
            code="missing_auxiliary", argument=name, rows=rows.rows, levels=rows.ids, count=count,
        )

    def design_columns(self) -> list[str]:
        """Names, in a view, of what the design adds."""
        chosen = ["weight"] if self.base_weight is not None else []
        chosen += ["stratum"] if self.stratum is not None else []
        return chosen + [f"s{k}" for k in range(len(self.cluster))]

    def design_names(self) -> list[str]:
        """The caller's names of `design_columns`."""
        return [name for name in (self.base_weight, self.stratum, *self.cluster) if name is not None]


def _plain(value: str) -> str:
    return re.sub(r"\.0$", "", value.strip()).lstrip("0")


def _at(rows: Offenders) -> str:
    return f", at rows {shown(rows.rows, rows.count)}" if rows.rows else ""
