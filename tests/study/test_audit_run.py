"""``[audit]`` of a study: what a run leaves, the same figures as `audit_dealers`, small dealers blank, nothing confidential outside."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from study.audit_study import STUDY, write_audit_study
from study.small_study import STUDY as SCORE
from study.small_study import write_small_study

import vocstats as vs
from vocstats.report import audit_sheets, write_audit_report, write_dealer_pages
from vocstats.report.audit_disclosure import DISCLOSED
from vocstats.study import StudyRun, load_study, run_study
from vocstats.study.auditing import audit_alone, disclosed, with_pages
from vocstats.study.publishing import publishable_audit


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    return run_study(load_study(write_audit_study(tmp_path_factory.mktemp("audit"))))


def test_a_study_of_an_audit_alone_runs(finished: StudyRun) -> None:
    written = {path.relative_to(finished.folder).as_posix() for path in finished.folder.rglob("*") if path.is_file()}
    listed = finished.audit.dealers[finished.audit.flagged].tolist()
    assert listed, "the network was made so that some dealers are listed"
    places = ("dealers", "dealers_internal")
    pages = {f"{place}/{dealer}.{language}.html" for place in places for dealer in listed for language in ("en", "zh")}
    tables = {f"tables/{name}.{language}.csv" for name in ("audit_list", "audit_evidence") for language in ("en", "zh")}
    assert written == pages | tables | {
        "report.en.html", "report.zh.html", "tables.xlsx", "result.json", "study.lock.toml", "confidential/evidence_rows.xlsx",
    }  # fmt: skip
    assert finished.content is None
    for place in places:
        page = (finished.folder / place / f"{listed[0]}.en.html").read_text(encoding="utf-8")
        assert f"2026-1-{listed[0]}" in page
        assert "2025/26" in page
    assert openpyxl.load_workbook(finished.folder / "tables.xlsx").sheetnames == ["Audit list", "Audit evidence"]
    assert "Small network (simulated)" in (finished.folder / "report.en.html").read_text(encoding="utf-8")


def test_the_run_audits_what_audit_dealers_does(finished: StudyRun) -> None:
    folder = finished.folder.parent
    alone = vs.audit_dealers(
        pd.read_csv(folder / "responses.csv"), roster=pd.read_csv(folder / "visits.csv").rename(columns={"number": "visit_id"}),
        response_id="response_id", visit="visit_id", items=["welcome", "advice", "punctuality", "value"], case_mix=["age_band", "warranty"],
        outcomes=["complaint"], time="time", threshold=0.8, invited="invited", seed=5,
    )
    np.testing.assert_array_equal(finished.audit.evidence.p_value, alone.evidence.p_value)
    np.testing.assert_array_equal(finished.audit.scores.corrected_score, alone.scores.corrected_score)
    assert finished.audit.status == alone.status


def test_the_result_holds_the_audit_without_rows_and_small_dealers(finished: StudyRun) -> None:
    text = (finished.folder / "result.json").read_text(encoding="utf-8")
    audit = vs.load(json.loads(text)).audit
    assert audit.status == finished.audit.status
    assert all(each.evidence.size == 0 for each in audit.signals)
    few = finished.audit.scores.n < 10
    assert audit.dealers[few].tolist() == ["D0002"]
    assert np.isnan(audit.scores.corrected_score[few]).all()
    assert np.isnan(audit.evidence.p_value[few]).all()
    np.testing.assert_array_equal(audit.scores.corrected_score[~few], finished.audit.scores.corrected_score[~few])
    for shown, whole in zip(audit.signals, finished.audit.signals, strict=True):
        small = (whole.n > 0) & (whole.n < 10)
        assert np.isnan(shown.p_value[small]).all(), whole.name


def test_nothing_but_figures_is_hidden() -> None:
    audit = vs.audit_dealers(vs.datasets.simulate_dealers(12, seed=80112, responses=(40, 60)).responses, time="time")
    shown = publishable_audit(audit, 1)
    for before, after in zip(audit.signals, shown.signals, strict=True):
        np.testing.assert_array_equal(before.p_value, after.p_value)
        for name, column in before.details.items():
            np.testing.assert_array_equal(column, after.details[name])
    assert shown.responses is None


def test_evidence_points_to_forms_of_listed_dealers(finished: StudyRun) -> None:
    rows = pd.read_excel(finished.folder / "confidential/evidence_rows.xlsx", dtype=str)
    forms = pd.read_csv(finished.folder.parent / "responses.csv", dtype=str).set_index("response_id")["dealer"]
    assert list(rows.columns) == ["dealer", "signal", "response_id", "visit"]
    assert set(rows["dealer"]) <= set(finished.audit.dealers[finished.audit.flagged].tolist())
    told = rows.dropna(subset="response_id")
    assert len(told)
    assert (forms[told["response_id"]].to_numpy() == told["dealer"].to_numpy()).all()


def test_the_lock_file_spells_out_the_audit_and_can_be_read(finished: StudyRun) -> None:
    lock = finished.folder / "study.lock.toml"
    written = tomllib.loads(lock.read_text(encoding="utf-8"))
    assert written["audit"]["fdr"] == 0.1
    assert written["audit"]["responses"] == "../responses.csv"
    assert written["audit"]["pages"]["disclose"] == list(DISCLOSED)
    assert "correct" not in written
    assert {record["role"] for record in written["lock"]["files"]} == {"responses", "roster"}
    study = load_study(lock)
    assert study.audits
    assert not study.corrects


def test_kpi_lines_come_from_a_file(finished: StudyRun, tmp_path: Path) -> None:
    """Every dealer the line of the other study but one, who has none: all else stays as it was."""
    path = write_audit_study(
        tmp_path, study=STUDY.replace("threshold = 0.8", 'threshold = { file = "kpi.csv", dealer = "store", value = "line" }')
    )
    lines = pd.DataFrame({"store": finished.audit.dealers, "line": 0.8})
    lines[lines["store"] != "D0003"].to_csv(tmp_path / "kpi.csv", index=False)
    run = run_study(load_study(path), languages=["en"])
    found, whole = ({each.name: each for each in audit.signals}["threshold_bunching"] for audit in (run.audit, finished.audit))
    other = found.labels["dealer"] != "D0003"
    np.testing.assert_array_equal(found.p_value[other], whole.p_value[other])
    assert found.reasons[found.place_of("D0003")] == "no_threshold"
    lock = tomllib.loads((run.folder / "study.lock.toml").read_text(encoding="utf-8"))
    assert lock["audit"]["threshold"]["file"] == "../kpi.csv"
    assert {record["role"] for record in lock["lock"]["files"]} == {"responses", "roster", "threshold"}
    assert load_study(run.folder / "study.lock.toml").audits


def test_a_score_and_an_audit_share_one_report(tmp_path: Path) -> None:
    write_audit_study(tmp_path, dealers=8)
    bare = '\n[audit]\nresponses = "responses.csv"\nchannel = "channel"\n\n[report]\nexcel = false\n'
    study = load_study(write_small_study(tmp_path, study=SCORE + bare))
    run = run_study(study, languages=["en"])
    assert run.content.audit is run.audit
    report = (run.folder / "report.en.html").read_text(encoding="utf-8")
    assert 'id="audit"' in report
    assert (run.folder / "tables/audit_list.csv").exists()
    assert vs.load(run.folder / "result.json").audit.status == run.audit.status
    assert not (run.folder / "dealers").exists(), "pages are written only where they are asked for"
    assert [*audit_alone(study).settings] == ["schema_version", "study", "audit", "report"]
    assert audit_alone(study)["audit"]["dealer"] == "dealer"


def test_pages_may_be_asked_for_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STUDY.replace('[audit.pages]\nreply_to = "quality@example.com"\nrun = "2026-1"\n', ""), encoding="utf-8")
    study = load_study(path)
    assert "pages" not in study["audit"]
    pages = with_pages(study, ["D0001"])["audit"]["pages"]
    assert pages["for"] == ["D0001"]
    assert pages["reply_days"] == 10
    assert disclosed(study) == tuple(pages["disclose"])


def test_everything_can_be_asked_of_the_published_result(finished: StudyRun, tmp_path: Path) -> None:
    """Figures of the dealer with six forms are missing there: no call is planned for him, and what is said of him has no number."""
    audit = vs.load(finished.folder / "result.json").audit
    whole = finished.audit.next_checks(30)
    pd.testing.assert_frame_equal(audit.next_checks(30), whole[whole["dealer"] != "D0002"].reset_index(drop=True))
    small = audit.dealer("D0002")
    assert small.figures["calls"] == 0
    assert np.isnan(small.figures["n"])
    assert small.medians["n"] > 60
    for language, missing in (("en", "Too few answers to be shown."), ("zh", "答复过少,不予列出。")):
        dealers, evidence = audit_sheets(audit, language)
        assert dict(zip(*(dealers.frame.iloc[:, k] for k in (0, -1)), strict=True))["D0002"] == missing
        assert missing in evidence.frame.iloc[:, -1].tolist()
    pages = write_dealer_pages(audit, tmp_path, pages=["D0002"], languages=["en"])
    assert all("Too few answers to be shown." in page.read_text(encoding="utf-8") for page in pages)
    write_audit_report(audit, tmp_path, title={"en": "Published"})


def test_a_published_result_may_show_nobody(finished: StudyRun) -> None:
    audit = publishable_audit(finished.audit, 10**6)
    assert audit.next_checks().empty
    assert np.isnan(audit.dealer(audit.dealers[0]).medians["n"])
    assert len(audit_sheets(audit, "en")[0].frame) == audit.dealers.size
    assert "Too few answers to be shown." in audit.signals[0].summary()
