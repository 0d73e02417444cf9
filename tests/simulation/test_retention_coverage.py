"""Retention: coverage of survival and cumulative hazard by group, weighted, clustered, with late entry; damage of informative censoring."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import REPETITIONS, Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.survivorship import SurvivalCurve, survival_curve

PAGE = "survivorship/retention.md"
RATES = np.array([1 / 12, 1 / 60])  # per month, of those who leave soon and of those who stay
SOON = {"A": 0.6, "B": 0.3}  # share of the first kind by group
DEALERS, CUSTOMERS, SHAPE = 100, 10, 4.0
COLUMNS = (("survival", "std_error", "conf_low", "conf_high"), ("hazard", "hazard_std_error", "hazard_low", "hazard_high"))


def spells(rng: np.random.Generator, leaving: Floats, followed: Floats, *, entry: bool = True) -> tuple[dict[str, Any], Any]:
    """Two in five are listed up to a year after their purchase, who left before is not; each is followed for some time."""
    late = np.where(rng.random(leaving.size) < 0.4, rng.uniform(0, 12, leaving.size), 0.0) * entry
    end, listed = late + followed, np.flatnonzero(leaving > late)
    columns = {"duration": np.minimum(leaving, end), "event": leaving <= end, "entry": late}
    return {name: column[listed] for name, column in columns.items()}, listed


def figures(curve: SurvivalCurve, *, last: bool = True) -> Floats:
    """Survival at all times and the hazard at the last one: estimate, standard error, limits."""
    survival, hazard = (np.stack([getattr(curve, name) for name in names], axis=1) for names in COLUMNS)
    return np.vstack([survival, hazard[curve.time == curve.time.max()]])


def mixture(time: float, group: str) -> float:
    return float(np.array([SOON[group], 1 - SOON[group]]) @ np.exp(-RATES * time))


TRUTH = {f"S({t:g}), {g}": mixture(t, g) for g in SOON for t in (6, 24)} | {f"H(24), {g}": -np.log(mixture(24, g)) for g in SOON}
FRAIL = {f"S({t:g})": float((1 + t / 24 / SHAPE) ** -SHAPE) for t in (6, 24)}
FRAIL["H(24)"] = -float(np.log(FRAIL["S(24)"]))


def of_groups(rng: np.random.Generator, *, weighted: bool = False, informative: bool = False) -> Floats:
    """Two groups of 500; with weights those who stay were drawn at 30 %, the others at 90 %."""
    group = np.repeat(["A", "B"], 1500 if weighted else 500)
    soon = rng.random(group.size) < np.where(group == "A", SOON["A"], SOON["B"])
    leaving = rng.exponential(1 / RATES[1 - soon.astype(int)])
    followed = rng.uniform(6, 48, group.size) * np.where(soon & informative, 0.5, 1.0)
    x, listed = spells(rng, leaving, followed)
    chance = np.where(soon, 0.9, 0.3)[listed]
    drawn = rng.random(listed.size) < chance if weighted else np.ones(listed.size, bool)
    weights = 1 / chance[drawn] if weighted else None
    return figures(survival_curve(**{k: v[drawn] for k, v in x.items()}, by=group[listed][drawn], weights=weights, times=[6, 24]))


def of_dealers(rng: np.random.Generator, *, clustered: bool = True) -> Floats:
    """Dealers whose customers leave at rates of their own: gamma frailty of mean 1."""
    rate = np.repeat(rng.gamma(SHAPE, 1 / SHAPE, DEALERS), CUSTOMERS) / 24
    x, listed = spells(rng, rng.exponential(1 / rate), rng.uniform(6, 48, rate.size))
    dealer = np.repeat(np.arange(DEALERS), CUSTOMERS)[listed]
    return figures(survival_curve(**x, clusters=dealer if clustered else None, times=[6, 24]))


def without_entry(rng: np.random.Generator) -> Floats:
    rate = 1 / 24
    x, _ = spells(rng, rng.exponential(1 / rate, 1000), rng.uniform(6, 48, 1000))
    return figures(survival_curve(x["duration"], x["event"], times=[6, 24]))


STUDIES: dict[str, Any] = {
    "two groups": (of_groups, TRUTH),
    "weights": (lambda rng: of_groups(rng, weighted=True), TRUTH),
    "dealers": (of_dealers, FRAIL),
}
FAILING: dict[str, Any] = {
    "unhappy lost from sight": (lambda rng: of_groups(rng, informative=True), TRUTH),
    "entry forgotten": (without_entry, {"S(6)": np.exp(-6 / 24), "S(24)": np.exp(-1.0), "H(24)": 1.0}),
    "dealers as independent": (lambda rng: of_dealers(rng, clustered=False), FRAIL),
}


def run(name: str, repetitions: int) -> pd.DataFrame:
    draw, truth = (STUDIES | FAILING)[name]
    return repeat(draw, truth, repetitions=repetitions)


@pytest.mark.parametrize("name", STUDIES)
def test_a_few_repetitions(name: str) -> None:
    assert_plausible(run(name, 200))


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
