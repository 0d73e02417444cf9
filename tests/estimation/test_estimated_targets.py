"""Targets that are estimates: what they add to the variance of every kind of estimate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.estimation import difference, mean, proportion, quantile, regress, replicate, smooth_function, total
from vocstats.options import Inference
from vocstats.weighting import Weights, calibrate, rake

N = 300
COVARIANCE = np.diag([25.0, 16.0, 90_000.0])  # of west, east and tenure


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    rng = np.random.default_rng(40)
    region, tenure = np.array(["east", "west"])[rng.integers(0, 2, N)], rng.gamma(2.0, 10.0, N)
    y = 5.0 + 0.1 * tenure + (region == "west") + rng.standard_normal(N)
    return {"x": {"region": region, "tenure": tenure}, "y": y, "by": np.arange(N) % 3}


def first(world: dict[str, Any], **options: Any) -> Weights:
    return calibrate(world["x"], {"region": {"west": 640.0, "east": 590.0}, "tenure": 25_000.0}, base_weights=np.full(N, 4.0), **options)


def built(world: dict[str, Any], **options: Any) -> Weights:
    return rake({"by": world["by"]}, {"by": {0: 400.0, 1: 420.0, 2: 410.0}}, base_weights=first(world, **options))


@pytest.mark.parametrize("inference", ["r", "registry", "process"])
def test_every_domain_gains_what_the_chain_says(world: dict[str, Any], inference: Inference) -> None:
    known, estimated = built(world), built(world, totals_covariance=COVARIANCE)
    without, gained = (mean(world["y"], w, by=world["by"], inference=inference) for w in (known, estimated))
    inside = world["by"][:, None] == np.arange(3)
    u = np.where(inside, (world["y"][:, None] - gained.estimate) / np.bincount(world["by"], estimated.values), 0.0)
    added = estimated.target_variance(u)
    np.testing.assert_allclose(gained.std_error**2 - without.std_error**2, np.diag(added), rtol=1e-8)
    np.testing.assert_allclose(gained.covariance() - without.covariance(), added, rtol=1e-6, atol=1e-10)
    assert "estimated_targets" in gained.variance_accounts_for and "estimated_targets" not in without.variance_accounts_for
    if inference != "r":
        assert (gained.df >= without.df).all()


def test_a_target_has_the_standard_error_it_was_given(world: dict[str, Any]) -> None:
    w = first(world, totals_covariance=COVARIANCE)
    assert total(world["x"]["tenure"], w).std_error == pytest.approx(300.0)
    assert difference(total(world["x"]["tenure"], w), total(world["x"]["tenure"], w)).std_error == pytest.approx(0.0, abs=1e-4)


def test_functions_share_the_targets_of_one_chain(world: dict[str, Any]) -> None:
    """The ratio of two totals equals the mean; against weights with known targets, all of the variance stays."""
    y, by, w, known = world["y"], world["by"], built(world, totals_covariance=COVARIANCE), built(world)
    joined = smooth_function(np.divide, total(y, w, by=by), total(np.ones(N), w, by=by))
    np.testing.assert_allclose(joined.std_error, mean(y, w, by=by).std_error, rtol=1e-7)
    whole, part = mean(y, w), mean(y, w, by=by)
    gained = difference(part, whole).std_error ** 2 - difference(mean(y, known, by=by), mean(y, known)).std_error ** 2
    of_whole = (y - whole.estimate) / w.mass.sum()
    of_parts = np.where(by[:, None] == np.arange(3), (y[:, None] - part.estimate) / np.bincount(by, w.mass), 0.0)
    np.testing.assert_allclose(gained, np.diag(w.target_variance(of_parts - of_whole[:, None])), rtol=1e-6)
    other = difference(whole, mean(y, known))
    assert other.std_error**2 == pytest.approx(float(w.target_variance(of_whole)), rel=1e-5)


def test_every_statistic_gains(world: dict[str, Any]) -> None:
    known, estimated = built(world), built(world, totals_covariance=COVARIANCE)
    for statistic in (
        lambda w: mean(world["y"], w), lambda w: proportion(world["y"] > 7, w), lambda w: quantile(world["y"], w),
        lambda w: regress(world["y"], {"by": world["by"] == 1}, w),
    ):  # fmt: skip
        assert (np.asarray(statistic(estimated).std_error) > np.asarray(statistic(known).std_error)).all()


def test_replicates_agree(world: dict[str, Any]) -> None:
    w = built(world, totals_covariance=COVARIANCE)
    jack = mean(world["y"], replicate(w, method="jackknife"))
    assert jack.std_error == pytest.approx(mean(world["y"], w).std_error, rel=0.07)
    assert jack.std_error > 1.02 * mean(world["y"], replicate(built(world), method="jackknife")).std_error
