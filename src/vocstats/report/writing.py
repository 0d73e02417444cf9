"""The tables of a report as frames and as files: CSV with BOM, and one Excel workbook."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._checks import choice
from ..errors import MissingDependencyError
from ..options import Language
from .sheets import Sheet, sheets

if TYPE_CHECKING:
    import pandas as pd

    from .content import ReportContent

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
WIDEST = 60


def tables(content: ReportContent, language: Language) -> dict[str, pd.DataFrame]:
    """Every table of the report by name, with its headings in one language.

    Parameters
    ----------
    content : ReportContent
        What to show.
    language : {"en", "zh"}
        Language of headings and texts.

    Returns
    -------
    dict of str to DataFrame
        "readme", "overview", one "by_<column>" for each breakdown, "balance", "weights", "assumptions", "glossary", as
        far as the content offers them. Scores and shares are numbers, shares between 0 and 1; labels are text; what is
        not shown is NaN.

    Raises
    ------
    InputError
        `language` is unknown.
    """
    choice(language, Language, "language")
    return {sheet.name: sheet.frame.rename(columns=dict(sheet.headings)) for sheet in sheets(content, language)}


def write_tables(content: ReportContent, folder: str | Path, languages: Sequence[Language], *, excel: bool = True) -> list[Path]:
    """Write ``tables/*.csv`` and ``tables.xlsx`` into `folder`.

    Parameters
    ----------
    content : ReportContent
        What to show.
    folder : str or Path
        Folder that exists.
    languages : sequence of {"en", "zh"}
        The CSVs come in each language (``overview.zh.csv``), or without a suffix where there is one only. The workbook is
        in the first, with the headings of the others underneath.
    excel : bool
        Whether to write the workbook.

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
    for language in languages:
        choice(language, Language, "languages")
    return write_sheets({language: sheets(content, language) for language in languages}, folder, excel=excel)


def write_pages(render: Callable[[Language], str], folder: str | Path, languages: Sequence[Language]) -> list[Path]:
    """Write ``report.<language>.html`` into `folder` as `render` makes it of each language; the files."""
    for language in languages:
        choice(language, Language, "languages")
    written = []
    for language in languages:
        path = Path(folder) / f"report.{language}.html"
        path.write_text(render(language), encoding="utf-8")
        written.append(path)
    return written


def write_sheets(made: Mapping[Language, tuple[Sheet, ...]], folder: str | Path, *, excel: bool) -> list[Path]:
    """Write the same sheets in several languages as ``tables/*.csv`` and ``tables.xlsx``; the files, see `write_tables`."""
    target = Path(folder) / "tables"
    written = []
    if excel:
        written.append(_write_workbook(list(made.values()), Path(folder) / "tables.xlsx"))
    target.mkdir(exist_ok=True)
    for language, found in made.items():
        for sheet in found:
            suffix = f".{language}" if len(made) > 1 else ""
            path = target / f"{_file_name(sheet.name)}{suffix}.csv"
            write_csv(sheet, path)
            written.append(path)
    return written


def _file_name(name: str) -> str:
    return re.sub(r'[\\/:*?"<>|\s]+', "_", name)


def _plain(value: Any) -> Any:
    """A cell as a Python value; None where blank."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float):
        return None if not math.isfinite(value) else int(value) if value.is_integer() else value
    return value


def write_csv(sheet: Sheet, path: Path) -> None:
    """Text quoted, numbers bare; text a spreadsheet would run as a formula gets a leading apostrophe."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow([_harmless(heading) for heading in sheet.headings.values()])
        for row in sheet.frame.itertuples(index=False, name=None):
            writer.writerow(["" if value is None else _harmless(value) for value in map(_plain, row)])


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _write_workbook(languages: list[tuple[Sheet, ...]], path: Path) -> Path:
    try:
        from openpyxl import Workbook
    except ImportError as error:
        message = "tables.xlsx needs openpyxl; install it with: pip install 'vocstats[report]', or switch Excel off (excel = false)."
        raise MissingDependencyError(message, code="missing_dependency", package="openpyxl", extra="report") from error
    book = Workbook()
    book.remove(book.active)
    for same in zip(*languages, strict=True):
        _fill(book.create_sheet(_sheet_title(same[0].title, book.sheetnames)), same)
    book.save(path)
    return path


def _sheet_title(title: str, taken: list[str]) -> str:
    """A sheet name Excel accepts: at most 31 characters, none of ``[]:*?/\\``, none twice."""
    clean = re.sub(r"[\[\]:*?/\\']+", " ", title).strip()[:28] or "-"
    return clean if clean not in taken else f"{clean} {len(taken)}"


def _fill(page: Any, same: tuple[Sheet, ...]) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    first = same[0]
    for column, key in enumerate(first.frame.columns, start=1):
        names = list(dict.fromkeys(sheet.headings[key] for sheet in same))
        _set(page.cell(1, column), "\n".join(names))
        page.cell(1, column).font = Font(bold=True)
        page.cell(1, column).alignment = Alignment(wrap_text=True, vertical="top")
        values = [_plain(value) for value in first.frame[key]]
        for row, value in enumerate(values, start=2):
            _set(page.cell(row, column), value)
        texts = [*names, *(value for value in values if isinstance(value, str))]
        longest = max((sum(2 if ord(character) > 0x2E7F else 1 for character in text) for text in texts), default=8)
        page.column_dimensions[get_column_letter(column)].width = min(max(longest + 2, 10), WIDEST)
    page.freeze_panes = "A2"


def _set(cell: Any, value: Any) -> None:
    """Write a value; text stays text, whatever it begins with."""
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
        cell.number_format = "@"
        cell.quotePrefix = value.startswith(FORMULA_STARTS)
    elif isinstance(value, float):
        cell.number_format = "0.000"
