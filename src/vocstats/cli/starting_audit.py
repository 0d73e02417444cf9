"""The study of an audit, from questions about the file of forms and the roster of visits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..tables import InputTable, read_table
from .guessing import any_missing, column_of, data_files, existing, guess_auxiliaries, guess_name, levels
from .one_off import line_of, names_of, value_of
from .starting import Interview, document_of

_FORMS = ("response", "form", "survey", "answer", "csi", "问卷", "答卷", "调查", "满意")
_VISITS = ("visit", "roster", "service", "workshop", "进站", "维修", "工单", "名单")
_ASKED = {
    "dealer": ("dealer", "经销商", "门店", "网点"),
    "score": ("score", "csi", "overall", "satisfaction", "满意", "总体", "得分", "评分", "rating", "nps"),
    "channel": ("channel", "渠道", "采集方式"),
}
_UNASKED = {
    "response_id": ("response_id", "form_id", "response id", "form id", "问卷编号", "问卷号", "答卷编号"),
    "visit": ("visit_id", "repair_order", "work_order", "工单", "进站编号", "visit"),
    "time": ("time", "submitted", "date", "提交", "时间", "日期"),
    "device": ("device", "设备"),
    "address": ("ip_address", "ip address", "address", "网络地址"),
    "seconds": ("seconds", "duration", "用时", "时长"),
}
_OF_VISITS = {"invited": ("invited", "邀约"), "drawn": ("drawn", "sampled", "抽取", "抽样"), "reached": ("reached", "接通")}
_BAD = ("complaint", "complain", "return", "churn", "lost", "投诉", "返修", "流失")
_INDEPENDENT = ("manufacturer", "independent", "maker", "oem", "厂家", "独立", "直采")
_NUMBERS = ("integer", "float")


def audit_interview(answer: Interview, folder: Path) -> dict[str, Any]:
    """The document of the study of an audit, from the interview."""
    files = data_files(folder)
    file = answer("responses", guess_name(files, _FORMS), lambda name: existing(folder, name).name and name)
    forms = InputTable(read_table(existing(folder, file)), "responses")
    asked: dict[str, Any] = {"responses": file}
    for name, words in _ASKED.items():
        asked[name] = answer(name, guess_name(forms.schema, words), lambda text: column_of(forms, text))
    if asked["channel"]:
        suggested = _guess_independent(forms, asked["channel"])
        asked["independent_channel"] = answer("independent_channel", suggested, lambda text: value_of(text, "--independent-channel"))
    asked |= _unasked(forms, asked.values())
    others = [name for name in files if name != file]
    named = answer("roster", guess_name(others, _VISITS), lambda name: existing(folder, name).name and name)
    visits = None if named is None else InputTable(read_table(existing(folder, named)), "roster")
    followed = [name for table in (forms, visits) if table is not None for name in _guess_bad(table)]
    asked["outcomes"] = answer("outcomes", ",".join(dict.fromkeys(followed)), lambda text: names_of([text]))
    taken = {*_single(asked), *(asked["outcomes"] or ())}
    asked["items"] = answer("items", ",".join(_guess_items(forms, asked["score"], taken)), lambda text: _columns(forms, text))
    taken |= {*(asked["items"] or ())}
    asked["case_mix"] = answer("case_mix", ",".join(_guess_mix(forms, visits, taken)), lambda text: _columns(forms, text))
    asked["threshold"] = answer("threshold", "", lambda text: line_of(text, "--threshold"))
    roster = {} if visits is None else {"roster": {"file": named, **_of_visits(visits, asked)}}
    title = answer("title", answer.terminal.text("default_audit_title"), str)
    return document_of(
        study={"title": title, "language": [answer.terminal.language], "output": "out"},
        audit={**asked, **roster, "pages": {"for": "flagged"}},
    )


def _single(asked: Mapping[str, Any]) -> list[str]:
    return [value for name, value in asked.items() if isinstance(value, str) and name != "responses"]


def _unasked(forms: InputTable, taken: Iterable[Any]) -> dict[str, str]:
    """Columns whose names leave no doubt; a time is one that holds dates or text, seconds are numbers."""
    found: dict[str, str] = {}
    for name, words in _UNASKED.items():
        column = guess_name([each for each in forms.schema if each not in {*taken, *found.values()}], words)
        numeric = bool(column) and forms.kind(column) in _NUMBERS
        if column and (numeric if name == "seconds" else not numeric if name == "time" else True):
            found[name] = column
    return found


def _guess_independent(forms: InputTable, channel: str) -> str:
    known = [str(value) for value in levels(forms, channel)]
    return guess_name(known, _INDEPENDENT)


def _guess_bad(table: InputTable) -> list[str]:
    """Columns of 1 and 0 that are called like something bad."""
    named = [name for name in table.schema if any(word in name.lower() for word in _BAD)]
    return [name for name in named if table.kind(name) in (*_NUMBERS, "boolean") and set(levels(table, name)) <= {0, 1, None}]


def _guess_items(forms: InputTable, score: str, taken: set[str]) -> list[str]:
    """Columns of whole numbers on the scale of the score."""
    scale = [value for value in levels(forms, score) if isinstance(value, (int, float))]
    numeric = [name for name in forms.schema if name not in taken and forms.kind(name) in _NUMBERS]
    found = {name: [value for value in levels(forms, name) if value is not None] for name in numeric}
    return [
        name for name, values in found.items()
        if 3 <= len(values) <= 101 and min(scale) <= min(values) and max(values) <= max(scale) and all(value % 1 == 0 for value in values)
    ]


def _guess_mix(forms: InputTable, visits: InputTable | None, taken: set[str]) -> list[str]:
    """Columns with a few levels and no gaps; where the roster has some of them, those."""
    usable = [name for name in guess_auxiliaries(forms, taken) if not any_missing(forms, [name])]
    shared = [name for name in usable if visits is not None and name in visits.schema and not any_missing(visits, [name])]
    return shared or usable


def _of_visits(visits: InputTable, asked: Mapping[str, Any]) -> dict[str, str]:
    """Columns of the roster, the dealer's and the visit's where they are called otherwise there."""
    joined = {"dealer": _ASKED["dealer"], "visit": (*_UNASKED["visit"][:-1], "number", "编号", "visit")}
    wanted = {name: words for name, words in joined.items() if asked.get(name) not in visits.schema} | _OF_VISITS
    return {name: column for name, words in wanted.items() if (column := guess_name(visits.schema, words))}


def _columns(table: InputTable, text: str) -> list[str]:
    return [column_of(table, name) for name in names_of([text])]
