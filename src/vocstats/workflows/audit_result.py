"""The result of `vocstats.audit_dealers`: a list of dealers to be verified, why, and what their scores would have been."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import _checks, texts
from ..errors import InputError
from ..inflation import CombinedEvidence, HonestScores, Signal
from ..results import Assumption, Floats, Result, frame, register
from .audit_reasons import MOST, Reason, reasons_of
from .audit_tables import Responses, Roster, text_of
from .dealer_record import DealerRecord, SignalLine
from .verification import plan_calls

if TYPE_CHECKING:
    import pandas as pd

STATUSES = ("to_be_verified", "watch", "no_sign_found", "cannot_tell")
_FROM_SCORES = ("n", "score", "adjusted_score", "corrected_score", "conf_low", "conf_high", "inflation")
_RANKS = ("inflation_low", "inflation_high", "rank", "rank_low", "rank_high")


@register("dealer_audit")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DealerAudit(Result):
    """What an audit found, dealer by dealer; D is the number of dealers with a response, in the order of `scores.labels`.

    Attributes
    ----------
    signals : tuple of Signal
        Every signal that could be taken.
    left_out : {signal: code}
        Signals that could not, and why (`texts/reason.toml`).
    evidence : CombinedEvidence
        p- and q-values, and the list.
    scores : HonestScores
        Corrected scores, inflation, ranks.
    n_own : Floats (D,)
        Responses the dealer asked for.
    detectable : Floats (D,)
        Smallest inflation of the score, in points, that would have been listed with a chance of 80 %; NaN: none.
    status : tuple of str (D,)
        "to_be_verified" (listed), "watch" (not listed, combined p-value up to .05), "cannot_tell" (detectable inflation above
        `matters`, or unknown), "no_sign_found".
    highest : float
        Highest score given.
    matters : float
        Inflation in points that would matter.
    fdr, level : float
        False discovery rate of the list; level of the limits.
    seed : int
    first_day, last_day : str
        Of the responses; "" without times.
    off_roster : float
        Responses whose visit is not on the roster.
    assumptions : tuple of Assumption
        What the list and the corrected scores rest on.
    responses, roster : Responses, Roster or None
        The tables, for evidence rows; not kept in JSON.
    """

    signals: tuple[Signal, ...] = field(repr=False)
    left_out: dict[str, str]
    evidence: CombinedEvidence = field(repr=False)
    scores: HonestScores = field(repr=False)
    n_own: Floats = field(repr=False)
    detectable: Floats = field(repr=False)
    status: tuple[str, ...] = field(repr=False)
    highest: float
    matters: float
    fdr: float
    level: float
    seed: int
    first_day: str
    last_day: str
    off_roster: float
    assumptions: tuple[Assumption, ...] = field(repr=False)
    responses: Responses | None = field(default=None, repr=False, metadata={"memory_only": True})
    roster: Roster | None = field(default=None, repr=False, metadata={"memory_only": True})

    @property
    def dealers(self) -> Any:
        """Labels of the dealers, (D,)."""
        return self.scores.labels["dealer"]

    @property
    def flagged(self) -> Any:
        """Dealers on the list, (D,) bool."""
        return self.evidence.flagged

    @property
    def expected_false(self) -> float:
        """How many of the listed dealers are expected to have done nothing, at most."""
        return self.fdr * float(self.flagged.sum())

    def reasons(self, dealer: Any) -> tuple[Reason, ...]:
        """Signals that show at one dealer, strongest first.

        Parameters
        ----------
        dealer : label

        Returns
        -------
        tuple of Reason

        Raises
        ------
        InputError
            No such dealer.
        """
        self._place(dealer)
        return reasons_of(self.signals, dealer)

    def to_frame(self, language: str = "en") -> pd.DataFrame:
        """One row per dealer, the strongest evidence first.

        dealer, n, score (mean of all answers), adjusted_score (with the customers of the network), corrected_score (honest mean over the
        visits on the roster), conf_low, conf_high, inflation, p_value, q_value, flagged, status, detectable, reasons (of dealers to be
        verified or watched; strongest first), inflation_low, inflation_high, rank, rank_low, rank_high.
        """
        known = {name: getattr(self.scores, name) for name in _FROM_SCORES}
        evidence = {name: getattr(self.evidence, name) for name in ("p_value", "q_value", "flagged")}
        shown = [
            " ".join(reason.text(language) for reason in self.reasons(dealer)[:MOST]) if status in STATUSES[:2] else ""
            for dealer, status in zip(self.dealers.tolist(), self.status, strict=True)
        ]
        status = [texts.render(f"term.status_{code}", language) for code in self.status]
        table = frame({
            "dealer": self.dealers, **known, **evidence, "status": status, "detectable": self.detectable, "reasons": shown,
            **{name: getattr(self.scores, name) for name in _RANKS},
        })
        return table.sort_values("p_value", kind="stable").reset_index(drop=True)

    def tidy(self) -> pd.DataFrame:
        """One row per term ("corrected_score", "inflation") and dealer: term, dealer, estimate, std_error, conf_low, conf_high."""
        return self.scores.tidy()

    def dealer(self, dealer: Any) -> DealerRecord:
        """Everything the audit says of one dealer.

        Parameters
        ----------
        dealer : label

        Returns
        -------
        DealerRecord

        Raises
        ------
        InputError
            No such dealer.
        """
        place = self._place(dealer)
        calls, below = plan_calls(self.n_own[[place]], self._touched()[[place]])
        figures = {name: float(getattr(self.scores, name)[place]) for name in (*_FROM_SCORES, *_RANKS)}
        figures |= {name: float(getattr(self.evidence, name)[place]) for name in ("p_value", "q_value")}
        figures |= {
            "n_own": float(self.n_own[place]), "detectable": float(self.detectable[place]), "calls": float(calls[0]),
            "settles_below": float(below[0]),
        }
        medians = {name: _median(getattr(self.scores, name)) for name in ("n", "score", "adjusted_score")}
        return DealerRecord(
            dealer=dealer, status=self.status[place], flagged=bool(self.flagged[place]), figures=figures, medians=medians,
            reasons=self.reasons(dealer), signals=tuple(SignalLine.of(each, dealer) for each in self.signals),
            left_out=self.left_out, first_day=self.first_day, last_day=self.last_day, fdr=self.fdr, level=self.level, seed=self.seed,
        )

    def evidence_rows(self, dealer: Any) -> pd.DataFrame:
        """Responses and visits that bear the evidence out: signal, response_id, visit, position (row of its table), weightiest first.

        Confidential: numbers of forms and visits, no names. An audit read back from JSON has none of them.
        """
        self._place(dealer)
        rows: list[dict[str, Any]] = []
        for each in self.signals:
            on_roster = each.name == "invitation_bias"
            source = self.roster if on_roster else self.responses
            for position in each.rows_of(dealer).tolist() if each.place_of(dealer) is not None else ():
                rows.append({
                    "signal": each.name, "response_id": None if on_roster else _at(source, "id", position),
                    "visit": _at(source, "visit", position), "position": _at(source, "row", position),
                })
        return frame({name: [row[name] for row in rows] for name in ("signal", "response_id", "visit", "position")})

    def next_checks(self, k: int = 10) -> pd.DataFrame:
        """Which dealers to verify by telephone next, and with how many calls.

        Dealers who may have touched forms are ranked by what a check settles for a call: posterior chance of a lift times the inflation
        it would take off, divided by the calls of the smallest plan that keeps both errors under a tenth (`plan_calls`).

        Parameters
        ----------
        k : int
            Number of dealers.

        Returns
        -------
        pandas.DataFrame
            dealer, status, chance (posterior, given the model), inflation, calls, forms (the dealer asked for), settles_below (the
            confirmed share under which forms were touched), worth (points settled per hundred calls).

        Raises
        ------
        InputError
            `k` is not a whole number from 1.
        """
        wanted = _checks.whole(k, "k", low=1)
        calls, below = plan_calls(self.n_own, self._touched())
        chance = np.where(np.isnan(self.scores.chance), self.flagged, self.scores.chance)
        with np.errstate(divide="ignore", invalid="ignore"):
            worth = np.where(calls > 0, 100.0 * chance * np.maximum(self.scores.inflation, 0.0) / calls, 0.0)
        table = frame({
            "dealer": self.dealers, "status": list(self.status), "chance": chance, "inflation": self.scores.inflation, "calls": calls,
            "forms": self.n_own, "settles_below": below, "worth": np.nan_to_num(worth),
        })
        return table[table["calls"] > 0].sort_values("worth", ascending=False, kind="stable").head(wanted).reset_index(drop=True)

    def summary(self, language: str = "en") -> str:
        """Dealers by status, how many of the list are expected to be honest, and the head of the list."""
        counts = " · ".join(
            f"{texts.render(f'term.status_{code}', language)} {self.status.count(code)}" for code in STATUSES
        )
        listed = texts.render(
            "term.audit_list", language, listed=int(self.flagged.sum()), fdr=self.fdr, expected=self.expected_false
        )
        table = self.to_frame(language)
        head = table[table["flagged"]].head(10)[["dealer", "n", "score", "corrected_score", "conf_low", "conf_high", "q_value", "reasons"]]
        shown = head.to_string(index=False, float_format=lambda value: f"{value:.3g}", max_colwidth=80) if len(head) else ""
        left = texts.listed("reason", sorted(set(self.left_out.values())), language)
        return "\n".join(part for part in (counts, listed, shown, left) if part)

    def _touched(self) -> Floats:
        """Share of the own answers that would be touched where the inflation is as estimated: the lift over the room above honest."""
        with np.errstate(divide="ignore", invalid="ignore"):
            lift = np.maximum(self.scores.inflation, 0.0) * self.scores.n / self.n_own
            room = self.highest - (self.scores.score - self.scores.inflation)
            return np.clip(np.nan_to_num(lift / room, nan=0.0, posinf=0.0), 0.1, 1.0)

    def _place(self, dealer: Any) -> int:
        place = np.flatnonzero(self.dealers == dealer)
        if not place.size:
            raise InputError(f"There is no dealer {dealer!r}.", code="unknown_dealer", argument="dealer", levels=[dealer])
        return int(place[0])


def _median(values: Floats) -> float:
    """Of the numbers known; NaN where none is."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else np.nan


def _at(table: Responses | Roster | None, name: str, position: int) -> Any:
    values = None if table is None else getattr(table, name)
    value = None if values is None else values[position]
    return text_of(value) if isinstance(value, bytes) else value
