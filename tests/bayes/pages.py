"""The examples of the pages of models: too slow for the tests of the docs."""

from __future__ import annotations

import re
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, DocTestParser, DocTestRunner
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs/methods/bayes"


def failures_of_example(name: str) -> int:
    """Lines of the page's example that do not give what it prints."""
    page = FOLDER / f"{name}.md"
    (block,) = re.findall(r"^```pycon\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    runner = DocTestRunner(optionflags=ELLIPSIS | NORMALIZE_WHITESPACE)
    runner.run(DocTestParser().get_doctest(block, {}, "example", str(page), 0))
    return runner.failures
