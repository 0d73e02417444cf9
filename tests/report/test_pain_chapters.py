"""The report of pain points: what its first screen says, what it leaves blank, and what it says in plain sight."""

from __future__ import annotations

import dataclasses
import re
from functools import cache
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_contents import telco
from workflows.pain_worlds import estimated, world

import vocstats as vs
from vocstats import report, texts
from vocstats.prevalence import Taxonomy
from vocstats.report.pain_chapters import pain_chapters
from vocstats.report.pain_disclosure import answers
from vocstats.report.pain_first_screen import checks, conflicting, pain_screen, sentence, warnings
from vocstats.report.pain_rows import everybody_rows, group_rows, information_rows, leader_rows, sensitivity_rows
from vocstats.report.pain_wording import PainWords
from vocstats.report.wording import Words

TITLE = {"en": "Pain points (simulated)", "zh": "客户痛点(模拟数据)"}
WINDOW = "12 months to 30 September 2026"


@cache
def content() -> report.PainPointContent:
    """The small world by segment, gathered once."""
    return report.pain_content(estimated(("segment",)), window=WINDOW)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("pains")
    written = report.write_pain_report(content(), folder, title=TITLE, created="2026-11-22")
    assert [path.name for path in written] == ["report.en.html", "report.zh.html"]
    return {path.name.split(".")[1]: path.read_text(encoding="utf-8") for path in written}


def said(language: str = "en", taxonomy: Taxonomy | None = None) -> PainWords:
    return PainWords(Words(language), taxonomy or Taxonomy.default())


