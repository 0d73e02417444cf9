"""The empirical null and its two signals: p-values of honest dealers, false share and power by how many inflate, and worse nulls."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from inflation.honest_networks import Effects, draw_answers, draw_effects, judged
from simulation.judging import METHODS, SEED, Floats

from vocstats.inflation import EmpiricalNull, Signal, channel_gap, fit_null, known_null, level_excess

NETWORKS = 60
LEVELS = (0.10, 0.05, 0.01)


def below(p: Floats) -> list[float]:
    """Share of the p-values below each level."""
    return [float((p < level).mean()) for level in LEVELS]


def honest(rng: np.random.Generator, **network: Any) -> list[float]:
    """Shares of small p-values in an honest network, and whether anybody is on the list; then the same with the null known."""
    net = draw_effects(rng, **network)
    p = fit_null(net.effect, net.variance).p_values(net.effect, net.variance)
    true = known_null(0.0, network["spread"]).p_values(net.effect, net.variance)
    return [*below(p), judged(p, net.inflated)[0], judged(true, net.inflated)[0]]


def inflated(rng: np.random.Generator, **network: Any) -> list[float]:
    """Centre, spread, false share and power, and power with the null known."""
    net = draw_effects(rng, **network)
    null = fit_null(net.effect, net.variance)
    true = known_null(0.0, network["spread"]).p_values(net.effect, net.variance)
    return [null.centre, null.spread, *judged(null.p_values(net.effect, net.variance), net.inflated), judged(true, net.inflated)[1]]


def by_median(net: Effects) -> EmpiricalNull:
    """Centre and spread of everybody, by median and MAD."""
    centre = float(np.median(net.effect))
    wide = 1.4826 * float(np.median(np.abs(net.effect - centre)))
    return known_null(centre, float(np.sqrt(max(wide**2 - np.median(net.variance), 0.0))))


NULLS: dict[str, Callable[[Effects, float], EmpiricalNull]] = {
    "known": lambda net, spread: known_null(0.0, spread),
    "lower tail": lambda net, spread: fit_null(net.effect, net.variance),
    "median and MAD": lambda net, spread: by_median(net),
    "half the spread": lambda net, spread: known_null(0.0, spread / 2),
}


def compared(rng: np.random.Generator, *, null: str, **network: Any) -> list[float]:
    """False share and power of one null at 5 and at 30 % inflated."""
    found: list[float] = []
    for share in (0.05, 0.30):
        net = draw_effects(rng, share=share, **network)
        found += judged(NULLS[null](net, network["spread"]).p_values(net.effect, net.variance), net.inflated)
    return found


def of_answers(rng: np.random.Generator, *, gap: bool, **network: Any) -> tuple[Signal, Any]:
    net = draw_answers(rng, **network)
    return (channel_gap(net.score, net.dealer, net.independent) if gap else level_excess(net.score, net.dealer)), net


def honest_answers(rng: np.random.Generator, **network: Any) -> list[float]:
    """Shares of small p-values among all honest dealers, and of those below .05 by size: under 100 answers, over 700."""
    r, net = of_answers(rng, **network)
    return [*below(r.p_value), *(float((r.p_value[rows] < 0.05).mean()) for rows in (net.n < 100, net.n > 700))]


def inflated_answers(rng: np.random.Generator, **network: Any) -> list[float]:
    """False share, power, mean error of the effect among the inflated, and how often its 90 % limits hold the lift."""
    r, net = of_answers(rng, **network)
    error = r.effect - net.lift
    who = net.inflated & np.isfinite(error)  # hardly anybody abstains
    return [*judged(r.p_value, net.inflated), float(error[who].mean()), float((np.abs(error) < 1.645 * r.std_error)[who].mean())]


HONEST: dict[str, Any] = {
    "gap, ω = .03": {"spread": 0.03}, "gap, ω = .05": {"spread": 0.05},
    "level, ω = .10": {"spread": 0.10, "gap": False}, "level, ω = .05": {"spread": 0.05, "gap": False},
    "gap, ω = .03, 50 dealers": {"spread": 0.03, "dealers": 50},
    "level, ω = .10, 50 dealers": {"spread": 0.10, "gap": False, "dealers": 50},
}
Study = Callable[[np.random.Generator], list[float]]
COMPARED = (("gap, ω = .05", 0.2), ("level, ω = .10", 0.3))


def studies_of_effects() -> dict[str, Study]:
    """Rows of the null's page."""
    found: dict[str, Study] = {f"honest: {name}": partial(honest, **each) for name, each in HONEST.items()}
    for name, each in list(HONEST.items())[:3]:
        for share in (0.05, 0.15, 0.30, 0.60):
            found[f"{name}, {share:.0%} inflated"] = partial(inflated, share=share, lift=0.2, **each)
    for name, lift in COMPARED:
        for null in NULLS:
            found[f"{null}, {name}"] = partial(compared, null=null, lift=lift, **HONEST[name])
    return found


