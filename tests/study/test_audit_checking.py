"""``[audit]`` of a study: every mistake of its keys and its tables is named before anything is computed."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from study.audit_study import STUDY, write_audit_study

from vocstats import texts
from vocstats.report.audit_disclosure import DISCLOSED
from vocstats.study import load_study
from vocstats.study.checking import check_document
from vocstats.study.data_problems import check_data
from vocstats.study.schema import KEYS, REQUIRED, keys_of

ALONE: dict[str, Any] = {"schema_version": 1, "study": {"title": "x", "output": "out"}, "audit": {"responses": "r.csv"}}


def changed(**keys: Any) -> dict[str, Any]:
    document = copy.deepcopy(ALONE)
    document["audit"] |= keys
    return document


def test_an_audit_alone_gets_its_defaults_and_no_correction() -> None:
    settings, problems = check_document(ALONE)
    assert problems == []
    assert [*settings] == ["schema_version", "study", "audit", "report"]
    assert settings["audit"] == {key.name: key.default for key in keys_of("audit").values()} | {"responses": "r.csv"}


def test_signals_told_are_those_of_the_pages() -> None:
    assert tuple(keys_of("audit.pages")["disclose"].default) == DISCLOSED


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (changed(roster={"file": "v.csv"}), "study_roster_visit"),
        (changed(threshold={"file": "kpi.csv"}), "study_wrong_type"),
        (changed(threshold={"file": "kpi.csv", "dealer": "d", "value": "v", "year": "y"}), "study_wrong_type"),
        (changed(pages={"for": "listed"}), "study_wrong_type"),
        (changed(pages={"disclose": ["channel_gap"]}), "signal_stays_inside"),
        (changed(pages={"disclose": ["no_such_signal"]}), "unknown_signal"),
        (changed(fdr=10), "study_wrong_type"),
        (changed(chanel="channel"), "study_unknown_key"),
        ({**ALONE, "correct": {"kpi": 8}}, "study_missing_section"),
        ({**ALONE, "registry": {"file": "r.csv", "id": "id", "churned": "gone"}}, "study_missing_section"),
    ],
)
def test_wrong_keys_are_refused(document: dict[str, Any], code: str) -> None:
    _, problems = check_document(document)
    assert code in {problem.code for problem in problems}
    for problem in problems:
        assert "{" not in texts.message(problem, "zh").replace("{ ", "")
        assert problem.code in texts.namespace("error")


def test_required_keys_are_missed_by_name() -> None:
    for key in (key for key in KEYS if key.section.startswith("audit") and key.default is REQUIRED):
        document = changed(visit="v", **({"roster": {}} if key.section == "audit.roster" else {}))
        document["audit"].pop(key.name, None)
        _, problems = check_document(document)
        assert key.path in {problem.argument for problem in problems}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audit_study(tmp_path_factory.mktemp("network"), dealers=6).parent


@pytest.fixture
def folder(network: Path, tmp_path: Path) -> Path:
    return shutil.copytree(network, tmp_path / "copy")


def codes(folder: Path, *replacements: tuple[str, str]) -> list[str]:
    text = STUDY
    for before, after in replacements:
        assert before in text
        text = text.replace(before, after)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return [problem.code for problem in check_data(load_study(folder / "study.toml")).problems]


def test_sound_data_are_read(folder: Path) -> None:
    found = check_data(load_study(folder / "study.toml"))
    assert found.problems == []
    assert found.base is None
    responses, roster = found.audit
    assert responses.score.size == len(pd.read_csv(folder / "responses.csv"))
    assert roster.visit.size == len(pd.read_csv(folder / "visits.csv"))
    assert [*responses.outcomes] == ["complaint"], "of the roster, since the forms have no such column"


def test_absent_files_and_columns_are_all_named(folder: Path) -> None:
    wrong = ('items = ["welcome"', 'items = ["welcom"'), ('time = "time"', 'time = "sent"'), ('visit = "number"', 'visit = "no"')
    assert codes(folder, *wrong) == ["unknown_column"] * 3
    (folder / "visits.csv").unlink()
    assert codes(folder) == ["study_data_file"]


def test_problems_of_the_forms_are_found_together(folder: Path) -> None:
    forms = pd.read_csv(folder / "responses.csv", dtype=str)
    forms.loc[3, "response_id"] = forms.loc[2, "response_id"]
    forms.loc[5, "age_band"] = None
    forms.loc[7, "value"] = "good"
    forms.to_csv(folder / "responses.csv", index=False)
    assert set(codes(folder)) == {"repeated_number", "missing_in_column", "text_as_number"}


def test_lines_of_dealers_and_months_are_checked(folder: Path) -> None:
    lines = pd.DataFrame({"store": ["D0001", "D0002"], "period": ["2026-03", "2026-03"], "line": [0.8, 0.85]})
    lines.to_csv(folder / "kpi.csv", index=False)
    asked = 'threshold = { file = "kpi.csv", dealer = "store", month = "period", value = "line" }'
    assert codes(folder, ("threshold = 0.8", asked)) == []
    assert codes(folder, ("threshold = 0.8", asked.replace('"line"', '"target"'))) == ["unknown_column"]
    assert codes(folder, ("threshold = 0.8", asked.replace("kpi", "absent"))) == ["study_data_file"]
    lines.assign(line=[0.8, 12]).to_csv(folder / "kpi.csv", index=False)
    assert codes(folder, ("threshold = 0.8", asked)) == ["threshold_out_of_scale"]
    lines.assign(store="D0001").to_csv(folder / "kpi.csv", index=False)
    assert codes(folder, ("threshold = 0.8", asked)) == ["repeated_threshold"]


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ('channel = "channel"', 'channel = "channel"\nindependent_channel = "maker"', "no_independent_channel"),
        ("threshold = 0.8", "threshold = 12", "threshold_out_of_scale"),
        ("threshold = 0.8", 'kiosks = ["A1"]', "kiosks_without_device"),
        ('outcomes = ["complaint"]', 'outcomes = ["complained"]', "unknown_column"),
        ('reply_to = "quality@example.com"', 'for = ["D0001", "D9999"]', "study_pages_dealer"),
    ],
)
def test_what_the_audit_would_refuse_is_refused(folder: Path, before: str, after: str, code: str) -> None:
    assert code in codes(folder, (before, after))
