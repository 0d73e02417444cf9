"""Networks month by month: normal gaps with their weights, or 0-1 answers in two channels; honest gaps persist."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from inflation.honest_networks import Flags, Floats

from vocstats.inflation import MonitorState, fit_null, known_null, monitor
from vocstats.inflation.null import EmpiricalNull
from vocstats.inflation.start_mixtures import Gaps, mixed_evidence

CENTRE, SPREAD, DEVIATION = 0.02, 0.03, 0.46
KNOWN = known_null(CENTRE, SPREAD)


@dataclass(frozen=True)
class Paths:
    """Evidence after every month, (T, D), who inflates, and the same gaps as sums (T, 4, D)."""

    e: Floats
    since: Any
    inflated: Flags
    compared: Floats


def normal_paths(
    rng: np.random.Generator, *, dealers: int, months: int = 36, answers: Any = None, spread: float = SPREAD, share: float = 0.0,
    lift: float = 0.0, start: int = 0, drift: float = 0.0, null: EmpiricalNull | None = KNOWN, every: int = 1,
) -> Paths:
    """Evidence of normal gaps, looked at `every` so many months; a quarter of the answers is independent.

    `answers` a month: log-uniform from 3 to 125 if not given. `drift`: standard deviation by which an honest gap changes in a year.
    """
    n = np.exp(rng.uniform(np.log(3), np.log(125), dealers)).astype(int) if answers is None else np.full(dealers, answers)
    inflated, honest = np.arange(dealers) < share * dealers, rng.normal(CENTRE, spread, dealers)
    variance, none, paths = np.full(dealers, DEVIATION**2), np.zeros(dealers), []
    compared = np.zeros((months, 4, dealers))
    for month in range(months):
        honest = honest + rng.normal(0.0, drift / 12**0.5, dealers)
        independent = rng.binomial(n, 0.25)
        c = np.where((independent > 1) & (n - independent > 1), independent * (n - independent) / n, 0.0)
        gap = honest + lift * (inflated & (month >= start)) + rng.normal(size=dealers) * DEVIATION / np.sqrt(np.where(c > 0, c, 1.0))
        compared[month, :2] = c, c * gap
        if (month + 1) % every == 0:
            seen = compared[: month + 1]
            paths.append(mixed_evidence(seen, variance, none, null or fitted(seen, variance), DEVIATION))
    return Paths(np.array([e for e, _ in paths]), np.array([since for _, since in paths]), inflated, compared)


def fitted(compared: Floats, variance: Floats) -> EmpiricalNull:
    """The null of the mean gaps so far."""
    gaps = Gaps.of(compared.sum(axis=0), variance, 0.0 * variance)
    told = gaps.precision > 0
    return fit_null(gaps.mean[told], 1.0 / gaps.precision[told])


@dataclass(frozen=True)
class Month:
    """The new answers of a month."""

    score: Floats
    dealer: Any
    independent: Flags


def monthly_answers(
    rng: np.random.Generator, *, dealers: int = 300, months: int = 36, level: float = 0.7, levels: float = 0.10, share: float = 0.0,
    lift: float = 0.0, start: int = 0,
) -> tuple[list[Month], Flags]:
    """0-1 answers, 30 to 1,500 a year and dealer, with a season of three points; and who inflates."""
    n = np.exp(rng.uniform(np.log(30), np.log(1500), dealers)) / 12
    own = np.clip(rng.normal(level, levels, dealers), 0.02, 0.98)
    honest, inflated = rng.normal(CENTRE, SPREAD, dealers), np.arange(dealers) < share * dealers
    return [
        _month(rng, np.maximum(rng.poisson(n), 1), own + 0.03 * np.sin(month * np.pi / 6), honest + lift * (inflated & (month >= start)))
        for month in range(months)
    ], inflated


def _month(rng: np.random.Generator, n: Any, level: Floats, gap: Floats) -> Month:
    dealer = np.repeat(np.arange(n.size), n)
    independent = rng.random(dealer.size) < 0.25
    chance = np.clip(level[dealer] + np.where(independent, 0.0, gap[dealer]), 0.01, 0.99)
    return Month((rng.random(dealer.size) < chance).astype(float), dealer, independent)


def followed(months: list[Month], *, null: EmpiricalNull | None = None) -> Iterator[MonitorState]:
    """The state after every month."""
    state = None
    for number, each in enumerate(months):
        state = monitor(each.score, each.dealer, each.independent, period=f"{number:03d}", state=state, null=null)
        yield state
