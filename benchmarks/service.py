"""A service call: the correction of 2,000 answers of 20,000 customers, once everything is imported.

    python benchmarks/service.py [--runs 15] [--record service]

From two pandas frames to the corrected scores with their standard errors; the base with its cells and the correction on top of it are
also timed by themselves. Medians, in milliseconds of the processor; at most 50 are accepted for the whole (exit code 1 above it).
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import numpy as np
import pandas as pd
from side_by_side import clocked, report

import vocstats as vs

LIMIT = 50.0  # milliseconds


def tables(size: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A registry and the survey answers of a tenth of it, of those who stayed."""
    rng = np.random.default_rng(1)
    registry = pd.DataFrame({
        "id": [f"C{k:07d}" for k in range(size)], "churned": rng.random(size) < 0.2, "model": rng.choice(["x", "y", "z"], size),
        "channel": rng.choice(["city", "coast", "country", "net"], size),
    })
    stayed = registry.loc[~registry["churned"], "id"].sample(size // 10, random_state=1)
    return registry, pd.DataFrame({"id": stayed, "csi": rng.integers(1, 11, len(stayed))})


def main() -> int:
    """Print a line per part; 1 when the whole is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    registry, survey = tables(20_000)

    def base() -> Any:
        return vs.CustomerBase.from_frames(registry, id="id", churned="churned", answers={"survey": survey})

    def correct(known: Any) -> Any:
        return vs.correct(known, outcome="csi", scale=(1, 10), auxiliaries=["model", "channel"])

    ready = base()
    calls = {"base from frames": base, "correct": lambda: correct(ready), "both": lambda: correct(base())}
    lines: list[dict[str, Any]] = []
    for name, call in calls.items():
        call()
        cpu = statistics.median(clocked(call)[1] for _ in range(given.runs))
        lines.append({"call": name, "cpu_ms": 1000.0 * cpu, "limit": LIMIT if name == "both" else None})
    report("A service call: 2,000 answers, 20,000 customers", lines, given.record)
    return int(lines[-1]["cpu_ms"] > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
