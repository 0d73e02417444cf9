"""Tables as frames and files: headings, types, byte order mark, formulas, suppression."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from report_contents import dealers, network, telco

import vocstats
from vocstats import report

FORMULAS = ["=1+1", "+49", "-3", "@SUM(A1)", "\tx", "00123", "D1", "D2", "D3", "D4", "D5", "D6"]


def rows_of(path: Path) -> list[list[str]]:
    """A CSV, read back as text."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def test_tables_by_name_and_language():
    english, chinese = (report.tables(network(), language) for language in ("en", "zh"))
    assert list(english) == list(chinese) == ["readme", "overview", "by_dealer", "balance", "weights", "assumptions", "glossary"]
    assert "sensitivity range, lower" in english["overview"].columns
    assert "敏感性范围下限" in chinese["overview"].columns
    assert chinese["by_dealer"].columns[0] == "经销商"
    assert english["overview"]["estimate"].iloc[0] == pytest.approx(3.9625)
    assert chinese["by_dealer"]["经销商"].tolist()[:24] == dealers().labels["dealer"].tolist()
    for frame in (*english.values(), *chinese.values()):
        assert frame.columns.is_unique


def test_an_interval_has_its_range_in_the_same_table():
    for frame in report.tables(network(), "en").values():
        limits = [column for column in frame.columns if column.startswith("survivor") and "confidence limit" in column]
        if limits:
            assert any("sensitivity range" in column for column in frame.columns)


def test_small_groups_are_blank_in_every_figure():
    frame = report.tables(network(), "en")["by_dealer"].set_index("dealer")
    small = frame.loc["D0103"].select_dtypes("number").drop(columns="customers")
    assert small.isna().all().all()
    assert (frame.loc["D0103", "why blank"] == "Fewer than 10 answers.").all()
    assert np.isfinite(frame.loc["D0101", "answers"]).all()


def test_exact_limits_of_a_share_of_nobody():
    frame = report.tables(telco(), "en")["overview"]
    naive = frame[frame["statistic"].str.contains("bottom")].iloc[0]
    assert naive["estimate"] == 0.0
    assert naive["confidence limit, upper"] == pytest.approx(1 - 0.025 ** (1 / 1226))


@pytest.mark.parametrize("languages", [("zh",), ("zh", "en")])
def test_csvs_carry_a_byte_order_mark_and_open_safely(tmp_path: Path, languages: tuple[str, ...]):
    written = report.write_tables(network(FORMULAS), tmp_path, languages, excel=False)
    assert {path.suffix for path in written} == {".csv"}
    assert all(path.read_bytes().startswith(b"\xef\xbb\xbf") for path in written)
    name = "by_dealer.zh.csv" if len(languages) > 1 else "by_dealer.csv"
    rows = rows_of(tmp_path / "tables" / name)
    assert rows[0][0] == "经销商"
    labels = [row[0] for row in rows[1:13]]
    assert labels == ["'=1+1", "'+49", "'-3", "'@SUM(A1)", "'\tx", *FORMULAS[5:]]
    text = (tmp_path / "tables" / name).read_text(encoding="utf-8-sig")
    assert '"00123"' in text
    assert float(rows[1][rows[0].index("未校正得分(仅应答者):估计值")]) > 3


def test_workbook_keeps_text_as_text_and_numbers_as_numbers(tmp_path: Path):
    report.write_tables(network(FORMULAS), tmp_path, ("zh", "en"))
    book = openpyxl.load_workbook(tmp_path / "tables.xlsx")
    assert book.sheetnames == ["说明 README", "概览", "经销商", "平衡", "权数链", "假定", "词表"]
    sheet = book["经销商"]
    assert sheet["A1"].value == "经销商\ndealer"
    assert [sheet.cell(row, 1).value for row in range(2, 14)] == FORMULAS
    assert {sheet.cell(row, 1).data_type for row in range(2, 14)} == {"s"}
    assert {sheet.cell(row, 1).number_format for row in range(2, 14)} == {"@"}
    headings = [cell.value for cell in sheet[1]]
    naive = next(column for column, heading in enumerate(headings, start=1) if heading.startswith("未校正得分(仅应答者):估计值"))
    assert isinstance(sheet.cell(2, naive).value, float)
    assert sheet.freeze_panes == "A2"


def test_sheet_names_excel_refuses_are_made_safe(tmp_path: Path):
    content = network(domains={"a/b?[c]:d": {"mean": dealers()}, "x" * 40: {"mean": dealers()}})
    report.write_tables(content, tmp_path, ("en",))
    names = openpyxl.load_workbook(tmp_path / "tables.xlsx").sheetnames
    assert len(set(names)) == len(names) == 8
    assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)
    assert (tmp_path / "tables" / "by_a_b_[c]_d.csv").exists()


def test_missing_openpyxl_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(vocstats.MissingDependencyError, match=r"vocstats\[report\]"):
        report.write_tables(telco(), tmp_path, ("en",))
    assert list(tmp_path.iterdir()) == []


def test_missing_jinja_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(vocstats.MissingDependencyError, match=r"vocstats\[report\]"):
        report.render(telco())


def test_language_is_checked(tmp_path: Path):
    with pytest.raises(vocstats.InputError, match="languages must be one of"):
        report.write_tables(telco(), tmp_path, ("fr",))
