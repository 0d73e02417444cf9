"""``[pain_points]`` of a study: the same figures from rows, from counts and from `estimate_pain_points`; what a run leaves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study.audit_study import STUDY as AUDIT
from study.audit_study import write_audit_study
from study.pain_study import COUNTS, DROP_OFF, HEAD, PAINS, ROWS, world, write_pain_study
from study.small_study import STUDY as SCORE
from study.small_study import write_small_study

import vocstats as vs
from vocstats.study import StudyRun, load_study, run_study
from vocstats.study.data_problems import check_data
from vocstats.study.lock_file import lock_text
from vocstats.study.pain_points import count_study_pains, pain_window, pains_alone, study_taxonomy
from vocstats.study.running import publishable_result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pain_study(tmp_path_factory.mktemp("pains")).parent


@pytest.fixture(scope="module")
def finished(folder: Path) -> StudyRun:
    return run_study(load_study(folder / "study.toml"))


@pytest.fixture(scope="module")
def alone() -> vs.PainPointPrevalence:
    w = world()
    return vs.estimate_pain_points(
        w.observations, groups=w.groups, frame=w.frame, coder_audit=w.coder_audit, perfect_sources=[*w.perfect_sources, "ticket"],
        mentions={"ticket": (3, 27)}, by="segment", seed=5,
    )


def test_a_study_of_pain_points_alone_runs(finished: StudyRun) -> None:
    written = {path.relative_to(finished.folder).as_posix() for path in finished.folder.rglob("*") if path.is_file()}
    assert {"report.en.html", "report.zh.html", "tables.xlsx", "result.json", "study.lock.toml", "tables/pain_points.en.csv"} <= written
    assert (finished.content, finished.audit) == (None, None)
    page = (finished.folder / "report.zh.html").read_text(encoding="utf-8")
    assert "小型网络(模拟数据)" in page
    assert "2025-10-01 – 2026-09-30" in page
    assert not any("confidential" in name for name in written)


def test_rows_count_and_estimate_as_the_counts_do(finished: StudyRun, alone: vs.PainPointPrevalence) -> None:
    keys = ["pain_point", "segment"]
    found, expected = (result.to_frame().set_index(keys).sort_index() for result in (finished.pain_points.result, alone))
    pd.testing.assert_frame_equal(found, expected)
    assert finished.pain_points.counted.answers["missing"].sum() == 0


def test_files_of_counts_give_the_same(folder: Path, tmp_path: Path, alone: vs.PainPointPrevalence) -> None:
    path = folder / "counts.toml"
    path.write_text(COUNTS, encoding="utf-8")
    run = run_study(load_study(path), tmp_path / "out", languages=["en"])
    np.testing.assert_array_equal(run.pain_points.result.estimate, alone.estimate)
    assert run.pain_points.counted is None
    assert "in the year to 30 September 2026" in (run.folder / "report.en.html").read_text(encoding="utf-8")


def test_the_result_is_read_back_without_draws_and_small_groups(folder: Path, finished: StudyRun) -> None:
    back = vs.load(json.loads((finished.folder / "result.json").read_text(encoding="utf-8"))).pain_points
    np.testing.assert_array_equal(back.estimate, finished.pain_points.result.estimate)
    assert back.fit is None
    strict = folder / "strict.toml"
    strict.write_text(COUNTS + "\n[report]\nminimum_group = 100000\n", encoding="utf-8")
    hidden = publishable_result(load_study(strict), None, None, finished.pain_points)
    assert np.isnan(hidden.pain_points.estimate).all()


def test_the_lock_file_reads_the_same_counts(folder: Path, finished: StudyRun) -> None:
    found = [check_data(load_study(path)) for path in (folder / "study.toml", finished.folder / "study.lock.toml")]
    assert found[1].problems == []
    np.testing.assert_array_equal(*(each.pain_points.counts.positive for each in found))


def test_pain_points_stand_beside_a_correction(tmp_path: Path) -> None:
    extra = """
