"""The dealer audit as a study asks for it: ``[audit]`` as the arguments of `vocstats.audit_dealers`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._checks import suggestion
from ..errors import InputError, VocstatsError, shown
from .requests import audit_dealer_column
from .schema import CORRECTION, keys_of

if TYPE_CHECKING:
    from ..workflows.audit_result import DealerAudit
    from ..workflows.audit_tables import Responses, Roster
    from .reading import Files
    from .study_file import Study

_SINGLE = ("score", "response_id", "visit", "channel", "independent_channel", "time", "device", "address", "seconds")
_LISTS = ("items", "case_mix", "outcomes")
_ON_ROSTER = ("invited", "drawn", "reached")
_OF_SCORES = ("top", "kiosks", "level")


def audit_key_problems(settings: Mapping[str, Any]) -> Iterator[InputError]:
    """What no single key of ``[audit]`` can show."""
    asked = settings.get("audit")
    if asked is None:
        return
    if "roster" in asked and not asked["visit"]:
        yield InputError(
            "[audit.roster] needs [audit] visit: the column of the forms that joins them to the roster.",
            code="study_roster_visit", argument="audit.visit",
        )
    if "pages" in asked:
        from ..report.audit_disclosure import checked_disclosure

        try:
            checked_disclosure(asked["pages"]["disclose"])
        except InputError as error:
            yield error


def audit_columns(study: Study) -> dict[str, Any]:
    """The columns of an audit as the arguments of `audit_dealers`."""
    asked = study["audit"]
    roster: Mapping[str, Any] = asked.get("roster") or {}
    return {
        "dealer": audit_dealer_column(study), **{name: asked[name] for name in _SINGLE}, **{name: tuple(asked[name]) for name in _LISTS},
        **{name: roster.get(name) for name in _ON_ROSTER},
    }


def audit_tables(study: Study, files: Files) -> tuple[Any, Any]:
    """The forms, and the roster with its columns named as in the forms."""
    responses, roster = files.table("responses"), None
    columns = audit_columns(study)
    if own := study["audit"].get("roster"):
        renamed = {own[name]: columns[name] for name in ("dealer", "visit") if own[name]}
        roster = files.table("roster").rename(columns=renamed)
    return responses, roster


def threshold_of(study: Study, files: Files) -> Any:
    """KPI lines as `audit_dealers` takes them: a number, or a table with its columns named as it names them."""
    asked = study["audit"]["threshold"]
    if not isinstance(asked, Mapping):
        return asked
    renamed = {asked["dealer"]: audit_dealer_column(study), asked["value"]: "threshold", asked.get("month"): "month"}
    kept = [name for name in renamed if name]
    return files.table("threshold")[kept].rename(columns=renamed)


def disclosed(study: Study) -> tuple[str, ...]:
    """Signals that dealers are told of."""
    asked = study["audit"].get("pages")
    return tuple(asked["disclose"] if asked else keys_of("audit.pages")["disclose"].default)


def audit_study(study: Study, files: Files, tell: Callable[[str, int, int], None]) -> DealerAudit:
    """The audit of a study."""
    from ..workflows.dealer_audit import audit_dealers

    tell("audit", 0, 1)
    responses, roster = audit_tables(study, files)
    asked = study["audit"]
    refuse_unknown_dealers(study, responses[audit_dealer_column(study)])
    options = {name: asked[name] for name in (*_OF_SCORES, "matters", "fdr")} | {"threshold": threshold_of(study, files)}
    audit = audit_dealers(responses, roster=roster, **audit_columns(study), **options, seed=study["study"]["seed"])
    tell("audit", 1, 1)
    return audit


def refuse_unknown_dealers(study: Study, dealers: Any) -> None:
    """Raise where pages are asked of a dealer without a form."""
    wanted = (study["audit"].get("pages") or {}).get("for")
    if not isinstance(wanted, list):
        return
    known = dealers.dropna().unique().tolist()
    unknown = [dealer for dealer in wanted if dealer not in known]
    if unknown:
        hint, near = suggestion(unknown[0], known)
        raise InputError(
            f"Pages are asked for {shown(unknown)}, and no form is of such a dealer.{hint} "
            f"Dealers are written like {shown(known[:3])}.",
            code="study_pages_dealer", argument="audit.pages.for", levels=unknown, known=shown(known[:3]), **near,
        )


def read_audit(study: Study, files: Files) -> tuple[tuple[Responses, Roster | None] | None, list[VocstatsError]]:
    """The tables of an audit as it would take them, and everything that is wrong with them; nothing is computed."""
    from ..workflows.audit_tables import ColumnNames, read_tables
    from ..workflows.audit_thresholds import read_threshold
    from ..workflows.dealer_audit import look_at

    responses, roster = audit_tables(study, files)
    columns = audit_columns(study)
    try:
        found = read_tables(responses, roster, ColumnNames.checked(**columns))
        threshold = read_threshold(threshold_of(study, files), found[0], columns["dealer"])
        look_at(found[0], threshold, **{name: study["audit"][name] for name in _OF_SCORES}, seed=study["study"]["seed"])
        refuse_unknown_dealers(study, responses[columns["dealer"]])
    except VocstatsError as error:
        problems = {(each.code, each.argument): each for each in (error, *_one_by_one(study, responses, columns))}
        return None, [*problems.values()]
    return found, []


def _one_by_one(study: Study, responses: Any, columns: Mapping[str, Any]) -> Iterator[VocstatsError]:
    """What each column of the forms is refused for by itself."""
    from ..workflows.audit_tables import ColumnNames, read_tables

    bare = {name: () if name in _LISTS else None for name in columns} | {name: columns[name] for name in ("dealer", "score")}
    alone = [{}, *({name: columns[name]} for name in ("response_id", "visit", "time", "device", "address", "seconds") if columns[name])]
    alone += [{name: columns[name] for name in ("channel", "independent_channel")}] if columns["channel"] else []
    alone += [{name: (column,)} for name in _LISTS for column in columns[name] if column in responses.columns]
    for each in alone:
        try:
            read_tables(responses, None, ColumnNames.checked(**{**bare, **each}))
        except VocstatsError as error:
            yield error


def with_pages(study: Study, pages: str | list[str]) -> Study:
    """The study with pages for other dealers; the section's defaults hold where it has none."""
    defaults = {key.name: key.default for key in keys_of("audit.pages").values()}
    asked = {**study["audit"], "pages": {**defaults, **(study["audit"].get("pages") or {}), "for": pages}}
    return replace(study, settings={**study.settings, "audit": asked})


def audit_alone(study: Study) -> Study:
    """The study without its correction."""
    kept = {name: value for name, value in study.settings.items() if name not in CORRECTION}
    return replace(study, settings={**kept, "audit": {**study["audit"], "dealer": audit_dealer_column(study)}})
