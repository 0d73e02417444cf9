"""Mean and standard error by dealer, strata x clusters: vocstats beside a plain numpy script and svy, in one run.

    python benchmarks/domains.py [--rows 1000000] [--dealers 1000] [--runs 3]

Every tool runs in a fresh process on one thread, from arrays in memory to estimates and standard errors, which must agree to 1e-9.
The numpy script is the floor: one dense table of clusters x dealers, made for this one case. svy is looked for in
``$VOCSTATS_PEERS/svy/bin/python``, else in this interpreter, and left out where it is not installed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

STRATA, CLUSTERS = 50, 20  # clusters per stratum
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"), "1")
Columns = dict[str, np.ndarray]


def columns(rows: int, dealers: int) -> Columns:
    """Scores, weights, strata, clusters and dealers; every cluster serves every dealer."""
    rng = np.random.default_rng(1)
    stratum = rng.integers(0, STRATA, rows)
    return {
        "stratum": stratum, "cluster": stratum * CLUSTERS + rng.integers(0, CLUSTERS, rows), "dealer": rng.integers(0, dealers, rows),
        "y": rng.integers(1, 11, rows).astype(float), "w": rng.uniform(1, 5, rows),
    }


def vocstats(c: Columns) -> np.ndarray:
    """The package."""
    from vocstats.estimation import Design, mean

    e = mean(c["y"], c["w"], design=Design(strata=c["stratum"], clusters=c["cluster"]), by=c["dealer"])
    return np.column_stack([e.estimate, e.std_error])


def numpy_script(c: Columns) -> np.ndarray:
    """What one would write by hand for this one case."""
    dealers, clusters = int(c["dealer"].max()) + 1, STRATA * CLUSTERS
    key = c["cluster"] * dealers + c["dealer"]
    size, top = (np.bincount(key, v, clusters * dealers).reshape(clusters, dealers) for v in (c["w"], c["w"] * c["y"]))
    mean = top.sum(0) / size.sum(0)
    z = ((top - size * mean) / size.sum(0)).reshape(STRATA, CLUSTERS, dealers)
    variance = ((z - z.mean(1, keepdims=True)) ** 2).sum((0, 1)) * CLUSTERS / (CLUSTERS - 1)
    return np.column_stack([mean, np.sqrt(variance)])


def svy(c: Columns) -> np.ndarray:
    """The fastest peer in Python."""
    import polars as pl
    import svy

    sample = svy.Sample(pl.DataFrame(c), svy.Design(stratum="stratum", psu="cluster", wgt="w"))
    table = sample.estimation.mean("y", by="dealer").to_polars()
    return table.with_columns(pl.col("dealer").cast(pl.Int64)).sort("dealer").select("est", "se").to_numpy()


TOOLS: dict[str, Callable[[Columns], np.ndarray]] = {"vocstats": vocstats, "numpy_script": numpy_script, "svy": svy}


def work(tool: str, rows: int, dealers: int, runs: int) -> None:
    """Time one tool in this process and print a line of JSON."""
    run = TOOLS[tool]
    run(columns(50 * dealers, dealers))
    full, cpu, wall = columns(rows, dealers), [], []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(runs):
        start = time.process_time(), time.perf_counter()
        result = run(full)
        cpu.append(time.process_time() - start[0])
        wall.append(time.perf_counter() - start[1])
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"cpu": statistics.median(cpu), "wall": statistics.median(wall), "memory": memory, "result": result.tolist()}))


def interpreter(tool: str) -> str:
    """The Python a tool runs in."""
    own = Path(os.environ.get("VOCSTATS_PEERS", "")) / tool / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def main() -> None:
    """Print one line per tool."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rows", 1_000_000), ("dealers", 1000), ("runs", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--tool", choices=TOOLS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tool:
        work(options.tool, options.rows, options.dealers, options.runs)
        return
    first = None
    for tool in TOOLS:
        sizes = [f"--{name}={getattr(options, name)}" for name in ("rows", "dealers", "runs")]
        command = [interpreter(tool), __file__, "--tool", tool, *sizes]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | THREADS)
        if done.returncode:
            print(f"{tool:14} left out: {done.stderr.strip().splitlines()[-1]}")
            continue
        line = json.loads(done.stdout.splitlines()[-1])
        first = first or line
        np.testing.assert_allclose(line["result"], first["result"], rtol=1e-9)
        ratio = line["cpu"] / first["cpu"]
        print(f"{tool:14} {line['cpu']:7.3f} cpu s {line['wall']:7.3f} s {line['memory']:7.0f} MB {ratio:7.2f} x vocstats")


if __name__ == "__main__":
    main()
