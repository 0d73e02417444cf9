"""Every example runs: docstrings, Python blocks of the docs and of the READMEs, commands of the tutorials; generated pages are current."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import pkgutil
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vocstats

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(page for page in ROOT.glob("docs/**/*.md") if "_build" not in page.parts)]
MODULES = sorted(module.name for module in pkgutil.walk_packages(vocstats.__path__, "vocstats.") if module.name != "vocstats.__main__")
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def having(language: str) -> list[object]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES if blocks(page, language)]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded example's data and study file."""
    folder = tmp_path_factory.mktemp("example") / "vocstats-demo"
    vocstats.datasets.write_example(folder)
    return folder


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str) -> None:
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for case in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name)):
        runner.run(case)
    assert runner.failures == 0


@pytest.mark.parametrize("page", having("python"))
def test_python_blocks(page: Path, example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page share their names, and run in a folder that holds the embedded example's files."""
    monkeypatch.chdir(shutil.copytree(example, tmp_path / "page"))
    names: dict[str, object] = {}
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    for number, block in enumerate(blocks(page, "python"), 1):
        title = f"{page.name}, block {number}"
        if ">>>" in block:
            case = doctest.DocTestParser().get_doctest(block, names, title, str(page), 0)
            runner.run(case, clear_globs=False)
            names |= case.globs
        else:
            exec(compile(block, title, "exec"), names)
    assert runner.failures == 0


def tutorial_commands() -> list[object]:
    """The `cd` and `vocstats` lines of each tutorial, once where two languages share them; `init` asks and has its own tests."""
    pages: dict[tuple[str, ...], str] = {}
    for page in PAGES:
        lines = [line.strip() for block in blocks(page, "console") for line in block.splitlines()] if "tutorials" in page.parts else []
        commands = tuple(line for line in lines if line.startswith(("cd ", "vocstats ")) and not line.startswith("vocstats init"))
        if commands:
            pages.setdefault(commands, str(page.relative_to(ROOT)))
    return [pytest.param(commands, id=page) for commands, page in pages.items()]


@pytest.mark.parametrize("commands", tutorial_commands())
def test_tutorial_commands(commands: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path
    for line in commands:
        words = shlex.split(line, comments=True)
        if words[0] == "cd":
            folder = folder / words[1]
            continue
        command = [sys.executable, "-m", *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def _generator(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", sorted(ROOT.glob("docs/reference/*.py")), ids=lambda script: script.stem)
def test_generated_pages_are_current(script: Path) -> None:
    generator = _generator(script)
    for language, name in generator.PAGES.items():
        assert script.with_name(name).read_text(encoding="utf-8") == generator.page(language), f"run python {script.relative_to(ROOT)}"


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []
