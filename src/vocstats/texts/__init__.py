"""English and Chinese texts by stable key.

Each ``<namespace>.toml`` beside this file holds tables ``[key]`` with an ``en`` and a ``zh`` string; placeholders are
filled by `str.format`. Results store the key and the values, never the text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, get_args

from .._checks import choice
from ..errors import InputError, VocstatsError, shown
from ..options import Language

LANGUAGES: tuple[str, ...] = get_args(Language)
_CODES = ("group", "source", "weighting")


@cache
def namespace(name: str) -> dict[str, dict[str, str]]:
    """Every text of one namespace: {key: {language: text}}."""
    table: dict[str, dict[str, str]] = tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    return table


def render(key: str, language: str = "en", /, **values: Any) -> str:
    """The text stored under ``"namespace.key"`` in `language`, with its placeholders filled from `values`.

    Parameters
    ----------
    key : str
        ``"namespace.key"``, for example ``"assumption.silent_like_respondents"``.
    language : {"en", "zh"}
        Language of the text.
    **values
        Values of the placeholders.

    Returns
    -------
    str
        The rendered text.

    Raises
    ------
    InputError
        `language` or `key` is unknown.
    """
    choice(language, Language, "language")
    space, _, name = key.partition(".")
    try:
        text = namespace(space)[name][language]
    except (KeyError, FileNotFoundError):
        raise InputError(f"There is no text {key!r} in {language}.", code="unknown_text", argument="key", key=key) from None
    return text.format(**values)


def listed(space: str, codes: Iterable[str], language: str = "en") -> str:
    """Texts of several codes of one namespace in a row; a code without a text stands for itself."""
    known = namespace(space)
    return "; ".join(render(f"{space}.{code}", language) if code in known else code for code in codes)


def spoken(values: Mapping[str, Any], language: str = "en") -> dict[str, Any]:
    """Values of an assumption as they are read out: counts with thousands separated, codes by their name in ``term.toml``."""
    return {name: _spoken(name, value, language) for name, value in values.items()}


def _spoken(name: str, value: Any, language: str) -> Any:
    if isinstance(value, int):
        return f"{value:,}"
    return namespace("term").get(f"{name}_{value}", {}).get(language, value) if name in _CODES else value


def message(error: VocstatsError, language: str = "en") -> str:
    """The message of an error in `language`; English stands in where no translation exists."""
    translated = namespace("error").get(error.code, {}).get(language) if language != "en" else None
    if translated is None:
        return str(error)
    known = {"argument": error.argument, "rows": shown(error.rows), "levels": shown(error.levels), "message": str(error)}
    return translated.format(**{**known, **error.values})
