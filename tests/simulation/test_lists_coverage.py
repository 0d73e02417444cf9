"""Capture-recapture: bias and coverage where lists are independent, and what heterogeneous customers do to every model."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import Floats, assert_plausible, assert_printed, repeat

from vocstats.prevalence import IdentifyingAssumptionWarning, capture_recapture

PAGE = "prevalence/lists.md"
SIZE = 2000
CHANCE = np.array([0.3, 0.2, 0.25, 0.15])
MODELS = ("Mt", "Mth Chao", "Mth Darroch")
TRUTH = {name: float(SIZE) for name in (*MODELS, "average")}


def figures(rng: np.random.Generator, *, spread: float = 0.0, clone: float = 0.0) -> Floats:
    """Sizes by model; `spread`: of customers' logits of being on a list; `clone`: chance that list 2 copies list 1."""
    logit = np.log(CHANCE / (1 - CHANCE)) + spread * rng.normal(size=(SIZE, 1))
    seen = rng.random((SIZE, 4)) < 1 / (1 + np.exp(-logit))
    copied = rng.random(SIZE) < clone
    seen[copied, 1] = seen[copied, 0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifyingAssumptionWarning)
        r = capture_recapture(seen[seen.any(axis=1)], models=MODELS)
    rows = [[r.estimate[j], r.std_error[j], r.conf_low[j], r.conf_high[j]] for j in range(len(MODELS))]
    return np.array([*rows, [r.average, r.average_std_error, r.average_low, r.average_high]])


STUDIES: dict[str, Any] = {
    "independent lists": {}, "customers differ, sd 0.8": {"spread": 0.8}, "a fifth of list 2 copies list 1": {"clone": 0.2},
}


def run(name: str, repetitions: int = 500, seed: int = 90_100) -> pd.DataFrame:
    return repeat(lambda rng: figures(rng, **STUDIES[name]), TRUTH, repetitions=repetitions, seed=seed)


def test_a_few_repetitions() -> None:
    found = run("independent lists", 12)
    assert_plausible(found.loc[["Mt", "Mth Darroch"]])


@pytest.mark.slow
@pytest.mark.parametrize("name", list(STUDIES))
def test_bias_and_coverage(name: str) -> None:
    found = run(name)
    if name == "independent lists":
        assert found.loc[["Mt", "Mth Darroch"], "coverage"].between(0.92, 0.98).all(), found
    assert_printed(found, PAGE, name)
