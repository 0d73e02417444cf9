"""``[cohorts]`` of a study: what it asks for, what a run leaves, and what is refused."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from study.tenure_study import STUDY, write_tenure_study

import vocstats as vs
from vocstats import InputError
from vocstats.study import StudyRun, check_study, load_study, run_study
from vocstats.study.data_problems import check_data
from vocstats.study.tracking import cohort_auxiliaries, track_study


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    return run_study(load_study(write_tenure_study(tmp_path_factory.mktemp("tenures"))))


def test_the_run_tracks_what_track_cohorts_does(finished: StudyRun) -> None:
    study = load_study(finished.folder.parent / "study.toml")
    assert cohort_auxiliaries(study) == ("channel",), "a band may be made of the tenure"
    alone = vs.track_cohorts(
        study.base(), outcome="score", scale=(1, 10), statistic="top_box", top=(9, 10), tenure="tenure", grid=(12, 24, 36, 60),
        auxiliaries=["channel"], by="channel",
    )
    track = finished.content.tracks["channel"]["top_box"]
    np.testing.assert_array_equal(track.estimate, alone.estimate)
    np.testing.assert_array_equal(finished.content.tracks[""]["top_box"].std_error, alone.overall.std_error)
    assert list(finished.content.tracks) == ["", "channel"]
    assert list(finished.content.tracks[""]) == ["mean", "top_box"]


def test_the_result_is_read_back_without_small_groups(finished: StudyRun) -> None:
    result = vs.load(finished.folder / "result.json")
    assert [(track.by, track.statistic) for track in result.tracks] == [
        ((), "mean"), ((), "top_box"), (("channel",), "mean"), (("channel",), "top_box"),
    ]  # fmt: skip
    whole, shown = finished.content.tracks["channel"]["mean"], result.tracks[2]
    few = (whole.n_churned > 0) & (whole.n_churned < 10)
    assert few.any()
    assert np.isnan(shown.estimate[..., 1][few]).all()
    assert np.isnan(shown.churned[few]).all()
    assert {shown.reasons[g][k][1] for g, k in zip(*np.nonzero(few), strict=True)} <= {"under_minimum", "churned_few"}
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        given, left = getattr(whole, name), getattr(shown, name)
        np.testing.assert_array_equal(left[~np.isnan(left)], given[~np.isnan(left)])
    hidden = np.isnan(shown.estimate[..., 1])
    assert (hidden.sum(axis=0) != 1).all(), "one blank group alone could be subtracted from the whole"


def test_tables_hold_the_curves(finished: StudyRun) -> None:
    with (finished.folder / "tables/tenure.en.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["tenure"] for row in rows[:4]] == ["1–12", "13–24", "25–36", "37–60"]
    mean = finished.content.tracks[""]["mean"]
    column = "Everybody who bought, those who left included: estimate"
    assert [float(row[column]) for row in rows[:4]] == pytest.approx(mean.estimate[0, :, 1].tolist())
    assert (finished.folder / "tables/tenure_by_channel.zh.csv").exists()
    book = openpyxl.load_workbook(finished.folder / "tables.xlsx")
    assert "By tenure" in book.sheetnames
    assert "By tenure · channel" in book.sheetnames


def test_the_lock_file_spells_out_the_section_and_repeats_the_run(finished: StudyRun) -> None:
    lock = finished.folder / "study.lock.toml"
    section = tomllib.loads(lock.read_text(encoding="utf-8"))["cohorts"]
    assert section == {"tenure": "tenure", "grid": [12, 24, 36, 60], "by": ["channel"]}
    again = run_study(load_study(lock), finished.folder.parent / "again", languages=["en"])
    for first, second in zip(finished.result.tracks, again.result.tracks, strict=True):
        np.testing.assert_array_equal(first.estimate, second.estimate)


def test_without_the_section_nothing_is_tracked(tmp_path: Path) -> None:
    path = write_tenure_study(tmp_path, study=STUDY.partition("[cohorts]")[0])
    run = run_study(load_study(path), languages=["en"])
    assert run.content.tracks == {}
    assert run.result.tracks == ()
    assert "Satisfaction by tenure" not in (run.folder / "report.en.html").read_text(encoding="utf-8")
    assert not (run.folder / "tables/tenure.csv").exists()


def test_an_empty_section_takes_the_dates_of_the_population(tmp_path: Path) -> None:
    path = vs.datasets.write_example(tmp_path / "example", n=3000)
    text = path.read_text(encoding="utf-8").partition("[cohorts]")[0]
    path.write_text(f'{text}\n[cohorts]\ngrid = [24, 96]\nauxiliaries = ["age_band"]\n', encoding="utf-8")
    study = load_study(path)
    tracks = track_study(study, study.base(), lambda step, done, parts: None)
    assert tracks[""]["mean"].band_names() == ("0–24", "24–96")
    assert np.isfinite(tracks[""]["mean"].estimate[0, :, 0]).all()


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ('tenure = "tenure"\n', "", "study_no_tenure"),
        ("grid = [12, 24, 36, 60]", "grid = [24, 12]", "study_grid"),
        ("grid = [12, 24, 36, 60]", 'grid = "yearly"', "study_wrong_type"),
        ("grid = [12", "gird = [12", "study_unknown_key"),
    ],
)
def test_a_wrong_section_is_refused(tmp_path: Path, before: str, after: str, code: str) -> None:
    path = write_tenure_study(tmp_path, study=STUDY.replace(before, after, 2) if before in STUDY else STUDY)
    study, problems = check_study(path)
    assert study is None
    assert problems[0].code == code


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ('[cohorts]\ntenure = "tenure"', '[cohorts]\ntenure = "channel"', "text_as_number"),
        ('[cohorts]\ntenure = "tenure"', '[cohorts]\nentry = "tenure"\ntenure = "tenure"', "entry_after_tenure"),
        ('by = ["channel"]', 'by = ["chanel"]', "unknown_column"),
    ],
)
def test_check_finds_what_the_run_would_refuse(tmp_path: Path, before: str, after: str, code: str) -> None:
    study = load_study(write_tenure_study(tmp_path, study=STUDY.replace(before, after)))
    found = check_data(study)
    assert found.base is None
    assert code in {problem.code for problem in found.problems}
    with pytest.raises(InputError):
        run_study(study)
