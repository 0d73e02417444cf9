"""Methods for the silent in the study file, pinned in the lock file."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study.small_study import STUDY, write_small_study

import vocstats as vs
from vocstats import texts
from vocstats.study import check_study, load_study, run_study
from vocstats.study.running import StudyRun


def study_with(folder: Path, **correct: str) -> Path:
    """The small study with attempts in the survey, a follow-up half of which refused, and other keys of [correct]."""
    keys = "".join(f'{name} = "{value}"\n' for name, value in correct.items())
    follow_up = '[answers.follow_up]\nfile = "calls.csv"\nselected = "drawn"\n\n[outcome]'
    text = STUDY.replace('method = "weighting"\n', keys).replace('file = "survey.csv"', 'file = "survey.csv"\nattempt = "wave"')
    path = write_small_study(folder, study=text.replace("[outcome]", follow_up))
    rng = np.random.default_rng(2)
    survey = pd.read_csv(folder / "survey.csv", dtype={"customer_id": str})
    survey = survey.assign(wave=rng.choice([1, 2], len(survey), p=[0.6, 0.4]), csi=survey["csi"].clip(lower=7))
    survey.to_csv(folder / "survey.csv", index=False)
    registry = pd.read_csv(folder / "registry.csv", dtype={"customer_id": str})
    silent = registry[(registry["status"] == "active") & ~registry["customer_id"].isin(survey["customer_id"])]["customer_id"]
    registry.assign(visits=np.where(rng.random(len(registry)) < 0.5, "many", "few")).to_csv(folder / "registry.csv", index=False)
    calls = pd.DataFrame({"customer_id": silent.sample(80, random_state=1), "drawn": 1})
    calls["csi"] = np.where(rng.random(80) < 0.5, rng.integers(4, 11, 80), np.nan)
    calls.to_csv(folder / "calls.csv", index=False)
    return path


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> StudyRun:
    return run_study(load_study(study_with(tmp_path_factory.mktemp("auto"), method="auto")))


def test_what_auto_chose_is_pinned_for_every_statistic_and_group(chosen: StudyRun) -> None:
    lock = tomllib.loads((chosen.folder / "study.lock.toml").read_text(encoding="utf-8"))
    assert lock["correct"]["method"] == "doubly_robust"
    assert lock["answers"]["survey"]["attempt"] == "wave"
    everything = [*chosen.content.corrections.values(), *chosen.content.domains["dealer"].values()]
    assert {correction.method for correction in everything} == {"doubly_robust"}
    again = run_study(load_study(chosen.folder / "study.lock.toml"), chosen.folder.parent / "again")
    assert np.array_equal(again.content.corrections["mean"].estimate, chosen.content.corrections["mean"].estimate)


def test_the_report_says_why_and_shows_the_other_analyses(chosen: StudyRun) -> None:
    english, chinese = ((chosen.folder / f"report.{language}.html").read_text(encoding="utf-8") for language in ("en", "zh"))
    assert "Chosen by the software" in english and "由软件选定" in chinese
    assert "The same question in other ways" in english and "同一问题的其他分析" in chinese
    for folder, name in (("en", "callbacks"), ("zh", "多次呼叫(追访)")):
        tables = [path for path in (chosen.folder / "tables").rglob("*analyses*.csv") if folder in path.as_posix()]
        assert any(name in path.read_text(encoding="utf-8-sig") for path in tables), tables
    result = vs.load(chosen.folder / "result.json")
    assert {"weighting", "double_sampling", "callbacks"} <= {a.name for a in result.by((), "mean").analyses}


def test_a_shadow_variable_is_read_from_the_registry(tmp_path: Path) -> None:
    with pytest.raises(vs.IdentificationError):  # it has nothing to do with the score
        run_study(load_study(study_with(tmp_path, method="shadow", shadow="visits")))


@pytest.mark.parametrize(
    ("keys", "remove", "code"),
    [
        ({"method": "shadow"}, "", "study_method_needs"),
        ({"method": "callbacks"}, 'attempt = "wave"\n', "study_method_needs"),
        ({"method": "doubly_robust"}, '[answers.follow_up]\nfile = "calls.csv"\nselected = "drawn"\n', "study_method_needs"),
        ({"method": "shadow", "shadow": "warranty"}, "", "study_shadow_auxiliary"),
    ],
)
def test_a_method_without_what_it_needs_is_named_before_any_data_are_read(
    tmp_path: Path, keys: dict[str, str], remove: str, code: str
) -> None:
    path = study_with(tmp_path, **keys)
    text = path.read_text(encoding="utf-8")
    assert remove in text
    path.write_text(text.replace(remove, ""), encoding="utf-8")
    study, problems = check_study(path)
    assert study is None and [problem.code for problem in problems] == [code]
    assert "{" not in texts.message(problems[0], "zh") != str(problems[0])


def test_trim_does_not_go_with_weights_of_the_method(tmp_path: Path) -> None:
    path = study_with(tmp_path, method="doubly_robust")
    path.write_text(path.read_text(encoding="utf-8").replace("[correct]\n", "[correct]\ntrim = 3.0\n"), encoding="utf-8")
    assert [problem.code for problem in check_study(path)[1]] == ["study_trim_with_method"]
