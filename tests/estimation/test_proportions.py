"""Limits of proportions: published values, both bounds, and what they refuse."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from scipy import stats

from vocstats.errors import InputError
from vocstats.estimation import Design, Estimate, composite_index, correlation, mean, proportion, quantile, replicate
from vocstats.options import Inference, ShareInterval
from vocstats.texts import message
from vocstats.weighting import calibrate

INTERVALS: tuple[ShareInterval, ...] = get_args(ShareInterval)
COLUMNS = ("estimate", "std_error", "conf_low", "conf_high", "df", "n")


def same(a: Estimate, b: Estimate, rtol: float = 1e-9) -> None:
    for column in COLUMNS:
        np.testing.assert_allclose(getattr(a, column), getattr(b, column), rtol=rtol, atol=1e-12, err_msg=column)


def answers(seed: int = 0, n: int = 90) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "y": rng.random(n) < 0.2, "w": rng.uniform(1, 4, n), "by": rng.integers(0, 3, n), "cluster": rng.integers(0, 15, n),
        "counts": rng.integers(1, 4, n),
    }


def test_simple_samples_give_the_limits_of_the_textbooks() -> None:
    """15 of 148: Newcombe (1998), Stat. Med. 17, table I, methods 3 (Wilson) and 5 (Clopper and Pearson)."""
    y = np.repeat([1, 0], [15, 133])
    correction = (148 - 1) / 148  # with replacement, the variance is p (1 - p) / (n - 1), and the effective size n - 1
    wilson, exact = (proportion(y, interval=name) for name in ("wilson", "korn_graubard"))
    published = stats.binomtest(15, 148).proportion_ci(method="wilson")
    assert (round(published.low, 4), round(published.high, 4)) == (0.0624, 0.1605)
    assert wilson.conf_low == pytest.approx(published.low, abs=3e-4) and wilson.conf_high == pytest.approx(published.high, abs=5e-4)
    hits = 15 * correction
    low, high = stats.beta.ppf(0.025, hits, 147 - hits + 1), stats.beta.ppf(0.975, hits + 1, 147 - hits)
    assert (exact.conf_low, exact.conf_high) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("inference", get_args(Inference))
def test_counts_zero_weights_and_order(interval: ShareInterval, inference: Inference) -> None:
    r = answers()
    full = {name: np.repeat(column, r["counts"]) for name, column in r.items()}
    few = proportion(r["y"], r["w"], by=r["by"], counts=r["counts"], interval=interval, inference=inference)
    same(few, proportion(full["y"], full["w"], by=full["by"], interval=interval, inference=inference))
    w = np.where(np.arange(90) % 4 == 0, 0.0, r["w"])
    y = np.where(w > 0, r["y"], np.nan)
    kept = np.random.default_rng(1).permutation(np.flatnonzero(w > 0))
    design = [Design(clusters=r["cluster"][rows]) for rows in (np.arange(90), kept)]
    one = proportion(y, w, by=r["by"], design=design[0], interval=interval, inference=inference)
    same(one, proportion(y[kept], w[kept], by=r["by"][kept], design=design[1], interval=interval, inference=inference))


@pytest.mark.parametrize("interval", INTERVALS)
def test_all_none_and_one(interval: ShareInterval) -> None:
    """At 0 and 100 % every method gives the exact limits of Kish's effective size; one answer has limits and no standard error."""
    y, w = np.repeat([0, 1, 0, 1], [30, 30, 1, 5]), np.tile([1.0, 3.0], 33)
    e = proportion(y, w, by=np.repeat([0, 1, 2, 3], [30, 30, 1, 5]), interval=interval)
    assert e.estimate.tolist() == [0, 1, 0, 1]
    assert (e.conf_low[0], e.conf_high[1]) == (0, 1)
    assert e.conf_high[0] == pytest.approx(1 - 0.025 ** (1 / 24)) and e.conf_low[1] == pytest.approx(0.025 ** (1 / 24))
    assert np.isnan(e.std_error[2]) and (e.conf_low[2], e.conf_high[2]) == (0.0, pytest.approx(0.975))


@pytest.mark.parametrize("interval", INTERVALS[:-1])
def test_limits_stay_inside_and_hold_the_share(interval: ShareInterval) -> None:
    rng = np.random.default_rng(3)
    y, by = rng.random(4000) < np.repeat([0.02, 0.2, 0.5, 0.97], 1000), np.arange(4000) // 20
    e = proportion(y, rng.uniform(1, 9, 4000), by=by, interval=interval)
    assert ((e.conf_low >= 0) & (e.conf_low <= e.estimate) & (e.estimate <= e.conf_high) & (e.conf_high <= 1)).all()


