"""Heckman's model: coverage of both methods and all standard errors; what no exclusion, a false one and skewed errors do."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.errors import VocstatsWarning
from vocstats.estimation import replicate
from vocstats.nonresponse import heckman

PAGE = "nonresponse/selection.md"
N, RHO = 1000, 0.6
TRUTH = {"mean": 7.0, "slope": 1.0, "rho sigma": RHO}
MEAN = {"mean": 7.0}


def world(rng: np.random.Generator, n: int = N, *, skewed: bool = False, effect: float = 0.0) -> dict[str, Any]:
    """Response depends on x, on a call, and on an error that goes with that of the score; `effect` of the call on the score."""
    x, call = rng.normal(size=n), rng.integers(0, 2, n).astype(float)
    v, e = rng.exponential(size=(2, n)) - 1.0 if skewed else rng.normal(size=(2, n))
    score = 7.0 + x + effect * (call - 0.5) + RHO * v + (1 - RHO**2) ** 0.5 * e
    return {"y": np.where(1.2 * call + 0.5 * x - 0.6 + v > 0, score, np.nan), "x": {"x": x}, "z": {"x": x, "call": call}}


def figures(sample: dict[str, Any], *, weight: Floats | None = None, **options: Any) -> Floats:
    """Mean of everybody (less what the x of this sample move it by), slope, and coefficient of the inverse Mills ratio."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", VocstatsWarning)
        r = heckman(sample["y"], sample["x"], sample["z"], **options)
    drift = float(np.average(sample["x"]["x"], weights=weight))
    rows = [[r.mean - drift, r.mean_std_error, r.mean_conf_low - drift, r.mean_conf_high - drift]]
    at = [r.terms.index("x", r.equations.index("outcome")), r.terms.index("mills")]
    return np.vstack([rows, np.stack([getattr(r, name)[at] for name in ("estimate", "std_error", "conf_low", "conf_high")], axis=1)])


def of_mean(sample: dict[str, Any], **options: Any) -> Floats:
    return figures(sample, **options)[:1]


def weighted(rng: np.random.Generator) -> Floats:
    """The sample holds twice as many of those who answer: the error of response differs from everybody's, and weights undo it."""
    w = world(rng, 2 * N)
    chance = np.where(np.isnan(w["y"]), 0.35, 0.7)
    drawn = rng.random(2 * N) < chance
    sample = {"y": w["y"][drawn], **{name: {k: v[drawn] for k, v in w[name].items()} for name in ("x", "z")}}
    return figures(sample, weight=1 / chance[drawn], w=1 / chance[drawn], method="two_step")


def replicated(rng: np.random.Generator) -> Floats:
    reps = replicate(np.ones(400), replicates=30, seed=int(rng.integers(1 << 31)))
    return figures(world(rng, 400), w=reps, method="two_step")


def without_exclusion(rng: np.random.Generator) -> Floats:
    w = world(rng)
    return of_mean({**w, "z": w["x"]}, method="two_step")


STUDIES: dict[str, Any] = {
    "two steps": (lambda rng: figures(world(rng), method="two_step"), TRUTH),
    "two steps, weights": (weighted, TRUTH),
    "likelihood": (lambda rng: figures(world(rng)), TRUTH),
}
FAILING: dict[str, Any] = {
    "no exclusion, two steps": (without_exclusion, MEAN),
    "call moves the score by 0.3, two steps": (lambda rng: of_mean(world(rng, effect=0.3), method="two_step"), MEAN),
    "skewed errors, two steps": (lambda rng: of_mean(world(rng, skewed=True), method="two_step"), MEAN),
}


def run(name: str, repetitions: int | None = None) -> pd.DataFrame:
    draw, truth = (STUDIES | FAILING)[name]
    return repeat(draw, truth, repetitions=repetitions or (500 if name == "likelihood" else 1000))


@pytest.mark.parametrize(("name", "repetitions"), [("likelihood", 6), ("two steps", 30), ("two steps, weights", 20)])
def test_a_few_repetitions(name: str, repetitions: int) -> None:
    assert_plausible(run(name, repetitions))


def test_a_few_replicates() -> None:
    assert_plausible(repeat(replicated, TRUTH, repetitions=6))


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_bias_and_coverage(name: str) -> None:
    found = run(name)
    assert_holds(found)
    assert_printed(found, PAGE, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILING)
def test_damage(name: str) -> None:
    found = run(name)
    assert_printed(found, PAGE, name)
    if name.startswith("no exclusion"):  # the page says: 14 times the spread; heavy tails make it rough
        spread, usual = found.loc["mean", "mc_error"], run("two steps").loc["mean", "mc_error"]
        assert 9 < spread / usual < 20
