"""Coverage and error of estimated pain points on simulated worlds; run as a script, prints the table of the methods page."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

import vocstats as vs

SCOPES: Mapping[str, tuple[str, ...]] = {"overall": (), "segment": ("segment",), "dealer": ("dealer",)}
STUDIES: Mapping[str, tuple[dict[str, Any], Iterable[int]]] = {
    "40 dealers": ({}, range(90_000, 90_012)),
    "300 dealers": ({"dealers": 300}, range(90_100, 90_104)),
    "no selection": ({"selection": 0.0}, range(90_200, 90_206)),
    "unreached silent differ 1.5 times as much": ({"resistance": 1.5}, range(90_300, 90_306)),
    "answers tied to pains (correlation -.5)": ({"tied": 0.5}, range(90_400, 90_406)),
    "audit drawn by predicted label": ({"audit": (100, 120), "audit_drawn_by": "predicted"}, range(90_500, 90_506)),
}


MORE = range(90_012, 90_030)  # worlds of 40 dealers judged overall only


def judged(seed: int, *, scopes: Iterable[str] = tuple(SCOPES), **options: Any) -> pd.DataFrame:
    """One row per scope: share of 90 % intervals that cover the chance of the pain, and root mean squared errors."""
    made = vs.datasets.simulate_pain_points(seed=seed, **options)
    known = {"groups": made.groups, "frame": made.frame, "coder_audit": made.coder_audit, "perfect_sources": made.perfect_sources}
    drawn_by = options.get("audit_drawn_by", "truth")
    p = vs.estimate_pain_points(made.observations, by=SCOPES[[*scopes][-1]], audit_drawn_by=drawn_by, seed=seed, **known)
    rows = []
    for scope in scopes:
        by = SCOPES[scope]
        draws, groups = p.draws(by), p.fit.groups(by)
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        table = p.silent_gap(by).merge(made.truth.prevalence(by), on=["pain_point", *by])
        place = {label: j for j, label in enumerate(zip(*groups.labels.values(), strict=True))} if by else {(): 0}
        pain = {label: k for k, label in enumerate(p.pain_points.tolist())}
        at = [(pain[row[0]], place[tuple(row[1:])]) for row in table[["pain_point", *by]].itertuples(index=False)]
        k, g = np.array(at).T
        true = table["prevalence"].to_numpy()
        rows.append({
            "scope": scope, "covered": ((low[k, g] <= true) & (true <= high[k, g])).mean(),
            "error": np.mean((table["estimate"] - true) ** 2), "raw": np.nanmean((table["apparent"] - true) ** 2),
        })
    return pd.DataFrame(rows)


def study(name: str, worlds: int | None = None) -> pd.DataFrame:
    """Means over the worlds of a study, by scope."""
    options, seeds = STUDIES[name]
    chosen = list(seeds)[:worlds]
    means = pd.concat([judged(seed, **options) for seed in chosen]).groupby("scope")[["covered", "error", "raw"]].mean()
    return pd.DataFrame({
        "worlds": len(chosen), "covered": means["covered"], "rmse": np.sqrt(means["error"]), "ratio": np.sqrt(means["error"] / means["raw"])
    }).loc[list(SCOPES)]


def line(name: str, found: pd.DataFrame) -> str:
    """One row of the page's table."""
    covered = " | ".join(f"{100 * share:.1f} %" for share in found["covered"])
    ratios = " | ".join(f"{ratio:.2f}" for ratio in found["ratio"])
    return f"| {name} | {found['worlds'].iloc[0]} | {covered} | {ratios} |"


if __name__ == "__main__":
    for chosen in sys.argv[1:] or STUDIES:
        print(line(chosen, study(chosen)), flush=True)
