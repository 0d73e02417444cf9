"""Coverage of the intervals of array estimators against the truth their inference names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from scipy import special
from simulation.coverage_worlds import HEARD, RATES, REPLICATES, A, Heard, Outcome, Population, World
from simulation.recording import record

from vocstats.errors import ConvergenceError, IdentificationError
from vocstats.estimation import (
    bottom_box,
    correlation,
    difference,
    mean,
    net_promoter_score,
    population_variance,
    proportion,
    quantile,
    ratio,
    regress,
    top_box,
    total,
)
from vocstats.nonresponse import nonprobability
from vocstats.options import Inference, ShareInterval

LEVEL = 0.95
REPETITIONS, SEED = 1_000, 20_260_917
RENEWED = 50  # surveys of one registry, before another is made
ALL, SKEWED, BINARY, SCORE = ("skewed", "binary"), ("skewed",), ("binary",), ("score",)
SCALE = (0, 10)


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An interval the package offers: how it is computed, what it is to hold, and where it is tried."""

    limits: Callable[[Heard, Inference], Any]
    truth: Callable[[Population], float] = Population.mean
    outcomes: tuple[Outcome, ...] = field(default=ALL)
    inferences: tuple[Inference, ...] = get_args(Inference)
    most: int = max(HEARD)
    place: int = 0


def share(interval: ShareInterval) -> Interval:
    """One kind of limits of a proportion."""
    return Interval(limits=lambda h, i: proportion(h.y, h.weights, inference=i, interval=interval), outcomes=BINARY)


def replicated(name: str, most: int = max(HEARD)) -> Interval:
    """The mean by one kind of replicates, whose inference is R's."""
    return Interval(limits=lambda h, _: mean(h.y, getattr(h, name)), inferences=("r",), most=most)


def volunteers(most: int = max(HEARD), **options: Any) -> Interval:
    """Those who answered taken for volunteers and compared with the registry's cells."""

    def limits(h: Heard, _: Inference) -> Any:
        labels = {"cell": np.char.add("c", h.cell.astype(str))}
        cells = {"cell": np.char.add("c", np.arange(h.registry.size).astype(str))}
        return nonprobability(h.y, labels, registry=cells, reference_counts=h.registry, counts=h.counts, **options)

    return Interval(limits=limits, inferences=("registry",), most=most)


def contrast(p: Population, transform: Callable[[float], float] = float) -> float:
    """Difference between the third level of a and the others."""
    third = A[p.cell] == 2
    return transform(p.mean(where=third)) - transform(p.mean(where=~third))


def slope(family: str) -> Callable[[Heard, Inference], Any]:
    """Coefficient of the third level of a."""
    return lambda h, i: regress(h.y, {"third": (A[h.cell] == 2).astype(float)}, h.weights, family=family, inference=i)  # type: ignore[arg-type]


def spread(p: Population) -> float:
    return p.mean((p.y - p.mean()) ** 2)


def association(p: Population) -> float:
    """Correlation of outcome and companion, 0 in the process."""
    deviation = p.size - p.mean(p.size)
    return p.mean(deviation * (p.y - p.mean())) / (spread(p) * p.mean(deviation**2)) ** 0.5 if deviation.any() else 0.0


