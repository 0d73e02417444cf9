"""The result protocol: what every result can do, and how it is written down and read back.

A result is a frozen, slotted, keyword-only dataclass that derives from `Result` and is registered under a ``kind``.
Fields annotated ``Floats``, ``Integers``, ``Flags`` (arrays), ``Labels`` ({name: array of labels}) or ``float`` are written
to JSON and read back by their annotation; NaN is written as null, infinity as "inf". A field whose metadata holds
``{"influence": True}`` (per-row material) is left out unless asked for; one with ``{"memory_only": True}`` always.
"""

from __future__ import annotations

import dataclasses
import html
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
import numpy.typing as npt

from . import texts
from ._checks import read_only
from .errors import InputError, shown

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Labels = Mapping[str, npt.NDArray[Any]]

_KINDS: dict[str, type[Any]] = {}
_ARRAYS = {"Floats": np.float64, "Integers": np.int64, "Flags": np.bool_}
C = TypeVar("C", bound=type[Any])


def register(kind: str, schema_version: int = 1) -> Callable[[C], C]:
    """Class decorator: file a dataclass under `kind` so that `load` finds it."""

    def decorate(cls: C) -> C:
        cls.kind, cls.schema_version = kind, schema_version
        _KINDS[kind] = cls
        return cls

    return decorate


def frame(columns: Mapping[str, Any]) -> pd.DataFrame:
    """Named columns as a table: the one place where a result of an estimator meets pandas."""
    import pandas as pd

    return pd.DataFrame(columns)


