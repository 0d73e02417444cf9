"""The matrix of a response model: written out in runs of rows or sparse, it is the matrix of the indicators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from vocstats.errors import IdentificationError, InputError
from vocstats.weighting import weight_by_propensity
from vocstats.weighting.covariates import Covariates, column_sums, linear_predictor, read_covariates, rows_of, written


def columns(n: int, levels: int) -> dict[str, Any]:
    rng = np.random.default_rng(71)
    return {"x": 5.0 + 2.0 * rng.normal(size=n), "label": rng.permutation(np.arange(n) % levels).astype(str), "flag": rng.random(n) < 0.5}


@pytest.mark.parametrize("levels", [4, 150])
def test_rows_sums_and_products_are_those_of_the_indicators(levels: int) -> None:
    given = columns(1000, levels)
    x, names = read_covariates(given, 1000)
    assert isinstance(x, Covariates) == (levels == 4)
    plain = pd.get_dummies(pd.DataFrame({"label": given["label"]}), drop_first=True, prefix_sep="=").astype(float)
    numbers = np.column_stack([given["x"], given["flag"].astype(float)])
    full = np.column_stack([np.ones(1000), (numbers - numbers.mean(axis=0)) / numbers.std(axis=0), plain])
    assert names == ["intercept", "x", "flag", *plain.columns]
    matrix = written(x).toarray() if sparse.issparse(x) else written(x)
    np.testing.assert_allclose(matrix, full, atol=1e-12)
    b, w = np.linspace(-1.0, 1.0, full.shape[1]), np.linspace(0.0, 2.0, 1000)
    np.testing.assert_allclose(linear_predictor(x, b), full @ b, atol=1e-12)
    np.testing.assert_allclose(column_sums(x, w), full.T @ w, atol=1e-9)
    some = written(rows_of(x, np.arange(0, 1000, 7)))
    np.testing.assert_allclose(some.toarray() if sparse.issparse(some) else some, full[::7], atol=1e-12)


def test_a_long_label_column_gives_the_weights_of_its_rates() -> None:
    label = np.arange(6000) % 150
    heard = np.random.default_rng(72).random(6000) < 0.3 + 0.4 * (label % 3 == 0)
    by_model = weight_by_propensity({"dealer": label.astype(str)}, heard)
    by_class = weight_by_propensity(None, heard, estimator="classes", classes=label)
    np.testing.assert_allclose(by_model.values, by_class.values, rtol=1e-7)
    np.testing.assert_allclose(by_model.pullback(heard * 1.0), by_class.pullback(heard * 1.0), atol=1e-7)


def test_a_start_from_some_rows_changes_nothing() -> None:
    """So many rows that a first fit on part of them is made, sorted so that this part is unlike the rest."""
    rng = np.random.default_rng(73)
    n = 150_000
    x = np.sort(rng.normal(size=n))
    x[::3] += 3.0
    heard = rng.random(n) < 1.0 / (1.0 + np.exp(2.0 - 0.5 * x))
    given = {"x": x, "label": np.array(["p", "q", "r"])[rng.integers(0, 3, n)]}
    step: Any = weight_by_propensity(given, heard).steps[0]
    residual = heard - step.probability
    for column in (np.ones(n), x, given["label"] == "q", given["label"] == "r"):
        assert abs(column @ residual) < 1e-9 * np.abs(column).sum()


def test_constant_and_repeated_columns_are_harmless() -> None:
    rng = np.random.default_rng(74)
    x, heard = rng.normal(size=200), rng.random(200) < 0.4
    expected = weight_by_propensity({"x": x}, heard).values
    for more in ({"c": np.full(200, 7.0)}, {"again": 2.0 * x - 1.0}, {"one": np.full(200, "only")}):
        np.testing.assert_allclose(weight_by_propensity({"x": x, **more}, heard).values, expected, rtol=1e-6)


def test_an_id_is_refused_by_name() -> None:
    ids = np.array([f"C{i:05d}" for i in range(3000)])
    with pytest.raises(InputError, match="'customer_id' alone has 3000 different labels") as caught:
        weight_by_propensity({"customer_id": ids}, np.arange(3000) % 2 == 0)
    assert caught.value.levels == ("customer_id",)


def test_chinese_names_and_labels() -> None:
    heard = np.array([True, False, False, True, True, False])
    with pytest.raises(IdentificationError, match="车型=甲"):
        weight_by_propensity({"车型": ["甲", "乙", "乙", "甲", "甲", "甲"]}, heard)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ({"x": [1.0, np.inf, 2.0, 3.0]}, r"x\['x'\] has 1 missing or infinite"),
        ({"x": ["a", None, "b", "c"]}, r"x\['x'\] has 1 missing labels"),
        ({"x": [1.0, 2.0, 3.0]}, r"x\['x'\] has 3 entries; 4 were expected"),
        ({"x": ["a", "b", "c"]}, r"x\['x'\] has 3 entries; 4 were expected"),
    ],
)
def test_bad_columns(x: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        weight_by_propensity(x, [True, False, True, False])
