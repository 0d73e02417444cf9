"""One offline HTML file per language, tables, and printable pages of dealers."""

from __future__ import annotations

from .audit_report import audit_sheets, write_audit_report, write_audit_tables
from .content import FileRecord, ReportContent
from .dealer_page import write_dealer_pages
from .rendering import render
from .writing import tables, write_tables

__all__ = [
    "FileRecord", "ReportContent", "audit_sheets", "render", "tables", "write_audit_report", "write_audit_tables", "write_dealer_pages",
    "write_tables",
]