[pain_points]
columns = { delivery = "late" }
window = ["2025-10-01", "2026-09-30"]
groups = ["dealer"]
perfect_sources = ["survey", "exit_interview"]
missing_codes = [8]
"""
    path = write_small_study(tmp_path, study=SCORE + extra)
    for name in ("survey", "exits"):
        table = pd.read_csv(tmp_path / f"{name}.csv", dtype={0: str})
        table.assign(late=(np.arange(len(table)) % 4 == 0).astype(int)).to_csv(tmp_path / f"{name}.csv", index=False)
    run = run_study(load_study(path), languages=["en"])
    assert run.content is not None and run.content.pain_points is not None
    assert run.result.pain_points.pain_points.tolist() == ["delivery"]
    assert 0.2 < run.pain_points.result.estimate[0, 0] < 0.35
    assert run.result.overall("mean").estimate is not None
    assert pains_alone(load_study(path)).corrects is False
    assert "Unpredictable delivery" in (run.folder / "report.en.html").read_text(encoding="utf-8")


def test_answers_that_are_missing_are_counted(tmp_path: Path) -> None:
    path = write_pain_study(tmp_path, study=ROWS.replace("[pain_points]\n", "[pain_points]\nmissing_codes = [9]\n", 1))
    survey = pd.read_csv(tmp_path / "survey.csv")
    survey.loc[:9, "price_value"] = 9
    survey.loc[10:14, "price_value"] = np.nan
    survey.to_csv(tmp_path / "survey.csv", index=False)
    study = load_study(path)
    missing = count_study_pains(study, study.base()).answers.query("missing > 0")
    assert missing[["source", "pain_point", "missing"]].to_numpy().tolist() == [["survey", "price_value", 15]]


def test_a_taxonomy_of_ones_own(tmp_path: Path) -> None:
    labels = "\n".join(f'[{pain}]\nlabel_en = "Pain {k}"' for k, pain in enumerate(PAINS))
    (tmp_path / "own.toml").write_text(labels, encoding="utf-8")
    pd.DataFrame({"key": PAINS, "label_zh": [f"痛点{k}" for k in range(4)]}).to_csv(tmp_path / "own.csv", index=False)
    study = load_study(write_pain_study(tmp_path, study=COUNTS.replace("observations", 'taxonomy = "own.toml"\nobservations', 1)))
    assert study_taxonomy(study).label("price_value") == "Pain 2"
    study = load_study(write_pain_study(tmp_path, study=COUNTS.replace("observations", 'taxonomy = "own.csv"\nobservations', 1)))
    assert study_taxonomy(study).label("price_value", "zh") == "痛点2"
    assert check_data(study).problems == []
    locked = lock_text(study, folder=tmp_path / "out" / "q3", method="", created="", files=(), written=())
    assert 'taxonomy = "../../own.csv"' in locked


def test_the_window_is_that_of_the_pains_or_the_registry(folder: Path) -> None:
    study = load_study(folder / "study.toml")
    assert pain_window(study) == "2025-10-01 – 2026-09-30"


def test_the_dealer_is_that_of_the_registry(tmp_path: Path) -> None:
    study = ROWS.replace('dealer = "dealer"', 'dealer = "经销商"').replace('["segment", "dealer"]', '["segment", "经销商"]')
    path = write_pain_study(tmp_path, study=study)
    pd.read_csv(tmp_path / "registry.csv").rename(columns={"dealer": "经销商"}).to_csv(tmp_path / "registry.csv", index=False)
    found = check_data(load_study(path))
    assert found.problems == []
    assert found.pain_points.frame.columns.dealer == "经销商"
    assert found.pain_points.counts.frame.shape[:2] == (3, 8)


def test_a_check_reads_and_computes_nothing(folder: Path) -> None:
    found = check_data(load_study(folder / "study.toml"))
    assert found.problems == []
    assert found.base is not None and found.base.n == int(world().frame["customers"].sum())
    assert sorted(found.pain_points.pains.tolist()) == sorted(PAINS)


@pytest.mark.parametrize(
    ("table", "change", "code"),
    [
        ("survey", lambda t: t.assign(price_value=3), "off_scale"),
        ("survey", lambda t: t.drop(columns="price_value"), "unknown_column"),
        ("tickets", lambda t: t.assign(reason="T9"), "unmapped_reports"),
        ("registry", lambda t: t.assign(dealer=None), "missing_auxiliary"),
        ("coder_audit", lambda t: t.assign(positive=t["n"] + 1), "audit_positives_above_n"),
        ("coder_audit", lambda t: t.assign(pain_point="prise_value"), "unknown_pain"),
    ],
)
def test_a_check_names_what_is_wrong_with_the_rows(tmp_path: Path, table: str, change: object, code: str) -> None:
    study = write_pain_study(tmp_path)
    change(pd.read_csv(tmp_path / f"{table}.csv")).to_csv(tmp_path / f"{table}.csv", index=False)
    assert code in {problem.code for problem in check_data(load_study(study)).problems}


def test_pain_points_stand_beside_an_audit_in_one_report(tmp_path: Path, folder: Path) -> None:
    for path in folder.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    write_audit_study(tmp_path)
    study = tmp_path / "both.toml"
    study.write_text(AUDIT + COUNTS.removeprefix(HEAD), encoding="utf-8")
    run = run_study(load_study(study), tmp_path / "out", languages=["en"])
    page = (run.folder / "report.en.html").read_text(encoding="utf-8")
    assert run.content is None and "to be verified" in page and "Information overload" in page
    assert {"audit_list.csv", "pain_points.csv"} <= {path.name for path in (run.folder / "tables").iterdir()}


@pytest.mark.parametrize("rows", [True, False])
def test_drop_off_of_a_study(tmp_path: Path, rows: bool) -> None:
    """The dealer may be left out; the estimate is that of the table as given."""
    path = write_pain_study(tmp_path, study=(ROWS if rows else COUNTS) + DROP_OFF)
    if rows:
        totals = world().drop_off.groupby(["stage", "segment"], as_index=False)[["reached", "dropped"]].sum()
        totals.to_csv(tmp_path / "journey.csv", index=False)
    study = load_study(path)
    found = check_data(study)
    assert found.problems == []
    assert found.pain_points.drop_off.acts == {stage: tuple(pains) for stage, pains in world().drop_off_pains.items()}
    summed = found.pain_points.counts.drop_off
    assert summed.reached.sum() == world().drop_off["reached"].sum() and summed.stage.size == 6
    again = load_study(path)
    locked = lock_text(again, folder=tmp_path / "out", method="", created="", files=(), written=())
    assert "[pain_points.drop_off.pains]" in locked or "stage_1" in locked


def test_a_bad_file_of_drop_off_is_named(tmp_path: Path) -> None:
    study = load_study(write_pain_study(tmp_path, study=COUNTS + DROP_OFF.replace("stage_2", "stage_3")))
    assert [problem.code for problem in check_data(study).problems] == ["unknown_stage"]


@pytest.mark.slow
def test_drop_off_reaches_the_result_and_the_report(tmp_path: Path) -> None:
    run = run_study(load_study(write_pain_study(tmp_path, study=COUNTS + DROP_OFF)))
    assert [item.code for item in run.pain_points.result.assumptions].count("pain_drop_off") == 2
    assert "stage_1" in (run.folder / "report.zh.html").read_text(encoding="utf-8")
