"""Reads the files of a study, each once and only the columns it names, and builds the customer base."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .lock_file import refuse_changed_files, sha256
from .requests import Request, merged, requests

if TYPE_CHECKING:
    from ..customer_base import CustomerBase, Reports, Source
    from ..report.content import FileRecord
    from .study_file import Study


@dataclass(slots=True)
class Files:
    """The tables of a study, each file read once.

    Attributes
    ----------
    study : Study
    absent : list of InputError or None
        Where it is a list, columns that are not there are noted in it and passed over; else they are refused.
    """

    study: Study
    absent: list[InputError] | None = None
    tables: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def table(self, role: str) -> Any:
        """The table of one role."""
        asked = list(requests(self.study))
        wanted = next(request.table for request in asked if request.role == role)
        if wanted not in self.tables:
            self.tables[wanted] = self._read([request for request in asked if request.table == wanted])
        return self.tables[wanted]

    def _read(self, asked: list[Request]) -> Any:
        from ..tables import read_table

        first = asked[0]
        options: dict[str, Any] = dict(first.options)
        needed, text, scores, optional = merged(asked)
        columns: dict[str, Any] = {"columns": [*needed, *optional], "text_columns": text}
        if first.name.lower().endswith(".sav"):
            columns["number_columns"] = scores
        while True:
            try:
                return read_table(self.study.locate(first.name), **options, **columns)
            except InputError as error:
                if error.code != "unknown_column":
                    raise
                if error.levels[0] not in optional:
                    if self.absent is None:
                        raise
                    self.absent.append(error)
                columns = {kind: [name for name in names if name not in error.levels] for kind, names in columns.items()}

    def records(self) -> tuple[FileRecord, ...]:
        """Name, hash and rows of every file, by role."""
        from ..report.content import FileRecord

        return tuple(
            FileRecord(role=role, name=name, sha256=sha256(self.study.locate(name)), rows=len(self.table(role)))
            for role, name in self.study.files.items()
        )


def absent_files(study: Study) -> list[InputError]:
    """One error for each file that is not there."""
    problems = []
    for request in requests(study):
        path = study.locate(request.name)
        if not path.is_file():
            section = request.key.rpartition(".")[0]
            problems.append(
                InputError(
                    f"[{section}] names the file {request.name}, which is not there (looked for {path}).",
                    code="study_data_file", argument=request.key, section=section, name=request.name, path=str(path),
                )
            )
    return problems


def read_files(study: Study, *, absent: list[InputError] | None = None) -> Files:
    """A reader for the study's files; InputError where one is absent or not the one a lock file holds."""
    for problem in absent_files(study):
        raise problem
    refuse_changed_files(study)
    return Files(study, absent)


def read_base(study: Study, files: Files | None = None, *, sources: Mapping[str, Any] | None = None, **replaced: Any) -> CustomerBase:
    """The customer base of a study; `replaced` and `sources` take the place of its arguments and those of every source."""
    from ..customer_base import CustomerBase

    files = read_files(study) if files is None else files
    answers = {name: _source(files, name, {**settings, **(sources or {})}) for name, settings in study.sources.items()}
    given = {**base_arguments(study), "answers": answers, "reports": study_reports(study, files), **replaced}
    return CustomerBase.from_frames(files.table("registry"), **given)


def read_telling(study: Study, files: Files, tell: Callable[[str, int, int], None]) -> CustomerBase:
    """The customer base, with the beginning and the end of reading told."""
    tell("read", 0, 1)
    base = read_base(study, files)
    tell("read", 1, 1)
    return base


def base_arguments(study: Study) -> dict[str, Any]:
    """The arguments of `CustomerBase.from_frames` a study sets, without its tables."""
    registry, design = study["registry"], study["design"]
    cluster = design.get("cluster")
    return {
        "id": registry["id"],
        "churned": registry["churned"],
        "window": registry["population"],
        "dealer": registry["dealer"],
        "where": registry["where"],
        "stratum": design.get("stratum"),
        "cluster": cluster[0] if cluster and len(cluster) == 1 else cluster,
        "base_weight": design.get("base_weight"),
        "unit": study["study"]["unit"],
        "missing": study["auxiliaries"]["missing"],
        "missing_codes": tuple(study["outcome"].get("missing_codes") or ()),
        "bands": study["auxiliaries"].get("bands"),
        "precedence": study["answers"].get("precedence"),
    }


def study_reports(study: Study, files: Files) -> dict[str, Reports]:
    """The tables of reports a study counts pain points in."""
    from ..customer_base import Reports

    names = ("date", "id", "code", "mapping", "columns", "looked_at", "where", "unmatched", "unmapped")
    return {
        name: Reports(files.table(f"reports.{name}"), **{option: settings[option] for option in names})
        for name, settings in (study["pain_points"].get("reports") or {}).items()
    }


def _source(files: Files, role: str, settings: Mapping[str, Any]) -> Source:
    from ..customer_base import Source

    names = ("id", "date", "attempt", "where", "selected", "selection_probability", "answered", "issued", "repeated", "unmatched")
    given = {name: settings[name] for name in names if settings[name] is not None}
    if settings["outcome_file"]:
        given["outcome_frame"] = files.table(f"{role}.outcome_file")
    if contact := settings.get("contact"):
        named = {name: contact[name] for name in ("id", "outcome", "attempts", "codes") if contact[name] is not None}
        given["contact"] = {"frame": files.table(f"{role}.contact"), **named}
    return Source(files.table(role), **given)
