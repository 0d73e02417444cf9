"""Write coverage.md from the results beside it: ``python docs/explanation/make_coverage.py``."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
HEAD = """# Coverage of the intervals

Generated from the last run of `pytest -m slow tests/simulation/test_interval_coverage.py`; do not edit. Customers belong to six cells
of two labels, answer more or less often by cell, and are raked to the margins of their registry. *Skewed* is a lognormal outcome (log
standard deviation 1), *binary* one that is true for 6 to 20 %, *score* one from 0 to 10 with two humps. Each figure is the share of
{repetitions:,} {level:g} % intervals that held the truth their `inference` names: the registry's own figure, that of the process behind
it, or, under R's formulas, that of the process given who is in the registry. Columns say how many were heard, of how many asked.

A figure in **bold** lies more than three Monte Carlo standard errors ({error:.4f}) below the level; one in *italics* as far above.
Intervals with replicates have {replicates} bootstrap replicates, or one jackknife replicate per answer. "volunteers" are the intervals
of `nonprobability` where those heard are compared with the registry.
"""
REPLICATES = 200
SHORT = """
## Where intervals fall short

Every figure in bold above, the lowest first. Intervals for skewed outcomes need more answers than those for shares: estimate and
standard error are correlated, so that samples without the rare large values are both too low and too sure of it. Variances and
correlations of a lognormal outcome depend on fourth moments, and no sample size here is large for those. Symmetric limits of rare
shares (a binary outcome's mean, total, ratio, Wald limits) are short at 100 heard, where those of `proportion` are not. A response
model with a parameter per cell leans on a handful of answers per cell at 100 heard. In the other direction, mass imputation treats the
sample as a draw with replacement, so that its limits are too wide where most of a registry answered; and the median of a score moves
in whole points, so that its limits mostly hold it.

"""


def results() -> list[dict[str, Any]]:
    """Every document of the study, smallest samples first."""
    documents = [json.loads(file.read_text(encoding="utf-8")) for file in (HERE / "coverage").glob("*.json")]
    return sorted(documents, key=lambda document: (document["facts"]["heard"], document["facts"]["rate"]))


def page(documents: list[dict[str, Any]]) -> str:
    """The whole page."""
    facts = documents[0]["facts"]
    level, repetitions = facts["level"], facts["repetitions"]
    error = (level * (1 - level) / repetitions) ** 0.5
    columns = [f"{d['facts']['heard']:,} of {round(d['facts']['heard'] / d['facts']['rate']):,}" for d in documents]
    tables: dict[tuple[str, str], dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    short = []
    for column, document in zip(columns, documents, strict=True):
        for row in document["rows"]:
            tables[row["outcome"], row["inference"]][row["interval"]][column] = row["coverage"]
            if row["coverage"] < level - 3 * error:
                short.append((row["coverage"], row["interval"], row["outcome"], row["inference"], column))
    parts = [HEAD.format(repetitions=repetitions, level=100 * level, error=error, replicates=REPLICATES)]
    parts.append(f"{documents[0]['date']}, vocstats {documents[0]['version']}, seed {facts['seed']}.\n")
    for (outcome, inference), rows in tables.items():
        parts.append(f"\n## {outcome.capitalize()} outcome, inference {inference}\n")
        parts.append("| interval | " + " | ".join(columns) + " |")
        parts.append("|---|" + "---|" * len(columns))
        for name, cells in rows.items():
            parts.append(f"| {name} | " + " | ".join(shown(cells.get(column), level, error) for column in columns) + " |")
    parts.append(SHORT + "| coverage | interval | outcome | inference | heard |\n|---|---|---|---|---|")
    parts += [f"| {covered:.3f} | " + " | ".join(where) + " |" for covered, *where in sorted(short)]
    return "\n".join(parts) + "\n"


def shown(covered: float | None, level: float, error: float) -> str:
    """A cell, marked where it is off the level by more than chance."""
    if covered is None:
        return ""
    mark = "**" if covered < level - 3 * error else "*" if covered > level + 3 * error else ""
    return f"{mark}{covered:.3f}{mark}"


if __name__ == "__main__":
    (HERE / "coverage.md").write_text(page(results()), encoding="utf-8")