class Record:
    """Parent of every dataclass that can be written to JSON: freezes its arrays, writes and reads itself."""

    __slots__ = ()
    kind: ClassVar[str]
    schema_version: ClassVar[int]

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, field.name, read_only(value))
            elif field.type == "Labels":
                object.__setattr__(self, field.name, {name: read_only(column) for name, column in value.items()})

    def to_dict(self, *, influence: bool = False) -> dict[str, Any]:
        """The result as plain Python values, with ``kind`` and ``schema_version``.

        Parameters
        ----------
        influence : bool
            Include per-row material (influence values).

        Returns
        -------
        dict
            Lists, strings and numbers only; NaN is None, infinity "inf".
        """
        fields = {
            field.name: _encode(getattr(self, field.name), influence)
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
            if not field.metadata.get("memory_only") and (influence or not field.metadata.get("influence"))
        }
        return {"kind": self.kind, "schema_version": self.schema_version, **fields}

    def to_json(self, *, influence: bool = False, indent: int | None = None) -> str:
        """`to_dict` as JSON text (UTF-8, no NaN)."""
        return json.dumps(self.to_dict(influence=influence), ensure_ascii=False, allow_nan=False, indent=indent)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild the object from what `to_dict` wrote."""
        known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
        unknown = set(document) - set(known) - {"kind", "schema_version"}
        if unknown:
            raise InputError(
                f"A {cls.kind} has no field {shown(sorted(unknown))}.", code="unknown_field", argument="document", levels=sorted(unknown)
            )
        return cls(**{name: _decode(document[name], str(field.type)) for name, field in known.items() if name in document})


class Result(Record):
    """Parent of every result of an estimator or workflow."""

    __slots__ = ()

    def to_frame(self) -> pd.DataFrame:
        """The result's own table."""
        raise NotImplementedError

    def tidy(self) -> pd.DataFrame:
        """The long form: term, estimate, std_error, conf_low, conf_high and the `by` labels."""
        raise NotImplementedError

    def summary(self, language: str = "en") -> str:
        """One screen of text."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


@register("assumption")
@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assumption(Record):
    """Something the estimate rests on.

    Attributes
    ----------
    code : str
        Stable key; the text stands in ``texts/assumption.toml``.
    testable : {"no", "partly", "yes"}
        Whether data at hand could contradict it.
    values : dict
        What its text is filled with.
    """

    code: str
    testable: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def text(self, language: str = "en") -> str:
        """The assumption in words."""
        return texts.render(f"assumption.{self.code}", language, **texts.spoken(self.values, language))


def kinds() -> Mapping[str, type[Any]]:
    """Every class that can be written to JSON, by its ``kind``."""
    from . import _result_modules

    _result_modules()
    return dict(_KINDS)


def load(source: str | Path | Mapping[str, Any]) -> Any:
    """Read a result back from what `to_dict`, `to_json` or a run of the command line wrote.

    Parameters
    ----------
    source : mapping, str or Path
        The dictionary, the JSON text, or the path of a JSON file.

    Returns
    -------
    Result
        An object of the class registered under the document's ``kind``.

    Raises
    ------
    InputError
        The document is no JSON, has no known ``kind``, or was written by a newer version.
    """
    kinds()
    if isinstance(source, Mapping):
        document = source
    else:
        text = str(source)
        written = text if text.lstrip().startswith("{") else Path(source).read_text(encoding="utf-8-sig")
        try:
            document = json.loads(written)
        except ValueError as error:
            raise InputError(
                f"source is no JSON: {error}. Give the text or the file that to_json wrote.",
                code="not_json", argument="source", reason=str(error),
            ) from error
    return _decode(document, "Result")


def _encode(value: Any, influence: bool) -> Any:
    if isinstance(value, Record):
        return value.to_dict(influence=influence)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return _encode(value.item(), influence)
    if isinstance(value, np.ndarray):
        return [_encode(item, influence) for item in (value.tolist() if value.dtype.kind in "fiub" else value.astype(object).tolist())]
    if isinstance(value, np.generic):
        return _encode(value.item(), influence)
    if isinstance(value, float):
        return None if math.isnan(value) else value if math.isfinite(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, Mapping):
        return {str(key): _encode_labels(item) if isinstance(item, np.ndarray) else _encode(item, influence) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(item, influence) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return str(value)


def _encode_labels(column: npt.NDArray[Any]) -> dict[str, Any]:
    dtype = "str" if column.dtype.kind in "OUS" and all(isinstance(item, str) for item in column) else column.dtype.str
    items = column.astype(str).tolist() if column.dtype.kind in "mM" else column.tolist()
    return {"dtype": "object" if column.dtype == object and dtype != "str" else dtype, "values": [_encode(item, False) for item in items]}


def _decode(value: Any, annotation: str) -> Any:
    if annotation in _ARRAYS:
        return np.array(_numbers(value) if isinstance(value, list) else _number(value), dtype=_ARRAYS[annotation])
    if annotation == "Labels":
        return {name: _decode_labels(column) for name, column in value.items()}
    if annotation == "float":
        return _number(value)
    if isinstance(value, Mapping):
        if isinstance(value.get("kind"), str):  # a mapping by column may have a column of that name
            cls = _KINDS.get(value["kind"])
            if cls is None or value.get("schema_version", 1) > cls.schema_version:
                raise InputError(
                    f"Cannot read a document of kind {value['kind']!r}, schema_version {value.get('schema_version')!r}; "
                    f"this version knows {shown(sorted(_KINDS), len(_KINDS))}.",
                    code="unknown_kind",
                    argument="source",
                    levels=[value["kind"]],
                )
            return cls.from_dict(value)
        if annotation == "Result":
            raise InputError("The document has no 'kind': it was not written by a vocstats result.", code="no_kind", argument="source")
        return {key: _decode(item, "") for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_decode(item, "") for item in value)
    return value


def _decode_labels(column: Mapping[str, Any]) -> npt.NDArray[Any]:
    if column["dtype"] == "object":
        array = np.empty(len(column["values"]), object)
        array[:] = column["values"]
        return array
    if column["dtype"].lstrip("<>|=").startswith("f"):
        return np.array(_numbers(column["values"]), dtype=column["dtype"])
    return np.array(column["values"], dtype=column["dtype"])


def _number(value: Any) -> Any:
    return math.nan if value is None else float(value) if value in ("inf", "-inf") else value


def _numbers(value: list[Any]) -> list[Any]:
    return [_numbers(item) if isinstance(item, list) else _number(item) for item in value]
