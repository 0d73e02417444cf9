"""Linearised variances of chains against their bootstrap and against Monte Carlo over who answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.weighting import Weights, calibrate, margin_targets, rake, weight_by_propensity

N = 400


@pytest.fixture
def registry() -> dict[str, Any]:
    rng = np.random.default_rng(11)
    region, tenure = rng.integers(0, 3, N), rng.integers(0, 4, N)
    age = rng.standard_normal(N)
    y = 5.0 + 0.8 * region - 0.5 * tenure + 0.7 * age + rng.standard_normal(N)
    p = 1.0 / (1.0 + np.exp(0.6 - 0.5 * region + 0.2 * tenure - 0.4 * age))
    return {"margins": {"region": region, "tenure": tenure}, "age": age, "y": y, "p": p}


def responded(r: dict[str, Any], heard: np.ndarray) -> Weights:
    """Logistic response model, then raking to the registry."""
    x = {"r1": r["margins"]["region"] == 1, "r2": r["margins"]["region"] == 2, "tenure": r["margins"]["tenure"], "age": r["age"]}
    return rake(r["margins"], margin_targets(r["margins"]), base_weights=weight_by_propensity(x, heard))


def raked(r: dict[str, Any], heard: np.ndarray) -> Weights:
    """Raking, then calibration on a number: the response model is implied."""
    w = rake(r["margins"], margin_targets(r["margins"]), base_weights=heard.astype(float))
    return calibrate({"ones": np.ones(N), "age": r["age"]}, {"ones": N, "age": r["age"].sum()}, base_weights=w, distance="raking")


def mean_and_influence(w: Weights, y: np.ndarray, contrast: bool) -> tuple[float, np.ndarray]:
    mean = float(w.values @ y / w.values.sum())
    return mean, w.base * w.pullback((y - mean) / w.values.sum(), contrast=contrast, exact=True)


@pytest.mark.parametrize("build", [responded, raked])
def test_variance_over_who_answers(registry: dict[str, Any], build: Any) -> None:
    """The registry is fixed, who answers is random: sum((1 - p) z^2) over those heard estimates the variance of the mean."""
    rng = np.random.default_rng(12)
    means, variances = [], []
    for _ in range(250):
        heard = rng.random(N) < registry["p"]
        w = build(registry, heard)
        mean, z = mean_and_influence(w, registry["y"], contrast=True)
        share = 1.0 / np.maximum(w.values[heard], 1.0)  # estimated probability of being heard
        means.append(mean)
        variances.append(float(((1.0 - share) * z[heard] ** 2).sum()))
    assert np.mean(means) == pytest.approx(registry["y"].mean(), abs=4.0 * np.std(means) / np.sqrt(250))
    assert np.mean(variances) / np.var(means) == pytest.approx(1.0, abs=0.27)  # three standard errors of a variance of 250


@pytest.mark.parametrize("build", [responded, raked])
def test_linearised_variance_equals_the_bootstrap(registry: dict[str, Any], build: Any) -> None:
    """Rows drawn again with replacement, targets fixed: every step is fitted again by `rerun`."""
    rng = np.random.default_rng(13)
    w = build(registry, rng.random(N) < registry["p"])
    _, z = mean_and_influence(w, registry["y"], contrast=False)
    linearised = N / (N - 1) * float(((z - z.mean()) ** 2).sum())
    means = []
    for _ in range(250):
        again = w.rerun(rng.multinomial(N, np.full(N, 1.0 / N)))
        means.append(float(again.mass @ registry["y"] / again.mass.sum()))
    assert np.var(means) / linearised == pytest.approx(1.0, abs=0.3)
