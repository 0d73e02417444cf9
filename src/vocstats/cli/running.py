"""``vocstats run``: runs a study and says what came out and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..study import run_study
from .audit_list import show_audit
from .pain_list import show_pains
from .showing import show_result

if TYPE_CHECKING:
    from ..study import Study
    from .terminal import Terminal


def run_and_show(
    terminal: Terminal, study: Study, *, output: Path | None = None, overwrite: bool = False, languages: Sequence[str] = ()
) -> None:
    """Run a study; show its table, its one sentence and the files."""
    terminal.name_files(study)
    with terminal.progress() as tell:
        run = run_study(study, output, overwrite=overwrite, languages=languages or None, progress=tell)
    if terminal.quiet:
        return
    if run.content is not None:
        for finding in run.content.findings:
            if finding.severity == "warning":
                terminal.say("finding_warning", text=finding.text(terminal.language))
        show_result(terminal, run.content)
    if run.audit is not None:
        show_audit(terminal, run.audit, study["report"]["minimum_group"])
    if run.pain_points is not None:
        show_pains(terminal, run.pain_points)
    terminal.show("")
    terminal.say("written", folder=run.folder)
    for path in sorted(run.folder.glob("report.*.html")):
        terminal.say("report_at", path=path)
    if (pages := run.folder / "dealers").is_dir():
        terminal.say("pages_at", dealers=pages, internal=run.folder / "dealers_internal")
    terminal.say("also_written", tables="tables.xlsx, tables/*.csv" if study["report"]["excel"] else "tables/*.csv")
    for path in sorted((run.folder / "confidential").glob("*")):
        terminal.say("confidential_written", file=f"{path.parent.name}/{path.name}")
