"""The evidence dealer by dealer: figures, reasons in words, and every signal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import texts
from .audit_rows import details, order, said, signal_rows
from .audit_wording import between, chance, number
from .chapter import Chapter
from .grid import Column, Grid, figure, grid, plain

if TYPE_CHECKING:
    from ..workflows.audit_result import DealerAudit
    from ..workflows.dealer_record import DealerRecord
    from .wording import Words


def dealer_sections(audit: DealerAudit, words: Words, minimum: int) -> Chapter:
    """A section for each dealer on the list."""
    chapter = Chapter("audit-dealers", words.audit("chapter_dealers"))
    places = [place for place in order(audit) if audit.flagged[place]]
    chapter.add("note", words.audit("dealers_intro" if places else "dealers_none"))
    for place in places:
        record = audit.dealer(audit.dealers[place])
        chapter.add("heading", str(record.dealer))
        chapter.add("facts", dealer_facts(audit, record, words, minimum))
        chapter.add("list", [said(reason, words, minimum) for reason in record.reasons])
        chapter.add("grid", signal_grid(audit, record, words, minimum, f"audit-dealer-{place}"))
    return chapter


def dealer_facts(audit: DealerAudit, record: DealerRecord, words: Words, minimum: int) -> list[tuple[str, str]]:
    """What the audit says of a dealer: scores with limits and what they rest on, what could have been seen, whom to call."""
    f = record.figures
    if not f["n"] >= minimum:
        return [(words.term("forms"), forms(record, words, minimum))]
    place = int(np.flatnonzero(audit.dealers == record.dealer)[0])
    rank, low, high = (words.count(f[name]) for name in ("rank", "rank_low", "rank_high"))
    facts = [
        (words.term("forms"), forms(record, words, minimum)),
        (words.term("published_score"), words.audit("fact_score", score=number(f["score"], words),
                                                    median=number(record.medians["score"], words))),
        (words.term("adjusted_score"), number(f["adjusted_score"], words)),
        (words.term("corrected_score"), _estimate(f["corrected_score"], f["conf_low"], f["conf_high"], words)),
        (words.audit("fact_rests"), rests_on(audit, place, words)),
        (words.audit("fact_independent"), _independent(audit, place, words)),
        (words.term("inflation"), _estimate(f["inflation"], f["inflation_low"], f["inflation_high"], words)),
        (words.term("detectable"), number(f["detectable"], words) or words.audit("beyond_reach")),
        (words.audit("fact_rank"), words.audit("fact_interval", estimate=rank, span=words("to", low=low, high=high))
         if math.isfinite(f["rank"]) else ""),
        (words.term("q_value"), chance(f["q_value"], words)),
        (words.audit("fact_onset"), onset(audit, record.dealer, words)),
        (words.audit("fact_plan"), plan(record, words)),
    ]
    return [fact for fact in facts if fact[1]]


def forms(record: DealerRecord, words: Words, minimum: int) -> str:
    """How many forms, by who asked; undivided where one of the parts is small, blank where there are few."""
    n, own = record.figures["n"], record.figures["n_own"]
    if not n >= minimum:
        return texts.render("reason.under_minimum", words.language) if math.isnan(n) else words("fewer_than", count=minimum)
    if min(own, n - own) < minimum:
        return words.count(n)
    return words.audit("fact_forms", n=words.count(n), own=words.count(own), independent=words.count(n - own))


def rests_on(audit: DealerAudit, place: int, words: Words) -> str:
    """What the corrected score of a dealer rests on."""
    s = audit.scores
    if s.identified[place]:
        return words.audit("rests_both" if s.network else "rests_independent")
    ends = {"low": number(float(s.bound_low[place]), words), "high": number(float(s.bound_high[place]), words)}
    return words.audit("rests_network" if s.network else "rests_bounds", **ends)


def onset(audit: DealerAudit, dealer: Any, words: Words) -> str:
    """Since when, with limits, where a change of level showed."""
    found = details(audit, "onset", dealer)
    if not found or np.isnat(found["onset"]):
        return ""
    return words.audit("fact_onset_span", onset=str(found["onset"]), low=str(found["onset_low"]), high=str(found["onset_high"]))


def plan(record: DealerRecord, words: Words) -> str:
    """Whom to call, and what settles it."""
    f = record.figures
    if not f["calls"]:
        return words.audit("plan_none")
    below = words.share(f["settles_below"], 0)
    return words.audit("plan", calls=words.count(f["calls"]), forms=words.count(f["n_own"]), below=below)


def signal_grid(audit: DealerAudit, record: DealerRecord, words: Words, minimum: int, name: str) -> Grid:
    """Every signal at a dealer: effect, standard error, p-value, or why it says nothing."""
    rows = signal_rows(audit, record.dealer, words, minimum)

    def effect(column: str) -> Column:
        return words.term(column), True, lambda row: (number(row[column], words), row[column])

    columns: list[Column] = [
        plain(words.term("signal"), "signal"), figure(words.audit("based_on"), "n", lambda value: words.count(value) if value >= 0 else ""),
        effect("effect"), effect("std_error"), plain(words.term("unit"), "unit"),
        figure(words.term("p_value"), "p_value", lambda value: chance(value, words)),
    ]
    columns += [plain(words.term("reason"), "reason")] if any(row["reason"] for row in rows) else []
    return grid(name, rows, columns, caption=words.audit("signals_caption", dealer=str(record.dealer)))


def _estimate(value: float, low: float, high: float, words: Words) -> str:
    span = between(low, high, words)
    return words.audit("fact_interval", estimate=number(value, words), span=span) if span else number(value, words)


def _independent(audit: DealerAudit, place: int, words: Words) -> str:
    low, high = (float(ends[place]) for ends in audit.scores.selected(audit.flagged))
    return words.audit("fact_independent_span", span=between(low, min(high, audit.highest), words)) if math.isfinite(low) else ""
