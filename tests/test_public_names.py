"""`__all__`, the reference, the methods pages and the test files agree with each other."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

import vocstats

ROOT = Path(__file__).resolve().parents[1]
ESTIMATORS = ("weighting", "estimation", "nonresponse", "sensitivity", "survivorship", "inflation", "prevalence", "bayes")
PUBLIC = (*ESTIMATORS, "datasets", "export", "plots", "report")
SECTIONS = ("Parameters", "Returns")


def listed_in_reference() -> set[str]:
    """Full names under every autosummary of docs/reference."""
    names: set[str] = set()
    for page in (ROOT / "docs/reference").glob("*.md"):
        for block in re.findall(r"\.\. autosummary::\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
            names |= set(re.findall(r"^\s+(vocstats\.[\w.]+)\s*$", block, flags=re.MULTILINE))
    return names


def public_objects() -> dict[str, object]:
    """Full name -> object of everything public that is not a subpackage or a constant."""
    names = {f"vocstats.{name}": getattr(vocstats, name) for name in vocstats.__all__}
    for package in PUBLIC:
        module = importlib.import_module(f"vocstats.{package}")
        names |= {f"vocstats.{package}.{name}": getattr(module, name) for name in module.__all__}
    return {name: value for name, value in names.items() if inspect.isroutine(value) or inspect.isclass(value)}


def functions() -> list[object]:
    return [pytest.param(value, id=name) for name, value in sorted(public_objects().items()) if inspect.isfunction(value)]


def estimator_files() -> list[object]:
    """Files of the estimator folders that define something public."""
    files = {}
    for package in ESTIMATORS:
        module = importlib.import_module(f"vocstats.{package}")
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value):
                files[inspect.getfile(value)] = package
    return [pytest.param(package, Path(path).stem, id=f"{package}/{Path(path).stem}") for path, package in sorted(files.items())]


def test_every_public_name_exists() -> None:
    for package in (vocstats, *(importlib.import_module(f"vocstats.{name}") for name in PUBLIC)):
        assert list(package.__all__) == sorted(package.__all__), f"sort __all__ of {package.__name__}"
        for name in package.__all__:
            assert hasattr(package, name), f"{package.__name__}.{name}"


def test_reference_lists_exactly_what_is_public() -> None:
    """A name at the top level may be listed there or where it is defined."""
    listed, public = listed_in_reference(), public_objects()
    shown = {id(_resolve(name)) for name in listed}
    assert sorted(name for name, value in public.items() if id(value) not in shown) == [], "missing in docs/reference"
    known = {id(value) for value in public.values()}
    assert sorted(name for name in listed if id(_resolve(name)) not in known) == [], "listed in docs/reference, but not public"


def _resolve(name: str) -> object:
    value: object = vocstats
    for part in name.split(".")[1:]:
        value = getattr(value, part)
    return value


@pytest.mark.parametrize(("package", "family"), estimator_files())
def test_every_estimator_has_its_test_and_its_page(package: str, family: str) -> None:
    assert (ROOT / f"tests/{package}/test_{family}.py").exists(), f"tests/{package}/test_{family}.py"
    assert (ROOT / f"docs/methods/{package}/{family}.md").exists(), f"docs/methods/{package}/{family}.md"


@pytest.mark.parametrize("function", functions())
def test_docstring_has_its_sections(function: object) -> None:
    text = inspect.getdoc(function) or ""
    for section in SECTIONS:
        assert f"{section}\n{'-' * len(section)}" in text, section
    for name in inspect.signature(function).parameters:  # type: ignore[arg-type]
        assert re.search(rf"^[*\w, ]*\b{name}\b[*\w, ]*( :.*)?$", text, flags=re.MULTILINE), f"parameter {name} is not documented"


@pytest.mark.parametrize("function", functions())
def test_options_come_after_the_star(function: object) -> None:
    """An argument with a default is keyword-only."""
    optional = [p for p in inspect.signature(function).parameters.values() if p.default is not inspect.Parameter.empty]  # type: ignore[arg-type]
    loose = [p.name for p in optional if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert loose in ([], ["w"], ["n"], ["dealers"], ["reference_date"]), f"make keyword-only: {loose}"
