"""How long `import vocstats` takes, against importing numpy and scipy.special, which it cannot do without.

    python benchmarks/import_time.py [--rounds 15]

Each import runs in a fresh process; the two take turns, so that a busy machine slows both. The median of the ratios of neighbours is
printed; at most 1.5 is accepted (exit code 1 above it).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

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
    rounds = parser.parse_args().rounds
    for code in (FLOOR, *IMPORTS):
        seconds(code)  # bytecode and file cache warm
    ratios = []
    for code in IMPORTS:
        median, ratio = compare(code, rounds)
        ratios.append(ratio)
        print(f"{code:50} {1000 * median:7.1f} ms   {ratio:5.2f} x numpy + scipy.special")
    return int(max(ratios) > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
