"""``vocstats init``: a study file from questions, options or guesses, that `check` accepts."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vocstats.cli.guessing import guess_name
from vocstats.study import load_study

Call = Callable[..., Any]


@pytest.fixture
def folder(study: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with data and no study file, as current folder."""
    study.unlink()
    monkeypatch.chdir(study.parent)
    return study.parent


def test_guesses_make_a_study_that_passes(vocstats: Call, folder: Path) -> None:
    done = vocstats("init", "--no-ask", "--exit-interview", "exits.csv")
    assert done.code == 0, done.err
    document = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
    churned = {"column": "status", "is": ["left"]}
    assert document["registry"] == {"file": "registry.csv", "id": "customer_id", "dealer": "dealer", "churned": churned}
    assert document["answers"]["survey"] == {"file": "survey.csv"}
    assert document["answers"]["exit_interview"] == {"file": "exits.csv", "id": "number"}
    assert document["outcome"] == {"column": "csi", "scale": [1, 10]}
    assert document["auxiliaries"]["columns"] == ["warranty"]
    assert vocstats("check", "study.toml").code == 0


def test_every_key_is_explained(vocstats: Call, folder: Path) -> None:
    assert vocstats("init", "--no-ask", "--language", "zh").code == 0
    text = (folder / "study.toml").read_text(encoding="utf-8")
    assert "# 可能的最低分与最高分。" in text
    assert '# weighting = "rake"' in text
    assert load_study(folder / "study.toml")["study"]["language"] == ["zh"]


def test_options_take_the_place_of_guesses(vocstats: Call, folder: Path) -> None:
    done = vocstats("init", "--no-ask", "--churned", "status=left,lost", "--scale", "0,10", "--title", "Ours", "--file", "sub/ours.toml")
    assert done.code == 2, "the data files are looked for beside the study file"
    done = vocstats("init", "--no-ask", "--churned", "status=left,lost", "--scale", "0,10", "--title", "Ours", "--file", "ours.toml")
    assert done.code == 0, done.err
    study = load_study(folder / "ours.toml")
    assert study["registry"]["churned"] == {"column": "status", "is": ["left", "lost"]}
    assert study["outcome"]["scale"] == [0, 10]
    assert study["study"]["title"] == "Ours"


def test_questions_are_asked_again_until_they_are_answered(vocstats: Call, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["registry.csv", "survy.csv", "survey.csv", "custmer_id", "", "", "", "1,10", "-", "exits.csv", "", "", "My study"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(answers) + "\n"))
    done = vocstats("init")
    assert done.code == 0, done.err
    assert "survy.csv" in done.err
    assert "Did you mean 'customer_id'" in done.err
    study = load_study(folder / "study.toml")
    assert study["study"]["title"] == "My study"
    assert set(study.sources) == {"survey", "exit_interview"}


def test_codes_beside_the_scale_are_guessed(vocstats: Call, folder: Path) -> None:
    survey = pd.read_csv("survey.csv", dtype=str)
    survey.loc[:3, "csi"] = "99"
    survey.to_csv("survey.csv", index=False)
    assert vocstats("init", "--no-ask").code == 0
    assert load_study(folder / "study.toml")["outcome"]["missing_codes"] == [99]


def test_dates_and_flags_of_churn_are_guessed(vocstats: Call, folder: Path) -> None:
    registry = pd.read_csv("registry.csv", dtype=str)
    registry["churn_date"] = ["2026-03-01" if status == "left" else None for status in registry.pop("status")]
    registry.to_csv("registry.csv", index=False)
    assert vocstats("init", "--no-ask").code == 0
    assert load_study(folder / "study.toml")["registry"]["churned"]["column"] == "churn_date"
    registry["churned"] = registry.pop("churn_date").notna().astype(int)
    registry.to_csv("registry.csv", index=False)
    assert vocstats("init", "--no-ask", "--overwrite").code == 0
    assert load_study(folder / "study.toml")["registry"]["churned"] == "churned"


def test_an_existing_study_is_kept(vocstats: Call, folder: Path) -> None:
    (folder / "study.toml").write_text("mine")
    done = vocstats("init", "--no-ask")
    assert done.code == 2
    assert (folder / "study.toml").read_text() == "mine"


def test_what_cannot_be_guessed_names_its_option(vocstats: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = vocstats("init", "--no-ask")
    assert done.code == 2
    assert "--registry" in done.err


def test_the_whole_word_wins_over_a_part() -> None:
    assert guess_name(["dealer_name", "dealer"], ("dealer",)) == "dealer"
    assert guess_name(["vehicle_id", "客户编号"], ("客户编号", "id")) == "客户编号"
    assert guess_name(["x"], ("id",)) == ""
