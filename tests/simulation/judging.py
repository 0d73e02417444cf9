"""Repeat a study, judge bias and coverage, and hold the tables of the methods pages to what was found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

Floats = npt.NDArray[np.float64]
METHODS = Path(__file__).resolve().parents[2] / "docs" / "methods"
SEED, REPETITIONS = 20261122, 1000


def repeat(
    draw: Callable[[np.random.Generator], Floats], truth: Mapping[str, float], *, repetitions: int, seed: int = SEED
) -> pd.DataFrame:
    """One row per figure: true, estimate, bias with its Monte Carlo error, coverage, mean standard error over the true one.

    `draw` gives a table with the columns estimate, std_error, conf_low, conf_high and the figures of `truth` as rows.
    """
    rng, true = np.random.default_rng(seed), np.array(list(truth.values()))
    estimate, error, low, high = np.moveaxis(np.array([draw(rng) for _ in range(repetitions)]), 2, 0)
    spread = estimate.std(axis=0, ddof=1)
    return pd.DataFrame(
        {
            "true": true, "estimate": estimate.mean(axis=0), "bias": estimate.mean(axis=0) - true, "mc_error": spread / repetitions**0.5,
            "coverage": ((low <= true) & (true <= high)).mean(axis=0), "errors": error.mean(axis=0) / spread, "repetitions": repetitions,
        },
        index=pd.Index(truth, name="figure"),
    )


def assert_holds(found: pd.DataFrame, *, slack: float = 0.0) -> None:
    """No bias beyond two Monte Carlo errors (of several figures together: at the same level), coverage 92 to 98 %.

    `slack`: bias in standard deviations that is allowed beside, of order 1/n where estimates are not linear; the page says so.
    """
    limit = stats.norm.isf(0.0455 / 2 / len(found)) + slack * found["repetitions"] ** 0.5
    assert (found["bias"].abs() <= limit * found["mc_error"] + 1e-12).all(), found
    assert found["coverage"].between(0.92, 0.98).all(), found


def assert_plausible(found: pd.DataFrame) -> None:
    """What a few repetitions can tell: four Monte Carlo errors."""
    room = 4 * np.sqrt(0.95 * 0.05 / found["repetitions"])
    assert (found["bias"].abs() <= 4 * found["mc_error"] + 1e-12).all(), found
    assert ((found["coverage"] - 0.95).abs() <= room).all(), found


def assert_printed(found: pd.DataFrame, page: str, study: str) -> None:
    """The page's rows of this study: the same true values to the digits printed, bias and coverage within three Monte Carlo errors."""
    rows = [row for row in _rows(page) if row[0] == study]
    assert [row[1] for row in rows] == list(found.index), f"{page} prints {rows} of {study!r}"
    for row, (_, figure) in zip(rows, found.iterrows(), strict=True):
        digit = 0.5 * 10.0 ** -len(row[2].partition(".")[2]) + 1e-9
        true, bias, coverage = float(row[2]), float(row[4]), float(row[5].removesuffix(" %")) / 100
        error = np.sqrt(2 * coverage * (1 - coverage) / figure["repetitions"])
        assert abs(true - figure["true"]) <= digit, (row, figure)
        assert abs(bias - figure["bias"]) <= 3 * 2**0.5 * figure["mc_error"] + digit, (row, figure)
        assert abs(coverage - figure["coverage"]) <= 3 * error + 0.001, (row, figure)


def table(study: str, found: pd.DataFrame, digits: int = 3) -> str:
    """Rows for a methods page: study, figure, true, estimate, bias, coverage."""
    return "\n".join(
        f"| {study} | {name} | {row['true']:.{digits}f} | {row['estimate']:.{digits}f} | {row['bias']:+.{digits}f} | "
        f"{100 * row['coverage']:.1f} % |"
        for name, row in found.iterrows()
    )


def _rows(page: str) -> list[list[str]]:
    text = (METHODS / page).read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if re.match(r"\|[^|]+\|", line)]
    return [row for row in rows if len(row) == 6]
