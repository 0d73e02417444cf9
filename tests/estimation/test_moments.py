"""Population variances, covariances and correlations: by hand, by jackknife, on the edges."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest

from vocstats.errors import InputError
from vocstats.estimation import Design, correlation, population_covariance, population_variance, replicate, smooth_function
from vocstats.options import Inference
from vocstats.weighting import rake

FIGURES = {
    "variance": lambda y, x, *a, **o: population_variance(y, *a, **o), "covariance": population_covariance, "correlation": correlation
}  # fmt: skip


def sample(seed: int = 0, n: int = 300) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return {
        "y": 1e6 + 0.6 * x + rng.normal(size=n), "x": x, "w": rng.uniform(1, 3, n), "by": rng.integers(0, 3, n),
        "counts": rng.integers(1, 4, n),
    }


def test_unweighted_they_are_those_of_numpy() -> None:
    r = sample()
    assert population_variance(r["y"]).estimate == pytest.approx(np.var(r["y"], ddof=1))
    assert population_covariance(r["y"], r["x"]).estimate == pytest.approx(np.cov(r["y"], r["x"])[0, 1])
    assert correlation(r["y"], r["x"]).estimate == pytest.approx(np.corrcoef(r["y"], r["x"])[0, 1])


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("inference", get_args(Inference))
def test_counts_zero_weights_and_order(name: str, inference: Inference) -> None:
    r, figure = sample(1), FIGURES[name]
    rows = np.random.default_rng(2).permutation(np.repeat(np.arange(300), r["counts"]))
    few = figure(r["y"], r["x"], r["w"], by=r["by"], counts=r["counts"], inference=inference)
    full = figure(r["y"][rows], r["x"][rows], r["w"][rows], by=r["by"][rows], inference=inference)
    w = np.where(np.arange(300) % 4 == 0, 0.0, r["w"])
    kept = w > 0
    zero = figure(np.where(kept, r["y"], np.nan), r["x"], w, by=r["by"], inference=inference)
    left = figure(r["y"][kept], r["x"][kept], w[kept], by=r["by"][kept], inference=inference)
    for a, b in ((few, full), (zero, left)):
        for column in ("estimate", "std_error", "conf_low", "conf_high"):
            np.testing.assert_allclose(getattr(a, column), getattr(b, column), rtol=1e-7, err_msg=column)


@pytest.mark.parametrize("name", FIGURES)
def test_jackknife_through_a_chain(name: str) -> None:
    r = sample(3, 400)
    w = rake({"by": r["by"], "sign": r["x"] > 0}, {"by": {0: 200, 1: 300, 2: 500}, "sign": {False: 500, True: 500}}, base_weights=r["w"])
    linear, replicated = (FIGURES[name](r["y"], r["x"], x, by=r["by"]) for x in (w, replicate(w, method="jackknife", centre="mean")))
    np.testing.assert_allclose(replicated.estimate, linear.estimate)
    np.testing.assert_allclose(replicated.std_error, linear.std_error, rtol=0.05)


def test_correlation_is_the_function_of_its_parts() -> None:
    r = sample(4)
    design = Design(clusters=np.arange(300) // 6)
    options: dict[str, Any] = {"design": design, "by": r["by"]}
    parts = population_covariance(r["y"], r["x"], r["w"], **options), *(population_variance(r[name], r["w"], **options) for name in "yx")
    joined, direct = smooth_function(lambda c, a, b: c / np.sqrt(a * b), *parts), correlation(r["y"], r["x"], r["w"], **options)
    np.testing.assert_allclose(joined.estimate, direct.estimate)
    np.testing.assert_allclose(joined.std_error, direct.std_error, rtol=1e-7)


def test_large_means_lose_no_digits() -> None:
    y = np.array([1.0, 2, 3, 4])
    assert population_variance(1e9 + y).estimate == pytest.approx(population_variance(y).estimate, rel=1e-9)


def test_edges() -> None:
    assert np.isnan(population_variance([3.0]).estimate)
    flat = population_variance([3.0, 3.0, 3.0])
    assert (flat.estimate, flat.std_error) == (0, 0)
    assert np.isnan(correlation([3.0, 3.0, 3.0], [1.0, 2.0, 3.0]).estimate)
    line = correlation([1.0, 2.0, 4.0], [2.0, 4.0, 8.0])
    assert line.estimate == pytest.approx(1.0) and line.conf_low == pytest.approx(1.0) and line.std_error == pytest.approx(0, abs=1e-9)
    e = population_variance([1.0, 2, 9, np.nan], [1.0, 1, 1, 0], by=[0, 0, 1, 2])
    assert e.estimate[0] == 0.5 and np.isnan(e.estimate[1:]).all()
    low = correlation([1.0, 2, 3, 4, 5, 6], [1.0, 3, 2, 5, 4, 6])
    assert -1 < low.conf_low < low.estimate < low.conf_high < 1


def test_coverage_of_correlations() -> None:
    """1,000 samples of 60 from a normal population with correlation .7: Fisher's scale covers."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=60_000)
    y = 0.7 * x + np.sqrt(0.51) * rng.normal(size=60_000)
    e = correlation(y, x, by=np.arange(60_000) // 60)
    covered = float(np.mean((e.conf_low <= 0.7) & (e.conf_high >= 0.7)))
    assert 0.91 < covered < 0.97


def test_missing_x_is_refused() -> None:
    with pytest.raises(InputError, match="x has 1 missing"):
        correlation([1.0, 2, 3], [1.0, np.nan, 2])
