"""Cohort means: bias and coverage of every part, by cohort, with dealers and estimated weights; damage of angry exit interviews."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import REPETITIONS, Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.estimation import Design
from vocstats.survivorship import cohort_mean
from vocstats.weighting import weight_by_propensity

PAGE = "survivorship/cohorts.md"
TENURE = 24.0
STAYS = np.array([80.0, 30.0, 10.0])  # mean months until leaving of the happy, the neutral and the angry
HIGH = np.array([0.85, 0.65, 0.35])  # score = 1 + Binomial(9, HIGH)
MIXES = np.array([[0.5, 0.3, 0.2], [0.3, 0.4, 0.3]])
EXTREMES = np.array([[0.7, 0.2, 0.1], [0.1, 0.4, 0.5]])
RURAL = np.array([0.2, 0.5, 0.8])
PARTS = ("mean", "bias", "retention", "active", "churned")
DEALERS, CUSTOMERS = 100, 12


def truth(mix: Floats, label: str = "") -> dict[str, float]:
    """Every part in closed form."""
    score, stays = 1 + 9 * HIGH, np.exp(-TENURE / STAYS)
    retention, mean = mix @ stays, mix @ score
    active, churned = mix @ (stays * score) / retention, mix @ ((1 - stays) * score) / (1 - retention)
    return {f"{part}{label}": float(x) for part, x in zip(PARTS, (mean, active - mean, retention, active, churned), strict=True)}


def customers(rng: np.random.Generator, mixes: Floats) -> dict[str, Any]:
    """Customers listed, one for each mix of kinds; three in ten come late to the list, all are followed for 6 to 48 months."""
    n = len(mixes)
    kind = (rng.random(n)[:, None] > mixes.cumsum(axis=1)[:, :2]).sum(axis=1)
    leaving = rng.exponential(STAYS[kind])
    entry = np.where(rng.random(n) < 0.3, rng.uniform(0, 12, n), 0.0)
    end = entry + rng.uniform(6, 48, n)
    event, duration = leaving <= end, np.minimum(leaving, end)
    gone = event & (duration <= TENURE)
    columns = {
        "y": 1.0 + rng.binomial(9, HIGH[kind]), "duration": duration, "event": event, "entry": entry, "kind": kind, "row": np.arange(n),
        "rural": rng.random(n) < RURAL[kind], "gone": gone, "known": gone | (duration >= TENURE),
    }
    return {name: column[leaving > entry] for name, column in columns.items()}


def figures(x: dict[str, Any], heard: Any, **options: Any) -> Floats:
    r = cohort_mean(np.where(heard, x["y"], np.nan), x["duration"], x["event"], entry=x["entry"], tenure=TENURE, **options)
    return np.stack([r.estimate, r.std_error, r.conf_low, r.conf_high], axis=1)


def reached(rng: np.random.Generator, x: dict[str, Any], there: Any, gone: Any) -> Any:
    """Who is heard, of those whose status at the tenure is known."""
    return x["known"] & (rng.random(x["y"].size) < np.where(x["gone"], gone, there))


def one_cohort(rng: np.random.Generator, *, angry: float = 0.4) -> Floats:
    """Half of the survivors and 40 % of those who left are heard; of the angry who left another share."""
    x = customers(rng, np.tile(MIXES[0], (1000, 1)))
    return figures(x, reached(rng, x, 0.5, np.where(x["kind"] == 2, angry, 0.4)))


def two_cohorts(rng: np.random.Generator) -> Floats:
    cohort = np.repeat([0, 1], 800)
    x = customers(rng, MIXES[cohort])
    return figures(x, reached(rng, x, 0.5, 0.4), by=np.array(["2022", "2023"])[cohort[x["row"]]])


def dealers(rng: np.random.Generator, *, clustered: bool = True) -> Floats:
    """Good dealers and bad ones."""
    dealer = np.repeat(np.arange(DEALERS), CUSTOMERS)
    x = customers(rng, EXTREMES[rng.integers(0, 2, DEALERS)[dealer]])
    return figures(x, reached(rng, x, 0.5, 0.4), design=Design(clusters=dealer[x["row"]]) if clustered else None)


def regions(rng: np.random.Generator, *, weighted: bool = True) -> Floats:
    """In the country fewer answer and more are angry; the propensity knows region and status."""
    x = customers(rng, np.tile(MIXES[0], (1200, 1)))
    heard = reached(rng, x, np.where(x["rural"], 0.3, 0.7), np.where(x["rural"], 0.25, 0.6))
    if not weighted:
        return figures(x, heard)
    cell = np.char.add(np.where(x["gone"], "left ", "there "), np.where(x["rural"], "country", "town"))
    return figures(x, heard, weights=weight_by_propensity({"cell": cell}, heard, base_weights=x["known"] * 1.0))


def impatient(rng: np.random.Generator) -> Floats:
    """Half of the angry forbid contact after 40 % of their time."""
    x = customers(rng, np.tile(MIXES[0], (1000, 1)))
    cut = np.where(x["kind"] == 2, x["entry"] + 0.4 * (x["duration"] - x["entry"]), np.inf)
    lost = (rng.random(cut.size) < 0.5) & (cut < x["duration"])
    x |= {"duration": np.where(lost, cut, x["duration"]), "event": x["event"] & ~lost}
    x |= {"gone": x["event"] & (x["duration"] <= TENURE)}
    x |= {"known": x["gone"] | (x["duration"] >= TENURE)}
    return figures(x, reached(rng, x, 0.5, 0.4))


TRUTH = truth(MIXES[0])
STUDIES: dict[str, Any] = {
    "one cohort": (one_cohort, TRUTH),
    "two cohorts": (two_cohorts, truth(MIXES[0], ", 2022") | truth(MIXES[1], ", 2023")),
    "dealers": (dealers, truth(EXTREMES.mean(axis=0))),
    "estimated weights": (regions, TRUTH),
}
FAILING: dict[str, Any] = {
    "the angry speak up when they leave": (lambda rng: one_cohort(rng, angry=0.8), TRUTH),
    "the angry are lost from sight": (impatient, TRUTH),
    "weights left out": (lambda rng: regions(rng, weighted=False), TRUTH),
    "dealers as independent": (lambda rng: dealers(rng, clustered=False), truth(EXTREMES.mean(axis=0))),
}


def run(name: str, repetitions: int) -> pd.DataFrame:
    draw, true = (STUDIES | FAILING)[name]
    return repeat(draw, true, repetitions=repetitions)


@pytest.mark.parametrize("name", STUDIES)
def test_a_few_repetitions(name: str) -> None:
    assert_plausible(run(name, 100))


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
