"""``vocstats audit`` of files and of a study: the list on the terminal, files on demand, wrong use named."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from study.audit_study import write_audit_study

import vocstats as vs

Call = Callable[..., Any]
OPTIONS = ("audit", "responses.csv", "--channel", "channel", "--case-mix", "age_band,warranty", "--seed", "5")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audit_study(tmp_path_factory.mktemp("network")).parent


@pytest.fixture
def folder(network: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small network, entered."""
    monkeypatch.chdir(network)
    return network


def alone(folder: Path) -> vs.DealerAudit:
    return vs.audit_dealers(pd.read_csv(folder / "responses.csv"), channel="channel", case_mix=["age_band", "warranty"], seed=5)


def test_the_list_is_shown_and_written(vocstats: Call, folder: Path, tmp_path: Path) -> None:
    audit = alone(folder)
    done = vocstats(*OPTIONS, "--output", tmp_path / "list.csv")
    assert done.code == 0, done.err
    assert f"to be verified {audit.status.count('to_be_verified')} · watch {audit.status.count('watch')}" in done.out
    table = audit.to_frame()
    for row in table[table["status"].isin(["to be verified", "watch"]) & (table["n"] >= 10)].itertuples():
        [line] = [line for line in done.out.splitlines() if line.startswith(f"{row.dealer} ") and row.status in line]
        assert f"{row.corrected_score:.2f} {row.conf_low:.2f}–{row.conf_high:.2f}" in " ".join(line.split())
    assert "There is no roster of visits." in done.out
    assert all(assumption.text("en") in " ".join(done.out.split()) for assumption in audit.assumptions)
    with (tmp_path / "list.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["dealer"] for row in rows] == table["dealer"].tolist()
    again = vocstats(*OPTIONS, "--output", tmp_path / "list.csv")
    assert again.code == 2
    assert "exists already" in again.err


def test_json_is_read_back_and_chinese_files_are_read(vocstats: Call, folder: Path, tmp_path: Path) -> None:
    names = {"dealer": "经销商", "score": "满意度", "channel": "渠道", "age_band": "年龄", "warranty": "质保"}
    forms = pd.read_csv(folder / "responses.csv")[[*names]].rename(columns=names)
    forms["渠道"] = forms["渠道"].map({"dealer": "经销商", "manufacturer": "厂家"})
    forms.to_csv(tmp_path / "问卷.csv", index=False, encoding="gb18030")
    done = vocstats(
        "audit", tmp_path / "问卷.csv", "--dealer", "经销商", "--score", "满意度", "--channel", "渠道", "--independent-channel", "厂家",
        "--case-mix", "年龄,质保", "--seed", "5", "--json", "--minimum-group", "1", "--language", "zh",
    )  # fmt: skip
    assert done.code == 0, done.err
    audit = vs.load(json.loads(done.out))
    expected = alone(folder)
    assert audit.status == expected.status
    assert audit.scores.corrected_score == pytest.approx(expected.scores.corrected_score)


def test_a_study_writes_its_folder_in_the_language_asked_for(vocstats: Call, folder: Path, tmp_path: Path) -> None:
    done = vocstats("audit", "study.toml", "--pages", "D0003", "--output", tmp_path / "out", "--language", "zh")
    assert done.code == 0, done.err
    assert "待核查" in done.out
    assert "保密" in done.out
    assert [path.name for path in (tmp_path / "out/dealers").iterdir()] == ["D0003.zh.html"]
    assert not (tmp_path / "out/report.en.html").exists()


def test_check_shows_what_the_audit_has_to_go_by(vocstats: Call, folder: Path) -> None:
    done = vocstats("check", "study.toml")
    assert done.code == 0, done.err
    count = f"{len(pd.read_csv('responses.csv')):,}"
    assert any(line.split() == ["forms", count] for line in done.out.splitlines())
    assert "Nothing would be refused" in done.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("responses.csv", "--score", "scor"), 1, "Did you mean 'score'?"),
        (("nowhere.csv",), 2, "nowhere.csv"),
        (("nowhere.toml",), 2, "nowhere.toml"),
        (("study.toml", "--score", "score"), 2, "is a study file"),
        (("study.toml", "--pages", "D9999", "--output", "elsewhere"), 2, "no form is of such a dealer"),
        (("responses.csv", "--pages", "all"), 2, "--output FOLDER"),
        (("responses.csv", "--roster", "visits.csv"), 2, "joins them to the roster"),
        (("responses.csv", "--fdr", "2"), 2, "between 0 and 1"),
        (("responses.csv", "--channel", "channel", "--independent-channel", "maker"), 1, "'dealer', 'manufacturer'"),
    ],
)
def test_wrong_use_is_named(vocstats: Call, folder: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = vocstats("audit", *arguments)
    assert done.code == code
    assert said in " ".join(done.err.split())


def test_a_study_without_an_audit_is_refused(vocstats: Call, study: Path) -> None:
    done = vocstats("audit", study)
    assert done.code == 2
    assert "has no [audit] section" in done.err
    assert "没有 [audit]" in vocstats("audit", study, "--language", "zh").err


def test_an_unknown_example_is_refused(vocstats: Call, tmp_path: Path) -> None:
    assert "audit" in vocstats("demo", "audits", "--folder", tmp_path / "x").err


def test_kpi_lines_from_a_file(vocstats: Call, folder: Path, tmp_path: Path) -> None:
    lines = pd.DataFrame({"dealer": ["D0001", "D0003"], "threshold": [0.8, 0.85]})
    lines.to_csv(tmp_path / "kpi.csv", index=False)
    lines.merge(pd.DataFrame({"month": [f"2026-0{m}" for m in range(1, 7)]}), how="cross").to_csv(tmp_path / "months.csv", index=False)
    told = []
    for name in ("kpi.csv", "months.csv"):
        done = vocstats(*OPTIONS, "--time", "time", "--threshold", tmp_path / name, "--json")
        assert done.code == 0, done.err
        [found] = [each for each in vs.load(json.loads(done.out)).signals if each.name == "threshold_bunching"]
        known = found.details["periods"] > 0
        assert "D0003" in found.labels["dealer"][known].tolist() and known.sum() <= 2, "few forms are not told"
        told.append(found.details["periods"][known].sum())
    assert told[0] > told[1]
    assert "absent.csv" in vocstats(*OPTIONS, "--threshold", "absent.csv").err
