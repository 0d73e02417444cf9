"""JSON schemas of everything a result writes, one file per ``kind``, made from the classes themselves.

``python -m vocstats.schemas`` writes the files again after a field was added.
"""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from importlib.resources import files
from typing import Any, get_args

from .. import options
from ..errors import InputError, shown
from ..results import kinds

_NUMBER: dict[str, Any] = {"anyOf": [{"type": ["number", "null"]}, {"enum": ["inf", "-inf"]}]}
_NESTED: dict[str, Any] = {"anyOf": [*_NUMBER["anyOf"], {"type": "array"}]}
_LABELS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["dtype", "values"],
        "properties": {"dtype": {"type": "string"}, "values": {"type": "array"}},
    },
}
_BY_ANNOTATION: dict[str, dict[str, Any]] = {
    "float": _NUMBER,
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "str": {"type": "string"},
    "Floats": _NESTED,
    "Integers": {"type": ["array", "integer"]},
    "Flags": {"type": ["array", "boolean"]},
    "Labels": _LABELS,
}


def build(kind: str) -> dict[str, Any]:
    """The schema of one kind, from the fields of its class; per-row material is written under ``influence`` when asked for."""
    cls = kinds()[kind]
    held_back = ("memory_only", "influence")
    fields = [field for field in dataclasses.fields(cls) if not any(field.metadata.get(name) for name in held_back)]
    per_row = {"influence": _NESTED} if hasattr(cls, "influence") else {}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"vocstats {kind}",
        "type": "object",
        "properties": {
            "kind": {"const": kind},
            "schema_version": {"const": cls.schema_version},
            **{field.name: _of(str(field.type)) for field in fields},
            **per_row,
        },
        "required": ["kind", "schema_version", *(field.name for field in fields)],
        "additionalProperties": False,
    }


def _of(annotation: str) -> dict[str, Any]:
    if annotation in _BY_ANNOTATION:
        return _BY_ANNOTATION[annotation]
    if hasattr(options, annotation):
        return {"enum": list(get_args(getattr(options, annotation)))}
    if "None" in annotation:
        return {"anyOf": [{"type": "null"}, _of(annotation.replace("| None", "").strip())]}
    if annotation.startswith("tuple"):
        return {"type": "array"}
    return {"type": "object"}


@cache
def schema(kind: str) -> dict[str, Any]:
    """The shipped JSON schema of a result kind.

    Parameters
    ----------
    kind : str
        Such as "correction" or "estimate": the ``kind`` a result writes.

    Returns
    -------
    dict
        A JSON schema (draft 2020-12).

    Raises
    ------
    InputError
        No result has this kind.
    """
    if kind not in kinds():
        raise InputError(
            f"No result is of kind {kind!r}; known are {shown(sorted(kinds()), len(kinds()))}.",
            code="unknown_kind",
            argument="kind",
            levels=[kind],
        )
    document: dict[str, Any] = json.loads(files(__name__).joinpath(f"{kind}.json").read_text(encoding="utf-8"))
    return document
