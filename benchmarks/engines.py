"""The deterministic engine of pain-point prevalence against long NUTS of the same model, on simulated networks.

    python benchmarks/engines.py [--dealers 30 300 1000] [--segments 6 24] [--models collapsed full] [--draws 1000] [--record]

Both engines read the same counts of `datasets.simulate_pain_points`: 18 pain points, survey, follow-up, exit interviews, an audit. The
collapsed model is compared at network and segment level at every size; dealers against the full model at the smallest. Seconds are those
of the processor; compiling is timed by itself. `--record` writes the tables for docs/explanation/make_pain_point_engines.py; sizes that
were run before stay in them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import vocstats as vs
from vocstats.bayes import EngineComparison, SamplingWarning, fit_pain_points
from vocstats.bayes.engine_comparison import side_by_side
from vocstats.datasets import simulate_pain_points
from vocstats.prevalence.counts import PainPointCounts
from vocstats.prevalence.latent_field import fit_latent_field
from vocstats.workflows.pain_counts import Sight, read_pain_points
from vocstats.workflows.pain_tables import PainColumns

RECORDS = Path(__file__).resolve().parents[1] / "docs/explanation/pain_point_engines"
CHAINS = 4


def counts_of(dealers: int, segments: int, seed: int) -> PainPointCounts:
    """Counts of a simulated network."""
    world = simulate_pain_points(dealers, seed=seed, segments=segments)
    named = {name: name for name in ("pain_point", "response_group", "source", "positive", "n")}
    columns = PainColumns.checked(groups=world.groups, dealer="dealer", frame_count="customers", **named)
    sight = Sight.checked(world.perfect_sources, None, None, None)
    table = read_pain_points(
        world.observations, world.frame, world.coder_audit, columns, sight, audit_drawn_by="truth", taxonomy=None, seed=seed
    )
    return table.counts


def compared(counts: PainPointCounts, *, dealers: bool, draws: int, seed: int) -> tuple[EngineComparison, dict[str, float]]:
    """Both engines on the same counts, and the seconds of each; NUTS runs once beforehand to be compiled."""
    start = time.process_time()
    quick = fit_latent_field(counts, dealers=dealers, draws=4000, seed=seed)
    seconds = {"seconds": time.process_time() - start}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)  # r-hat is a column
        start = time.process_time()
        fit_pain_points(counts, dealers=dealers, draws=4, tune=4, chains=2, seed=seed)
        seconds["compiling"] = time.process_time() - start
        start = time.process_time()
        sampled = fit_pain_points(counts, dealers=dealers, draws=draws, tune=1000, chains=CHAINS, seed=seed)
        seconds["sampling"] = time.process_time() - start
    return side_by_side(counts.frame, quick, sampled), seconds


def rows(found: EngineComparison, facts: dict[str, object]) -> list[dict[str, object]]:
    """One row per level: how far apart, and how many within the limits."""
    table, limits = found.to_frame(), {"network": (0.15, 0.10), "segment": (0.15, 0.10), "dealer": (0.25, 0.15)}
    made = []
    for level, part in table.groupby("level", sort=False):
        shift, spread = limits[str(level)]
        difference, ratio = part["difference"].abs(), part["ratio"]
        made.append({
            **facts, "level": level, "estimates": len(part), "mean_difference": float(part["difference"].mean()),
            "typical_difference": float(np.sqrt((difference**2).mean())), "difference_95": float(difference.quantile(0.95)),
            "largest_difference": float(difference.max()), "mean_ratio": float(ratio.mean()),
            "ratio_2.5": float(ratio.quantile(0.025)), "ratio_97.5": float(ratio.quantile(0.975)),
            "means_within": float((difference <= shift).mean()), "sds_within": float(((ratio - 1.0).abs() <= spread).mean()),
        })
    return made


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dealers", type=int, nargs="+", default=[30, 300, 1000])
    parser.add_argument("--segments", type=int, nargs="+", default=[6, 24])
    parser.add_argument("--draws", type=int, default=1000, help="of each of four chains")
    parser.add_argument("--seed", type=int, default=90_000)
    parser.add_argument("--models", nargs="+", choices=["collapsed", "full"], default=["collapsed", "full"])
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    sizes = [(dealers, segments, False) for segments in given.segments for dealers in given.dealers if "collapsed" in given.models]
    sizes += [(min(given.dealers), min(given.segments), True)] if "full" in given.models else []
    for dealers, segments, full in sizes:
        counts = counts_of(dealers, segments, given.seed + dealers + segments)
        found, seconds = compared(counts, dealers=full, draws=given.draws, seed=given.seed)
        size: dict[str, object] = {"model": "full" if full else "collapsed", "dealers": dealers, "segments": segments}
        cost = {
            **size, **seconds, "times_as_long": seconds["sampling"] / seconds["seconds"], "r_hat": found.diagnostics["r_hat"],
            "effective_draws": found.diagnostics["effective_draws"], "divergences": int(found.diagnostics["divergences"]),
        }
        agreement = rows(found, size)
        print(pd.DataFrame(agreement).round(3).to_string(), cost, sep="\n", flush=True)
        if given.record:
            facts = {"draws of NUTS": f"{CHAINS} x {given.draws}", "seeds": f"{given.seed} + dealers + segments"}
            write("04_agreement", "Agreement of the two engines", agreement, facts)
            write("05_cost", "What the engines cost", [cost], facts)


def write(name: str, title: str, table: list[dict[str, object]], facts: dict[str, object]) -> None:
    """File a table where the page is made from, in place of rows of the same sizes."""
    RECORDS.mkdir(exist_ok=True)
    path = RECORDS / f"{name}.json"
    before = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else []
    done = {_size(row) for row in table}
    kept = sorted([*(row for row in before if _size(row) not in done), *table], key=_size)
    document = {"title": title, "date": datetime.date.today().isoformat(), "version": vs.__version__, "facts": facts, "rows": kept}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _size(row: dict[str, object]) -> tuple[object, ...]:
    return row["model"], row["segments"], row["dealers"]


if __name__ == "__main__":
    main()
