"""``vocstats correct``: the options of one command line as a study, corrected and shown, nothing written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..study import Study, study_from_document
from ..study.reading import read_base, read_files
from ..study.running import correct_study, gather, publishable_result
from .showing import show_result

if TYPE_CHECKING:
    from .terminal import Terminal

_KEYS = {
    "id": "registry", "churned": "registry", "outcome": "outcome", "scale": "outcome", "statistics": "outcome", "top": "outcome",
    "bottom": "outcome", "missing_codes": "outcome", "auxiliaries": "auxiliaries", "missing": "auxiliaries", "by": "correct",
    "method": "correct", "shadow": "correct", "weighting": "correct", "small_groups": "correct", "inference": "correct", "kpi": "correct",
    "silent_shift": "sensitivity", "churned_shift": "sensitivity", "mode_shift": "sensitivity", "headline": "correct", "level": "study",
    "minimum_group": "report", "tenure": "cohorts", "entry": "cohorts", "grid": "cohorts", "cohort_by": "cohorts",
}  # fmt: skip
_RENAMED = {"outcome": "column", "auxiliaries": "columns", "cohort_by": "by"}


def study_of_options(
    registry: Path, sources: Mapping[str, Path | None], shared: Mapping[str, Any], told: Mapping[str, str | None],
    options: Mapping[str, Any],
) -> tuple[Study | None, list[InputError]]:
    """The study a command line describes, or what is wrong with it.

    Parameters
    ----------
    registry : Path
        The registry.
    sources : mapping
        {source: file or None}.
    shared : mapping
        Keys of every source: repeated, unmatched, date.
    told : mapping
        Columns of some sources: of those drawn ("selected"), in the follow-up and the exit interview; of the attempt, in the survey.
    options : mapping
        {option: value or None}, named as in `_KEYS`.
    """
    document: dict[str, Any] = {"schema_version": 1, "registry": {"file": str(registry)}, "answers": {}}
    document["study"] = {"title": registry.stem, "output": "out"}
    for source, file in sources.items():
        if file is not None:
            key = "attempt" if source == "survey" else "selected"
            own = {key: told[key]} if told[key] else {}
            document["answers"][source] = {"file": str(file), **shared, **own}
    for option, value in options.items():
        if value is not None and value != []:
            document.setdefault(_KEYS[option], {})[_RENAMED.get(option, option)] = value
    return study_from_document(document, path=Path.cwd() / "study.toml")


def correct_and_show(terminal: Terminal, study: Study, *, json: bool) -> None:
    """Correct and write the tables, the sentence and the assumptions, or JSON."""
    terminal.name_files(study)
    with terminal.progress() as tell:
        files = read_files(study)
        tell("read", 0, 1)
        base = read_base(study, files)
        tell("read", 1, 1)
        corrections, domains = correct_study(study, base, tell)
        content = gather(study, base, corrections, domains, files.records())
    if json:
        terminal.out.file.write(publishable_result(content).to_json(indent=1) + "\n")
        return
    show_result(terminal, content, groups=True)
    for assumption in next(iter(corrections.values())).assumptions:
        terminal.say("assumption", text=assumption.text(terminal.language))


def churned_of(text: str) -> Any:
    """``COLUMN``, ``COLUMN=VALUE,VALUE`` or ``COLUMN<2026-10-01`` as the study file writes it."""
    match = re.fullmatch(r"(.+?)\s*(=|<)\s*(.+)", text)
    if match is None:
        return text
    column, sign, value = match.groups()
    return {"column": column, "before": value} if sign == "<" else {"column": column, "is": _split(value)}


def numbers_of(text: str | None, option: str) -> list[float] | None:
    """``1,10`` as numbers."""
    if text is None:
        return None
    try:
        return [int(part) if re.fullmatch(r"[+-]?\d+", part) else float(part) for part in _split(text)]
    except ValueError:
        raise InputError(
            f"{option} takes numbers separated by commas, for example 1,10; got {text!r}.", code="cli_numbers", argument=option, got=text
        ) from None


def names_of(texts: Sequence[str] | None) -> list[str]:
    """Names given one by one or separated by commas."""
    return [name for text in texts or () for name in _split(text)]


def _split(text: str) -> list[str]:
    return [part.strip() for part in re.split("[,,]", text) if part.strip()]
