"""What the files of a new study suggest: names of files and columns, and which columns tell customers apart."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..tables import InputTable

_ENDINGS = (".csv", ".xlsx", ".parquet", ".sav")
_MOST_LEVELS = 12


def data_files(folder: Path) -> list[str]:
    """Names of the files of data in a folder."""
    return sorted(file.name for file in folder.iterdir() if file.suffix.lower() in _ENDINGS) if folder.is_dir() else []


def existing(folder: Path, name: str) -> Path:
    """The path of a file that is there."""
    path = folder / name
    if not path.is_file():
        raise InputError(f"There is no file {path}.", code="study_no_file", argument="file", path=str(path))
    return path


def column_of(table: InputTable, name: str) -> str:
    """The name of a column that is there."""
    table.require(name)
    return name


def guess_name(names: Iterable[str], words: Iterable[str]) -> str:
    """The name that is one of the words, else the first that holds one of them."""
    listed = list(names)
    for word in words:
        for fits in (lambda name, word=word: name.lower() == word, lambda name, word=word: word in name.lower()):
            if found := [name for name in listed if fits(name)]:
                return found[0]
    return ""


def guess_auxiliaries(table: InputTable, taken: set[Any]) -> list[str]:
    """Columns with a few levels, which tell customers apart."""
    usable = (name for name in table.schema if name not in taken and table.kind(name) in ("text", "boolean", "integer"))
    return [name for name in usable if 2 <= len(levels(table, name, _MOST_LEVELS + 1)) <= _MOST_LEVELS]


def any_missing(table: InputTable, columns: Iterable[str]) -> bool:
    """Whether one of the columns has missing values."""
    return any(table.aggregate({"missing": table.column(name).is_null().sum()})["missing"] for name in columns)


def levels(table: InputTable, column: str, limit: int = 200) -> list[Any]:
    """Values of a column, up to a number of them; none of dates."""
    return table.view({"level": table.column(column)}).distinct("level", limit) if table.kind(column) not in ("date", "datetime") else []
