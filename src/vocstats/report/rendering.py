"""One offline HTML file per language."""

from __future__ import annotations

import base64
import hashlib
import math
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from .._checks import choice
from ..errors import MissingDependencyError
from ..options import Language
from ..plots.page import json_text
from ..workflows.corrected_score import TERMS

if TYPE_CHECKING:
    from jinja2 import Environment

    from .content import ReportContent
    from .wording import Words


def render(content: ReportContent, *, language: Language = "en") -> str:
    """The report as one HTML file that opens offline, prints, and survives a mail filter that strips scripts.

    Parameters
    ----------
    content : ReportContent
        What to show.
    language : {"en", "zh"}
        Language of the report.

    Returns
    -------
    str
        The file's text (UTF-8). It refers to its siblings ``report.<language>.html`` and ``tables.xlsx`` by name and to
        nothing else.

    Raises
    ------
    InputError
        `language` is unknown.
    MissingDependencyError
        jinja2 is not installed.
    """
    choice(language, Language, "language")
    try:
        import jinja2
    except ImportError as error:
        message = "A report needs jinja2; install it with: pip install 'vocstats[report]'"
        raise MissingDependencyError(message, code="missing_dependency", package="jinja2", extra="report") from error
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_template), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return _page(environment, content, language)


def _page(environment: Environment, content: ReportContent, language: str) -> str:
    from markupsafe import Markup

    from .chapters import chapters
    from .first_screen import badge, first_screen
    from .wording import Words

    words = Words(language)
    script = _template("script.js")
    return environment.get_template("report.html.jinja").render(
        content=content,
        language=language,
        words=words,
        title=content.text("title", language),
        badge=badge(content, words),
        chapters=chapters(content, language),
        **first_screen(content, words),
        style=Markup(_template("style.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        figures=Markup(json_text(_figures(content, words))),
    )


def _template(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


def _figures(content: ReportContent, words: Words) -> dict[str, Any]:
    """What the page's own arithmetic needs: the headline score, its slopes and the scale."""
    from .wording import Measure

    first = content.first
    term = TERMS.index(content.headline)

    def known(value: float) -> float | None:
        return float(value) if math.isfinite(value) else None

    return {
        "title": content.text("title", words.language),
        "population": words.term(f"population_{content.headline}"),
        "estimate": known(first.estimate[0, term]),
        "slope": [known(slope) if slope else None for slope in first.shift_effect[0, term, :2]],
        "reach": (first.scale[1] - first.scale[0]) / 2,
        "low": first.scale[0],
        "high": first.scale[1],
        "kpi": known(first.kpi),
        "target": words("kpi", value=Measure(words, first).value(first.kpi)),
    }
