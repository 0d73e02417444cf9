"""The simulation of Chen, Li & Wu (2020, JASA 115, sec. 6): bias and coverage of means from a non-probability sample, beside the paper's.

    python benchmarks/chen_li_wu.py [--repetitions 1000] [--bootstrap 0] [--seed 2020] [--sample 500] [--reference 1000]

A population of 20,000 is made once. In each repetition 500 people enter by themselves (Poisson, logistic in x1 to x4) and a
reference of 1,000 is drawn with probabilities proportional to c + x3 (systematic, in random order). The wrong models leave x4 out.
Three outcomes, whose correlation with the linear predictor is .3, .5 and .8, are estimated jointly. `--bootstrap R` adds the
bootstrap of R replicates where the propensity model is wrong. The paper has 5,000 repetitions.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from vocstats.nonresponse import nonprobability

SIZE = 20_000
CORRELATIONS = (0.3, 0.5, 0.8)
ALL, WITHOUT_X4 = ["x1", "x2", "x3", "x4"], ["x1", "x2", "x3"]
CASES: dict[str, dict[str, Any]] = {
    "ipw, N known": {"method": "ipw", "population": SIZE},
    "ipw": {"method": "ipw"},
    "ipw, model wrong": {"method": "ipw", "propensity_columns": WITHOUT_X4},
    "mass imputation": {"method": "mass_imputation"},
    "doubly robust, both right": {"variance": "plug_in"},
    "doubly robust, outcome right, plug-in": {"propensity_columns": WITHOUT_X4, "variance": "plug_in"},
    "doubly robust, outcome right, linearized": {"propensity_columns": WITHOUT_X4},
    "doubly robust, propensity right": {"outcome_columns": WITHOUT_X4, "variance": "plug_in"},
    "doubly robust, both wrong": {"propensity_columns": WITHOUT_X4, "outcome_columns": WITHOUT_X4, "variance": "plug_in"},
    "bias-minimising, both right": {"equations": "bias_minimising"},
}
BOOTSTRAP = "doubly robust, outcome right, bootstrap"
PAPER: dict[str, dict[str, tuple[float, float, float]]] = {  # in percent
    "naive": {"bias": (26.88, 27.63, 28.14)},
    "ipw": {"coverage": (94.34, 94.94, 94.48)},
    "doubly robust, both right": {"bias": (0.10, 0.05, 0.04), "coverage": (94.72, 94.92, 95.00)},
    "doubly robust, outcome right, plug-in": {"coverage": (90.24, 90.82, 93.00)},
    BOOTSTRAP: {"coverage": (94.42, 94.96, 95.04)},
    "doubly robust, both wrong": {"bias": (23.44, 24.20, 24.72)},
}


@dataclass(frozen=True)
class World:
    """The population: characteristics (N, 4), outcomes (N, 3), and both kinds of inclusion probabilities (N,)."""

    x: np.ndarray
    y: np.ndarray
    entering: np.ndarray
    drawing: np.ndarray


def world(seed: int, sample: int = 500, reference: int = 1_000) -> World:
    """Make the population, from which `sample` people enter on average and `reference` are drawn."""
    rng = np.random.default_rng(seed)
    x1 = rng.integers(0, 2, SIZE).astype(float)
    x2 = rng.uniform(0.0, 2.0, SIZE) + 0.3 * x1
    x3 = rng.exponential(1.0, SIZE) + 0.2 * (x1 + x2)
    x4 = rng.chisquare(4.0, SIZE) + 0.1 * (x1 + x2 + x3)
    x = np.column_stack([x1, x2, x3, x4])
    predictor = 2.0 + x.sum(axis=1)
    noise = rng.normal(size=SIZE)
    y = np.column_stack([predictor + predictor.std() * math.sqrt(1.0 / rho**2 - 1.0) * noise for rho in CORRELATIONS])
    odds = x @ [0.1, 0.2, 0.1, 0.2]
    low, high = -20.0, 5.0
    while high - low > 1e-12:
        middle = (low + high) / 2.0
        low, high = (middle, high) if (1.0 / (1.0 + np.exp(-middle - odds))).sum() < sample else (low, middle)
    size = (x3.max() - 50.0 * x3.min()) / 49.0 + x3
    return World(x=x, y=y, entering=1.0 / (1.0 + np.exp(-low - odds)), drawing=reference * size / size.sum())


def draw(w: World, rng: np.random.Generator) -> dict[str, Any]:
    """Arguments of `nonprobability` for one repetition."""
    sample = np.flatnonzero(rng.random(SIZE) < w.entering)
    order = rng.permutation(SIZE)
    passed = np.floor(np.cumsum(w.drawing[order]) + rng.random())
    reference = order[np.diff(passed, prepend=0.0) > 0]
    return {
        "y": w.y[sample], "x": dict(zip(ALL, w.x[sample].T, strict=True)), "reference": dict(zip(ALL, w.x[reference].T, strict=True)),
        "weights": 1.0 / w.drawing[reference],
    }


def study(
    repetitions: int, seed: int, bootstrap: int = 0, cases: tuple[str, ...] = tuple(CASES), sizes: tuple[int, int] = (500, 1_000)
) -> dict[str, dict[str, np.ndarray]]:
    """Relative bias, its Monte Carlo error and coverage, in percent, by case and correlation."""
    w, rng = world(seed, *sizes), np.random.default_rng([seed, 1])
    truth = w.y.mean(axis=0)
    chosen = {name: CASES[name] for name in cases}
    if bootstrap:
        chosen[BOOTSTRAP] = {"propensity_columns": WITHOUT_X4, "variance": "bootstrap", "replicates": bootstrap}
    values: dict[str, list[np.ndarray]] = {name: [] for name in ("naive", *chosen)}
    hits: dict[str, list[np.ndarray]] = {name: [] for name in ("naive", *chosen)}
    for _ in range(repetitions):
        arguments = draw(w, rng)
        for name, options in chosen.items():
            r = nonprobability(**arguments, **options)
            values[name].append(r.estimate)
            hits[name].append((r.conf_low <= truth) & (truth <= r.conf_high))
        values["naive"].append(r.naive)
    result = {}
    for name, estimates in values.items():
        errors = 100.0 * (np.array(estimates) / truth - 1.0)
        coverage = 100.0 * np.mean(hits[name], axis=0) if hits[name] else np.full(truth.size, np.nan)
        result[name] = {"bias": errors.mean(axis=0), "error": errors.std(axis=0, ddof=1) / math.sqrt(repetitions), "coverage": coverage}
    return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=1_000)
    parser.add_argument("--bootstrap", type=int, default=0, help="replicates; 0: none")
    parser.add_argument("--seed", type=int, default=2020)
    parser.add_argument("--sample", type=int, default=500)
    parser.add_argument("--reference", type=int, default=1_000)
    options = parser.parse_args()
    start = time.perf_counter()
    results = study(options.repetitions, options.seed, options.bootstrap, sizes=(options.sample, options.reference))
    seconds = time.perf_counter() - start
    margin = 100.0 * math.sqrt(0.95 * 0.05 / options.repetitions)
    print(f"{options.repetitions} repetitions, seed {options.seed}, {seconds:.0f} s; Monte Carlo error of a coverage of 95 %: {margin:.2f}")
    print(f"{'correlation .3 / .5 / .8':<42}{'bias %':>24}{'paper':>24}{'coverage %':>24}{'paper':>24}")
    for name, figures in results.items():
        published = PAPER.get(name, {})
        cells = [figures["bias"], published.get("bias"), figures["coverage"], published.get("coverage")]
        print(f"{name:<42}" + "".join(f"{shown(cell):>24}" for cell in cells))


def shown(cell: Any) -> str:
    """Three figures, or nothing."""
    return "" if cell is None or np.isnan(cell).all() else " / ".join(f"{value:.2f}" for value in cell)


if __name__ == "__main__":
    main()
