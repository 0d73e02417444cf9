"""The embedded example: files that read back as they were, a study file that fits them."""

import json
import sys
import tomllib

import pandas as pd
import pytest

from vocstats.datasets import simulate_base, write_example
from vocstats.datasets.blemishes import NO_ANSWER_CODES
from vocstats.datasets.example import EXAMPLE_FILES, study_template
from vocstats.datasets.fieldwork import DISPOSITION_CODES
from vocstats.datasets.population import REFERENCE_DATE, TENURE_LABELS, TENURE_UPPER, WINDOW
from vocstats.errors import InputError, MissingDependencyError, VocstatsError
from vocstats.texts import message


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("example") / "new", n=3_000, seed=9).parent


@pytest.fixture(scope="module")
def study(folder):
    return tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))


def test_all_files_are_there(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted(EXAMPLE_FILES)


@pytest.mark.parametrize("name", ["registry", "call_log", "follow_up", "exit_interview"])
def test_csv_round_trip(folder, name):
    expected = getattr(simulate_base(3_000, seed=9), name)
    dates = [column for column in expected if expected[column].dtype.kind == "M"]
    types = {column: dtype for column, dtype in expected.dtypes.items() if column not in dates}
    read = pd.read_csv(folder / f"{name}.csv", dtype=types, parse_dates=dates, encoding="utf-8")
    pd.testing.assert_frame_equal(read.astype(expected.dtypes), expected)


def test_excel_round_trip(folder):
    expected = simulate_base(3_000, seed=9).survey
    read = pd.read_excel(folder / "survey.xlsx", sheet_name="Q3", dtype={"customer_id": str})
    pd.testing.assert_frame_equal(read.astype(expected.dtypes), expected)


def test_study_names_columns_that_exist(folder, study):
    registry = pd.read_csv(folder / study["registry"]["file"], dtype=str)
    named = {
        study["registry"]["id"], study["registry"]["dealer"], study["registry"]["churned"]["column"],
        study["registry"]["population"]["joined"], study["registry"]["population"]["left"], *study["correct"]["by"],
        *(set(study["auxiliaries"]["columns"]) - {"tenure_band"}), study["auxiliaries"]["bands"]["tenure_band"]["from"],
    }
    assert named <= set(registry)
    survey, contact = study["answers"]["survey"], study["answers"]["survey"]["contact"]
    answers = pd.read_excel(folder / survey["file"], sheet_name=survey["sheet"])
    assert {survey["id"], survey["date"], study["outcome"]["column"]} <= set(answers)
    log = pd.read_csv(folder / contact["file"])
    assert {contact["attempts"], contact["outcome"]} <= set(log)
    assert set(log[contact["outcome"]]) <= {code for codes in contact["codes"].values() for code in codes}
    for name in ("follow_up", "exit_interview"):
        part = study["answers"][name]
        assert {part["selected"], study["outcome"]["column"], "customer_id"} <= set(pd.read_csv(folder / part["file"]))


def test_study_holds_what_works_and_says_simulated(study):
    always = {"schema_version", "study", "registry", "answers", "outcome", "auxiliaries", "correct", "sensitivity", "report"}
    assert set(study) == {*always, "cohorts"}
    assert "simulated" in study["study"]["title"] and "模拟" in study["study"]["title_zh"]


def test_published_figure_is_what_the_survey_reports(folder, study):
    truth = simulate_base(3_000, seed=9).truth.customers.set_index("customer_id")
    survey = pd.read_excel(folder / "survey.xlsx", dtype={"customer_id": str})
    coded = survey.loc[survey["csi"] > 10, "customer_id"]
    heard = truth[(truth["heard"] == "survey") & ~truth.index.isin(coded)]
    assert study["outcome"]["published"]["mean"] == pytest.approx(heard["csi"].mean(), abs=0.005)


def test_template_is_the_study_but_for_the_published_figure(folder):
    written, template = (text.splitlines() for text in ((folder / "study.toml").read_text(encoding="utf-8"), study_template()))
    assert [new for new, old in zip(written, template, strict=True) if new != old and not old.startswith("published")] == []
    assert any(line.startswith("published     = { mean = 9.21 }") for line in template)


def test_truth_stands_beside(folder):
    record = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    assert record["kind"] == "simulated_truth" and record["seed"] == 9 and record["n"] == 3_000
    assert record["means"] == simulate_base(3_000, seed=9).truth.to_dict()["means"]


def refused(call) -> VocstatsError:
    with pytest.raises(VocstatsError) as caught:
        call()
    return caught.value


def test_existing_files_are_kept(folder):
    before = (folder / "registry.csv").read_bytes()
    error = refused(lambda: write_example(folder, n=3_000, seed=10))
    assert isinstance(error, InputError) and "registry.csv" in str(error) and "registry.csv" in message(error, "zh")
    assert (folder / "registry.csv").read_bytes() == before


def test_without_openpyxl_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    error = refused(lambda: write_example(tmp_path / "x", n=3_000))
    assert isinstance(error, MissingDependencyError) and "vocstats[report]" in str(error) and "vocstats[report]" in message(error, "zh")
    assert not (tmp_path / "x").exists()


def test_the_base_of_the_tables_reads_them_as_the_study_does(study):
    contact, bands = study["answers"]["survey"]["contact"], study["auxiliaries"]["bands"]["tenure_band"]
    assert contact["codes"] == DISPOSITION_CODES
    assert tuple(bands["upper"]) == TENURE_UPPER and tuple(bands["labels"]) == TENURE_LABELS
    assert tuple(study["outcome"]["missing_codes"]) == NO_ANSWER_CODES
    assert study["registry"]["churned"]["before"] == str(REFERENCE_DATE)
    assert (study["registry"]["population"]["from"], study["registry"]["population"]["to"]) == tuple(map(str, WINDOW))
