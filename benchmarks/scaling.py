"""How cost grows: raking, calibration and means by domain from 10,000 to 10,000,000 rows, and with margins, domains and replicates.

    python benchmarks/scaling.py [--largest 10000000] [--record scaling]

Every line is a fresh process on one thread; seconds are those of the processor, the better of two calls. Memory is the peak of the whole
process, data and imports included; `added` what the calls added to it. Exit code 1 when a peak passes 4 GiB or the cost per row more than
doubles over a tenfold number of rows (from 100,000 rows on: below, fixed costs count).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from side_by_side import THREADS, Run, clocked, peak, report

MOST, STEEP = 4096.0, 2.0  # MiB; ratio of the cost per row
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)


def rake(rows: int, margins: int) -> Run:
    """Raking on margins of 2 to 13 levels."""
    from vocstats.weighting import rake

    rng = np.random.default_rng(1)
    columns = {f"v{j}": rng.integers(0, 2 + j, rows).astype(np.int8) for j in range(margins)}
    totals = {f"v{j}": np.linspace(1.0, 2.0, 2 + j) / np.linspace(1.0, 2.0, 2 + j).sum() * rows for j in range(margins)}
    d = rng.uniform(1.0, 2.0, rows)
    return lambda: rake(columns, totals, base_weights=d, tol=1e-6).values


def calibrate(rows: int, totals: int) -> Run:
    """Linear calibration to totals of numbers and ones."""
    from vocstats.weighting import calibrate

    rng = np.random.default_rng(1)
    x = rng.standard_normal((rows, totals))
    x[:, 0] = 1.0
    d = rng.uniform(1.0, 2.0, rows)
    wanted = d @ x
    wanted[1:] += 0.05 * rows
    return lambda: calibrate(x, wanted, base_weights=d).values


def mean(rows: int, domains: int) -> Run:
    """Means and standard errors by domain through weights raked on six margins, strata and clusters."""
    from vocstats.estimation import Design, mean
    from vocstats.weighting import rake

    rng = np.random.default_rng(1)
    columns = {f"v{j}": rng.integers(0, 2 + j, rows).astype(np.int8) for j in range(6)}
    totals = {f"v{j}": np.linspace(1.0, 2.0, 2 + j) / np.linspace(1.0, 2.0, 2 + j).sum() * rows for j in range(6)}
    w = rake(columns, totals, tol=1e-6)
    stratum = rng.integers(0, 50, rows)
    cluster = stratum * 40 + rng.integers(0, 40, rows)
    y, by = rng.standard_normal(rows), rng.integers(0, domains, rows).astype(np.int32)
    return lambda: np.asarray(mean(y, w, design=Design(strata=stratum, clusters=cluster), by=by).std_error)


def replicate(rows: int, replicates: int) -> Run:
    """Bootstrap replicates of weights raked on six margins, and a mean."""
    from vocstats.estimation import Design, mean, replicate
    from vocstats.weighting import rake

    rng = np.random.default_rng(1)
    columns = {f"v{j}": rng.integers(0, 2 + j, rows).astype(np.int8) for j in range(6)}
    totals = {f"v{j}": np.linspace(1.0, 2.0, 2 + j) / np.linspace(1.0, 2.0, 2 + j).sum() * rows for j in range(6)}
    w = rake(columns, totals, tol=1e-6)
    design, y = Design(clusters=rng.integers(0, 2000, rows)), rng.standard_normal(rows)
    return lambda: np.asarray(mean(y, replicate(w, design=design, replicates=replicates)).std_error)


JOBS: dict[str, Callable[[int, int], Run]] = {"rake": rake, "calibrate": calibrate, "mean": mean, "replicate": replicate}
UNITS = {"rake": "margins", "calibrate": "totals", "mean": "domains", "replicate": "replicates"}
WIDTHS = {"rake": (2, 6, 12), "calibrate": (5, 10, 20, 40, 80), "mean": (1, 10, 100, 1000, 10_000), "replicate": (50, 100, 200, 400)}


def plan(largest: int) -> list[tuple[str, int, int]]:
    """(job, rows, width): each job over the rows, then over its width."""
    jobs = (("rake", 6, 10**7), ("calibrate", 10, 10**7), ("mean", 1000, 10**7), ("replicate", 50, 10**6))
    over_rows = [(job, rows, width) for job, width, most in jobs for rows in SIZES if rows <= min(most, largest)]
    over_width = [(job, 100_000, width) for job, widths in WIDTHS.items() for width in widths]
    return list(dict.fromkeys(over_rows + over_width))


def work(job: str, rows: int, width: int) -> None:
    """One line, as JSON."""
    run = JOBS[job](rows, width)
    before = peak()
    cpu = min(clocked(run)[1] for _ in range(2))
    print(json.dumps({"cpu": cpu, "memory": peak(), "added": peak() - before}))


def main() -> int:
    """Print a line per job and size; 1 where cost or memory grows too fast."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=SIZES[-1])
    parser.add_argument("--record", metavar="NAME")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work(given.worker[0], int(given.worker[1]), int(given.worker[2]))
        return 0
    lines: list[dict[str, Any]] = []
    for job, rows, width in plan(given.largest):
        command = [sys.executable, __file__, "--worker", job, str(rows), str(width)]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | THREADS, check=True)
        line = json.loads(done.stdout)
        per_row = 1e9 * line["cpu"] / rows
        lines.append({"job": job, "rows": rows, "width": width, "unit": UNITS[job], "per_row": per_row, **line})
    report("Growth of cost", lines, given.record)
    return int(any(line["memory"] > MOST for line in lines) or any(steep(a, b) for a in lines for b in lines))


def steep(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether the cost per row grows from a to b, ten times as long."""
    same = (a["job"], a["width"], 10 * a["rows"]) == (b["job"], b["width"], b["rows"])
    return bool(same and a["rows"] >= 100_000 and b["per_row"] > STEEP * a["per_row"])


if __name__ == "__main__":
    raise SystemExit(main())
