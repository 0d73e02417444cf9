"""Which language the terminal speaks, and which options may stand anywhere."""

from __future__ import annotations

import locale
import os
from collections.abc import Sequence

from ..texts import LANGUAGES

_WITH_REPORT = ("run", "audit", "pain-points")
_FLAGS = ("--quiet", "-q", "--debug", "--version")


def language_of(arguments: Sequence[str]) -> str:
    """The first ``--language`` on the command line, else what the environment says, else English."""
    for position, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == "--language":
            value = value or next(iter(arguments[position + 1 : position + 2]), "")
            return value if value in LANGUAGES else _of_environment()
    return _of_environment()


def _of_environment() -> str:
    for variable in ("VOCSTATS_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"


def general_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with the general options, which may stand anywhere, in front of the command.

    ``run``, ``audit`` and ``pain-points`` have a ``--language`` of their own, the report's, and keep what stands behind them.
    """
    front: list[str] = []
    rest: list[str] = []
    command = ""
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        name, equals, _ = argument.partition("=")
        if argument == "--":
            rest += [argument, *waiting]
            break
        if argument in _FLAGS:
            front.append(argument)
        elif name == "--language" and command not in _WITH_REPORT:
            front += [argument, *([] if equals else waiting[:1])]
            waiting = waiting if equals else waiting[1:]
        else:
            command = command or (argument if not argument.startswith("-") else "")
            rest.append(argument)
    return front + rest
