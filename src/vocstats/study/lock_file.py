"""``study.lock.toml``: the study with every default written out, the files' hashes, versions, the method chosen."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .schema import KEYS, Key, keys_of, of_any_name, sections_under
from .toml_text import toml, toml_key

if TYPE_CHECKING:
    from ..report.content import FileRecord
    from .study_file import Study

LOCK_NAME = "study.lock.toml"
_PACKAGES = ("vocstats", "numpy", "scipy", "pandas", "statsmodels", "narwhals", "altair", "vl-convert-python", "jinja2", "openpyxl")
_FILE_KEYS = ("file", "outcome_file", "responses", "observations")
_PATHS = {("study", "output"), *((key.section, key.name) for key in KEYS if key.name in _FILE_KEYS)}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages a run uses, where installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_changed_files(study: Study) -> None:
    """Raise where a file differs from the hash the lock file holds."""
    changed = [name for name, digest in study.locked.items() if study.locate(name).is_file() and sha256(study.locate(name)) != digest]
    if changed:
        raise InputError(
            f"{', '.join(changed)} changed since {study.path.name} was written. Run the study file itself to use the new data.",
            code="lock_changed_files", argument="lock.files", levels=changed, names=", ".join(changed), lock=study.path.name,
        )


def lock_text(
    study: Study, *, folder: Path, method: str, created: str, files: Sequence[FileRecord], written: Sequence[str]
) -> str:
    """The lock file of a run.

    Parameters
    ----------
    study : Study
        What was run.
    folder : Path
        Where the lock file will lie: its paths are relative to this folder, so that it can be run as it is.
    method : str
        The method used for the silent; "" where no score is corrected.
    created : str
        ISO date of the run.
    files : sequence of FileRecord
        What was read.
    written : sequence of str
        What the run wrote, relative to `folder`; an overwriting run removes nothing else.

    Returns
    -------
    str
        TOML text.
    """
    settings = {**study.settings, **({"correct": {**study["correct"], "method": method}} if study.corrects else {})}
    lines = [f"# Written by vocstats from {study.path.name}: every default spelt out. Runs as it is, and refuses files that changed.", ""]
    lines += _section_lines("", "", settings, study, folder)
    lines += ["[lock]", f"created = {toml(created)}", f"written = {toml(sorted(written))}", ""]
    lines += ["[lock.versions]", *(f"{toml_key(name)} = {toml(version)}" for name, version in versions().items()), ""]
    for record in files:
        entry = {"role": record.role, "name": _relative(study.locate(record.name), folder), "sha256": record.sha256, "rows": record.rows}
        lines += ["[[lock.files]]", *(f"{name} = {toml(value)}" for name, value in entry.items()), ""]
    return "\n".join(lines)


def _section_lines(pattern: str, path: str, settings: Mapping[str, Any], study: Study, folder: Path) -> list[str]:
    lines = [f"[{path}]"] if path and keys_of(pattern) else []
    lines += [_key_line(key, settings.get(name), study, folder) for name, key in keys_of(pattern).items()]
    lines += [""] if lines else []
    children = sections_under(pattern)
    named = of_any_name(children)
    for name in [*settings] if named is not None else [*children]:
        child = children.get(name) or named
        if child is not None and isinstance(settings.get(name), Mapping):
            lines += _section_lines(child.name, f"{path}.{toml_key(name)}" if path else toml_key(name), settings[name], study, folder)
    return lines


def _key_line(key: Key, value: Any, study: Study, folder: Path) -> str:
    if value is None:
        return f"# {key.name} is not set"
    if isinstance(value, Mapping) and "file" in value:
        value = {**value, "file": _relative(study.locate(value["file"]), folder)}
    if (key.section, key.name) in _PATHS or (key.path == "pain_points.taxonomy" and value != key.default):
        value = _relative(study.locate(value), folder)
    return f"{key.name} = {toml(value)}"


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()
