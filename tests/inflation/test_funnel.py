"""Funnel limits on medpar (54 hospitals, length of stay), by hand, and bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from vocstats.errors import InputError
from vocstats.inflation import Funnel, funnel_limits
from vocstats.results import load


@pytest.fixture(scope="module")
def hospitals(data: Path) -> pd.DataFrame:
    """Observed and expected days by hospital; the Poisson regression by Newton's method."""
    stays = pd.read_csv(data / "hospitals/medpar.csv", dtype={"provnum": str})
    kinds = [stays["type"] == kind for kind in (2, 3)]
    x = np.column_stack([np.ones(len(stays)), stays[["hmo", "died", "age80"]], *kinds]).astype(float)
    y, b = stays["los"].to_numpy(float), np.zeros(6)
    b[0] = np.log(y.mean())
    for _ in range(20):
        mean = np.exp(x @ b)
        b += np.linalg.solve(x.T @ (mean[:, None] * x), x.T @ (y - mean))
    return stays.assign(expected=np.exp(x @ b)).groupby("provnum").agg(observed=("los", "sum"), expected=("expected", "sum"))


@pytest.mark.parametrize(
    ("overdispersion", "level", "outside"),
    [
        ("none", 0.998, 25), ("truncate", 0.998, 9), ("winsorise", 0.998, 6),
        ("none", 0.99, 28), ("truncate", 0.99, 11), ("winsorise", 0.99, 10),
    ],
)
def test_medpar(hospitals: pd.DataFrame, overdispersion: Any, level: float, outside: int) -> None:
    r = funnel_limits(hospitals["observed"], hospitals["expected"], unit=hospitals.index, overdispersion=overdispersion, level=level)
    assert r.outside.sum() == outside and r.ratio.size == 54


def test_by_hand() -> None:
    e = np.array([200.0, 280.0, 100.0, 300.0, 250.0])
    o = np.array([120.0, 330.0, 80.0, 550.0, 255.0])
    r = funnel_limits(o, e, overdispersion="truncate", trim=0.2, level=0.95)
    z = np.sqrt(e) * np.log(o / e)
    low, high = np.quantile(z, [0.2, 0.8])
    kept = (z > low) & (z < high)
    assert kept.sum() == 3
    phi = (z[kept] ** 2).mean()
    tau2 = (3 * phi - 2) / (e[kept].sum() - (e[kept] ** 2).sum() / e[kept].sum())
    assert (r.dispersion, r.spread**2) == pytest.approx((phi, tau2))
    assert r.high == pytest.approx(np.exp(1.959964 * np.sqrt(1 / e + tau2)))
    drawn = funnel_limits(o, e, overdispersion="winsorise", trim=0.2)
    phi = (np.clip(z, low, high) ** 2).mean()
    assert (drawn.dispersion, drawn.spread**2) == pytest.approx((phi, (5 * phi - 4) / (e.sum() - (e**2).sum() / e.sum())))


def test_limits_without_overdispersion_are_exact() -> None:
    r = funnel_limits([10.0, 100.0], [10.0, 100.0], overdispersion="none", level=0.95)
    e = np.array([10.0, 100.0])
    assert r.low == pytest.approx(stats.chi2.ppf(0.025, 2 * e) / 2 / e)
    assert r.high == pytest.approx(stats.chi2.ppf(0.975, 2 * (e + 1)) / 2 / e)
    assert r.spread == 0.0 and np.isnan(r.dispersion)


def test_no_overdispersion_found_is_none() -> None:
    e = np.linspace(50, 500, 40)
    assert funnel_limits(e, e).spread == 0.0


def test_one_unit_and_no_events() -> None:
    one = funnel_limits([3.0], [5.0])
    assert one.spread == 0.0 and not one.outside.any()
    none = funnel_limits([0.0, 4.0, 6.0, 5.0], [9.0, 5.0, 5.0, 5.0], overdispersion="winsorise", unit=["甲", "乙", "丙", "丁"])
    assert np.isfinite(none.z).all() and none.ratio[0] == 0.0
    again = load(none.to_json())
    assert isinstance(again, Funnel) and again.to_frame()["unit"].tolist() == ["甲", "乙", "丙", "丁"]
    assert none.tidy()["term"].tolist() == ["ratio"] * 4 and isinstance(none.summary(), str)


def test_refusals() -> None:
    with pytest.raises(InputError, match="above 0 for every unit"):
        funnel_limits([1.0, 2.0], [0.0, 2.0])
    with pytest.raises(InputError, match="not be negative"):
        funnel_limits([-1.0, 2.0], [1.0, 2.0])
    with pytest.raises(InputError, match="trim"):
        funnel_limits([1.0], [1.0], trim=0.5)
    with pytest.raises(InputError, match="overdispersion must be one of"):
        funnel_limits([1.0], [1.0], overdispersion="some")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="unit has 1 entries"):
        funnel_limits([1.0, 2.0], [1.0, 2.0], unit=["a"])
