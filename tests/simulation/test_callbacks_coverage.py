"""Callbacks: bias and coverage where each model holds, the damage where resistance changes, and 500 redraws of a flat selection."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special

from vocstats.nonresponse import LikelihoodWarning, reweight_by_callbacks

PAGE = Path(__file__).resolve().parents[2] / "docs/methods/nonresponse/callbacks.md"
SCORES = np.arange(1.0, 6.0)
PEOPLE = {"doubly robust, chances wrong": 20_000}  # elsewhere 3,000, of whom its bias is a seventh of the standard error
CHANCES, WAVES = np.array([0.30, 0.22, 0.08, 0.14, 0.28]), (1.0, 0.6, 0.4)  # of telco/selection_C, by score and by wave


@dataclass(frozen=True)
class World:
    """Three classes of customers; log odds of an answer by attempt, score and class, (attempts, 5, 3)."""

    odds: np.ndarray
    shares: np.ndarray  # of scores in each class (5, 3)
    classes: np.ndarray  # share of each class (3,)

    @property
    def truth(self) -> tuple[float, float]:
        everybody = self.shares @ self.classes
        return float(SCORES @ everybody), float(everybody[:2].sum())

    def draw(self, rng: np.random.Generator, n: int) -> dict[str, Any]:
        """Cells of score (missing: never heard), attempt, class and counts; every customer is drawn anew."""
        h = special.expit(self.odds)
        missed = np.cumprod(1.0 - h, axis=0)
        before = np.concatenate([np.ones((1, *h.shape[1:])), missed[:-1]])
        joint = np.concatenate([h * before, missed[-1:]]) * self.shares * self.classes
        drawn = rng.multinomial(n, joint.ravel()).reshape(joint.shape)
        k, y, g = np.nonzero(drawn)
        never = k == len(h)
        return {
            "y": np.where(never, np.nan, SCORES[y]), "attempt": np.where(never, np.nan, k + 1.0), "class": g,
            "counts": drawn[k, y, g],
        }


def world(*, gamma: tuple[float, ...] = (-0.4, -0.4, -0.4), beta: tuple[float, ...] = (0.0, 0.0, 0.0), curved: float = 0.0) -> World:
    """gamma: per point of the score at each attempt, beta: per step between classes; `curved` makes the middle answer less."""
    score = SCORES - 3.0
    odds = np.array([-0.1, -0.4, -0.6])[:, None, None] + np.array(gamma)[:, None, None] * score[None, :, None]
    odds = odds + np.array(beta)[:, None, None] * np.arange(3.0) + curved * np.abs(score)[None, :, None]
    shares = np.column_stack([[0.1, 0.1, 0.2, 0.3, 0.3], [0.25, 0.25, 0.25, 0.15, 0.1], [0.1, 0.1, 0.25, 0.3, 0.25]])
    return World(odds=odds, shares=shares, classes=np.array([0.4, 0.35, 0.25]))


LINEAR = {"dependence": "linear"}
ALIKE, DRIFTING = (0.3, 0.3, 0.3), (0.6, 0.0, -0.6)
WORLDS: dict[str, tuple[World, dict[str, Any]]] = {
    "likelihood": (world(curved=0.3), {"model": "likelihood"}),
    "likelihood, linear": (world(), {"model": "likelihood", **LINEAR}),
    "likelihood, by class": (world(beta=ALIKE), {"model": "likelihood", **LINEAR, "x": "label"}),
    "weighting": (world(curved=0.3), {"model": "weighting"}),
    "weighting, linear": (world(beta=ALIKE), {"model": "weighting", **LINEAR, "x": "number"}),
    "doubly robust": (world(beta=ALIKE), {"model": "doubly_robust", **LINEAR, "x": "label"}),
    "doubly robust, regressions wrong": (world(beta=ALIKE), {"model": "doubly_robust", **LINEAR, "x": "number"}),
    "doubly robust, chances wrong": (world(beta=DRIFTING), {"model": "doubly_robust", **LINEAR, "x": "label"}),
    "continuum": (world(gamma=(-0.4, -0.4, 0.0)), {"model": "continuum"}),
}
FADING = (-0.4, -0.2, -0.2)  # the dependence on the score is halved after the first attempt
FAILING: dict[str, tuple[World, dict[str, Any]]] = {
    "likelihood": (world(gamma=FADING), {"model": "likelihood"}),
    "likelihood, linear": (world(gamma=FADING), {"model": "likelihood", **LINEAR}),
    "weighting, linear": (world(gamma=FADING), {"model": "weighting", **LINEAR}),
    "weighting, chances drift by class": (world(beta=DRIFTING), {"model": "weighting", **LINEAR, "x": "label"}),
    "doubly robust": (world(gamma=FADING, beta=ALIKE), {"model": "doubly_robust", **LINEAR, "x": "label"}),
    "continuum": (world(), {"model": "continuum"}),
}


def estimate(drawn: dict[str, Any], *, x: str | None = None, resistance: str = "odds", **options: Any) -> Any:
    """One estimate; x: the class as label, as number, or not used. The worlds' resistance is one of odds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LikelihoodWarning)
        y = drawn["y"]
        columns = None if x is None else {"class": drawn["class"].astype(str) if x == "label" else drawn["class"]}
        of = {"mean": y, "bottom_2": y <= 2}
        return reweight_by_callbacks(y, drawn["attempt"], of=of, counts=drawn["counts"], x=columns, resistance=resistance, **options)


