"""Figures of a row of a page's table, to hold simulations against what the page prints."""

from __future__ import annotations

from pathlib import Path


def printed(page: Path, name: str) -> list[float]:
    """The row called `name`, from its third column on; percent as printed."""
    row = next(line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {name} |"))
    return [float(cell.strip(" %")) for cell in row.strip("| ").split("|")[2:]]
