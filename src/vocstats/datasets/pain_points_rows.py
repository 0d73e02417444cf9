"""Simulated counts of pain points spread over customers: the tables a company would hold, which count to the same numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._checks import Integers
from .pain_points_world import RESPONSE_GROUPS
from .population import Dates, days

if TYPE_CHECKING:
    import pandas as pd

_CELL = ["segment", "dealer", "response_group"]
_ANSWERED = {  # first and last day
    "survey": ("2026-07-01", "2026-09-30"), "follow_up": ("2026-10-01", "2026-10-31"), "exit_interview": ("2026-10-01", "2026-10-31"),
    "comment": ("2025-10-01", "2026-09-30"), "ticket": ("2025-10-01", "2026-09-30"),
}


def spread_over_customers(rng: np.random.Generator, observations: pd.DataFrame, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A registry of customers, and one table for each source; see `SimulatedPainPoints.tables`."""
    import pandas as pd

    at = np.repeat(np.arange(len(frame)), frame["customers"])
    ids = np.array([f"C{k:07d}" for k in rng.permutation(at.size)], object)
    churned = (frame["response_group"] == RESPONSE_GROUPS[2]).to_numpy()[at].astype(int)
    registry = pd.DataFrame(
        {"customer_id": ids} | {name: frame[name].to_numpy()[at] for name in _CELL[:2]} | {"churned": churned}
    ).sort_values("customer_id", ignore_index=True)
    first = np.r_[0, np.cumsum(frame["customers"].to_numpy())[:-1]]
    place = pd.MultiIndex.from_frame(frame[_CELL])
    tables = {"registry": registry}
    for source, counts in observations.groupby("source", sort=False):
        wide = counts.pivot(index=_CELL, columns="pain_point", values="positive")[list(counts["pain_point"].unique())]
        n = counts.drop_duplicates(_CELL).set_index(_CELL)["n"].loc[wide.index].to_numpy()
        cell = np.repeat(np.arange(len(wide)), n)
        rank = np.arange(cell.size) - np.r_[0, np.cumsum(n)[:-1]][cell]
        who = ids[first[place.get_indexer(wide.index)][cell] + rank]  # ids are in random order, so the first of a cell are a sample of it
        table = pd.DataFrame({"customer_id": who, "answered_on": _days(rng, str(source), who.size)})
        for pain, positive in wide.items():
            table[str(pain)] = (_ranks(rng, cell) < positive.to_numpy()[cell]).astype(int)
        tables[str(source)] = table.sort_values("customer_id", ignore_index=True)
    if "ticket" in tables:
        tables["ticket"] = _tickets(rng, tables["ticket"])
    return tables


def _ranks(rng: np.random.Generator, cell: Integers) -> Integers:
    """Random ranks from 0 within each cell; `cell` rises."""
    order = np.lexsort((rng.random(cell.size), cell))
    rank = np.empty(cell.size, np.intp)
    rank[order] = np.arange(cell.size)
    return rank - np.searchsorted(cell, cell)


def _days(rng: np.random.Generator, source: str, size: int) -> Dates:
    first, last = (np.datetime64(day) for day in _ANSWERED[source])
    return days(rng, first, np.full(size, last), size).astype("datetime64[s]")


def _tickets(rng: np.random.Generator, flags: pd.DataFrame) -> pd.DataFrame:
    """One row per ticket, by day."""
    long = flags.drop(columns="answered_on").melt("customer_id", var_name="pain_point", value_name="opened").query("opened == 1")
    dated = long.drop(columns="opened").assign(opened_on=_days(rng, "ticket", len(long)))
    return dated.sort_values(["opened_on", "customer_id", "pain_point"], ignore_index=True)
