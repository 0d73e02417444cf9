"""One offline HTML file per language."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from .._checks import choice
from ..errors import MissingDependencyError
from ..options import Language
from ..plots.page import json_text
from ..workflows.corrected_score import TERMS
from .content import in_language

if TYPE_CHECKING:
    from jinja2 import Environment

    from ..workflows.audit_result import DealerAudit
    from .content import FileRecord, ReportContent
    from .pain_content import PainPointContent
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
    from . import first_screen as opening
    from .chapters import chapters
    from .wording import Words

    choice(language, Language, "language")
    environment, words = page_environment(), Words(language)
    return _page(
        environment, words, title=content.title, subtitle=opening.subtitle(content, words), languages=content.languages,
        excel=content.excel, created=content.created, seed=content.seed, screen="first_screen.html.jinja",
        chapters=chapters(content, language), figures=_figures(content, words), **opening.first_screen(content, words),
    )


def render_audit(
    audit: DealerAudit, *, language: Language, title: Mapping[str, str], languages: tuple[str, ...], created: str,
    files: tuple[FileRecord, ...], minimum_group: int, disclose: tuple[str, ...], period: str, producer: str, excel: bool,
    pain_points: PainPointContent | None,
) -> str:
    """The report of an audit alone, see `write_audit_report`."""
    from .audit_chapters import audit_chapters, audit_data
    from .pain_chapters import pain_chapters
    from .wording import Words

    choice(language, Language, "language")
    environment, words = page_environment(), Words(language)
    days = words("to", low=audit.first_day, high=audit.last_day) if audit.first_day else ""
    counted = words.audit("counted", dealers=words.count(audit.dealers.size), forms=words.count(float(audit.scores.n.sum())))
    chapters = audit_chapters(audit, words, minimum_group, disclose)
    chapters += pain_chapters(pain_points, words) if pain_points is not None else []
    chapters.append(audit_data(audit, words, files, minimum_group))
    return _page(
        environment, words, title=title, subtitle=" · ".join(part for part in (period or days, counted, producer) if part),
        languages=languages, excel=excel, created=created, seed=audit.seed, screen="", chapters=chapters, figures={},
    )


def render_pain_points(
    content: PainPointContent, *, language: Language, title: Mapping[str, str], languages: tuple[str, ...], created: str,
    files: tuple[FileRecord, ...], producer: str, excel: bool,
) -> str:
    """The report of pain points alone, see `write_pain_report`."""
    from .pain_chapters import pain_chapters, pain_data
    from .pain_first_screen import pain_screen
    from .pain_wording import PainWords
    from .wording import Words

    environment, words = page_environment(), Words(language)
    counted = words("customers_total", count=words.count(float(content.result.customers.sum())))
    chapters = [*pain_chapters(content, words, opening=False), pain_data(content, words, files)]
    return _page(
        environment, words, title=title, subtitle=" · ".join(part for part in (content.window, counted, producer) if part),
        languages=languages, excel=excel, created=created, seed=content.result.seed, screen="pain_screen.html.jinja", chapters=chapters,
        figures={}, **pain_screen(content, PainWords(words, content.taxonomy)),
    )


def page_environment() -> Environment:
    """The templates of this folder; undefined names and unescaped text are not let through."""
    try:
        import jinja2
    except ImportError as error:
        message = "A report needs jinja2; install it with: pip install 'vocstats[report]'"
        raise MissingDependencyError(message, code="missing_dependency", package="jinja2", extra="report") from error
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(template_text), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )


def _page(
    environment: Environment, words: Words, *, title: Mapping[str, str], languages: tuple[str, ...], figures: Mapping[str, Any],
    **parts: Any,
) -> str:
    from markupsafe import Markup

    from .first_screen import badge, language_links

    script = template_text("script.js")
    return environment.get_template("report.html.jinja").render(
        language=words.language,
        words=words,
        title=in_language(title, words.language),
        badge=badge(title, words),
        links=language_links(languages, words),
        style=Markup(template_text("style.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        figures=Markup(json_text(figures)),
        **parts,
    )


def template_text(name: str) -> str:
    """A file of the folder of templates."""
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
