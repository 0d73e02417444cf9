"""A folder that appears whole or not at all."""

from __future__ import annotations

import secrets
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError
from .lock_file import LOCK_NAME


def refuse_taken(folder: Path, *, overwrite: bool) -> None:
    """Raise unless `folder` is free, or holds nothing but an earlier run and may be overwritten."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not overwrite:
        raise InputError(
            f"{folder} exists already. Choose another output, or overwrite it (--overwrite).",
            code="study_output_exists", argument="study.output", path=str(folder),
        )
    strangers = _strangers(folder)
    if strangers:
        shown = ", ".join(strangers[:5]) + (", ..." if len(strangers) > 5 else "")
        raise InputError(
            f"{folder} is not replaced: it holds what no run of vocstats wrote ({shown}). Move that away, or choose another output.",
            code="study_output_foreign", argument="study.output", levels=strangers, path=str(folder), names=shown,
        )


@contextmanager
def whole_folder(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a new folder beside `folder` to write into, and move it there at the end.

    An interrupted run removes what it wrote; a killed one leaves ``.<name>.unfinished-<digits>``, which may be deleted.
    """
    refuse_taken(folder, overwrite=overwrite)
    folder.parent.mkdir(parents=True, exist_ok=True)
    mark = secrets.token_hex(4)
    unfinished = folder.with_name(f".{folder.name}.unfinished-{mark}")
    replaced = folder.with_name(f".{folder.name}.replaced-{mark}")
    unfinished.mkdir()
    try:
        yield unfinished
        refuse_taken(folder, overwrite=overwrite)
        _move(unfinished, folder, replaced)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    shutil.rmtree(replaced, ignore_errors=True)


def _move(unfinished: Path, folder: Path, replaced: Path) -> None:
    if folder.exists():
        folder.rename(replaced)
    try:
        unfinished.rename(folder)
    except OSError:
        if replaced.exists():
            replaced.rename(folder)
        raise


def _strangers(folder: Path) -> list[str]:
    """What lies in `folder` without being named in its lock file."""
    if folder.is_symlink() or not folder.is_dir():
        return [folder.name]
    found = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if not path.is_dir() or path.is_symlink()]
    try:
        lock = tomllib.loads((folder / LOCK_NAME).read_text(encoding="utf-8"))["lock"]
        written = {*lock["written"], LOCK_NAME}
    except (OSError, ValueError, KeyError, TypeError):
        return found
    return [name for name in found if name not in written]
