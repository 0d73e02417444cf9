"""A report that holds nothing but pain points, and their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import _checks
from ..options import Language
from .content import FileRecord
from .pain_content import PainPointContent, pain_content
from .rendering import render_pain_points
from .sheets import Sheet, pain_sheets_of
from .wording import Words
from .writing import write_pages, write_sheets

if TYPE_CHECKING:
    from ..workflows.pain_result import PainPointPrevalence


def write_pain_report(
    pains: PainPointPrevalence | PainPointContent, folder: str | Path, *, title: Mapping[str, str],
    languages: Sequence[Language] = ("en", "zh"), created: str = "", files: Sequence[FileRecord] = (), producer: str = "",
    excel: bool = False,
) -> list[Path]:
    """Write ``report.<language>.html`` of pain points alone into `folder`.

    Parameters
    ----------
    pains : PainPointPrevalence or PainPointContent
        What to show; the result itself (not one read back from JSON) is shown as `pain_content` gathers it by default.
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
    producer : str
        Said below the title, beside the time window.
    excel : bool
        Whether ``tables.xlsx`` lies beside the report, see `write_pain_tables`.

    Returns
    -------
    list of Path
        Every file written.

    Raises
    ------
    InputError
        A language is unknown, or the result holds no draws.
    MissingDependencyError
        jinja2 is not installed.
    """
    content = _gathered(pains)

    def page(language: Language) -> str:
        return render_pain_points(
            content, language=language, title=title, languages=tuple(languages), created=created, files=tuple(files), producer=producer,
            excel=excel,
        )

    return write_pages(page, folder, languages)


def pain_sheets(pains: PainPointPrevalence | PainPointContent, language: Language) -> tuple[Sheet, ...]:
    """Tables of pain points, one per sheet.

    Parameters
    ----------
    pains : PainPointPrevalence or PainPointContent
        What to show, as in `write_pain_report`.
    language : {"en", "zh"}
        Language of headings and texts.

    Returns
    -------
    tuple of Sheet
        "pain_points" (痛点) with a row per group and pain, everybody first; "pain_offsets", "pain_sensitivity", and as far as there are
        any "pain_conflict", "pain_next". Figures of small groups are NaN.

    Raises
    ------
    InputError
        `language` is unknown, or the result holds no draws.
    """
    _checks.choice(language, Language, "language")
    return pain_sheets_of(_gathered(pains), Words(language))


def write_pain_tables(
    pains: PainPointPrevalence | PainPointContent, folder: str | Path, languages: Sequence[Language], *, excel: bool = True
) -> list[Path]:
    """Write the tables of pain points as ``tables/*.csv`` and ``tables.xlsx`` into `folder`.

    Parameters
    ----------
    pains : PainPointPrevalence or PainPointContent
        What to show, as in `write_pain_report`.
    folder : str or Path
        Folder that exists.
    languages : sequence of {"en", "zh"}
        As in `write_tables`.
    excel : bool
        Whether to write the workbook.

    Returns
    -------
    list of Path
        Every file written.

    Raises
    ------
    InputError
        A language is unknown, or the result holds no draws.
    MissingDependencyError
        `excel` is asked for and openpyxl is not installed.
    """
    content = _gathered(pains)
    return write_sheets({language: pain_sheets(content, language) for language in languages}, folder, excel=excel)


def _gathered(pains: PainPointPrevalence | PainPointContent) -> PainPointContent:
    return pains if isinstance(pains, PainPointContent) else pain_content(pains)
