"""The kinds of value a key of the study file can hold: each checks what came and returns it in one form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value must be, in words of two languages, and the function that returns it cleaned or raises ``TypeError``."""

    en: str
    zh: str
    clean: Callable[[Any], Any]


def _require(fits: bool) -> None:
    if not fits:
        raise TypeError


def _text(value: Any) -> str:
    _require(isinstance(value, str) and value.strip() != "")
    return str(value)


def _boolean(value: Any) -> bool:
    _require(isinstance(value, bool))
    return bool(value)


def _whole(value: Any) -> int:
    _require(isinstance(value, int) and not isinstance(value, bool))
    return int(value)


def _number(value: Any) -> float:
    _require(isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf"))
    return value  # type: ignore[no-any-return]


def _between(low: float, high: float, clean: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A number strictly between two bounds."""

    def inside(value: Any) -> Any:
        number = clean(value)
        _require(low < number < high)
        return number

    return inside


def _scalar(value: Any) -> Any:
    return _text(value) if isinstance(value, str) else value if isinstance(value, bool) else _number(value)


def _date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    _require(isinstance(value, str))
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise TypeError from None


def _list(item: Callable[[Any], Any], *, single: bool = False, empty: bool = False) -> Callable[[Any], list[Any]]:
    def clean(value: Any) -> list[Any]:
        if single and not isinstance(value, list):
            return [item(value)]
        _require(isinstance(value, list) and (empty or len(value) > 0))
        return [item(entry) for entry in value]

    return clean


def _table(item: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    def clean(value: Any) -> dict[str, Any]:
        _require(isinstance(value, dict) and len(value) > 0)
        return {key: item(entry) for key, entry in value.items()}

    return clean


def _fields(**fields: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    """A table with exactly these fields."""

    def clean(value: Any) -> dict[str, Any]:
        _require(isinstance(value, dict) and set(value) == set(fields))
        return {key: fields[key](entry) for key, entry in value.items()}

    return clean


def _pair(value: Any) -> list[float]:
    _require(isinstance(value, list) and len(value) == 2)
    low, high = (_number(entry) for entry in value)
    _require(low <= high)
    return [low, high]


def _scale(value: Any) -> list[float]:
    low, high = _pair(value)
    _require(low < high)
    return [low, high]


def _weights(value: Any) -> dict[str, float]:
    weights = _table(_between(0, 2, _number))(value)
    _require(abs(sum(weights.values()) - 1) < 1e-9)
    return weights


def _period(value: Any) -> str | list[str]:
    if isinstance(value, str):
        return _text(value)
    _require(isinstance(value, list) and len(value) == 2)
    return [_date(entry).isoformat() for entry in value]


def _churned(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict) and "before" in value:
        return _fields(column=_text, before=_date)(value)
    return _fields(column=_text, **{"is": _list(_scalar, single=True)})(value)


def _missing(value: Any) -> Any:
    if isinstance(value, dict):
        return _table(_text)(value)
    _require(value in ("fail", "level"))
    return value


def _columns(value: Any) -> list[str | list[str]]:
    _require(isinstance(value, list))
    return [_list(_text)(entry) if isinstance(entry, list) else _text(entry) for entry in value]


_OUTCOMES = ("complete", "refusal", "noncontact", "bad_number", "ineligible")


def _codes(value: Any) -> dict[str, list[Any]]:
    cleaned = _table(_list(_scalar, single=True))(value)
    _require(set(cleaned) <= set(_OUTCOMES))
    return cleaned


def _threshold(value: Any) -> Any:
    if not isinstance(value, dict):
        return _number(value)
    _require({"file", "dealer", "value"} <= set(value) <= {"file", "dealer", "month", "value", "sheet", "encoding"})
    return _table(_text)(value)


def _pages(value: Any) -> Any:
    if isinstance(value, str):
        _require(value in ("flagged", "all"))
        return value
    return _list(_text)(value)


def _pain_columns(value: Any) -> Any:
    """Columns by pain point, or such columns by source."""
    if isinstance(value, list):
        return _list(_text)(value)
    return _table(lambda entry: _text(entry) if isinstance(entry, str) else _pain_columns(entry))(value)


def _beta(value: Any) -> list[float]:
    """The two parameters of a beta distribution."""
    _require(isinstance(value, list) and len(value) == 2)
    return [_between(0, float("inf"), _number)(entry) for entry in value]


def _condition(value: Any) -> Any:
    return _list(_scalar)(value) if isinstance(value, list) else _scalar(value)


KINDS: Mapping[str, Kind] = {
    "text": Kind("a text in quotes", "带引号的文本", _text),
    "texts": Kind("a list of texts", "文本列表", _list(_text, empty=True)),
    "text_or_texts": Kind("a text or a list of texts", "文本或文本列表", _list(_text, single=True)),
    "boolean": Kind("true or false", "true 或 false", _boolean),
    "whole": Kind("a whole number", "整数", _whole),
    "number": Kind("a number", "数字", _number),
    "numbers": Kind("a list of numbers", "数字列表", _list(_number)),
    "share": Kind("a number between 0 and 1", "0 与 1 之间的数字", _between(0, 1, _number)),
    "multiple": Kind("a number above 1", "大于 1 的数字", _between(1, float("inf"), _number)),
    "positive": Kind("a number above 0", "大于 0 的数字", _between(0, float("inf"), _number)),
    "count": Kind("a whole number, 1 or more", "不小于 1 的整数", _between(0, float("inf"), _whole)),
    "scale": Kind("two numbers, the lowest and the highest score: [low, high]", "最低分与最高分:[低, 高]", _scale),
    "weights": Kind("a table of positive numbers that sum to 1: { column = weight }", "和为 1 的正数表:{ 列名 = 权重 }", _weights),
    "pair": Kind("two numbers, the lower first: [low, high]", "两个数字,由小到大:[低, 高]", _pair),
    "value": Kind("a number or a text", "数字或文本", _scalar),
    "values": Kind("a list of numbers or texts", "数字或文本列表", _list(_scalar, empty=True)),
    "period": Kind('a text, or two dates: ["2026-07-01", "2026-09-30"]', '文本,或两个日期:["2026-07-01", "2026-09-30"]', _period),
    "conditions": Kind(
        "a table: { column = value } or { column = [values] }", "表:{ 列名 = 值 } 或 { 列名 = [多个值] }", _table(_condition)
    ),
    "window": Kind(
        "a table with joined, left (date columns), from, to (dates)",
        "含 joined、left(日期列名)与 from、to(日期)的表",
        _fields(joined=_text, left=_text, **{"from": _date, "to": _date}),
    ),
    "churned": Kind(
        'a true/false column, or { column = "...", before = "2026-10-01" }, or { column = "...", is = ["..."] }',
        '真/假列名,或 { column = "…", before = "2026-10-01" },或 { column = "…", is = ["…"] }',
        _churned,
    ),
    "missing": Kind('"fail", "level", or { column = "name of its level" }', '"fail"、"level",或 { 列名 = "缺失层的名称" }', _missing),
    "codes": Kind(f"a table of lists under {', '.join(_OUTCOMES)}", f"以 {'、'.join(_OUTCOMES)} 为键的列表", _codes),
    "threshold": Kind(
        'a number, or { file = "...", dealer = "...", month = "...", value = "..." }, month where the line changes',
        '数字,或 { file = "…", dealer = "…", month = "…", value = "…" }(达标线不随月份变化时可省略 month)',
        _threshold,
    ),
    "pages": Kind('"flagged", "all", or a list of dealers: ["D0123"]', '"flagged"、"all",或经销商列表:["D0123"]', _pages),
    "figures": Kind("a table: { name = number }", "表:{ 名称 = 数字 }", _table(_number)),
    "pain_columns": Kind(
        'columns named as the pain points: ["delivery"], or { delivery = "q5_1" }, or either by source: { survey = ["delivery"] }',
        '以痛点命名的列:["delivery"],或 { delivery = "q5_1" },或按来源分别给出:{ survey = ["delivery"] }',
        _pain_columns,
    ),
    "mapping": Kind('a table: { "code" = "pain point" }', '表:{ "代码" = "痛点" }', _table(_text)),
    "lists": Kind("a table of lists: { stage = [\"pain point\"] }", "列表的表:{ 环节 = [\"痛点\"] }", _table(_list(_text, single=True))),
    "betas": Kind("a table of pairs: { source = [a, b] }", "成对数字的表:{ 来源 = [a, b] }", _table(_beta)),
    "columns": Kind("a list of columns; an entry that is a list crosses its columns", "列名列表;条目本身为列表时表示交叉分组", _columns),
}
