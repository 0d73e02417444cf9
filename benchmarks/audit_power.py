"""Power and false discoveries of the dealer audit on fresh simulated networks, beside simpler rules.

    python benchmarks/audit_power.py FOLDER [--scenarios 15 0] [--networks 40] [--jobs 2] [--careful] [--ablation] [--record]

Each scenario is a file of FOLDER with one JSON line per network; a run that was stopped goes on where it stopped, and `--networks 0` only
prints what is there. A scenario is named by the share that inflates, in percent, and the strength: `15` has the strengths .4, .5 and .6 at
random, `15_0.2` that of .2; `0` is the global null (ten times as many networks), `15_coach` has nothing but coaching in both channels.
Networks of the k-th scenario below, counted from 0, begin with seed `--seed` + 1000 k. `--careful` runs them in the hands of dealers who
know how an audit looks for them, on the same seeds. `--ablation` lists dealers anew without each of the signals. `--record` writes the
tables for docs/explanation/make_audit_power.py.
"""

from __future__ import annotations

import argparse
import datetime
import json
import multiprocessing
import os
import subprocess
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

import audit_measures as measures
import numpy as np
import pandas as pd
from audit_network import Scenario, line
from side_by_side import THREADS

import vocstats as vs
from vocstats.inflation import combine, q_values
from vocstats.inflation.signal_result import dealers_of, signal

RECORDS = Path(__file__).resolve().parents[1] / "docs/explanation/audit_power"
SHARES = (15, 5, 30, 60)
SCENARIOS = [
    Scenario("15", 0.15), Scenario("0", 0.0), Scenario("15_0.2", 0.15, (0.2,)),
    *(Scenario(str(share), share / 100) for share in SHARES[1:]),
    *(Scenario(f"{share}_0.2", share / 100, (0.2,)) for share in SHARES[1:]),
    *(Scenario(f"{share}_{strength}", share / 100, (strength,)) for strength in (0.4, 0.6) for share in SHARES),
    Scenario("15_coach", 0.15, mechanisms="coach_both_channels"),
]
NULLS = 10  # times as many networks under the global null
Runs = dict[str, pd.DataFrame]


def run(folder: Path, scenario: Scenario, seeds: list[int], dealers: int, jobs: int) -> None:
    """Audit the networks that are missing in the scenario's file."""
    path = folder / f"{scenario.name}.jsonl"
    missing = sorted(set(seeds) - {each["network"] for each in lines(path)})
    if not missing:
        return
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=Path(vs.__file__).parent, capture_output=True, text=True
    ).stdout.strip()
    os.environ |= THREADS
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool, path.open("a", encoding="utf-8") as file:
        waiting = [pool.submit(line, scenario, seed, dealers) for seed in missing]
        for each in as_completed(waiting):
            file.write(json.dumps({"commit": commit, "date": datetime.date.today().isoformat(), **each.result()}) + "\n")
            file.flush()


