"""``vocstats pain-points``: the pain points of a study, or of files of counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..errors import InputError
from ..report import pain_sheets, publishable_pain_points
from ..study.pain_points import estimate_study_pains, pains_alone
from ..study.reading import read_files, read_telling
from .list_file import list_file, refuse_present, write_list
from .one_off import PAINS
from .pain_list import show_pains
from .running import run_and_show

if TYPE_CHECKING:
    from ..options import Language
    from ..study import Study
    from .terminal import Terminal


def refuse_options(options: Mapping[str, Any], source: Path) -> None:
    """Raise where options that describe files of counts stand beside a study file."""
    names = ["source_column" if name == "source" else name for name in PAINS]
    given = [f"--{name.replace('_', '-')}" for name in names if options.get(name) not in (None, [], ())]
    if given:
        listed = ", ".join(given)
        raise InputError(
            f"{listed}: for files of counts, and {source.name} is a study file. Write this there, under [pain_points].",
            code="cli_pain_options", argument=given[0], options=listed, name=source.name,
        )


def with_pains(study: Study) -> Study:
    """The pain points of a study alone."""
    if not study.counts_pains:
        raise InputError(
            f"{study.path.name} has no [pain_points] section. Add one, or give a file of counts: vocstats pain-points counts.csv --frame "
            "customers.csv.",
            code="cli_no_pains", argument="STUDY", name=study.path.name,
        )
    return pains_alone(study)


def estimate_and_show(
    terminal: Terminal, study: Study, *, output: Path | None, overwrite: bool, languages: Sequence[str], json: bool
) -> None:
    """Estimate; write the folder or the file asked for, and show the list, or print JSON."""
    path = list_file(output)
    if output is not None and path is None and not json:
        run_and_show(terminal, study, output=output, overwrite=overwrite, languages=languages)
        return
    refuse_present(path, overwrite=overwrite)
    terminal.name_files(study)
    with terminal.progress() as tell:
        files = read_files(study)
        base = read_telling(study, files, tell) if study.reads_base else None
        pains = estimate_study_pains(study, files, base, tell, conflict=False)
    shown = publishable_pain_points(pains.result, study["report"]["minimum_group"])
    if json:
        terminal.out.file.write(shown.to_json(indent=1) + "\n")
    else:
        show_pains(terminal, pains)
    if path is not None:
        language = cast("Language", terminal.language)
        write_list(path, shown, lambda: pain_sheets(pains.content, language)[0])
        terminal.say("list_written", file=path)
