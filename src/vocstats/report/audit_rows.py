"""An audit as rows of tables: the list of dealers, and the evidence; figures of few answers are missing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import texts
from ..workflows.audit_reasons import MOST, SHOWS
from ..workflows.dealer_record import SignalLine
from .audit_disclosure import withheld

if TYPE_CHECKING:
    from ..workflows.audit_reasons import Reason
    from ..workflows.audit_result import DealerAudit
    from .wording import Words

LISTED = ("to_be_verified", "watch")
_SCORES = ("adjusted_score", "corrected_score", "conf_low", "conf_high", "inflation", "inflation_low", "inflation_high")


def order(audit: DealerAudit) -> list[int]:
    """Places of the dealers, the strongest evidence first."""
    return [int(place) for place in np.argsort(audit.evidence.p_value, kind="stable")]


def dealer_rows(audit: DealerAudit, words: Words, minimum: int) -> list[dict[str, Any]]:
    """One row per dealer, the strongest evidence first."""
    rows = []
    for place in order(audit):
        dealer, few = audit.dealers[place], audit.scores.n[place] < minimum
        shown = audit.status[place] in LISTED and not few
        reasons = audit.reasons(dealer) if shown else ()
        figures = {"forms": audit.scores.n, "published_score": audit.scores.score}
        figures |= {name: getattr(audit.scores, name) for name in _SCORES}
        figures |= {"p_value": audit.evidence.p_value, "q_value": audit.evidence.q_value, "detectable": audit.detectable}
        rows.append({
            "dealer": str(dealer), "status": words.term(f"status_{audit.status[place]}"),
            **{name: math.nan if few else float(values[place]) for name, values in figures.items()},
            "strongest_reason": said(reasons[0], words, minimum) if reasons else "",
            "benign_checked": words.listed(benign(reasons[:MOST], words)),
            "reason": words("under_minimum", minimum=minimum) if few else _missing(audit, place, words),
        })
    return rows


def _missing(audit: DealerAudit, place: int, words: Words) -> str:
    """Why a dealer has no corrected score."""
    code = audit.scores.reasons[place] if math.isnan(audit.scores.corrected_score[place]) else ""
    return texts.render(f"reason.{code}", words.language) if code else ""


def evidence_rows(audit: DealerAudit, words: Words, minimum: int) -> list[dict[str, Any]]:
    """One row per dealer and signal, in the order of the list, the strongest signal of a dealer first."""
    return [row for place in order(audit) for row in signal_rows(audit, audit.dealers[place], words, minimum)]


def signal_rows(audit: DealerAudit, dealer: Any, words: Words, minimum: int) -> list[dict[str, Any]]:
    """One row per signal of a dealer, the strongest first, then those that say nothing."""
    sentences = {reason.signal: said(reason, words, minimum) for reason in audit.reasons(dealer) if reason.p_value <= SHOWS}
    lines = [SignalLine.of(each, dealer) for each in audit.signals]
    rows = []
    for line in sorted(lines, key=lambda each: (math.isnan(each.p_value), each.p_value)):
        few = 0 < line.n < minimum and not line.reason
        why = texts.render(f"reason.{line.reason}", words.language) if line.reason else ""
        rows.append({
            "dealer": str(dealer), "signal": words.term(f"signal_{line.name}"), "n": math.nan if few else line.n,
            "effect": math.nan if few else line.effect, "std_error": math.nan if few else line.std_error,
            "unit": words.term(f"unit_{line.unit}"), "p_value": math.nan if few else line.p_value,
            "said": "" if few else sentences.get(line.name, ""),
            "reason": words("under_minimum", minimum=minimum) if few else why,
        })
    return rows


def said(reason: Reason, words: Words, minimum: int) -> str:
    """A reason in words, without figures where too few people stand behind it."""
    if withheld(reason, minimum):
        return words.audit("few_behind", signal=words.term(f"signal_{reason.signal}"), minimum=minimum)
    return reason.text(words.language)


def always_checked(audit: DealerAudit, words: Words) -> list[str]:
    """Ordinary causes looked at for every dealer: his customers, where they are known, and chance."""
    causes = []
    if any(assumption.code == "audit_case_mix" for assumption in audit.assumptions):
        names = words.listed(audit.responses.x) if audit.responses is not None else ""
        causes.append(words.audit("checked_case_mix", names=names) if names else words.audit("checked_case_mix_unnamed"))
    return [*causes, words.audit("checked_chance")]


def benign(reasons: Iterable[Reason], words: Words) -> list[str]:
    """Ordinary causes of the signals that show, which their null accounts for."""
    known = texts.namespace("audit")
    return list(dict.fromkeys(words.audit(key) for reason in reasons if (key := f"checked_{reason.signal}") in known))


def details(audit: DealerAudit, signal: str, dealer: Any) -> dict[str, Any]:
    """Figures a signal tells its evidence with, at one dealer; empty where it says nothing."""
    found = next((each for each in audit.signals if each.name == signal), None)
    place = None if found is None else found.place_of(dealer)
    if found is None or place is None or not np.isfinite(found.p_value[place]):
        return {}
    return {name: column[place] for name, column in found.details.items()}
