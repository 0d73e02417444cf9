"""Follow-up: bias and coverage with either model right, for the registry and customers like these, by domain; damage where it fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.estimation import replicate
from vocstats.nonresponse import follow_up

PAGE = "nonresponse/follow_ups.md"
N, SHOPS, MEAN = 1200, 4, 5.75  # mean of the process: 5 + .5 E shop = 5.75
SHOP = {f"shop {k}": 5.0 + 0.5 * k for k in range(SHOPS)}


def odds(eta: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-eta)))


def world(rng: np.random.Generator, n: int = N, *, leaning: float = 0.0, phone: float = 0.0, binary: bool = False) -> dict[str, Any]:
    """Silence depends on the score itself; answering the follow-up on x and its square (and, with `leaning`, on the score).

    x has an effect of its own and by its square on score and answer; `phone` is what a follow-up by telephone adds to a score.
    """
    x, shop = rng.normal(size=n), rng.integers(0, SHOPS, n)
    signal = 5.0 + 0.8 * x + 0.4 * (x**2 - 1) + 0.5 * shop
    truth = signal + rng.normal(size=n)
    if binary:
        truth = (rng.random(n) < odds(signal - 5.75)).astype(float)
    answered = rng.random(n) < odds(0.8 * (truth - 0.7) if binary else 0.3 * (truth - 6.5))
    rate = np.where(shop == 0, 0.6, 0.4)
    drawn = ~answered & (rng.random(n) < rate)
    heard = drawn & (rng.random(n) < odds(0.4 + 0.5 * x + 0.3 * (x**2 - 1) + leaning * (truth - 5.75)))
    y = np.where(answered, truth, np.where(heard, truth + phone, np.nan))
    columns = {"x": x, "square": x**2, "shop": shop.astype(str)}
    return {"truth": truth, "shop": shop, "arguments": {"y": y, "answered": answered, "drawn": drawn, "x": columns, "rate": rate}}


def figures(estimate: Any, shift: Any = 0.0) -> Floats:
    """Rows of estimate, standard error and limits, moved by `shift`."""
    columns = [np.atleast_1d(getattr(estimate, name)) for name in ("estimate", "std_error", "conf_low", "conf_high")]
    return np.stack([columns[0] + shift, columns[1], columns[2] + shift, columns[3] + shift], axis=1)


def registry(
    rng: np.random.Generator, *, mean: float = MEAN, leaning: float = 0.0, phone: float = 0.0, binary: bool = False, **options: Any
) -> Floats:
    """Against the mean of those asked: its distance from the mean of the process is taken off."""
    w = world(rng, leaning=leaning, phone=phone, binary=binary)
    return figures(follow_up(**w["arguments"], **options), mean - w["truth"].mean())


def process(rng: np.random.Generator) -> Floats:
    return figures(follow_up(**world(rng)["arguments"], population=float("inf")))


def sampled(rng: np.random.Generator) -> Floats:
    """Half of 1,200 customers are asked; against the mean of all."""
    w = world(rng)
    asked = rng.permutation(N) < N // 2
    taken = {name: column[asked] for name, column in w["arguments"].items() if name != "x"}
    x = {name: column[asked] for name, column in w["arguments"]["x"].items()}
    return figures(follow_up(**taken, x=x, population=N), MEAN - w["truth"].mean())


def domains(rng: np.random.Generator, n: int = N, *, outcome: list[str] | None = None) -> Floats:
    w = world(rng, n)
    own = np.bincount(w["shop"], w["truth"]) / np.bincount(w["shop"])
    return figures(follow_up(**w["arguments"], by=w["shop"], outcome_columns=outcome), np.array(list(SHOP.values())) - own)


def replicated(rng: np.random.Generator) -> Floats:
    w = world(rng, 500)
    return figures(follow_up(**w["arguments"], w=replicate(np.ones(500), replicates=50, seed=int(rng.integers(1 << 31)))))


def _share() -> float:
    """Of the process behind `binary`: over the normal x and the shops."""
    x, weight = np.polynomial.hermite_e.hermegauss(80)
    eta = 0.8 * x + 0.4 * (x**2 - 1) - 0.75 + 0.5 * np.arange(SHOPS)[:, None]
    return float((odds(eta) @ weight).mean() / weight.sum())


WHOLE, BINARY = {"mean": MEAN}, {"share": _share()}
STUDIES: dict[str, Any] = {
    "both models right": (registry, WHOLE),
    "propensity wrong": (lambda rng: registry(rng, propensity_columns=["x"]), WHOLE),
    "outcome wrong": (lambda rng: registry(rng, outcome_columns=["x"]), WHOLE),
    "share, logistic": (lambda rng: registry(rng, mean=BINARY["share"], binary=True, family="binomial"), BINARY),
    "process": (process, WHOLE),
    "half were asked": (sampled, WHOLE),
    "domains": (domains, SHOP),
    "domains, not in x": (lambda rng: domains(rng, 2 * N, outcome=["x", "square"]), SHOP),
}
FAILING: dict[str, Any] = {
    "refused because of the score": (lambda rng: registry(rng, leaning=0.5), WHOLE),
    "telephone 0.4 higher": (lambda rng: registry(rng, phone=0.4), WHOLE),
    "both models wrong": (lambda rng: registry(rng, propensity_columns=["x"], outcome_columns=["x"]), WHOLE),
}


def run(name: str, repetitions: int) -> pd.DataFrame:
    draw, truth = (STUDIES | FAILING)[name]
    return repeat(draw, truth, repetitions=repetitions)


@pytest.mark.parametrize("name", STUDIES)
def test_a_few_repetitions(name: str) -> None:
    assert_plausible(run(name, 60))


def test_a_few_replicates() -> None:
    assert_plausible(repeat(replicated, WHOLE, repetitions=10))


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_bias_and_coverage(name: str) -> None:
    found = run(name, 2000)
    assert_holds(found, slack=0.05 if name == "domains, not in x" else 0.0)
    assert_printed(found, PAGE, name)


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILING)
def test_damage(name: str) -> None:
    assert_printed(run(name, 2000), PAGE, name)