def test_a_share_outside_0_to_1_has_wald_limits_only() -> None:
    """Linear calibration may give negative weights, and these a share below 0."""
    x = np.array([1.0, 1, 1, 1, 1, 20])
    w = calibrate({"one": np.ones(6), "x": x}, {"one": 6.0, "x": -5.0})
    y = [0, 0, 0, 0, 0, 1]
    assert w.values.min() < 0
    for interval in INTERVALS:
        e = proportion(y, w, interval=interval)
        assert e.estimate < 0 and e.std_error >= 0
        assert np.isnan(e.conf_low) == np.isnan(e.conf_high) == (interval != "wald")


def test_a_census_knows_its_share() -> None:
    for interval in INTERVALS:
        e = proportion([0, 1, 0, 1, 1], design=Design(fpc=np.full(5, 5.0)), interval=interval)
        assert (e.conf_low, e.conf_high) == (pytest.approx(0.6), pytest.approx(0.6)) and e.std_error == 0


def test_replicates_and_influence_agree() -> None:
    r = answers(5, 600)
    reps = replicate(r["w"], method="jackknife", centre="mean")
    for interval in INTERVALS:
        by_hand, linear = (proportion(r["y"], w, interval=interval) for w in (reps, r["w"]))
        assert by_hand.std_error == pytest.approx(linear.std_error, rel=0.01)
        assert by_hand.conf_low == pytest.approx(linear.conf_low, rel=0.01)


@pytest.mark.parametrize(("interval", "least", "most"), [("korn_graubard", 0.95, 1.0), ("wilson", 0.93, 0.985), ("logit", 0.93, 0.99)])
def test_rare_answers_are_covered(interval: ShareInterval, least: float, most: float) -> None:
    """A share of 4 % among 120 with unequal weights, 1,000 samples as domains of one call; Wald's limits fall short of all."""
    rng = np.random.default_rng(11)
    y, w, by = rng.random(120_000) < 0.04, rng.uniform(1, 3, 120_000), np.arange(120_000) // 120
    e, wald = (proportion(y, w, by=by, interval=name) for name in (interval, "wald"))
    covered, short = (float(np.mean((x.conf_low <= 0.04) & (x.conf_high >= 0.04))) for x in (e, wald))
    assert least - 0.014 <= covered <= most and short < 0.92


@pytest.mark.parametrize(
    ("y", "options", "code"),
    [([0, 1, 2], {}, "not_zero_one"), ([0.5, 1, 0], {}, "not_zero_one"), ([0, 1, 1], {"interval": "exact"}, "not_a_choice"),
     (["yes", "no", "no"], {}, "not_numeric"), ([0, np.nan, 1], {}, "missing_outcome")],
)  # fmt: skip
def test_refusals(y: Any, options: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        proportion(y, **options)
    assert caught.value.code == code and message(caught.value, "zh")


def test_the_estimate_is_the_mean() -> None:
    r = answers(7)
    share, plain = (f(r["y"], r["w"], by=r["by"], design=Design(clusters=r["cluster"])) for f in (proportion, mean))
    np.testing.assert_allclose(share.std_error, plain.std_error)
    assert share.statistic == "proportion" and share.variance_accounts_for == plain.variance_accounts_for


def test_percentile_limits_of_replicates_are_kept() -> None:
    r = answers(8, 300)
    reps = replicate(r["w"], replicates=200, seed=3, interval="percentile")
    e = proportion(r["y"], reps)
    np.testing.assert_allclose([e.conf_low, e.conf_high], np.quantile(e.material.values[0], [0.025, 0.975]))
    assert proportion(r["y"], reps, interval="wilson").conf_low != e.conf_low
    x = r["w"] + r["cluster"]
    for other in (correlation(x, r["w"], reps), quantile(x, reps), composite_index(np.column_stack([x, r["w"], x + r["y"]]), reps).alpha):
        np.testing.assert_allclose([other.conf_low, other.conf_high], np.quantile(other.material.values[0], [0.025, 0.975]))
    assert proportion(np.zeros(300), reps).conf_high == pytest.approx(1 - 0.025 ** (1 / (r["w"].sum() ** 2 / (r["w"] ** 2).sum())))
