"""Where nobody was heard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from vocstats.errors import InputError
from vocstats.weighting import Weights, positivity, weight_by_propensity


def test_levels_are_counted_and_marked() -> None:
    region = np.repeat(["north", "south", "west", "east"], [100, 50, 40, 10])
    heard = np.zeros(200, bool)
    heard[:30] = heard[100:102] = heard[150] = True  # 30 of 100, 2 of 50, 1 of 40, none of 10
    table = positivity({"region": region}, heard, fewest=2).set_index("level")
    assert table["everybody"].to_dict() == {"north": 100, "south": 50, "west": 40, "east": 10}
    assert table["status"].to_dict() == {"north": "ok", "south": "low", "west": "few", "east": "nobody"}
    assert table.loc["south", "rate"] == pytest.approx(0.04)


def test_numbers_show_who_lies_beyond_those_heard() -> None:
    age = np.array([18.0, 25.0, 40.0, 60.0, 80.0, 81.0])
    table = positivity({"age": age}, [False, True, False, True, False, False], fewest=1)
    assert table["level"].tolist() == ["< 25", "25 to 60", "> 60"]
    assert table["everybody"].tolist() == [1, 3, 2]
    assert table["status"].tolist() == ["nobody", "ok", "nobody"]


def test_cells_show_what_margins_hide() -> None:
    """Every level was heard; one combination was not."""
    columns = {"sex": ["f", "f", "m", "m"], "new": [0, 1, 0, 1]}
    heard = [True, False, True, True]
    assert "nobody" not in positivity(columns, heard)["status"].tolist()
    table = positivity(columns, heard, cells=True).set_index("level")
    assert table.loc[[("f", 1)], "status"].tolist() == ["nobody"]
    assert table["variable"].iloc[-1] == "sex × new"


def test_ranges_of_the_probability(base: dict[str, Any]) -> None:
    x = {"age": base["age"], "tenure": base["margins"]["tenure"].astype(float)}
    w = weight_by_propensity(x, base["heard"], counts=base["counts"])
    p = w.steps[0].probability  # type: ignore[attr-defined]
    rows = positivity({"region": base["margins"]["region"]}, w, lowest=0.2).query("variable == 'probability'")
    assert rows["everybody"].sum() == base["counts"].sum()
    again = positivity({"region": base["margins"]["region"]}, base["heard"], counts=base["counts"], probability=p, lowest=0.2)
    pd.testing.assert_frame_equal(again.query("variable == 'probability'"), rows)
    edges = {"0.2 to 0.5": (0.2, 0.5), "0.5 to 1": (0.5, 1.0)}
    for level, (low, high) in edges.items():
        inside = (p > low) & (p <= high)
        assert rows.set_index("level").loc[level, "everybody"] == base["counts"][inside].sum()
    tiny = positivity({"a": ["x", "x"]}, [True, True], probability=[0.0, 0.05], fewest=0)
    assert tiny["status"].tolist() == ["ok", "low", "low"]


def test_counts_are_repetition(base: dict[str, Any]) -> None:
    columns = {**base["margins"], "age": base["age"]}
    repeated = {name: np.repeat(column, base["counts"]) for name, column in columns.items()}
    short = positivity(columns, base["heard"], counts=base["counts"], cells=True)
    pd.testing.assert_frame_equal(short, positivity(repeated, np.repeat(base["heard"], base["counts"]), cells=True))
    w = Weights(base=base["heard"], counts=base["counts"])
    pd.testing.assert_frame_equal(short, positivity(columns, w, cells=True))


def test_nobody_heard_at_all() -> None:
    table = positivity({"age": [1.0, 2.0]}, [False, False])
    assert table[["level", "status"]].values.tolist() == [["any", "nobody"]]


def test_bad_input() -> None:
    with pytest.raises(InputError, match="heard must be true or false; it is something else at rows 1"):
        positivity({"a": ["x", "y"]}, [1.0, 2.5])
    with pytest.raises(InputError, match="has 1 missing labels, at rows 1"):
        positivity({"a": ["x", None]}, [True, False])
    with pytest.raises(InputError, match=r"probability must lie in \[0, 1\]; got 1.5"):
        positivity({"a": ["x", "y"]}, [True, False], probability=[0.5, 1.5])
    with pytest.raises(InputError, match="must not be given again"):
        positivity({"a": ["x", "y"]}, Weights(base=np.ones(2), counts=np.ones(2)), counts=[1, 1])
    with pytest.raises(InputError, match="has 3 entries; 2 were expected"):
        positivity({"a": ["x", "y", "z"]}, [True, False])
