"""Every text stands in both languages, with the same placeholders, in the terms that are agreed."""

from __future__ import annotations

import re
import string
from importlib.resources import files
from pathlib import Path

import pytest

from vocstats import texts
from vocstats.results import Assumption

NAMESPACES = sorted(Path(str(entry)).stem for entry in files(texts).iterdir() if entry.name.endswith(".toml"))
BILINGUAL = [name for name in NAMESPACES if name != "error"]
FORBIDDEN = (
    *("注册表", "模型得分", "活跃客户", "离职面谈", "病例组合", "无应答误差", "耙", "利润率", "保证金", "截断", "灵敏度分析", "敏感性区间"),
    *("造假", "作弊", "违规", "虚报", "黑名单", "患病率", "原始真实得分", "分层模型"),
)
FIXED = {
    "report.interval_and_range": (
        "The interval covers sampling error only. The range shows what happens if the assumption named beside it fails.",
        "置信区间只反映抽样误差;敏感性范围反映所列假定不成立时得分可能的变化。",
    ),
    "report.weighting_moved_little": (
        "Weighting moved the score by −0.004. The characteristics used hardly explain the answers; "
        "this does not show that the silent think alike.",
        "加权仅使得分变动 −0.004。所用辅助变量几乎不能解释打分差异,这并不说明沉默客户与应答客户看法相同。",
    ),
    "reason.churned_unheard": (
        "No customer who left was heard. Their part is assumption, not data.",
        "没有任何流失客户的答复,该部分得分完全来自假定,而非数据。",
    ),
}
TERMS = {
    "registry": "客户名册",
    "customer_base": "客户基盘",
    "dealer": "经销商",
    "model": "车型",
    "group_engaged": "已应答客户",
    "group_silent": "沉默客户",
    "group_not_invited": "未邀约客户",
    "group_churned": "流失客户",
    "heard": "已获答复",
    "source_follow_up": "沉默客户补访",
    "source_exit_interview": "流失客户访谈",
    "contact_rate": "接通率",
    "cooperation_rate": "配合率",
    "auxiliary_variable": "辅助变量",
    "nonresponse_bias": "无应答偏差",
    "survivor_bias": "幸存者偏差",
    "raking": "迭代比例加权(raking,又称 RIM 加权)",
    "step_trim": "权数修剪",
    "standardised_difference": "标准化差异",
    "design_effect": "设计效应",
    "effective_n": "有效样本量",
    "double_sampling": "二重抽样",
    "std_error": "标准误",
    "interval": "置信区间",
    "range": "敏感性范围",
    "worst_case_bounds": "最坏情形界限",
    "tipping_point": "结论翻转点",
    "naive": "未校正得分(仅应答者)",
    "nonresponse_corrected": "无应答校正得分(现有客户)",
    "survivor_corrected": "幸存者偏差校正得分(含流失客户)",
    "top_box": "高分占比",
    "bottom_box": "低分占比",
    "statistic_nps": "净推荐值(NPS)",
}
COUNTS = dict.fromkeys(("drawn", "customers", "answered", "heard", "count"), 1000)
VALUES = {
    "auxiliaries": "age", "weighting": "rake", "source": "follow_up", "group": "churned", "low": "1.5", "high": "2.5", "level": "95",
    "stage": "payment", "pains": "delivery, price_value", "coders": "human, llm",
    **COUNTS,
}


def placeholders(text: str) -> set[str]:
    """Names in braces."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("name", BILINGUAL)
def test_both_languages_with_the_same_placeholders(name: str):
    for key, entry in texts.namespace(name).items():
        assert set(entry) == {"en", "zh"}, key
        assert all(text.strip() for text in entry.values()), key
        assert placeholders(entry["en"]) == placeholders(entry["zh"]), key


@pytest.mark.parametrize("name", NAMESPACES)
def test_misleading_renderings_do_not_occur(name: str):
    for key, entry in texts.namespace(name).items():
        assert not [word for word in FORBIDDEN if word in entry["zh"]], key


@pytest.mark.parametrize("key", FIXED)
def test_agreed_sentences_stand_as_they_are(key: str):
    english, chinese = FIXED[key]
    assert texts.render(key, "en", moved="−0.004") == english
    assert texts.render(key, "zh", moved="−0.004") == chinese


@pytest.mark.parametrize("key", TERMS)
def test_agreed_terms(key: str):
    assert texts.render(f"term.{key}", "zh") == TERMS[key]


@pytest.mark.parametrize("code", sorted(texts.namespace("assumption")))
def test_assumptions_read_out_codes_and_numbers(code: str):
    assumption = Assumption(code=code, testable="no", values=VALUES)
    english, chinese = assumption.text("en"), assumption.text("zh")
    assert not re.search(r"\b(rake|follow_up|churned)\b", chinese)
    assert "follow_up" not in english
    assert not re.search(r"\b1000\b", english)


def test_every_term_of_the_glossary_chapter_has_a_name():
    for key in texts.namespace("glossary"):
        assert key in texts.namespace("term")


def test_no_text_of_the_report_is_left_over():
    """Each key is written in the code or the templates; families are written with a placeholder."""
    folder = Path(str(files("vocstats.report")))
    source = "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.suffix in (".py", ".jinja"))
    formatted = [name for name in re.findall(r'(?<![A-Za-z])f["\']([^"\'\n]+)["\']', source) if "{" in name]
    families = [".+".join(re.escape(piece) for piece in re.split(r"\{[^{}]*\}", name)) for name in formatted]
    families = [family for family in families if re.match(r"[a-z]+_", family)]
    for key in texts.namespace("report"):
        assert re.search(rf"[\"'.]{key}[\"']", source) or any(re.fullmatch(family, key) for family in families), key
