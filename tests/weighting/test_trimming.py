"""Trimming: the cap holds, totals and margins hold, what is below the cap keeps its order."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
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
    for options, message in (
        ({"upper": 2.0, "within": np.zeros(len(raked))}, "within= says .* keep_margins=False"),
        ({"upper": 2.0, "redistribute": "equal"}, "redistribute= says .* keep_margins=False"),
        ({}, "trim needs upper= or lower="),
        ({"upper": 2.0, "lower": 1.0}, "lower must lie in"),
        ({"upper": 2.0, "lower": 3.0, "units": "weight"}, "upper must lie in"),
        ({"upper": 2.0, "units": "weight", "relative_to": np.zeros(len(raked))}, "relative_to= says"),
        ({"upper": 2.0, "units": "median"}, "units must be one of"),
        ({"upper": [2.0, 3.0]}, "upper must be a number"),
        ({"method": "mse"}, "they go with it, and only with it"),
        ({"upper": 2.0, "outcomes": np.zeros(len(raked))}, "they go with it, and only with it"),
        ({"method": "mse", "outcomes": np.full(len(raked), np.nan)}, "missing values where the weight is not 0"),
        ({"method": "mse", "outcomes": {"y": np.zeros(3)}}, r"outcomes\['y'\] has 3 entries"),
    ):
        with pytest.raises(InputError, match=message):
            trim(raked, **options)  # type: ignore[arg-type]


def test_floor_and_cap_hold_with_the_margins(base: dict[str, Any], raked: Weights) -> None:
    w = trim(raked, lower=0.21, upper=2.9)
    ratio = w.values[base["heard"]] / heard_mean(raked)
    assert raked.values[base["heard"]].min() < 0.205 * heard_mean(raked)
    assert (ratio.min(), ratio.max()) == pytest.approx((0.21, 2.9), rel=1e-9)
    for column in base["margins"].values():
        for level in np.unique(column):
            assert w.mass[column == level].sum() == pytest.approx(base["counts"][column == level].sum(), rel=1e-7)
    assert (w.values[~base["heard"]] == 0.0).all()
    with pytest.raises(InfeasibleError, match="between the floor and the cap meet all totals"):
        trim(raked, lower=0.99)


def test_nobody_stands_for_less_than_himself(raked: Weights) -> None:
    """Certainty units, and everybody else, keep a weight of 1 at least."""
    below = trim([0.4, 0.9, 1.0, 6.0, 0.0], lower=1.0, units="weight")
    np.testing.assert_allclose(below.values, [1.0, 1.0, 1.0, 5.3, 0.0])
    assert below.steps_frame()["trimmed"].iloc[1] == 2
    kept = trim(raked, lower=1.0, units="weight")
    assert raked.values[raked.values > 0].min() < 0.6
    assert kept.values[kept.values > 0].min() == 1.0
    np.testing.assert_array_equal(trim(kept, lower=1.0, units="weight").values, kept.values)
    with pytest.raises(InfeasibleError, match="mean weight in 0 is below the floor"):
        trim([0.5, 0.6], lower=1.0, units="weight")


def brute(w: np.ndarray, low: float, high: float, equal: bool) -> np.ndarray:
    """The factor, or addend, by bisection."""
    ends = (-1e6, 1e6) if equal else (0.0, 1e6)
    for _ in range(200):
        middle = sum(ends) / 2
        values = np.clip(w + middle if equal else w * middle, low, high)
        ends = (middle, ends[1]) if values.sum() < w.sum() else (ends[0], middle)
    return values


@pytest.mark.parametrize("equal", [False, True], ids=["proportional", "equal"])
@pytest.mark.parametrize("limits", [(0.0, 1.3), (0.6, np.inf), (0.6, 1.3), (0.95, 1.05), (0.0, 1e9)])
def test_redistribution_by_bisection(limits: tuple[float, float], equal: bool) -> None:
    rng = np.random.default_rng(9)
    w, group = rng.lognormal(0.0, 1.0, 300), np.arange(300) % 4
    low, high = limits
    means = w.mean()
    trimmed = trim(
        w, lower=low, upper=None if np.isinf(high) else high, within=None, redistribute="equal" if equal else "proportional"
    )
    np.testing.assert_allclose(trimmed.values, brute(w, low * means, high * means, equal), rtol=1e-8)
    grouped = trim(
        w, lower=low * means, upper=min(high * means, 1e9), units="weight", within=group,
        redistribute="equal" if equal else "proportional",
    ) if limits != (0.95, 1.05) else None
    for g in range(4) if grouped else ():
        np.testing.assert_allclose(grouped.values[group == g], brute(w[group == g], low * means, high * means, equal), rtol=1e-8)  # type: ignore[union-attr]


R_SCRIPT = """
suppressMessages(library(survey))
clus1 <- read.csv("{data}/api/apiclus1.csv")
d <- svydesign(id=~dnum, weights=~pw, data=clus1, fpc=~fpc)
pop <- c(`(Intercept)`=6194, stypeH=755, stypeM=1018, api99=3914069)
g <- calibrate(d, ~stype+api99, pop, epsilon=1e-12)
out <- cbind(weights(trimWeights(g, upper=45, strict=TRUE)), weights(trimWeights(g, lower=20, strict=TRUE)),
             weights(calibrate(d, ~stype+api99, pop, calfun="raking", bounds=list(lower=19, upper=60), bounds.const=TRUE,
                               epsilon=1e-12, maxit=500)))
