"""Printable pages of dealers: the copy a dealer gets, and the auditor's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import _checks
from ..options import Language
from .audit_disclosure import DISCLOSED, checked_disclosure

if TYPE_CHECKING:
    from ..workflows.audit_result import DealerAudit


def write_dealer_pages(
    audit: DealerAudit, folder: str | Path, *, pages: str | Sequence[Any] = "flagged", disclose: Sequence[str] = DISCLOSED,
    languages: Sequence[Language] = ("zh", "en"), reply_to: str = "", reply_days: int = 10, minimum_group: int = 5,
    period: str | None = None, run: str = "",
) -> list[Path]:
    """Write one A4 page per dealer for the dealer, and one for the auditor.

    Parameters
    ----------
    audit : DealerAudit
        The audit itself; read back from JSON it has no times of forms, and pages have no chart.
    folder : str or Path
        Folder that exists; pages go to ``dealers/`` and ``dealers_internal/`` in it.
    pages : {"flagged", "all"} or sequence of dealers
        Whose pages to write.
    disclose : sequence of str
        Signals dealers may be told of; the auditor's copy has all.
    languages : sequence of {"en", "zh"}
        One file each.
    reply_to : str
        Where the dealer is to reply, an address; empty: a line to fill in.
    reply_days : int
        Working days to reply.
    minimum_group : int
        No count of customers or forms below it on the dealer's copy.
    period : str, optional
        Said on the page; None: the days of the responses.
    run : str
        Name of the run, in the number of the page ("2026Q3" makes "2026Q3-D0123").

    Returns
    -------
    list of Path
        Every file written.

    Raises
    ------
    InputError
        A language, a dealer, a signal or `pages` is unknown, or a signal of `disclose` stays inside.
    MissingDependencyError
        jinja2 is not installed.
    """
    checked_disclosure(disclose)
    _checks.whole(reply_days, "reply_days", low=1)
    _checks.whole(minimum_group, "minimum_group", low=1)
    return []
