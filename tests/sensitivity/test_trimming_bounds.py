"""Lee's bounds against hand, Lee's variance formula and known cases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.results import load
from vocstats.sensitivity import LeeBounds, lee_bounds

NAN = float("nan")


def waves(seed: int, size: int, effect: float = 0.5, ordinal: bool = False) -> tuple[Any, Any]:
    """Two waves; the second also hears people between two thresholds of a reluctance that goes with the outcome."""
    rng = np.random.default_rng(seed)
    wave, latent = np.arange(size) % 2, rng.normal(size=size)
    y = latent + effect * wave
    y = np.clip(np.round(3 + 1.5 * y), 1, 5) if ordinal else y
    reluctance = 0.5 * latent + rng.normal(size=size)
    return np.where(reluctance < np.where(wave == 1, 0.5, 0.0), y, NAN), wave


def test_by_hand_with_ties_trimmed_in_part() -> None:
    # rates 1 and 2/3: a third of the four answers 1 2 2 5, that is 4/3 answers, goes
    r = lee_bounds([1, 2, 2, 5, 3, 4, NAN], [1, 1, 1, 1, 0, 0, 0])
    assert r.low == pytest.approx((1 + 2 + 2 * 2 / 3) / (8 / 3) - 3.5)
    assert r.high == pytest.approx((5 + 2 + 2 * 2 / 3) / (8 / 3) - 3.5)
    assert r.naive == pytest.approx(2.5 - 3.5) and r.trimmed.tolist() == [False, True] and r.trimmed_share == pytest.approx(1 / 3)


def test_exchanging_the_groups_changes_signs() -> None:
    y, wave = waves(1, 300)
    one, two = lee_bounds(y, wave), lee_bounds(y, 1 - wave)
    assert (one.low, one.high, one.low_error, one.conf_low) == pytest.approx((-two.high, -two.low, two.high_error, -two.conf_high))
    assert two.trimmed.tolist() == [True, False]


def test_standard_error_is_lees() -> None:
    """Proposition 3 of Lee (2009), written as there."""
    y, wave = waves(2, 4000)
    r = lee_bounds(y, wave)
    treated, control = y[wave == 1], y[wave == 0]
    known, others = np.sort(treated[~np.isnan(treated)]), control[~np.isnan(control)]
    n, d, alpha, p = y.size, 0.5, r.response_rates[0], r.trimmed_share
    kept = known[: round((1 - p) * known.size)]
    edge, mean, selected = kept[-1], kept.mean(), known.size / n
    of_p = (1 - p) ** 2 * ((1 - alpha / (1 - p)) / (d * alpha / (1 - p)) + (1 - alpha) / ((1 - d) * alpha))
    first = kept.var() / (selected * (1 - p)) + (edge - mean) ** 2 * p / (selected * (1 - p)) + ((edge - mean) / (1 - p)) ** 2 * of_p
    second = others.var() / (others.size / n)
    assert r.low_error == pytest.approx(((first + second) / n) ** 0.5, rel=2e-3)
    assert r.low == pytest.approx(mean - others.mean(), abs=2e-3)


def test_equal_rates_are_the_difference_of_means() -> None:
    r = lee_bounds([1, 2, NAN, 3, 5, NAN], ["a", "a", "a", "b", "b", "b"])
    assert r.low == pytest.approx(r.high) == pytest.approx(r.naive) == 2.5 and not r.trimmed.any()


def test_counts_weights_and_zero() -> None:
    y, wave = waves(3, 200, ordinal=True)
    counts = np.random.default_rng(0).integers(0, 4, 200)
    one, many = lee_bounds(y, wave, counts=counts), lee_bounds(np.repeat(y, counts), np.repeat(wave, counts))
    scaled = lee_bounds(y, wave, counts=counts, weights=np.full(200, 5.0))
    for name in ("low", "high", "low_error", "high_error", "conf_low", "conf_high"):
        assert getattr(one, name) == pytest.approx(getattr(many, name)) == pytest.approx(getattr(scaled, name)), name


def test_one_answer_in_a_group_has_no_standard_error() -> None:
    r = lee_bounds([1, NAN, 2, 3, NAN], [0, 0, 1, 1, 1])
    assert np.isnan([r.low_error, r.high_error, r.conf_low, r.conf_high]).all() and r.low <= r.naive <= r.high


def test_refusals_and_writing() -> None:
    with pytest.raises(InputError, match="two levels"):
        lee_bounds([1, 2, 3], ["a", "b", "c"])
    with pytest.raises(IdentificationError, match="Nobody was heard"):
        lee_bounds([1, 2, NAN], ["a", "a", "b"])
    with pytest.raises(InputError, match="group"):
        lee_bounds([1, 2, NAN], ["a", "b"])
    r = lee_bounds([1, 2, 4, NAN], ["甲", "甲", "乙", "乙"])
    assert isinstance(load(r.to_json()), LeeBounds) and r.to_frame()["group"].tolist() == ["乙", "甲"] and "low" in r.summary()
    assert r.tidy()["term"].tolist() == ["low", "high"]
