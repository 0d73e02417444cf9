"""From a registry on its engine and a few rows at home to cells.

The engine counts the whole registry by what matters; the rows of those listed come home; what is left of a count after
taking the listed out are the customers nobody lists. Unheard customers never leave the engine one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..tables import Columns, NearTable, Table
from .cells import Cells, Codes, Origin, coded_labels, coded_numbers, compress
from .listing import Listing
from .names import CHURNED, NOT_INVITED, SILENT
from .outcomes import Heard
from .registry import Registry


def collapse(
    registry: Registry,
    view: Table | NearTable,
    listing: Listing,
    heard: Heard,
    columns: Sequence[str],
    *,
    contacts: bool,
    documented: dict[str, bool],
    issued: dict[str, str | None],
) -> Cells:
    """Cells of a base; `view` is the registry's view of `columns` with design and invitation."""
    status = ["churned", "invited"] if contacts else ["churned"]
    known = [*status, *(f"a{k}" for k in range(len(columns))), *registry.design_columns()]
    raw = view.count_by(["population", *known])
    raw = {name: values[raw["population"] == 0] for name, values in raw.items() if name != "population"}
    listed = _in_order(view.having("id", listing.ids).rows(), listing.ids)
    kinds = raw["count"].size
    both = {name: np.concatenate([raw[name], listed[name]]) for name in known}
    codes, sizes, levels = _coded(registry, both, status, columns, raw["count"])
    remaining = _unlisted(*compress(list(codes.values()), sizes), raw["count"])

    group = np.where(both["churned"], CHURNED, SILENT).astype(np.intp)
    if contacts:
        group[(group == SILENT) & (both["invited"] == 0)] = NOT_INVITED
    group[kinds:] = listing.group
    outcome = np.concatenate([np.full(kinds, np.nan), heard.outcome])
    said = ~np.isnan(outcome)
    source = np.where(said, np.concatenate([np.full(kinds, -1, np.intp), listing.source]), -1)
    drawn = np.concatenate([np.zeros(kinds, bool), listing.drawn])
    probability = np.concatenate([np.full(kinds, np.nan), heard.probability])
    weights = np.concatenate([remaining, np.ones(listing.ids.size, np.int64)])

    attempt = np.concatenate([np.full(kinds, np.nan), heard.attempt])
    numbers = [coded_numbers(values) for values in (probability, attempt, outcome)]
    shared = {name: values for name, values in codes.items() if name not in status}
    spans = [size for name, size in zip(codes, sizes, strict=True) if name in shared]
    cell, first = compress(
        [group, source + 1, drawn.astype(np.intp), *shared.values(), *(values for values, _ in numbers)],
        [4, 4, 2, *spans, *(size for _, size in numbers)],
    )
    counts = np.bincount(cell, weights, minlength=first.size).astype(np.int64)
    kept = counts > 0
    at, renumbered = first[kept], np.where(kept, np.cumsum(kept) - 1, -1)[cell]
    design = {name: values[at] for name, values in shared.items() if name in ("stratum", *(f"s{k}" for k in range(len(registry.cluster))))}
    stages = tuple(design[f"s{k}"] for k in range(len(registry.cluster)))
    return Cells(
        counts=counts[kept], group=group[at], source=source[at], drawn=drawn[at], outcome=outcome[at],
        columns={name: codes[f"a{k}"][at] for k, name in enumerate(columns)}, levels=levels,
        selection_probability=probability[at], attempt=attempt[at],
        base_weight=both["weight"][at].astype(float) if registry.base_weight is not None else np.ones(at.size),
        stratum=design.get("stratum"), cluster=None if not stages else stages[0] if len(stages) == 1 else stages,
        documented=documented, issued=issued, set_aside=heard.set_aside,
        origin=Origin(keys={name: raw[name] for name in known}, key_cell=renumbered[:kinds], ids=listing.ids, id_cell=renumbered[kinds:]),
    )


def _in_order(rows: Columns, ids: npt.NDArray[Any]) -> Columns:
    """Rows in the order of `ids`: an engine promises none."""
    import pandas as pd

    order = pd.Index(rows["id"], dtype=object).get_indexer(pd.Index(ids, dtype=object))
    return {name: values[order] for name, values in rows.items()}


def _unlisted(key: Codes, first: Codes, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Customers nobody lists, by row of the counted registry; rows that a level for the missing has made equal are one."""
    kinds = counts.size
    left = np.bincount(key[:kinds], counts, minlength=first.size) - np.bincount(key[kinds:], minlength=first.size)
    remaining = np.zeros(kinds, np.int64)
    remaining[first] = left
    return remaining


def _coded(
    registry: Registry, both: Columns, status: Sequence[str], columns: Sequence[str], counts: npt.NDArray[np.int64]
) -> tuple[dict[str, Codes], list[int], dict[str, npt.NDArray[Any]]]:
    """Every key as codes, how many codes each has, and the labels of the auxiliaries."""
    codes = {name: both[name].astype(np.intp) for name in status}
    levels: dict[str, npt.NDArray[Any]] = {}
    customers = int(counts.sum())
    for k, name in enumerate(columns):
        codes[f"a{k}"], levels[name] = registry.coded(name, both[f"a{k}"], customers)
        lacking = int(counts[codes[f"a{k}"][: counts.size] < 0].sum())
        if lacking:
            registry.refuse_missing(name, lacking)
    for name, column in zip(registry.design_columns(), registry.design_names(), strict=True):
        codes[name] = coded_numbers(both[name])[0] if name == "weight" else coded_labels(both[name], None)[0]
        if (codes[name] < 0).any():
            raise InputError(
                f"{int(counts[codes[name][: counts.size] < 0].sum())} customers have no {column!r}, which the design needs. Complete it, "
                "or leave those rows out.",
                code="missing_design", argument=column, count=int(counts[codes[name][: counts.size] < 0].sum()),
            )
    sizes = [int(values.max(initial=0)) + 1 for values in codes.values()]
    return codes, sizes, levels
