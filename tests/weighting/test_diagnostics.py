"""Balance before and after weighting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from vocstats.errors import InputError
from vocstats.weighting import Weights, balance, margin_targets, rake


def test_raking_brings_every_difference_to_zero(base: dict[str, Any]) -> None:
    targets = margin_targets(base["margins"], counts=base["counts"])
    w = rake(base["margins"], targets, base_weights=base["heard"].astype(float), counts=base["counts"])
    table = balance(base["margins"], w)
    assert table["variable"].tolist() == ["region"] * 3 + ["tenure"] * 4
    assert table["level"].tolist() == ["north", "south", "west", 1, 2, 3, 4]
    assert np.abs(table["difference_after"]).max() < 1e-8
    assert np.abs(table["difference_before"]).max() > 0.1
    north = base["margins"]["region"] == "north"
    share = base["counts"][north].sum() / base["counts"].sum()
    heard = base["counts"][north & base["heard"]].sum() / base["counts"][base["heard"]].sum()
    assert table["difference_before"].iloc[0] == pytest.approx((heard - share) / np.sqrt(share * (1 - share)))
    given = balance(base["margins"], w, targets=targets)
    np.testing.assert_allclose(given["difference_before"], table["difference_before"], rtol=1e-12)


def test_numbers_are_compared_by_their_means(base: dict[str, Any]) -> None:
    w = rake({"a": base["margins"]["region"]}, margin_targets({"a": base["margins"]["region"]}), base_weights=base["heard"])
    table = balance({"age": base["age"]}, w)
    expected = (base["age"][base["heard"]].mean() - base["age"].mean()) / base["age"].std()
    assert table["difference_before"].iloc[0] == pytest.approx(expected)


def test_missing_targets_are_named(base: dict[str, Any]) -> None:
    w = rake({"a": base["margins"]["region"]}, margin_targets({"a": base["margins"]["region"]}), base_weights=base["heard"])
    with pytest.raises(InputError, match="targets has no 'tenure'; it has 'region'"):
        balance({"tenure": base["margins"]["tenure"]}, w, targets={"region": {}})


def test_numbers_have_a_ratio_of_variances_and_labels_none(base: dict[str, Any]) -> None:
    region = {"region": base["margins"]["region"]}
    w = rake(region, margin_targets(region), base_weights=base["heard"].astype(float))
    table = balance({"age": base["age"], **region}, w)
    age, heard, values = base["age"], base["heard"], w.values
    centre = np.average(age, weights=values)
    assert table["variance_ratio_before"].iloc[0] == pytest.approx(age[heard].var() / age.var())
    assert table["variance_ratio_after"].iloc[0] == pytest.approx(np.average((age - centre) ** 2, weights=values) / age.var())
    assert table["variance_ratio_before"].iloc[1:].isna().all()


def test_counts_are_repetition(base: dict[str, Any]) -> None:
    columns = {**base["margins"], "age": base["age"]}
    repeated = {name: np.repeat(column, base["counts"]) for name, column in columns.items()}
    w = Weights(base=base["heard"] * 2.0, counts=base["counts"])
    longer = Weights(base=np.repeat(base["heard"] * 2.0, base["counts"]), counts=np.ones(base["counts"].sum()))
    pd.testing.assert_frame_equal(balance(columns, w), balance(repeated, longer))


def test_design_weights_say_what_the_rows_stand_for(base: dict[str, Any]) -> None:
    """Everybody with design weight 2 is everybody listed twice; the heard are weighted by their own weights."""
    design = 1.0 + (base["margins"]["tenure"] > 2)
    columns = {**base["margins"], "age": base["age"]}
    w = Weights(base=base["heard"].astype(float), counts=np.ones(base["n"]))
    table = balance(columns, w, design_weights=design)
    expected = [design[base["margins"]["region"] == level].sum() / design.sum() for level in ("north", "south", "west")]
    np.testing.assert_allclose(table["target"].iloc[:3], expected)
    assert table["target"].iloc[-1] == pytest.approx(np.average(base["age"], weights=design))
    assert table["before"].iloc[-1] == pytest.approx(base["age"][base["heard"]].mean())


def test_a_number_that_does_not_vary_has_no_difference(base: dict[str, Any]) -> None:
    table = balance({"one": np.ones(base["n"])}, Weights(base=base["heard"], counts=np.ones(base["n"])))
    assert table[["difference_after", "variance_ratio_after"]].isna().all(axis=None)


def test_weights_as_a_table_show_every_factor(base: dict[str, Any]) -> None:
    region, tenure = ({name: base["margins"][name]} for name in ("region", "tenure"))
    w = rake(region, margin_targets(region, counts=base["counts"]), base_weights=base["heard"] * 2.0, counts=base["counts"])
    w = rake(tenure, margin_targets(tenure, counts=base["counts"]), base_weights=w)
    table = w.to_frame()
    assert list(table.columns) == ["row", "base", "count", "factor_rake", "factor_rake_2", "weight"]
    np.testing.assert_allclose(table["base"] * table["factor_rake"] * table["factor_rake_2"], w.values, rtol=1e-14)
    named = w.to_frame(id=pd.Series([f"{k:03d}" for k in range(base["n"])], name="customer"))
    assert named["customer"].iloc[1] == "001"
    with pytest.raises(InputError, match="id has 2 entries; 60 were expected"):
        w.to_frame(id=["a", "b"])
