"""A run leaves what it promises, whole or not at all, and can be repeated from its lock file."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study.small_study import STUDY, write_small_study

import vocstats as vs
from vocstats import InputError
from vocstats.study import StudyRun, load_study, run_study


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    return run_study(load_study(write_small_study(tmp_path_factory.mktemp("small"))))


@pytest.fixture
def copied(finished: StudyRun, tmp_path: Path) -> Path:
    """The study file of a copy of the finished run and its data."""
    shutil.copytree(finished.folder.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "study.toml"


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def corrections_of(folder: Path) -> object:
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))["corrections"]


def test_a_run_leaves_reports_tables_result_and_lock(finished: StudyRun) -> None:
    written = files_of(finished.folder)
    assert {"report.en.html", "report.zh.html", "tables.xlsx", "result.json", "study.lock.toml"} <= written
    assert any(name.startswith("tables/") and name.endswith(".csv") for name in written)
    assert not any(name.startswith("confidential") for name in written)
    assert [path.name for path in finished.folder.parent.iterdir() if path.name.startswith(".")] == []


def test_the_result_is_read_back_and_holds_no_customer(finished: StudyRun) -> None:
    path = finished.folder / "result.json"
    result = vs.load(path)
    assert [(each.by, each.statistic) for each in result.corrections] == [
        ((), "mean"), ((), "top_box"), (("dealer",), "mean"), (("dealer",), "top_box"),
    ]  # fmt: skip
    np.testing.assert_array_equal(result.overall("mean").estimate, finished.content.corrections["mean"].estimate)
    assert result.overall("mean").kpi == 8
    assert np.isnan(result.overall("top_box").kpi)
    text = path.read_text(encoding="utf-8")
    identifiers = pd.read_csv(finished.folder.parent / "registry.csv", dtype=str)["customer_id"]
    assert not any(f'"{identifier}"' in text for identifier in identifiers)
    assert "influence" not in text
    assert json.loads(text)["kind"] == "study_result"
    with pytest.raises(KeyError):
        result.by(("model",), "mean")


def test_small_groups_are_missing_from_the_result(finished: StudyRun) -> None:
    shown, whole = vs.load(finished.folder / "result.json").by(("dealer",), "mean"), finished.content.domains["dealer"]["mean"]
    tiny = whole.labels["dealer"].tolist().index("D4")
    assert 0 < whole.n[tiny, 0] < 10
    assert np.isfinite(whole.estimate[tiny, 0])
    for name in ("estimate", "std_error", "conf_low", "conf_high", "range_low", "range_conf_high", "worst_low"):
        assert np.isnan(getattr(shown, name)[tiny, 0]), name
    assert np.isnan(shown.contribution[tiny]).all()
    assert np.isnan(shown.part_mean[tiny]).all()
    assert shown.reasons[tiny][0] == "under_minimum"
    hidden = [row for row in range(len(whole.n)) if np.isnan(shown.estimate[row, 0])]
    assert len(hidden) >= 2, "one blank group alone could be subtracted from the whole"
    assert "would_reveal" in {shown.reasons[row][0] for row in hidden}


def test_the_lock_file_spells_out_every_default(finished: StudyRun) -> None:
    lock = tomllib.loads((finished.folder / "study.lock.toml").read_text(encoding="utf-8"))
    assert lock["correct"]["weighting"] == "rake"
    assert lock["correct"]["method"] == "weighting"
    assert lock["study"]["level"] == 0.95
    assert lock["lock"]["versions"]["vocstats"] == vs.__version__
    assert {record["role"] for record in lock["lock"]["files"]} == {"registry", "survey", "exit_interview"}
    assert {record["rows"] for record in lock["lock"]["files"]} == {600, 260, 60}
    assert set(lock["lock"]["written"]) == files_of(finished.folder) - {"study.lock.toml"}


def test_the_lock_file_gives_the_same_result(copied: Path) -> None:
    folder = copied.parent / "out"
    again = run_study(load_study(folder / "study.lock.toml"), copied.parent / "again")
    assert corrections_of(again.folder) == corrections_of(folder)


def test_the_lock_file_can_replace_its_own_run(copied: Path) -> None:
    folder = copied.parent / "out"
    before = corrections_of(folder)
    again = run_study(load_study(folder / "study.lock.toml"), overwrite=True)
    assert again.folder == folder
    assert corrections_of(folder) == before


def test_the_lock_file_refuses_changed_data(copied: Path) -> None:
    with (copied.parent / "survey.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(InputError, match=r"survey\.csv changed since study\.lock\.toml was written"):
        run_study(load_study(copied.parent / "out/study.lock.toml"), copied.parent / "again")


def test_the_method_chosen_is_locked(tmp_path: Path) -> None:
    path = write_small_study(tmp_path, study=STUDY.replace('method = "weighting"\n', ""))
    run = run_study(load_study(path), languages=["en"])
    assert tomllib.loads((run.folder / "study.lock.toml").read_text())["correct"]["method"] == "weighting"
    assert "report.zh.html" not in files_of(run.folder)


def test_an_existing_folder_is_refused(copied: Path) -> None:
    with pytest.raises(InputError, match="exists already") as caught:
        run_study(load_study(copied))
    assert caught.value.code == "study_output_exists"


def test_a_run_is_replaced_when_asked(copied: Path) -> None:
    old = copied.parent / "out/report.en.html"
    old.write_text("old")
    run = run_study(load_study(copied), overwrite=True)
    assert old.read_text(encoding="utf-8") != "old"
    assert [path.name for path in run.folder.parent.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("stranger", ["notes.docx", "tables/mine.csv", "dealers/D1/photo.png"])
def test_what_no_run_wrote_is_never_removed(copied: Path, stranger: str) -> None:
    mine = copied.parent / "out" / stranger
    mine.parent.mkdir(parents=True, exist_ok=True)
    mine.write_text("mine")
    with pytest.raises(InputError) as caught:
        run_study(load_study(copied), overwrite=True)
    assert caught.value.code == "study_output_foreign"
    assert stranger in str(caught.value)
    assert mine.read_text() == "mine"
    assert (copied.parent / "out/result.json").exists()


def test_a_folder_of_data_is_never_replaced(tmp_path: Path) -> None:
    path = write_small_study(tmp_path, study=STUDY.replace('output = "out"', 'output = "."'))
    before = files_of(tmp_path)
    with pytest.raises(InputError, match="no run of vocstats wrote"):
        run_study(load_study(path), overwrite=True)
    assert files_of(tmp_path) == before


def test_a_linked_folder_stays_where_it_is(copied: Path) -> None:
    link, target = copied.parent / "out", copied.parent / "elsewhere"
    link.rename(target)
    link.symlink_to(target)
    run = run_study(load_study(copied), overwrite=True, languages=["en"])
    assert run.folder == target.resolve()
    assert link.is_symlink()
    assert not (target / "report.zh.html").exists()


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt])
def test_an_interrupted_run_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    path = write_small_study(tmp_path)
    before = files_of(tmp_path)

    def broken(*arguments: object, **options: object) -> None:
        assert any(name.name.startswith(".out.unfinished-") for name in tmp_path.iterdir())
        raise interruption

    monkeypatch.setattr("vocstats.report.write_tables", broken)
    with pytest.raises(interruption):
        run_study(load_study(path))
    assert files_of(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_an_interrupted_replacement_keeps_the_earlier_run(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files_of(copied.parent)

    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("vocstats.report.write_tables", broken)
    with pytest.raises(RuntimeError):
        run_study(load_study(copied), overwrite=True)
    assert files_of(copied.parent) == before


def test_leftovers_of_a_killed_run_do_no_harm(copied: Path) -> None:
    left = copied.parent / ".out.unfinished-0a1b2c3d"
    left.mkdir()
    (left / "report.en.html").write_text("half")
    run_study(load_study(copied), overwrite=True)
    assert (left / "report.en.html").read_text() == "half"


def test_weights_with_customer_numbers_only_when_asked(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = write_small_study(tmp_path, study=STUDY + "\n[report]\ncustomer_files = true\nexcel = false\n")
    run = run_study(load_study(path), languages=["en"])
    weights = pd.read_parquet(run.folder / "confidential/weights.parquet")
    assert len(weights) == 600
    value = weights.columns[-1]
    assert weights.loc[weights[value] > 0].shape[0] == 320
    assert weights[value].sum() == pytest.approx(600)
    assert "tables.xlsx" not in files_of(run.folder)


def test_progress_is_told_step_by_step(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    run_study(load_study(write_small_study(tmp_path)), progress=lambda *step: told.append(step))
    assert [step for step, done, parts in told if done == parts] == ["read", "correct", "write"]


def test_two_columns_crossed(tmp_path: Path) -> None:
    path = write_small_study(tmp_path, study=STUDY.replace('by = ["dealer"]', 'by = [["dealer", "warranty"]]'))
    run = run_study(load_study(path), languages=["en"])
    assert [*run.content.domains] == ["dealer × warranty"]
    assert run.content.domains["dealer × warranty"]["mean"].by == ("dealer", "warranty")


@pytest.mark.parametrize(("package", "extra"), [("jinja2", "report"), ("openpyxl", "report"), ("pyarrow", "duckdb")])
def test_absent_packages_are_named_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, extra: str
) -> None:
    study = load_study(write_small_study(tmp_path, study=STUDY + "\n[report]\ncustomer_files = true\n"))
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr("vocstats.study.running.read_files", lambda study: pytest.fail("it read the files"))
    with pytest.raises(vs.MissingDependencyError, match=rf"{package}.*vocstats\[{extra}\]"):
        run_study(study)
