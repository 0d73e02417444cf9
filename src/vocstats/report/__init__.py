"""One offline HTML file per language, and tables."""

from __future__ import annotations

from .content import FileRecord, ReportContent
from .rendering import render
from .writing import tables, write_tables

__all__ = ["FileRecord", "ReportContent", "render", "tables", "write_tables"]
