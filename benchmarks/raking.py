"""Raking one table on six margins with vocstats and with its peers, in one run: seconds, ratios, and whether the weights agree.

    python benchmarks/raking.py [--rows 1000000] [--tol 1e-6] [--runs 3] [--peers weightipy svy survey] [--required 10]

Every tool runs in a fresh process on one thread, from the columns in memory (pandas, Polars or R, as the tool likes them) to an array of
weights; reading the data is not timed, and a first call on few rows warms everything up. vocstats runs before and after each peer; its
median counts. Python peers are looked for in ``$VOCSTATS_PEERS/<name>/bin/python``, else in this interpreter; R survey through Rscript.
Peers that are not installed are named and left out. Exit code 1 when the fastest peer is less than --required times as slow as vocstats.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

LEVELS = (2, 5, 8, 12, 31, 40)
NAMES = tuple(f"v{j}" for j in range(1, len(LEVELS) + 1))
WARM_UP = 5_000
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"), "1")
Columns = dict[str, np.ndarray]
Targets = dict[str, list[float]]
Run = Callable[[], np.ndarray]

R_WORKER = """
suppressMessages(library(survey))
a <- commandArgs(TRUE); n <- as.integer(a[2]); runs <- as.integer(a[3]); tol <- as.double(a[4]); setwd(a[1]); v <- paste0("v", 1:6)
m <- read.csv("targets.csv")
full <- as.data.frame(lapply(setNames(v, v), function(k) factor(readBin(paste0(k, ".bin"), "integer", n, 2), m$level[m$var == k])))
full$d <- readBin("d.bin", "double", n)
pop <- lapply(v, function(k) setNames(data.frame(factor(m$level[m$var == k]), m$total[m$var == k]), c(k, "Freq")))
run <- function(x, pop) weights(rake(svydesign(ids=~1, weights=~d, data=x), lapply(v, function(k) as.formula(paste("~", k))), pop,
                                     control=list(maxit=500, epsilon=tol * min(m$total) / sum(x$d))))
wall <- cpu <- c()
for (i in seq_len(runs)) {
  t <- proc.time(); w <- run(full, pop); t <- proc.time() - t
  wall <- c(wall, t[[3]]); cpu <- c(cpu, t[[1]] + t[[2]])
}
writeBin(as.double(w), "survey.bin")
cat(sprintf('{"wall": [%s], "cpu": [%s]}', paste(wall, collapse=","), paste(cpu, collapse=",")))
"""


def generate(rows: int) -> tuple[Columns, np.ndarray, Targets]:
    """Six associated label columns with skewed levels, base weights, and targets tilted against the sample."""
    rng, tilt = np.random.default_rng(1006), np.random.default_rng(77)
    latent = rng.standard_normal(rows)
    columns, targets = {}, {}
    for j, (name, k) in enumerate(zip(NAMES, LEVELS, strict=True)):
        share = np.arange(1, k + 1) ** -(0.6 + 0.15 * j)
        z = 0.4 * latent + np.sqrt(0.84) * rng.standard_normal(rows)
        columns[name] = np.searchsorted(np.quantile(z, np.cumsum(share / share.sum())[:-1]), z).astype(np.int16)
        wanted = np.bincount(columns[name], minlength=k) * np.exp(0.5 * tilt.standard_normal(k))
        targets[name] = (rows * wanted / wanted.sum()).tolist()
    d = np.exp(0.3 * rng.standard_normal(rows))
    return columns, d * rows / d.sum(), targets


def vocstats(columns: Columns, d: np.ndarray | None, targets: Targets, tol: float) -> Run:
    """`vocstats.weighting.rake` on a pandas frame."""
    import pandas as pd

    from vocstats.weighting import rake

    frame = pd.DataFrame(columns)
    totals = {name: dict(enumerate(values)) for name, values in targets.items()}
    return lambda: rake(frame, totals, base_weights=d, tol=tol).values


def weightipy(columns: Columns, d: np.ndarray | None, targets: Targets, tol: float) -> Run:
    """Weightipy knows no base weights."""
    import pandas as pd
    import weightipy as wp

    frame, rows = pd.DataFrame(columns), sum(targets["v1"])
    shares = {name: {k: 100.0 * value / rows for k, value in enumerate(values)} for name, values in targets.items()}

    def run() -> np.ndarray:
        return np.asarray(wp.weight(frame, wp.scheme_from_dict(shares, rim_params={"convcrit": tol})), dtype=float)

    return run


def svy(columns: Columns, d: np.ndarray | None, targets: Targets, tol: float) -> Run:
    """svy on a Polars frame."""
    import polars as pl
    import svy as package

    frame = pl.DataFrame(columns).with_columns(d=pl.Series(d))
    totals = {name: dict(enumerate(values)) for name, values in targets.items()}

    def run() -> np.ndarray:
        sample = package.Sample(frame, package.Design(wgt="d")).weighting.rake(controls=totals, tol=tol, max_iter=1000)
        return np.asarray(sample.data.get_column("rk_wgt").to_numpy())

    return run


TOOLS = {"vocstats": vocstats, "vocstats_unweighted": vocstats, "weightipy": weightipy, "svy": svy}
UNWEIGHTED = ("weightipy", "vocstats_unweighted")


def work(name: str, folder: Path, runs: int, tol: float) -> None:
    """Run one Python tool and print its seconds as JSON; its weights go beside the data."""
    data = np.load(folder / "data.npz")
    columns = {key: data[key] for key in NAMES}
    d = None if name in UNWEIGHTED else data["d"]
    targets = json.loads((folder / "targets.json").read_text())
    every = np.arange(max(LEVELS))  # the first rows and every level at least once
    few = {key: np.r_[every % k, columns[key][:WARM_UP]].astype(np.int16) for key, k in zip(NAMES, LEVELS, strict=True)}
    totals = {key: np.bincount(column).astype(float).tolist() for key, column in few.items()}
    TOOLS[name](few, None if d is None else np.ones(len(few["v1"])), totals, tol)()
    run = TOOLS[name](columns, d, targets, tol)
    wall, cpu = [], []
    for _ in range(runs):
        start = time.perf_counter(), time.process_time()
        weights = run()
        wall.append(time.perf_counter() - start[0])
        cpu.append(time.process_time() - start[1])
    np.save(folder / f"{name}.npy", weights)
    print(json.dumps({"wall": wall, "cpu": cpu}))


def interpreter(name: str) -> str | None:
    """The interpreter a Python tool is installed in."""
    if name.startswith("vocstats"):
        return sys.executable
    own = Path(os.environ.get("VOCSTATS_PEERS", "")) / name / "bin" / "python"
    return str(own) if "VOCSTATS_PEERS" in os.environ and own.exists() else sys.executable if importlib.util.find_spec(name) else None


def measure(name: str, folder: Path, rows: int, runs: int, tol: float) -> dict[str, Any] | None:
    """Seconds of one tool in a fresh process; None where it is not installed."""
    if name == "survey":
        rscript = shutil.which("Rscript")
        if rscript is None:
            return None
        command = [rscript, "--vanilla", str(folder / "worker.R"), str(folder), str(rows), str(min(runs, 1)), str(tol)]
    else:
        python = interpreter(name)
        if python is None:
            return None
        command = [python, __file__, "--worker", name, str(folder), "--runs", str(runs), "--tol", str(tol)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | THREADS)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def write(folder: Path, columns: Columns, d: np.ndarray, targets: Targets) -> None:
    """The data once for numpy and once for R."""
    np.savez(folder / "data.npz", d=d, **columns)
    (folder / "targets.json").write_text(json.dumps(targets))
    (folder / "worker.R").write_text(R_WORKER)
    for name, column in columns.items():
        column.tofile(folder / f"{name}.bin")
    d.tofile(folder / "d.bin")
    lines = [f"{name},{k},{total!r}" for name, totals in targets.items() for k, total in enumerate(totals)]
    (folder / "targets.csv").write_text("\n".join(["var,level,total", *lines]))


def weights_of(name: str, folder: Path) -> np.ndarray:
    return np.fromfile(folder / "survey.bin") if name == "survey" else np.load(folder / f"{name}.npy")


def margin_error(columns: Columns, targets: Targets, w: np.ndarray) -> float:
    """Largest relative error of a total; weightipy's weights are scaled to the number of rows, which is the total here."""
    return max(float(np.abs(np.bincount(columns[name], w) / np.array(totals) - 1.0).max()) for name, totals in targets.items())


