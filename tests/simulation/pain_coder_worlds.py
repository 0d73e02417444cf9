"""Coverage of pain points whose texts several coders read, on simulated worlds; run as a script, prints the table of the methods page."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from workflows.coder_worlds import NAMES, coder_world

import vocstats as vs

TWO = ("human", "llm")
STUDIES: Mapping[str, tuple[dict[str, Any], dict[str, Any], range]] = {
    "three coders, no audit": ({}, {"coders": NAMES}, range(90_000, 90_020)),
    "three coders, all audited": ({}, {"coders": NAMES, "audited": NAMES}, range(90_000, 90_020)),
    "two coders, one audited": ({}, {"coders": TWO, "audited": ("human",)}, range(90_000, 90_020)),
    "two coders, no audit": ({}, {"coders": TWO}, range(90_000, 90_020)),
    "the majority of three as if it were the truth": ({}, {"coders": NAMES, "majority": True}, range(90_000, 90_020)),
    "three coders, no audit, a fifth of their labels in common": ({"together": 0.2}, {"coders": NAMES}, range(90_100, 90_110)),
}


def judged(
    seed: int, world: Mapping[str, Any], *, coders: tuple[str, ...], audited: tuple[str, ...] = (), majority: bool = False
) -> pd.DataFrame:
    """One row per scope: 90 % intervals that cover the true share, mean error, squared error and width."""
    made = coder_world(seed, **world)
    options = made.options(*coders, audited=audited)
    if majority:
        options |= {"coders": (), "perfect_sources": ["survey", "call"]}
    p = vs.estimate_pain_points(made.majority(*coders) if majority else made.observations(*coders), seed=seed, **options)
    rows = []
    for scope, by in (("overall", []), ("segment", ["segment"])):
        draws = p.draws(by)
        true = made.truth.groupby(["pain_point", *by])["prevalence"].mean().to_numpy().reshape(draws.shape[1:])
        low, high = np.quantile(draws, [0.05, 0.95], axis=0)
        error = draws.mean(axis=0) - true
        rows.append((scope, ((low <= true) & (true <= high)).mean(), error.mean(), np.mean(error**2), np.mean(high - low)))
    return pd.DataFrame(rows, columns=["scope", "covered", "error", "square", "width"])


def study(name: str, worlds: int | None = None) -> pd.DataFrame:
    """Means over the worlds of a study, by scope."""
    world, options, seeds = STUDIES[name]
    found = pd.concat([judged(seed, world, **options) for seed in list(seeds)[:worlds]]).groupby("scope").mean()
    return found.assign(rmse=np.sqrt(found["square"]), worlds=len(list(seeds)[:worlds]))


def line(name: str, found: pd.DataFrame) -> str:
    """One row of the page's table."""
    covered = " | ".join(f"{100 * found['covered'][scope]:.1f} %" for scope in ("overall", "segment"))
    overall = found.loc["overall"]
    return f"| {name} | {overall['worlds']:.0f} | {covered} | {overall['error']:+.4f} | {overall['rmse']:.4f} | {overall['width']:.3f} |"


if __name__ == "__main__":
    for chosen in sys.argv[1:] or STUDIES:
        print(line(chosen, study(chosen)), flush=True)
