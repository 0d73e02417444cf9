"""Reads the files of a study and builds its customer base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .lock_file import refuse_changed_files, sha256

if TYPE_CHECKING:
    from ..customer_base import CustomerBase, Source
    from ..report.content import FileRecord
    from .study_file import Study


@dataclass(slots=True)
class Files:
    """The tables of a study, each file read once."""

    study: Study
    tables: dict[tuple[Any, ...], Any] = field(default_factory=dict)

    def table(self, settings: Mapping[str, Any], *, name: str | None = None) -> Any:
        """The table a section names, its customer numbers as text."""
        from ..tables import read_table

        named = settings["file"] if name is None else name
        options = {key: settings.get(key) for key in ("sheet", "encoding")} if name is None else {}
        wanted = (named, *options.values())
        if wanted not in self.tables:
            self.tables[wanted] = read_table(self.study.locate(named), text_columns=self.identifiers(), **options)
        return self.tables[wanted]

    def identifiers(self) -> list[str]:
        """Names of every column that holds customer or dealer numbers: read as text."""
        registry = self.study["registry"]
        sections = [registry, *self.study.sources.values(), *(source.get("contact") or {} for source in self.study.sources.values())]
        names = [section.get("id") for section in sections] + [registry["dealer"]]
        return sorted({name for name in names if name})

    def records(self) -> tuple[FileRecord, ...]:
        """Name, hash and rows of every file, by role."""
        from ..report.content import FileRecord

        rows = {wanted[0]: len(table) for wanted, table in self.tables.items()}
        return tuple(
            FileRecord(role=role, name=name, sha256=sha256(self.study.locate(name)), rows=rows[name])
            for role, name in self.study.files.items()
        )


def absent_files(study: Study) -> list[InputError]:
    """One error for each file that is not there."""
    sections = {"survey": "answers.survey", "follow_up": "answers.follow_up", "exit_interview": "answers.exit_interview"}
    problems = []
    for role, name in study.files.items():
        if not study.locate(name).is_file():
            head, _, tail = role.partition(".")
            section = ".".join(filter(None, [sections.get(head, head), tail if tail == "contact" else ""]))
            problems.append(
                InputError(
                    f"[{section}] names the file {name}, which is not there (looked for {study.locate(name)}).",
                    code="study_data_file", argument=f"{section}.file", section=section, name=name, path=str(study.locate(name)),
                )
            )
    return problems


def read_files(study: Study) -> Files:
    """A reader for the study's files; InputError where one is absent or not the one a lock file holds."""
    for problem in absent_files(study):
        raise problem
    refuse_changed_files(study)
    return Files(study)


def read_base(study: Study, files: Files | None = None, *, sources: Mapping[str, Any] | None = None, **replaced: Any) -> CustomerBase:
    """The customer base of a study; `replaced` and `sources` take the place of its arguments and those of every source."""
    from ..customer_base import CustomerBase

    files = read_files(study) if files is None else files
    answers = {name: _source(files, {**settings, **(sources or {})}) for name, settings in study.sources.items()}
    return CustomerBase.from_frames(files.table(study["registry"]), **{**base_arguments(study), "answers": answers, **replaced})


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
        "missing_codes": tuple(study["outcome"]["missing_codes"]),
        "bands": study["auxiliaries"].get("bands"),
        "precedence": study["answers"].get("precedence"),
    }


def _source(files: Files, settings: Mapping[str, Any]) -> Source:
    from ..customer_base import Source

    contact = settings.get("contact")
    names = ("id", "date", "where", "selected", "selection_probability", "answered", "issued", "repeated", "unmatched")
    given = {name: settings[name] for name in names if settings[name] is not None}
    if settings["outcome_file"]:
        given["outcome_frame"] = files.table(settings, name=settings["outcome_file"])
    if contact:
        named = {name: contact[name] for name in ("id", "outcome", "attempts", "codes") if contact[name] is not None}
        given["contact"] = {"frame": files.table(contact), **named}
    return Source(files.table(settings), **given)
