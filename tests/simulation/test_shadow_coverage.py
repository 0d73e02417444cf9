"""A shadow variable: coverage of both models, on either side of double robustness; a weak one; one that drives response itself."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulation.judging import SEED, Floats, assert_holds, assert_plausible, assert_printed, repeat
from simulation.telco_worlds import World

from vocstats.errors import IdentificationError
from vocstats.nonresponse import ShadowEstimate, ShadowWarning, shadow_variable

PAGE = "nonresponse/shadow.md"
N = 4000
KIND, SCORE, LEFT = (part.ravel() for part in np.meshgrid(range(4), range(1, 6), range(2), indexing="ij"))
SCORES = np.array([[0.10, 0.15, 0.20, 0.30, 0.25], [0.20] * 5, [0.25, 0.25, 0.20, 0.20, 0.10], [0.10, 0.10, 0.20, 0.25, 0.35]])
BENT = np.array([0.9, -0.6, 0.5, -0.8])  # what no straight line follows


@dataclass(frozen=True)
class Cells:
    """A world of customers by kind, score and later churn, and how odds of being heard depend on them."""

    strength: float = 1.1  # of the score on churn
    driven: float = 0.0  # of churn on being heard
    tail: float = 0.0  # what the lowest score adds beyond the line
    bent: bool = False  # whether the kinds follow no line

    def shares(self) -> tuple[Floats, Floats]:
        """Share of every cell, and its probability to be heard."""
        churn = 1 / (1 + np.exp(0.8 + self.strength * (SCORE - 3) - BENT[KIND]))
        share = SCORES[KIND, SCORE - 1] * np.where(LEFT, churn, 1 - churn) / 4
        odds = -0.5 + 0.4 * (SCORE - 3) + self.driven * LEFT + self.tail * (SCORE == 1)
        return share, 1 / (1 + np.exp(-odds - (BENT[KIND] if self.bent else -0.2 * (KIND - 1.5))))

    def truth(self) -> dict[str, float]:
        share, _ = self.shares()
        return {"mean": float(share @ SCORE), "bottom 2": float(share @ (SCORE <= 2))}

    def draw(self, rng: np.random.Generator, n: int = N) -> dict[str, Any]:
        """Arguments of `shadow_variable`: the heard in cells by score, the silent in cells without."""
        share, chance = self.shares()
        counts = rng.multinomial(n, np.concatenate([share * chance, share * (1 - chance)]))
        kind = np.tile(KIND, 2)
        y = np.concatenate([SCORE.astype(float), np.full(SCORE.size, np.nan)])
        x = {"kind": kind.astype(float), "each": kind.astype(str), "odd": kind % 2}
        return {"y": y, "z": np.tile(LEFT, 2), "x": x, "counts": counts}


def figures(sample: dict[str, Any], **options: Any) -> Floats:
    r = estimate(sample, **options)
    return np.column_stack([r.estimate, r.std_error, r.conf_low, r.conf_high])


def estimate(sample: dict[str, Any], **options: Any) -> ShadowEstimate:
    y = sample["y"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShadowWarning)
        return shadow_variable(**sample, of={"mean": y, "bottom 2": y <= 2}, **options)


def saturated(rng: np.random.Generator) -> Floats:
    """Response bent in the score; the month of churn tells five levels apart."""
    world = Cells(tail=1.0)
    sample = world.draw(rng, 4 * N)
    share = np.array([[0.7, 0.1, 0.1, 0.05, 0.05], [0.1, 0.6, 0.1, 0.1, 0.1], [0.1, 0.1, 0.6, 0.1, 0.1],
                      [0.05, 0.1, 0.1, 0.65, 0.1], [0.05, 0.05, 0.1, 0.1, 0.7]])
    rows, month, often = [], [], []
    scores = np.tile(SCORE, 2)
    for row, count in enumerate(sample["counts"]):
        rows += [row] * 5
        month += ["abcde"[k] for k in range(5)]
        often += rng.multinomial(count, share[scores[row] - 1]).tolist()
    taken = {"y": sample["y"][rows], "x": {name: column[rows] for name, column in sample["x"].items()}}
    return figures({**taken, "z": month, "counts": often}, response="saturated", response_columns=["kind"])


def plain(world: Cells, columns: Sequence[str] = ("kind",), **options: Any) -> Any:
    return lambda rng: figures(world.draw(rng), response_columns=list(columns), **options), world.truth()


DOUBLY = {"model": "doubly_robust"}
STUDIES: dict[str, Any] = {
    "weighting": plain(Cells()),
    "weighting, churn and usage": (lambda rng: figures(with_usage(rng), response_columns=["kind"]), Cells().truth()),
    "doubly robust, response right": plain(Cells(), outcome_columns=["odd"], **DOUBLY),
    "doubly robust, outcome right": plain(Cells(bent=True), outcome_columns=["each"], **DOUBLY),
    "saturated": (saturated, Cells().truth()),
}
FAILING: dict[str, Any] = {
    "churn halves the odds": plain(Cells(driven=-0.7)),
    "churn divides the odds by 1.2": plain(Cells(driven=-0.18)),
    "odds bent in the score": plain(Cells(tail=1.0)),
    "kinds left out": plain(Cells(bent=True), ()),
}
REPETITIONS = 500


def with_usage(rng: np.random.Generator) -> dict[str, Any]:
    """Churn and a level of usage: one moment more than needed."""
    sample = Cells().draw(rng)
    scores, rows, usage, often = np.tile(SCORE, 2), [], [], []
    for row, count in enumerate(sample["counts"]):
        chance = 0.15 + 0.14 * scores[row]
        rows += [row, row]
        usage += [0, 1]
        often += rng.multinomial(count, [1 - chance, chance]).tolist()
    taken = {"y": sample["y"][rows], "x": {name: column[rows] for name, column in sample["x"].items()}}
    return {**taken, "z": {"churn": sample["z"][rows], "usage": usage}, "counts": often}


def run(name: str, repetitions: int = REPETITIONS) -> pd.DataFrame:
    draw, truth = (STUDIES | FAILING)[name]
    return repeat(draw, truth, repetitions=repetitions)


def weak(strength: float, repetitions: int, n: int = 2000) -> dict[str, float]:
    """Over bases with a feeble shadow variable: share refused, share warned of, coverage of intervals and of ranges."""
    world, rng = Cells(strength=strength), np.random.default_rng(SEED)
    truth = world.truth()["mean"]
    refused, found = 0, []
    for _ in range(repetitions):
        try:
            r = estimate(world.draw(rng, n), response_columns=["kind"])
        except IdentificationError:
            refused += 1
            continue
        warned = r.relevance < 30 or np.isinf([r.gamma_low, r.gamma_high]).any()
        found.append((warned, r.conf_low[0] <= truth <= r.conf_high[0], r.range_low[0] <= truth <= r.range_high[0], r.relevance))
    table = np.array(found, float)
    kept = table[:, 0] == 0
    return {
        "refused": refused / repetitions, "warned": float(table[:, 0].mean()), "median F": float(np.median(table[:, 3])),
        "interval": float(table[:, 1].mean()), "range": float(table[:, 2].mean()),
        "not warned": float(kept.sum()), "interval, not warned": float(table[kept, 1].mean()) if kept.any() else np.nan,
    }


@pytest.fixture(scope="module")
def customers(data: Path) -> pd.DataFrame:
    """The telecom base by score and churn: the whole of it is known."""
    world = World.read(data)
    return pd.DataFrame({"score": world.score, "left": world.churned}).value_counts(sort=False).reset_index(name="count")


def telco(customers: pd.DataFrame, rng: np.random.Generator) -> Floats:
    """Its answers hidden by the score itself, 14 to 41 % heard."""
    score, left, count = (customers[name].to_numpy() for name in ("score", "left", "count"))
    heard = rng.binomial(count, 1 / (1 + np.exp(1.1 - 0.35 * (score - 3))))
    y = np.concatenate([score.astype(float), np.full(score.size, np.nan)])
    sample = {"y": y, "z": np.tile(left, 2), "counts": np.concatenate([heard, count - heard])}
    return figures(sample, inference="registry")


TELCO = {"mean": 3.24492, "bottom 2": 0.20446}


@pytest.mark.parametrize("name", ["weighting", "doubly robust, outcome right", "saturated"])
def test_a_few_repetitions(name: str) -> None:
    assert_plausible(run(name, 12))


def test_a_few_repetitions_of_the_telecom_base(customers: pd.DataFrame) -> None:
    assert_plausible(repeat(lambda rng: telco(customers, rng), TELCO, repetitions=20))


def test_damage_is_seen_at_once() -> None:
    assert run("churn halves the odds", 6).loc["mean", "bias"] < -0.3


@pytest.mark.slow
@pytest.mark.parametrize("name", STUDIES)
def test_bias_and_coverage(name: str) -> None:
    found = run(name)
    assert_holds(found)
    assert_printed(found, PAGE, name)


@pytest.mark.slow
def test_telecom_base(customers: pd.DataFrame) -> None:
    found = repeat(lambda rng: telco(customers, rng), TELCO, repetitions=REPETITIONS)
    assert_holds(found)
    assert_printed(found, PAGE, "telecom base, registry")


@pytest.mark.slow
@pytest.mark.parametrize("name", FAILING)
def test_damage(name: str) -> None:
    assert_printed(run(name), PAGE, name)


@pytest.mark.slow
@pytest.mark.parametrize("strength", [0.15, 0.25, 0.4, 0.6])
def test_a_weak_shadow_is_refused_or_warned_of(strength: float) -> None:
    """Ranges cover; intervals of bases that are not warned of do nearly."""
    found = weak(strength, 400)
    assert found["range"] > 0.92, found
    assert not found["not warned"] > 200 or found["interval, not warned"] > 0.9, found
