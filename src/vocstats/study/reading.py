"""Reads the files of a study, each once and only the columns it names, and builds the customer base."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .lock_file import refuse_changed_files, sha256
from .tracking import cohort_columns

if TYPE_CHECKING:
    from ..customer_base import CustomerBase, Source
    from ..report.content import FileRecord
    from .study_file import Study

_OPTIONS = ("sheet", "encoding")


@dataclass(slots=True)
class Request:
    """What one file of a study is read for: its columns, which of them are numbers of customers or dealers, which are scores."""

    role: str
    name: str
    options: tuple[tuple[str, Any], ...]
    columns: list[str]
    text: list[str]
    scores: list[str]

    @classmethod
    def of(
        cls,
        role: str,
        settings: Mapping[str, Any],
        columns: Iterable[str | None],
        *,
        text: Iterable[str | None],
        scores: Iterable[str] = (),
    ) -> Request:
        """From a section of the study; columns that are None were not named."""
        options = tuple((name, settings[name]) for name in _OPTIONS if settings.get(name) is not None)
        return cls(role, settings["file"], options, _distinct([*text, *columns, *scores]), _distinct(text), _distinct(scores))

    @property
    def table(self) -> tuple[Any, ...]:
        """Requests that agree on this are read at once."""
        return self.name, *self.options


def requests(study: Study) -> Iterator[Request]:
    """One request for each role a file has in the study."""
    identifier = study["registry"]["id"]
    outcomes = _distinct(name for _, call in study.corrections() for name in (call.get("items") or [call["outcome"]]))
    yield _registry_request(study)
    for name, source in study.sources.items():
        columns = [*(source[key] for key in ("selected", "selection_probability", "answered", "date", "attempt")), *(source["where"] or ())]
        own = [source["id"] or identifier]
        yield Request.of(name, source, columns, text=own, scores=() if source["outcome_file"] else outcomes)
        if source["outcome_file"]:
            yield Request.of(f"{name}.outcome_file", {"file": source["outcome_file"]}, (), text=[identifier], scores=outcomes)
        if contact := source.get("contact"):
            columns = [contact["outcome"], contact["attempts"]]
            yield Request.of(f"{name}.contact", contact, columns, text=[contact["id"] or identifier])


def _registry_request(study: Study) -> Request:
    registry, design = study["registry"], study["design"]
    bands: Mapping[str, Any] = study["auxiliaries"].get("bands") or {}
    population, churned = registry["population"] or {}, registry["churned"]
    columns = [population.get("joined"), population.get("left"), *(registry["where"] or ())]
    columns += [churned if isinstance(churned, str) else churned["column"], design.get("stratum"), design.get("base_weight")]
    columns += [*(design.get("cluster") or ()), *(band["from"] for band in bands.values()), *study["auxiliaries"]["columns"]]
    columns += [study["correct"]["shadow"]]
    columns += [name for entry in study["correct"]["by"] for name in ([entry] if isinstance(entry, str) else entry)]
    text = [registry["id"], registry["dealer"]]
    columns += cohort_columns(study)
    return Request.of("registry", registry, [name for name in columns if name not in bands], text=text)


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
        columns: dict[str, Any] = {
            "columns": _distinct(name for request in asked for name in request.columns),
            "text_columns": _distinct(name for request in asked for name in request.text),
        }
        scores = _distinct(name for request in asked for name in request.scores)
        if first.name.lower().endswith(".sav"):
            columns["number_columns"] = scores
        while True:
            try:
                return read_table(self.study.locate(first.name), **options, **columns)
            except InputError as error:
                if self.absent is None or error.code != "unknown_column":
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
    for role, name in study.files.items():
        path = study.locate(name)
        if not path.is_file():
            section = role if role == "registry" else f"answers.{role.removesuffix('.outcome_file')}"
            problems.append(
                InputError(
                    f"[{section}] names the file {name}, which is not there (looked for {path}).",
                    code="study_data_file", argument=f"{section}.file", section=section, name=name, path=str(path),
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
    return CustomerBase.from_frames(files.table("registry"), **{**base_arguments(study), "answers": answers, **replaced})


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


def _distinct(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
