"""Concentration of weights."""

from __future__ import annotations

import json

import numpy as np
import pytest

import vocstats as vs
from vocstats.weighting import Weights, rake, weight_concentration


def brute(values: np.ndarray) -> float:
    """Gini's coefficient as half the mean absolute difference over the mean."""
    return float(np.abs(np.subtract.outer(values, values)).mean() / (2.0 * values.mean()))


def test_equals_its_definitions() -> None:
    w = np.random.default_rng(3).lognormal(0.0, 1.0, 200)
    c = weight_concentration(np.append(w, np.zeros(30)))
    largest = np.sort(w)[::-1]
    np.testing.assert_allclose(c.top_shares, [largest[:k].sum() / w.sum() for k in (2, 10, 20)], rtol=1e-12)
    assert c.gini == pytest.approx(brute(w), rel=1e-12)
    assert (c.n, c.total, c.largest) == (200, pytest.approx(w.sum()), pytest.approx(w.max() / w.sum()))
    assert c.largest_to_mean == pytest.approx(w.max() / w.mean())
    assert c.lorenz[50] == pytest.approx(np.sort(w)[:100].sum() / w.sum())
    assert c.effective_sample_size == pytest.approx(w.sum() ** 2 / (w**2).sum())


def test_equal_weights_are_not_concentrated() -> None:
    c = weight_concentration(np.full(10, 3.0), top=[0.05, 0.5, 1.0])
    np.testing.assert_allclose(c.top_shares, [0.05, 0.5, 1.0])  # half a unit holds half its weight
    assert c.gini == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(c.lorenz, np.linspace(0, 1, 101), atol=1e-12)


def test_counts_are_repetition_and_order_does_not_matter() -> None:
    rng = np.random.default_rng(8)
    w, counts = rng.gamma(2.0, 1.0, 40), rng.integers(0, 5, 40)
    long = weight_concentration(rng.permutation(np.repeat(w, counts)))
    for c in (weight_concentration(w, counts=counts), weight_concentration(Weights(base=w, counts=counts))):
        for name in ("n", "total", "largest", "gini", "top_shares", "lorenz", "design_effect"):
            np.testing.assert_allclose(getattr(c, name), getattr(long, name), rtol=1e-10, err_msg=name)


def test_one_unit_holds_everything() -> None:
    c = weight_concentration([0.0, 5.0])
    assert (c.n, c.largest, c.gini) == (1.0, 1.0, 0.0)


def test_tables_summary_and_json() -> None:
    c = weight_concentration([1.0, 1.0, 1.0, 7.0], top=[0.25])
    table = c.to_frame().set_index("measure")["value"]
    assert table["top_25%"] == 0.7
    assert c.tidy()["term"].tolist()[0] == "n"
    assert "the 25 % with the largest weights hold 70.0 % of the total" in c.summary()
    assert "权数最大的 25% 占权数总和的 70.0%" in c.summary("zh")
    back = vs.load(json.loads(c.to_json()))
    np.testing.assert_array_equal(back.lorenz, c.lorenz)


def test_bad_input() -> None:
    with pytest.raises(vs.InputError, match="must not be negative; it is at rows 1"):
        weight_concentration([1.0, -1.0])
    with pytest.raises(vs.InputError, match=r"top must lie in \(0, 1\]; got 5"):
        weight_concentration([1.0, 1.0], top=[5])
    with pytest.raises(vs.InfeasibleError, match="Nobody was heard"):
        weight_concentration([0.0, 0.0])
    raked = rake({"a": ["x", "y"]}, {"a": {"x": 1.0, "y": 2.0}})
    with pytest.raises(vs.InputError, match="must not be given again"):
        weight_concentration(raked, counts=[1, 1])
