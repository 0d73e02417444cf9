"""Write performance.md from the results beside it: ``python docs/explanation/make_performance.py``."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
HEAD = """# Performance

Generated from the last recorded runs of the benchmarks; do not edit. Every tool runs in a process of its own, on one thread, from data in
memory to an array. Seconds are those of the processor, medians over the runs counted, because other work on a machine disturbs them least;
they depend on the machine all the same, and only their ratios, taken in one run, should be compared. A ratio above 1 says how many times as
long as vocstats a tool takes; **below 1 the tool is the faster one**, and such rows are printed bold. `differs` is the largest relative
difference of a result from that of vocstats, `memory` what the call added to the peak (R: the peak of the whole process). Peers miss where
they were not installed, have no such method, or were left out for the time they take.

A `floor` is a plain numpy script made for the one case measured: it checks nothing, knows no labels and no standard errors, and says what
the arithmetic costs.
"""
NOTES = {
    "calibration": "survey-kit measures distance in its own way between bounds, so that its weights differ there.",
    "replicates": "Every tool draws its own replicates; estimate and standard error differ as far as the draws do. `rows` and `numba` are "
    "scripts; R's survey rakes ten replicates only.",
    "domains": "`vocstats_raked` carries the standard errors through the raking of the weights, which the peers do not.",
    "raking": "weightipy knows no base weights and is compared without them. `labels_...` are vocstats on text instead of codes.",
    "scaling": "`memory` is the peak of the whole process, data and imports included, `added` what the calls added to it, in MiB; "
    "`per row` is in nanoseconds.",
    "audit": "From two tables to the list of dealers, with eight items, case mix, outcomes, times, devices and a roster three times as "
    "long. `memory` is the peak of the whole process, tables and imports included; `per row` is nanoseconds per response. Seconds of the "
    "parts are those of a profiled run.",
    "coders": "`vocstats` adds standard errors and limits, `vocstats_profile` limits from the profile likelihood; the peers give estimates "
    "alone.",
    "near": "The pairs are one matrix a dealer, held against nothing; `vocstats` holds its blocks against 400 draws of an honest network, "
    "`vocstats_two_draws` against two, whose p-values are coarse.",
}
COLUMNS = {
    "import": "import", "call": "call", "tool": "tool", "version": "version", "variant": "variant", "cpu_ms": "milliseconds",
    "wall_ms": "milliseconds", "times_floor": "ratio to the floor", "cpu": "seconds", "times_vocstats": "ratio",
    "limit": "required: vocstats at most", "memory": "memory, MiB", "differs": "differs", "runs": "runs", "job": "job", "rows": "rows",
    "width": "width", "unit": "of", "per_row": "per row", "added": "added, MiB",
}


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for file in sorted((HERE / "performance").glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
        parts.append(f"\n## {document['title']}\n\n{document['date']}; {document['machine']}; Python {document['python']}, {versions}.")
        parts.append(NOTES.get(file.stem.split("_")[0], "") + "\n")
        parts += table(document["rows"])
    return "\n".join(parts) + "\n"


def table(rows: list[dict[str, Any]]) -> list[str]:
    """A table in Markdown, variants together; bold where a tool is faster than vocstats."""
    columns = [name for name in COLUMNS if name in rows[0]]
    lines = ["| " + " | ".join(COLUMNS[name] for name in columns) + " |", "|" + "---|" * len(columns)]
    for row in sorted(rows, key=lambda row: str(row.get("variant", ""))):
        cells = [shown(row[name]) for name in columns]
        faster = row.get("times_vocstats", 1.0) < 1.0
        lines.append("| " + " | ".join(f"**{cell}**" if faster and cell else cell for cell in cells) + " |")
    return lines


def shown(value: object) -> str:
    """A cell: numbers to three significant digits, nothing where there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    (HERE / "performance.md").write_text(page(), encoding="utf-8")
