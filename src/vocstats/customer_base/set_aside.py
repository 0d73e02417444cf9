"""What is left out of the base, counted and listed; and the remarks on it that `check` and the report show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from .. import texts

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SetAside:
    """Rows left out for one reason.

    Attributes
    ----------
    source : str
        "registry" or a member of `SOURCES`.
    reason : str
        Stable code; its text stands in ``texts/set_aside.toml``.
    rows : int
        How many rows.
    examples : tuple of str
        The first few ids, or the codes found.
    """

    source: str
    reason: str
    rows: int
    examples: tuple[str, ...] = ()

    def text(self, language: str = "en") -> str:
        """The reason in words."""
        return texts.render(f"set_aside.{self.reason}", language)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a user should know before computing.

    Attributes
    ----------
    severity : {"info", "warning"}
        What stops the computation is raised as an error instead.
    code : str
        Stable code; its text stands in ``texts/finding.toml``.
    values : mapping
        What the text is filled with.
    """

    severity: Literal["info", "warning"]
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def text(self, language: str = "en") -> str:
        """The finding in words."""
        values = {name: f"{value:,}" if isinstance(value, int) else value for name, value in self.values.items()}
        if "source" in values:
            values["source"] = texts.render(f"finding.source_{values['source']}", language)
        if "reason" in values:
            values["reason"] = texts.render(f"set_aside.{values['reason']}", language)
        return texts.render(f"finding.{self.code}", language, **values)


def set_aside_frame(records: Iterable[SetAside]) -> pd.DataFrame:
    """Records as a table: source, reason, rows, examples."""
    import pandas as pd

    listed = [(r.source, r.reason, r.rows, ", ".join(r.examples)) for r in records]
    return pd.DataFrame(listed, columns=["source", "reason", "rows", "examples"])
