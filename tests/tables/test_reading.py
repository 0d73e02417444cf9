"""Files of every kind become the same table, ids as text."""

from __future__ import annotations

import importlib.util

import numpy as np
import pandas as pd
import pytest

from vocstats import InputError, MissingDependencyError, texts
from vocstats.tables import read_table

IDS = ["00123", "123456789012345678", "A1"]
TEXT = '客户编号,地区,得分\n00123,华东,9\n123456789012345678,NA,\nA1,"华南,广州",10\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_in_every_encoding(tmp_path, encoding):
    path = tmp_path / "导出.csv"
    path.write_text(TEXT, encoding=encoding)
    frame = read_table(path, text_columns=["客户编号"])
    assert frame["客户编号"].tolist() == IDS
    assert frame["地区"].tolist() == ["华东", "NA", "华南,广州"]  # a region may be called NA; only an empty field is missing
    assert frame["得分"].tolist()[::2] == [9.0, 10.0] and np.isnan(frame["得分"][1])


def test_words_for_missing_numbers_are_missing_in_columns_of_numbers(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("id,score,note\n1,9,NA\n2,NA,ok\n3,NULL,\n", encoding="utf-8")
    frame = read_table(path, text_columns=["id"])
    assert frame["id"].tolist() == ["1", "2", "3"]
    assert frame["score"].isna().tolist() == [False, True, True] and frame["score"].dtype == float
    assert frame["note"].tolist()[:2] == ["NA", "ok"] and pd.isna(frame["note"][2])


@pytest.mark.parametrize("separator", [";", "\t"])
def test_csv_with_other_separators_and_some_columns(tmp_path, separator):
    path = tmp_path / "s.txt"
    path.write_text(separator.join(["id", "a", "b"]) + "\n" + separator.join(["007", "1,5", "2"]), encoding="utf-8")
    frame = read_table(path, columns=["b"], text_columns=["id"])
    assert list(frame) == ["id", "b"] and frame["id"].tolist() == ["007"] and frame["b"].tolist() == [2]


def test_excel_sheet_with_ids_as_text_and_as_numbers(tmp_path):
    path = tmp_path / "survey.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="说明", index=False)
        pd.DataFrame({"id": ["00123", 123, None, "123456789012345678"], "csi": [9, "NA", 7, 8]}).to_excel(
            book, sheet_name="Q3", index=False
        )
    frame = read_table(path, sheet="Q3", text_columns=["id"])
    assert frame["id"].tolist()[::3] == ["00123", "123456789012345678"]
    assert frame["id"][1] == "123" and pd.isna(frame["id"][2])
    assert frame["csi"].isna().tolist() == [False, True, False, False]
    assert list(read_table(path)) == ["x"]


def test_parquet_reads_only_the_columns_asked_for(tmp_path):
    path = tmp_path / "r.parquet"
    pd.DataFrame({"id": [7, 8], "a": ["x", None], "b": [1, 2]}).to_parquet(path)
    frame = read_table(path, columns=["a"], text_columns=["id"])
    assert list(frame) == ["id", "a"] and frame["id"].tolist() == ["7", "8"]


def test_spss_value_labels_become_labels_unless_only_some_values_have_one(tmp_path):
    pyreadstat = pytest.importorskip("pyreadstat")
    path = tmp_path / "s.sav"
    table = pd.DataFrame({"id": [101.0, 102.0, 103.0], "sex": [1.0, 2.0, np.nan], "csi": [1.0, 7.0, 10.0], "q": [1.0, 2.0, 2.0]})
    labels = {"sex": {1: "男", 2: "女"}, "csi": {1: "很差", 10: "很好"}, "q": {1: "bad", 2: "good"}}
    pyreadstat.write_sav(table, str(path), variable_value_labels=labels)
    frame = read_table(path, text_columns=["id"], number_columns=["q"])
    assert frame["id"].tolist() == ["101", "102", "103"]
    assert frame["sex"].tolist()[:2] == ["男", "女"] and pd.isna(frame["sex"][2])
    assert frame["csi"].tolist() == [1.0, 7.0, 10.0] and frame["q"].tolist() == [1.0, 2.0, 2.0]
    assert read_table(path, columns=["q"])["q"].tolist() == ["bad", "good", "good"]


def refused(call, code, *fragments):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.code == code, caught.value
    for fragment in fragments:
        assert fragment in str(caught.value)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in texts.message(caught.value, "zh"))


def test_refusals(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("客户,score\n1,2\n", encoding="utf-8")
    refused(lambda: read_table(tmp_path / "absent.csv"), "no_such_file", "absent.csv")
    refused(lambda: read_table(tmp_path / "r.doc"), "unknown_file_kind", "r.doc", ".xlsx")
    refused(lambda: read_table(path, columns=["scores"]), "unknown_column", "r.csv", "'scores'", "Did you mean 'score'?")
    refused(lambda: read_table(path, encoding="ascii"), "wrong_encoding", "ascii")
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    refused(lambda: read_table(tmp_path / "empty.csv"), "empty_table", "empty.csv")
    (tmp_path / "odd.csv").write_bytes(b"id\n\xff\xff\x80\n")
    refused(lambda: read_table(tmp_path / "odd.csv"), "unknown_encoding", "odd.csv", "GB18030")


def test_excel_refusals(tmp_path):
    path = tmp_path / "r.xlsx"
    pd.DataFrame({"id": [123456789012345678, 5]}).to_excel(path, sheet_name="a", index=False)
    refused(lambda: read_table(path, sheet="b"), "unknown_sheet", "'b'", "'a'")
    refused(lambda: read_table(path, text_columns=["id"]), "rounded_ids", "'id'", "rows 0", "as text")


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    path = tmp_path / "r.sav"
    path.write_bytes(b"")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install pyreadstat \(or vocstats\[spss\]\)") as caught:
        read_table(path)
    assert "pyreadstat" in texts.message(caught.value, "zh")


@pytest.mark.parametrize(
    ("name", "content", "code", "fragment"),
    [
        ("more.csv", "id,score\n1,9\n2,Lee, Ann,8\n", "unreadable_file", "line 3"),
        ("shifted.csv", "id,score\n1,9,0\n2,8,0\n", "unreadable_file", "line 2"),
        ("quote.csv", 'id,score\n1,"9\n', "unreadable_file", "quote.csv"),
        ("twice.csv", "id,score,score\n1,9,8\n", "duplicate_columns", "'score'"),
        ("broken.xlsx", "no workbook", "unreadable_file", "broken.xlsx"),
        ("broken.parquet", "no table", "unreadable_file", "broken.parquet"),
    ],
)
def test_files_that_would_be_misread_are_refused(tmp_path, name, content, code, fragment):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    refused(lambda: read_table(path, columns=["id", "score"]), code, fragment)


def test_a_column_twice_in_a_workbook_is_refused_where_it_is_wanted(tmp_path):
    path = tmp_path / "r.xlsx"
    pd.DataFrame([["1", 9, 8]], columns=["id", "score", "score"]).to_excel(path, index=False)
    refused(lambda: read_table(path, columns=["score"]), "duplicate_columns", "r.xlsx", "'score'")
    assert read_table(path, columns=["id"], text_columns=["id"])["id"].tolist() == ["1"]
