"""Totals of a registry, in the form raking takes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vocstats.errors import InputError
from vocstats.weighting import margin_targets


def test_totals_by_level_with_counts() -> None:
    frame = pd.DataFrame({"车型": ["SUV", "轿车", "SUV"], "new": [1, 0, 0]})
    assert margin_targets(frame) == {"车型": {"SUV": 2.0, "轿车": 1.0}, "new": {0: 2.0, 1: 1.0}}
    counts = np.array([2_000_000_000, 1, 2_000_000_000], np.int32)
    assert margin_targets(frame, counts=counts)["车型"] == {"SUV": 4e9, "轿车": 1.0}


def test_levels_are_sorted_python_values() -> None:
    levels = list(margin_targets({"a": np.array([3, 1, 2], np.int8)})["a"])
    assert levels == [1, 2, 3]
    assert all(type(level) is int for level in levels)


def test_missing_labels_and_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="1 missing labels, at rows 1"):
        margin_targets({"a": ["x", None]})
    with pytest.raises(InputError, match="counts has 1 entries; 2 were expected"):
        margin_targets({"a": ["x", "y"]}, counts=[3])