def lines(path: Path) -> list[dict[str, Any]]:
    """Lines of a file; one that was being written when the run stopped is cut off."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    return [json.loads(each) for each in whole.splitlines()]


def load(folder: Path) -> tuple[Runs, dict[str, str]]:
    """Dealers of all networks by scenario, in the order of the list above, and what was run."""
    names = [scenario.name + careful for careful in ("", "_careful") for scenario in SCENARIOS]
    found = {name: lines(folder / f"{name}.jsonl") for name in names}
    found = {name: each for name, each in found.items() if each}
    every = [one for each in found.values() for one in each]
    facts = {
        "dates": _span(one["date"] for one in every), "commits": ", ".join(sorted({one["commit"] for one in every})),
        "seconds of the processor per audit": f"{np.median([one['seconds'] for one in every]):.1f}",
        "seeds": _span(one["network"] for one in every), "dealers per network": _span(len(one["dealers"]["dealer"]) for one in every),
        "answers per network": f"{np.mean([one['answers'] for one in every]):,.0f}",
    }
    return {
        name: pd.concat([pd.DataFrame(one["dealers"]).assign(network=one["network"]) for one in each], ignore_index=True)
        for name, each in found.items()
    }, facts


def _span(values: Any) -> str:
    low, high = min(each := list(values)), max(each)
    return str(low) if low == high else f"{low} to {high}"


def tables(runs: Runs, ablation: bool) -> dict[str, tuple[str, pd.DataFrame]]:
    """Every table of the study that the runs allow, under the name of its record."""
    grid = {name: table for name, table in runs.items() if not name.endswith(("_careful", "_coach"))}
    inflating = {name: table for name, table in grid.items() if table["inflated"].any()}
    usual = runs.get("15")
    found = {
        "00_required": ("What is required, and the worst that was found", measures.required(grid)),
        "01_discovery": ("Lists at a false discovery rate of 10 %", _stack(grid, lambda table: [measures.discovery(table)])),
        "02_mechanisms": ("Power by mechanism", pd.DataFrame([
            {"scenario": name, **dict(measures.power_by(table, "mechanism").set_index("mechanism")["power"])}
            for name, table in inflating.items()
        ])),
        "03_strengths": ("Power by strength, 15 % inflate", measures.power_by(usual, "strength") if usual is not None else pd.DataFrame()),
        "04_sizes": ("False discoveries by size of the dealer", _stack(grid, lambda table: measures.by_size(table).to_dict("records"))),
        "05_corrected": ("Corrected scores of flagged dealers", _stack(inflating, lambda table: [measures.correction(table)])),
        "06_stars": ("Honest stars", _stack(grid, lambda table: [measures.stars(table)])),
        "07_onset": ("Errors of the onset, days", _stack(inflating, lambda table: measures.onset_error(table).to_dict("records"))),
        "08_rules": ("Beside simpler rules", _stack(inflating, lambda table: measures.rules(table).to_dict("records"))),
        "09_signals": ("Signals by themselves, 15 % inflate", measures.signals(usual) if usual is not None else pd.DataFrame()),
        "10_careful": ("Dealers who know how an audit looks for them", careful(runs)),
        "11_coach": ("Coaching in both channels", _stack(
            {name: table for name, table in runs.items() if name == "15_coach"}, lambda table: [measures.discovery(table)]
        )),
    }
    if ablation and usual is not None:
        found["12_ablation"] = ("Without one signal, 15 % inflate", without_each(usual))
    return {name: (title, table) for name, (title, table) in found.items() if len(table)}


def _stack(runs: Runs, rows: Any) -> pd.DataFrame:
    return pd.DataFrame([{"scenario": name, **row} for name, table in runs.items() for row in rows(table)])


def careful(runs: Runs) -> pd.DataFrame:
    """Power of each signal by itself and of the list, against careless and careful dealers of the same networks."""
    if not {"15", "15_careful"} <= runs.keys():
        return pd.DataFrame()
    both = [runs["15"], runs["15_careful"]]
    shared = set(both[0]["network"]) & set(both[1]["network"])
    both = [table[table["network"].isin(shared)] for table in both]
    powers = [measures.signals(table).set_index("signal")["power"] for table in both]
    lists = [measures.power_by(table, "mechanism").set_index("mechanism")["power"] for table in both]
    rows = [("list, all mechanisms", *(table.loc[table["inflated"], "flagged"].mean() for table in both))]
    rows += [(f"list, {name}", lists[0][name], lists[1][name]) for name in lists[0].index]
    rows += [(f"{name}, p < .01", powers[0][name], powers[1][name]) for name in powers[0].index]
    return pd.DataFrame(rows, columns=["power of", "careless", "careful"]).assign(lost=lambda table: table["careless"] - table["careful"])


def without_each(table: pd.DataFrame) -> pd.DataFrame:
    """Power, overall and by mechanism, of the list without each signal in turn; the last column is the most any mechanism loses."""
    names = [name.removeprefix("p:") for name in table.columns if name.startswith("p:")]
    rows = []
    for left_out in ["none", *names]:
        kept = [name for name in names if name != left_out]
        listed = table.assign(p_value=recombined(table, kept))
        listed["flagged"] = listed.groupby("network")["p_value"].transform(lambda p: q_values(p.to_numpy(float))) <= measures.FDR
        found = measures.discovery(listed)
        by = measures.power_by(listed, "mechanism").set_index("mechanism")["power"]
        rows.append({"without": left_out, **{name: found[name] for name in ("fdr", "power", "auc")}, **dict(by)})
    result = pd.DataFrame(rows)
    mechanisms = result.columns[4:]
    return result.assign(most_lost=(result.loc[0, mechanisms] - result[mechanisms]).max(axis=1).astype(float))


def recombined(table: pd.DataFrame, names: list[str]) -> pd.Series:
    """Combined p-value of some of the signals, network by network."""
    parts = []
    for _, part in table.groupby("network"):
        dealers, nothing = dealers_of(part["dealer"]), np.zeros(len(part))
        signals = [
            signal(
                name, dealers, n=part[f"n:{name}"].fillna(0.0).to_numpy(float), effect=nothing, std_error=nothing, statistic=nothing,
                p_value=part[f"p:{name}"].to_numpy(float), unit="points", abstains={},
            )
            for name in names
        ]
        parts.append(pd.Series(combine(signals, method="likelihood_ratio").p_value, part.index))
    return pd.concat(parts).reindex(table.index)


def show(found: dict[str, tuple[str, pd.DataFrame]], facts: dict[str, str], record: bool) -> None:
    """Print the tables, and keep them where the documentation is made from."""
    print("; ".join(f"{name} {value}" for name, value in facts.items()))
    for name, (title, table) in found.items():
        print(f"\n{title}\n{table.to_string(index=False, float_format=lambda value: f'{value:.3f}')}")
        if record:
            RECORDS.mkdir(exist_ok=True)
            rows = json.loads(table.to_json(orient="records", double_precision=6))
            document = {"title": title, "version": vs.__version__, "facts": facts, "rows": rows}
            (RECORDS / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Run what is missing, then print every table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenarios", nargs="*", default=[scenario.name for scenario in SCENARIOS])
    parser.add_argument("--networks", type=int, default=40)
    parser.add_argument("--dealers", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=80_000)
    parser.add_argument("--careful", action="store_true")
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for place, scenario in enumerate(SCENARIOS):
        if scenario.name in given.scenarios:
            first, number = given.seed + 1_000 * place, given.networks * (NULLS if scenario.inflated == 0 else 1)
            kind = replace(scenario, name=f"{scenario.name}_careful", careful=True) if given.careful else scenario
            run(given.folder, kind, list(range(first, first + number)), given.dealers, given.jobs)
    runs, facts = load(given.folder)
    show(tables(runs, given.ablation), facts, given.record)


if __name__ == "__main__":
    main()
