"""Several coders: bias and coverage of prevalence, sensitivity and specificity, and what dependent coders do to them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import Floats, assert_plausible, assert_printed, repeat

from vocstats.prevalence import CoderWarning, dawid_skene

PAGE = "prevalence/coders.md"
SENSITIVITY = np.array([0.7, 0.8, 0.65, 0.75, 0.85])
SPECIFICITY = np.array([0.93, 0.88, 0.96, 0.9, 0.85])
TRUTH = {"prevalence": 0.2, "sensitivity of coder 1": 0.7, "specificity of coder 1": 0.93}


def figures(rng: np.random.Generator, *, n: int, coders: int, easy: bool = False, gold: float = 0.0, copied: float = 0.0) -> Floats:
    """`easy`: 40 % of the items all get right; `gold`: share of items of known class; `copied`: share on which coder 2 copies 1."""
    truth = rng.random(n) < 0.2
    right = rng.random((n, coders)) < np.where(truth[:, None], SENSITIVITY[:coders], SPECIFICITY[:coders])
    right[rng.random(n) < (0.4 if easy else 0.0)] = True
    label = np.where(right, truth[:, None], ~truth[:, None])
    same = rng.random(n) < copied
    label[same, 1] = label[same, 0]
    known = np.where(rng.random(n) < gold, truth.astype(float), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoderWarning)
        r = dawid_skene(
            np.repeat(np.arange(n), coders), np.tile(np.arange(coders), n), label.ravel().astype(float), easy=easy,
            gold=np.repeat(known, coders) if gold else None, classes=[0.0, 1.0], starts=2,
        )
    rows = [[r.estimate[1], r.std_error[1], r.conf_low[1], r.conf_high[1]]]
    rows += [[r.theta[0, c, c], r.theta_error[0, c, c], r.theta_low[0, c, c], r.theta_high[0, c, c]] for c in (1, 0)]
    return np.array(rows)


STUDIES: dict[str, Any] = {
    "3 coders, 400 items": {"n": 400, "coders": 3}, "5 coders, 400 items": {"n": 400, "coders": 5},
    "2 coders, 1,000 items, 15 % of known class": {"n": 1000, "coders": 2, "gold": 0.15},
    "5 coders, 1,000 items, 40 % easy": {"n": 1000, "coders": 5, "easy": True},
}
FAILING: dict[str, Any] = {"coder 2 copies coder 1 on 30 %": {"n": 400, "coders": 4, "copied": 0.3}}


FEWER = {"5 coders, 1,000 items, 40 % easy": 120}  # easy items make the likelihood flat, and its profile slow


def run(name: str, repetitions: int | None = None, seed: int = 90_200) -> pd.DataFrame:
    repetitions = repetitions or FEWER.get(name, 500)
    return repeat(lambda rng: figures(rng, **(STUDIES | FAILING)[name]), TRUTH, repetitions=repetitions, seed=seed)


def test_a_few_repetitions() -> None:
    assert_plausible(run("5 coders, 400 items", 15))


@pytest.mark.slow
@pytest.mark.parametrize("name", list(STUDIES))
def test_bias_and_coverage(name: str) -> None:
    found = run(name)
    assert found["coverage"].between(0.9, 0.985).all(), found
    assert_printed(found, PAGE, name)


@pytest.mark.slow
def test_damage() -> None:
    found = run(next(iter(FAILING)))
    assert_printed(found, PAGE, next(iter(FAILING)))
