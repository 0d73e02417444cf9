"""A new study file, every key of it explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..texts import render
from .kinds import KINDS
from .schema import CORRECTION, REQUIRED, SCHEMA_VERSION, SECTIONS, Key, keys_of, sections_under
from .toml_text import toml, toml_key

_COMMENT_COLUMN = 46
_OPTIONAL = {section.name for section in SECTIONS if not (section.required or section.standing)}


def commented_study(document: Mapping[str, Any], language: str) -> str:
    """A study file with what `document` holds; every other key of its sections stands there as a comment.

    Parameters
    ----------
    document : mapping
        As parsed from a study file, ``schema_version`` left out.
    language : {"en", "zh"}
        Language of the comments.

    Returns
    -------
    str
        TOML text that reads back as `document`.
    """
    lines = [f"# {line}" for line in render("cli.study_head", language).splitlines()]
    return "\n".join([*lines, "", *_section("", "", {"schema_version": SCHEMA_VERSION, **document}, language)])


def _section(pattern: str, path: str, table: Mapping[str, Any], language: str) -> list[str]:
    children = sections_under(pattern)
    if not pattern and "audit" in table:
        children = {name: child for name, child in children.items() if name in table or name not in CORRECTION}
    here = {section.name: section for section in SECTIONS}[pattern]
    lines = [f"# {here.text(language)}", f"[{path}]"] if path and keys_of(pattern) else []
    lines += [_line(key, table.get(name), language) for name, key in keys_of(pattern).items()]
    lines += [""] if lines else []
    for name in [*children] if "{column}" not in children else [*table]:
        child = children.get(name) or children["{column}"]
        if name in table or child.name not in _OPTIONAL:
            lines += _section(child.name, f"{path}.{toml_key(name)}" if path else toml_key(name), table.get(name, {}), language)
    return lines


def _line(key: Key, value: Any, language: str) -> str:
    if value is not None:
        setting = f"{key.name} = {toml(value)}"
    else:
        setting = f"# {key.name} = {'' if key.default in (None, REQUIRED) else toml(key.default)}"
    allowed = " | ".join(key.allowed) or ("" if value is not None else getattr(KINDS[key.kind], language))
    return f"{setting:<{_COMMENT_COLUMN - 2}}  # {key.text(language)}{f' ({allowed})' if allowed else ''}"
