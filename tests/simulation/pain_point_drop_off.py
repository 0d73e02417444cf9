"""Drop-off that is true, says nothing, or misleads: coverage and width by segment; run as a script, prints the methods page's table."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

import vocstats as vs

WORLD: dict[str, Any] = {"dealers": 8, "pains": 4, "segments": 8, "customers": (100, 400)}
STUDIES: Mapping[str, dict[str, Any]] = {
    "rises with the pains named": {}, "rises strongly, little else": {"drop_off": 1.0, "drop_off_spread": 0.05},
    "rises with no pain": {"drop_off": 0.0}, "rises with other pains than named": {},
    "another cause, far apart": {"drop_off": 0.0, "drop_off_spread": 0.6},
    "24 segments, rises with the pains named": {"segments": 24},
}
SEEDS = range(90_700, 90_710)


def judged(name: str, seed: int) -> pd.DataFrame:
    """One row per pain and segment: whether the 90 % interval covers the chance, its width in logits and the error, without and with."""
    made = vs.datasets.simulate_pain_points(seed=seed, **(WORLD | STUDIES[name]))
    acts = made.drop_off_pains
    if "other" in name:
        acts = dict(zip(acts, reversed(acts.values()), strict=True))
    known = {
        "groups": made.groups, "frame": made.frame, "coder_audit": made.coder_audit, "perfect_sources": made.perfect_sources,
        "by": "segment", "seed": seed, "audit_drawn_by": "truth",
    }
    asked = {"without": {}, "with": {"drop_off": made.drop_off, "drop_off_pains": acts}}
    table = made.truth.prevalence(["segment"])
    for label, more in asked.items():
        found = vs.estimate_pain_points(made.observations, **known, **more).to_frame()
        table = table.merge(found[["pain_point", "segment", "estimate", "conf_low", "conf_high"]], on=["pain_point", "segment"])
        low, high = table.pop("conf_low"), table.pop("conf_high")
        table[f"covered_{label}"] = (low <= table["prevalence"]) & (table["prevalence"] <= high)
        table[f"width_{label}"], table[f"error_{label}"] = high - low, table.pop("estimate") - table["prevalence"]
    return table


def study(name: str, seeds: Iterable[int] = SEEDS) -> dict[str, float]:
    """Shares covered, geometric mean ratio of widths, and ratio of root mean squared errors (with over without)."""
    table = pd.concat([judged(name, seed) for seed in seeds])
    found = {f"covered_{label}": float(table[f"covered_{label}"].mean()) for label in ("without", "with")}
    found["width"] = float(np.exp(np.log(table["width_with"] / table["width_without"]).mean()))
    found["error"] = float(np.sqrt((table["error_with"] ** 2).mean() / (table["error_without"] ** 2).mean()))
    return found


if __name__ == "__main__":
    for name in sys.argv[1:] or STUDIES:
        row = study(name, SEEDS[:4] if "24" in name else SEEDS)
        covered = " | ".join(f"{100 * row[f'covered_{label}']:.1f} %" for label in ("without", "with"))
        print(f"| {name} | {covered} | {row['width']:.2f} | {row['error']:.2f} |", flush=True)
