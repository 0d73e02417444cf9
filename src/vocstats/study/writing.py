"""Writes what a run leaves: the report, the tables, the dealers' pages, what is confidential, and the lock file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, cast

from .auditing import disclosed
from .confidential import write_evidence_rows, write_weights
from .lock_file import LOCK_NAME, lock_text
from .study_file import TITLES, Study

if TYPE_CHECKING:
    from ..customer_base import CustomerBase
    from ..options import Language
    from ..report.content import FileRecord, ReportContent
    from ..report.pain_content import PainPointContent
    from ..workflows.audit_result import DealerAudit
    from .correcting import Progress

WEIGHTS = "confidential/weights.parquet"
EVIDENCE = "confidential/evidence_rows.xlsx"


def write_report(content: ReportContent, folder: Path, tell: Progress) -> None:
    """The report of a correction in every language, and its tables."""
    from .. import report

    languages = cast("tuple[Language, ...]", content.languages)
    parts = len(languages) + 1
    for position, language in enumerate(languages):
        tell("write", position, parts)
        (folder / f"report.{language}.html").write_text(report.render(content, language=language), encoding="utf-8")
    tell("write", len(languages), parts)
    report.write_tables(content, folder, languages, excel=content.excel)
    tell("write", parts, parts)


def write_audit(
    study: Study, audit: DealerAudit, folder: Path, languages: Sequence[str], files: Sequence[FileRecord], tell: Progress,
    pains: PainPointContent | None,
) -> None:
    """The report of an audit without a correction, with the pain points if there are any, and its tables."""
    from .. import report

    about, spoken = study["study"], cast("Sequence[Language]", languages)
    minimum, excel = study["report"]["minimum_group"], study["report"]["excel"]
    tell("write", 0, 2)
    report.write_audit_report(
        audit, folder, title=study.texts("study", TITLES), languages=spoken, created=date.today().isoformat(), files=files,
        minimum_group=minimum, disclose=disclosed(study), period=study.period, producer=about["producer"] or "", excel=excel,
        pain_points=pains,
    )
    tell("write", 1, 2)
    report.write_audit_tables(audit, folder, spoken, minimum_group=minimum, excel=excel, pain_points=pains)
    tell("write", 2, 2)


def write_pains(
    study: Study, pains: PainPointContent, folder: Path, languages: Sequence[str], files: Sequence[FileRecord], tell: Progress
) -> None:
    """The report of pain points alone, and its tables."""
    from .. import report

    spoken, excel = cast("Sequence[Language]", languages), study["report"]["excel"]
    tell("write", 0, 2)
    report.write_pain_report(
        pains, folder, title=study.texts("study", TITLES), languages=spoken, created=date.today().isoformat(), files=files,
        producer=study["study"]["producer"] or "", excel=excel,
    )
    tell("write", 1, 2)
    report.write_pain_tables(pains, folder, spoken, excel=excel)
    tell("write", 2, 2)


def write_pages(study: Study, audit: DealerAudit, folder: Path, languages: Sequence[str]) -> None:
    """One page for each dealer asked for, and one for the auditor."""
    from .. import report

    if asked := study["audit"].get("pages"):
        report.write_dealer_pages(
            audit, folder, pages=asked["for"], disclose=disclosed(study), languages=cast("Sequence[Language]", languages),
            reply_to=asked["reply_to"] or "", reply_days=asked["reply_days"], minimum_group=study["report"]["minimum_group"],
            period=study.period or None, run=asked["run"] or "",
        )


def write_confidential(folder: Path, base: CustomerBase | None, content: ReportContent | None, audit: DealerAudit | None) -> None:
    """Weights by customer, and the forms that bear the audit out."""
    if base is not None and content is not None:
        write_weights(folder / WEIGHTS, base, content.first)
    if audit is not None:
        write_evidence_rows(folder / EVIDENCE, audit)


def write_lock(unfinished: Path, folder: Path, study: Study, content: ReportContent | None, files: Sequence[FileRecord]) -> None:
    """The lock file, last: it names what was written."""
    written = [path.relative_to(unfinished).as_posix() for path in unfinished.rglob("*") if path.is_file()]
    method = content.first.method if content is not None else ""
    text = lock_text(study, folder=folder, method=method, created=date.today().isoformat(), files=files, written=written)
    (unfinished / LOCK_NAME).write_text(text, encoding="utf-8")
