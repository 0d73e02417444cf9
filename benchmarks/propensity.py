"""Weighting 100,000 heard to 1,000,000 by 20 covariates with vocstats and with its peers, in one run: seconds, ratios, balance.

    python benchmarks/propensity.py [--rows 1000000] [--tools vocstats vocstats_cbps floor survey_kit empirical_calibration balance]

Ten numbers and ten text columns of 2 to 12 levels; every tenth is heard, depending on both. vocstats fits a logistic response model and,
on a line of its own, the just-identified balancing one; survey-kit and empirical-calibration solve for weights that balance the same 56
moments without a response model; balance fits a penalised logistic model. The floor is Newton's method for the logistic model in numpy and
nothing else: no checks, no names, the design matrix from pandas. `error` is the largest difference of a weighted mean or share from that of
everybody, in standard deviations. See side_by_side.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from side_by_side import Benchmark, Data, Run, main

LEVELS = (2, 2, 3, 3, 4, 5, 6, 8, 10, 12)
NUMBERS, LABELS = [f"x{j}" for j in range(10)], [f"k{j}" for j in range(10)]


def generate(rows: int) -> Data:
    """Correlated numbers and labels, who was heard, and an outcome."""
    rng = np.random.default_rng(3007)
    common = rng.standard_normal(rows)
    x = 0.4 * common[:, None] + rng.standard_normal((rows, 10))
    chance = rng.random((rows, 10)) * np.exp(-0.1 * common)[:, None]
    k = np.minimum((chance * np.array(LEVELS)).astype(np.int8), np.array(LEVELS, np.int8) - 1)
    odds = 0.5 * x[:, 0] - 0.4 * x[:, 1] + 0.25 * x[:, 2] + 0.5 * (k[:, 0] == 1) - 0.25 * k[:, 4] + 0.25 * (k[:, 9] % 2)
    low, high = -10.0, 10.0
    for _ in range(60):  # the intercept with which a tenth is heard
        middle = (low + high) / 2.0
        low, high = (middle, high) if (1.0 / (1.0 + np.exp(-middle - odds))).mean() < 0.1 else (low, middle)
    y = 10.0 + 1.5 * x[:, 0] - x[:, 1] + (k[:, 0] == 1) - 0.7 * k[:, 4] + 2.0 * rng.standard_normal(rows)
    return {"x": x, "k": k, "heard": rng.random(rows) < 1.0 / (1.0 + np.exp(-low - odds)), "y": y}


def columns(data: Data) -> dict[str, Any]:
    """Name -> column, labels as text."""
    text = np.array([f"L{level:02d}" for level in range(max(LEVELS))], object)
    return {name: data["x"][:, j] for j, name in enumerate(NUMBERS)} | {name: text[data["k"][:, j]] for j, name in enumerate(LABELS)}


def vocstats(data: Data, estimator: str = "logistic") -> Run:
    """`vocstats.weighting.weight_by_propensity` on a pandas frame."""
    import pandas as pd

    from vocstats.weighting import weight_by_propensity

    frame = pd.DataFrame(columns(data))
    return lambda: weight_by_propensity(frame, data["heard"], estimator=estimator).values[data["heard"]]


def floor(data: Data) -> Run:
    """Newton's method in blocks of rows, on indicators from pandas categories."""
    import pandas as pd

    frame, heard = pd.DataFrame(columns(data)), data["heard"]

    def run() -> np.ndarray:
        parts = [np.ones(len(frame)), *(frame[name].to_numpy() for name in NUMBERS)]
        for name in LABELS:
            codes, levels = pd.factorize(frame[name], sort=True)
            parts += [(codes == level).astype(float) for level in range(1, len(levels))]
        x, b = np.column_stack(parts), np.zeros(len(parts))
        step = np.ones(b.size)
        while np.abs(step).max() > 1e-8:
            gradient, information = np.zeros(b.size), np.zeros((b.size, b.size))
            for start in range(0, len(x), 4096):
                part = x[start : start + 4096]
                p = 1.0 / (1.0 + np.exp(-(part @ b)))
                gradient += part.T @ (heard[start : start + 4096] - p)
                root = part * np.sqrt(p * (1.0 - p))[:, None]
                information += root.T @ root
            step = np.linalg.solve(information, gradient)
            b += step
        return 1.0 + np.exp(-(x[heard] @ b))

    return run


