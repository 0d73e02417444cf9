"""Coverage of hazard regression where its model holds, and the damage of a frailty nobody recorded."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from vocstats.survivorship import hazard_regression

PERIODS, EFFECTS, NEW = 6, (0.8, -0.5), {"type": ["b"], "age": [1.0]}
N = 2_500  # maximum likelihood exaggerates effects by about 6/N of their size
BASELINE = np.array([-1.8, -1.6, -1.9, -2.0, -1.7, -1.8])
NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(60)


def hazards(type_: np.ndarray, age: np.ndarray, frailty: np.ndarray) -> np.ndarray:
    """Chances of leaving, (n, periods)."""
    return special.expit(BASELINE + (EFFECTS[0] * type_ + EFFECTS[1] * age + frailty)[..., None])


def truths(spread: float) -> np.ndarray:
    """Both effects given the frailty, and S(6) of a new customer of type b and age 1, over the frailty."""
    surviving = (1.0 - hazards(np.ones(60), np.ones(60), spread * NODES)).prod(axis=1)
    return np.array([*EFFECTS, float(NODE_WEIGHTS @ surviving / NODE_WEIGHTS.sum())])


def repetition(rng: np.random.Generator, spread: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate and limits: late entries, and customers followed for three to six periods."""
    type_, age = rng.integers(0, 2, N), np.round(2.0 * rng.normal(size=N)) / 2.0
    leaves = rng.random((N, PERIODS)) < hazards(type_, age, spread * rng.normal(size=N))
    when = np.where(leaves.any(axis=1), leaves.argmax(axis=1) + 1, PERIODS + 1)
    entry, followed = rng.integers(0, 3, N), rng.integers(3, PERIODS + 1, N)
    seen = np.minimum(when, followed) > entry
    x = {"type": np.array(["a", "b"])[type_][seen], "age": age[seen]}
    r = hazard_regression(np.minimum(when, followed)[seen], (when <= followed)[seen], x, entry=entry[seen])
    s = r.survival(NEW, times=[PERIODS]).iloc[0]
    pick = slice(PERIODS, PERIODS + 2)
    return (
        np.append(r.estimate[pick], s["survival"]), np.append(r.conf_low[pick], s["conf_low"]),
        np.append(r.conf_high[pick], s["conf_high"]),
    )


def study(repetitions: int, seed: int, spread: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bias, its Monte Carlo error, and coverage of both effects and of S(6 | x)."""
    rng, truth = np.random.default_rng(seed), truths(spread)
    estimate, low, high = (np.array(part) for part in zip(*(repetition(rng, spread) for _ in range(repetitions)), strict=True))
    error = estimate.std(axis=0) / repetitions**0.5
    return estimate.mean(axis=0) - truth, error, ((low <= truth) & (truth <= high)).mean(axis=0)


def test_coverage_in_ci() -> None:
    bias, error, covered = study(80, 1)
    assert (np.abs(bias) < 4 * error).all()
    assert (np.abs(covered - 0.95) < 0.07).all()


def test_frailty_in_ci() -> None:
    bias, _, covered = study(30, 2, spread=1.5)
    assert bias[0] < -0.25 and bias[1] > 0.15 and (covered[:2] < 0.2).all()


@pytest.mark.slow
def test_coverage() -> None:
    bias, error, covered = study(1000, 3)
    assert (np.abs(bias) < 2.5 * error).all()
    assert ((covered > 0.92) & (covered < 0.98)).all()


@pytest.mark.slow
def test_damage_of_a_frailty_nobody_recorded() -> None:
    """The figures of docs/methods/survivorship/hazards.md."""
    bias, error, covered = study(500, 5, spread=1.5)
    assert (np.abs(bias - [-0.328, 0.204, 0.002]) < 4 * error).all()
    assert (np.abs(covered - [0.01, 0.0, 0.94]) < 0.04).all()


if __name__ == "__main__":
    for repetitions, seed, spread in ((1000, 3, 0.0), (1000, 4, 1.5)):
        bias, error, covered = study(repetitions, seed, spread)
        print(spread, "truth", truths(spread).round(4), "bias", bias.round(4), "error", error.round(4), "covered", covered.round(3))
