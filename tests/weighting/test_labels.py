"""Coding of label columns, as every estimator sees them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from vocstats._checks import factorize
from vocstats.errors import InputError
from vocstats.estimation import regress
from vocstats.nonresponse import follow_up
from vocstats.survivorship import hazard_regression
from vocstats.weighting import rake
from vocstats.weighting.labels import label_codes

COLUMNS: dict[str, Any] = {
    "text": np.array(["b", "a", "c", "a"]),
    "object": np.array(["b", "a", "c", "a"], dtype=object),
    "list": ["b", "a", "c", "a"],
    "series": pd.Series(["b", "a", "c", "a"]),
    "category": pd.Series(pd.Categorical(["b", "a", "c", "a"], categories=["c", "unused", "b", "a"])),
    "Categorical": pd.Categorical(["b", "a", "c", "a"]),
    "tuples": [("x", 2), ("x", 1), ("y", 0), ("x", 1)],
    "int8": np.array([0, -128, 127, -128], np.int8),
    "wide": np.array([0, -(2**62), 2**62, -(2**62)]),
    "Int64": pd.Series([20, 10, 30, 10], dtype="Int64"),
    "bool": np.array([True, False, True, False]),
    "float": np.array([1.5, 0.5, 2.5, 0.5]),
    "mixed": np.array([2, 1, "x", 1], dtype=object),
    "dates": np.array(["2026-02-01", "2026-01-01", "2026-03-01", "2026-01-01"], "datetime64[D]"),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_codes_point_at_sorted_levels(name: str) -> None:
    column = COLUMNS[name]
    codes, levels = factorize(column, "column")
    assert codes.tolist() == ([1, 0, 1, 0] if name == "bool" else [1, 0, 2, 0])
    plain = list(column) if name in ("list", "tuples") else np.asarray(column).tolist()
    assert levels[codes].tolist() == plain
    if isinstance(column, np.ndarray):
        assert levels.dtype == column.dtype
    loose, listed = label_codes(column, "column")
    assert [listed[code] for code in loose.tolist()] == plain


@pytest.mark.parametrize(
    "column",
    [
        ["a", None, "b"],
        np.array(["a", np.nan, "b"], dtype=object),
        pd.Series(["a", None, "b"]),
        pd.Series(["a", None, "b"], dtype="category"),
        np.array([1.0, np.nan, 2.0]),
        pd.Series([1, None, 2], dtype="Int64"),
        np.array(["2026-01-01", "NaT", "2026-01-02"], "datetime64[D]"),
    ],
)
def test_missing_labels_are_refused_with_their_rows(column: Any) -> None:
    with pytest.raises(InputError, match="column has 1 missing labels, at rows 1") as caught:
        label_codes(column, "column")
    assert caught.value.rows == (1,)


def test_shape_and_length_are_checked() -> None:
    with pytest.raises(InputError, match="one dimension"):
        factorize(np.zeros((2, 2)), "column")
    for column in (np.zeros(3, int), pd.Series(["a", "b", "c"]), ["a", "b", "c"]):
        with pytest.raises(InputError, match="has 3 entries; 2 were expected"):
            label_codes(column, "column", length=2)


def test_number_and_its_text_are_different_levels() -> None:
    with pytest.raises(InputError, match="numbers and text are different levels"):
        rake({"a": ["1", "2"]}, {"a": {1: 3, 2: 2}})
    with pytest.raises(InputError, match=r"no total for \('a', 'y'\)") as caught:
        rake({"a": ["x", "y"]}, {"a": {"x": 3}})
    assert "different" not in str(caught.value)


@pytest.mark.parametrize("fit", ["hazard_regression", "follow_up", "regress"])
def test_a_mask_hides_characteristics_from_every_model(fit: str) -> None:
    x = np.ma.array(np.c_[np.arange(12.0), np.arange(12.0) ** 2], mask=np.zeros((12, 2), bool))
    x[3, 0] = np.ma.masked
    silent = np.arange(12) % 2 == 1
    for given in (x, {"tenure": x[:, 0]}):
        with pytest.raises(InputError, match="missing or infinite") as caught:
            if fit == "hazard_regression":
                hazard_regression(np.tile([1, 2, 3], 4), silent, given)
            elif fit == "follow_up":
                follow_up(np.arange(12.0), ~silent, silent, x=given)
            else:
                regress(np.arange(12.0), given)
        assert caught.value.rows == (3,)
