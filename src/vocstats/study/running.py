"""Runs a study: reads, corrects, fills the report, writes the folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

from .confidential import write_weights
from .folder import refuse_taken, whole_folder
from .lock_file import LOCK_NAME, lock_text, versions
from .reading import read_base, read_files
from .requirements import refuse_without_packages
from .result import StudyResult
from .study_file import DEFINITIONS, TITLES, Study
from .tracking import track_study

if TYPE_CHECKING:
    import pandas as pd

    from ..customer_base import CustomerBase
    from ..options import Language
    from ..report.content import FileRecord, ReportContent
    from ..workflows.cohort_track import CohortTrack
    from ..workflows.corrected_score import Correction

WEIGHTS = "confidential/weights.parquet"
Progress = Callable[[str, int, int], None]
"""Called with the step ("read", "correct", "track", "write"), how many of its parts are done, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRun:
    """A finished run.

    Attributes
    ----------
    folder : Path
        Where everything was written.
    content : ReportContent
        What the report shows.
    result : StudyResult
        What ``result.json`` holds.
    """

    folder: Path
    content: ReportContent
    result: StudyResult


def run_study(
    study: Study,
    output: str | Path | None = None,
    *,
    overwrite: bool = False,
    languages: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> StudyRun:
    """Correct every statistic of a study and write the report, the tables and the lock file.

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
    tell("read", 0, 1)
    base = read_base(study, files)
    tell("read", 1, 1)
    corrections, domains = correct_study(study, base, tell)
    tracks = track_study(study, base, tell)
    content = gather(study, base, corrections, domains, files.records(), languages, tracks=tracks)
    result = publishable_result(content)
    with whole_folder(folder, overwrite=overwrite) as unfinished:
        _write(unfinished, content, result, tell)
        if study["report"]["customer_files"]:
            write_weights(unfinished / WEIGHTS, base, next(iter(corrections.values())))
        _lock(unfinished, folder, study, content)
    return StudyRun(folder=folder, content=content, result=result)


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


def publishable_result(content: ReportContent) -> StudyResult:
    """Every correction of a study, small groups left out as in the report."""
    from .publishing import publishable, publishable_track

    found = [*content.corrections.values(), *(correction for table in content.domains.values() for correction in table.values())]
    return StudyResult(
        title=content.title,
        headline=content.headline,
        created=content.created,
        corrections=tuple(publishable(correction, content.minimum_group) for correction in found),
        tracks=tuple(publishable_track(track, content.minimum_group) for table in content.tracks.values() for track in table.values()),
    )


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
) -> ReportContent:
    """What the report shows of a study."""
    from ..report.content import ReportContent

    about, period, population = study["study"], study["study"]["period"] or "", study["registry"]["population"]
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
        period=period if isinstance(period, str) else " – ".join(period),
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
        window=f"{population['from']} – {population['to']}" if population else "",
    )


def _write(unfinished: Path, content: ReportContent, result: StudyResult, tell: Progress) -> None:
    from .. import report

    languages = cast("tuple[Language, ...]", content.languages)
    parts = len(languages) + 1
    for position, language in enumerate(languages):
        tell("write", position, parts)
        (unfinished / f"report.{language}.html").write_text(report.render(content, language=language), encoding="utf-8")
    tell("write", len(languages), parts)
    report.write_tables(content, unfinished, languages, excel=content.excel)
    (unfinished / "result.json").write_text(result.to_json(indent=1), encoding="utf-8")
    tell("write", parts, parts)


def _lock(unfinished: Path, folder: Path, study: Study, content: ReportContent) -> None:
    """The lock file, last: it names what was written."""
    written = [path.relative_to(unfinished).as_posix() for path in unfinished.rglob("*") if path.is_file()]
    method = next(iter(content.corrections.values())).method
    text = lock_text(study, folder=folder, method=method, created=content.created, files=content.files, written=written)
    (unfinished / LOCK_NAME).write_text(text, encoding="utf-8")
