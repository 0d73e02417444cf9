"""Fonts, colours and measures all charts share."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..errors import MissingDependencyError

FONT = "Segoe UI, Noto Sans, Helvetica, PingFang SC, Microsoft YaHei, Noto Sans CJK SC, sans-serif"
ACCENT, SOFT, RULE, QUIET, INK = "#14507d", "#9dbad0", "#d9dee4", "#5b6672", "#16202b"
WIDTH = 520


def load_altair() -> ModuleType:
    """The drawing library, or an error that says what to install."""
    try:
        import altair
    except ImportError as error:
        message = "Charts need altair; install it with: pip install 'vocstats[report]'"
        raise MissingDependencyError(message, code="missing_dependency", package="altair", extra="report") from error
    return altair


def styled(chart: Any) -> Any:
    """`chart` with the fonts, grid and headings of the package."""
    axis = {"labelFontSize": 12, "gridColor": RULE, "domain": False, "ticks": False}
    return (
        chart.configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(**axis)
        .configure_header(labelFontSize=13, labelFontWeight="bold")
    )
