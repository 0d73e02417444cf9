"""Tables to files: CSV, Parquet, SPSS."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import narwhals as nw

from ..errors import InputError, VocstatsError, shown
from .reading import needs

if TYPE_CHECKING:
    import pandas as pd

_SPSS_NAME = re.compile(r"[^\W\d_](?:[\w.$#@]*[\w$#@])?")
_RESERVED = {"ALL", "AND", "BY", "EQ", "GE", "GT", "LE", "LT", "NE", "NOT", "OR", "TO", "WITH"}
_NAME_BYTES, _LABEL_BYTES, _VALUE_LABEL_BYTES = 64, 255, 120  # of SPSS, in UTF-8: a Chinese character takes three


def write_table(
    frame: Any,
    path: str | Path,
    *,
    labels: Mapping[str, str] | None = None,
    value_labels: Mapping[str, Mapping[Any, str]] | None = None,
    missing_codes: Mapping[str, Sequence[float]] | None = None,
) -> Path:
    """Write a table as CSV (.csv), Parquet (.parquet) or SPSS (.sav) file; `read_table` reads it back.

    Numbers keep all their digits. A CSV file is UTF-8 with a byte order mark, which Excel, R and Python read; a missing value is
    an empty field. SPSS has no missing text: it becomes an empty one there. A categorical column goes to SPSS as the numbers
    1, 2, ... with its categories as value labels.

    Parameters
    ----------
    frame : mapping or dataframe
        The columns; pandas, Polars, PyArrow or whatever else narwhals reads.
    path : str or Path
        The file; its ending says what it is. An existing file is replaced.
    labels : mapping, optional
        {column: variable label}, kept by SPSS files only.
    value_labels : mapping, optional
        {column: {value: label}}, kept by SPSS files only.
    missing_codes : mapping, optional
        {column: codes} that SPSS is to treat as missing ("don't know"); they stay in the file.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    InputError
        The ending is unknown, a name or label is not one SPSS takes, labels are given to another kind of file, or a column
        cannot be written.
    MissingDependencyError
        The package that writes this kind of file is not installed.
    """
    file = Path(path)
    table = as_pandas(frame)
    _check_columns(table, {"labels": labels, "value_labels": value_labels, "missing_codes": missing_codes}, file)
    writers: dict[str, Callable[[], None]] = {
        ".csv": lambda: table.to_csv(file, index=False, encoding="utf-8-sig", lineterminator="\n"),
        ".parquet": lambda: _parquet(table, file),
        ".sav": lambda: _spss(table, file, labels or {}, value_labels or {}, missing_codes or {}),
    }
    if file.suffix.lower() not in writers:
        raise InputError(
            f"{file.name} is of no kind that can be written ({', '.join(writers)}). Give it one of these endings.",
            code="unknown_kind_to_write", argument="path", file=file.name, kinds=", ".join(writers),
        )
    try:
        writers[file.suffix.lower()]()
    except (VocstatsError, OSError, MemoryError):
        raise
    except Exception as error:  # each writer has errors of its own
        reason = " ".join(str(error).split())
        raise InputError(
            f"{file.name} cannot be written: {reason}. Convert the column to numbers, text or dates first.",
            code="unwritable_table", argument="frame", file=file.name, reason=reason,
        ) from error
    return file


def as_pandas(frame: Any) -> pd.DataFrame:
    """Any dataframe, or a mapping of columns, as pandas with the rows numbered."""
    import pandas as pd

    if isinstance(frame, Mapping):
        frame = pd.DataFrame(dict(frame))
    table = frame if isinstance(frame, pd.DataFrame) else nw.from_native(frame, eager_only=True).to_pandas()
    table = table.reset_index(drop=True)
    table.columns = table.columns.astype(str)
    twice = table.columns[table.columns.duplicated()].unique().tolist()
    if twice:
        raise InputError(
            f"frame has more than one column {shown(twice)}. Rename one of them.", code="duplicate_columns", argument="frame", levels=twice
        )
    return table


def _check_columns(table: pd.DataFrame, given: Mapping[str, Mapping[str, Any] | None], file: Path) -> None:
    for argument, wanted in given.items():
        if wanted and file.suffix.lower() != ".sav":
            raise InputError(
                f"{argument} is kept by SPSS files (.sav) only; {file.name} cannot hold it. Leave it out.",
                code="labels_not_kept", argument=argument, file=file.name,
            )
        unknown = [name for name in wanted or {} if name not in table.columns]
        if unknown:
            raise InputError(
                f"{argument} names {shown(unknown)}, which is no column of the table.",
                code="not_in_table", argument=argument, levels=unknown,
            )


def _parquet(table: pd.DataFrame, file: Path) -> None:
    needs("pyarrow", "all", file)
    table.to_parquet(file, engine="pyarrow", index=False)


def _spss(
    table: pd.DataFrame, file: Path, labels: Mapping[str, str], value_labels: Mapping[str, Mapping[Any, str]],
    missing_codes: Mapping[str, Sequence[float]],
) -> None:
    needs("pyreadstat", "spss", file)
    import pandas as pd
    import pyreadstat

    texts = {name: dict(values) for name, values in value_labels.items()}
    columns = {}
    for name in table.columns:
        column = table[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            texts.setdefault(name, {float(code): str(label) for code, label in enumerate(column.cat.categories, 1)})
            column = (column.cat.codes + 1.0).where(column.notna())
        columns[name] = column
    _check_spss(list(columns), labels, texts)
    pyreadstat.write_sav(
        pd.DataFrame(columns), str(file), column_labels=dict(labels), variable_value_labels=texts,
        missing_ranges={name: list(codes) for name, codes in missing_codes.items()},
    )


def _check_spss(names: list[str], labels: Mapping[str, str], value_labels: Mapping[str, Mapping[Any, str]]) -> None:
    """Refuse what SPSS would refuse, or cut off."""
    folded = [name.casefold() for name in names]
    odd = [
        name for name in names
        if not _SPSS_NAME.fullmatch(name) or name.upper() in _RESERVED or _bytes(name) > _NAME_BYTES or folded.count(name.casefold()) > 1
    ]
    if odd:
        raise InputError(
            f"SPSS does not take the column names {shown(odd)}: a name starts with a letter, goes on with letters, digits, . _ $ # @, "
            f"has at most {_NAME_BYTES} bytes ({_NAME_BYTES // 3} Chinese characters), is no word like AND, and differs from the others "
            "not in case only. Rename the columns and give the full names as labels.",
            code="spss_names", argument="frame", levels=odd,
        )
    long = [name for name, label in labels.items() if _bytes(label) > _LABEL_BYTES]
    long += [name for name, known in value_labels.items() if any(_bytes(label) > _VALUE_LABEL_BYTES for label in known.values())]
    if long:
        raise InputError(
            f"SPSS cuts labels off after {_LABEL_BYTES} bytes, labels of values after {_VALUE_LABEL_BYTES} (a Chinese character takes "
            f"three); those of {shown(long)} are longer. Shorten them.",
            code="spss_labels", argument="labels", levels=long,
        )


def _bytes(text: str) -> int:
    return len(text.encode("utf-8"))
