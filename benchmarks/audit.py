"""The dealer audit end to end: seconds and memory from 31,000 to more than a million responses of 500 dealers, eight items each.

    python benchmarks/audit.py [--largest 1000000] [--record audit]

Every line is a fresh process that reads the responses and the roster with its outcomes from Parquet and calls `vs.audit_dealers`. Memory is
the peak of the whole process, data and imports included; `added` what the call added to the peak. Accepted (exit code 1 otherwise): 60
seconds for 250,000 responses, a cost per response that less than doubles from there on, and a peak that leaves 5 million responses within 8
GiB: what is added per response, from the two largest sizes, times 5 million. `--largest 5000000` runs them. At 250,000 responses a second
process says how long each signal took.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from side_by_side import THREADS, clocked, peak, report

import vocstats as vs
from vocstats.datasets import SimulatedNetwork, simulate_dealers

DEALERS = 500
SIZES = {31_000: 5, 62_000: 10, 125_000: 20, 250_000: 40, 500_000: 80, 1_000_000: 160, 5_000_000: 800}  # fewest responses of a dealer
MOST = 50  # times as many, log-uniform between
USUAL, SECONDS, STEEP = 250_000, 60.0, 2.0
MANY, GIB = 5_000_000, 8.0


def make(size: int, folder: Path) -> None:
    """Write the tables of a network."""
    fewest = SIZES[size]
    network = simulate_dealers(DEALERS, seed=1, strength=(0.4, 0.6), responses=(fewest, MOST * fewest), tiny=0.0)
    network.responses.to_parquet(folder / "responses.parquet")
    network.roster.merge(network.outcomes, on="visit_id").to_parquet(folder / "roster.parquet")


def work(folder: Path, profiled: bool) -> dict[str, Any]:
    """Read the tables and audit them."""
    responses, roster = (pd.read_parquet(folder / f"{name}.parquet") for name in ("responses", "roster"))
    before = peak()

    def run() -> Any:
        return vs.audit_dealers(
            responses, dealer="dealer", score="score", response_id="response_id", visit="visit_id", channel="channel",
            independent_channel="manufacturer", items=list(SimulatedNetwork.items), case_mix=list(SimulatedNetwork.case_mix),
            outcomes=list(SimulatedNetwork.outcome_names), time="time", device="device", address="address", seconds="seconds",
            roster=roster, invited="invited", drawn="drawn", reached="reached", threshold=0.80, seed=0,
        )

    if profiled:
        return {"parts": parts(run)}
    _, cpu, wall = clocked(run)
    return {"rows": len(responses), "visits": len(roster), "cpu": cpu, "wall": wall, "memory": peak(), "added": peak() - before}


def parts(run: Any) -> dict[str, float]:
    """Seconds within the reading of the tables and each public function of `vocstats.inflation`, those it calls included."""
    profile = cProfile.Profile(time.process_time)
    profile.runcall(run)
    taken: dict[str, float] = {}
    functions = {"audit_dealers", "read_tables", *(name for name in vs.inflation.__all__ if name.islower())}
    for (file, _, name), (_, _, _, seconds, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if name in functions and "vocstats" in file:
            taken[name] = taken.get(name, 0.0) + seconds
    return dict(sorted(taken.items(), key=lambda each: -each[1]))


def fresh(*arguments: str) -> dict[str, Any]:
    """What a process of its own prints as JSON."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | THREADS, check=True)
    return dict(json.loads(done.stdout))


def main() -> int:
    """Print a line per size, then per signal; 1 where the audit takes too long or too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--record", metavar="NAME")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        job, size, folder = given.worker
        print(json.dumps(make(int(size), Path(folder)) or {} if job == "make" else work(Path(folder), job == "profile")))
        return 0
    lines, signals = [], {}
    for size in (size for size in SIZES if size <= given.largest):
        with tempfile.TemporaryDirectory() as folder:
            fresh("--worker", "make", str(size), folder)
            line = fresh("--worker", "run", str(size), folder)
            lines.append({"call": "audit_dealers", **line, "per_row": 1e9 * line["cpu"] / line["rows"]})
            print(lines[-1], flush=True)
            if size == USUAL:
                signals = fresh("--worker", "profile", str(size), folder)["parts"]
    report("The audit of 500 dealers", lines, given.record)
    if signals:
        name = given.record and f"{given.record}_signals"
        report(f"Parts of an audit, {USUAL:,} responses", [{"call": part, "cpu": cpu} for part, cpu in signals.items()], name)
    return int(not acceptable(lines))


def acceptable(lines: list[dict[str, Any]]) -> bool:
    """Whether time and memory are within what is accepted, as far as the sizes tell."""
    usual = [line for line in lines if line["rows"] >= 0.9 * USUAL]
    if not usual:
        return True
    fast = usual[0]["wall"] <= SECONDS and all(line["per_row"] <= STEEP * usual[0]["per_row"] for line in usual)
    if len(usual) == 1:
        return fast
    small, large = usual[-2:]
    per_response = (large["memory"] - small["memory"]) / (large["rows"] - small["rows"])
    reached = large["memory"] + per_response * max(MANY - large["rows"], 0)
    print(f"{1024 * per_response:.2f} KiB per response; {reached / 1024:.1f} GiB with {MANY:,}")
    return fast and reached <= 1024 * GIB


if __name__ == "__main__":
    raise SystemExit(main())
