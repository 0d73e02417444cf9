"""Packages a run will need at its end, asked for at its beginning."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from ..errors import MissingDependencyError

if TYPE_CHECKING:
    from .study_file import Study


def refuse_without_packages(study: Study) -> None:
    """Raise, before anything is computed, where the report or a file could not be written.

    Parameters
    ----------
    study : Study

    Raises
    ------
    MissingDependencyError
        Names the package and the extra that brings it.
    """
    needed = {"jinja2": "report"}
    if study["report"]["excel"]:
        needed["openpyxl"] = "report"
    if study["report"]["customer_files"] and study.corrects:
        needed["pyarrow"] = "duckdb"
    if study["report"]["customer_files"] and study.audits:
        needed["openpyxl"] = "report"
    for package, extra in needed.items():
        if find_spec(package) is None:
            raise MissingDependencyError(
                f"The run needs the package {package} to write its files: pip install 'vocstats[{extra}]'.",
                code="missing_dependency", package=package, extra=extra,
            )
