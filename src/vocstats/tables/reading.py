"""Files to tables: CSV, Excel, Parquet, SPSS."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import suggestion
from ..errors import InputError, MissingDependencyError, VocstatsError, shown

if TYPE_CHECKING:
    import pandas as pd

    Opened = tuple[Sequence[str], Callable[[list[str]], pd.DataFrame]]  # the columns a file has, and how to read some of them

_MISSING_NUMBERS = frozenset({"NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "None", "."})
_EXCEL_DIGITS = 10**15  # a number in an Excel cell keeps 15 digits


def read_table(
    path: str | Path,
    *,
    sheet: str | int | None = None,
    encoding: str | None = None,
    columns: Sequence[str] | None = None,
    text_columns: Sequence[str] = (),
    number_columns: Sequence[str] = (),
) -> pd.DataFrame:
    """Read a CSV (.csv, .tsv, .txt), Excel (.xlsx), Parquet or SPSS (.sav) file.

    Only an empty field is missing. A word that other software writes for a missing number (NA, NULL, ...) is missing in a
    column whose other values are all numbers, and a value like any other elsewhere.

    Parameters
    ----------
    path : str or Path
        The file; its ending says what it is.
    sheet : str or int, optional
        Excel sheet by name or position; the first without it.
    encoding : str, optional
        Of a CSV file. Without it UTF-8 (with or without BOM), UTF-16 with BOM and GB18030 (GBK, GB2312) are told apart.
    columns : sequence of str, optional
        The columns to read; all without it.
    text_columns : sequence of str
        Columns to read as text, ids above all: 00123 stays 00123, eighteen digits stay eighteen digits.
    number_columns : sequence of str
        SPSS columns to keep as numbers although their values have labels: scores.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    InputError
        The file is not there, cannot be read, or lacks a column or has it twice; or Excel has rounded ids kept as numbers.
    MissingDependencyError
        The package that reads this kind of file is not installed.
    """
    file = Path(path)
    readers: dict[str, Callable[[], Opened]] = {
        ".csv": lambda: _csv(file, encoding, text_columns),
        ".tsv": lambda: _csv(file, encoding, text_columns),
        ".txt": lambda: _csv(file, encoding, text_columns),
        ".xlsx": lambda: _excel(file, sheet, text_columns),
        ".parquet": lambda: _parquet(file, text_columns),
        ".sav": lambda: _spss(file, text_columns, number_columns),
    }
    if file.suffix.lower() not in readers:
        raise InputError(
            f"{file.name} is of no kind that can be read ({', '.join(readers)}). Save it as one of these.",
            code="unknown_file_kind", argument="path", file=file.name, kinds=", ".join(readers),
        )
    if not file.is_file():
        raise InputError(
            f"There is no file {str(path)!r}. Paths are relative to the study file.", code="no_such_file", argument="path", file=str(path)
        )
    try:
        present, read = readers[file.suffix.lower()]()
        _require(file, present, [*(columns or ()), *text_columns, *number_columns])
        return read([name for name in present if columns is None or name in {*columns, *text_columns, *number_columns}])
    except (VocstatsError, OSError, MemoryError):
        raise
    except Exception as error:  # each reader has errors of its own
        reason = " ".join(str(error).split())
        raise InputError(
            f"{file.name} cannot be read as a {file.suffix} file: {reason}. Open it, correct it, or export it again.",
            code="unreadable_file", argument="path", file=file.name, kind=file.suffix, reason=reason,
        ) from error


def _require(file: Path, present: Sequence[str], columns: Sequence[str]) -> None:
    for column in columns:
        if column not in present:
            hint, near = suggestion(column, present)
            raise InputError(
                f"{file.name} has no column {column!r}.{hint} It has {shown(present, len(present))}.",
                code="unknown_column", argument="columns", levels=[column], table=file.name, column=column, **near,
            )


def _refuse_twice(file: Path, header: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise where one of the columns stands more than once in the header, where pandas would rename the others."""
    names = header.iloc[0].astype(str).tolist() if len(header) else []
    twice = [column for column in columns if names.count(column) > 1]
    if twice:
        raise InputError(
            f"{file.name} has more than one column {shown(twice)}. Rename one of them.",
            code="duplicate_columns", argument=file.name, levels=twice,
        )


# ------------------------------------------------------------------ CSV
def _csv(file: Path, encoding: str | None, text_columns: Sequence[str]) -> Opened:
    import pandas as pd

    coding = encoding or detect_encoding(file)
    try:
        with file.open(encoding=coding) as stream:
            header = stream.readline()
        separator = max((",", ";", "\t"), key=header.count)
        present = list(pd.read_csv(file, encoding=coding, sep=separator, nrows=0).columns.astype(str))
    except (UnicodeDecodeError, LookupError) as error:
        raise InputError(
            f"{file.name} cannot be read as {coding}: {error}. Leave encoding= out, or name the right one.",
            code="wrong_encoding", argument="encoding", file=file.name, encoding=coding,
        ) from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{file.name} is empty.", code="empty_table", argument="path", table=file.name) from None

    def read(columns: list[str]) -> pd.DataFrame:
        header = pd.read_csv(file, encoding=coding, sep=separator, header=None, nrows=2, dtype=str)  # refuses a longer second row
        _refuse_twice(file, header, columns)
        frame = pd.read_csv(  # without usecols=, which would let rows with too many fields pass
            file, encoding=coding, sep=separator, dtype=dict.fromkeys([*(set(present) - set(columns)), *text_columns], str),
            keep_default_na=False, na_values=[""], low_memory=False,
        )
        return _numbers_with_words(frame[columns], text_columns)

    return present, read


