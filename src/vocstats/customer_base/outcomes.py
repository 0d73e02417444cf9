"""What those listed said: one outcome for each customer, on its scale, item nonresponse counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._checks import number
from ..errors import InputError, shown
from ..tables import Columns
from .listing import Listing, positions
from .set_aside import SetAside
from .source import SourceTable

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What those listed said (NaN where nothing usable), and what is known of how: NaN where it was not given or not asked for."""

    outcome: Floats
    probability: Floats
    attempt: Floats
    set_aside: tuple[SetAside, ...]


def index_items(outcome: str | None, items: Mapping[str, float] | None) -> tuple[tuple[str, ...], Floats]:
    """Columns to read and the weight of each in the outcome."""
    if items is None:
        return (() if outcome is None else (outcome,)), np.ones(1)
    weights = np.array([number(weight, f"items[{name!r}]", low=0.0, open_low=True) for name, weight in items.items()])
    if not items or abs(weights.sum() - 1.0) > 1e-9:
        raise InputError(
            f"The weights of items must sum to 1; they sum to {weights.sum():.10g}.",
            code="item_weights", argument="items", total=f"{weights.sum():.10g}",
        )
    return tuple(items), weights


def read_outcomes(
    listing: Listing,
    sources: Mapping[str, SourceTable],
    columns: Sequence[str],
    weights: Floats,
    *,
    scale: tuple[float, float] | None,
    missing_codes: Sequence[float],
    attempts: bool,
) -> Heard:
    """Outcomes of those listed, from the source that stands for each; with `attempts`, when survey answers came where their rows say."""
    import pandas as pd

    size = listing.ids.size
    outcome, probability, attempt = np.full(size, np.nan), np.full(size, np.nan), np.full(size, np.nan)
    known, aside = pd.Index(listing.ids, dtype=object), []
    for source in sources.values():
        rows = source.rows(columns)
        position = known.get_indexer(pd.Index(rows["id"], dtype=object)).astype(np.intp)
        stands = (position >= 0) & (listing.source[position] == source.index) if size else np.zeros(0, bool)
        rows, position = {name: column[stands] for name, column in rows.items()}, position[stands]
        if "probability" in rows:
            probability[position] = rows["probability"]
            _refuse_contradiction(source, rows, probability[position])
        if columns:
            score, records = _scores(source, rows, columns, weights, scale, missing_codes)
            chosen = _chosen(source, rows, position, score)
            outcome[:] = np.where(listing.source == source.index, _one_each(source, position, score, chosen, size), outcome)
            if attempts and source.name == "survey" and "attempt" in rows:
                attempt[position[chosen]] = rows["attempt"][chosen]
            silent = int(np.sum((listing.source == source.index) & np.isnan(outcome)))
            unusable = [SetAside(source.name, "item_nonresponse", silent)] if silent and _answers_only(source) else []
            aside += [*records, *unusable]
    return Heard(outcome, probability, attempt, tuple(aside))


def read_flags(
    listing: Listing, source: SourceTable, columns: Sequence[str], *, missing_codes: Sequence[float], since: np.datetime64
) -> tuple[Floats, list[SetAside]]:
    """What those say for whom `source` stands, (L, K) by column: 1, 0, or NaN for nothing usable; answers from before `since` are none."""
    import pandas as pd

    size, rows = listing.ids.size, source.rows(columns)
    position = pd.Index(listing.ids, dtype=object).get_indexer(pd.Index(rows["id"], dtype=object)).astype(np.intp)
    stands = (position >= 0) & (listing.source[position] == source.index) if size else np.zeros(0, bool)
    rows, position = {name: column[stands] for name, column in rows.items()}, position[stands]
    usable, aside = _dated_since(source, rows, columns, since)
    said = np.full((size, len(columns)), np.nan)
    for k, column in enumerate(columns):
        one = rows | {"y0": np.where(usable, rows[f"y{k}"], np.nan)}
        score = _scores(source, one, [column], np.ones(1), (0.0, 1.0), missing_codes)[0]
        said[:, k] = _one_each(source, position, score, _chosen(source, one, position, score), size)
        partly = (said[:, k] > 0) & (said[:, k] < 1)
        if partly.any():
            raise InputError(
                f"Column {column!r} of {source.argument} must say 1 or 0 of each customer; it does not for ids "
                f"{shown(listing.ids[partly])}. Where customers answered more than once, use repeated='first' or 'last'.",
                code="neither_0_nor_1", argument=column, levels=listing.ids[partly][:_SHOWN], count=int(partly.sum()),
                table=source.argument,
            )
    return said, aside


def _dated_since(source: SourceTable, rows: Columns, columns: Sequence[str], since: np.datetime64) -> tuple[Flags, list[SetAside]]:
    """Which rows are dated `since` or later; every row, where the source has no dates."""
    if "date" not in rows:
        return np.ones(rows["id"].size, bool), []
    said = np.any([~np.isnan(np.asarray(rows[f"y{k}"], float)) for k in range(len(columns))], axis=0)
    undated, early = np.isnat(rows["date"]), rows["date"] < since
    found = {"undated": said & undated, "before_window": said & early}
    aside = [
        SetAside(source.name, reason, int(which.sum()), tuple(sorted(rows["id"][which].tolist())[:_SHOWN]))
        for reason, which in found.items() if which.any()
    ]
    return ~(undated | early), aside


