"""From a registry and its answers to cells: a small registry in pandas, a large one in Parquet read by DuckDB.

    python benchmarks/customer_base.py [--small 20000] [--large 10000000] [--runs 20]

A tenth of the small registry and a fiftieth of the large one answered. Times are the best of the runs (one for the large registry), in
seconds of wall clock and of processor; memory is the peak of the process after the large one.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vocstats import CustomerBase

BANDS = {"tenure_band": {"from": "tenure", "upper": [12, 24, 48], "labels": ["1-12", "13-24", "25-48", "49+"]}}
LARGE = """
copy (select lpad(i::varchar, 12, '0') as id, hash(i) % 10 < 2 as churned, 'M' || hash(i * 7) % 3 as model,
             'C' || hash(i * 13) % 2 as channel, (hash(i * 11) % 72)::int as tenure from range({size}) t(i)) to '{folder}/registry.parquet';
copy (select lpad(i::varchar, 12, '0') as id, (1 + hash(i * 5) % 10)::int as csi from range({size}) t(i) where hash(i * 17) % 50 = 0)
    to '{folder}/survey.parquet';
"""


def collapse(registry: Any, survey: Any) -> int:
    """Tables to cells; how many."""
    base = CustomerBase.from_frames(registry, id="id", churned="churned", answers={"survey": survey}, bands=BANDS)
    return len(base.cells(["model", "channel", "tenure_band"], outcome="csi", scale=(1, 10)))


def small(size: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A registry and its survey in pandas."""
    rng = np.random.default_rng(1)
    registry = pd.DataFrame({
        "id": [f"C{k:07d}" for k in range(size)], "churned": rng.random(size) < 0.2, "model": rng.choice(["x", "y", "z"], size),
        "channel": rng.choice(list("abcdefgh"), size), "tenure": rng.integers(1, 72, size),
    })
    return registry, pd.DataFrame({"id": registry["id"].sample(size // 10, random_state=1), "csi": rng.integers(1, 11, size // 10)})


def best(call: Callable[[], int], runs: int) -> str:
    """Shortest time of several calls."""
    taken = []
    for _ in range(runs):
        wall, processor = time.perf_counter(), time.process_time()
        cells = call()
        taken.append((time.perf_counter() - wall, time.process_time() - processor))
    wall, processor = min(taken)
    return f"{wall:8.3f} s wall, {processor:8.3f} s processor, {cells:,} cells"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    tables = small(options.small)
    collapse(*tables)
    print(f"pandas, {options.small:,} rows: {best(lambda: collapse(*tables), options.runs)}")
    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        duckdb.connect().execute(LARGE.format(size=options.large, folder=folder))
        connection = duckdb.connect()
        relations = [connection.read_parquet(str(Path(folder) / f"{name}.parquet")) for name in ("registry", "survey")]
        print(f"DuckDB over Parquet, {options.large:,} rows: {best(lambda: collapse(*relations), 1)}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
