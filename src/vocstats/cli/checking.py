"""``vocstats check``: every problem of the data, without computing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..study.correcting import group_table
from ..study.data_problems import check_data
from .audit_list import audit_base_table
from .pain_list import pain_base_table
from .showing import base_table
from .terminal import refuse

if TYPE_CHECKING:
    from ..study import Study
    from .terminal import Terminal


def check_and_show(terminal: Terminal, study: Study) -> int:
    """Show what is wrong with a study's data, what is remarkable, and the groups of its base; the exit code."""
    terminal.name_files(study)
    with terminal.progress() as tell:
        tell("read", 0, 1)
        found = check_data(study)
        tell("read", 1, 1)
    if found.problems:
        code = refuse(terminal, found.problems)
        terminal.say("check_refused", count=len(found.problems))
        return code
    if terminal.quiet:
        return 0
    if found.base is not None:
        terminal.show(base_table(terminal, group_table(study, found.base) if study.corrects else found.base.groups))
        for finding in found.base.findings:
            terminal.say(f"finding_{finding.severity}", text=finding.text(terminal.language))
    if found.audit is not None:
        terminal.show(audit_base_table(terminal, *found.audit))
    if found.pain_points is not None:
        terminal.show(pain_base_table(terminal, found.pain_points))
    if study.output.exists():
        terminal.say("check_output_exists", folder=study.output)
    terminal.say("check_passed", study=study.path.name)
    return 0