INTERVALS = {
    "mean": Interval(limits=lambda h, i: mean(h.y, h.weights, inference=i)),
    "total": Interval(limits=lambda h, i: total(h.y, h.weights, inference=i), truth=lambda p: p.mean() * p.mass.sum()),
    "ratio": Interval(limits=lambda h, i: ratio(h.y, h.size, h.weights, inference=i), truth=lambda p: p.mean() / p.mean(p.size)),
    "domain mean": Interval(
        limits=lambda h, i: mean(h.y, h.weights, by=A[h.cell], inference=i), truth=lambda p: p.mean(where=A[p.cell] == 2), place=2
    ),
    "difference": Interval(
        limits=lambda h, i: difference(*(mean(column, h.weights, inference=i) for column in (h.y, h.size))),
        truth=lambda p: p.mean() - p.mean(p.size),
    ),
    **{f"proportion, {name}": share(name) for name in get_args(ShareInterval)},
    **{
        f"quantile {q:g}": Interval(
            limits=lambda h, i, q=q: quantile(h.y, h.weights, q=q, inference=i), truth=lambda p, q=q: p.quantile(q), outcomes=SKEWED
        )
        for q in (0.5, 0.9)
    },
    "median of a score": Interval(
        limits=lambda h, i: quantile(h.y, h.weights, interval="woodruff", inference=i), truth=lambda p: p.quantile(0.5), outcomes=SCORE
    ),
    "net promoter score": Interval(
        limits=lambda h, i: net_promoter_score(h.y, h.weights, inference=i),
        truth=lambda p: 100 * (p.mean(p.y >= 9) - p.mean(p.y <= 6)), outcomes=SCORE,
    ),
    "top box": Interval(
        limits=lambda h, i: top_box(h.y, h.weights, scale=SCALE, inference=i), truth=lambda p: p.mean(p.y >= 9), outcomes=SCORE
    ),
    "bottom box": Interval(
        limits=lambda h, i: bottom_box(h.y, h.weights, scale=SCALE, inference=i), truth=lambda p: p.mean(p.y <= 1), outcomes=SCORE
    ),
    "variance": Interval(limits=lambda h, i: population_variance(h.y, h.weights, inference=i), truth=spread, outcomes=("binary", "score")),
    "correlation": Interval(limits=lambda h, i: correlation(h.y, h.size, h.weights, inference=i), truth=association),
    "linear regression": Interval(limits=slope("gaussian"), truth=contrast, outcomes=SKEWED, place=1),
    "logistic regression": Interval(limits=slope("binomial"), truth=lambda p: contrast(p, special.logit), outcomes=BINARY, place=1),
    "mean, bootstrap t": replicated("bootstrap"),
    "mean, bootstrap percentile": replicated("percentile"),
    "mean, jackknife": replicated("jackknife", most=1_000),
    "volunteers, ipw": volunteers(method="ipw"),
    "volunteers, mass imputation": volunteers(method="mass_imputation"),
    "volunteers, doubly robust": volunteers(),
    "volunteers, doubly robust, bootstrap": volunteers(most=100, variance="bootstrap", replicates=REPLICATES // 2),
}


def coverage(world: World, heard: int, repetitions: int) -> dict[str, tuple[float, int]]:
    """Share of intervals that hold the truth (one without limits does not), and how often the estimator refused the data."""
    chosen = {
        name: interval for name, interval in INTERVALS.items()
        if world.outcome in interval.outcomes and world.inference in interval.inferences and heard <= interval.most
    }
    truths, hits, refused = {}, dict.fromkeys(chosen, 0), dict.fromkeys(chosen, 0)
    for repetition in range(repetitions):
        if repetition % RENEWED == 0:
            world.renew()
            population = world.population()
            truths = {name: interval.truth(population) for name, interval in chosen.items()}
        answers = world.survey()
        for name, interval in chosen.items():
            try:
                e = interval.limits(answers, world.inference)
            except (IdentificationError, ConvergenceError):  # everybody of a cell answered, in the sample or in a replicate
                refused[name] += 1
                continue
            low, high = (np.ravel(limit)[interval.place] for limit in (e.conf_low, e.conf_high))
            hits[name] += bool(low <= truths[name] <= high)
    return {name: (hits[name] / max(repetitions - refused[name], 1), refused[name]) for name in chosen}


@pytest.mark.parametrize("inference", get_args(Inference))
def test_intervals_cover_in_ci(inference: Inference) -> None:
    """Binary outcome, 1,000 heard of 3,333: every interval within four Monte Carlo errors of its level, or wider."""
    repetitions = 60
    for name, (covered, _) in coverage(World(1_000, 0.3, "binary", inference, seed=5), 1_000, repetitions).items():
        assert covered > LEVEL - 4 * (LEVEL * (1 - LEVEL) / repetitions) ** 0.5, name


@pytest.mark.slow
@pytest.mark.parametrize("heard", HEARD)
@pytest.mark.parametrize("rate", RATES)
def test_coverage_of_every_interval(heard: int, rate: float) -> None:
    rows = []
    for inference in get_args(Inference):
        for outcome in get_args(Outcome):
            world = World(heard, rate, outcome, inference, SEED)
            for name, (covered, refused) in coverage(world, heard, REPETITIONS).items():
                if refused < REPETITIONS / 2:
                    rows.append({"interval": name, "outcome": outcome, "inference": inference, "coverage": covered, "refused": refused})
    title = f"Intervals with {heard:,} heard of {round(heard / rate):,}"
    record(f"{heard}_{round(100 * rate)}", title, pd.DataFrame(rows), folder="coverage", heard=heard, rate=rate, repetitions=REPETITIONS,
           level=LEVEL, seed=SEED)
    mean_r = [row["coverage"] for row in rows if row["interval"] == "mean" and row["outcome"] == "binary"]
    assert heard < 1_000 or np.abs(np.array(mean_r) - LEVEL).max() < 4 * (LEVEL * (1 - LEVEL) / REPETITIONS) ** 0.5
