"""A report that holds nothing but an audit, and the tables of an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import _checks
from ..options import Language
from .audit_disclosure import DISCLOSED, checked_disclosure
from .content import FileRecord
from .rendering import render_audit
from .sheets import Sheet, audit_sheets_of, pain_sheets_of
from .wording import Words
from .writing import write_pages, write_sheets

if TYPE_CHECKING:
    from ..workflows.audit_result import DealerAudit
    from .pain_content import PainPointContent


def write_audit_report(
    audit: DealerAudit, folder: str | Path, *, title: Mapping[str, str], languages: Sequence[Language] = ("en", "zh"), created: str = "",
    files: Sequence[FileRecord] = (), minimum_group: int = 5, disclose: Sequence[str] = DISCLOSED, period: str = "", producer: str = "",
    excel: bool = False, pain_points: PainPointContent | None = None,
) -> list[Path]:
    """Write ``report.<language>.html`` of an audit alone into `folder`.

    Parameters
    ----------
    audit : DealerAudit
        What to show. Read back from JSON it has no responses: the chart of coverage is then left out.
    folder : str or Path
        Folder that exists.
    title : {language: text}
        A language that is absent falls back to the other.
    languages : sequence of {"en", "zh"}
        One file each; they link to each other.
    created : str
        ISO date of the run.
    files : sequence of FileRecord
        What was read.
    minimum_group : int
        Figures that rest on fewer answers are blank.
    disclose : sequence of str
        Signals dealers are told of; said in the report, where each signal is named.
    period, producer : str
        Said below the title; empty: the days of the responses, and nobody.
    excel : bool
        Whether ``tables.xlsx`` lies beside the report, see `write_audit_tables`.
    pain_points : PainPointContent, optional
        Pain points, whose chapters follow those of the audit.

    Returns
    -------
    list of Path
        Every file written.

    Raises
    ------
    InputError
        A language is unknown, or `disclose` names no signal or one that stays inside.
    MissingDependencyError
        jinja2 is not installed.
    """
    told, minimum = checked_disclosure(disclose), _checks.whole(minimum_group, "minimum_group", low=1)

    def page(language: Language) -> str:
        return render_audit(
            audit, language=language, title=title, languages=tuple(languages), created=created, files=tuple(files), minimum_group=minimum,
            disclose=told, period=period, producer=producer, excel=excel, pain_points=pain_points,
        )

    return write_pages(page, folder, languages)


def audit_sheets(audit: DealerAudit, language: Language, *, minimum_group: int = 5) -> tuple[Sheet, ...]:
    """Tables of an audit, one per sheet: the list of dealers, and the evidence.

    Parameters
    ----------
    audit : DealerAudit
        What to show.
    language : {"en", "zh"}
        Language of headings and texts.
    minimum_group : int
        Figures that rest on fewer answers are NaN.

    Returns
    -------
    tuple of Sheet
        "audit_list" (核查名单) with a row per dealer, and "audit_evidence" (核查证据) with a row per dealer and signal.

    Raises
    ------
    InputError
        `language` is unknown.
    """
    _checks.choice(language, Language, "language")
    return audit_sheets_of(audit, Words(language), minimum_group)


def write_audit_tables(
    audit: DealerAudit, folder: str | Path, languages: Sequence[Language], *, minimum_group: int = 5, excel: bool = True,
    pain_points: PainPointContent | None = None,
) -> list[Path]:
    """Write the tables of an audit as ``tables/*.csv`` and ``tables.xlsx`` into `folder`.

    Parameters
    ----------
    audit : DealerAudit
        What to show.
    folder : str or Path
        Folder that exists.
    languages : sequence of {"en", "zh"}
        As in `write_tables`.
    minimum_group : int
        Figures that rest on fewer answers are NaN.
    excel : bool
        Whether to write the workbook.
    pain_points : PainPointContent, optional
        Pain points, whose tables follow those of the audit.

    Returns
    -------
    list of Path
        Every file written.

    Raises
    ------
    InputError
        A language is unknown.
    MissingDependencyError
        `excel` is asked for and openpyxl is not installed.
    """
    made = {
        language: audit_sheets(audit, language, minimum_group=minimum_group)
        + (() if pain_points is None else pain_sheets_of(pain_points, Words(language)))
        for language in languages
    }
    return write_sheets(made, folder, excel=excel)
