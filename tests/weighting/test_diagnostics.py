"""Balance before and after weighting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import InputError
from vocstats.weighting import balance, margin_targets, rake


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
