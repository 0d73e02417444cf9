"""Post-stratification: R survey's numbers, crossed cells, the closed form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vocstats.errors import InfeasibleError, InputError
from vocstats.weighting import poststratify, rake


def test_api_schools(data: Path) -> None:
    """R survey: apiclus1 post-stratified on stype: mean api00 642.310788 (SE 23.9204864), total enroll 3680892.945."""
    schools = pd.read_csv(data / "api" / "apiclus1.csv")
    w = poststratify(schools["stype"], {"E": 4421, "H": 755, "M": 1018}, base_weights=schools["pw"])
    y = schools["api00"].to_numpy(float)
    mean = w.values @ y / w.values.sum()
    assert mean == pytest.approx(642.310788, rel=1e-8)
    assert w.values @ schools["enroll"] == pytest.approx(3680892.945, rel=1e-8)
    sums = pd.Series(w.base * w.pullback((y - mean) / w.values.sum())).groupby(schools["dnum"]).sum().to_numpy()
    m = sums.size
    error = np.sqrt((1 - m / schools["fpc"].iloc[0]) * m / (m - 1) * ((sums - sums.mean()) ** 2).sum())
    assert error == pytest.approx(23.9204864, rel=1e-7)


def test_closed_form_with_counts(base: dict[str, Any]) -> None:
    region, counts, heard = base["margins"]["region"], base["counts"], base["heard"]
    totals = {"north": 100.0, "south": 50.0, "west": 7.0}
    w = poststratify(region, totals, base_weights=heard * 2.0, counts=counts)
    for name, total in totals.items():
        here = region == name
        np.testing.assert_allclose(w.values[here & heard], total / counts[here & heard].sum(), rtol=1e-12)
    assert w.accounts_for == ("poststratify",)


def test_several_columns_are_crossed() -> None:
    columns = {"region": ["n", "n", "s", "s"], "new": [0, 1, 0, 0]}
    totals = {("n", 0): 5.0, ("n", 1): 6.0, ("s", 0): 8.0}
    w = poststratify(columns, totals)
    np.testing.assert_allclose(w.values, [5, 6, 4, 4])
    np.testing.assert_allclose(rake({"cell": [f"{a}{b}" for a, b in zip(*columns.values(), strict=True)]},
                                    {"cell": {"n0": 5, "n1": 6, "s0": 8}}).values, w.values)
    frame = pd.DataFrame(columns)
    np.testing.assert_allclose(poststratify(frame, pd.Series(totals)).values, w.values)


def test_refused() -> None:
    with pytest.raises(InfeasibleError, match=r"Nobody heard has .*'b'"):
        poststratify(["a", "b"], {"a": 1, "b": 2}, base_weights=[1, 0])
    with pytest.raises(InputError, match=r"no total for .*'b'"):
        poststratify(["a", "b"], {"a": 1})
