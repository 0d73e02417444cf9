"""The page as a whole: languages, escaping, no network, what stands where."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pytest
from report_contents import contract, dealers, network, row, telco, telco_mean, telco_share

import vocstats
from vocstats import report

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&"
VOID = {"meta", "input", "br", "img", "link"}


class Reader(HTMLParser):
    """Collects tags with their attributes and the visible text; fails where tags do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.text.append(data)


def read(page: str) -> Reader:
    """A page, parsed; every element is closed."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def text_of(page: str) -> str:
    """The visible text, blanks collapsed."""
    return re.sub(r"\s+", " ", " ".join(read(page).text).replace("\u00a0", " "))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("content", [telco(), network()], ids=["telco", "network"])
def test_page_is_whole_and_keeps_to_itself(content: report.ReportContent, language: str):
    page = report.render(content, language=language)
    reader = read(page)
    for _, attributes in reader.tags:
        for name in ("src", "href", "action", "data", "srcset"):
            assert not re.match(r"(?i)\s*(https?:|//|data:)", attributes.get(name) or "")
        assert not any(name.startswith("on") for name in attributes)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert not re.search(r"[{}]", text_of(page))
    assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in page
    other = "en" if language == "zh" else "zh"
    assert ("a", f"report.{other}.html") in [(tag, attributes.get("href")) for tag, attributes in reader.tags]
    assert len({attributes["id"] for _, attributes in reader.tags if "id" in attributes}) == sum(
        "id" in attributes for _, attributes in reader.tags
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_hostile_names_stay_text(language: str):
    names = [HOSTILE, *(f"D{number}" for number in range(11))]
    content = network(
        names, title={"en": f"Q3 (simulated) {HOSTILE}", "zh": HOSTILE}, producer=HOSTILE, why=HOSTILE, period=HOSTILE, study_text=HOSTILE
    )
    page = report.render(content, language=language)
    reader = read(page)
    assert "img" not in {tag for tag, _ in reader.tags}
    assert HOSTILE in "".join(reader.text)
    assert page.count("</script>") == 2
    embedded = re.search(r'<script type="application/json" id="figures">(.*?)</script>', page, re.S)
    assert embedded is not None
    assert "<" not in embedded[1]
    assert "\\u003c" in embedded[1]
    assert HOSTILE in json.loads(embedded[1])["title"]


def test_script_runs_only_by_its_hash():
    page = report.render(telco())
    policy = next(attributes["content"] for tag, attributes in read(page).tags if tag == "meta" and attributes.get("http-equiv"))
    assert policy is not None
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]+=*'", policy)


def test_first_screen_says_what_the_telecom_study_found():
    text = text_of(report.render(telco()))
    assert "Those who answered score 3.96." in text
    assert (
        "The whole base, those who left included, scores 3.37 (95 % sampling error 3.33–3.42); "
        "if the silent are up to 0.5 points less happy than look-alikes who answered, 3.05–3.42." in text
    )
    for said in (
        "no published figure given",
        "3,948 silent never asked again",
        "conclusion depends on an assumption",
        "Of 5,174 active customers, 23.7 % answered",
        "Each 0.1 point the active customers not heard score lower takes 0.056 off. At 0.22 lower the score falls to the target 3.25.",
        "The 176 interviewed stand for all 1,869 who left.",
        "Weighting moved the score by −0.004. The characteristics used hardly explain the answers;",
        "The interval covers sampling error only. The range shows what happens if the assumption named beside it fails.",
        "the range shrinks from 0.37 to about 0.19",
        "not two attempts at one",
    ):
        assert said in text


def test_first_screen_in_chinese():
    text = text_of(report.render(telco(), language="zh")).replace(" ", "")
    for said in (
        "应答客户得分3.96。",
        "含流失客户的全部客户得分3.37(95%置信区间3.33–3.42,仅抽样误差);若沉默客户比同类应答客户低至多0.5分,则为3.05–3.42。",
        "3,948名沉默客户从未补访",
        "置信区间只反映抽样误差;敏感性范围反映所列假定不成立时得分可能的变化。",
        "加权仅使得分变动−0.004。所用辅助变量几乎不能解释打分差异,这并不说明沉默客户与应答客户看法相同。",
        "低0.22分即跌至目标值3.25。",
    ):
        assert said in text


@pytest.mark.parametrize(
    ("title", "badge"),
    [
        ({"en": "Q3 (simulated)", "zh": "三季度"}, "Simulated data"),
        ({"en": "Q3", "zh": "三季度(虚构数据)"}, "Fictional data"),
        ({"en": "Q3", "zh": "三季度"}, None),
    ],
)
def test_badge_and_watermark_mark_data_that_are_not_real(title: dict[str, str], badge: str | None):
    page = report.render(telco(title=title))
    assert ('<div class="watermark"' in page) == (badge is not None)
    assert ('<span class="badge">' in page) == (badge is not None)
    if badge:
        assert page.count(badge) >= 3


def test_small_groups_are_blank_with_their_reason():
    correction = dealers()
    page = report.render(network())
    rows = {cells[0]: cells for cells in table(page, "by-dealer-mean")}
    assert rows["D0103"][1:7] == ["< 10", "", "", "", "", ""]
    assert "Fewer than 10 answers." in rows["D0103"]
    assert f"{correction.estimate[0, 2]:.2f}" in rows["D0101"]
    assert "2 of 24 are blank" in text_of(page)


def table(page: str, name: str) -> list[list[str]]:
    """Cells of a table's body, as text."""
    body = re.search(rf'<table id="table-{name}">.*?<tbody>(.*?)</tbody>', page, re.S)
    assert body is not None
    return [
        [unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", line, re.S)]
        for line in re.findall(r"<tr>(.*?)</tr>", body[1], re.S)
    ]


def test_no_interval_stands_without_its_range():
    for cells in table(report.render(network()), "by-dealer-mean"):
        assert bool(cells[5]) == bool(cells[6])
    for cells in table(report.render(telco()), "overview"):
        if cells[3] and cells[1] != "survey answers":
            assert cells[4]


def test_shares_of_nobody_print_their_limit():
    text = text_of(report.render(telco()))
    assert "0 % (at most 0.30 %)" in text
    assert "0.0 % (0.0" not in text
    assert "0.0–0.0" not in text


def test_a_group_nobody_heard_leaves_a_range_instead_of_an_estimate():
    unheard = telco_mean(
        estimate=row(3.9625, 3.9582, np.nan),
        conf_low=row(3.92, 3.915, np.nan),
        conf_high=row(4.0, 4.0, np.nan),
        std_error=row(0.022, 0.022, np.nan),
        range_conf_low=row(3.92, 3.53, np.nan),
        range_conf_high=row(4.0, 4.0, np.nan),
        contribution=np.array([[-0.0043, np.nan]]),
        part_heard=np.array([[1226, 0, 0, 0]]),
        reasons=(("", "", "churned_unheard"),),
    )
    for language, said in (
        ("en", "No customer who left was heard. Their part is assumption, not data."),
        ("zh", "没有任何流失客户的答复,该部分得分完全来自假定,而非数据。"),
    ):
        text = text_of(report.render(telco(corrections={"mean": unheard}, domains={}), language=language))
        assert said in text
        assert "1.53" in text
        assert "nan" not in text.lower().replace("finance", "")


def test_without_declared_shifts_the_worst_case_is_named():
    none = telco_mean(silent_shift=(0.0, 0.0), range_conf_low=row(3.92, 3.915, 3.3295), range_conf_high=row(4.0, 4.0, 3.4174))
    text = text_of(report.render(telco(corrections={"mean": none})))
    assert "no departure from the assumptions was declared" in text
    assert "between 1.53 and 4.74" in text


def test_headline_of_current_customers():
    text = text_of(report.render(telco(headline="nonresponse_corrected")))
    assert "All current customers, the silent included, score 3.96 (95 % sampling error 3.92–4.00)" in text
    assert "Another population, everyone, those who left included: 3.37" in text


def test_a_share_may_lead():
    text = text_of(report.render(telco(corrections={"bottom_box": telco_share()}, domains={})))
    assert "share giving 1–2 (bottom box): 0 % (at most 0.30 %)" in text
    assert "For shares a shift of the score has no simple effect" in text


@pytest.mark.parametrize(
    ("published", "said"), [(3.96, "published 3.96 reproduced"), (4.1, "published 4.10 not reproduced: the answers give 3.96, −0.14 apart")]
)
def test_published_figure_is_held_against_the_answers(published: float, said: str):
    assert said in text_of(report.render(telco(published={"mean": published})))


@pytest.mark.parametrize(
    ("inference", "said"), [("registry", "narrower"), ("r", "wide side"), ("process", "wider than for the list alone")]
)
def test_the_report_says_what_the_standard_errors_refer_to(inference: str, said: str):
    assert said in text_of(report.render(telco(corrections={"mean": telco_mean(inference=inference)})))


def test_contact_rates_appear_only_where_given():
    assert "contact and cooperation rates cannot be computed" in text_of(report.render(telco()))
    rates = {"RR1": 0.237, "RR3": 0.25, "RR5": 0.26, "contact_rate": 0.61, "cooperation_rate": 0.42}
    text = text_of(report.render(telco(response_rates=rates)))
    assert "cannot be computed" not in text
    assert "61.0 %" in text


def test_blank_by_the_estimator_keeps_its_own_reason():
    rows = {cells[0]: cells for cells in table(report.render(telco()), "by-Contract-mean")}
    assert "Too few of those who left were heard." in rows["Two Year"]
    assert contract().reasons[2][2] == "churned_few"


def test_language_is_checked():
    with pytest.raises(vocstats.InputError, match="language must be one of"):
        report.render(telco(), language="fr")  # type: ignore[arg-type]