def studies_of_answers(gap: bool) -> dict[str, Study]:
    """Rows of the page of a signal."""
    found: dict[str, Study] = {}
    for levels, spread in ((0.10, 0.03), (0.05, 0.05)):
        found[f"honest: levels ± {levels:.2f}, gaps ± {spread:.2f}"] = partial(honest_answers, gap=gap, levels=levels, spread=spread)
    for share in (0.05, 0.15, 0.60):
        for lift in (0.10, 0.20):
            name = f"{share:.0%} inflated by {100 * lift:.0f} points"
            found[name] = partial(inflated_answers, gap=gap, levels=0.10 if gap else 0.05, share=share, lift=lift)
    return found


STUDIES = {"null.md": studies_of_effects(), "channel_gaps.md": studies_of_answers(True), "levels.md": studies_of_answers(False)}
CASES = [(page, name) for page, studies in STUDIES.items() for name in studies]


def run(page: str, name: str, networks: int = NETWORKS) -> Floats:
    """Figures of every network, (networks, figures)."""
    rng = np.random.default_rng([SEED, CASES.index((page, name))])
    return np.array([STUDIES[page][name](rng) for _ in range(networks)])


def printed(page: str, name: str) -> Floats:
    """The figures of the study's row."""
    text = (METHODS / "inflation" / page).read_text(encoding="utf-8")
    rows = [line.strip("| ").split("|") for line in text.splitlines() if "|" in line]
    (row,) = [row for row in rows if row[0].strip() == name]
    return np.array([float(cell) for cell in row[1:]])


def row(page: str, name: str) -> str:
    """The study's row for the page."""
    return f"| {name} | " + " | ".join(f"{value:.3f}" for value in run(page, name).mean(axis=0)) + " |"


def agree(found: Floats, page: str, name: str) -> bool:
    error = found.std(axis=0, ddof=1) * (1 / len(found) + 1 / NETWORKS) ** 0.5
    return bool((np.abs(found.mean(axis=0) - printed(page, name)) <= 4 * error + 0.0015 + 2 / len(found) / 500).all())


@pytest.mark.parametrize(("page", "name"), CASES[::5])
def test_a_few_networks(page: str, name: str) -> None:
    found = run(page, name, 6)
    assert np.isfinite(found).all() and found.shape[1] == printed(page, name).size


@pytest.mark.slow
@pytest.mark.parametrize(("page", "name"), CASES)
def test_pages(page: str, name: str) -> None:
    found = run(page, name)
    assert agree(found, page, name), (found.mean(axis=0), printed(page, name))
    if name.startswith("honest"):  # nowhere far above the level
        assert (found[:, :3].mean(axis=0) <= 1.25 * np.array(LEVELS) + 0.003).all()
    elif "inflated" in name:
        assert found[:, 2 if page == "null.md" else 0].mean() <= 0.12


if __name__ == "__main__":
    for case in CASES:
        print(case[0], row(*case), flush=True)