def survey_kit(data: Data) -> Run:
    """Entropy calibration to the moments of everybody."""
    import polars as pl
    from survey_kit.calibration.calibration import Calibration
    from survey_kit.calibration.moment import Moment

    everybody = pl.DataFrame(columns(data)).with_columns(id=pl.int_range(len(data["heard"])))
    known = everybody.filter(pl.Series(data["heard"]))
    levels = {name: sorted(everybody[name].unique().to_list())[1:] for name in LABELS}

    def indicators(frame: Any) -> Any:
        return frame.with_columns([(pl.col(k) == v).cast(pl.Float64).alias(f"{k}_{v}") for k, each in levels.items() for v in each])

    def run() -> np.ndarray:
        formula = "~1+" + "+".join([*NUMBERS, *(f"{name}_{level}" for name, each in levels.items() for level in each)])
        moment = Moment(df=indicators(everybody), formula=formula, index=["id"])
        solver = Calibration(df=indicators(known), moments=[moment], index=["id"], final_weight="w", tolerance=1e-6)
        solver.run(print_diagnostics=False, skip_diagnostics=True)
        weights = solver.get_final_weights(known)
        weights = weights.collect() if hasattr(weights, "collect") else weights
        return known.select("id").join(weights.select("id", "w"), on="id", how="left", maintain_order="left")["w"].to_numpy()

    return run


def empirical_calibration(data: Data) -> Run:
    """Entropy balancing; it takes matrices, so the indicators come from pandas."""
    import empirical_calibration as package
    import pandas as pd

    frame, heard = pd.DataFrame(columns(data)), data["heard"]

    def run() -> np.ndarray:
        x = pd.get_dummies(frame, columns=LABELS, drop_first=True, dtype=float).to_numpy()
        return np.asarray(package.calibrate(x[heard], x, objective=package.Objective.ENTROPY)[0]) * len(x)

    return run


def balance(data: Data) -> Run:
    """Penalised logistic regression of sample against target, its default."""
    import logging

    import pandas as pd
    from balance.weighting_methods.ipw import ipw

    logging.getLogger("balance").setLevel(logging.ERROR)
    everybody = pd.DataFrame(columns(data))
    known = everybody[data["heard"]].reset_index(drop=True)
    ones = [pd.Series(np.ones(len(frame))) for frame in (known, everybody)]
    return lambda: ipw(known, ones[0], everybody, ones[1])["weight"].to_numpy()


def imbalance(data: Data, _: str, w: np.ndarray) -> float:
    """Largest difference of a weighted mean from that of everybody, in standard deviations, over numbers and levels."""
    known, worst = data["heard"], 0.0
    for j in range(10):
        everybody = data["x"][:, j]
        worst = max(worst, abs(float(np.average(everybody[known], weights=w) - everybody.mean())) / float(everybody.std()))
        share = np.bincount(data["k"][:, j], minlength=LEVELS[j]) / known.size
        found = np.bincount(data["k"][known, j], w, minlength=LEVELS[j]) / w.sum()
        worst = max(worst, float((np.abs(found - share) / np.sqrt(share * (1.0 - share))).max()))
    return worst


BENCHMARK = Benchmark(
    file=__file__,
    title="Weighting a tenth by response propensities on 20 covariates",
    generate=generate,
    tools={
        "vocstats": vocstats, "vocstats_cbps": lambda data: vocstats(data, "cbps"), "floor": floor, "survey_kit": survey_kit,
        "empirical_calibration": empirical_calibration, "balance": balance,
    },
    rows=1_000_000,
    limits={"survey_kit": 1.0},
    check=imbalance,
)

if __name__ == "__main__":
    raise SystemExit(main(BENCHMARK))