def detect_encoding(file: Path) -> str:
    """Encoding of a text file: UTF-8 with or without BOM, UTF-16 with BOM, or GB18030.

    Parameters
    ----------
    file : Path

    Returns
    -------
    str
        A name Python's codecs know.

    Raises
    ------
    InputError
        The file is none of these.
    """
    with file.open("rb") as stream:
        if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    for name in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(name)()
        try:
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    raise InputError(
        f"{file.name} is neither UTF-8 nor GB18030. Name its encoding (encoding=), or save it as UTF-8.",
        code="unknown_encoding", argument="encoding", file=file.name,
    )


def _numbers_with_words(frame: pd.DataFrame, text_columns: Sequence[str]) -> pd.DataFrame:
    """Columns of numbers in which the missing ones are written as a word."""
    import pandas as pd

    replaced = {}
    for name in frame.columns:
        column = frame[name]
        if name in text_columns or not pd.api.types.is_string_dtype(column.dtype):
            continue
        known = column.dropna()
        words = known.isin(_MISSING_NUMBERS)
        if words.any() and not words.all():
            numbers = pd.to_numeric(known[~words], errors="coerce")
            if numbers.notna().all():
                replaced[name] = numbers.reindex(frame.index)
    return frame.assign(**replaced) if replaced else frame


# ------------------------------------------------------------------ Excel
def _excel(file: Path, sheet: str | int | None, text_columns: Sequence[str]) -> Opened:
    needs("openpyxl", "report", file)
    import pandas as pd

    with pd.ExcelFile(file, engine="openpyxl") as book:
        names = book.sheet_names
        if sheet is not None and (sheet not in names if isinstance(sheet, str) else not 0 <= sheet < len(names)):
            raise InputError(
                f"{file.name} has no sheet {sheet!r}; it has {shown(names, len(names))}.",
                code="unknown_sheet", argument="sheet", file=file.name, sheet=str(sheet), sheets=shown(names, len(names)),
            )
        types = dict.fromkeys(text_columns, object)
        which = 0 if sheet is None else sheet
        header = pd.read_excel(book, sheet_name=which, header=None, nrows=1, dtype=str)
        frame = pd.read_excel(book, sheet_name=which, dtype=types, keep_default_na=False, na_values=[""])
    frame.columns = frame.columns.astype(str)

    def read(columns: list[str]) -> pd.DataFrame:
        _refuse_twice(file, header, columns)
        settled = {name: _excel_text(frame[name], name, file) for name in text_columns}
        return _numbers_with_words(frame[columns].assign(**settled), text_columns)

    return list(frame.columns), read


def _excel_text(column: pd.Series[Any], name: str, file: Path) -> pd.Series[Any]:
    """Cells of an id column as text; numbers of sixteen digits and more have been rounded by Excel."""
    numeric = np.array([isinstance(value, (int, float)) and not isinstance(value, bool) and value == value for value in column])
    rounded = [int(k) for k in np.flatnonzero(numeric) if abs(column.iloc[k]) >= _EXCEL_DIGITS]
    if rounded:
        raise InputError(
            f"Column {name!r} of {file.name} holds numbers of more than 15 digits, which Excel has rounded, at rows {shown(rounded)}. "
            "Export the column as text, or the file as CSV.",
            code="rounded_ids", argument=name, rows=rounded, count=len(rounded), file=file.name,
        )
    return column.map(_cell_text, na_action="ignore").astype("string")


def _cell_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# ------------------------------------------------------------------ Parquet
def _parquet(file: Path, text_columns: Sequence[str]) -> Opened:
    needs("pyarrow", "all", file)
    import pandas as pd
    import pyarrow.parquet as pq

    def read(columns: list[str]) -> pd.DataFrame:
        frame = pd.read_parquet(file, columns=columns, engine="pyarrow")
        return frame.assign(**{name: frame[name].astype("string") for name in text_columns if frame[name].dtype.kind in "iu"})

    return list(pq.read_schema(file).names), read


# ------------------------------------------------------------------ SPSS
def _spss(file: Path, text_columns: Sequence[str], number_columns: Sequence[str]) -> Opened:
    needs("pyreadstat", "spss", file)
    import pyreadstat

    _, about = pyreadstat.read_sav(str(file), metadataonly=True)

    def read(columns: list[str]) -> pd.DataFrame:
        frame, _ = pyreadstat.read_sav(str(file), usecols=columns)
        labelled = {name: about.variable_value_labels[name] for name in columns if name in about.variable_value_labels}
        replaced = {
            name: column.map(labels, na_action="ignore")
            for name, labels in labelled.items()
            if name not in number_columns and set((column := frame[name]).dropna().unique()) <= set(labels)
        }
        texts = {name: frame[name].map(_cell_text, na_action="ignore").astype("string") for name in text_columns}
        return frame[columns].assign(**replaced, **texts)

    return list(about.column_names), read


def needs(module: str, extra: str, file: Path) -> None:
    """Raise unless the package that reads or writes this kind of file is installed."""
    from importlib.util import find_spec

    if find_spec(module) is None:
        raise MissingDependencyError(
            f"{file.name} needs {module}, which is not installed: pip install {module} (or vocstats[{extra}]).",
            code="missing_dependency", argument="path", package=module, extra=extra, file=file.name,
        )
