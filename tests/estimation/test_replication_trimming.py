"""Steps that only replicates can account for: caps and classes formed from the data, against the true sampling variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from vocstats.estimation import Design, mean, replicate
from vocstats.weighting import Weights, rake, trim, weight_by_propensity

Floats = npt.NDArray[np.float64]
Chain = Callable[["Sample", Floats, Floats], Weights]


@dataclass(frozen=True)
class Sample:
    """Draws with unequal weights, a score that goes with them, a label, and who answered."""

    label: npt.NDArray[np.intp]
    weight: Floats
    heard: npt.NDArray[np.bool_]
    y: Floats


def sample(rng: np.random.Generator, size: int = 250) -> Sample:
    label, log = rng.integers(0, 3, size), rng.normal(size=size)
    heard = rng.random(size) < 1.0 / (1.0 + np.exp(0.3 - 0.8 * log))
    return Sample(label=label, weight=np.exp(log), heard=heard, y=2.0 * log + label + rng.normal(size=size))


def trimmed(s: Sample, base: Floats, counts: Floats) -> Weights:
    """Raked to the label, then capped at 2.5 times the mean weight."""
    raked = rake({"label": s.label}, {"label": {0: 100.0, 1: 100.0, 2: 100.0}}, base_weights=base, counts=counts)
    return trim(raked, upper=2.5)


def classed(s: Sample, base: Floats, counts: Floats) -> Weights:
    """Response rates in four classes of a fitted propensity, small ones merged; drawn with equal probabilities."""
    known = {"log": np.log(s.weight), "label": s.label}
    return weight_by_propensity(known, s.heard, counts=counts, estimator="classes", classes=4, minimum=12)


def estimate(w: Weights, y: Floats) -> float:
    return float(w.mass @ y / w.mass.sum())


def weights_resampled(s: Sample, chain: Chain, replicates: int, rng: np.random.Generator) -> float:
    """The trap: multiplicities taken into the weights, so that a unit drawn twice looks like one heavy unit, and is capped."""
    size, figures = s.y.size, []
    for _ in range(replicates):
        drawn = np.bincount(rng.integers(0, size, size), minlength=size).astype(float)
        figures.append(estimate(chain(s, s.weight * drawn, np.ones(size)), s.y))
    return float(np.var(figures))


def study(chain: Chain, worlds: int, samples: int, replicates: int, seed: int) -> dict[str, tuple[float, float]]:
    """Mean of the estimated variances by method over the true one, with its Monte Carlo error (that of the truth included)."""
    rng = np.random.default_rng(seed)
    figures = np.array([estimate(chain(s, s.weight, np.ones(s.y.size)), s.y) for s in (sample(rng) for _ in range(worlds))])
    truth, own = figures.var(ddof=1), ((figures - figures.mean()) ** 2).std() / np.sqrt(worlds)
    found: dict[str, list[float]] = {"bootstrap": [], "linearised": [], "weights": []}
    for _ in range(samples):
        s = sample(rng)
        w = chain(s, s.weight, np.ones(s.y.size))
        boot = replicate(w, replicates=replicates, seed=int(rng.integers(1 << 30)))
        found["bootstrap"].append(float(mean(s.y, boot).std_error) ** 2)
        found["linearised"].append(float(mean(s.y, w, design=Design()).std_error) ** 2)
        if chain is trimmed:
            found["weights"].append(weights_resampled(s, chain, replicates, rng))
    return {
        name: (float(np.mean(values) / truth), float(np.hypot(np.std(values) / np.sqrt(samples), own) / truth))
        for name, values in found.items() if values
    }


def test_trimming_is_bootstrapped_by_multiplicities_not_weights() -> None:
    result = study(trimmed, worlds=400, samples=16, replicates=24, seed=1)
    ratio, error = result["bootstrap"]
    assert abs(ratio - 1.0) < 3.0 * error, result
    assert result["weights"][0] < 0.85 * ratio, result  # .6 in the long run, with a Monte Carlo error of .08 here


@pytest.mark.slow
def test_trimming_at_length() -> None:
    result = study(trimmed, worlds=1500, samples=60, replicates=60, seed=2)
    ratio, error = result["bootstrap"]
    assert abs(ratio - 1.0) < 3.0 * error, result
    for name, most in {"weights": 0.8, "linearised": 0.9}.items():
        assert result[name][0] < most, result


@pytest.mark.slow
def test_classes_formed_from_the_data() -> None:
    result = study(classed, worlds=1500, samples=60, replicates=60, seed=3)
    ratio, error = result["bootstrap"]
    assert abs(ratio - 1.0) < 3.0 * error, result
