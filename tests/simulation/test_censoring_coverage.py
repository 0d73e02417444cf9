"""Coverage of means by censoring weights where leaving is told by x, and the damage where a reason to leave is left out."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import special

from vocstats.estimation import mean
from vocstats.survivorship import PositivityWarning, censoring_weights

N, AT, PERIODS = 2_500, 4, 6
BASELINE = np.array([-2.6, -2.4, -2.6, -2.7, -2.4, -2.5])
TRUTH = 7.0  # had nobody left


def repetition(rng: np.random.Generator, options: dict[str, object], known: tuple[str, ...] = ("type", "complaints")) -> list[float]:
    """Weighted mean with its error, and the mean of those who stayed.

    Complaints make customers leave and score lower; some came under observation late, some are followed for less than four periods.
    """
    type_, complaints = rng.integers(0, 2, N), rng.binomial(3, 0.25, N)
    chance = special.expit(BASELINE + (0.5 * type_ + 0.6 * complaints)[:, None])
    leaves = rng.random((N, PERIODS)) < chance
    when = np.where(leaves.any(axis=1), leaves.argmax(axis=1) + 1, PERIODS + 1)
    entry, followed = rng.integers(0, 3, N), rng.integers(2, PERIODS + 1, N)
    seen = np.minimum(when, followed) > entry
    score = TRUTH - 1.0 * (complaints - 0.75) - 0.5 * (type_ - 0.5) + rng.normal(0, 1.5, N)
    columns = {"type": np.array(["a", "b"])[type_][seen], "complaints": complaints[seen].astype(float)}
    duration, event = np.minimum(when, followed)[seen], (when <= followed)[seen]
    there = (duration >= AT) & ~(event & (duration == AT))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PositivityWarning)
        w = censoring_weights(duration, event, {name: columns[name] for name in known}, at=AT, entry=entry[seen], **options)  # type: ignore[arg-type]
    e = mean(np.where(there, score[seen], np.nan), w)
    return [float(e.estimate), float(e.std_error), float(score[seen][there].mean())]


def study(repetitions: int, seed: int, known: tuple[str, ...] = ("type", "complaints"), **options: object) -> dict[str, float]:
    """Bias of both means, Monte Carlo error, coverage, and the mean standard error over the spread of the estimates."""
    rng = np.random.default_rng(seed)
    estimate, error, naive = np.array([repetition(rng, options, known) for _ in range(repetitions)]).T
    return {
        "bias": float(estimate.mean() - TRUTH), "error": float(estimate.std() / repetitions**0.5), "naive": float(naive.mean() - TRUTH),
        "covered": float((np.abs(estimate - TRUTH) < 1.959964 * error).mean()), "ratio": float(error.mean() / estimate.std()),
    }


def test_coverage_in_ci() -> None:
    r = study(80, 1)
    assert abs(r["bias"]) < 4 * r["error"] and 0.90 < r["covered"] < 0.99
    assert r["naive"] > 0.15


def test_a_reason_left_out_in_ci() -> None:
    r = study(40, 2, known=("type",))
    assert r["bias"] > 0.12 and r["covered"] < 0.5


@pytest.mark.slow
def test_coverage() -> None:
    r = study(1000, 3)
    assert abs(r["bias"]) < 2.5 * r["error"] and 0.92 < r["covered"] < 0.98 and 0.95 < r["ratio"] < 1.05


@pytest.mark.slow
def test_damage_of_a_reason_left_out() -> None:
    """The figures of docs/methods/survivorship/censoring.md."""
    for figures, known, options in (((0.181, 0.13), ("type",), {}), ((0.073, 0.73), ("type", "complaints"), {"truncate": (0.0, 0.9)})):
        r = study(500, 6, known=known, **options)
        assert abs(r["bias"] - figures[0]) < 4 * r["error"] and abs(r["covered"] - figures[1]) < 0.07
        assert abs(r["naive"] - 0.208) < 0.01


if __name__ == "__main__":
    print("holds", study(1000, 3))
    print("left out", study(1000, 4, known=("type",)))
    print("truncated", study(1000, 5, truncate=(0.0, 0.9)))
