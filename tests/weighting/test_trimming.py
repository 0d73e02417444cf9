"""Trimming: the cap holds, totals and margins hold, what is below the cap keeps its order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import InfeasibleError, InputError
from vocstats.weighting import Weights, calibrate, margin_targets, rake, trim


@pytest.fixture
def raked(base: dict[str, Any]) -> Weights:
    targets = margin_targets(base["margins"], counts=base["counts"])
    return rake(base["margins"], targets, base_weights=base["heard"].astype(float), counts=base["counts"])


def heard_mean(w: Weights) -> float:
    return float(w.mass.sum() / w.counts[w.values > 0].sum())


def test_margins_still_hold_below_the_cap(base: dict[str, Any], raked: Weights) -> None:
    w = trim(raked, upper=1.7)
    assert raked.values.max() > 1.7 * heard_mean(raked)
    assert w.values.max() <= 1.7 * heard_mean(raked) * (1 + 1e-12)
    for column in base["margins"].values():
        for level in np.unique(column):
            here = column == level
            assert w.mass[here].sum() == pytest.approx(base["counts"][here].sum(), rel=1e-7)
    assert (w.values[~base["heard"]] == 0.0).all()


def test_totals_of_a_calibration_still_hold(base: dict[str, Any]) -> None:
    x = {"ones": np.ones(base["n"]), "age": base["age"]}
    weights = np.where(base["heard"], 1.0 + np.arange(base["n"]) % 5, 0.0)
    before = calibrate(x, {"ones": 180.0, "age": 180.0 * 41.0}, base_weights=weights, distance="raking")
    w = trim(before, upper=1.3)
    assert w.values.max() == pytest.approx(1.3 * heard_mean(before), rel=1e-9)
    assert (w.values.sum(), w.values @ base["age"]) == pytest.approx((180.0, 180.0 * 41.0), rel=1e-7)


def test_without_margins_the_total_is_kept_and_the_rest_scaled_alike() -> None:
    w = trim([1.0, 2.0, 3.0, 30.0], upper=2.0)
    assert w.values.max() == pytest.approx(18.0)
    assert w.values.sum() == pytest.approx(36.0)
    np.testing.assert_allclose(w.values[:3] / [1, 2, 3], 3.0)


def test_redistribution_never_lifts_anybody_over_the_cap() -> None:
    w = trim([1.0, 1.0, 9.9, 30.0, 0.0], upper=1.2)  # scaling the rest would lift 9.9 over the cap of 12.57
    assert w.values.max() == pytest.approx(1.2 * 41.9 / 4)
    assert w.values.sum() == pytest.approx(41.9)
    assert w.values[2] == w.values[3]
    assert w.values[4] == 0.0


def test_redistribution_within_groups() -> None:
    w = trim([1.0, 3.0, 1.0, 1.0, 1.0], upper=1.5, within=["a", "a", "b", "b", "b"])
    np.testing.assert_allclose(w.values, [1.9, 2.1, 1.0, 1.0, 1.0])
    with pytest.raises(InfeasibleError, match="mean weight in 'a' is above the cap"):
        trim([5.0, 6.0, 1.0, 1.0, 1.0, 1.0], upper=1.5, within=list("aabbbb"))


def test_cap_relative_to_groups() -> None:
    """Groups sampled at different rates differ by design: each has its own cap, the total of all is kept."""
    w = trim([1.0, 1.0, 4.0, 50.0, 50.0, 50.0], upper=1.5, relative_to=list("aaabbb"))
    assert w.values[2] == pytest.approx(3.0)
    np.testing.assert_allclose(w.values[[0, 1, 3, 4, 5]] / [1, 1, 50, 50, 50], 153.0 / 152.0)


def test_margins_given_up_on_request(raked: Weights) -> None:
    w = trim(raked, upper=1.7, keep_margins=False)
    assert w.mass.sum() == pytest.approx(raked.mass.sum())
    assert np.abs(w.values - trim(raked, upper=1.7).values).max() > 0.01


def test_nothing_to_trim_changes_nothing(raked: Weights) -> None:
    np.testing.assert_array_equal(trim(raked, upper=100.0).values, raked.values)


def test_counts_are_repetition() -> None:
    values, counts = np.array([1.0, 2.0, 9.0, 4.0]), np.array([3, 1, 2, 2])
    cell = np.repeat(np.arange(4), counts)
    np.testing.assert_allclose(trim(values[cell], upper=1.5).values, trim(values, upper=1.5, counts=counts).values[cell], rtol=1e-12)


def test_rerun_trims_anew_and_linearisation_holds_the_factor(base: dict[str, Any], raked: Weights) -> None:
    w = trim(raked, upper=1.7)
    assert w.accounts_for == ("rake",)
    u = np.nan_to_num(base["y"])
    np.testing.assert_allclose(w.pullback(u, since=1), w.steps[1].factor * u)
    np.testing.assert_allclose(w.rerun(base["counts"]).values, w.values, rtol=1e-7)


def test_cap_that_forbids_the_margins_names_them(base: dict[str, Any], raked: Weights) -> None:
    with pytest.raises(InfeasibleError, match="under the cap") as caught:
        trim(raked, upper=1.01)
    assert {name for name, _ in caught.value.levels} <= set(base["margins"])


def test_bad_input(raked: Weights) -> None:
    with pytest.raises(InputError, match="upper must lie in"):
        trim(raked, upper=1.0)
    with pytest.raises(InputError, match="method must be one of"):
        trim(raked, upper=2.0, method="winsor")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="keep_margins=False"):
        trim(raked, upper=2.0, within=np.zeros(len(raked)))
