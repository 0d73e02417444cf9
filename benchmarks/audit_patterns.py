"""Expected normal scores of the audit's signals by practice, from simulated networks: writes src/vocstats/inflation/patterns.toml.

    python benchmarks/audit_patterns.py FOLDER [--networks 24] [--seed 72000]

Networks have 300 dealers, 15 % of whom inflate with strength .4, .5 or .6; FOLDER keeps one file per network, and a run that was stopped
goes on. The normal score z of a signal that rests on n responses is taken to be the shift of the practice times growth(n) times the
strength over .5, with a variance 1 + τ² growth(n)² whose τ is estimated along. The seeds are for training
only: nothing is reported on them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from audit_network import audit
from scipy import special

from vocstats.datasets import simulate_dealers
from vocstats.inflation import patterns
from vocstats.inflation.likelihood_ratio import HIGHEST, LOWEST

HEAD = """\
# Normal scores to be expected of the signals at a dealer with 200 responses who inflates about half of them, by what he does.
# Estimated from simulated networks by benchmarks/audit_patterns.py; what is left out is hardly moved (below .25).
# The level is left out of purpose: it lists honest stars.
"""
LEAST = 0.25


def observed(seed: int) -> pd.DataFrame:
    """Normal score and growth of every signal at every inflating dealer of one network."""
    network = simulate_dealers(300, seed=seed, inflated=0.15, strength=[0.4, 0.5, 0.6])
    truth = network.truth.dealers.set_index("dealer")[["inflated", "mechanism", "strength"]]
    parts = [
        pd.DataFrame({"signal": each.name, "z": -special.ndtri(np.clip(each.p_value, 1e-15, 1.0)), "growth": patterns.growth(each.n)},
                     each.labels["dealer"]).join(truth)
        for each in audit(network).signals
    ]
    table = pd.concat(parts)
    return table[table["inflated"] & table["z"].notna()].assign(z=lambda found: found["z"].clip(LOWEST, HIGHEST))


def shift(found: pd.DataFrame) -> float:
    """Weighted least squares through the origin, weights by the method of moments."""
    z, x, spread = found["z"].to_numpy(), found["growth"].to_numpy(), 0.0
    h = x * found["strength"].to_numpy() / 0.5
    for _ in range(20):
        weight = 1.0 / (1.0 + spread * x**2)
        slope = (weight * h) @ z / ((weight * h) @ h)
        spread = max(float((weight**2 * x**2) @ ((z - slope * h) ** 2 - 1.0) / ((weight**2 * x**2) @ x**2)), 0.0)
    return float(slope)


def main() -> None:
    """Simulate what is missing, then write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--networks", type=int, default=24)
    parser.add_argument("--seed", type=int, default=72_000)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for seed in range(given.seed, given.seed + given.networks):
        path = given.folder / f"{seed}.csv"
        if not path.exists():
            observed(seed).to_csv(path)
    table = pd.concat([pd.read_csv(given.folder / f"{seed}.csv") for seed in range(given.seed, given.seed + given.networks)])
    lines = [HEAD]
    for practice, part in table.groupby("mechanism"):
        shifts = {name: shift(each) for name, each in part.groupby("signal", sort=False) if name not in patterns.NOT_COUNTED}
        lines.append(f"[{practice}]\n" + "".join(
            f"{name} = {min(value, patterns.FARTHEST):.1f}\n" for name, value in shifts.items() if value >= LEAST
        ))
    Path(patterns.__file__).with_name("patterns.toml").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
