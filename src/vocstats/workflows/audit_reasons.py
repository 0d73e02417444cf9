"""Why a dealer is to be verified: the signals that show, strongest first, each with its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import texts
from ..inflation import Signal

SHOWS = 0.05  # p-value up to which a signal counts as showing
MOST = 3  # reasons of a dealer in a table
_RARE = 0.001  # "at most": smaller expectations say no more to a reader
_VARIANTS = {"invitation_bias": "stage", "bursts": "burst_place"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reason:
    """One signal at one dealer.

    Attributes
    ----------
    signal : str
        Name of the signal.
    code : str
        Key of its sentence in ``texts/evidence.toml``.
    p_value : float
        Of this signal alone.
    effect : float
        In units of the signal.
    values : dict
        What the sentence is filled with.
    """

    signal: str
    code: str
    p_value: float
    effect: float
    values: Mapping[str, Any]

    def text(self, language: str = "en") -> str:
        """The reason in words."""
        return texts.render(f"evidence.{self.code}", language, **self.values)


def reasons_of(signals: Sequence[Signal], dealer: Any, *, shows: float = SHOWS) -> tuple[Reason, ...]:
    """Signals that show at the dealer, strongest first; the strongest one where none does."""
    placed = [(each, k) for each in signals if (k := each.place_of(dealer)) is not None]
    lifted = [(float(each.p_value[k]), each, k) for each, k in placed if np.isfinite(each.p_value[k]) and each.effect[k] > 0]
    speaks = sorted(lifted, key=lambda found: found[0])
    showing = [found for found in speaks if found[0] <= shows] or speaks[:1]
    return tuple(_reason(each, place) for _, each, place in showing)


def _reason(of: Signal, place: int) -> Reason:
    values = {name: _plain(column[place]) for name, column in of.details.items()}
    values |= {"n": float(of.n[place]), "effect": float(of.effect[place])}
    if "block_expected" in values:
        values["block_expected"] = max(values["block_expected"], _RARE)
    variant = values.get(_VARIANTS.get(of.name, ""))
    code = f"{of.name}_{variant}" if variant else of.name
    if values.get("onset") == "":
        code = "onset_undated"
    if code not in texts.namespace("evidence"):  # a window without a place, a signal without a sentence of its own
        code = "other"
    return Reason(
        signal=of.name, code=code, p_value=float(of.p_value[place]), effect=float(of.effect[place]), values={**values, "signal": of.name}
    )


def _plain(value: Any) -> Any:
    """A number or text as it is said: times to the minute."""
    if isinstance(value, np.datetime64):
        minutes = value if value.dtype == np.dtype("<M8[D]") else value.astype("datetime64[m]")
        return "" if np.isnat(value) else str(minutes).replace("T", " ")
    return value.item() if isinstance(value, np.generic) else value
