"""The command line: arguments in, a study run, words out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

from .. import texts
from .language import language_of

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point of the ``vocstats`` command; ends with exit code 0 (done), 1 (data refused) or 2 (usage).

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; default those of the process.

    Raises
    ------
    SystemExit
        Always.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a console that cannot write a character shows "?" instead of stopping
    language = language_of(arguments)
    if find_spec("typer") is None or find_spec("rich") is None:
        sys.stderr.write(texts.render("cli.extra_missing", language) + "\n")
        raise SystemExit(2)
    try:
        from .commands import run_command

        code = run_command(arguments, language)
    except KeyboardInterrupt:  # while packages were being imported
        if "--debug" in arguments:
            raise
        sys.stderr.write(texts.render("cli.interrupted", language) + "\n")
        code = 130
    raise SystemExit(code)
