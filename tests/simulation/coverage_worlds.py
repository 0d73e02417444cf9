"""Registries whose customers answer by two labels, and the truth that each kind of inference names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from vocstats.estimation import Replicates, replicate
from vocstats.options import Inference
from vocstats.weighting import Weights, rake

Floats = npt.NDArray[np.float64]
Outcome = Literal["skewed", "binary", "score"]
HEARD, RATES = (100, 1_000, 10_000), (0.05, 0.30, 0.80)
A, B = (np.ravel(codes) for codes in np.indices((3, 2)))
REPLICATES = 200
SHAPE = (6, 11, 2)  # cells, answers and companions there may be
GRID = 200_000  # points of the lognormal distribution in a truth
SHARE = np.outer([0.4, 0.35, 0.25], [0.6, 0.4]).ravel()
TILT = np.outer([0.8, 1.0, 1.15], [0.92, 1.0]).ravel()  # multiplicative in the two labels: raking is the right model
LOG_MEAN = 0.3 * A + 0.2 * B  # of the skewed outcome, lognormal with log standard deviation 1
CHANCE = 0.06 + 0.05 * A + 0.04 * B  # of the binary outcome
SCORE = np.array([[5, 1, 1, 2, 2, 4, 5, 8, 12, 14, 16], [8, 2, 2, 3, 3, 5, 6, 9, 10, 9, 8], [14, 4, 4, 4, 3, 6, 5, 7, 7, 5, 4]], float)
SCORES = (SCORE / SCORE.sum(1, keepdims=True))[A]


@dataclass(frozen=True, kw_only=True)
class Population:
    """Those the truth is about: cell, outcome, companion, and how many customers each row stands for."""

    cell: npt.NDArray[np.intp]
    y: Floats
    size: Floats
    mass: Floats

    def mean(self, column: Floats | None = None, where: npt.NDArray[np.bool_] | None = None) -> float:
        """Mean of a column (the outcome) among some rows."""
        mass = self.mass if where is None else self.mass * where
        return float(mass @ (self.y if column is None else column) / mass.sum())

    def quantile(self, q: float) -> float:
        """The smallest outcome that at least a share q does not exceed."""
        order = np.argsort(self.y)
        below = np.cumsum(self.mass[order])
        return float(self.y[order][np.searchsorted(below, q * below[-1] * (1 - 1e-12))])


@dataclass(kw_only=True)
class Heard:
    """Those who answered: cell, outcome and companion, raking weights to the registry's margins, and the registry's cells."""

    cell: npt.NDArray[np.intp]
    y: Floats
    size: Floats
    weights: Weights
    counts: Floats
    registry: npt.NDArray[np.intp]
    seed: int

    @cached_property
    def bootstrap(self) -> Replicates:
        """Two hundred bootstrap replicates with Student limits."""
        return replicate(self.weights, replicates=REPLICATES, seed=self.seed, failed="drop")

    @cached_property
    def percentile(self) -> Replicates:
        """The same with quantiles of the replicates as limits."""
        return replace(self.bootstrap, scaling=replace(self.bootstrap.scaling, interval="percentile"))

    @cached_property
    def jackknife(self) -> Replicates:
        """One replicate per answer."""
        return replicate(self.weights, method="jackknife")


def outcomes(rng: np.random.Generator, cell: npt.NDArray[np.intp], outcome: Outcome) -> Floats:
    """Outcomes of customers in these cells."""
    if outcome == "skewed":
        return np.asarray(np.exp(LOG_MEAN[cell] + rng.standard_normal(cell.size)))
    if outcome == "binary":
        return np.asarray((rng.random(cell.size) < CHANCE[cell]).astype(float))
    return np.asarray((rng.random(cell.size)[:, None] > SCORES.cumsum(1)[cell]).sum(1).astype(float))


def companions(rng: np.random.Generator, size: int) -> Floats:
    """A companion of the outcome, 1 or 3, whatever the outcome."""
    return np.asarray(rng.integers(0, 2, size) * 2.0 + 1.0)


class World:
    """Many surveys of registries of one size; a new registry as often as the inference asks for."""

    def __init__(self, heard: int, rate: float, outcome: Outcome, inference: Inference, seed: int) -> None:
        self.rng = np.random.default_rng([seed, heard, round(100 * rate), len(outcome), len(inference)])
        self.customers, self.outcome, self.inference = round(heard / rate), outcome, inference
        self.chance = np.minimum(TILT * rate / (SHARE @ TILT), 0.98)
        self.cell = np.repeat(np.arange(SHARE.size), np.round(SHARE * self.customers).astype(int))
        self.renew()

    def renew(self) -> None:
        """Another registry: other outcomes and, where the process is asked about, other customers."""
        if self.inference == "process":
            self.cell = self.rng.choice(SHARE.size, self.customers, p=SHARE)
        if self.inference == "registry":
            self.y = outcomes(self.rng, self.cell, self.outcome)
            self.size = companions(self.rng, self.y.size)

    def survey(self) -> Heard:
        """Who answers this time, weighted to the margins of the registry."""
        if self.inference == "process":
            self.renew()
        answered = np.flatnonzero(self.rng.random(self.cell.size) < self.chance[self.cell])
        cell = self.cell[answered]
        if self.inference == "registry":
            y, size = self.y[answered], self.size[answered]
        else:
            y = outcomes(self.rng, cell, self.outcome)
            size = companions(self.rng, y.size)
        totals = np.bincount(self.cell, minlength=SHARE.size)
        targets: dict[str, Any] = {"a": np.bincount(A, totals), "b": np.bincount(B, totals)}
        counts = np.ones(cell.size)
        if self.outcome != "skewed":  # few distinct answers: each stands there as often as it was given
            table = np.bincount(np.ravel_multi_index((cell, y.astype(int), (size > 2).astype(int)), SHAPE), minlength=np.prod(SHAPE))
            cell, given, larger = np.unravel_index(np.flatnonzero(table), SHAPE)
            y, size, counts = given.astype(float), 1.0 + 2.0 * larger, table[table > 0].astype(float)
        weights = rake({"a": A[cell], "b": B[cell]}, targets, counts=counts)
        return Heard(cell=cell, y=y, size=size, counts=counts, weights=weights, registry=totals, seed=int(self.rng.integers(2**31)))

    def population(self) -> Population:
        """The registry itself, or a fine grid of what its process makes."""
        if self.inference == "registry":
            return Population(cell=self.cell, y=self.y, size=self.size, mass=np.ones(self.y.size))
        share = SHARE if self.inference == "process" else np.bincount(self.cell, minlength=SHARE.size) / self.cell.size
        if self.outcome == "skewed":
            deviate = special.ndtri((np.arange(GRID) + 0.5) / GRID)
            y, within = np.exp(LOG_MEAN[:, None] + deviate), np.full((SHARE.size, GRID), 1.0 / GRID)
        elif self.outcome == "binary":
            y, within = np.tile([0.0, 1.0], (SHARE.size, 1)), np.column_stack([1 - CHANCE, CHANCE])
        else:
            y, within = np.tile(np.arange(11.0), (SHARE.size, 1)), SCORES
        mass = self.customers * share[:, None] * within
        cell = np.repeat(np.arange(SHARE.size), y.shape[1])
        return Population(cell=cell, y=y.ravel(), size=np.full(y.size, 2.0), mass=mass.ravel())
