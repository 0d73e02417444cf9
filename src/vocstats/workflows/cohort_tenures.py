"""How long each customer has been one: durations, departures and late entries of the cells of a base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .._checks import Floats, Integers
from ..customer_base import GROUPS, Cells, CustomerBase
from ..customer_base.times import DayColumn, NumberColumn
from ..errors import InputError
from ..results import Flags

DAYS_PER_MONTH = 365.25 / 12
_CHURNED = GROUPS.index("churned")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tenures:
    """Cells with the tenure at the reference date, or at leaving, in whole units.

    Attributes
    ----------
    cells : Cells
    duration : Floats (cells,)
    event : Flags (cells,)
        Whether they left then.
    entry : Floats (cells,) or None
        Tenure at which they came under observation; None: all were seen from their purchase on.
    units : float
        Units of the durations in one unit of the grid: days in a month where dates are given, else 1.
    """

    cells: Cells
    duration: Floats
    event: Flags
    entry: Floats | None
    units: float

    def spans(self) -> tuple[Floats, Floats | None]:
        """Durations and entries as whole periods that begin with 1."""
        shift = float((self.duration == 0).any())
        return self.duration + shift, None if self.entry is None else np.where(self.entry > 0, self.entry + shift, 0.0)

    def rows(self, kept: Flags | Integers) -> Tenures:
        """The tenures of some cells."""
        entry = None if self.entry is None else self.entry[kept]
        cells = rows_of(self.cells, kept)
        return replace(self, cells=cells, duration=self.duration[kept], event=self.event[kept], entry=entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Where tenure is read: from a column of tenures, or from the days of the base's window.

    Attributes
    ----------
    tenure, entry : str or None
        Columns of whole numbers; None: the window's dates.
    columns : tuple of str
        What the cells must hold.
    """

    base: CustomerBase
    tenure: str | None
    entry: str | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of the registry, told apart from auxiliaries by their type."""
        if self.tenure is not None:
            return tuple(NumberColumn(name) for name in (self.tenure, self.entry) if name is not None)
        window = self._window()
        return DayColumn(window["joined"]), DayColumn(window["left"])

    def _window(self) -> Mapping[str, Any]:
        window = self.base.window
        if self.entry is not None or window is None or window["joined"] is None or window["left"] is None:
            raise InputError(
                "Tenure is not known. Name the registry's column of tenure (at the reference date, or at leaving for those who left): "
                "tenure=, with entry= where customers came under observation later; or build the base with "
                "window={'joined': column, 'left': column, ...}, so that it follows from the dates.",
                code="no_tenure", argument="tenure",
            )
        return window

    def read(self, cells: Cells) -> Tenures:
        """Tenures of the cells; customers whose tenure has not begun at the reference date are left out."""
        gone = cells.group == _CHURNED
        if self.tenure is None:
            return self._from_days(cells, gone)
        duration = _whole(cells, self.tenure)
        entry = None if self.entry is None else _whole(cells, self.entry)
        if entry is not None:
            late = cells.counts[entry >= np.maximum(duration, 1.0)].sum()
            if late:
                raise InputError(
                    f"{late} customers came under observation (column {self.entry!r}) at or after the end of their tenure "
                    f"({self.tenure!r}). Correct the columns, or leave those rows out with where=.",
                    code="entry_after_tenure", argument="entry", count=int(late), entry=self.entry, tenure=self.tenure,
                )
        return Tenures(cells=cells, duration=duration, event=gone, entry=entry, units=1.0)

    def _from_days(self, cells: Cells, gone: Flags) -> Tenures:
        """The first and the last day count, so that somebody who leaves on the day he comes was a customer for one day."""
        window = self._window()
        joined, left = (_column(cells, window[name]) for name in ("joined", "left"))
        reference = np.datetime64(self.base.reference_date or window["to"], "D")
        undated = cells.counts[gone & np.isnat(left)].sum()
        if undated:
            raise InputError(
                f"{undated} customers have left, but column {window['left']!r} has no day for them. Fill the days, or leave those rows "
                "out with where=.",
                code="leaving_undated", argument=window["left"], count=int(undated), column=window["left"],
            )
        until = np.where(gone, left, reference)
        duration = (until - joined).astype("timedelta64[D]").astype(float) + 1.0
        before = np.asarray(window["from"], "datetime64[D]") - joined
        begun = np.maximum(before.astype("timedelta64[D]").astype(float), 0.0)
        kept = duration >= 1.0
        found = Tenures(cells=cells, duration=duration, event=gone, entry=begun, units=DAYS_PER_MONTH)
        return found if kept.all() else found.rows(kept)


def _column(cells: Cells, name: str) -> npt.NDArray[Any]:
    return np.asarray(cells.levels[name])[cells.columns[name]]


def _whole(cells: Cells, name: str) -> Floats:
    values: Floats = _column(cells, name)
    with np.errstate(invalid="ignore"):
        wrong = ~((values >= 0) & (values == np.floor(values)))
    if wrong.any():
        raise InputError(
            f"Column {name!r} must hold whole numbers, 0 or more, for every customer (months, weeks or days); it does not for "
            f"{cells.counts[wrong].sum()} customers. Round the tenures down, fill missing ones, or leave those rows out with where=.",
            code="tenure_not_whole", argument=name, count=int(cells.counts[wrong].sum()), column=name,
        )
    return values


def rows_of(cells: Cells, kept: Flags | Integers) -> Cells:
    """Some of the cells."""
    changed: dict[str, Any] = {"origin": None}
    for field in fields(cells):
        value = getattr(cells, field.name)
        if isinstance(value, np.ndarray):
            changed[field.name] = value[kept]
    changed["columns"] = {name: codes[kept] for name, codes in cells.columns.items()}
    if isinstance(cells.cluster, tuple):
        changed["cluster"] = tuple(stage[kept] for stage in cells.cluster)
    return replace(cells, **changed)


def bands_of(edges: Floats, duration: Floats) -> Integers:
    """Band of each tenure; -1 beyond the last."""
    band = np.searchsorted(edges, duration, side="left") - 1
    return np.where(band < edges.size - 1, band, -1).astype(np.intp)
