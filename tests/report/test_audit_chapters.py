"""The chapters and tables of an audit: what they say, what they leave blank, and what never occurs."""

from __future__ import annotations

import dataclasses
import re
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from report_contents import telco
from workflows.dealer_networks import audit
from workflows.pain_worlds import estimated

import vocstats as vs
from vocstats import report
from vocstats.plots.audit_frames import fingerprint_frame, funnel_frame, limits_frame
from vocstats.report.audit_chapters import dealer_list, reading
from vocstats.report.audit_chapters import listed as sentence
from vocstats.report.audit_disclosure import KEPT_INSIDE, checked_disclosure, signal_names, withheld
from vocstats.report.audit_rows import dealer_rows, signal_rows
from vocstats.report.charts import round_ticks
from vocstats.report.wording import Words
from vocstats.workflows.audit_reasons import Reason
from vocstats.workflows.audit_result import STATUSES

NEVER = re.compile(r"造假|作弊|违规|虚报|黑名单|fraud|cheat|fake|forg(?:e|ery)\b|guilt", re.IGNORECASE)
TITLE = {"en": "Audit (simulated)", "zh": "经销商核查(模拟数据)"}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("audit")
    written = report.write_audit_report(audit(), folder, title=TITLE, languages=("en", "zh"), created="2026-11-22")
    assert [path.name for path in written] == ["report.en.html", "report.zh.html"]
    return {path.name.split(".")[1]: path.read_text(encoding="utf-8") for path in written}


