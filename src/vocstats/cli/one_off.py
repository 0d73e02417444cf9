"""Commands on files (``correct``, ``track``, ``audit``, ``pain-points``): the options of one command line as a study."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..study import Study, study_from_document
from ..study.correcting import correct_study, gather
from ..study.publishing import publishable_track
from ..study.reading import read_files, read_telling
from ..study.running import publishable_result
from ..study.tracking import track_study
from ..tables import InputTable, read_table
from .showing import show_result
from .tracking import show_tracks

if TYPE_CHECKING:
    from .terminal import Terminal

_SOURCES = ("answers.survey", "answers.follow_up", "answers.exit_interview")
_BASE = {
    "registry": "registry.file", "survey": "answers.survey.file", "follow_up": "answers.follow_up.file",
    "exit_interview": "answers.exit_interview.file", "id": "registry.id", "churned": "registry.churned", "outcome": "outcome.column",
    "scale": "outcome.scale", "statistic": "outcome.statistics", "top": "outcome.top", "bottom": "outcome.bottom",
    "missing_codes": "outcome.missing_codes", "auxiliary": "auxiliaries.columns", "missing": "auxiliaries.missing",
    "level": "study.level", "minimum_group": "report.minimum_group", "attempt": "answers.survey.attempt",
}
_OF_SOURCES = {"selected": _SOURCES[1:], "date": _SOURCES, "repeated": _SOURCES, "unmatched": _SOURCES}
_CORRECT = {name: f"correct.{name}" for name in ("by", "method", "shadow", "weighting", "small_groups", "inference", "kpi", "headline")}
_SHIFTS = {name: f"sensitivity.{name}" for name in ("silent_shift", "churned_shift", "mode_shift")}
_TRACK = {name: f"cohorts.{name}" for name in ("by", "tenure", "entry", "grid")}
_ROSTER = {"roster": "audit.roster.file"} | {name: f"audit.roster.{name}" for name in ("invited", "drawn", "reached")}
AUDIT = {
    name: f"audit.{name}"
    for name in (
        "dealer", "score", "response_id", "visit", "channel", "independent_channel", "items", "case_mix", "outcomes", "time", "device",
        "address", "seconds", "kiosks", "threshold", "top", "matters", "fdr", "level",
    )
} | _ROSTER | {"seed": "study.seed", "minimum_group": "report.minimum_group"}  # fmt: skip
"""Options of an audit of files, and the keys of the study they set."""
PAINS = {
    name: f"pain_points.{name}"
    for name in (
        "pain_point", "response_group", "source", "positive", "n", "groups", "dealer", "by", "coders", "perfect_sources", "taxonomy",
        "engine", "level", "window", "mentions",
    )
} | {
    "frame": "pain_points.frame.file", "customers": "pain_points.frame.customers", "coder_audit": "pain_points.coder_audit.file",
    "drawn_by": "pain_points.coder_audit.drawn_by", "seed": "study.seed", "minimum_group": "report.minimum_group",
}  # fmt: skip
"""Options of an estimate of pain points from files, and the keys of the study they set."""


def correct_and_show(terminal: Terminal, study: Study, *, json: bool) -> None:
    """Correct and write the tables, the sentence and the assumptions, or JSON."""
    terminal.name_files(study)
    with terminal.progress() as tell:
        files = read_files(study)
        base = read_telling(study, files, tell)
        corrections, domains = correct_study(study, base, tell)
        content = gather(study, base, corrections, domains, files.records())
    if json:
        terminal.out.file.write(publishable_result(study, content).to_json(indent=1) + "\n")
        return
    show_result(terminal, content, groups=True)
    terminal.list_assumptions(content.first.assumptions)


def track_and_show(terminal: Terminal, study: Study, *, json: bool) -> None:
    """Track and write the tables and the assumptions, or one JSON document per statistic and line."""
    terminal.name_files(study)
    with terminal.progress() as tell:
        tables = track_study(study, read_telling(study, read_files(study), tell), tell)
    wanted = list(tables.values())[-1]  # by group, with the whole base inside, where groups were asked for
    minimum = study["report"]["minimum_group"]
    if json:
        for track in wanted.values():
            terminal.out.file.write(publishable_track(track, minimum).to_json() + "\n")
        return
    show_tracks(terminal, [track for found in tables.values() for track in found.values()], minimum)
    terminal.list_assumptions(next(iter(wanted.values())).assumptions)


def corrected_study(options: Mapping[str, Any], *, track: bool = False) -> tuple[Study | None, list[InputError]]:
    """The study the command line of ``correct`` or ``track`` describes, or what is wrong with it."""
    document = _document(options, {**_BASE, **(_TRACK if track else {**_CORRECT, **_SHIFTS})}, options["registry"])
    for source in _SOURCES:
        if (section := document["answers"].get(source.partition(".")[2])) is not None:
            section |= {name: options[name] for name, places in _OF_SOURCES.items() if source in places and options.get(name) is not None}
    return study_from_document(document, path=Path.cwd() / "study.toml")


def audited_study(options: Mapping[str, Any], responses: Path) -> tuple[Study | None, list[InputError]]:
    """The study the command line of ``audit`` describes, or what is wrong with it."""
    document = _document({**options, "responses": responses}, {**AUDIT, "responses": "audit.responses"}, responses)
    return study_from_document(document, path=Path.cwd() / "study.toml")


def pain_study(options: Mapping[str, Any], observations: Path) -> tuple[Study | None, list[InputError]]:
    """The study the command line of ``pain-points`` describes, or what is wrong with it."""
    given = {**options, "observations": observations}
    document = _document(given, {**PAINS, "observations": "pain_points.observations"}, observations)
    return study_from_document(document, path=Path.cwd() / "study.toml")


def _document(options: Mapping[str, Any], places: Mapping[str, str], file: Path) -> dict[str, Any]:
    """The options as a study file holds them; what was not given is left out."""
    document: dict[str, Any] = {"schema_version": 1, "study": {"title": file.stem, "output": "out"}}
    for name, place in places.items():
        value = options.get(name)
        if value not in (None, [], ()):
            *sections, key = place.split(".")
            table = document
            for section in sections:
                table = table.setdefault(section, {})
            table[key] = _READERS.get(name, _plain)(value, f"--{name.replace('_', '-')}")
    return document


def churned_of(text: str, option: str = "") -> Any:
    """``COLUMN``, ``COLUMN=VALUE,VALUE`` or ``COLUMN<2026-10-01`` as the study file writes it."""
    match = re.fullmatch(r"(.+?)\s*(=|<)\s*(.+)", text)
    if match is None:
        return text
    column, sign, value = match.groups()
    return {"column": column, "before": value} if sign == "<" else {"column": column, "is": _split(value)}


def numbers_of(text: str, option: str) -> list[float]:
    """``1,10`` as numbers."""
    try:
        return [_number(part) for part in _split(text)]
    except ValueError:
        raise InputError(
            f"{option} takes numbers separated by commas, for example 1,10; got {text!r}.", code="cli_numbers", argument=option, got=text
        ) from None


def pairs_of(texts: Sequence[str], option: str) -> dict[str, list[float]]:
    """``ticket=6,34`` as a pair of numbers by source."""
    found = {}
    for text in texts:
        source, _, numbers = text.partition("=")
        found[source.strip()] = numbers_of(numbers, option)
    return found


def names_of(texts: Sequence[str], option: str = "") -> list[str]:
    """Names given one by one or separated by commas."""
    return [name for text in texts for name in _split(text)]


def value_of(text: str, option: str) -> Any:
    """A number where it is one, else the text."""
    try:
        return _number(text)
    except ValueError:
        return text


def _plain(value: Any, option: str) -> Any:
    return str(value) if isinstance(value, Path) else value


def _number(text: str) -> float:
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)


def _split(text: str) -> list[str]:
    return [part.strip() for part in re.split("[,,]", text) if part.strip()]


def line_of(text: str, option: str) -> Any:
    """A number, or a file with the columns dealer, month (where the line changes) and threshold."""
    try:
        return _number(text)
    except ValueError:
        pass
    named = {"file": text, "dealer": "dealer", "value": "threshold"}
    path = Path(text)
    return named | ({"month": "month"} if path.is_file() and "month" in InputTable(read_table(path), "threshold").schema else {})


_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "churned": churned_of, "independent_channel": value_of, "threshold": line_of, "mentions": pairs_of,
    **dict.fromkeys(("scale", "bottom", "missing_codes", "grid", *_SHIFTS), numbers_of),
    **dict.fromkeys(
        ("statistic", "auxiliary", "by", "items", "case_mix", "outcomes", "kiosks", "groups", "coders", "perfect_sources"), names_of
    ),
    "top": lambda value, option: numbers_of(value, option) if isinstance(value, str) else value,
}  # fmt: skip
