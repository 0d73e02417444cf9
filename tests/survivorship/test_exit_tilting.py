"""Exit tilts: closed forms, derivatives, jackknife, repeated rows, and where there is no answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.estimation import Design
from vocstats.results import load
from vocstats.survivorship import exit_tilt
from vocstats.texts import message

NAN = float("nan")
SCALE = np.arange(1.0, 11.0)
ANSWERS = np.array([[0.06, 0.08, 0.1, 0.12, 0.14, 0.14, 0.12, 0.1, 0.08, 0.06], [0.03, 0.03, 0.04, 0.05, 0.1, 0.15, 0.2, 0.2, 0.12, 0.08]])


def base(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """Two histories; those who left answer tilted by exp(-0.4 y); exit interviews reach the first history more often."""
    h = rng.integers(0, 2, n)
    churned = rng.random(n) < np.where(h == 0, 0.4, 0.2)
    tilted = ANSWERS * np.exp(-0.4 * SCALE)
    cumulative = np.stack([ANSWERS, tilted / tilted.sum(axis=1, keepdims=True)]).cumsum(axis=2)[churned.astype(int), h]
    y = 1.0 + (rng.random(n)[:, None] > cumulative[:, :-1]).sum(axis=1)
    heard = rng.random(n) < np.where(churned, np.where(h == 0, 0.4, 0.15), np.where(h == 0, 0.3, 0.5))
    return {"y": np.where(heard, y, NAN), "churned": churned, "history": np.array(["返厂", "未返厂"])[h]}


def parts(**arguments: Any) -> dict[str, float]:
    r = exit_tilt(**arguments)
    return dict(zip(r.labels["part"].tolist(), r.estimate.tolist(), strict=True))


def test_of_a_share_alpha_is_the_log_odds_ratio() -> None:
    y = [1, 1, 1, 0, 1, 0, 0, 0, NAN, NAN]
    churned = [False] * 4 + [True] * 6
    r = parts(y=y, churned=churned)
    assert r["alpha"] == pytest.approx(np.log(1 / 3) - np.log(3))
    assert (r["active"], r["churned"], r["misfit"]) == pytest.approx((0.75, 0.25, 0.0))
    assert r["everybody"] == pytest.approx(0.4 * 0.75 + 0.6 * 0.25)


def test_with_one_history_the_churned_mean_is_that_of_the_exit_interviews() -> None:
    x = base(np.random.default_rng(1), 500)
    del x["history"]
    r = exit_tilt(**x)
    heard = x["y"][x["churned"] & ~np.isnan(x["y"])]
    assert r.estimate[2] == pytest.approx(heard.mean())
    assert r.std_error[2] == pytest.approx(heard.std() / np.sqrt(heard.size) * np.sqrt(500 / 499))


def test_an_answer_alike_has_no_tilt() -> None:
    r = parts(y=[3, 5, 7, 9, 3, 5, 7, 9], churned=[False] * 4 + [True] * 4)
    assert (r["alpha"], r["churned"], r["misfit"]) == pytest.approx((0, 6, 0), abs=1e-10)


def test_equations_hold() -> None:
    x = base(np.random.default_rng(2), 800)
    weights = np.random.default_rng(3).uniform(0.5, 2, 800)
    r = parts(**x, weights=weights)
    heard, mean = ~np.isnan(x["y"]), {}
    for h in np.unique(x["history"]):
        own = heard & ~x["churned"] & (x["history"] == h)
        mean[h] = np.average(x["y"][own], weights=weights[own] * np.exp(r["alpha"] * x["y"][own]))
    predicted = np.array([mean[h] for h in x["history"]])
    exits = heard & x["churned"]
    assert np.average((x["y"] - predicted)[exits], weights=weights[exits]) == pytest.approx(0, abs=1e-10)
    assert r["churned"] == pytest.approx(predicted[x["churned"]].mean())


def test_influence_values_are_derivatives_and_give_the_clustered_error() -> None:
    rng = np.random.default_rng(4)
    x = base(rng, 200)
    weights, clusters = rng.uniform(0.5, 2, 200), rng.integers(0, 20, 200)
    counts = rng.integers(1, 3, 200).astype(float)
    z = exit_tilt(**x, weights=weights, counts=counts).influence
    for row in range(0, 200, 7):
        step = np.zeros(200)
        step[row] = 1e-5
        up, down = (exit_tilt(**x, weights=weights, counts=counts + sign * step).estimate for sign in (1, -1))
        np.testing.assert_allclose((up - down) / 2e-5, z[row], atol=1e-6)
    clustered = exit_tilt(**x, weights=weights, design=Design(clusters=clusters))
    sums = np.array([clustered.influence[clusters == g].sum(axis=0) for g in range(20)])
    np.testing.assert_allclose(clustered.std_error, np.sqrt(20 * sums.var(axis=0, ddof=1)))


def test_errors_agree_with_the_jackknife() -> None:
    x = base(np.random.default_rng(5), 800)
    r = exit_tilt(**x)
    left_out = np.array([exit_tilt(**{k: np.delete(v, i) for k, v in x.items()}).estimate for i in range(800)])
    jackknife = np.sqrt(799 / 800 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    np.testing.assert_allclose(r.std_error[:4], jackknife[:4], rtol=0.05)


def test_counts_are_repeated_rows() -> None:
    rng = np.random.default_rng(6)
    x = base(rng, 300)
    counts = rng.integers(0, 3, 300)
    once, repeated = exit_tilt(**x, counts=counts), exit_tilt(**{k: np.repeat(v, counts) for k, v in x.items()})
    for name in ("estimate", "std_error", "n"):
        np.testing.assert_allclose(getattr(once, name), getattr(repeated, name), rtol=1e-8, atol=1e-10)


def test_result_reads_back() -> None:
    r = exit_tilt(**base(np.random.default_rng(7), 300))
    np.testing.assert_array_equal(load(r.to_json()).std_error, r.std_error)
    assert np.isnan(exit_tilt([2.0, 4, 6, 3], [False] * 3 + [True]).std_error).all()  # one exit interview


def test_telco_supports_do_not_allow_it(data: Path) -> None:
    """Active customers answer 3 to 5, those who left 1.74 on average: no tilt leads there."""
    telco, heard = pd.read_csv(data / "telco/telco.csv"), pd.read_csv(data / "telco/selection_B.csv")
    frame = telco.merge(heard, on="Customer ID", validate="1:1")
    reached = (frame["active_respondent"] + frame["exit_respondent"]).to_numpy() > 0
    churned = (frame["Customer Status"] == "Churned").to_numpy()
    score = np.where(reached, frame["Satisfaction Score"].to_numpy(float), NAN)
    with pytest.raises(IdentificationError, match="outside 3 to 5"):
        exit_tilt(score, churned)


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "no exits": ({"y": [3, 5, 7, NAN, NAN]}, IdentificationError, "No exit interview"),
    "weightless exits": ({"weights": [1, 1, 1, 0, 0]}, IdentificationError, "No exit interview"),
    "nobody left": ({"churned": [False] * 5}, IdentificationError, "No exit interview"),
    "nobody active": ({"y": [NAN, NAN, NAN, 4, 4]}, IdentificationError, "No active customer with history 'everybody'"),
    "everybody left": ({"churned": [True] * 5}, IdentificationError, "No active customer"),
    "history": ({"history": ["a", "a", "a", "a", "b"]}, IdentificationError, "history 'b'"),
    "beyond": ({"y": [3, 5, 7, 4, 2]}, IdentificationError, r"1 of 2 exit interviews, at rows 4"),
    "boundary": ({"y": [3, 5, 7, 3, 3]}, IdentificationError, "no tilt"),
    "constant": ({"y": [5, 5, 5, 5, 5]}, IdentificationError, "no tilt"),
    "within": ({"y": [3, 3, 7, 7, 7], "history": ["a", "a", "b", "a", "a"]}, IdentificationError, "leaves 3 to 3"),
    "churned": ({"churned": [0, 0, 0, 1, 2]}, InputError, "churned must be true or false"),
    "length": ({"weights": [1.0]}, InputError, "weights has 1 entries"),
    "strings": ({"y": ["3", "5", "7", "4", "4"]}, InputError, "y must hold numbers"),
    "level": ({"level": 1}, InputError, "level"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, kind, text = BAD[name]
    with pytest.raises(kind, match=text) as caught:
        exit_tilt(**{"y": [3, 5, 7, 4, 4], "churned": [False] * 3 + [True] * 2, **options})
    assert message(caught.value, "zh")  # type: ignore[arg-type]


def test_scores_far_from_zero_keep_their_digits() -> None:
    """Misfit and alpha do not depend on where the scale begins; differences of squares of a million would."""
    rng = np.random.default_rng(12)
    y, churned = rng.integers(1, 11, 300).astype(float), rng.random(300) < 0.4
    history = rng.integers(0, 3, 300)
    near, far = exit_tilt(y, churned, history=history), exit_tilt(y + 1e6, churned, history=history)
    moved = np.where(np.isin(near.labels["part"], ["everybody", "active", "churned"]), 1e6, 0.0)
    np.testing.assert_allclose(far.estimate - moved, near.estimate, rtol=0, atol=1e-8)
    np.testing.assert_allclose(far.std_error, near.std_error, rtol=1e-7)
