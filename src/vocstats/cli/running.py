"""``vocstats run``: runs a study and says what came out and where it lies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..study import run_study
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
    for finding in run.content.findings:
        if finding.severity == "warning":
            terminal.say("finding_warning", text=finding.text(terminal.language))
    show_result(terminal, run.content)
    terminal.show("")
    terminal.say("written", folder=run.folder)
    for language in run.content.languages:
        terminal.say("report_at", path=run.folder / f"report.{language}.html")
    terminal.say("also_written", tables="tables.xlsx, tables/*.csv" if run.content.excel else "tables/*.csv")
    if study["report"]["customer_files"]:
        terminal.say("confidential_written")
