"""``vocstats pain-points`` of files and of a study, and its demo: the list on the terminal, files on demand, wrong use named."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from study.pain_study import COUNTS, PAINS, world, write_pain_study
from workflows.coder_worlds import NAMES, coder_world

import vocstats as vs
from vocstats.datasets import write_pain_points_example
from vocstats.study import load_study
from vocstats.study.data_problems import check_data

Call = Callable[..., Any]
OPTIONS = (
    "pain-points", "counts.csv", "--frame", "frame.csv", "--groups", "segment,dealer", "--coder-audit", "coder_audit.csv",
    "--perfect-sources", "follow_up,exit_interview,ticket", "--mentions", "ticket=3,27", "--seed", "5",
)  # fmt: skip


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pain_study(tmp_path_factory.mktemp("pains"), study=COUNTS).parent


@pytest.fixture
def folder(network: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small network, entered."""
    monkeypatch.chdir(network)
    return network


def alone(by: str | None = None) -> vs.PainPointPrevalence:
    w = world()
    return vs.estimate_pain_points(
        w.observations, groups=w.groups, frame=w.frame, coder_audit=w.coder_audit, perfect_sources=[*w.perfect_sources, "ticket"],
        mentions={"ticket": (3, 27)}, by=by, seed=5,
    )


def test_the_list_is_shown_and_written(vocstats: Call, folder: Path, tmp_path: Path) -> None:
    done = vocstats(*OPTIONS, "--window", "in 2025/26", "--output", tmp_path / "list.csv")
    assert done.code == 0, done.err
    assert "in 2025/26" in done.out
    assert "Ranked by how many customers have it, not by how much it costs." in done.out
    result = alone()
    for row in result.to_frame().itertuples():
        label = vs.prevalence.Taxonomy.default().label(row.pain_point)
        [line] = [line for line in done.out.splitlines() if line.startswith(f"{label} ")]
        assert f"{100 * row.estimate:.1f} % {100 * row.conf_low:.1f}–{100 * row.conf_high:.1f} %" in " ".join(line.split())
    assert all(assumption.text("en") in " ".join(done.out.split()) for assumption in result.assumptions)
    with (tmp_path / "list.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(PAINS)
    again = vocstats(*OPTIONS, "--output", tmp_path / "list.csv")
    assert again.code == 2
    assert "exists already" in again.err


def test_json_is_read_back_and_columns_may_be_named(vocstats: Call, folder: Path, tmp_path: Path) -> None:
    names = {"pain_point": "痛点", "response_group": "应答组", "source": "来源", "positive": "有", "n": "人数"}
    world().observations.rename(columns=names).to_csv(tmp_path / "计数.csv", index=False, encoding="gb18030")
    world().frame.rename(columns={**names, "customers": "客户数"}).to_csv(tmp_path / "客户.csv", index=False, encoding="gb18030")
    audit = world().coder_audit.rename(columns=names)
    audit.to_csv(tmp_path / "复核.csv", index=False, encoding="gb18030")
    options = {name: f"--{name.replace('_', '-')}" for name in names} | {"source": "--source-column"}
    columns = [f"{options[name]}={name_zh}" for name, name_zh in names.items()]
    done = vocstats(
        "pain-points", tmp_path / "计数.csv", "--frame", tmp_path / "客户.csv", "--customers", "客户数",
        "--coder-audit", tmp_path / "复核.csv", *OPTIONS[4:6], *OPTIONS[8:], "--drawn-by", "truth", "--by", "segment", *columns,
        "--json", "--minimum-group", "1", "--language", "zh",
    )  # fmt: skip
    assert done.code == 0, done.err
    np.testing.assert_array_equal(vs.load(json.loads(done.out)).estimate, alone("segment").estimate)


def test_a_study_writes_its_folder_in_the_language_asked_for(vocstats: Call, folder: Path, tmp_path: Path) -> None:
    done = vocstats("pain-points", "study.toml", "--output", tmp_path / "out", "--language", "zh")
    assert done.code == 0, done.err
    assert "按受影响客户占比排序,不代表影响程度或损失大小。" in done.out
    assert "最常见的痛点" in done.out
    assert (tmp_path / "out/report.zh.html").exists()
    assert not (tmp_path / "out/report.en.html").exists()


def test_a_check_shows_what_there_is(vocstats: Call, folder: Path) -> None:
    done = vocstats("check", "study.toml")
    assert done.code == 0, done.err
    customers = int(world().frame["customers"].sum())
    assert f"customers in the frame {customers:,}" in " ".join(done.out.split())
    assert "exit interview" in done.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("pain-points", "study.toml", "--groups", "segment"), "--groups: for files of counts, and study.toml is a study file"),
        (("pain-points", "study.toml", "--source-column", "s"), "--source-column: for files of counts"),
        (("pain-points", "counts.csv"), "[pain_points] observations need the section [pain_points.frame]"),
        ((*OPTIONS[:4], "--engine", "mcmc"), "[pain_points] engine must be one of approximate, nuts"),
    ],
)
def test_wrong_use_is_named(vocstats: Call, folder: Path, arguments: tuple[str, ...], message: str) -> None:
    done = vocstats(*arguments)
    assert done.code == 2
    assert message in " ".join(done.err.split())


