"""Every kind of mistake a study file can hold is refused with the key, what came, what was expected and the nearest name."""

from __future__ import annotations

import copy
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from vocstats import InputError, texts
from vocstats.study import check_study, load_study
from vocstats.study.checking import check_document
from vocstats.study.schema import KEYS, REQUIRED, SECTIONS

SMALL: dict[str, Any] = {
    "schema_version": 1,
    "study": {"title": "A study", "output": "out"},
    "registry": {"file": "registry.csv", "id": "id", "churned": "gone"},
    "answers": {"survey": {"file": "survey.csv"}},
    "outcome": {"column": "csi", "scale": [1, 10]},
}


def changed(**sections: Any) -> dict[str, Any]:
    document = copy.deepcopy(SMALL)
    for name, keys in sections.items():
        document[name] = {**document.get(name, {}), **keys} if isinstance(keys, dict) else keys
    return document


def only_problem(document: dict[str, Any]) -> InputError:
    _, problems = check_document(document)
    assert len(problems) == 1, problems
    for language in ("en", "zh"):
        assert not re.search(r"\{\w+\}", texts.message(problems[0], language))
    assert problems[0].code in texts.namespace("error")
    return problems[0]


def test_a_small_study_gets_every_default() -> None:
    settings, problems = check_document(SMALL)
    assert problems == []
    assert settings["correct"]["weighting"] == "rake"
    assert settings["correct"]["inference"] == "registry"
    assert settings["outcome"]["statistics"] == ["mean"]
    assert settings["study"]["level"] == 0.95
    assert settings["report"] == {"minimum_group": 10, "customer_files": False, "excel": True}
    assert settings["answers"]["survey"]["repeated"] == "fail"
    assert "design" not in settings


@pytest.mark.parametrize(
    ("document", "code", "parts"),
    [
        (changed(study={"titel": "x"}), "study_unknown_key", ["[study] titel", "Did you mean title?"]),
        (changed(correct={"silent_shift": [0, 0]}), "study_unknown_key", ["It belongs to [sensitivity]"]),
        (changed(report={"xyz": 1}), "study_unknown_key", ["minimum_group"]),
        (changed(regisry={"file": "x"}), "study_unknown_section", ["[regisry]", "Did you mean registry?"]),
        (changed(answers={"folow_up": {"file": "x"}}), "study_unknown_section", ["[answers.folow_up]", "follow_up"]),
        (changed(pain_points={"taxonomy": "default"}), "study_pain_source", ["[pain_points]", "observations", "columns"]),
        (changed(outcome={"scale": "1-10"}), "study_wrong_type", ["[outcome] scale", "two numbers", '"1-10"']),
        (changed(outcome={"scale": [10, 1]}), "study_wrong_type", ["the lowest and the highest", "[10, 1]"]),
        (changed(outcome={"scale": [5, 5]}), "study_wrong_type", ["[5, 5]"]),
        (changed(outcome={"top": [9, 11]}), "study_off_scale", ["[11]", "[1, 10]"]),
        (changed(outcome={"index": {"items": {"a": 0.5, "b": 0.6}}}), "study_wrong_type", ["sum to 1", "0.6"]),
        (changed(study={"level": 95}), "study_wrong_type", ["between 0 and 1", "95"]),
        (changed(correct={"trim": 1}), "study_wrong_type", ["above 1"]),
        (changed(auxiliaries={"minimum_cell": 0}), "study_wrong_type", ["1 or more"]),
        (changed(sensitivity={"silent_shift": [0.5, -0.5]}), "study_wrong_type", ["the lower first"]),
        (changed(study={"seed": 1.5}), "study_wrong_type", ["[study] seed", "a whole number", "1.5"]),
        (changed(study={"seed": True}), "study_wrong_type", ["a whole number", "true"]),
        (changed(report={"excel": "yes"}), "study_wrong_type", ["true or false", '"yes"']),
        (changed(study={"title": ""}), "study_wrong_type", ["a text"]),
        (changed(registry={"churned": {"column": "status"}}), "study_wrong_type", ["churned", "before"]),
        (changed(registry={"churned": {"column": "left", "before": "soon"}}), "study_wrong_type", ["soon"]),
        (changed(registry={"population": {"joined": "a", "left": "b"}}), "study_wrong_type", ["from, to"]),
        (changed(auxiliaries={"missing": "ignore"}), "study_wrong_type", ['"fail"', '"ignore"']),
        (changed(answers={"survey": "survey.csv"}), "study_not_a_section", ["[answers.survey]"]),
        (changed(answers={"survey": {"file": "s.csv", "repeated": "latest"}}), "study_not_allowed", ["fail, first, last, mean", "latest"]),
        (changed(correct={"weighting": "raking"}), "study_not_allowed", ["did you mean rake?"]),
        (changed(study={"language": ["en", "de"]}), "study_not_allowed", ['"de"']),
        (changed(outcome={"statistics": ["mean", "median"]}), "study_not_allowed", ["median"]),
        (changed(outcome={"statistics": ["index"]}), "study_missing_section", ["[outcome.index]"]),
        (changed(outcome={"published": {"nps": 0.4}}), "study_published", ["nps", "mean"]),
        (
            changed(auxiliaries={"bands": {"age": {"from": "years", "upper": [30], "labels": ["a"]}}}),
            "study_bands", ["auxiliaries.bands.age"],
        ),
        (changed(schema_version=2), "study_schema_version", ["schema_version is 2", "newer"]),
        (changed(schema_version="1"), "study_wrong_type", ["schema_version"]),
        (
            changed(answers={"survey": {"file": "s.csv", "contact": {"file": "c.csv", "outcome": "o", "codes": {"done": ["x"]}}}}),
            "study_wrong_type", ["[answers.survey.contact] codes", "noncontact"],
        ),
    ],
)
def test_mistakes_are_refused(document: dict[str, Any], code: str, parts: list[str]) -> None:
    problem = only_problem(document)
    assert problem.code == code
    for part in parts:
        assert part in str(problem)


