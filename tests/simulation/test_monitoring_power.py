"""Monitoring over three years: how often honest dealers cross, lists at the worst moment, and how soon late starters are found."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from inflation.honest_networks import flagged
from inflation.monthly_networks import DEVIATION, SPREAD, Paths, followed, monthly_answers, normal_paths
from scipy import special
from simulation.judging import METHODS, SEED, Floats

from vocstats.datasets import simulate_dealers
from vocstats.inflation import e_bh, monitor

REACHED = (2, 5, 10, 20, 100)


def crossings(e: Floats, honest: Any) -> list[float]:
    """Share of honest dealers that ever reached each value, and whether any was ever listed."""
    highest = np.fmax.reduce(e)[honest]
    return [*(float((highest >= value).mean()) for value in REACHED), float(any(e_bh(each)[honest].any() for each in e))]


def of_gaps(rng: np.random.Generator, **network: Any) -> list[float]:
    paths = normal_paths(rng, dealers=200, **network)
    return crossings(paths.e, ~paths.inflated)


def of_answers(rng: np.random.Generator, **network: Any) -> list[float]:
    months, inflated = monthly_answers(rng, dealers=200, **network)
    return crossings(np.array([state.e_value for state in followed(months)]), ~inflated)


def lists(rng: np.random.Generator, **network: Any) -> list[float]:
    """False share of the list when the first honest dealer stands on it (or at the end), of the last list, and its power."""
    paths = normal_paths(rng, dealers=200, lift=0.2, start=6, null=None, every=3, **network)
    listed = np.array([e_bh(e) for e in paths.e])
    wrong = (listed & ~paths.inflated).sum(axis=1) / np.maximum(listed.sum(axis=1), 1)
    worst = wrong[np.argmax(wrong > 0)] if wrong.any() else 0.0
    return [float(worst), float(wrong[-1]), float(listed[-1][paths.inflated].mean()) if paths.inflated.any() else float("nan")]


def monthly_p(paths: Paths) -> Floats:
    """One-sided p-values of all gaps so far, as a channel gap run anew every month finds them."""
    total = np.cumsum(paths.compared, axis=0)
    told = np.maximum(total[:, 0], 1e-9)
    return np.asarray(special.ndtr(-(total[:, 1] / told - 0.02) / np.sqrt(DEVIATION**2 / told + SPREAD**2)))


def looked_at(rng: np.random.Generator, *, start: int) -> list[float]:
    """Share of the inflated listed within 6, 12 and 24 months of their start by e-BH; the same by monthly p-values on any list so far."""
    paths = normal_paths(rng, dealers=200, months=start + 24, answers=60, share=0.1, lift=0.2, start=start)
    ours = np.array([e_bh(e) for e in paths.e])
    theirs = np.array([flagged(p) for p in monthly_p(paths)])
    return [float(each[start : start + within].any(axis=0)[paths.inflated].mean()) for each in (ours, theirs) for within in (6, 12, 24)]


def repeated_looks(rng: np.random.Generator, *, evidence: bool) -> list[float]:
    """Honest network: share of dealers ever significant at 5 and at 1 %, and whether anybody was ever listed."""
    paths = normal_paths(rng, dealers=200)
    p = 1.0 / np.maximum(paths.e, 1.0) if evidence else monthly_p(paths)
    listed = [e_bh(e) for e in paths.e] if evidence else [flagged(each) for each in p]
    return [*(float((p.min(axis=0) <= level).mean()) for level in (0.05, 0.01)), float(np.any(listed))]


def simulated_year(rng: np.random.Generator) -> list[float]:
    """Mean scores with all case mix over a year: share of the inflating ever listed, of the honest; of the honest that ever reached 20."""
    network = simulate_dealers(300, seed=int(rng.integers(1_000_000, 2_000_000)), inflated=0.15, strength=(0.4, 0.6))
    state = None
    for month, rows in network.responses.groupby(network.responses["time"].dt.strftime("%Y-%m")):
        independent = rows["channel"] == "manufacturer"
        state = monitor(rows["score"], rows["dealer"], independent, period=str(month), state=state, x=rows[list(network.case_mix)])
    assert state is not None
    inflated = network.truth.dealers.set_index("dealer")["inflated"].loc[state.labels["dealer"]].to_numpy()
    ever = state.details["first_flagged"] != ""
    return [float(ever[inflated].mean()), float(ever[~inflated].mean()), float((state.e_max[~inflated] >= 20).mean())]


Study = Callable[[np.random.Generator], list[float]]
STUDIES: dict[str, Study] = {
    "gaps, null known": of_gaps,
    "gaps, null fitted": partial(of_gaps, null=None),
    "answers, top box .70": of_answers,
    "answers, top box .85": partial(of_answers, level=0.85, levels=0.05),
    "honest gaps drift by .015": partial(of_gaps, drift=0.015),
    "honest gaps drift by .03": partial(of_gaps, drift=0.03),
    **{f"{share:.0%} inflated": partial(lists, share=share) for share in (0.0, 0.05, 0.15, 0.30)},
    **{f"from month {start}": partial(looked_at, start=start) for start in (0, 12, 24)},
    "e-values": partial(repeated_looks, evidence=True),
    "monthly p-values": partial(repeated_looks, evidence=False),
    "simulated year": simulated_year,
}
CASES = list(STUDIES)
FEWER = {"answers, top box .70": 12, "answers, top box .85": 12, "simulated year": 8}


def networks(name: str) -> int:
    """How many the page's row rests on."""
    return FEWER.get(name, 40)


def run(name: str, number: int) -> Floats:
    """Figures of every network, (networks, figures)."""
    rng = np.random.default_rng([SEED, 900 + CASES.index(name)])
    return np.array([STUDIES[name](rng) for _ in range(number)])


def printed(name: str) -> Floats:
    """The figures of the study's row."""
    text = (METHODS / "inflation" / "monitoring.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split("|") for line in text.splitlines() if "|" in line]
    (row,) = [row for row in rows if row[0].strip() == name]
    return np.array([float(cell) for cell in row[1:]])


@pytest.mark.parametrize("name", ["gaps, null known", "from month 12"])
def test_a_few_networks(name: str) -> None:
    found = run(name, 2)
    assert np.isfinite(found).all() and found.shape[1] == printed(name).size


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_page(name: str) -> None:
    found = run(name, networks(name) // 4)
    error = found.std(axis=0) * (1 / len(found) + 1 / networks(name)) ** 0.5
    room = 4 * error + 0.002 + 2 * np.sqrt(np.maximum(printed(name) * (1 - printed(name)), 0.0) / len(found))
    near = np.abs(found.mean(axis=0) - printed(name)) <= room
    assert (near | np.isnan(printed(name))).all(), (found.mean(axis=0), printed(name))
    if name.startswith(("gaps", "answers")):
        assert (printed(name)[:-1] <= 1 / np.array(REACHED)).all()


if __name__ == "__main__":
    for each in sys.argv[1:] or CASES:
        print(f"| {each} | " + " | ".join(f"{value:.4f}" for value in run(each, networks(each)).mean(axis=0)) + " |", flush=True)
