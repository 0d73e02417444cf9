"""Which files a study names, and which columns of each it needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .tracking import cohort_columns

if TYPE_CHECKING:
    from .study_file import Study

_OPTIONS = ("sheet", "encoding")


@dataclass(slots=True)
class Request:
    """What one file of a study is read for: its columns, which of them are numbers of customers or dealers, which are scores.

    Columns of `optional` are read where they are there.
    """

    role: str
    key: str
    name: str
    options: tuple[tuple[str, Any], ...]
    columns: list[str]
    text: list[str]
    scores: list[str]
    optional: list[str]

    @classmethod
    def of(
        cls,
        role: str,
        key: str,
        settings: Mapping[str, Any],
        columns: Iterable[str | None],
        *,
        text: Iterable[str | None],
        scores: Iterable[str | None] = (),
        optional: Iterable[str] = (),
    ) -> Request:
        """From a section of the study, where `key` names the file; columns that are None were not named."""
        options = tuple((name, settings[name]) for name in _OPTIONS if settings.get(name) is not None)
        needed = _distinct([*text, *columns, *scores])
        return cls(
            role, key, settings[key.rpartition(".")[2]], options, needed, _distinct(text), _distinct(scores),
            [name for name in _distinct(optional) if name not in needed],
        )

    @property
    def table(self) -> tuple[Any, ...]:
        """Requests that agree on this are read at once."""
        return self.name, *self.options


def requests(study: Study) -> Iterator[Request]:
    """One request for each role a file has in the study."""
    if study.reads_base:
        yield from _of_base(study)
    if study.audits:
        yield from _of_audit(study)
    if study.counts_pains:
        yield from pain_requests(study)


def merged(asked: Iterable[Request]) -> tuple[list[str], list[str], list[str], list[str]]:
    """Columns, text columns, scores and optional columns of requests for one table; what one of them needs is not optional."""
    listed = list(asked)
    columns, text, scores, optional = (
        _distinct(name for request in listed for name in getattr(request, kind)) for kind in ("columns", "text", "scores", "optional")
    )
    return columns, text, scores, [name for name in optional if name not in columns]


def _of_base(study: Study) -> Iterator[Request]:
    identifier = study["registry"]["id"]
    calls = study.corrections() if study.corrects else []
    yield _registry_request(study)
    for name, source in study.sources.items():
        section = f"answers.{name}"
        outcomes = _distinct([*(item for _, call in calls for item in (call.get("items") or [call["outcome"]])), *pain_items(study, name)])
        columns = [*(source[key] for key in ("selected", "selection_probability", "answered", "date", "attempt")), *(source["where"] or ())]
        own = [source["id"] or identifier]
        yield Request.of(name, f"{section}.file", source, columns, text=own, scores=() if source["outcome_file"] else outcomes)
        if source["outcome_file"]:
            settings = {"outcome_file": source["outcome_file"]}
            yield Request.of(f"{name}.outcome_file", f"{section}.outcome_file", settings, (), text=[identifier], scores=outcomes)
        if contact := source.get("contact"):
            columns = [contact["outcome"], contact["attempts"]]
            yield Request.of(f"{name}.contact", f"{section}.contact.file", contact, columns, text=[contact["id"] or identifier])


def _registry_request(study: Study) -> Request:
    registry, design = study["registry"], study["design"]
    bands: Mapping[str, Any] = study["auxiliaries"].get("bands") or {}
    population, churned = registry["population"] or {}, registry["churned"]
    columns = [population.get("joined"), population.get("left"), *(registry["where"] or ())]
    columns += [churned if isinstance(churned, str) else churned["column"], design.get("stratum"), design.get("base_weight")]
    columns += [*(design.get("cluster") or ()), *(band["from"] for band in bands.values()), *study["auxiliaries"]["columns"]]
    columns += [study["correct"].get("shadow"), *pain_groups(study)]
    columns += [name for entry in study["correct"].get("by") or () for name in ([entry] if isinstance(entry, str) else entry)]
    text = [registry["id"], registry["dealer"]]
    columns += cohort_columns(study)
    return Request.of("registry", "registry.file", registry, [name for name in columns if name not in bands], text=text)


def _of_audit(study: Study) -> Iterator[Request]:
    asked, roster, line = study["audit"], study["audit"].get("roster"), study["audit"]["threshold"]
    dealer = audit_dealer_column(study)
    yield Request.of(
        "responses", "audit.responses", asked,
        [asked["channel"], asked["time"], *asked["case_mix"], *(() if roster else asked["outcomes"])],
        text=[dealer, *(asked[name] for name in ("response_id", "visit", "device", "address"))],
        scores=[asked["score"], *asked["items"], asked["seconds"]], optional=asked["outcomes"],
    )
    if roster:
        yield Request.of(
            "roster", "audit.roster.file", roster, [roster[name] for name in ("invited", "drawn", "reached")],
            text=[roster["dealer"] or dealer, roster["visit"] or asked["visit"]], optional=[*asked["case_mix"], *asked["outcomes"]],
        )
    if isinstance(line, Mapping):
        yield Request.of("threshold", "audit.threshold.file", line, [line.get("month")], text=[line["dealer"]], scores=[line["value"]])


def audit_dealer_column(study: Study) -> str:
    """Column of the dealer in the forms: as named, else that of the registry, else "dealer"."""
    return str(study["audit"]["dealer"] or study["registry"].get("dealer") or "dealer")


def pain_groups(study: Study) -> list[str]:
    """Columns of the registry that tell customers apart where pain points are counted from rows."""
    asked = study["pain_points"]
    return list(asked["groups"]) if asked and not asked["observations"] else []


def pain_items(study: Study, source: str) -> list[str]:
    """Columns of 1 and 0 of a source of answers."""
    columns = study["pain_points"].get("columns") or {}
    if isinstance(columns, Mapping) and not all(isinstance(named, str) for named in columns.values()):
        columns = columns.get(source) or {}
    return list(columns.values()) if isinstance(columns, Mapping) else list(columns)


def pain_dealer_column(study: Study) -> str:
    """Column of the dealer: as named, else that of the registry if it is one of the groups, else "dealer"."""
    asked, of_registry = study["pain_points"], study["registry"].get("dealer")
    return str(asked["dealer"] or (of_registry if of_registry in asked["groups"] else "dealer"))


def pain_requests(study: Study) -> Iterator[Request]:
    """The counts, the frame, the audit of the coder, the drop-off and the reports of ``[pain_points]``."""
    asked = study["pain_points"]
    kind = [asked["pain_point"]]
    if asked["observations"]:
        labels, found = [*kind, *asked["groups"], asked["response_group"]], [asked["positive"]]
        needed, optional = ([asked["n"], *asked["coders"]], found) if asked["coders"] else ([*found, asked["n"]], [])
        yield Request.of(
            "observations", "pain_points.observations", asked, needed, text=[*labels, asked["source"]], optional=[*optional, "coder"]
        )
        frame = asked["frame"]
        yield Request.of("frame", "pain_points.frame.file", frame, [frame["customers"]], text=labels[1:])
    if audit := asked.get("coder_audit"):
        figures = ["truth", asked["positive"], asked["n"]] if asked["observations"] else ["truth", "positive", "n"]
        optional = [asked["source"] if asked["observations"] else "source", "coder"]
        yield Request.of("coder_audit", "pain_points.coder_audit.file", audit, figures, text=kind, optional=optional)
    if left := asked.get("drop_off"):
        dealer = [name for name in asked["groups"] if name == pain_dealer_column(study)]
        labels = ["stage", *(name for name in asked["groups"] if name not in dealer)]
        request = Request.of("drop_off", "pain_points.drop_off.file", left, ["reached", "dropped"], text=labels, optional=dealer)
        request.text.extend(request.optional)
        yield request
    for name, settings in (asked.get("reports") or {}).items():
        columns = settings["columns"] or {}
        flags = list(columns.values()) if isinstance(columns, Mapping) else columns
        yield Request.of(
            f"reports.{name}", f"pain_points.reports.{name}.file", settings, [settings["date"], *(settings["where"] or ())],
            text=[settings["id"] or study["registry"]["id"], settings["code"]], scores=flags,
        )


def _distinct(names: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