def test_every_required_key_is_missed_by_name() -> None:
    for key in KEYS:
        if key.default is not REQUIRED or "{" in key.section or key.section.startswith(("outcome.index", "audit", "pain_points")):
            continue
        document = copy.deepcopy(SMALL)
        del (document[key.section] if key.section else document)[key.name]
        problem = only_problem(document)
        assert problem.code == "study_missing_key"
        assert problem.argument == (f"{key.section}.{key.name}" if key.section else key.name)


@pytest.mark.parametrize("section", [section.name for section in SECTIONS if section.required])
def test_every_required_section_is_missed_by_name(section: str) -> None:
    document = copy.deepcopy(SMALL)
    del document[section]
    assert section in str(only_problem(document))


def test_a_study_without_a_survey_is_refused() -> None:
    document = copy.deepcopy(SMALL)
    document["answers"] = {"follow_up": {"file": "f.csv"}}
    assert "[answers.survey]" in str(only_problem(document))


def test_a_misspelt_key_is_refused_in_every_section() -> None:
    for section in SECTIONS:
        if "{" in section.name or not section.name:
            continue
        document = copy.deepcopy(SMALL)
        table = document
        for part in section.name.split("."):
            table = table.setdefault(part, {})
        table["no_such_key_anywhere"] = 1
        _, problems = check_document(document)
        assert any("no_such_key_anywhere" in str(problem) for problem in problems), section.name


def test_all_problems_are_found_at_once() -> None:
    _, problems = check_document(changed(study={"titel": "x"}, outcome={"scale": 3}, pain_points={"engine": "bugs"}))
    assert [problem.code for problem in problems] == ["study_unknown_key", "study_wrong_type", "study_not_allowed"]


@pytest.mark.parametrize("churned", ["gone", {"column": "left", "before": "2026-10-01"}, {"column": "status", "is": ["left"]}])
def test_the_three_forms_of_churned(churned: Any) -> None:
    settings, problems = check_document(changed(registry={"churned": churned}))
    assert problems == []
    if isinstance(churned, dict) and "before" in churned:
        assert settings["registry"]["churned"]["before"] == date(2026, 10, 1)


def test_an_index_needs_no_column() -> None:
    document = changed(outcome={"index": {"points": 1000, "items": {"a": 0.5, "b": 0.5}}})
    del document["outcome"]["column"]
    settings, problems = check_document(document)
    assert problems == []
    assert settings["outcome"]["statistics"] == ["index"]


def test_an_entry_of_by_may_cross_columns() -> None:
    settings, problems = check_document(changed(correct={"by": ["dealer", ["dealer", "model"]]}))
    assert problems == []
    assert settings["correct"]["by"] == ["dealer", ["dealer", "model"]]


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, "study_no_file"), (b"[study\n", "study_not_toml"), ("标题".encode("gb18030"), "study_not_utf8")],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None, code: str) -> None:
    path = tmp_path / "study.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_study(path)
    assert caught.value.code == code


def test_a_folder_is_no_study(tmp_path: Path) -> None:
    _, problems = check_study(tmp_path)
    assert problems[0].code == "study_is_folder"


def test_a_byte_order_mark_is_read_over(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        'schema_version = 1\n[study]\ntitle = "x"\noutput = "out"\n[registry]\nfile = "r.csv"\nid = "id"\nchurned = "gone"\n'
        '[answers.survey]\nfile = "s.csv"\n[outcome]\ncolumn = "csi"\nscale = [1, 5]\n',
        encoding="utf-8-sig",
    )
    assert load_study(path).output == tmp_path / "out"


def test_the_embedded_example_holds_no_unknown_key() -> None:
    from vocstats.datasets.example import study_template

    assert check_document(tomllib.loads(study_template()))[1] == []


def test_every_section_and_key_has_its_text_and_no_text_is_left_over() -> None:
    known = {f"[{section.name}]" for section in SECTIONS} | {key.path for key in KEYS}
    assert set(texts.namespace("study")) == known
    for entry in (*SECTIONS, *KEYS):
        assert entry.text("en") and entry.text("zh")


@pytest.mark.parametrize("lock", ["lock = 3", "[lock]\nfiles = [1]", "[[lock.files]]\nname = 'x'"])
def test_a_damaged_lock_is_refused(tmp_path: Path, lock: str) -> None:
    path = tmp_path / "study.lock.toml"
    path.write_text(f"schema_version = 1\n{lock}\n", encoding="utf-8")
    assert check_study(path)[1][0].code == "study_damaged_lock"


def test_every_refusal_of_a_study_exists_in_chinese() -> None:
    source = Path(texts.__file__).parents[1]
    written = "".join(path.read_text(encoding="utf-8") for path in (*source.glob("study/*.py"), *source.glob("cli/*.py")))
    codes = set(re.findall(r'"((?:study|cli|lock)_\w+)"', written)) - {"study_result", "study_from_document"}
    assert codes <= set(texts.namespace("error"))
    assert len(codes) > 20
