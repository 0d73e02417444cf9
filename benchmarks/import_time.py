"""How long `import vocstats` takes, against importing numpy and scipy.special, which it cannot do without.

    python benchmarks/import_time.py [--rounds 15] [--record import_time]

Each import runs in a fresh process; the two take turns, so that a busy machine slows both. The median of the ratios of neighbours is
printed; at most 1.5 is accepted (exit code 1 above it).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

from side_by_side import report

LIMIT = 1.5
TIMED = "from time import perf_counter as now; start = now(); {code}; print(now() - start)"
FLOOR = "import numpy, scipy.special"
IMPORTS = ("import vocstats", "import vocstats.weighting, vocstats.estimation")


def seconds(code: str) -> float:
    """Seconds one import takes in a fresh process."""
    done = subprocess.run([sys.executable, "-c", TIMED.format(code=code)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def compare(code: str, rounds: int) -> tuple[float, float]:
    """Median seconds of `code`, and median ratio to the floor."""
    pairs = [(seconds(code), seconds(FLOOR)) for _ in range(rounds)]
    return statistics.median(own for own, _ in pairs), statistics.median(own / floor for own, floor in pairs)


def main() -> int:
    """Print one line per import; 1 when one is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    rounds = given.rounds
    for code in (FLOOR, *IMPORTS):
        seconds(code)  # bytecode and file cache warm
    lines = []
    for code in IMPORTS:
        median, ratio = compare(code, rounds)
        lines.append({"import": code.removeprefix("import "), "wall_ms": 1000.0 * median, "times_floor": ratio, "limit": LIMIT})
    report("Import, against numpy and scipy.special", lines, given.record)
    return int(max(line["times_floor"] for line in lines) > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
