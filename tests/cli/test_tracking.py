"""``vocstats track`` and the table a run shows: the same figures as `track_cohorts`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from study.tenure_study import write_tenure_study

import vocstats as vs
from vocstats.study import load_study

Call = Callable[..., Any]
OPTIONS = (
    *("track", "registry.csv", "--survey", "survey.csv", "--exit-interview", "exits.csv", "--id", "id", "--churned", "left"),
    *("--outcome", "score", "--scale", "1,10", "--tenure", "tenure", "--grid", "12,24,36,60", "--auxiliary", "channel"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the small study, entered."""
    monkeypatch.chdir(write_tenure_study(tmp_path).parent)
    return tmp_path


def test_track_shows_every_band(vocstats: Call, folder: Path) -> None:
    done = vocstats(*OPTIONS)
    assert done.code == 0, done.err
    r = vs.track_cohorts(
        load_study(folder / "study.toml").base(), outcome="score", scale=(1, 10), tenure="tenure", grid=(12, 24, 36, 60),
        auxiliaries=["channel"],
    )
    for k, band in enumerate(r.band_names()):
        [line] = [line for line in done.out.splitlines() if line.startswith(band)]
        assert [f"{value:.2f}" for value in r.estimate[0, k]] == [part.split("(")[0].split()[-1] for part in line.split(")")[:3]]
    assert all(assumption.text("en") in done.out for assumption in r.assumptions)
    chinese = vocstats("--language", "zh", *OPTIONS)
    assert "假定无客户流失" in chinese.out


def test_track_writes_json_by_group(vocstats: Call, folder: Path) -> None:
    done = vocstats(*OPTIONS, "--by", "channel", "--json", "--minimum-group", "1")
    assert done.code == 0, done.err
    track = vs.load(json.loads(done.out))
    assert track.labels["channel"].tolist() == ["fleet", "online", "showroom"]
    assert track.overall.estimate.shape == (1, 4, 3)


def test_track_refuses_what_the_study_file_would(vocstats: Call, folder: Path) -> None:
    options = ["24,12" if each == "12,24,36,60" else each for each in OPTIONS]
    done = vocstats(*options)
    assert done.code == 2
    assert "grid must rise" in done.err
    done = vocstats("--language", "zh", *["channel" if each == "tenure" else each for each in OPTIONS])
    assert done.code == 1
    assert "channel" in done.err


def test_a_run_shows_the_curves(vocstats: Call, folder: Path) -> None:
    done = vocstats("run", "study.toml", "--language", "en")
    assert done.code == 0, done.err
    assert "everybody who bought" in done.out
    assert "37–60" in done.out