def compare(rows: int, tol: float, runs: int, peers: list[str], folder: Path) -> float:
    """Print one line per tool; the ratio of the fastest peer to vocstats."""
    columns, d, targets = generate(rows)
    write(folder, columns, d, targets)
    own = {name: {"wall": [], "cpu": []} for name in ("vocstats", "vocstats_unweighted")}
    seconds: dict[str, dict[str, float]] = {}

    def ours() -> None:
        for name, times in own.items():
            for clock, values in (measure(name, folder, rows, runs, tol) or {}).items():
                times[clock] += values

    ours()
    for peer in peers:
        result = measure(peer, folder, rows, runs, tol)
        if result is None:
            print(f"{peer}: not installed")
            continue
        seconds[peer] = {clock: statistics.median(values) for clock, values in result.items()}
        ours()
    mine = {name: {clock: statistics.median(values) for clock, values in times.items()} for name, times in own.items()}
    print(f"{rows:,} rows, margins of {LEVELS} levels, tolerance {tol:g}")
    print(f"{'tool':22}{'wall s':>10}{'cpu s':>10}{'ratio':>8}{'cpu ratio':>11}{'margin error':>14}{'weights differ':>16}")
    ratios = []
    for name, times in (mine | seconds).items():
        same = mine["vocstats_unweighted" if name in UNWEIGHTED else "vocstats"]
        w, reference = weights_of(name, folder), weights_of("vocstats_unweighted" if name in UNWEIGHTED else "vocstats", folder)
        ratio, differ = times["wall"] / same["wall"], float(np.abs(w / reference - 1.0).max())
        print(
            f"{name:22}{times['wall']:10.3f}{times['cpu']:10.3f}{ratio:8.1f}{times['cpu'] / same['cpu']:11.1f}"
            f"{margin_error(columns, targets, w):14.1e}{differ:16.1e}"
        )
        if name in seconds:
            ratios.append(ratio)
            if differ > 100.0 * tol:
                raise SystemExit(f"the weights of {name} differ from those of vocstats by {differ:.1e}")
    return min(ratios, default=float("nan"))


def main() -> int:
    """Parse, compare, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tol", type=float, default=1e-6)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", nargs="*", default=["weightipy", "svy", "survey"])
    parser.add_argument("--required", type=float, default=10.0)
    parser.add_argument("--worker", nargs=2, metavar=("NAME", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.worker[0], Path(given.worker[1]), given.runs, given.tol)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        ratio = compare(given.rows, given.tol, given.runs, given.peers, Path(folder))
    print(f"the fastest peer takes {ratio:.1f} times as long as vocstats; required: {given.required:g}")
    return int(not ratio >= given.required)


if __name__ == "__main__":
    raise SystemExit(main())
