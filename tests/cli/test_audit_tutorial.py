"""The tutorial "audit a network in ten minutes": what it prints and counts is what the embedded example gives."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vocstats as vs

pytestmark = pytest.mark.slow  # the commands themselves are run with those of every tutorial
PAGES = {language: Path(__file__).resolve().parents[2] / f"docs/tutorials/{language}/audit.md" for language in ("en", "zh")}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of the example, and what `vocstats demo audit` shows in English."""
    folder = tmp_path_factory.mktemp("tutorial")
    done = subprocess.run(
        [sys.executable, "-m", "vocstats", "demo", "audit"], cwd=folder, env={**os.environ, "VOCSTATS_LANGUAGE": "en"},
        capture_output=True, encoding="utf-8", check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "vocstats-audit", " ".join(done.stdout.split())


def printed(language: str) -> str:
    text = PAGES[language].read_text(encoding="utf-8")
    return "\n".join(re.findall(r"^```output\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL))


def test_what_the_tutorial_prints_is_what_is_shown(demo: tuple[Path, str]) -> None:
    for line in printed("en").splitlines():
        assert line in demo[1], line
    assert set(re.findall(r"\d[\d.]*\d|\d", printed("zh"))) == set(re.findall(r"\d[\d.]*\d|\d", printed("en")))


def test_the_chinese_tutorial_prints_what_the_audit_says(demo: tuple[Path, str]) -> None:
    audit = vs.load(demo[0] / "out/2026/result.json").audit
    said = audit.summary("zh") + "".join(reason.text("zh") for dealer in ("D0086", "D0088") for reason in audit.reasons(dealer))
    for line in printed("zh").splitlines():
        assert line.removeprefix("- ") in said.replace("约 1.5 家", "约 2 家") or re.fullmatch(r"D\d+", line), line


def test_the_tutorial_counts_what_the_truth_holds(demo: tuple[Path, str]) -> None:
    audit = vs.load(demo[0] / "out/2026/result.json").audit
    truth = json.loads((demo[0] / "truth.json").read_text(encoding="utf-8"))
    inflated = {each["dealer"] for each in truth["dealers"] if each["inflated"]}
    listed = set(audit.dealers[audit.flagged].tolist())
    watched = {dealer for dealer, status in zip(audit.dealers.tolist(), audit.status, strict=True) if status == "watch"}
    missed = inflated - listed
    assert len(listed) == 15 and listed - inflated == {"D0042"} and missed == missed & watched == {"D0029"}
    for text in (page.read_text(encoding="utf-8") for page in PAGES.values()):
        assert "D0042" in text and "D0029" in text
    assert (demo[0] / "out/2026/dealers/D0016.en.html").is_file()
    assert (demo[0] / "out/2026/dealers_internal/D0016.zh.html").is_file()
