"""Write the table of prediction_powering.md: ``VOCSTATS_DATA=... python docs/methods/prevalence/make_prediction_powering.py``."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd

from vocstats.errors import IdentificationError
from vocstats.prevalence import prediction_powered

PAGE = Path(__file__).with_name("prediction_powering.md")
START, END = "<!-- table: make_prediction_powering.py -->\n", "<!-- end of table -->\n"
DRAWS, SEED = 400, 90_020


def table(folder: Path) -> str:
    """Coverage of 95 % intervals and mean standard errors by aspect, with 600 and with 100 labels; a draw refused covers nothing."""
    posts = pd.read_csv(folder / "aspects/car_posts_aspects.csv")
    names = [column[5:] for column in posts if column.startswith("gold_")]
    rng = np.random.default_rng(SEED)
    order = [rng.permutation(len(posts)) for _ in range(DRAWS)]
    cover = "registry, 600 labels | process, 600 | registry, 100 | normal limits, 100"
    head = f"| aspect | truth | wrongly called | SE powered | SE of labels alone | {cover} |"
    rows, covered = [], []
    for name in names:
        truth, call = posts[f"gold_{name}"].to_numpy(float), (posts[f"p_Bert_{name}"].to_numpy() > 0.5) * 1.0
        found = [judged(truth, call, order, *case) for case in ((600, "registry"), (600, "process"), (100, "registry"))]
        covered.append([*(case[0] for case in found), found[-1][3]])
        figures = f"{100 * truth.mean():.1f} % | {100 * (truth != call).mean():.1f} % | {found[1][1]:.4f} | {found[1][2]:.4f}"
        rows.append((-truth.mean(), f"| {name} | {figures} | {shares(covered[-1])} |"))
    pooled = f"| all ten | | | | | {shares(np.mean(covered, axis=0))} |"
    return "\n".join([head, "|" + "---|" * 9, *(row for _, row in sorted(rows)), pooled]) + "\n"


def judged(truth: np.ndarray, call: np.ndarray, order: list[np.ndarray], labels: int, inference: str) -> np.ndarray:
    """Share of the intervals that cover, mean standard errors with and without predictions, cover of normal limits."""
    found = []
    for places in order:
        try:
            r = prediction_powered(np.where(places < labels, truth, np.nan), call, inference=inference)
        except IdentificationError:
            found.append((False, np.nan, np.nan, False))
            continue
        held, normal = r.conf_low[0] <= truth.mean() <= r.conf_high[0], abs(r.estimate[0] - truth.mean()) <= 1.96 * r.std_error[0]
        found.append((held, r.std_error[0], r.labels_only_error[0], normal))
    return np.nanmean(np.array(found, float), axis=0)


def shares(values: np.ndarray) -> str:
    """Cells of percentages."""
    return " | ".join(f"{100 * value:.1f} %" for value in values)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(START)[0], text.split(END)[1]
    PAGE.write_text(before + START + table(Path(os.environ["VOCSTATS_DATA"])) + END + after, encoding="utf-8")
