"""Every signal of an audit on the tables at hand: which columns it takes, and which rows it sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import inflation
from .._checks import Floats
from ..inflation import Signal
from .audit_tables import Responses, Roster, mapping_of
from .audit_thresholds import Thresholds

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """What all signals of an audit share.

    Attributes
    ----------
    top : float
        Lowest top mark.
    threshold : float or Thresholds, optional
        KPI line, for all or by dealer and month: a mean score, or where `share` a share of top marks.
    share : bool
    kiosks : tuple
        Devices registered as tablets of the dealers.
    level : float
    seed : int
    """

    top: float
    threshold: float | Thresholds | None
    share: bool
    kiosks: tuple[Any, ...]
    level: float
    seed: int


def signals_of(responses: Responses, roster: Roster | None, look: Look) -> tuple[tuple[Signal, ...], dict[str, str]]:
    """Signals in the order of their strength elsewhere, and the reason why others were not taken, by name.

    Evidence of a signal is positions in the responses; of `invitation_bias` in the roster.
    """
    taken: list[Signal] = []
    left_out: dict[str, str] = {}
    for found in (*_on_responses(responses, look), *_on_roster(roster, look)):
        if isinstance(found, Signal):
            taken.append(found)
        else:
            left_out.update([found])
    return tuple(taken), left_out


def _on_responses(data: Responses, look: Look) -> Iterator[Signal | tuple[str, str]]:
    own = np.flatnonzero(data.own)
    score, dealer = data.score[own], data.dealer[own]
    x, all_x = mapping_of(data.x, own), mapping_of(data.x)
    items, all_items = mapping_of(data.items, own), mapping_of(data.items)
    time, level, seed = data.time, look.level, look.seed
    if data.independent is None:
        yield "channel_gap", "no_channel"
    else:
        yield inflation.channel_gap(data.score, data.dealer, data.independent, x=all_x, level=level)
    yield _at(own, inflation.level_excess(score, dealer, x=x, level=level))
    if data.outcomes:
        yield inflation.outcome_discordance(
            data.score, data.dealer, data.outcomes, independent=data.independent, x=all_x, top=look.top, level=level
        )
    else:
        yield "outcome_discordance", "no_outcomes"
    yield from _shelter(score, dealer, own, level)
    if items is None or all_items is None:
        yield from ((name, "no_items") for name in ("item_discordance", "near_duplicates"))
        yield _at(own, inflation.dispersion(score, dealer, level=level))
    else:
        channel = None if data.independent is None else np.where(data.independent, "independent", "dealer")
        yield inflation.item_discordance(data.score, data.dealer, all_items, x=all_x, independent=data.independent, level=level)
        yield _at(own, inflation.dispersion(score, dealer, items=items, level=level))
        if len(items) >= 3:
            yield inflation.near_duplicates(all_items, data.dealer, channel=channel, level=level, seed=seed)
        else:
            yield "near_duplicates", "few_items"
    if time is None:
        yield from ((name, "no_times") for name in ("threshold_bunching", "period_end", "onset", "bursts"))
    else:
        yield from _in_time(data, own, time[own], x, look)
    yield from _traces(data, look)


def _shelter(score: Floats, dealer: npt.NDArray[Any], own: Rows, level: float) -> Iterator[Signal | tuple[str, str]]:
    """CUB models are models of whole ratings on a scale of more than three."""
    whole = bool((score == np.round(score)).all())
    if whole and 3 < np.ptp(score) < 100:
        yield _at(own, inflation.shelter(score, dealer, level=level))
    else:
        yield "shelter", "no_ratings"


def _in_time(
    data: Responses, own: Rows, time: npt.NDArray[Any], x: dict[str, Any] | None, look: Look
) -> Iterator[Signal | tuple[str, str]]:
    score, dealer = data.score[own], data.dealer[own]
    level, seed = look.level, look.seed
    yield _bunching(score, dealer, time, own, look)
    yield _at(own, inflation.period_end(score, dealer, time, x=x, level=level))
    yield _at(own, inflation.onset(score, dealer, time, x=x, level=level, seed=seed))
    device, address = (None if values is None else _codes(values[own]) for values in (data.device, data.address))
    kiosks: list[float] = []
    if data.device is not None and device is not None and look.kiosks:
        kiosks = np.unique(device[np.isin(data.device[own], [kiosk.encode() for kiosk in look.kiosks])]).tolist()
    yield _at(own, inflation.bursts(time, dealer, device=device, address=address, kiosks=kiosks, level=level, seed=seed))


def _bunching(
    score: Floats, dealer: npt.NDArray[Any], time: npt.NDArray[Any], own: Rows, look: Look
) -> Signal | tuple[str, str]:
    """Months that just reach a KPI line, where there is one that own answers can miss and reach."""
    known = np.flatnonzero(~np.isnat(time))
    month = time[known].astype("datetime64[M]")
    line = look.threshold.of(dealer[known], month) if isinstance(look.threshold, Thresholds) else look.threshold
    if line is None or np.isnan(line).all():
        return "threshold_bunching", "no_threshold"
    marks = ((score >= look.top).astype(float) if look.share else score)[known]
    within = (marks.min(initial=np.inf) < line) & (line < marks.max(initial=-np.inf))
    if not np.any(within):
        return "threshold_bunching", "threshold_out_of_reach"
    return _at(own[known], inflation.threshold_bunching(
        marks, dealer[known], month, threshold=line if isinstance(line, float) else np.where(within, line, np.nan),
        step=float(np.diff(np.unique(marks)).min()), level=look.level,
    ))


def _codes(texts: npt.NDArray[Any]) -> Floats:
    """Numbers of texts in their order, NaN where missing."""
    code = np.unique(texts, return_inverse=True)[1]
    return np.where(texts == b"", np.nan, code)


def _traces(data: Responses, look: Look) -> Iterator[Signal | tuple[str, str]]:
    """What device, address and time taken leave behind."""
    if data.seconds is None:
        yield "quick_forms", "no_seconds"
    else:
        yield inflation.quick_forms(data.seconds, data.dealer, independent=data.independent, level=look.level)
    if data.address is None:
        yield "shared_address", "no_addresses"
    else:
        device = None if data.device is None else _codes(data.device)
        yield inflation.shared_address(
            _codes(data.address), data.dealer, device=device, independent=data.independent, level=look.level
        )


def _on_roster(roster: Roster | None, look: Look) -> Iterator[Signal | tuple[str, str]]:
    if roster is None:
        yield "invitation_bias", "no_roster"
    else:
        invited = np.ones(roster.dealer.size, bool) if roster.invited is None else roster.invited
        yield inflation.invitation_bias(
            roster.dealer, invited, reached=roster.reached, heard=roster.heard, x=mapping_of(roster.x), later=mapping_of(roster.later),
            score=roster.score, drawn=roster.drawn, level=look.level,
        )


def _at(rows: Rows, of: Signal) -> Signal:
    """The signal of some rows, its evidence in positions of all rows."""
    return replace(of, evidence=rows[of.evidence].astype(np.int64))


def named(signals: Iterable[Signal]) -> dict[str, Signal]:
    """Signals by name."""
    return {each.name: each for each in signals}
