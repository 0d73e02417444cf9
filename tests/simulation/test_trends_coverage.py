"""Trends: bias and coverage of every part, plain and with estimated weights; damage of unrecorded churn and of silence about change."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import REPETITIONS, Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.estimation import Design, Estimate
from vocstats.survivorship import decompose_trend
from vocstats.weighting import Weights, weight_by_propensity

PAGE = "survivorship/trends.md"
SIZE, DEALERS = 200_000, 10_000


@cache
def population() -> dict[str, Any]:
    """Persons of two periods, by dealer: the unhappy leave or fall silent, so do those whose score fell; the others drift up."""
    rng = np.random.default_rng(0)
    dealer = np.repeat(np.arange(DEALERS), SIZE // DEALERS)
    region = rng.integers(0, 3, SIZE)
    level = 6.5 + 0.5 * region + rng.normal(0, 1, DEALERS)[dealer]
    before = np.clip(np.round(rng.normal(level, 1.8)), 1, 10)
    change = rng.integers(-2, 4, SIZE)
    after = np.clip(before + change, 1, 10)
    churned = rng.random(SIZE) < 0.5 - 0.04 * before
    first, second = (rng.random(SIZE) for _ in range(2))
    return {
        "before": before, "after": after, "churned": churned, "region": region, "dealer": dealer, "first": first < 0.3 + 0.2 * region,
        "second": (second < 0.7 - 0.2 * region) & ~churned, "content": (second < 0.5 + 0.15 * np.sign(change)) & ~churned,
    }


def weights(x: dict[str, Any], *, estimated: bool) -> dict[str, Weights | Floats]:
    """One over the chance of an answer in the region, known or estimated; of the second among those who had not left."""
    region = {"region": x["region"].astype(str)}
    if not estimated:
        return {"weights_before": 1 / (0.3 + 0.2 * x["region"]), "weights_after": 1 / (0.7 - 0.2 * x["region"])}
    return {
        "weights_before": weight_by_propensity(region, x["first"]),
        "weights_after": weight_by_propensity(region, x["second"], base_weights=1.0 * ~x["churned"]),
    }


def trend(x: dict[str, Any], *, second: str = "second", estimated: bool = False, design: Design | None = None) -> Estimate:
    before, after = np.where(x["first"], x["before"], np.nan), np.where(x[second], x["after"], np.nan)
    return decompose_trend(before, after, x["churned"], design=design, **weights(x, estimated=estimated))


def true() -> dict[str, float]:
    """The decomposition of the whole population, from which persons are drawn with replacement."""
    r = trend(population())
    return dict(zip(r.labels["part"].tolist(), r.estimate.tolist(), strict=True))


def figures(r: Estimate) -> Floats:
    return np.stack([r.estimate, r.std_error, r.conf_low, r.conf_high], axis=1)


def drawn(rng: np.random.Generator, size: int = 800) -> dict[str, Any]:
    rows = rng.integers(0, SIZE, size)
    return {name: column[rows] for name, column in population().items()}


def of_dealers(rng: np.random.Generator) -> Floats:
    """All twenty customers of a hundred dealers."""
    rows = (rng.integers(0, DEALERS, 100)[:, None] * (SIZE // DEALERS) + np.arange(SIZE // DEALERS)).ravel()
    draw = np.repeat(np.arange(100), SIZE // DEALERS)
    return figures(trend({name: column[rows] for name, column in population().items()}, design=Design(clusters=draw)))


def unrecorded(rng: np.random.Generator) -> Floats:
    """Half of those who left still stand in the registry."""
    x = drawn(rng)
    x |= {"churned": x["churned"] & (rng.random(x["churned"].size) < 0.5)}
    return figures(trend(x))


def content(rng: np.random.Generator) -> Floats:
    """Those whose score fell answer less often again: `within`, read as the change of all who stayed."""
    return figures(trend(drawn(rng), second="content"))[[1]]


def stayers() -> dict[str, float]:
    x = population()
    return {"within": float((x["after"] - x["before"])[~x["churned"]].mean())}


STUDIES: dict[str, Any] = {
    "persons": (lambda rng: figures(trend(drawn(rng))), true),
    "dealers": (of_dealers, true),
    "estimated weights": (lambda rng: figures(trend(drawn(rng), estimated=True)), true),
}
FAILING: dict[str, Any] = {
    "half of the churn unrecorded": (unrecorded, true),
    "silent where the score fell": (content, stayers),
}


def run(name: str, repetitions: int) -> pd.DataFrame:
    draw, truth = (STUDIES | FAILING)[name]
    return repeat(draw, truth(), repetitions=repetitions)


@pytest.mark.parametrize("name", STUDIES)
def test_a_few_repetitions(name: str) -> None:
    assert_plausible(run(name, 150))


def test_parts_add_up() -> None:
    r = trend(drawn(np.random.default_rng(1)), estimated=True)
    for values in (r.estimate, *r.influence):
        np.testing.assert_allclose([values[0], values[2]], [values[1:4].sum(), values[4:].sum()], atol=1e-13)


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
