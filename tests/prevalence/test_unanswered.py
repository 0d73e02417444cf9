"""Tables with "don't know": the Slovenian plebiscite, brute force, Hessians by differences, simulation, bad input."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import ndtr, softmax

from vocstats.errors import ConvergenceError, IdentificationError, InputError
from vocstats.prevalence import UnansweredBounds, bounds
from vocstats.results import load

# secession x attendance x independence (yes, no, don't know): Rubin, Stern & Vehovar (1995), table 1
SLOVENIA = np.array(
    [[[1191, 8, 21], [8, 0, 4], [107, 3, 9]], [[158, 68, 29], [7, 14, 3], [18, 43, 31]], [[90, 2, 109], [1, 2, 25], [19, 8, 96]]]
)
WANTED = {1: 0, 2: 0}  # attends and votes for independence


def shares(found: UnansweredBounds) -> dict[str, float]:
    return dict(zip(found.methods, found.estimate, strict=True))


def test_slovenian_plebiscite() -> None:
    r = bounds(SLOVENIA, WANTED)
    found = shares(r)
    assert (round(found["lower"], 4), round(found["upper"], 4)) == (0.6938, 0.9055)
    assert round(found["complete"], 4) == 0.9278 and round(found["available"], 4) == 0.9290
    assert round(found["mar_asked"], 5) == 0.89196 and round(found["mar_all"], 5) == 0.88263
    assert r.conf_low[5] < 0.885 < r.conf_high[5]  # what the plebiscite gave
    assert (r.n, r.n_complete, r.n_available) == (2074, 1454, 1549)
    named = bounds(SLOVENIA, {"attends": 0, "independent": 0}, questions=["secession", "attends", "independent"])
    np.testing.assert_array_equal(named.estimate, r.estimate)


def log_likelihood(table: np.ndarray, p: np.ndarray) -> float:
    """Cell by cell from the definition; "don't know" is the last level."""
    total = 0.0
    for cell, n in np.ndenumerate(table):
        some = tuple(slice(None) if place == size - 1 else place for place, size in zip(cell, table.shape, strict=True))
        if n:
            total += n * np.log(p[some].sum())
    return total


def test_missing_at_random_by_another_maximiser() -> None:
    rng = np.random.default_rng(1)
    table = rng.integers(3, 60, size=(4, 3, 3))
    r = bounds(table, {0: [0, 1], 2: 0})
    best = minimize(lambda x: -log_likelihood(table, softmax(x).reshape(3, 2, 2)), np.zeros(12), method="BFGS", options={"gtol": 1e-4})
    p = softmax(best.x).reshape(3, 2, 2)
    assert shares(r)["mar_all"] == pytest.approx(p[:2, :, 0].sum(), abs=1e-4)
    free = softmax(best.x)[:-1]
    step, eye = 1e-4, np.eye(11)

    def value(v: np.ndarray) -> float:
        return log_likelihood(table, np.append(v, 1 - v.sum()).reshape(3, 2, 2))

    hessian = np.array([
        [sum(a * b * value(free + step * (a * i + b * j)) for a in (1, -1) for b in (1, -1)) / (4 * step**2) for j in eye] for i in eye
    ])
    wanted = np.zeros((3, 2, 2))
    wanted[:2, :, 0] = 1
    slope = wanted.ravel()[:-1] - wanted.ravel()[-1]
    assert r.std_error[5] == pytest.approx(np.sqrt(slope @ np.linalg.inv(-hessian) @ slope), rel=1e-3)


def test_worst_cases_by_brute_force() -> None:
    """Every way to fill in the "don't knows" of a small table of two questions."""
    table = np.array([[3, 1, 2], [1, 2, 0], [1, 2, 1]])
    lowest, highest = 1.0, 0.0
    people = [cell for cell, n in np.ndenumerate(table) for _ in range(n)]
    open_people = [cell for cell in people if 2 in cell]
    fixed = sum(cell == (0, 0) for cell in people if 2 not in cell)
    every = list(product(range(2), repeat=2))
    choices = [[fill for fill in every if all(c in (2, f) for c, f in zip(cell, fill, strict=True))] for cell in open_people]
    for filled in product(*choices):
        share = (fixed + sum(each == (0, 0) for each in filled)) / len(people)
        lowest, highest = min(lowest, share), max(highest, share)
    r = bounds(table, {0: 0, 1: 0})
    assert (r.estimate[0], r.estimate[1]) == pytest.approx((lowest, highest))


def test_place_of_unknown_order_and_scale() -> None:
    moved = bounds(np.roll(SLOVENIA, 1, axis=(0, 1, 2)), {1: 1, 2: 1}, unknown=0)
    turned = bounds(SLOVENIA.transpose(2, 0, 1), {0: 0, 2: 0})
    tenfold = bounds(10 * SLOVENIA, WANTED)
    r = bounds(SLOVENIA, WANTED)
    for other in (moved, turned, tenfold):
        np.testing.assert_allclose(other.estimate, r.estimate, rtol=1e-7)
    np.testing.assert_allclose(tenfold.std_error * np.sqrt(10), r.std_error, rtol=1e-5)


def test_nothing_missing_is_a_share() -> None:
    r = bounds([30, 70], {0: 1}, unknown=None)
    np.testing.assert_allclose(r.estimate, 0.7)
    np.testing.assert_allclose(r.std_error, np.sqrt(0.7 * 0.3 / 100))
    one = bounds([30, 70, 20], {0: 1})
    np.testing.assert_allclose(one.estimate, [70 / 120, 90 / 120, 0.7, 0.7, 0.7, 0.7])
    np.testing.assert_allclose(one.std_error[2:], np.sqrt(0.7 * 0.3 / 100))  # one question: at random is the same as leaving out
    certain = bounds([50, 0, 0], {0: 0})
    assert certain.estimate[0] == 1 and 0.9 < certain.conf_low[0] < 1 and certain.conf_high[0] == 1
    mixed = bounds([[10, 4], [20, 6], [1, 2]], {0: 0, 1: 0}, unknown=[2, None])
    assert mixed.n == 43 and mixed.n_complete == 40


def test_limits_of_the_set() -> None:
    """Imbens & Manski's c solves its equation; a set without width has the usual limits."""
    r = bounds([300, 500, 200], {0: 0}, level=0.9)
    c = (r.estimate[0] - r.set_low) / r.std_error[0]
    assert c == pytest.approx((r.set_high - r.estimate[1]) / r.std_error[1])
    assert ndtr(c + (r.estimate[1] - r.estimate[0]) / r.std_error[:2].max()) - ndtr(-c) == pytest.approx(0.9)
    point = bounds([300, 700, 0], {0: 0}, level=0.9)
    assert (point.estimate[0] - point.set_low) / point.std_error[0] == pytest.approx(1.6449, abs=1e-3)


