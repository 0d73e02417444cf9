"""The page on performance is what its generator makes of the recorded results."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_is_current() -> None:
    spec = importlib.util.spec_from_file_location("make_performance", ROOT / "docs/explanation/make_performance.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs/explanation/performance.md").read_text(encoding="utf-8") == module.page()
