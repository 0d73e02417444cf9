"""What the terminal shows: texts by key, errors, progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from .. import texts
from ..errors import MissingDependencyError, VocstatsError

if TYPE_CHECKING:
    from ..results import Assumption
    from ..study import Study

Tell = Callable[[str, int, int], None]
_USAGE = ("study_", "cli_")
INTERRUPTED = 130
JOINER = "\u2060"  # keeps a browser from breaking an interval; a terminal may show it
_SHOWN_LINES = 10
_OWN_ARGUMENT = ("registry", "responses", "roster", "observations", "frame", "coder_audit", "drop_off")
_OF_REGISTRY = ("missing_ids", "duplicate_ids", "unusable_base_weight", "undated", "missing_status", "missing_auxiliary")


@dataclass(slots=True)
class Terminal:
    """Where a command writes: results to standard output, everything else to standard error."""

    language: str
    quiet: bool = False
    debug: bool = False
    files: dict[str, str] = field(default_factory=dict)
    out: Console = field(default_factory=lambda: _console(sys.stdout))
    err: Console = field(default_factory=lambda: _console(sys.stderr))

    def text(self, key: str, /, **values: Any) -> str:
        """A text of ``texts/cli.toml``."""
        return texts.render(f"cli.{key}", self.language, **values)

    def say(self, key: str, /, **values: Any) -> None:
        """Write a line for the user, unless quiet; words are wrapped on a terminal, paths and logs are not."""
        if not self.quiet:
            whole = not self.out.is_terminal or any(isinstance(value, Path) for value in values.values())
            self.out.print(self.text(key, **values), soft_wrap=whole)

    def show(self, what: Any) -> None:
        """Write a result: text or a rich table."""
        self.out.print(what)

    def list_assumptions(self, assumptions: Iterable[Assumption]) -> None:
        """What a result rests on, one line each."""
        for assumption in assumptions:
            self.say("assumption", text=assumption.text(self.language))

    def warn(self, line: str) -> None:
        """Write a line to standard error."""
        self.err.print(line, soft_wrap=not self.err.is_terminal)

    def problem(self, error: VocstatsError) -> None:
        """Write what is wrong, in the user's language."""
        self.err.print(self.text("error"), style="bold red", end=" ")
        self.warn(texts.message(error, self.language))
        file = self._file_of(error)
        if error.rows and file:
            lines = ", ".join(str(row + 2) for row in error.rows[:_SHOWN_LINES])
            self.warn("  " + self.text("file_lines", file=file, lines=lines))

    def name_files(self, study: Study) -> None:
        """Remember which file each table of a study is, so that problems can name it and its lines."""
        self.files = {f"answers[{role!r}]": name for role, name in study.files.items()}
        self.files |= {role: name for role, name in study.files.items() if role in _OWN_ARGUMENT}
        self.files |= {f"reports[{role.partition('.')[2]!r}]": name for role, name in study.files.items() if role.startswith("reports.")}

    def _file_of(self, error: VocstatsError) -> str | None:
        """The file whose rows an error is about, where its lines can be counted."""
        table = "registry" if error.code in _OF_REGISTRY else error.values.get("table", error.argument)
        file = self.files.get(str(table), "")
        return file if file.lower().endswith((".csv", ".xlsx")) else None

    def failure(self, error: BaseException) -> int:
        """Write why the command ended, and return its exit code."""
        if isinstance(error, VocstatsError):
            self.problem(error)
            return exit_code(error)
        if isinstance(error, KeyboardInterrupt):
            self.warn(self.text("interrupted"))
            return INTERRUPTED
        key, code = ("cannot_access", 2) if isinstance(error, OSError) else ("unexpected", 1)
        self.warn(self.text(key, reason=f"{type(error).__name__}: {error}"))
        return code

    @contextmanager
    def progress(self) -> Iterator[Tell]:
        """A progress bar on standard error, where that is a terminal that can draw one."""
        if self.quiet or not self.err.is_terminal or self.err.is_dumb_terminal or os.environ.get("CI"):
            yield lambda step, done, parts: None
            return
        bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=self.err, transient=True)
        tasks: dict[str, TaskID] = {}

        def tell(step: str, done: int, parts: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(self.text(f"step_{step}"), total=parts)
            bar.update(tasks[step], completed=done)

        with bar:
            yield tell


def refuse(terminal: Terminal, problems: Sequence[VocstatsError]) -> int:
    """Name every problem; the exit code."""
    for problem in problems:
        terminal.problem(problem)
    return max(exit_code(problem) for problem in problems)


def exit_code(error: VocstatsError) -> int:
    """2 where the command or the study file is at fault, 1 where the data are."""
    usage = error.code.startswith(_USAGE) or (error.argument or "").startswith("--")
    return 2 if usage or isinstance(error, MissingDependencyError) else 1


def plain_table(title: str = "") -> Table:
    """A table without lines but that under its head."""
    return Table(
        box=box.SIMPLE_HEAD, padding=(0, 0), pad_edge=False, show_edge=False, title_justify="left", caption_justify="left",
        title=f"\n{title}" if title else None, title_style="bold",
    )  # fmt: skip


def _console(file: IO[str]) -> Console:
    return Console(file=file, highlight=False, markup=False, emoji=False)
