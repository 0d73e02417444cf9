"""``vocstats init audit``: a study of dealers from questions, options or guesses, that `check` accepts."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from study.audit_study import write_audit_study

from vocstats.study import load_study

Call = Callable[..., Any]
ITEMS = ["welcome", "advice", "punctuality", "quality", "cleanliness", "delivery", "value", "follow_up"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with forms and visits and no study file, as current folder."""
    write_audit_study(tmp_path, dealers=6).unlink()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_guesses_make_a_study_that_passes(vocstats: Call, folder: Path) -> None:
    done = vocstats("init", "audit", "--no-ask")
    assert done.code == 0, done.err
    document = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
    forms = pd.read_csv("responses.csv")
    audit = document["audit"]
    assert audit["roster"] == {"file": "visits.csv", "visit": "number", "invited": "invited", "drawn": "drawn", "reached": "reached"}
    assert audit["pages"] == {"for": "flagged"}
    assert {name: audit[name] for name in ("responses", "dealer", "score", "channel", "independent_channel", "response_id", "visit")} == {
        "responses": "responses.csv", "dealer": "dealer", "score": "score", "channel": "channel", "independent_channel": "manufacturer",
        "response_id": "response_id", "visit": "visit_id",
    }
    assert {name: audit[name] for name in ("time", "device", "address", "seconds")} == {
        "time": "time", "device": "device", "address": "address", "seconds": "seconds",
    }
    assert audit["items"] == list(forms.columns[forms.columns.get_loc("score") + 1 :][:8])
    assert audit["outcomes"] == ["complaint", "returned", "churned"]
    assert set(audit["case_mix"]) <= set(forms.columns) and len(audit["case_mix"]) >= 3
    assert "registry" not in document and "threshold" not in audit
    checked = vocstats("check", "study.toml")
    assert checked.code == 0, checked.err


def test_every_key_is_explained_in_chinese(vocstats: Call, folder: Path) -> None:
    assert vocstats("init", "audit", "--no-ask", "--threshold", "0.8", "--language", "zh").code == 0
    text = (folder / "study.toml").read_text(encoding="utf-8")
    assert "# 月度达标线" in text and 'title = "经销商数据核查"' in text and "# fdr = 0.1" in text
    assert "\n[registry]" not in text and "\n[sensitivity]" not in text and "\n[report]" in text
    study = load_study(folder / "study.toml")
    assert study["audit"]["threshold"] == 0.8 and study["study"]["language"] == ["zh"]


def test_chinese_files_and_columns_are_guessed(vocstats: Call, folder: Path) -> None:
    forms = pd.read_csv("responses.csv")[["dealer", "score", "channel", "time", "welcome", "advice", "value", "warranty"]]
    forms["channel"] = forms["channel"].map({"dealer": "经销商邀约", "manufacturer": "厂家直采"})
    names = ["经销商", "总体满意度", "渠道", "提交时间", "接待", "建议", "价值", "质保"]
    forms.set_axis(names, axis=1).to_csv("问卷.csv", index=False, encoding="gb18030")
    (folder / "responses.csv").unlink()
    (folder / "visits.csv").unlink()
    assert vocstats("init", "audit", "--no-ask").code == 0
    audit = load_study(folder / "study.toml")["audit"]
    assert audit["independent_channel"] == "厂家直采" and audit["items"] == ["接待", "建议", "价值"] and audit["case_mix"] == ["质保"]
    assert "roster" not in audit and audit["time"] == "提交时间"
    assert vocstats("check", "study.toml").code == 0


def test_questions_are_asked(vocstats: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["forms.csv", "responses.csv", "dealr", "", "", "", "", "-", "-", "welcome,advice,value", "-", "", "Ours"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
    done = vocstats("init", "audit")
    assert done.code == 0, done.err
    assert "forms.csv" in done.err and "Did you mean 'dealer'" in done.err
    study = load_study(folder / "study.toml")
    assert study["study"]["title"] == "Ours" and study["audit"]["items"] == ["welcome", "advice", "value"]
    assert "roster" not in study["audit"] and study["audit"]["outcomes"] == [] and study["audit"]["case_mix"] == []


def test_options_of_the_other_kind_are_refused(vocstats: Call, folder: Path) -> None:
    done = vocstats("init", "audit", "--no-ask", "--registry", "responses.csv")
    assert done.code == 2 and "--registry" in done.err and "vocstats init score" in done.err
    done = vocstats("init", "--no-ask", "--case-mix", "warranty")
    assert done.code == 2 and "--case-mix" in done.err and "vocstats init audit" in done.err
    assert not (folder / "study.toml").exists()


def test_what_cannot_be_guessed_names_its_option(vocstats: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = vocstats("init", "audit", "--no-ask")
    assert done.code == 2 and "--responses" in done.err
