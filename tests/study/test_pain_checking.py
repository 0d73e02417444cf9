"""Keys of ``[pain_points]``: defaults, what each kind of study needs, and every mistake by name in two languages."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from vocstats import texts
from vocstats.study.checking import check_document
from vocstats.study.schema import KEYS, REQUIRED, keys_of

STUDY = {"title": "x", "output": "out"}
COUNTS: dict[str, Any] = {
    "schema_version": 1, "study": STUDY, "pain_points": {"observations": "o.csv", "frame": {"file": "f.csv"}, "groups": ["model"]},
}
ROWS: dict[str, Any] = {
    "schema_version": 1, "study": STUDY, "registry": {"file": "r.csv", "id": "id", "churned": "gone"},
    "answers": {"survey": {"file": "s.csv"}}, "pain_points": {"columns": ["delivery"], "window": ["2025-10-01", "2026-09-30"]},
}


def changed(document: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """The document with other keys of ``[pain_points]``; None takes one out."""
    document = copy.deepcopy(document)
    document["pain_points"] = {name: value for name, value in (document["pain_points"] | keys).items() if value is not None}
    return document


def test_counts_need_no_registry_and_get_their_defaults() -> None:
    settings, problems = check_document(COUNTS)
    assert problems == []
    assert [*settings] == ["schema_version", "study", "pain_points", "report"]
    defaults = {key.name: key.default for key in keys_of("pain_points").values()}
    assert settings["pain_points"] == defaults | {
        "observations": "o.csv", "groups": ["model"], "frame": {"file": "f.csv", "sheet": None, "encoding": None, "customers": "customers"},
    }


def test_rows_need_no_score() -> None:
    settings, problems = check_document(ROWS)
    assert problems == []
    assert not {"outcome", "correct", "sensitivity"} & set(settings)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (changed(COUNTS, observations=None), "study_pain_source"),
        (changed(COUNTS, columns=["delivery"]), "study_pain_source"),
        (changed(ROWS, observations="o.csv"), "study_pain_source"),
        (changed(COUNTS, frame=None), "study_pain_frame"),
        (changed(COUNTS, reports={"ticket": {"file": "t.csv", "date": "d", "code": "c"}}), "study_pain_reports"),
        (changed(COUNTS, engine="mcmc"), "study_not_allowed"),
        (changed(COUNTS, level=90), "study_wrong_type"),
        (changed(COUNTS, mentions={"ticket": [1]}), "study_wrong_type"),
        (changed(COUNTS, mentions={"ticket": [0, 1]}), "study_wrong_type"),
        (changed(COUNTS, mode_effects={"follow_up": "large"}), "study_wrong_type"),
        (changed(COUNTS, coder_audit={"file": "a.csv", "drawn_by": "me"}), "study_not_allowed"),
        (changed(COUNTS, drop_off={"file": "j.csv"}), "study_missing_key"),
        (changed(COUNTS, drop_off={"file": "j.csv", "pains": {"payment": 3}}), "study_wrong_type"),
        (changed(COUNTS, grups=["model"]), "study_unknown_key"),
        (changed(COUNTS, coder_audits={"file": "a.csv"}), "study_unknown_section"),
        (changed(ROWS, columns={"delivery": 5}), "study_wrong_type"),
        (changed(ROWS, columns={"delivery": {}}), "study_wrong_type"),
        (changed(ROWS, frame={"file": "f.csv"}), "study_pain_frame_twice"),
        (changed(ROWS, coders=["human", "llm"]), "study_pain_coders"),
        (changed(COUNTS, coders="human"), "study_wrong_type"),
        (changed(ROWS, window=None), "study_pain_window"),
        (changed(ROWS, window="the year"), "study_pain_window"),
        (changed(ROWS, reports={"ticket": {"file": "t.csv", "dat": "d"}}), "study_unknown_key"),
        ({name: value for name, value in ROWS.items() if name != "registry"}, "study_missing_section"),
        ({**ROWS, "answers": {}}, "study_missing_section"),
        ({**ROWS, "correct": {"kpi": 8}}, "study_missing_section"),
    ],
)
def test_wrong_keys_are_refused(document: dict[str, Any], code: str) -> None:
    _, problems = check_document(document)
    assert code in {problem.code for problem in problems}
    for problem in problems:
        assert problem.code in texts.namespace("error")
        assert texts.message(problem, "zh") != str(problem)


def test_columns_may_be_given_by_source() -> None:
    columns = {"survey": {"delivery": "q5_1"}, "follow_up": ["delivery"]}
    settings, problems = check_document(changed(ROWS, columns=columns))
    assert problems == []
    assert settings["pain_points"]["columns"] == columns


def test_required_keys_are_missed_by_name() -> None:
    sections = {"frame": COUNTS, "coder_audit": COUNTS, "drop_off": COUNTS, "reports": ROWS}
    for key in (key for key in KEYS if key.section.startswith("pain_points.") and key.default is REQUIRED):
        name = key.section.split(".")[1]
        document = changed(sections[name], **{name: {"ticket": {}} if name == "reports" else {}})
        _, problems = check_document(document)
        assert any(f"{key.name} is missing" in str(problem) for problem in problems), key.path
