"""The chapters of an audit: dealers by status, the list, its evidence dealer by dealer, and how to read it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import texts
from ..plots.audit_frames import fingerprint_frame, top_marks
from ..workflows.audit_reasons import SHOWS
from ..workflows.audit_result import STATUSES
from . import audit_charts
from .audit_dealers import dealer_sections
from .audit_rows import always_checked, dealer_rows
from .audit_wording import between, chance, number, relation
from .chapter import Chapter
from .council import file_grid
from .grid import Column, Grid, figure, grid, plain
from .wording import points

if TYPE_CHECKING:
    from ..workflows.audit_result import DealerAudit
    from .content import FileRecord
    from .wording import Words


def audit_chapters(audit: DealerAudit, words: Words, minimum: int, disclose: tuple[str, ...]) -> list[Chapter]:
    """All chapters of an audit, in order."""
    return [
        overview(audit, words, minimum), dealer_list(audit, words, minimum), dealer_sections(audit, words, minimum),
        reading(audit, words, disclose),
    ]


def overview(audit: DealerAudit, words: Words, minimum: int) -> Chapter:
    """Dealers by status, how many of the list are expected to have done nothing, and the two charts."""
    chapter = Chapter("audit", words.audit("chapter_audit"))
    counts = [(status, audit.status.count(status)) for status in STATUSES]
    chapter.add("tiles", [(status, words.count(count), words.term(f"status_{status}")) for status, count in counts])
    chapter.add("text", f"{listed(audit, words)}{words.gap}{words.audit('no_verdict')}")
    chapter.add("chart", audit_charts.key(words))
    chapter.add("pair", [part for part in (_funnel(audit, words, minimum), _fingerprint(audit, words, minimum)) if part])
    few = int((audit.scores.n < minimum).sum())
    chapter.add("note", words.audit("small_left_out", count=few, minimum=minimum) if few else "")
    return chapter


def listed(audit: DealerAudit, words: Words) -> str:
    """How long the list is, and how many of it are expected to have done nothing."""
    count, fdr = int(audit.flagged.sum()), words.percent(audit.fdr)
    if not count:
        return words.audit("listed_none")
    if audit.expected_false < 1.0:
        return words.audit("listed_few", listed=count, fdr=fdr, among=f"{1 / audit.fdr:.0f}")
    return words.audit("listed", listed=count, fdr=fdr, expected=f"{audit.expected_false:.0f}")


def _funnel(audit: DealerAudit, words: Words, minimum: int) -> tuple[str, Any, str]:
    of = next(each for each in audit.signals if each.name == "level_excess")
    null = {name: words.number(float(values[0])) for name, values in of.null.items() if name in ("centre", "spread")}
    note = words.audit("funnel_note", **null) if null else words.audit("funnel_no_limits")
    return words.audit("funnel_heading"), audit_charts.control_limits(audit, words, minimum), note


def _fingerprint(audit: DealerAudit, words: Words, minimum: int) -> tuple[str, Any, str]:
    heading = words.audit("fingerprint_heading")
    if audit.roster is None or audit.responses is None:
        return heading, "", words.audit("fingerprint_missing")
    frame = fingerprint_frame(audit, minimum_group=minimum)
    return heading, audit_charts.fingerprint(frame, points(top_marks(audit)), words), words.audit("fingerprint_note")


def dealer_list(audit: DealerAudit, words: Words, minimum: int) -> Chapter:
    """The ranked table."""
    chapter = Chapter("audit-list", words.audit("chapter_list"))
    flagged = np.flatnonzero(audit.flagged)
    if flagged.size:
        last = int(flagged[np.argmax(audit.evidence.q_value[flagged])])
        q = relation(float(audit.evidence.q_value[last]), words)
        chapter.add("note", words.audit("list_q", q=q, dealer=str(audit.dealers[last])))
    chapter.add("note", _unseen(audit, words, minimum))
    rows = dealer_rows(audit, words, minimum)
    few = int((audit.scores.n < minimum).sum())
    chapter.add("note", words.audit("list_blank", count=few, minimum=minimum) if few else "")
    chapter.add("note", words.audit("list_checked", causes=words.listed(always_checked(audit, words))))
    caption = words.audit("list_intro", level=words.percent(audit.level))
    chapter.add("grid", grid("audit-list", rows, _columns(words, rows, minimum), caption=caption, interactive=True))
    return chapter


def _unseen(audit: DealerAudit, words: Words, minimum: int) -> str:
    """One dealer of whom nothing can be told, as an example: the middle one."""
    places = [k for k, status in enumerate(audit.status) if status == "cannot_tell" and math.isfinite(audit.detectable[k])]
    places = sorted((k for k in places if audit.scores.n[k] >= minimum), key=lambda k: audit.scores.n[k])
    if not places:
        return ""
    k = places[len(places) // 2]
    n, reach = words.count(audit.scores.n[k]), words.number(audit.detectable[k])
    return words.audit("list_cannot_tell", dealer=str(audit.dealers[k]), n=n, detectable=reach)


def _columns(words: Words, rows: list[dict[str, Any]], minimum: int) -> list[Column]:
    def score(name: str) -> Column:
        return figure(words.term(name), name, lambda value: number(value, words))

    def span(heading: str, low: str, high: str) -> Column:
        return heading, True, lambda row: (between(row[low], row[high], words), row[low])

    def reach(row: Mapping[str, Any]) -> tuple[str, Any]:
        blank = math.isnan(row["forms"])
        return ("" if blank else number(row["detectable"], words) or words.audit("beyond_reach")), row["detectable"]

    def forms(row: Mapping[str, Any]) -> tuple[str, Any]:
        few = math.isnan(row["forms"])
        return (words("fewer_than", count=minimum), 0.0) if few else (words.count(row["forms"]), row["forms"])

    missing = [plain(words.term("reason"), "reason")] if any(row["reason"] and row["forms"] >= minimum for row in rows) else []
    return [
        plain(words.term("dealer"), "dealer"), plain(words.term("status"), "status"),
        (words.term("forms"), True, forms),
        score("published_score"), score("adjusted_score"), score("corrected_score"), span(words.audit("interval"), "conf_low", "conf_high"),
        score("inflation"), figure(words.term("q_value"), "q_value", lambda value: chance(value, words)),
        plain(words.term("strongest_reason"), "strongest_reason"), (words.term("detectable"), True, reach),
        plain(words.term("benign_checked"), "benign_checked"), *missing,
    ]


def reading(audit: DealerAudit, words: Words, disclose: tuple[str, ...]) -> Chapter:
    """What a flag says and does not say, what it rests on, and the signals."""
    chapter = Chapter("audit-reading", words.audit("chapter_reading"))
    told = words.listed(words.term(f"signal_{name}") for name in disclose) or words.audit("reading_told_none")
    values = {
        "not": {"fdr": words.percent(audit.fdr)}, "cannot": {"matters": f"{audit.matters:g}"}, "told": {"signals": told},
    }
    names = ("is", "not", "q", "watch", "cannot", "corrected", "next", "told")
    said = {name: words.audit(f"reading_{name}_text", **values.get(name, {})) for name in names}
    chapter.add("entries", [(words.audit(f"reading_{name}"), text) for name, text in said.items()])
    chapter.add("heading", words.audit("assumptions_heading"))
    assumed = [{"assumption": words.assumption(item), "testable": words.term(f"testable_{item.testable}")} for item in audit.assumptions]
    chapter.add("grid", grid("audit-assumptions", assumed, [plain(words.term(name), name) for name in ("assumption", "testable")]))
    if audit.off_roster:
        chapter.add("note", words.audit("off_roster", count=words.count(audit.off_roster)))
    chapter.add("heading", words.audit("signals_heading"))
    chapter.add("note", words.audit("signals_intro"))
    chapter.add("grid", _signals(audit, words, disclose))
    return chapter


def _signals(audit: DealerAudit, words: Words, disclose: tuple[str, ...]) -> Grid:
    """Every signal: of how many dealers it speaks, at how many it shows, who is told; or why it was left out."""
    rows: list[dict[str, Any]] = [
        {
            "signal": words.term(f"signal_{each.name}"), "speaks": float(np.isfinite(each.p_value).sum()),
            "shows": float((each.p_value <= SHOWS).sum()), "told": each.name in disclose, "reason": "",
        }
        for each in audit.signals
    ]
    rows += [
        {"signal": words.term(f"signal_{name}"), "speaks": math.nan, "shows": math.nan, "told": name in disclose,
         "reason": texts.render(f"reason.{code}", words.language)}
        for name, code in audit.left_out.items()
    ]

    def counted(value: float) -> str:
        return words.count(value) if math.isfinite(value) else ""

    columns: list[Column] = [
        plain(words.term("signal"), "signal"), figure(words.audit("speaks_of"), "speaks", counted),
        figure(words.audit("shows_at"), "shows", counted),
        (words.audit("told"), False, lambda row: (words.audit("yes" if row["told"] else "no"), row["told"])),
    ]
    return grid("audit-signals", rows, [*columns, *([plain(words.term("reason"), "reason")] if audit.left_out else [])])


def audit_data(audit: DealerAudit, words: Words, files: tuple[FileRecord, ...], minimum: int) -> Chapter:
    """Days, rates, seed and files of an audit that is reported alone."""
    chapter = Chapter("audit-data", words.audit("chapter_data"))
    facts = [
        (words.audit("fact_days"), words("to", low=audit.first_day, high=audit.last_day) if audit.first_day else ""),
        (words.audit("fact_fdr"), words.percent(audit.fdr)), (words.audit("fact_level"), words.percent(audit.level)),
        (words.audit("fact_matters"), words.audit("fact_matters_points", points=f"{audit.matters:g}")), (words("seed"), str(audit.seed)),
    ]
    chapter.add("facts", [fact for fact in facts if fact[1]])
    chapter.add("text", words.audit("methods_text", method=words.audit(f"combined_{audit.evidence.method}")))
    chapter.add("text", words.audit("methods_small", minimum=minimum))
    if files:
        chapter.add("grid", file_grid(files, words))
    return chapter
