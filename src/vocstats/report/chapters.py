"""The chapters below the first screen, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import council, statistics
from .audit_chapters import audit_chapters
from .chapter import Chapter
from .pain_chapters import pain_chapters
from .tenure import tenure_chapters
from .wording import Words

if TYPE_CHECKING:
    from .content import ReportContent


def chapters(content: ReportContent, language: str) -> list[Chapter]:
    """All chapters: what a council reads first, then what statisticians check, then questions and glossary."""
    words, first = Words(language), content.first
    return [
        council.overview(content, words),
        council.data_card(content, first, words),
        council.fieldwork(content, words),
        *(council.domain_chapter(content, words, by, corrections) for by, corrections in content.domains.items()),
        *tenure_chapters(content, words),
        *(audit_chapters(content.audit, words, content.minimum_group, content.disclose) if content.audit is not None else ()),
        *(pain_chapters(content.pain_points, words) if content.pain_points is not None else ()),
        statistics.sensitivity(content, first, words),
        statistics.weights(content, first, words),
        statistics.balance(content, first, words),
        statistics.methods(content, first, words),
        council.council_questions(content, words),
        council.glossary(words),
    ]
