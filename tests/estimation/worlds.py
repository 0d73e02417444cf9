"""Bases with known truth whose customers answer with a known probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vocstats.weighting import Weights, calibrate, rake, weight_by_propensity

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class World:
    """A registry: two labels, a number, a score known for everybody, clusters and strata."""

    a: npt.NDArray[np.intp]
    b: npt.NDArray[np.intp]
    x: Floats
    y: Floats
    chance: Floats
    cluster: npt.NDArray[np.intp]
    stratum: npt.NDArray[np.intp]

    @property
    def targets(self) -> dict[str, dict[int, float]]:
        """Registry totals of the labels."""
        return {name: dict(enumerate(np.bincount(getattr(self, name)).astype(float))) for name in ("a", "b")}

    def answer(self, rng: np.random.Generator, *, by_cluster: bool = False) -> npt.NDArray[np.bool_]:
        """Who answers this time; clusters may answer together."""
        mood = rng.uniform(0.6, 1.4, self.cluster.max() + 1)[self.cluster] if by_cluster else 1.0
        return rng.random(self.y.size) < np.minimum(self.chance * mood, 0.95)


def world(rng: np.random.Generator, *, size: int = 1500, clusters: int = 60, strata: int = 4) -> World:
    """A registry in which answers depend on the labels and the number, as the score does; as many clusters as rows: none."""
    a, b, x = rng.integers(0, 2, size), rng.integers(0, 3, size), rng.normal(size=size)
    cluster = rng.permutation(size) % clusters
    effect = rng.normal(0.0, 0.5, clusters)
    y = 5.0 + a + 0.5 * b + 0.8 * x + effect[cluster] + rng.normal(size=size)
    chance = 1.0 / (1.0 + np.exp(1.0 - 0.6 * a - 0.3 * b - 0.4 * x))
    return World(a=a, b=b, x=x, y=y, chance=chance, cluster=cluster, stratum=cluster % strata)


def chain(name: str, w: World, heard: npt.NDArray[np.bool_], counts: Floats | None = None) -> Weights:
    """Two or three smooth steps, by name."""
    labels, known = {"a": w.a, "b": w.b}, {"a": w.a, "b": w.b, "x": w.x}
    numbers = {"one": np.ones(w.y.size), **known}
    totals: dict[str, Any] = {key: float(column.sum()) for key, column in numbers.items()}
    asked = {"base_weights": None, "counts": counts}
    if name == "propensity":
        return weight_by_propensity(known, heard, **asked)
    if name == "propensity > rake":
        return rake(labels, w.targets, base_weights=weight_by_propensity(known, heard, **asked))
    if name == "rake > calibrate":
        first = rake(labels, w.targets, base_weights=heard.astype(float), counts=counts)
        return calibrate(numbers, totals, base_weights=first, distance="raking")
    if name == "classes > rake":
        first = weight_by_propensity(None, heard, estimator="classes", classes=w.b, **asked)
        return rake(labels, w.targets, base_weights=first)
    first = rake(labels, w.targets, base_weights=weight_by_propensity(known, heard, **asked))
    return calibrate(numbers, totals, base_weights=first)


UNBIASED = ("propensity", "propensity > rake", "rake > calibrate", "propensity > rake > calibrate")
CHAINS = (*UNBIASED, "classes > rake")  # the last knows nothing of x, so its intervals need not cover
