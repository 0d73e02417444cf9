"""``vocstats audit``: a study's dealers, or those of a file of forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..errors import InputError
from ..report import audit_sheets
from ..study.auditing import audit_alone, audit_study, with_pages
from ..study.publishing import publishable_audit
from ..study.reading import read_files
from .audit_list import show_audit
from .list_file import list_file, refuse_present, write_list
from .one_off import AUDIT, names_of
from .running import run_and_show

if TYPE_CHECKING:
    from ..options import Language
    from ..study import Study
    from .terminal import Terminal


def refuse_options(options: Mapping[str, Any], source: Path) -> None:
    """Raise where options that describe a file of forms stand beside a study file."""
    given = [f"--{name.replace('_', '-')}" for name in AUDIT if options.get(name) not in (None, [], ())]
    if given:
        listed = ", ".join(given)
        raise InputError(
            f"{listed}: for a file of forms, and {source.name} is a study file. Write this there, under [audit].",
            code="cli_audit_options", argument=given[0], options=listed, name=source.name,
        )


def with_asked_pages(study: Study, pages: str | None) -> Study:
    """The audit of a study, with the pages asked for."""
    if not study.audits:
        raise InputError(
            f"{study.path.name} has no [audit] section. Add one, or give a file of forms: vocstats audit forms.csv --score COLUMN.",
            code="cli_no_audit", argument="STUDY", name=study.path.name,
        )
    wanted = pages if pages in (None, "flagged", "all") else names_of([str(pages)])
    return audit_alone(study if wanted is None else with_pages(study, wanted))


def audit_and_show(
    terminal: Terminal, study: Study, *, output: Path | None, overwrite: bool, languages: Sequence[str], json: bool
) -> None:
    """Audit; write the folder or the file asked for, and show the list, or print JSON."""
    path = list_file(output)
    if output is not None and path is None and not json:
        run_and_show(terminal, study, output=output, overwrite=overwrite, languages=languages)
        return
    if "pages" in study["audit"]:
        raise InputError(
            "--pages needs a folder to write them into: --output FOLDER.", code="cli_pages_folder", argument="--pages"
        )
    refuse_present(path, overwrite=overwrite)
    terminal.name_files(study)
    with terminal.progress() as tell:
        audit = audit_study(study, read_files(study), tell)
    minimum = study["report"]["minimum_group"]
    shown = publishable_audit(audit, minimum)
    if json:
        terminal.out.file.write(shown.to_json(indent=1) + "\n")
    else:
        show_audit(terminal, audit, minimum)
    if path is not None:
        language = cast("Language", terminal.language)
        write_list(path, shown, lambda: audit_sheets(audit, language, minimum_group=minimum)[0])
        terminal.say("list_written", file=path)
