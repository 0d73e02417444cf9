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
