"""A chapter of the page: blocks in the order in which they are set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Chapter:
    """One chapter: paragraphs, facts, tables, a chart and entries, in the order in which the page sets them."""

    name: str
    title: str
    blocks: list[tuple[str, Any]] = field(default_factory=list)

    def add(self, kind: str, value: Any) -> None:
        """Append a block; an empty one is left out."""
        if value:
            self.blocks.append((kind, value))
