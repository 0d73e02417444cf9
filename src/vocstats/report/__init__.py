"""One offline HTML file per language, tables, and printable pages of dealers."""

from __future__ import annotations

from .audit_report import audit_sheets, write_audit_report, write_audit_tables
from .content import FileRecord, ReportContent
from .dealer_page import write_dealer_pages
from .pain_content import PainPointContent, pain_content
from .pain_disclosure import publishable_pain_points
from .pain_report import pain_sheets, write_pain_report, write_pain_tables
from .rendering import render
from .writing import tables, write_tables

__all__ = [
    "FileRecord", "PainPointContent", "ReportContent", "audit_sheets", "pain_content", "pain_sheets", "publishable_pain_points", "render",
    "tables", "write_audit_report", "write_audit_tables", "write_dealer_pages", "write_pain_report", "write_pain_tables", "write_tables",
]
