"""What the terminal shows of an audit: the list, its reasons, whom to call first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.padding import Padding
from rich.table import Table

from .. import texts
from ..report.audit_chapters import listed
from ..report.audit_rows import LISTED, dealer_rows, order, said
from ..report.audit_wording import between, chance, number
from ..report.wording import Words
from ..workflows.audit_reasons import MOST
from ..workflows.audit_result import STATUSES
from .terminal import JOINER, plain_table

if TYPE_CHECKING:
    from ..workflows.audit_result import DealerAudit
    from ..workflows.audit_tables import Responses, Roster
    from .terminal import Terminal

_MOST = 30
_CALLS = 5


def show_audit(terminal: Terminal, audit: DealerAudit, minimum: int) -> None:
    """How many dealers by status, the list with its reasons, whom to call first, and what it rests on."""
    words = Words(terminal.language)
    terminal.show("")
    terminal.show(" · ".join(f"{words.term(f'status_{status}')} {audit.status.count(status)}" for status in STATUSES))
    terminal.show(f"{listed(audit, words)}{words.gap}{words.audit('no_verdict') if audit.flagged.any() else ''}")
    places = [place for place in order(audit) if audit.status[place] in LISTED]
    if places:
        terminal.show("")
        terminal.show(_list_table(terminal, audit, minimum, words))
        _show_reasons(terminal, audit, [place for place in places if audit.flagged[place]][:_MOST], minimum, words)
    _show_calls(terminal, audit)
    terminal.show("")
    if unseen := audit.status.count("cannot_tell"):
        terminal.say("audit_cannot_tell", count=unseen, matters=f"{audit.matters:g}")
    for code in sorted(set(audit.left_out.values())):
        terminal.say("audit_left_out", text=texts.render(f"reason.{code}", terminal.language))
    terminal.list_assumptions(audit.assumptions)


def _list_table(terminal: Terminal, audit: DealerAudit, minimum: int, words: Words) -> Table:
    """Dealers to be verified and watched, the strongest evidence first."""
    table = plain_table()
    for name in ("dealer", "status"):
        table.add_column(words.term(name), no_wrap=True)
    for name in ("forms", "published_score", "corrected_score", "interval", "inflation", "q_value"):
        table.add_column(words.audit(name) if name == "interval" else words.term(name), justify="right")
    rows = [row for row, place in zip(dealer_rows(audit, words, minimum), order(audit), strict=True) if audit.status[place] in LISTED]
    for row in rows[:_MOST]:
        scores = [number(row[name], words) for name in ("published_score", "corrected_score")]
        limits = between(row["conf_low"], row["conf_high"], words).replace(JOINER, "")
        forms = terminal.text("too_small") if np.isnan(row["forms"]) else words.count(row["forms"])
        figures = (forms, *scores, limits, number(row["inflation"], words), chance(row["q_value"], words))
        table.add_row(row["dealer"], row["status"], *figures)
    if len(rows) > _MOST:
        table.caption = terminal.text("more_groups", shown=_MOST, all=len(rows))
    return table


def _show_reasons(terminal: Terminal, audit: DealerAudit, places: Sequence[int], minimum: int, words: Words) -> None:
    for place in places:
        dealer = audit.dealers[place]
        terminal.show("")
        terminal.show(str(dealer))
        for reason in audit.reasons(dealer)[:MOST] if audit.scores.n[place] >= minimum else ():
            terminal.show(Padding(f"- {said(reason, words, minimum)}", (0, 0, 0, 2)))


def _show_calls(terminal: Terminal, audit: DealerAudit) -> None:
    """The dealers to verify by telephone first."""
    checks = audit.next_checks(_CALLS)
    checks = checks[checks["worth"] > 0]
    if audit.flagged.any() and len(checks):
        calls = [terminal.text("audit_call", dealer=row.dealer, calls=f"{row.calls:.0f}") for row in checks.itertuples()]
        terminal.show("")
        terminal.show(terminal.text("audit_calls", dealers=Words(terminal.language).listed(calls)))


def audit_base_table(terminal: Terminal, responses: Responses, roster: Roster | None) -> Table:
    """What an audit has to go by."""
    words = Words(terminal.language)
    table = plain_table()
    table.add_column(terminal.text("column_audited"))
    table.add_column(terminal.text("column_count"), justify="right")
    counts = {"dealers": np.unique(responses.dealer).size, "forms": responses.score.size}
    if responses.independent is not None:
        counts["independent"] = int(responses.independent.sum())
    if roster is not None:
        counts |= {"visits": roster.visit.size, "off_roster": responses.off_roster}
    for name, count in counts.items():
        table.add_row(terminal.text(f"audited_{name}"), words.count(count))
    return table