def text_of(markup: str) -> str:
    """Visible text, blanks collapsed."""
    shown = re.sub(r"<(style|script)[^>]*>.*?</\1>", " ", markup, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", shown)).replace("\u00a0", " "))


def table(page: str, name: str) -> list[list[str]]:
    """Cells of a table's body."""
    body = re.search(rf'<table id="table-{name}">.*?<tbody>(.*?)</tbody>', page, re.S)
    assert body is not None
    lines = re.findall(r"<tr>(.*?)</tr>", body[1], re.S)
    return [[text_of(cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", line, re.S)] for line in lines]


@pytest.mark.parametrize(("language", "names"), [
    ("en", ("to be verified", "watch", "no sign found", "cannot tell")), ("zh", ("待核查", "关注", "未见异常迹象", "数据不足,无法判断")),
])
def test_the_first_screen_counts_dealers_by_status_in_order(pages: dict[str, str], language: str, names: tuple[str, ...]) -> None:
    tiles = re.search(r'<ul class="tiles">(.*?)</ul>', pages[language], re.S)
    assert tiles is not None
    shown = re.findall(r"<li[^>]*><b>([\d,]+)</b>([^<]+)</li>", tiles[1])
    assert shown == [(str(audit().status.count(status)), name) for status, name in zip(STATUSES, names, strict=True)]


@pytest.mark.parametrize(("listed", "said", "chinese"), [
    (23, "23 dealers are to be verified. At a false discovery rate of 10 %, about 2 of the 23 are expected to have done nothing.",
     "本期 23 家经销商待核查。按 10% 的错误发现率,预计其中约 2 家并无问题。"),
    (3, "To be verified this period: 3. At a false discovery rate of 10 %, about one in 10 dealers on such lists is expected",
     "平均每 10 家约有 1 家并无问题"),
    (0, "No dealer is to be verified. That does not show that every score is as the customers gave it", "本期没有待核查的经销商"),
])
def test_the_sentence_says_how_many_of_the_list_did_nothing(listed: int, said: str, chinese: str) -> None:
    flagged = np.arange(audit().dealers.size) < listed
    a = dataclasses.replace(audit(), evidence=dataclasses.replace(audit().evidence, flagged=flagged))
    assert said in sentence(a, Words("en")).replace("\u00a0", " ")
    assert chinese in sentence(a, Words("zh"))


def test_words_that_never_occur(pages: dict[str, str]) -> None:
    for page in pages.values():
        assert not NEVER.search(text_of(page))
        assert "nan" not in text_of(page).lower().replace("finance", "")
        assert not re.search(r"[{}]", text_of(page))


def test_no_customer_form_or_device_is_named(tmp_path: Path) -> None:
    a = audit()
    assert a.responses is not None and a.roster is not None
    secret = {name: np.full(a.responses.score.size, "SECRET", object) for name in ("id", "visit", "device", "address")}
    marked = dataclasses.replace(
        a, responses=dataclasses.replace(a.responses, **secret),
        roster=dataclasses.replace(a.roster, visit=np.full(a.roster.dealer.size, "SECRET", object)),
    )
    report.write_audit_report(marked, tmp_path, title=TITLE, languages=("en", "zh"))
    report.write_audit_tables(marked, tmp_path, ("en", "zh"), excel=False)
    report.write_dealer_pages(marked, tmp_path)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 10 and not any("SECRET" in path.read_text(encoding="utf-8") for path in written)


def test_limits_are_those_of_the_honest_network() -> None:
    of = next(each for each in audit().signals if each.name == "level_excess")
    limits = limits_frame(audit(), np.array([50.0, 200.0]))
    centre, spread = float(of.null["centre"][0]), float(of.null["spread"][0])
    deviation = of.effect / of.statistic
    one = np.median((deviation**2 - spread**2) * of.n)
    for k, n in enumerate((50.0, 200.0)):
        half = np.sqrt(one / n + spread**2)
        assert limits["inner_high"][k] == pytest.approx(centre + 1.645 * half)
        assert limits["outer_low"][k] == pytest.approx(centre - 2.326 * half)
    inside = np.abs(of.details["adjusted_level"] - centre) <= 1.645 * deviation
    assert 0.8 <= inside.mean() <= 0.99, "nine in ten honest dealers, and one in five is not honest"


def test_every_dealer_is_drawn_once_with_its_name_on_pointing(pages: dict[str, str]) -> None:
    charts = re.findall(r'<svg class="chart full".*?</svg>', pages["en"], re.S)
    key, funnel, fingerprint = charts
    dealers = funnel_frame(audit())
    assert len(re.findall(r"<title>", funnel)) == len(dealers)
    assert len(re.findall(r"<title>", fingerprint)) == len(fingerprint_frame(audit()))
    for row in dealers.to_dict("records"):
        assert f"<title>{row['dealer']}: {row['level']:.2f}, {row['n']:,.0f} forms, " in funnel
    listed = int(audit().flagged.sum())
    assert funnel.count('class="listed"') == fingerprint.count('class="listed"') == listed
    assert key.count('class="listed"') == key.count('class="watched"') == 1
    for name in audit().dealers[audit().flagged]:
        assert f">{name}</text>" in funnel


def test_coverage_and_top_marks_of_a_dealer() -> None:
    a, frame = audit(), fingerprint_frame(audit())
    assert a.responses is not None and a.roster is not None and a.roster.heard is not None
    name = frame["dealer"][7]
    assert frame["heard"][7] == pytest.approx(a.roster.heard[a.roster.dealer == name].mean())
    assert frame["top"][7] == pytest.approx((a.responses.score[a.responses.dealer == name] >= 9).mean())
    assert frame["visits"][7] == (a.roster.dealer == name).sum()


def test_the_list_holds_every_dealer_the_strongest_first(pages: dict[str, str]) -> None:
    a, rows = audit(), table(pages["en"], "audit-list")
    frame = a.to_frame()
    assert [row[0] for row in rows] == frame["dealer"].tolist()
    first = rows[0]
    assert first[1] == "to be verified" and first[2] == f"{frame['n'][0]:,.0f}" and first[3] == f"{frame['score'][0]:.2f}"
    assert first[5] == f"{frame['corrected_score'][0]:.2f}" and first[7] == f"{frame['inflation'][0]:.2f}"
    assert first[6].replace("\u2060", "") == f"{frame['conf_low'][0]:.2f}–{frame['conf_high'][0]:.2f}"
    assert first[9] == a.reasons(first[0])[0].text() and first[11]
    last = [row for row in rows if row[1] in ("no sign found", "cannot tell")]
    assert last and all(row[9] == row[11] == "" for row in last)


def test_every_listed_dealer_has_its_evidence(pages: dict[str, str]) -> None:
    a = audit()
    chapter = re.search(r'id="audit-dealers">(.*?)</section>', pages["en"], re.S)
    assert chapter is not None
    text = text_of(chapter[1])
    assert re.findall(r"<h3>([^<]+)</h3>", chapter[1]) == [name for name in a.to_frame()["dealer"] if a.dealer(name).flagged]
    for name in a.dealers[a.flagged].tolist():
        record = a.dealer(name)
        for reason in record.reasons:
            assert reason.text() in text or "fewer than 5 customers" in text
        place = int(np.flatnonzero(a.dealers == name)[0])
        assert len(table(pages["en"], f"audit-dealer-{place}")) == len(a.signals)
        plan = f"Call {record.figures['calls']:.0f} of the {record.figures['n_own']:,.0f} customers"
        assert plan in text or not record.figures["calls"]


def test_what_it_rests_on_and_what_was_left_out_is_said(pages: dict[str, str]) -> None:
    a = audit()
    for language, page in pages.items():
        text = text_of(page)
        assert all(assumption.text(language) in text for assumption in a.assumptions)
    assert len(table(pages["en"], "audit-signals")) == len(a.signals) + len(a.left_out)
    fewer = dataclasses.replace(a, signals=a.signals[:-1], left_out={a.signals[-1].name: "no_roster"})
    kinds = [value for kind, value in reading(fewer, Words("zh"), ("bursts",)).blocks if kind == "grid"]
    cells = [cell.text for cell in kinds[-1].rows[-1]]
    assert cells[-1] == "没有进站客户名册。" and cells[1] == ""


def test_small_groups_are_blank() -> None:
    a, words = audit(), Words("en")
    few = {str(name) for name, n in zip(a.dealers, a.scores.n, strict=True) if n < 80}
    assert few
    for row in dealer_rows(a, words, 80):
        blank = row["dealer"] in few
        assert np.isnan(row["published_score"]) == np.isnan(row["forms"]) == blank
        assert (row["reason"] == "Fewer than 80 answers.") == blank
        assert not (blank and row["strongest_reason"])
    assert set(funnel_frame(a, minimum_group=80)["dealer"]).isdisjoint(
        {name for name, n in zip(a.dealers, a.n_own, strict=True) if n < 80}
    )
    rows = [row for name in a.dealers for row in signal_rows(a, name, words, 80)]
    assert all(np.isnan(row["p_value"]) and np.isnan(row["effect"]) and not row["said"] for row in rows if np.isnan(row["n"]))
    assert any(np.isnan(row["n"]) for row in rows)


def test_counts_of_few_people_are_withheld() -> None:
    def reason(signal: str, **values: Any) -> Reason:
        return Reason(signal=signal, code=signal, p_value=0.01, effect=0.1, values=values)

    assert withheld(reason("outcome_discordance", n=40.0, observed=3.0), 5)
    assert not withheld(reason("outcome_discordance", n=40.0, observed=0.0), 5)
    assert withheld(reason("channel_gap", n_dealer=90.0, n_independent=4.0), 5)
    assert withheld(reason("dispersion", n=4.0), 5) and not withheld(reason("dispersion", n=5.0), 5)
    assert withheld(reason("bursts", n=40.0, burst_forms=4.0), 5)


def test_sheets_hold_figures_as_numbers() -> None:
    a = audit()
    english, chinese = (report.audit_sheets(a, language) for language in ("en", "zh"))
    assert [sheet.name for sheet in english] == ["audit_list", "audit_evidence"]
    assert [sheet.title for sheet in chinese] == ["核查名单", "核查证据"]
    frame = english[0].frame
    assert frame["corrected_score"].tolist() == pytest.approx(a.to_frame()["corrected_score"].tolist())
    assert chinese[0].headings["detectable"] == "最小可检出虚高" and chinese[0].headings["status"] == "核查状态"
    assert len(english[1].frame) == len(a.signals) * a.dealers.size
    for sheets in (english, chinese):
        for sheet in sheets:
            assert not NEVER.search(sheet.frame.to_csv())
            assert not {"_" in heading for heading in sheet.headings.values()} & {True}


def test_tables_are_written(tmp_path: Path) -> None:
    written = report.write_audit_tables(audit(), tmp_path, ("zh", "en"))
    assert {path.name for path in written} == {
        "tables.xlsx", "audit_list.zh.csv", "audit_list.en.csv", "audit_evidence.zh.csv", "audit_evidence.en.csv",
    }
    book = pd.read_excel(tmp_path / "tables.xlsx", sheet_name=None)
    assert list(book) == ["核查名单", "核查证据"] and len(book["核查名单"]) == audit().dealers.size


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_correction_and_an_audit_share_one_report(language: str) -> None:
    page = report.render(dataclasses.replace(telco(), audit=audit()), language=language)
    assert page.index('id="overview"') < page.index('id="audit"') < page.index('id="audit-reading"') < page.index('id="glossary"')
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert list(report.tables(dataclasses.replace(telco(), audit=audit()), language))[-4:-2] == ["audit_list", "audit_evidence"]
    assert 'id="audit"' not in report.render(telco(), language=language)


def test_an_audit_read_back_renders_without_coverage(tmp_path: Path) -> None:
    back = vs.load(audit().to_json())
    report.write_audit_report(back, tmp_path, title=TITLE, languages=("en",))
    page = (tmp_path / "report.en.html").read_text(encoding="utf-8")
    assert "Which share of the visits was heard is not known" in page
    assert table(page, "audit-list")[0][:9] == table_of_the_audit()[0][:9]
    assert "hreflang" not in page


def table_of_the_audit() -> list[list[str]]:
    grid = next(value for kind, value in dealer_list(audit(), Words("en"), 5).blocks if kind == "grid")
    return [[cell.text for cell in row] for row in grid.rows]


def test_odd_names_of_dealers_and_a_small_network_stay_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(80_010)
    names = ["<b>&店/1</b>", "北京=1+1", *(f"D{k}" for k in range(6))]
    table = pd.DataFrame({"dealer": np.repeat(names, 12), "score": rng.integers(6, 11, 96)})
    small = vs.audit_dealers(table, channel=None)
    report.write_audit_report(small, tmp_path, title={"zh": "核查"}, languages=("zh",))
    page = (tmp_path / "report.zh.html").read_text(encoding="utf-8")
    assert "<b>&店" not in page and "&lt;b&gt;&amp;店/1&lt;/b&gt;" in page
    assert "经销商太少,无法得知正常经销商之间的差异,故不画控制限。" in page
    assert "本期没有待核查的经销商" in page and "无法检出" in page


@pytest.mark.parametrize("wanted", [*KEPT_INSIDE, "coverage"])
def test_what_stays_inside_cannot_be_disclosed(wanted: str, tmp_path: Path) -> None:
    with pytest.raises(vs.InputError, match="disclose names"):
        report.write_audit_report(audit(), tmp_path, title=TITLE, languages=("en",), disclose=["bursts", wanted])
    assert checked_disclosure("bursts") == ("bursts",)


def test_every_signal_has_a_name() -> None:
    assert {each.name for each in audit().signals} | set(audit().left_out) <= set(signal_names())


@pytest.mark.parametrize(
    ("low", "high", "ticks"), [(7.4, 10.0, [7.5, 8.0, 8.5, 9.0, 9.5, 10.0]), (0.0, 1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])]
)
def test_round_values_on_axes(low: float, high: float, ticks: list[float]) -> None:
    assert round_ticks(low, high) == pytest.approx(ticks)


def test_pain_points_follow_the_audit(tmp_path: Path) -> None:
    pains = report.pain_content(estimated(), conflict=False)
    written = report.write_audit_report(audit(), tmp_path, title=TITLE, languages=("en",), pain_points=pains)
    names = re.findall(r'<section class="chapter" id="([\w-]+)"', written[0].read_text(encoding="utf-8"))
    assert names[0] == "audit" and names.index("audit-reading") + 1 == names.index("pains") and names[-1] == "audit-data"
    tables = report.write_audit_tables(audit(), tmp_path, ("en",), excel=False, pain_points=pains)
    assert {"audit_list.csv", "pain_points.csv", "pain_next.csv"} <= {path.name for path in tables}