def study(at: World, options: dict[str, Any], repetitions: int, n: int, seed: int) -> dict[str, Any]:
    """Bias of the mean, its Monte Carlo error, its mean estimate, and coverage of 95 % limits of the mean and of bottom-2."""
    rng = np.random.default_rng(seed)
    found = [estimate(at.draw(rng, n), **options) for _ in range(repetitions)]
    return judged(found, at.truth)


def judged(found: list[Any], truth: tuple[float, float]) -> dict[str, Any]:
    means = np.array([r.estimate[0] for r in found])
    hits = np.mean([(r.conf_low <= truth) & (r.conf_high >= truth) for r in found], axis=0)
    return {
        "estimate": means.mean(), "bias": means.mean() - truth[0], "error": means.std() / len(found) ** 0.5,
        "mean": hits[0], "bottom": hits[1], "ratio": np.mean([r.std_error[0] for r in found]) / means.std(),
    }


def redraws(base: np.ndarray, repetitions: int, seed: int, resistance: str = "odds_or_chance") -> list[Any]:
    """The saturated likelihood on new selections of the same customers, `base` (5,) by score: chances proportional, not odds."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(repetitions):
        left, waves = base.copy(), []
        for share in WAVES:
            waves.append(rng.binomial(left, share * CHANCES))
            left = left - waves[-1]
        drawn = {
            "y": np.append(np.tile(SCORES, len(WAVES)), np.nan), "attempt": np.append(np.repeat([1.0, 2.0, 3.0], 5), np.nan),
            "counts": np.append(np.concatenate(waves), left.sum()),
        }
        found.append(estimate(drawn, inference="registry", resistance=resistance))
    return found


def printed() -> dict[str, list[float]]:
    """Rows of the table of the methods page: true mean, estimate, bias, coverage of the mean and of bottom-2 in per cent."""
    section = PAGE.read_text(encoding="utf-8").split("## When it goes wrong")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([\w, ]+)` \|[^|]*\|(.+)\|$", section, flags=re.MULTILINE)
    return {name: [float(number) for number in numbers.replace("−", "-").split("|")] for name, numbers in rows}


def telco(data: Path) -> tuple[np.ndarray, tuple[float, float]]:
    """Customers by score, and the mean and bottom-2 of all."""
    import pandas as pd

    base = np.bincount(pd.read_csv(data / "telco/telco.csv")["Satisfaction Score"])[1:]
    return base, (float(base @ SCORES / base.sum()), float(base[:2].sum() / base.sum()))


@pytest.mark.parametrize("name", ["likelihood, linear", "weighting, linear", "continuum"])
def test_bias_and_coverage_in_ci(name: str) -> None:
    at, options = WORLDS[name]
    r = study(at, options, 12, 3000, 41)
    assert abs(r["bias"]) < 4 * r["error"]
    assert min(r["mean"], r["bottom"]) >= 0.7


def test_fading_resistance_shows_in_ci() -> None:
    r = study(*FAILING["likelihood, linear"], 6, 20_000, 42)
    assert r["bias"] > 0.04


def test_redraws_in_ci(data: Path) -> None:
    base, truth = telco(data)
    found = redraws(base, 10, 43)
    r = judged(found, truth)
    assert min(r["mean"], r["bottom"]) >= 0.7
    assert np.mean([each.flat for each in found]) > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", list(WORLDS))
def test_bias_and_coverage(name: str) -> None:
    at, options = WORLDS[name]
    r = study(at, options, 500, PEOPLE.get(name, 3000), 44)
    assert abs(r["bias"]) < 2.5 * r["error"]
    assert 0.92 <= r["mean"] <= 0.98
    assert 0.92 <= r["bottom"] <= 0.98
    assert r["ratio"] == pytest.approx(1.0, abs=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FAILING))
def test_damage_where_assumptions_fail(name: str) -> None:
    """The figures of the methods page."""
    at, options = FAILING[name]
    r = study(at, options, 500, 3000, 45)
    true, level, bias, mean, bottom = printed()[name]
    assert at.truth[0] == pytest.approx(true, abs=0.0005)
    assert level - true == pytest.approx(bias, abs=0.0011)
    assert r["bias"] == pytest.approx(bias, abs=4 * r["error"] + 0.001)
    for found, said in ((r["mean"], mean), (r["bottom"], bottom)):
        assert found == pytest.approx(said / 100, abs=4 * (2 * 0.25 / 500) ** 0.5)


@pytest.mark.slow
def test_coverage_over_redraws_of_a_flat_selection(data: Path) -> None:
    """The saturated likelihood on the customers listed; the selection moves chances, and odds alone cover bottom-2 in 90 to 91 %."""
    base, truth = telco(data)
    found = redraws(base, 500, 46)
    r = judged(found, truth)
    assert 0.92 <= r["mean"] <= 0.98
    assert 0.92 <= r["bottom"] <= 0.98
    assert np.mean([each.flat for each in found], axis=0).min() > 0.7