def test_identification_and_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    for table, asked, options, error, match in (
        ([[1, 2], [3, -1]], {0: 0}, {}, InputError, "negative"), ([[0, 0], [0, 0]], {0: 0}, {}, IdentificationError, "nobody was asked"),
        ([], {0: 0}, {}, InputError, "at least one cell"), (SLOVENIA, {}, {}, InputError, "asked must say"),
        (SLOVENIA, {3: 0}, {}, InputError, "names the question 3"), (SLOVENIA, {"x": 0}, {}, InputError, "names the question 'x'"),
        (SLOVENIA, {1: 2}, {}, InputError, "give an answer"), (SLOVENIA, {1: 5}, {}, InputError, r"asked\[1\]"),
        (SLOVENIA, {1: 0}, {"unknown": [2, 2]}, InputError, "each of 3 questions"),
        (SLOVENIA, {1: 0}, {"unknown": 7}, InputError, "unknown"), ([0, 0, 9], {0: 0}, {}, IdentificationError, "Nobody answered"),
        (SLOVENIA, {1: 0}, {"questions": ["a", "a", "b"]}, InputError, "each once"),
        ([["1", "2"], ["3", "4"]], {0: 0}, {}, InputError, "numbers"), ([1, np.nan, 2], {0: 0}, {}, InputError, "missing"),
        ([[0, 0, 5], [0, 0, 8], [4, 6, 0]], {0: 0, 1: 0}, {}, IdentificationError, "Nobody answered"),
    ):
        with pytest.raises(error, match=match):
            bounds(table, asked, **options)
    never_together = np.zeros((3, 3, 3))
    never_together[:2, :2, 2] = never_together[:2, 2, :2] = never_together[2, :2, :2] = 10
    with pytest.raises(IdentificationError, match="Nobody answered"):
        bounds(never_together, {0: 0, 1: 0, 2: 0})
    pairs = bounds(never_together, {0: 0, 1: 0})
    assert pairs.estimate[5] == pytest.approx(0.25) and np.isnan(pairs.estimate[2]) and np.isnan(pairs.conf_low[2])
    second_level_never_answered = bounds([[5, 0], [3, 0], [0, 9]], {0: 0}, unknown=[2, None])
    assert second_level_never_answered.estimate[4] == pytest.approx(5 / 8) and np.isnan(second_level_never_answered.estimate[5])
    monkeypatch.setattr("vocstats.prevalence.seen_answers._TURNS", 3)
    with pytest.raises(ConvergenceError, match="did not settle"):
        bounds(SLOVENIA, WANTED)


def test_writing() -> None:
    r = bounds(SLOVENIA, {"出席": 0, "独立": 0}, questions=["分离", "出席", "独立"])
    again = load(r.to_json())
    assert isinstance(again, UnansweredBounds) and again.questions == ("分离", "出席", "独立")
    assert r.tidy()["term"].tolist() == list(r.methods) and "不知道" in r.summary("zh")


def test_limits_cover_when_missing_at_random() -> None:
    """400 tables of 600 people: whether the second answer is missing depends on the first; at 95 %, and complete cases do not hold."""
    rng = np.random.default_rng(90_003)
    p = np.array([[0.5, 0.1], [0.15, 0.25]])
    unknown = np.array([0.1, 0.5])
    held: Any = []
    for _ in range(400):
        full = rng.multinomial(600, p.ravel()).reshape(2, 2)
        gone = rng.binomial(full, unknown[:, None])
        table = np.zeros((3, 3))
        table[:2, :2], table[:2, 2] = full - gone, gone.sum(axis=1)
        r = bounds(table, {1: 0})
        held.append((r.conf_low <= 0.65) & (r.conf_high >= 0.65))
        held[-1] = np.append(held[-1], r.set_low <= 0.65 <= r.set_high)
    share = dict(zip([*r.methods, "set"], np.mean(held, axis=0), strict=True))
    assert 0.92 < share["mar_all"] < 0.98 and share["complete"] < 0.8 and share["set"] > 0.98, share
