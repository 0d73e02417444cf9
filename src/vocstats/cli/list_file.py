"""A list as one file: its table as CSV, or the whole result as JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..report.writing import write_csv

if TYPE_CHECKING:
    from ..report.sheets import Sheet
    from ..results import Result

_KINDS = (".csv", ".json")


def list_file(output: Path | None) -> Path | None:
    """`output` where it names a file of a list; None where it names a folder, or nothing."""
    return output if output is not None and output.suffix.lower() in _KINDS else None


def refuse_present(path: Path | None, *, overwrite: bool) -> None:
    """Raise where the file is there already."""
    if path is not None and path.exists() and not overwrite:
        raise InputError(
            f"{path} exists already. Choose another name, or replace it (--overwrite).",
            code="cli_output_exists", argument="--output", path=str(path),
        )


def write_list(path: Path, result: Result, sheet: Callable[[], Sheet]) -> None:
    """Write the sheet as CSV, or the result as JSON, as the file's name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".json":
        path.write_text(result.to_json(indent=1), encoding="utf-8")
    else:
        write_csv(sheet(), path)
