"""Adjustment classes: formed from propensities, merged to a minimum, in order, with a log."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from vocstats.errors import InfeasibleError, InputError
from vocstats.estimation import mean
from vocstats.weighting import weight_by_propensity
from vocstats.weighting.classes import Merge


def step_of(*arguments: Any, **options: Any) -> Any:
    return weight_by_propensity(*arguments, estimator="classes", **options).steps[0]


def test_classes_of_equal_size_in_order_of_propensity() -> None:
    rng = np.random.default_rng(41)
    x = rng.normal(size=1000)
    heard = rng.random(1000) < 1.0 / (1.0 + np.exp(1.0 - x))
    step = step_of({"x": x}, heard, classes=5)
    logistic: Any = weight_by_propensity({"x": x}, heard).steps[0]
    np.testing.assert_array_equal(np.bincount(step.groups), [200] * 5)
    np.testing.assert_array_equal(step.groups, np.argsort(np.argsort(logistic.probability)) // 200)
    for k in range(5):
        np.testing.assert_allclose(step.probability[step.groups == k], heard[step.groups == k].mean())
    assert step.group_labels == [(1,), (2,), (3,), (4,), (5,)]
    assert step.details()["classes"] == 5


def test_people_alike_share_a_class() -> None:
    rng = np.random.default_rng(42)
    x = rng.integers(0, 3, 600)
    step = step_of({"x": x}, rng.random(600) < 0.2 + 0.2 * x, classes=7)
    assert all(np.unique(step.groups[x == k]).size == 1 for k in range(3))


def test_small_classes_join_the_smaller_neighbour_and_say_so() -> None:
    label = np.repeat(["a", "b", "c", "d"], 10)
    heard = np.concatenate([np.arange(10) < k for k in (8, 2, 5, 1)])
    step = step_of(None, heard, classes=label, minimum=4)
    assert step.merges == (Merge(("d",), ("c",), 1.0, 5.0), Merge(("b",), ("c", "d"), 2.0, 6.0))
    assert step.group_labels == [("a",), ("b", "c", "d")]
    np.testing.assert_allclose(step.probability, np.repeat([0.8, 8 / 30], [10, 30]))
    assert step.details()["merged"] == 2
    assert step_of(None, heard, classes=label, minimum=1).merges == ()


def test_order_of_an_ordered_category_is_kept() -> None:
    label = pd.Series(pd.Categorical(np.repeat(["low", "mid", "top"], 10), categories=["low", "mid", "top"], ordered=True))
    heard = np.concatenate([np.arange(10) < k for k in (2, 6, 5)])
    assert step_of(None, heard, classes=label, minimum=4).group_labels == [("low", "mid"), ("top",)]
    assert step_of(None, heard, classes=label.astype(str), minimum=4).group_labels == [("low", "mid"), ("top",)]
    turned = label.cat.reorder_categories(["mid", "top", "low"])
    assert step_of(None, heard, classes=turned, minimum=4).group_labels == [("mid",), ("top", "low")]


def test_counts_and_weights_of_zero_do_not_make_a_class_large() -> None:
    label = np.repeat(["a", "b"], 4)
    heard = np.array([True, True, True, False] * 2)
    assert step_of(None, heard, classes=label, minimum=3, counts=[1, 1, 1, 1, 1, 0, 1, 1]).group_labels == [("a", "b")]
    assert step_of(None, heard, classes=label, minimum=3, base_weights=[1, 1, 1, 1, 1, 0, 1, 1]).group_labels == [("a", "b")]
    assert step_of(None, heard, classes=label, minimum=3, base_weights=[1, 1, 1, 1, 9, 9, 9, 1]).merges == ()


def test_fixed_classes_are_in_the_error_and_merged_ones_are_not() -> None:
    rng = np.random.default_rng(43)
    label = rng.integers(0, 4, 300)
    heard = rng.random(300) < 0.3 + 0.1 * label
    y = np.where(heard, rng.normal(size=300) + label, np.nan)
    fixed = weight_by_propensity(None, heard, estimator="classes", classes=label)
    merged = weight_by_propensity(None, heard, estimator="classes", classes=label, minimum=5)
    np.testing.assert_array_equal(fixed.values, merged.values)
    assert fixed.accounts_for == merged.held_fixed == ("propensity",)
    e = mean(y, merged)
    assert "weights_held_fixed" in e.variance_accounts_for
    assert "conditional on the weights" in e.accounts("en")


def test_classes_are_formed_and_merged_anew_in_a_rerun() -> None:
    rng = np.random.default_rng(44)
    x = rng.normal(size=400)
    heard = rng.random(400) < 1.0 / (1.0 + np.exp(1.5 - x))
    w = weight_by_propensity({"x": x}, heard, estimator="classes", classes=8, minimum=12)
    counts = rng.multinomial(400, np.full(400, 1 / 400)).astype(float)
    again, anew = w.rerun(counts), weight_by_propensity({"x": x}, heard, counts=counts, estimator="classes", classes=8, minimum=12)
    np.testing.assert_allclose(again.values, anew.values)
    assert again.steps[0].merges == anew.steps[0].merges  # type: ignore[attr-defined]
    assert (again.steps[0].groups != w.steps[0].groups).any()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("x", "options", "error", "code"),
    [
        (None, {"classes": ["a", "a", "b", "b"], "minimum": 3}, InfeasibleError, "fewer_heard_than_minimum"),
        (None, {"classes": ["a", "a", "b", "b"], "minimum": 0}, InputError, "out_of_bounds"),
        (None, {"classes": ["a", None, "b", "b"]}, InputError, "missing_labels"),
        (None, {"classes": ["a", "b"]}, InputError, "wrong_length"),
        ({"x": [1.0, 2.0, 3.0, 4.0]}, {"classes": ["a", "a", "b", "b"]}, InputError, "x_and_classes"),
        ({"x": [1.0, 2.0, 3.0, 4.0]}, {"classes": 1}, InputError, "out_of_bounds"),
        (None, {"classes": ["a", "a", "b", "b"], "base_weights": [1, 0, 1, 0]}, InputError, "weights_of_respondents"),
        (None, {"classes": ["a", "a", "b", "b"], "penalty": 0.1}, InputError, "argument_of_another_estimator"),
    ],
)
def test_bad_input(x: Any, options: dict[str, Any], error: type[Exception], code: str) -> None:
    with pytest.raises(error) as caught:
        weight_by_propensity(x, [True, False, True, False], estimator="classes", **options)
    assert caught.value.code == code  # type: ignore[attr-defined]