def _refuse_contradiction(source: SourceTable, rows: Columns, taken: Floats) -> None:
    """A customer is drawn once, with one probability."""
    differing = rows["probability"] != taken
    if differing.any():
        ids = sorted(set(rows["id"][differing].tolist()))
        raise InputError(
            f"{len(ids)} customers of {source.argument} have several selection probabilities: ids {shown(ids)}. Each is drawn once; "
            "correct them.",
            code="several_probabilities", argument=source.source.selection_probability, levels=ids[:_SHOWN], count=len(ids),
            table=source.argument,
        )


def _answers_only(source: SourceTable) -> bool:
    """Whether a row without outcome answered and left the question out, rather than not having been reached."""
    return source.name == "survey" or source.issued == "respondents"


def _scores(
    source: SourceTable, rows: Columns, columns: Sequence[str], weights: Floats, scale: tuple[float, float] | None, codes: Sequence[float]
) -> tuple[Floats, list[SetAside]]:
    """The outcome of every row: missing codes set to missing and counted, the rest held against the scale."""
    score = np.zeros(rows["id"].size)
    found: dict[float, int] = {}
    for k, (column, weight) in enumerate(zip(columns, weights, strict=True)):
        values = np.array(rows[f"y{k}"], float)
        coded = np.isin(values, np.asarray(codes, float)) if len(codes) else np.zeros(values.size, bool)
        for code in np.unique(values[coded]):
            found[float(code)] = found.get(float(code), 0) + int(np.sum(values == code))
        values[coded] = np.nan
        _refuse_off_scale(source, rows, column, values, scale)
        score += weight * values
    listed = tuple(f"{code:g}: {count}" for code, count in sorted(found.items()))
    return score, [SetAside(source.name, "missing_code", sum(found.values()), listed)] if found else []


def _refuse_off_scale(source: SourceTable, rows: Columns, column: str, values: Floats, scale: tuple[float, float] | None) -> None:
    off = np.isinf(values) if scale is None else (values < scale[0]) | (values > scale[1])
    if not off.any():
        return
    low, high = scale or (-np.inf, np.inf)
    ids = rows["id"][off]
    raise InputError(
        f"{off.sum()} answers in column {column!r} of {source.argument} are off the scale {low:g} to {high:g}: "
        f"{shown(np.unique(values[off]))}, ids {shown(ids)}. Correct them, or name codes that mean 'no answer' in missing_codes=.",
        code="off_scale", argument=column, rows=positions(rows["row"][off]), levels=ids[:_SHOWN], count=int(off.sum()),
        table=source.argument, sample=shown(np.unique(values[off])), low=f"{low:g}", high=f"{high:g}",
    )


def _chosen(source: SourceTable, rows: Columns, position: Positions, score: Floats) -> Positions:
    """The rows with a score that count: all, or of each customer the first or last."""
    said = np.flatnonzero(~np.isnan(score))
    dated = source.repeated in ("first", "last") and "date" in rows
    return _by_date(source, rows, position, said, score) if dated else said


def _one_each(source: SourceTable, position: Positions, score: Floats, said: Positions, size: int) -> Floats:
    """One score for each customer listed, by the source's rule for repeated answers; NaN where none."""
    result = np.full(size, np.nan)
    if source.repeated == "mean":
        times = np.bincount(position[said], minlength=size)
        total = np.bincount(position[said], score[said], minlength=size)
        np.divide(total, times, out=result, where=times > 0)
        return result
    result[position[said]] = score[said]
    return result


def _by_date(source: SourceTable, rows: Columns, position: Positions, said: Positions, score: Floats) -> Positions:
    """The first or last answer of each customer; answers that differ at one moment cannot be put in order."""
    when = rows["date"][said]
    _, times = np.unique(position[said], return_counts=True)
    several = np.isin(position[said], np.unique(position[said])[times > 1])
    if np.isnat(when[several]).any():
        ids = rows["id"][said][several][np.isnat(when[several])]
        raise InputError(
            f"Customers with several answers in {source.argument} have one without a date in {source.source.date!r}: ids {shown(ids)}. "
            "Fill the dates, or use repeated='mean'.",
            code="repeated_undated", argument=source.source.date, levels=ids[:_SHOWN], count=int(ids.size), table=source.argument,
        )
    stamp = when.astype(np.int64)
    order = np.lexsort((stamp if source.repeated == "first" else -stamp, position[said]))
    ordered = said[order]
    first = np.r_[True, np.diff(position[ordered]) != 0] if ordered.size else np.zeros(0, bool)
    chosen = np.repeat(ordered[first], np.diff(np.r_[np.flatnonzero(first), ordered.size])) if ordered.size else ordered
    tied = (rows["date"][ordered] == rows["date"][chosen]) & (score[ordered] != score[chosen])
    if tied.any():
        again = sorted(set(rows["id"][ordered][tied].tolist()))
        raise InputError(
            f"{len(again)} customers gave different answers at the same moment in {source.argument}, so none is the {source.repeated}: ids "
            f"{shown(again)}. Give a finer date, or use repeated='mean'.",
            code="repeated_tie", argument=source.source.date, levels=again[:_SHOWN], count=len(again),
            table=source.argument, repeated=source.repeated,
        )
    return ordered[first]