def test_problems_name_the_file_and_its_lines(vocstats: Call, tmp_path: Path) -> None:
    path = write_pain_study(tmp_path, study=COUNTS)
    counts = tmp_path / "counts.csv"
    lines = counts.read_text(encoding="utf-8").splitlines()
    counts.write_text("\n".join([*lines, lines[3]]) + "\n", encoding="utf-8")
    done = vocstats("check", path)
    assert done.code == 1
    assert f"counts.csv, lines {len(lines) + 1} (the header is line 1)" in " ".join(done.err.split())


@pytest.mark.parametrize("file", ["counts.csv", "frame.csv"])
def test_rows_are_those_of_the_file_at_fault(vocstats: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """A count above n is a row of the counts; so is one that the frame knows nothing of."""
    monkeypatch.chdir(write_pain_study(tmp_path, study=COUNTS).parent)
    table = pd.read_csv(file)
    if file == "counts.csv":
        table.loc[4, "positive"] = table.loc[4, "n"] + 1
        table.to_csv(file, index=False)
        expected = "counts.csv, lines 6 (the header is line 1)"
    else:
        table.iloc[1:].to_csv(file, index=False)
        expected = "counts.csv, lines 2,"
    done = vocstats(*OPTIONS)
    assert done.code == 1 and expected in " ".join(done.err.split()), done.err


def test_labels_of_several_coders(vocstats: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From files, the estimate of the library; an unknown column is refused before anything is done."""
    monkeypatch.chdir(tmp_path)
    made = coder_world(73_700, pains=2, segments=2)
    seen = made.observations(*NAMES).replace({"pain 0": "delivery", "pain 1": "hidden_cost"})
    seen.to_csv("labels.csv", index=False)
    made.frame.to_csv("frame.csv", index=False)
    words = ("pain-points", "labels.csv", "--frame", "frame.csv", "--groups", "segment", "--seed", "5", "--json", "--coders")
    done = vocstats(*words, ",".join(NAMES))
    assert done.code == 0, done.err
    own = vs.estimate_pain_points(seen, groups="segment", frame=made.frame, coders=NAMES, seed=5)
    assert np.ravel(json.loads(done.out)["estimate"]) == pytest.approx(own.estimate[:, 0], rel=1e-9)
    wrong = vocstats(*words, "human,second,lm")
    assert wrong.code != 0 and "no column 'lm'" in wrong.err


def test_a_study_without_pain_points_is_named(vocstats: Call, folder: Path, tmp_path: Path) -> None:
    study = 'schema_version = 1\n[study]\ntitle = "x"\noutput = "out"\n[audit]\nresponses = "r.csv"\n'
    (tmp_path / "audit.toml").write_text(study, encoding="utf-8")
    done = vocstats("pain-points", tmp_path / "audit.toml")
    assert done.code == 2
    assert "audit.toml has no [pain_points] section" in done.err


def test_the_example_passes_its_check(tmp_path: Path) -> None:
    found = check_data(load_study(write_pain_points_example(tmp_path / "example", dealers=6)))
    assert found.problems == []
    truth = json.loads((tmp_path / "example/truth.json").read_text(encoding="utf-8"))
    assert len(truth["everybody"]) == len(found.pain_points.pains) == 18
    with pytest.raises(vs.InputError, match=r"already holds 'registry\.csv'"):
        write_pain_points_example(tmp_path / "example")


def test_the_demo_runs(vocstats: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("vocstats.datasets.write_pain_points_example", lambda folder: write_pain_study_in(folder))
    done = vocstats("demo", "pain-points")
    assert done.code == 0, done.err
    assert (tmp_path / "vocstats-pain-points/out/report.en.html").exists()


def write_pain_study_in(folder: Path) -> Path:
    """The small study in place of the example, which takes longer."""
    folder.mkdir()
    return write_pain_study(folder, study=COUNTS)
