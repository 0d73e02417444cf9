"""Runs a study: reads, audits, corrects, fills the report, writes the folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from .auditing import audit_study
from .correcting import Progress, correct_study, gather
from .folder import refuse_taken, whole_folder
from .pain_points import StudyPains, estimate_study_pains
from .reading import read_files, read_telling
from .requirements import refuse_without_packages
from .result import StudyResult
from .study_file import TITLES, Study
from .tracking import track_study
from .writing import write_audit, write_confidential, write_lock, write_pages, write_pains, write_report

if TYPE_CHECKING:
    from ..report.content import ReportContent
    from ..workflows.audit_result import DealerAudit


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRun:
    """A finished run.

    Attributes
    ----------
    folder : Path
        Where everything was written.
    content : ReportContent or None
        What the report shows of corrected scores; None where the study corrects none.
    audit : DealerAudit or None
        The audit of the dealers, with its evidence.
    pain_points : StudyPains or None
        How many customers have which pain, with draws, and what was counted.
    result : StudyResult
        What ``result.json`` holds.
    """

    folder: Path
    content: ReportContent | None
    audit: DealerAudit | None
    pain_points: StudyPains | None
    result: StudyResult


def run_study(
    study: Study,
    output: str | Path | None = None,
    *,
    overwrite: bool = False,
    languages: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> StudyRun:
    """Correct every statistic of a study, audit its dealers, estimate its pain points, and write the report, the tables and the lock file.

    Parameters
    ----------
    study : Study
        From `load_study`.
    output : str or Path, optional
        Folder to write; default is the study's.
    overwrite : bool
        Replace an earlier run's folder. Nothing that a run did not write is ever removed.
    languages : sequence of {"en", "zh"}, optional
        Languages of the report; default is the study's.
    progress : callable, optional
        Called with step, parts done and parts in all.

    Returns
    -------
    StudyRun
        The folder and its contents.

    Raises
    ------
    InputError
        The folder is taken, a file is missing or changed since it was locked, or the data are refused.
    MissingDependencyError
        A package that writes one of the files is not installed.
    """
    tell = progress or (lambda step, done, parts: None)
    folder = (Path(output) if output is not None else study.output).resolve()
    refuse_taken(folder, overwrite=overwrite)
    refuse_without_packages(study)
    files = read_files(study)
    base = read_telling(study, files, tell) if study.reads_base else None
    audit = audit_study(study, files, tell) if study.audits else None
    pains = estimate_study_pains(study, files, base, tell) if study.counts_pains else None
    spoken = tuple(languages or study["study"]["language"])
    content = None
    if base is not None and study.corrects:
        corrections, domains = correct_study(study, base, tell)
        tracks = track_study(study, base, tell)
        content = gather(
            study, base, corrections, domains, files.records(), spoken, tracks=tracks, audit=audit,
            pain_points=None if pains is None else pains.content,
        )
    result = publishable_result(study, content, audit, pains)
    with whole_folder(folder, overwrite=overwrite) as unfinished:
        if content is not None:
            write_report(content, unfinished, tell)
        elif audit is not None:
            write_audit(study, audit, unfinished, spoken, files.records(), tell, None if pains is None else pains.content)
        elif pains is not None:
            write_pains(study, pains.content, unfinished, spoken, files.records(), tell)
        if audit is not None:
            write_pages(study, audit, unfinished, spoken)
        (unfinished / "result.json").write_text(result.to_json(indent=1), encoding="utf-8")
        if study["report"]["customer_files"]:
            write_confidential(unfinished, base, content, audit)
        write_lock(unfinished, folder, study, content, files.records())
    return StudyRun(folder=folder, content=content, audit=audit, pain_points=pains, result=result)


def publishable_result(
    study: Study, content: ReportContent | None, audit: DealerAudit | None = None, pains: StudyPains | None = None
) -> StudyResult:
    """What a study found, small groups left out as in the report."""
    from ..report import publishable_pain_points
    from .publishing import publishable, publishable_audit, publishable_track

    minimum = study["report"]["minimum_group"]
    tables, tracks = (list(content.domains.values()), list(content.tracks.values())) if content else ([], [])
    found = [*(content.corrections.values() if content else ()), *(correction for table in tables for correction in table.values())]
    return StudyResult(
        title=study.texts("study", TITLES),
        headline=content.headline if content else "",
        created=date.today().isoformat(),
        corrections=tuple(publishable(correction, minimum) for correction in found),
        tracks=tuple(publishable_track(track, minimum) for table in tracks for track in table.values()),
        audit=None if audit is None else publishable_audit(audit, minimum),
        pain_points=None if pains is None else publishable_pain_points(pains.result, minimum),
    )
