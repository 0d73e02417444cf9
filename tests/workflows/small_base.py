"""A small base made for the tests: registry, survey, follow-up and exit interviews."""

from __future__ import annotations

import numpy as np
import pandas as pd


def small_frames(seed: int = 3, n: int = 900) -> dict[str, pd.DataFrame]:
    """A registry of `n` customers with survey, follow-up (drawn and answered), exit interviews and a contact table."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"{i:05d}" for i in range(n)])
    region = rng.choice(["north", "south", "西部"], n)
    shop = rng.integers(0, 12, n)
    score = np.clip(np.rint(6 + 2 * rng.standard_normal(n) + (region == "south")), 1, 10)
    churned = rng.random(n) < 1 / (1 + np.exp(score - 4))
    answered = rng.random(n) < 0.1 + 0.04 * score
    registry = pd.DataFrame({"id": ids, "region": region, "shop": shop, "churned": churned})
    survey = pd.DataFrame({"id": ids[answered], "csi": score[answered]})
    silent, gone = np.flatnonzero(~churned & ~answered), np.flatnonzero(churned & ~answered)
    asked, left = rng.choice(silent, silent.size // 5, replace=False), rng.choice(gone, gone.size // 2, replace=False)
    follow_up = pd.DataFrame({"id": ids[asked], "drawn": 1, "csi": score[asked]})
    exits = pd.DataFrame({"id": ids[left], "drawn": 1, "csi": score[left]})
    return {"registry": registry, "survey": survey, "follow_up": follow_up, "exit_interview": exits}
