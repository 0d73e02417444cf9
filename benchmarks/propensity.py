"""Weighting 100,000 heard to 1,000,000 by 20 covariates with vocstats and with its peers, in one run: seconds, ratios, balance.

    python benchmarks/propensity.py [--rows 1000000] [--runs 3] [--peers survey_kit empirical_calibration balance] [--required 1]

Ten numbers and ten text columns of 2 to 12 levels; every tenth is heard, depending on both. vocstats fits a logistic response model and,
on a line of its own, the just-identified balancing one; survey-kit and empirical-calibration solve for weights that balance the same 56
moments without a response model; balance fits a penalised logistic model. The floor is Newton's method for the logistic model in numpy and
nothing else: no checks, no names, the design matrix from pandas.

Every tool runs in a fresh process on one thread, from data frames in memory (pandas or Polars, as the tool likes them) to an array of
weights; reading the data is not timed, and a first call on few rows warms everything up. vocstats runs before and after each peer; its
median counts. CPU seconds are compared, which other processes on the machine disturb least. Peers are looked for in
``$VOCSTATS_PEERS/<name>/bin/python``, else in this interpreter; those not installed are named and left out. Exit code 1 when the fastest
peer is less than --required times as slow as the logistic model of vocstats, or when that differs from the floor's.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

LEVELS = (2, 2, 3, 3, 4, 5, 6, 8, 10, 12)
NUMBERS, LABELS = [f"x{j}" for j in range(10)], [f"k{j}" for j in range(10)]
WARM_UP = 20_000
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"), "1")
Data = dict[str, np.ndarray]
Run = Callable[[], np.ndarray]


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


TOOLS: dict[str, Callable[[Data], Run]] = {
    "vocstats": vocstats, "vocstats_cbps": lambda data: vocstats(data, "cbps"), "floor": floor, "survey_kit": survey_kit,
    "empirical_calibration": empirical_calibration, "balance": balance,
}


def work(name: str, folder: Path, runs: int) -> None:
    """Run one tool and print its seconds and memory as JSON; its weights go beside the data."""
    stored = np.load(folder / "data.npz")
    data = {key: stored[key] for key in stored.files}
    TOOLS[name]({key: column[:WARM_UP] for key, column in data.items()})()
    run = TOOLS[name](data)
    wall, cpu = [], []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(runs):
        start = time.perf_counter(), time.process_time()
        weights = run()
        wall.append(time.perf_counter() - start[0])
        cpu.append(time.process_time() - start[1])
    np.save(folder / f"{name}.npy", weights)
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e6
    print("\n" + json.dumps({"wall": wall, "cpu": cpu, "memory": [memory]}))


def interpreter(name: str) -> str | None:
    """The interpreter a tool is installed in."""
    if name.startswith(("vocstats", "floor")):
        return sys.executable
    own = Path(os.environ.get("VOCSTATS_PEERS", "")) / name / "bin" / "python"
    return str(own) if "VOCSTATS_PEERS" in os.environ and own.exists() else sys.executable if importlib.util.find_spec(name) else None


def measure(name: str, folder: Path, runs: int) -> dict[str, list[float]] | None:
    """Seconds of one tool in a fresh process; None where it is not installed."""
    python = interpreter(name)
    if python is None:
        return None
    command = [python, __file__, "--worker", name, str(folder), "--runs", str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | THREADS)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def imbalance(data: Data, w: np.ndarray) -> float:
    """Largest difference of a weighted mean from that of everybody, in standard deviations, over numbers and levels."""
    known, worst = data["heard"], 0.0
    for j in range(10):
        everybody = data["x"][:, j]
        worst = max(worst, abs(float(np.average(everybody[known], weights=w) - everybody.mean())) / float(everybody.std()))
        share = np.bincount(data["k"][:, j], minlength=LEVELS[j]) / known.size
        found = np.bincount(data["k"][known, j], w, minlength=LEVELS[j]) / w.sum()
        worst = max(worst, float((np.abs(found - share) / np.sqrt(share * (1.0 - share))).max()))
    return worst


def compare(rows: int, runs: int, peers: list[str], folder: Path) -> float:
    """Print one line per tool; the ratio of the fastest peer to vocstats."""
    data = generate(rows)
    np.savez(folder / "data.npz", **data)
    own: dict[str, dict[str, list[float]]] = {"vocstats": {}, "vocstats_cbps": {}, "floor": {}}
    seconds: dict[str, dict[str, list[float]]] = {}

    def ours() -> None:
        for name, measured in own.items():
            for key, values in (measure(name, folder, runs) or {}).items():
                measured.setdefault(key, []).extend(values)

    ours()
    for peer in peers:
        result = measure(peer, folder, 1 if peer == "balance" else runs)
        if result is None:
            print(f"{peer}: not installed")
            continue
        seconds[peer] = result
        ours()
    figures = {name: {key: statistics.median(values) for key, values in all_of.items()} for name, all_of in (own | seconds).items()}
    known = data["heard"]
    print(f"{rows:,} rows, {known.sum():,} heard, 10 numbers and 10 text columns of {LEVELS} levels")
    print(f"{'tool':22}{'wall s':>9}{'cpu s':>9}{'cpu ratio':>11}{'memory GB':>11}{'imbalance':>11}{'error of mean':>15}")
    for name, figure in figures.items():
        w = np.load(folder / f"{name}.npy")
        error = float(np.average(data["y"][known], weights=w) - data["y"].mean())
        ratio = figure["cpu"] / figures["vocstats"]["cpu"]
        print(
            f"{name:22}{figure['wall']:9.2f}{figure['cpu']:9.2f}{ratio:11.2f}{figure['memory']:11.2f}"
            f"{imbalance(data, w):11.1e}{error:15.4f}"
        )
    differ = float(np.abs(np.load(folder / "vocstats.npy") / np.load(folder / "floor.npy") - 1.0).max())
    if differ > 1e-6:
        raise SystemExit(f"the weights differ from those of the floor by {differ:.1e}")
    return min((figures[peer]["cpu"] / figures["vocstats"]["cpu"] for peer in seconds), default=float("nan"))


def main() -> int:
    """Parse, compare, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=["survey_kit", "empirical_calibration", "balance"])
    parser.add_argument("--required", type=float, default=1.0)
    parser.add_argument("--worker", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.worker[0], Path(given.worker[1]), given.runs)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        ratio = compare(given.rows, given.runs, given.peers, Path(folder))
    print(f"the fastest peer takes {ratio:.1f} times as long as vocstats; required: {given.required:g}")
    return int(not ratio >= given.required)


if __name__ == "__main__":
    raise SystemExit(main())
