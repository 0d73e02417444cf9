"""Tables written as CSV, Parquet and SPSS files, and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import vocstats as vs
from vocstats.tables import read_table, write_table

AWKWARD = np.array([0.1 + 0.2, 1 / 3, 1e-300, 123456789.123456789, np.nan, -0.0])


def people() -> pd.DataFrame:
    return pd.DataFrame({
        "customer_id": ["00101", "00102", "00103", "00104", "00105", "00106"],
        "满意度": AWKWARD,
        "visits": [1, 2, 3, 4, 5, 6],
        "city": ["北京", "NA", "a,b", 'say "hi"', "two\nlines", None],
    })


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".sav"])
def test_what_was_written_is_read_back(ending: str, tmp_path: Path) -> None:
    file = write_table(people(), tmp_path / f"people{ending}")
    back = read_table(file, text_columns=["customer_id", "city"])
    assert back["customer_id"].tolist() == people()["customer_id"].tolist()
    np.testing.assert_array_equal(back["满意度"].to_numpy(), AWKWARD)  # every bit
    assert back["visits"].tolist() == [1, 2, 3, 4, 5, 6]
    missing = "" if ending == ".sav" else None  # SPSS has no missing text
    assert [None if pd.isna(city) else city for city in back["city"]] == [*people()["city"][:5], missing]


def test_any_dataframe_or_mapping(tmp_path: Path) -> None:
    columns = {"a": [1, 2], "b": ["x", "y"]}
    frames = (columns, pd.DataFrame(columns, index=[7, 9]), pl.DataFrame(columns))
    texts = {write_table(frame, tmp_path / "t.csv").read_bytes() for frame in frames}
    assert texts == {b"\xef\xbb\xbfa,b\n1,x\n2,y\n"}  # with the mark that tells Excel the encoding


def test_spss_keeps_labels_and_missing_codes(tmp_path: Path) -> None:
    import pyreadstat

    frame = pd.DataFrame({"csi": [9.0, 98.0, np.nan], "contract": pd.Categorical(["年付", "月付", None], categories=["月付", "年付"])})
    file = write_table(
        frame, tmp_path / "labelled.sav", labels={"csi": "总体满意度"}, value_labels={"csi": {98: "不知道"}}, missing_codes={"csi": [98]}
    )
    values, about = pyreadstat.read_sav(str(file), user_missing=True)
    assert about.column_names_to_labels["csi"] == "总体满意度"
    assert about.variable_value_labels == {"csi": {98.0: "不知道"}, "contract": {1.0: "月付", 2.0: "年付"}}
    assert about.missing_ranges == {"csi": [{"lo": 98.0, "hi": 98.0}]}
    assert values["csi"].tolist()[:2] == [9.0, 98.0]
    assert values["contract"].tolist()[:2] == [2.0, 1.0]
    assert np.isnan(values["contract"].iloc[2])
    assert read_table(file)["contract"].tolist()[:2] == ["年付", "月付"]


@pytest.mark.parametrize("name", ["two words", "1st", "and", "_x", "ends.", "变" * 22, "x" * 65])
def test_names_spss_does_not_take_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(vs.InputError, match="SPSS does not take the column names") as caught:
        write_table({name: [1.0]}, tmp_path / "t.sav")
    assert caught.value.levels == (name,)


@pytest.mark.parametrize("name", ["变" * 21, "x" * 64, "满意度_2026", "a.b", "V$1"])
def test_names_spss_takes(name: str, tmp_path: Path) -> None:
    assert read_table(write_table({name: [1.0]}, tmp_path / "t.sav"))[name].tolist() == [1.0]


BAD: dict[str, tuple[dict[str, Any], str, dict[str, Any], str]] = {
    "names differ in case only": ({"a": [1.0], "A": [2.0]}, "t.sav", {}, "differs from the others"),
    "label cut off": ({"a": [1.0]}, "t.sav", {"labels": {"a": "标" * 86}}, "those of 'a' are longer"),
    "label of a value cut off": ({"a": [1.0]}, "t.sav", {"value_labels": {"a": {1: "标" * 41}}}, "those of 'a' are longer"),
    "labels in CSV": ({"a": [1.0]}, "t.csv", {"labels": {"a": "x"}}, "kept by SPSS files"),
    "label of nothing": ({"a": [1.0]}, "t.sav", {"labels": {"b": "x"}}, "names 'b', which is no column"),
    "unknown ending": ({"a": [1.0]}, "t.xls", {}, "of no kind that can be written"),
    "complex numbers": ({"a": [1 + 2j]}, "t.parquet", {}, "cannot be written"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input(case: str, tmp_path: Path) -> None:
    frame, name, options, message = BAD[case]
    with pytest.raises(vs.InputError, match=message):
        write_table(frame, tmp_path / name, **options)


def test_columns_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(vs.InputError, match="more than one column 'a'"):
        write_table(pd.DataFrame([[1, 2]], columns=["a", "a"]), tmp_path / "t.csv")


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(vs.MissingDependencyError, match="needs pyreadstat, which is not installed"):
        write_table({"a": [1.0]}, tmp_path / "t.sav")
