"""Corrects the scores of a study, and gathers what its report shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from .auditing import disclosed
from .lock_file import versions
from .study_file import DEFINITIONS, TITLES, Study

if TYPE_CHECKING:
    import pandas as pd

    from ..customer_base import CustomerBase
    from ..report.content import FileRecord, ReportContent
    from ..report.pain_content import PainPointContent
    from ..workflows.audit_result import DealerAudit
    from ..workflows.cohort_track import CohortTrack
    from ..workflows.corrected_score import Correction

Progress = Callable[[str, int, int], None]
"""Called with the step, how many of its parts are done, and how many there are.

Steps are "read", "audit", "pain_points", "correct", "track" and "write".
"""


def correct_study(
    study: Study, base: CustomerBase, progress: Progress
) -> tuple[dict[str, Correction], dict[str, dict[str, Correction]]]:
    """The corrections of the whole base by statistic, and those by each entry of ``[correct] by``."""
    from ..workflows.correction import correct

    calls = study.corrections()
    entries: list[tuple[str, ...]] = [tuple(entry) if isinstance(entry, list) else (entry,) for entry in study["correct"]["by"]]
    parts = len(calls) * (1 + len(entries))
    done = 0
    found: dict[tuple[str, ...], dict[str, Correction]] = {}
    for columns in [(), *entries]:
        found[columns] = {}
        for statistic, arguments in calls:
            progress("correct", done, parts)
            correction = correct(base, **arguments, by=list(columns) or None)
            for _, others in calls:  # a method chosen once holds for the whole study
                others["method"] = correction.method
            found[columns][statistic] = correction if columns else correction.with_analyses()
            done += 1
    progress("correct", parts, parts)
    return found[()], {" × ".join(columns): found[columns] for columns in entries}


def group_table(study: Study, base: CustomerBase) -> pd.DataFrame:
    """The groups of the base, those heard counted by the first statistic's outcome."""
    _, call = study.corrections()[0]
    return base.group_table(call["outcome"], items=call.get("items"), scale=call["scale"])


def _set_aside(base: CustomerBase, correction: Correction) -> pd.DataFrame:
    """What was left out when the base was built, and when the outcome was read."""
    import pandas as pd

    from ..customer_base.set_aside import set_aside_frame

    tables = [base.set_aside, set_aside_frame(correction.cells.set_aside if correction.cells else ())]
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def _fieldwork(study: Study, base: CustomerBase) -> pd.DataFrame | None:
    """Fieldwork by dealer, where both dealers and contact outcomes are known."""
    dealer = study["registry"]["dealer"]
    if dealer is None or not study["answers"]["survey"].get("contact"):
        return None
    return base.fieldwork(dealer).rename(columns={dealer: "dealer"})


def gather(
    study: Study,
    base: CustomerBase,
    corrections: dict[str, Correction],
    domains: dict[str, dict[str, Correction]],
    files: tuple[FileRecord, ...],
    languages: Sequence[str] | None = None,
    *,
    tracks: Mapping[str, Mapping[str, CohortTrack]] | None = None,
    audit: DealerAudit | None = None,
    pain_points: PainPointContent | None = None,
) -> ReportContent:
    """What the report shows of a study."""
    from ..report.content import ReportContent

    about, population = study["study"], study["registry"]["population"]
    return ReportContent(
        title=study.texts("study", TITLES),
        headline=study["correct"]["headline"],
        corrections=corrections,
        domains=domains,
        tracks=tracks or {},
        groups=group_table(study, base),
        set_aside=_set_aside(base, next(iter(corrections.values()))),
        response_rates=base.response_rates,
        findings=tuple(base.findings),
        level=about["level"],
        seed=about["seed"],
        created=date.today().isoformat(),
        published=study["outcome"]["published"] or {},
        churn_definition=study.texts("registry", DEFINITIONS),
        producer=about["producer"] or "",
        period=study.period,
        unit=about["unit"],
        why=study["sensitivity"]["why"] or "",
        kpi=study["correct"]["kpi"],
        minimum_group=study["report"]["minimum_group"],
        files=files,
        study_text=study.text,
        versions=versions(),
        languages=tuple(languages or about["language"]),
        excel=study["report"]["excel"],
        fieldwork=_fieldwork(study, base),
        audit=audit,
        pain_points=pain_points,
        disclose=disclosed(study),
        window=f"{population['from']} – {population['to']}" if population else "",
    )