def text_of(markup: str) -> str:
    """Visible text, blanks collapsed."""
    shown = re.sub(r"<(style|script)[^>]*>.*?</\1>", " ", markup, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", shown)).replace("\u00a0", " "))


def table(page: str, name: str) -> list[list[str]]:
    """Cells of a table's body."""
    body = re.search(rf'<table id="table-{name}">.*?<tbody>(.*?)</tbody>', page, re.S)
    assert body is not None, name
    lines = re.findall(r"<tr>(.*?)</tr>", body[1], re.S)
    return [[text_of(cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", line, re.S)] for line in lines]


def with_diagnostics(**changes: float) -> report.PainPointContent:
    """The content of a fit that went otherwise."""
    c = content()
    shown = dataclasses.replace(c.result, engine="nuts", diagnostics=changes)
    return dataclasses.replace(c, everybody=dataclasses.replace(c.everybody, shown=shown))


@pytest.mark.parametrize(("language", "line", "window"), [
    ("en", "Ranked by how many customers have it, not by how much it costs.", "Time window of all sources"),
    ("zh", "按受影响客户占比排序,不代表影响程度或损失大小。", "各来源的时间窗口"),
])
def test_the_first_screen_says_what_it_ranks_by_and_of_when(pages: dict[str, str], language: str, line: str, window: str) -> None:
    shown = text_of(pages[language])
    assert line in shown and f"{window}" in shown and WINDOW in shown
    first = shown[: shown.index("1 Every pain point" if language == "en" else "1 全部痛点")]
    assert line in first
    for part in ("What the survey hides", "top three") if language == "en" else ("问卷遗漏最多的痛点", "进入前三", "沉默差"):
        assert part in first


def test_no_placeholder_nan_or_key_is_left(pages: dict[str, str]) -> None:
    for language, page in pages.items():
        shown = text_of(page).lower()
        assert not re.search(r"\bnan\b|[{}]", shown)
        assert not [key for key in estimated(("segment",)).pain_points if f" {key} " in shown]
        assert bool(re.search(r"information overload", shown)) == (language == "en")
    assert "信息过载" in text_of(pages["zh"])


def test_the_sentence_holds_the_survey_against_everybody() -> None:
    p = estimated()
    order = np.argsort(-p.estimate[:, 0])
    leader, survey = p.pain_points[order[0]], p.pain_points[np.argmax(p.apparent[:, 0])]
    told = sentence(content(), said())
    assert said().label(leader) in told and said().label(survey) in told
    assert said().share(float(p.estimate[order[0], 0])) in told
    assert ("remains it" in told) == (leader == survey)
    assert "the silent and those who left" in told and "沉默与流失客户" in sentence(content(), said("zh"))


def test_the_sentence_of_two_different_pains() -> None:
    c = content()
    apparent = c.result.apparent.copy()
    last = int(np.argmin(c.result.estimate[:, 0]))
    apparent[last, 0] = 0.99
    other = dataclasses.replace(c, everybody=dataclasses.replace(c.everybody, shown=dataclasses.replace(c.result, apparent=apparent)))
    label = said("zh").label(c.result.pain_points[last])
    assert sentence(other, said("zh")).startswith(f"问卷排名第一的是“{label}”(99.0%);计入沉默与流失客户后,第一位是")


def test_the_first_screen_of_one_group() -> None:
    c = report.pain_content(estimated(("segment",)), group={"segment": "S02"}, conflict=False)
    assert sentence(c, said()).startswith("For segment S02: ")
    with pytest.raises(vs.InputError, match="S99"):
        report.pain_content(estimated(("segment",)), group={"segment": "S99"}, conflict=False)
    with pytest.raises(vs.InputError, match="model"):
        report.pain_content(estimated(("segment",)), group={"model": "M3"}, conflict=False)


def test_every_pain_stands_in_the_table_with_its_interval(pages: dict[str, str]) -> None:
    rows, p = table(pages["en"], "pain-list"), estimated()
    ranking = p.ranking().set_index("pain_point")
    assert [row[0] for row in rows] == [said().label(p.pain_points[k]) for k in np.argsort(-p.estimate[:, 0])]
    k = int(np.argmax(p.estimate[:, 0]))
    first = rows[0]
    assert first[1] == f"{100 * p.estimate[k, 0]:.1f} %" and first[3] == f"{100 * p.apparent[k, 0]:.1f} %"
    assert first[2].replace("\u2060", "") == f"{100 * p.conf_low[k, 0]:.1f}–{100 * p.conf_high[k, 0]:.1f} %"
    assert first[6] == said().chance(float(ranking.loc[p.pain_points[k], "top_three"]))


def test_chances_ranks_and_gaps_are_those_of_the_result() -> None:
    p, c = estimated(("segment",)), content()
    assert c.groups is not None
    ranking = p.ranking().set_index(["segment", "pain_point"])
    for row in group_rows(c, said()):
        of = ranking.loc[(row["pain_group"], row["pain_key"])]
        assert row["top_three"] == pytest.approx(of["top_three"]) and row["rank_high"] == of["rank_high"]
    drawn = p.draws()
    np.testing.assert_allclose(c.groups.first.sum(axis=0), 1.0)
    leads = (drawn.argmax(axis=1)[:, None, :] == np.arange(p.pain_points.size)[None, :, None]).mean(axis=0)
    np.testing.assert_allclose(c.groups.first, leads)
    gaps = estimated().silent_gap().set_index("pain_point")
    for row in everybody_rows(c, said()):
        assert row["silent_gap"] == pytest.approx(gaps.loc[row["pain_key"], "silent_gap"])
        assert row["gap_conf_low"] == pytest.approx(gaps.loc[row["pain_key"], "conf_low"])


def test_answers_are_those_of_the_observations() -> None:
    p, rows = estimated(("segment",)), world().observations
    assert p.fit is not None
    found = answers(p.fit, p.fit.groups("segment"))
    for k, pain in enumerate(p.pain_points):
        for g, segment in enumerate(p.by["segment"]):
            inside = rows[(rows["pain_point"] == pain) & (rows["segment"] == segment)]
            assert found.everybody[k, g] == inside["n"].sum()
            assert found.engaged[k, g] == inside.loc[inside["response_group"] == "engaged", "n"].sum()
    assert set(found.by_source) == set(rows["source"])


def test_small_groups_are_blank_and_have_no_rank(tmp_path: Path) -> None:
    p = estimated(("segment",))
    assert p.fit is not None
    n = answers(p.fit, p.fit.groups("segment")).everybody.max(axis=0)
    minimum = int(np.sort(n)[0]) + 1
    c = report.pain_content(p, minimum_group=minimum, conflict=False)
    assert c.groups is not None
    smallest = int(np.argmin(n))
    assert np.isnan(c.groups.shown.estimate[:, smallest]).all()
    assert np.isnan(c.groups.shown.estimate).all(axis=0).sum() == 2, "one alone could be worked out from the total"
    rows = leader_rows(c, c.groups, said())
    assert [row["unranked"] for row in rows].count("few") == 2 and rows[smallest]["leaders"] == []
    path = report.write_pain_report(c, tmp_path, title=TITLE, languages=("zh",))[0]
    page = path.read_text(encoding="utf-8")
    assert "数据不足,不作排名" in text_of(page) and not re.search(r"\bnan\b", text_of(page).lower())
    assert [row[2] for row in table(page, "pain-leaders")].count("数据不足") == 2
    stated = pd.read_csv(report.write_pain_tables(c, tmp_path, ("zh",), excel=False)[0])
    assert stated["真实占比" if "真实占比" in stated else texts.render("term.estimate", "zh")].isna().sum() == 2 * p.pain_points.size


def test_a_group_that_borrows_most_is_not_ranked() -> None:
    p = estimated(("segment",))
    share, selection = p.prior_share.copy(), p.from_selection.copy()
    share[:, 1:], selection[:, 2] = 0.9, 0.8
    c = report.pain_content(dataclasses.replace(p, prior_share=share, from_selection=selection), group={"segment": "S03"}, conflict=False)
    assert c.groups is not None and c.groups.unranked == ("", "borrowed", ""), "what is assumed of the unheard is no reason"
    assert np.isnan(c.groups.top_three[:, 1]).all() and np.isfinite(c.groups.shown.estimate[:, 1]).all()
    told = pain_screen(c, said())["cautions"]
    assert told == [said()("mostly_assumed"), said()("unranked_groups", groups="S02")]


@pytest.mark.parametrize(("diagnostics", "english", "chinese"), [
    ({"divergences": 12.0, "r_hat": 1.0}, "12 steps of the sampler diverged", "有 12 步发散"),
    ({"divergences": 0.0, "r_hat": 1.034}, "largest r-hat is 1.034, above 1.01", "最大 r-hat 为 1.034,高于 1.01"),
    ({"pareto_k": 0.91}, "Pareto k-hat is 0.91, above 0.7", "Pareto k-hat 为 0.91,高于 0.7"),
    ({"drop_off_drift": 0.14}, "moved by 0.14 standard deviations, more than 0.1", "仍移动 0.14 个标准差,超过 0.1"),
    ({"effective_draws": 80.0}, "Only 80 effective draws", "有效抽样数仅 80"),
])
def test_a_computation_that_went_wrong_says_so_in_plain_sight(
    diagnostics: dict[str, float], english: str, chinese: str, tmp_path: Path
) -> None:
    c = with_diagnostics(**diagnostics)
    assert checks(c, said())[0].state == "attention"
    written = report.write_pain_report(c, tmp_path, title=TITLE)
    for path, wanted in zip(written, (english, chinese), strict=True):
        page = path.read_text(encoding="utf-8")
        assert wanted in text_of(page[: page.index('class="checks"')]), "before everything else"
        assert wanted in text_of(page[page.index('id="pain-trust"') :])


def test_a_sound_computation_raises_no_alarm(pages: dict[str, str]) -> None:
    assert warnings(with_diagnostics(divergences=0.0, r_hat=1.004, effective_draws=900.0), said()) == []
    assert 'role="alert"' not in pages["en"] or warnings(content(), said())


def test_a_response_tied_to_pains_is_told() -> None:
    c = content()
    tied = vs.results.Assumption(code="pain_response_tied", testable="yes")
    shown = dataclasses.replace(c.result, assumptions=(tied,), diagnostics={"response_tie_p": 0.0004})
    other = dataclasses.replace(c, everybody=dataclasses.replace(c.everybody, shown=shown))
    states = {check.text: check.state for check in checks(other, said())}
    assert states[said()("check_tied")] == "attention"


def test_sources_that_disagree_are_named() -> None:
    c = content()
    assert c.conflict is not None
    table = c.conflict.assign(p_value=1.0)
    assert conflicting(dataclasses.replace(c, conflict=table)) == []
    table.loc[table["source"] == "follow_up", "p_value"] = 1e-9
    against = dataclasses.replace(c, conflict=table)
    assert conflicting(against) == ["follow_up"]
    assert any("沉默客户补访" in check.text and check.state == "attention" for check in checks(against, said("zh")))


def test_sensitivity_and_information_are_those_of_the_result() -> None:
    p, c = estimated(), content()
    given = p.sensitivity().set_index(["pain_point", "phi"])
    for row in sensitivity_rows(c, said()):
        assert row["phi_0"] == pytest.approx(given.loc[(row["pain_key"], 0.0), "estimate"])
        assert row["lowest"] <= row["phi_1"] <= row["highest"]
    widths = p.value_of_information().set_index("pain_point")
    for row in information_rows(c, said()):
        assert row["width_follow_ups"] == pytest.approx(widths.loc[row["pain_key"], "width_follow_ups"])


def test_labels_of_a_taxonomy_of_ones_own() -> None:
    keys = estimated().pain_points.tolist()[:-1]
    own = Taxonomy(keys=tuple(keys), labels={"zh": {key: f"痛点{k}" for k, key in enumerate(keys)}}, definitions={})
    c = dataclasses.replace(content(), taxonomy=own)
    rows = {row["pain_key"]: row["pain_point"] for row in everybody_rows(c, said("en", own))}
    assert rows[keys[0]] == "痛点0", "without English labels the Chinese ones stand in"
    unknown = estimated().pain_points.tolist()[-1]
    assert rows[unknown] == unknown
    assert not [name for chapter in pain_chapters(c, Words("en")) for name, _ in chapter.blocks if name == "definitions"]


def test_names_of_customers_cannot_break_the_page(tmp_path: Path) -> None:
    p = estimated(("segment",))
    labels = p.by["segment"].astype(object)
    labels[0] = "<script>alert(1)</script>"
    c = content()
    assert c.groups is not None
    shown = dataclasses.replace(c.groups.shown, by={"segment": labels})
    evil = dataclasses.replace(c, groups=dataclasses.replace(c.groups, shown=shown), window="<b>now</b>")
    page = report.write_pain_report(evil, tmp_path, title=TITLE, languages=("en",))[0].read_text(encoding="utf-8")
    assert "<script>alert" not in page and "<b>now" not in page and "&lt;b&gt;now" in page


def test_everybody_alone_has_no_chapter_of_groups(tmp_path: Path) -> None:
    c = report.pain_content(estimated(), conflict=False)
    assert c.groups is None and c.conflict is None
    page = report.write_pain_report(c, tmp_path, title=TITLE, languages=("en",))[0].read_text(encoding="utf-8")
    assert 'id="pain-groups"' not in page and "Sources were not held against each other" in text_of(page)


def test_without_survey_silent_or_coders(tmp_path: Path) -> None:
    seen = pd.DataFrame(
        {"pain_point": ["noise", "smell"], "response_group": "churned", "source": "exit_interview", "positive": [9, 4], "n": 60}
    )
    frame = pd.DataFrame({"response_group": ["engaged", "churned"], "customers": [900, 300]})
    p = vs.estimate_pain_points(seen, frame=frame, perfect_sources=["exit_interview"], seed=1)
    c = report.pain_content(p)
    assert c.information is None and c.conflict is None
    assert "No survey asked about it here" in sentence(c, said()) or "Too little data" in sentence(c, said())
    page = report.write_pain_report(c, tmp_path, title=TITLE, languages=("en",))[0].read_text(encoding="utf-8")
    assert "neither follow-ups nor audits" in text_of(page) and not re.search(r"\bnan\b", text_of(page).lower())


def test_beside_a_correction_the_first_screen_is_a_chapter() -> None:
    both = dataclasses.replace(telco(), pain_points=content())
    page = report.render(both, language="zh")
    names = re.findall(r'<section class="chapter" id="([\w-]+)"', page)
    assert names.index("pains") + 1 == names.index("pain-list") and names[-1] == "glossary"
    assert sentence(content(), said("zh")) in unescape(page)
    sheets = report.tables(both, "zh")
    assert {"pain_points", "pain_sensitivity", "pain_next"} <= set(sheets)
    assert "沉默差" in sheets["pain_points"].columns
    assert all(sheet.columns.is_unique for language in ("en", "zh") for sheet in report.tables(both, language).values())


def test_a_result_read_back_has_no_report(tmp_path: Path) -> None:
    back = vs.load(estimated(("segment",)).to_json())
    with pytest.raises(vs.InputError, match="read back from JSON"):
        report.write_pain_report(back, tmp_path, title=TITLE)
    with pytest.raises(vs.InputError, match="language"):
        report.write_pain_report(content(), tmp_path, title=TITLE, languages=("fr",))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_what_may_leave_the_room_holds_no_small_group() -> None:
    p = estimated(("segment",))
    shown = report.publishable_pain_points(p, 10**9)
    assert shown.fit is None and np.isnan(shown.estimate).all() and np.isnan(shown.apparent).all()
    np.testing.assert_array_equal(report.publishable_pain_points(p, 1).estimate, p.estimate)
