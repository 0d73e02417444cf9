"""Refusal that depends on the answer: coverage of profile limits where it depends on nothing else, and the damage where it does."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.nonresponse import LikelihoodWarning, nonignorable_em

PAGE = "nonresponse/refusal_tables.md"
SIZE = np.array([600, 600, 600])
SHARE = np.array([0.8, 0.5, 0.2])  # of the first answer, by cell
ODDS = np.array([0.2, 0.6])  # to refuse, by answer
TRUTH = {"full likelihood": 0.5, "EM": 0.5}


def figures(rng: np.random.Generator, *, by_cell: Floats | None = None) -> Floats:
    """Share of the first answer among everybody, by the likelihood and by the EM, with the same limits; `by_cell`: factor of the odds."""
    odds = np.outer(np.ones(3) if by_cell is None else by_cell, ODDS)
    chance = np.column_stack([SHARE, 1 - SHARE]) / (1.0 + odds)
    drawn = np.array([rng.multinomial(size, [*each, 1 - each.sum()]) for size, each in zip(SIZE, chance, strict=True)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LikelihoodWarning)
        r = nonignorable_em(drawn[:, :2], drawn[:, 2], tol=1e-5)
    limits = [r.conf_low[0], r.conf_high[0]]
    return np.array([[found[0], np.nan, *limits] for found in (r.likelihood_estimate, r.estimate)])


STUDIES: dict[str, Any] = {"refusal by answer": (figures, TRUTH)}
FAILING: dict[str, Any] = {"one cell refuses more": (lambda rng: figures(rng, by_cell=np.array([1.0, 1.0, 1.65])), TRUTH)}


def run(name: str, repetitions: int = 500) -> pd.DataFrame:
    draw, truth = (STUDIES | FAILING)[name]
    return repeat(draw, truth, repetitions=repetitions)


def test_a_few_repetitions() -> None:
    assert_plausible(run("refusal by answer", 10))


@pytest.mark.slow
def test_bias_and_coverage() -> None:
    found = run("refusal by answer")
    assert_holds(found)
    assert_printed(found, PAGE, "refusal by answer")


@pytest.mark.slow
def test_damage() -> None:
    assert_printed(run("one cell refuses more"), PAGE, "one cell refuses more")
