"""Keys of the study file reach the argument they name: kinds of files, forms of sources, populations, outcomes, designs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from study.small_study import STUDY, write_small_study

from vocstats import InputError
from vocstats.study import Study, StudyRun, load_study, run_study
from vocstats.study.reading import read_base

PLAIN = STUDY.replace('language = ["en", "zh"]', 'language = "en"') + "\n[report]\nexcel = false\n"
STATUS = 'churned = { column = "status", is = ["left"] }'


def changed(folder: Path, *replacements: tuple[str, str]) -> Study:
    text = PLAIN
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    path = folder / "study.toml"
    path.write_text(text, encoding="utf-8")
    return load_study(path)


def frames(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    write_small_study(folder, study=PLAIN)
    return pd.read_csv(folder / "registry.csv", dtype=str), pd.read_csv(folder / "survey.csv", dtype={"customer_id": str})


def mean_of(run: StudyRun) -> float:
    return float(run.content.corrections["mean"].estimate[0, 2])


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> float:
    """The survivor-corrected mean of the small study as it stands."""
    return mean_of(run_study(load_study(write_small_study(tmp_path_factory.mktemp("plain"), study=PLAIN))))


@pytest.mark.parametrize("kind", ["gb18030", "xlsx", "parquet", "sav"])
def test_every_kind_of_file_gives_the_same_score(tmp_path: Path, plain: float, kind: str) -> None:
    registry, survey = frames(tmp_path)
    if kind == "gb18030":
        registry["warranty"] = registry["warranty"].map({"yes": "有", "no": "无"})
        registry.to_csv(tmp_path / "registry.csv", index=False, encoding="gb18030")
        study = changed(tmp_path, ('file = "registry.csv"', 'file = "registry.csv"\nencoding = "gb18030"'))
    elif kind == "xlsx":
        with pd.ExcelWriter(tmp_path / "survey.xlsx") as book:
            pd.DataFrame({"note": ["first sheet"]}).to_excel(book, sheet_name="notes", index=False)
            survey.to_excel(book, sheet_name="Q3", index=False)
        study = changed(tmp_path, ('file = "survey.csv"', 'file = "survey.xlsx"\nsheet = "Q3"'))
    elif kind == "parquet":
        pytest.importorskip("pyarrow")
        registry.to_parquet(tmp_path / "registry.parquet")
        study = changed(tmp_path, ('file = "registry.csv"', 'file = "registry.parquet"'))
    else:
        pyreadstat = pytest.importorskip("pyreadstat")
        pyreadstat.write_sav(survey, str(tmp_path / "survey.sav"), variable_value_labels={"csi": {1: "terrible", 10: "perfect"}})
        study = changed(tmp_path, ('file = "survey.csv"', 'file = "survey.sav"'))
    run = run_study(study)
    assert mean_of(run) == pytest.approx(plain, abs=1e-12)
    assert {record.rows for record in run.content.files} == {600, 260, 60}


def test_churn_by_date_within_a_window(tmp_path: Path) -> None:
    registry, _ = frames(tmp_path)
    gone = registry.pop("status") == "left"
    registry["churn_date"] = np.where(gone, "2026-03-05", None)
    registry["bought"] = "2020-01-01"
    registry.loc[~gone & (registry.index >= 595), "bought"] = "2026-12-01"
    registry.to_csv(tmp_path / "registry.csv", index=False)
    window = 'population = { joined = "bought", left = "churn_date", from = "2025-10-01", to = "2026-09-30" }'
    base = read_base(changed(tmp_path, (STATUS, f'churned = {{ column = "churn_date", before = 2026-10-01 }}\n{window}')))
    assert base.n == 600 - int((registry["bought"] == "2026-12-01").sum())
    assert int(base.groups.set_index("group").loc["churned", "customers"]) == int(gone.sum())
    run = run_study(changed(tmp_path, (STATUS, f'churned = {{ column = "churn_date", before = "2026-10-01" }}\n{window}')))
    assert run.content.window == "2025-10-01 – 2026-09-30"


def test_a_flag_of_churn_and_a_part_of_the_registry(tmp_path: Path) -> None:
    registry, _ = frames(tmp_path)
    registry["gone"] = (registry.pop("status") == "left").astype(int)
    registry.to_csv(tmp_path / "registry.csv", index=False)
    study = changed(tmp_path, (STATUS, 'churned = "gone"\nwhere = { dealer = ["D1", "D2"] }'))
    base = read_base(study)
    assert base.n == registry["dealer"].isin(["D1", "D2"]).sum()
    assert set(base.set_aside["reason"]) == {"outside_where"}


def test_contact_outcomes_and_their_codes(tmp_path: Path) -> None:
    registry, survey = frames(tmp_path)
    active = registry.loc[registry["status"] == "active", "customer_id"]
    calls = pd.DataFrame({"number": active[:400]})
    calls["result"] = np.where(calls["number"].isin(survey["customer_id"]), "成功", "拒访")
    survey = survey[survey["customer_id"].isin(calls["number"])]
    survey.to_csv(tmp_path / "survey.csv", index=False)
    calls["tries"] = 2
    calls.to_csv(tmp_path / "calls.csv", index=False)
    contact = (
        '[answers.survey.contact]\nfile = "calls.csv"\nid = "number"\nattempts = "tries"\noutcome = "result"\n'
        'codes = { complete = ["成功"], refusal = "拒访" }\n\n[answers.exit_interview]'
    )
    run = run_study(changed(tmp_path, ("[answers.exit_interview]", contact)))
    assert run.content.response_rates["RR1"] == pytest.approx(len(survey) / 400)
    groups = run.content.groups.set_index("group")["customers"]
    assert int(groups["not_invited"]) == len(active) - 400
    assert run.content.fieldwork is not None
    assert int(run.content.fieldwork["invited"].sum()) == 400


def test_a_follow_up_drawn_with_known_probabilities(tmp_path: Path) -> None:
    registry, survey = frames(tmp_path)
    silent = registry.loc[(registry["status"] == "active") & ~registry["customer_id"].isin(survey["customer_id"]), "customer_id"]
    drawn = pd.DataFrame({"customer_id": silent[:60], "csi": 6, "chosen": 1, "chance": 60 / len(silent)})
    drawn.to_csv(tmp_path / "follow_up.csv", index=False)
    section = (
        '[answers.follow_up]\nfile = "follow_up.csv"\nselected = "chosen"\nselection_probability = "chance"\n\n[answers.exit_interview]'
    )
    run = run_study(changed(tmp_path, ("[answers.exit_interview]", section), ('method = "weighting"', 'method = "double_sampling"')))
    mean = run.content.corrections["mean"]
    assert mean.method == "double_sampling"
    assert mean.part_mean[0, 1] == pytest.approx(6)


def test_an_export_with_the_score_empty_for_the_silent(tmp_path: Path, plain: float) -> None:
    registry, survey = frames(tmp_path)
    registry[["customer_id"]].merge(survey, how="left").to_csv(tmp_path / "survey.csv", index=False)
    run = run_study(changed(tmp_path, ('file = "survey.csv"', 'file = "survey.csv"\nanswered = "csi"')))
    assert mean_of(run) == pytest.approx(plain, abs=1e-12)


def test_repeated_unmatched_and_precedence(tmp_path: Path) -> None:
    _, survey = frames(tmp_path)
    survey["day"] = "2026-09-01"
    later = survey.iloc[[0]].assign(csi=1, day="2026-09-02")
    stranger = survey.iloc[[1]].assign(customer_id="77777")
    pd.concat([survey, later, stranger]).to_csv(tmp_path / "survey.csv", index=False)
    settled = ('file = "survey.csv"', 'file = "survey.csv"\ndate = "day"\nrepeated = "last"\nunmatched = "set_aside"')
    run = run_study(changed(tmp_path, settled))
    naive = float(survey["csi"].iloc[1:].sum() + 1) / len(survey)
    assert run.content.corrections["mean"].estimate[0, 0] == pytest.approx(naive)
    assert set(run.content.set_aside["reason"]) == {"repeated", "unmatched"}


def test_one_customer_in_two_sources(tmp_path: Path) -> None:
    _, survey = frames(tmp_path)
    exits = pd.read_csv(tmp_path / "exits.csv", dtype={"number": str})
    both = pd.DataFrame({"customer_id": exits["number"][:3], "csi": 10})
    pd.concat([survey, both]).to_csv(tmp_path / "survey.csv", index=False)
    with pytest.raises(InputError) as caught:
        run_study(changed(tmp_path, ("seed = 3", "seed = 4")))
    assert caught.value.code == "two_sources"
    order = ("[answers.survey]", '[answers]\nprecedence = ["exit_interview", "survey"]\n\n[answers.survey]')
    run = run_study(changed(tmp_path, order))
    assert "lower_precedence" in set(run.content.set_aside["reason"])


def test_an_index_bands_and_a_published_figure(tmp_path: Path) -> None:
    registry, survey = frames(tmp_path)
    registry["months"] = np.arange(600) % 60
    registry.to_csv(tmp_path / "registry.csv", index=False)
    for name, key in (("survey.csv", "customer_id"), ("exits.csv", "number")):
        answers = pd.read_csv(tmp_path / name, dtype={key: str})
        answers.assign(service=answers["csi"], facility=10).drop(columns="csi").to_csv(tmp_path / name, index=False)
    index = "[outcome.index]\npoints = 1000\nitems = { service = 0.5, facility = 0.5 }"
    bands = '[auxiliaries.bands.age]\nfrom = "months"\nupper = [12, 24]\nlabels = ["a", "b", "c"]'
    run = run_study(
        changed(
            tmp_path,
            ('column = "csi"\n', ""),
            ('statistics = ["mean", "top_box"]\ntop = [9, 10]', f"published = {{ index = 900 }}\n{index}"),
            ('columns = ["warranty"]', f'columns = ["age"]\n{bands}'),
            ("kpi = 8", "kpi = 800"),
        )
    )
    result = run.content.corrections["index"]
    assert result.balance is not None and set(result.balance.level) == {"a", "b", "c"}
    expected = 1000 * ((survey["csi"].mean() / 2 + 5) - 1) / 9
    assert result.estimate[0, 0] == pytest.approx(expected)
    assert run.content.published == {"index": 900}


def test_a_sampled_registry(tmp_path: Path, plain: float) -> None:
    registry, _ = frames(tmp_path)
    registry["region"] = np.where(np.arange(600) % 2, "N", "S")
    registry["weight"] = 2.0
    registry.to_csv(tmp_path / "registry.csv", index=False)
    design = '[design]\nstratum = "region"\nbase_weight = "weight"\nlonely_psu = "fail"\n\n[sensitivity]'
    blank = ('small_groups = "borrow"', 'small_groups = "blank"')
    sampled = run_study(changed(tmp_path, ("[sensitivity]", design), blank)).content.corrections["mean"]
    assert sampled.estimate[0, 2] == pytest.approx(plain)
    assert sampled.customers[0, 2] == 1200
    clustered = design.replace('base_weight = "weight"', 'base_weight = "weight"\ncluster = ["cell"]')
    registry["cell"] = [f"c{number % 20}" for number in range(600)]
    registry.to_csv(tmp_path / "registry.csv", index=False)
    other = run_study(changed(tmp_path, ("[sensitivity]", clustered), blank), tmp_path / "clustered").content.corrections["mean"]
    assert other.estimate[0, 2] == pytest.approx(plain)
    assert other.std_error[0, 2] != sampled.std_error[0, 2]


@pytest.mark.parametrize("weighting", ["rake", "poststratify", "calibrate"])
def test_ways_of_weighting(tmp_path: Path, plain: float, weighting: str) -> None:
    frames(tmp_path)
    run = run_study(changed(tmp_path, ('method = "weighting"', f'method = "weighting"\nweighting = "{weighting}"\ntrim = 20')))
    assert mean_of(run) == pytest.approx(plain), "one auxiliary: the three agree"


def test_an_assumption_by_name_and_net_promoters(tmp_path: Path) -> None:
    registry, survey = frames(tmp_path)
    left = registry.loc[registry["status"] == "left", "customer_id"]
    pd.concat([survey, pd.DataFrame({"customer_id": left[:20], "csi": 4})]).to_csv(tmp_path / "survey.csv", index=False)
    without_exits = ('[answers.exit_interview]\nfile = "exits.csv"\nid = "number"\n', "")
    nps = ('statistics = ["mean", "top_box"]', 'statistics = ["mean", "nps"]\nbottom = [1, 2, 3, 4, 5, 6]')
    refused = run_study(changed(tmp_path, without_exits, nps)).content.corrections
    assert np.isnan(refused["mean"].estimate[0, 2])
    assumed = ('method = "weighting"', 'method = "weighting"\nassume = "churned_heard_like_unheard"')
    run = run_study(changed(tmp_path, without_exits, nps, assumed), tmp_path / "assumed").content.corrections
    assert run["mean"].part_mean[0, 3] == pytest.approx(4)
    assert run["nps"].part_mean[0, 3] == pytest.approx(-1)
