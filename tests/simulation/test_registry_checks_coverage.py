"""Registry checks: bias and coverage of gap, slope and remaining bias; damage where silence has more to do with the outcome."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import REPETITIONS, Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.sensitivity import registry_check
from vocstats.weighting import weight_by_propensity

PAGE = "sensitivity/registry_checks.md"
SIZE = 2100
TERMS = ("gap", "slope", "remaining_bias")
CHANCES: dict[str, Any] = {
    "all is in the weights": lambda x: 0.25 + 0.15 * x["region"],
    "silence goes with later churn": lambda x: np.where(x["churned"] == 1, 0.5, 1.0) * (0.25 + 0.15 * x["region"]),
    "silence goes with the score": lambda x: 0.05 + 0.07 * x["y"],
    "happiest and unhappiest silent": lambda x: np.where(np.abs(x["y"] - 6) > 2, 0.2, 0.6),
    "later behaviour says nothing": lambda x: 0.05 + 0.07 * x["y"],
}


@cache
def registry(related: bool = True) -> dict[str, Any]:
    """Customers listed, three regions alike: score, and the three in ten of each region who leave, mostly those who score low for it."""
    rng = np.random.default_rng(0)
    region = np.repeat([0, 1, 2], SIZE // 3)
    apart = rng.binomial(9, 0.5, SIZE)
    drive = (rng.logistic(size=SIZE) - 0.6 * apart * related).reshape(3, -1)
    left = drive.argsort(axis=1).argsort(axis=1) >= 0.7 * drive.shape[1]
    return {"region": region, "y": 1.0 + np.clip(apart + region - 1, 0, 9), "churned": left.ravel() * 1.0}


def base(name: str) -> dict[str, Any]:
    return registry("says nothing" not in name)


def truth(name: str) -> dict[str, float]:
    """What the weights of this registry tend to: chance over the region's. The last is the real bias of the weighted mean."""
    x = base(name)
    chance = CHANCES[name](x)
    weight = chance / (np.bincount(x["region"], chance) / np.bincount(x["region"]))[x["region"]]
    y, later = (np.average(x[column], weights=weight) for column in ("y", "churned"))
    slope = np.cov(x["churned"], x["y"], aweights=weight)
    return dict(zip(TERMS, map(float, (later - x["churned"].mean(), slope[0, 1] / slope[0, 0], y - x["y"].mean())), strict=True))


def figures(rng: np.random.Generator, name: str) -> Floats:
    """Fresh answers from the same customers, weighted by region."""
    x = base(name)
    heard = rng.random(SIZE) < CHANCES[name](x)
    w = weight_by_propensity({"region": x["region"].astype(str)}, heard)
    r = registry_check(np.where(heard, x["y"], np.nan), x["churned"], w)
    return np.array([[getattr(r, term + end) for end in ("", "_error", "_low", "_high")] for term in TERMS])


STUDIES: dict[str, Any] = dict.fromkeys(list(CHANCES)[:2])
FAILING: dict[str, Any] = dict.fromkeys(list(CHANCES)[2:])


def run(name: str, repetitions: int) -> pd.DataFrame:
    return repeat(lambda rng: figures(rng, name), truth(name), repetitions=repetitions)


@pytest.mark.parametrize("name", STUDIES)
def test_a_few_repetitions(name: str) -> None:
    assert_plausible(run(name, 60))


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_bias_and_coverage(name: str) -> None:
    found = run(name, REPETITIONS)
    assert_holds(found)
    assert_printed(found, PAGE, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILING)
def test_damage(name: str) -> None:
    assert_printed(run(name, REPETITIONS), PAGE, name)