write.table(format(out, digits=15), "{folder}/out.csv", sep=",", row.names=FALSE, col.names=FALSE, quote=FALSE)
"""


def test_equals_r_survey_where_the_methods_are_the_same(data: Path, rscript: str, tmp_path: Path) -> None:
    """trimWeights(strict=TRUE) adds equally; calibrate(bounds.const=TRUE) restricts the range of raking weights."""
    (tmp_path / "fit.R").write_text(R_SCRIPT.format(data=data.as_posix(), folder=tmp_path.as_posix()))
    subprocess.run([rscript, "--vanilla", str(tmp_path / "fit.R")], check=True, capture_output=True)
    expected = np.loadtxt(tmp_path / "out.csv", delimiter=",")
    schools = pd.read_csv(data / "api" / "apiclus1.csv")
    totals = {"stype": {"E": 4421, "H": 755, "M": 1018}, "api99": 3914069}
    linear, raking = (
        calibrate(schools[["stype", "api99"]], totals, base_weights=schools["pw"], distance=distance) for distance in ("linear", "raking")  # type: ignore[arg-type]
    )
    equally: Any = {"units": "weight", "keep_margins": False, "redistribute": "equal"}
    fits = [trim(linear, upper=45, **equally), trim(linear, lower=20, **equally), trim(raking, lower=19, upper=60, units="weight")]
    for j, w in enumerate(fits):
        np.testing.assert_allclose(w.values, expected[:, j], rtol=1e-6)
    assert (fits[2].values.min(), fits[2].values.max()) == pytest.approx((19.0, 60.0))


# Potter's criterion


def mean_and_variance(w: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    mean = float(w @ y / w.sum())
    return mean, w * (y - mean) / w.sum()


def test_curve_is_bias_and_variance_at_every_cap() -> None:
    rng = np.random.default_rng(50)
    w, y = rng.lognormal(0.0, 1.2, 60), rng.standard_normal((60, 2))
    outcomes = {"a": y[:, 0], "b": y[:, 1] + 0.3 * w}
    chosen = trim(w, method="mse", outcomes=outcomes)
    curve = chosen.steps[0].curve()  # type: ignore[attr-defined]
    assert curve.columns.tolist() == ["upper", "trimmed", "relative_mse", "bias_a", "std_error_a", "bias_b", "std_error_b"]
    distinct = np.sort(w[w > w.mean()])[::-1] / w.mean()
    np.testing.assert_allclose(curve["upper"], [np.inf, *distinct[1:]])
    for row in curve.itertuples():
        after = w if np.isinf(row.upper) else trim(w, upper=row.upper).values
        ratios = []
        for name, column in outcomes.items():
            (before, z0), (mean, z1) = mean_and_variance(w, column), mean_and_variance(after, column)
            v0, v1, change = (60 / 59 * float(z @ z) for z in (z0, z1, z1 - z0))
            bias2 = max(0.0, (mean - before) ** 2 - change)
            assert getattr(row, f"bias_{name}") ** 2 == pytest.approx(bias2, abs=1e-12)
            assert getattr(row, f"std_error_{name}") == pytest.approx(v1**0.5)
            ratios.append((bias2 + v1) / v0)
        assert row.relative_mse == pytest.approx(np.mean(ratios))
    best = curve["upper"][curve["relative_mse"].argmin()]
    np.testing.assert_array_equal(chosen.values, trim(w, upper=best).values)
    assert 1.0 < best < np.inf


def test_criterion_leaves_weights_that_matter_and_cuts_those_that_do_not() -> None:
    """Answers that follow the weight: trimming is bias. Answers that do not: it is gain, and the true error falls."""
    rng = np.random.default_rng(51)
    squared = {"plain": 0.0, "trimmed": 0.0}
    for _ in range(150):
        w = rng.lognormal(0.0, 1.3, 80)
        y = rng.standard_normal(80)
        capped = trim(w, method="mse", outcomes=y).values
        squared["plain"] += float(w @ y / w.sum()) ** 2
        squared["trimmed"] += float(capped @ y / capped.sum()) ** 2
    assert squared["trimmed"] < 0.8 * squared["plain"]
    w = rng.lognormal(0.0, 0.6, 4000)
    followed = trim(w, method="mse", outcomes={"y": np.log(w) + 0.1 * rng.standard_normal(4000)})
    assert followed.steps[0].upper > 4.0  # type: ignore[attr-defined]


def test_candidates_margins_and_reruns(base: dict[str, Any], raked: Weights) -> None:
    w = trim(raked, method="mse", outcomes=base["y"])
    curve = w.steps[1].curve()  # type: ignore[attr-defined]
    assert curve["upper"].is_monotonic_decreasing
    assert np.isinf(curve["upper"][0])
    for level in np.unique(base["margins"]["region"]):  # the caps that cannot keep the margins are not on the list
        here = base["margins"]["region"] == level
        assert w.mass[here].sum() == pytest.approx(base["counts"][here].sum(), rel=1e-7)
    given = trim(raked, method="mse", outcomes=base["y"], upper=[3.0, 1.8, 2.4], keep_margins=False)
    assert given.steps[1].curve()["upper"].tolist() == [3.0, 2.4, 1.8]  # type: ignore[attr-defined]
    np.testing.assert_allclose(w.rerun(base["counts"]).values, w.values, rtol=1e-6)
    other = base["counts"] * (1 + np.arange(base["n"]) % 2)
    anew = Weights(base=raked.base, counts=other.astype(float)).followed_by(raked.steps[0].rerun(raked.base, other.astype(float)))
    np.testing.assert_allclose(w.rerun(other).values, trim(anew, method="mse", outcomes=base["y"]).values, rtol=1e-6)
    with pytest.raises(InfeasibleError, match="under the cap"):
        trim(raked, method="mse", outcomes=base["y"], upper=[1.01, 1.005])
    assert w.accounts_for == ("rake",)


def test_counts_repeat_and_equal_weights_stay(base: dict[str, Any]) -> None:
    values, counts = np.array([1.0, 2.0, 9.0, 4.0, 0.0, 6.0]), np.array([3, 1, 2, 2, 4, 1])
    y = np.array([3.0, 5.0, 4.0, 4.5, np.nan, 1.0])
    cell = np.repeat(np.arange(6), counts)
    for options in ({"upper": 1.5, "lower": 0.5}, {"upper": 1.5, "redistribute": "equal"}, {"method": "mse", "outcomes": y}):
        rows = options | ({"outcomes": y[cell]} if "outcomes" in options else {})
        by_cell = trim(values, counts=counts, **options)  # type: ignore[arg-type]
        np.testing.assert_allclose(trim(values[cell], **rows).values, by_cell.values[cell], rtol=1e-10)  # type: ignore[arg-type]
    alike = trim([2.0, 2.0, 2.0], method="mse", outcomes=[1.0, 2.0, 3.0])
    assert alike.values.tolist() == [2.0, 2.0, 2.0]
