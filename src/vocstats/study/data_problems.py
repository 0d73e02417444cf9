"""Everything that is wrong with the data of a study, as far as it can be found without computing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InputError, VocstatsError
from .auditing import read_audit
from .pain_points import read_pains
from .reading import Files, absent_files, read_base, read_files
from .requests import requests
from .tracking import cohort_labels, read_tenures

if TYPE_CHECKING:
    from ..customer_base import CustomerBase
    from ..workflows.audit_tables import Responses, Roster
    from ..workflows.pain_counts import PainPointTable
    from .study_file import Study

# What settles a refusal, so that the next problem can be found: for every source, or for the base.
_SOURCE_REMEDIES = {
    "repeated_answers": {"repeated": "mean"},
    "unknown_ids": {"unmatched": "set_aside"},
    "answers_without_id": {"unmatched": "set_aside"},
}
_BASE_REMEDIES: dict[str, dict[str, Any]] = {
    "two_sources": {"precedence": ("survey", "follow_up", "exit_interview")},
    "missing_auxiliary": {"missing": "level"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedData:
    """What came of reading a study's files.

    Attributes
    ----------
    problems : list of VocstatsError
        What a run would refuse.
    base : CustomerBase or None
        None where its data are refused, or no score is corrected.
    audit : (Responses, Roster or None) or None
        The tables of the audit; None where they are refused, or no dealers are audited.
    pain_points : PainPointTable or None
        The counts; None where they are refused, or no pain points are estimated.
    """

    problems: list[VocstatsError]
    base: CustomerBase | None = None
    audit: tuple[Responses, Roster | None] | None = None
    pain_points: PainPointTable | None = None


def check_data(study: Study) -> CheckedData:
    """Read a study's files and build its base; every problem found on the way.

    After a problem that an option of the study could settle (repeated answers, unknown customers, missing auxiliaries)
    the base is built as if that option were set, so that the next problem is found as well.

    Parameters
    ----------
    study : Study
        From `load_study`.

    Returns
    -------
    CheckedData
    """
    if absent := absent_files(study):
        return CheckedData(problems=[*absent])
    missing: list[InputError] = []
    try:
        files = read_files(study, absent=missing)
        for request in requests(study):
            files.table(request.role)
    except VocstatsError as error:
        return CheckedData(problems=[*missing, error])
    if missing:
        return CheckedData(problems=[*missing])
    problems: list[VocstatsError] = []
    base, audit, pains = None, None, None
    if study.reads_base:
        base = _built(study, files, problems)
        problems += [] if base is None else _outcome_problems(study, base)
    if study.audits:
        audit, found = read_audit(study, files)
        problems += found
    if study.counts_pains and (base is not None or not study.reads_base):
        pains, found = read_pains(study, files, base)
        problems += found
    return CheckedData(problems=problems, base=None if problems else base, audit=audit, pain_points=pains)


def _built(study: Study, files: Files, problems: list[VocstatsError]) -> CustomerBase | None:
    """The base, each refusal noted and, where an option could settle it, settled."""
    sources: dict[str, Any] = {}
    base: dict[str, Any] = {}
    while True:
        try:
            return read_base(study, files, sources=sources, **base)
        except VocstatsError as error:
            problems.append(error)
            remedies = _SOURCE_REMEDIES.get(error.code, {}), _BASE_REMEDIES.get(error.code, {})
            if not any(remedies) or (remedies[0].items() <= sources.items() and remedies[1].items() <= base.items()):
                return None
            sources |= remedies[0]
            base |= remedies[1]


def _outcome_problems(study: Study, base: CustomerBase) -> list[VocstatsError]:
    """What is wrong with each outcome and each auxiliary, read one by one."""
    entries = study["correct"].get("by") or ()
    columns = [*study["auxiliaries"]["columns"], *(name for entry in entries for name in ([entry] if isinstance(entry, str) else entry))]
    columns += [name for name in (study["registry"]["dealer"], study["correct"].get("shadow")) if name]
    columns += cohort_labels(study)
    asked: list[dict[str, Any]] = [{"columns": [name]} for name in dict.fromkeys(columns)]
    for _, call in study.corrections() if study.corrects else ():
        asked.append({"outcome": call["outcome"], "items": call.get("items"), "scale": call["scale"]})
    problems: list[VocstatsError] = []
    for number, arguments in enumerate(asked):
        if arguments in asked[:number]:
            continue
        try:
            base.cells(**arguments)
        except VocstatsError as error:
            problems.append(error)
    try:
        read_tenures(study, base)
    except VocstatsError as error:
        problems.append(error)
    return problems
