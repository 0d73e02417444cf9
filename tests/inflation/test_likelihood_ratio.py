"""Likelihood ratio of practices: by hand, uniform at honest dealers, monotone, and better than the smallest p-values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from inflation.correlated_signals import CORRELATION, as_signals, p_values, scores
from scipy import special

from vocstats.errors import InputError
from vocstats.inflation import Signal, combine
from vocstats.inflation.contaminated_null import honest_chances
from vocstats.inflation.patterns import AMPLITUDES, expected_scores, growth, practices
from vocstats.inflation.signal_result import dealers_of, signal

NAMES = ("channel_gap", "outcome_discordance", "shelter", "item_discordance", "period_end")


def _named(p: Any, n: Any, names: tuple[str, ...] = NAMES) -> list[Signal]:
    dealers, zero = dealers_of(np.arange(p.shape[0])), np.zeros(p.shape[0])
    return [
        signal(name, dealers, n=n, effect=zero, std_error=zero, statistic=zero, p_value=column, unit="share",
               abstains={"few_responses": np.isnan(column)})
        for name, column in zip(names, p.T, strict=True)
    ]


def _ratio(signals: list[Signal], **options: Any) -> Any:
    return combine(signals, method="likelihood_ratio", **options)


def test_the_table_is_read_and_names_signals() -> None:
    assert len(practices()) == 10 and all(0 < each <= 6 for practice in practices().values() for each in practice.values())
    expected = expected_scores(("shelter", "mine", "level_excess"))
    assert expected.shape == (11, 3) and expected[:, 2].max() == 0 and expected[10].tolist() == [0, 3, 0]
    assert growth(np.array([200.0, np.nan, 0.0])).tolist() == [1, 1, 1] and growth(np.array([1e9]))[0] == pytest.approx(3**0.5)


def test_statistic_by_hand() -> None:
    p = np.array([[0.01, 0.3, 0.5, 0.02, 0.9], [0.2, np.nan, 0.001, 0.5, np.nan]])
    expected = expected_scores(NAMES)
    for n, demanded in ((200.0, 2.5 * np.log(1.3)), (676 / 1.31, 0.0), (800.0, 10 * np.log(2**0.5 / 1.3))):
        r = _ratio(_named(p, np.full(2, n)), draws=1000)
        for d, speaks in enumerate(~np.isnan(p)):
            z, lifted = -special.ndtri(p[d, speaks]), growth(np.array(n)) * expected[:, speaks]
            shifts = [np.minimum(a * e, 6.0) for a in AMPLITUDES for e in lifted]
            ratio = np.log(np.mean([np.exp((shift * z - shift**2 / 2).sum()) for shift in shifts]))
            assert r.statistic[d] == pytest.approx(ratio - demanded) and ratio > 1


def test_nulls_that_gave_way_are_put_right_by_size() -> None:
    growths, place = np.array([0.4, 1.5]), np.repeat([0, 1], 500)
    rng = np.random.default_rng(8)
    z, inflated = rng.normal(-0.6 * growths[place], 0.8), np.arange(1000) % 2 == 0
    z[inflated] = rng.normal(4, 1, 500)
    log_ratio = np.where(inflated, 9.0, -3.0)
    own = special.ndtr(-z)
    right = honest_chances(np.stack([own, own]), place, log_ratio, growths)[place, np.arange(1000)]
    for k in (0, 1):
        assert np.mean(own[~inflated & (place == k)]) > 0.55
        assert np.mean(right[~inflated & (place == k)]) == pytest.approx(0.5, abs=0.04)


def test_one_signal_of_like_dealers_keeps_its_p_value() -> None:
    p = np.array([[0.5], [0.03], [1e-3], [1e-6], [1.0]])
    r = _ratio(as_signals(p))
    assert r.p_value[:4] == pytest.approx(p[:4, 0], rel=0.1) and r.p_value[4] == 1.0


def test_less_p_never_makes_less_suspicious() -> None:
    rng = np.random.default_rng(1)
    p, n = rng.random((300, 5)), rng.uniform(20, 800, 300)
    smaller = p * np.where(np.arange(300)[:, None] == 17, rng.random(5), 1.0)
    one, two = (_ratio(_named(each, n), draws=5_000) for each in (p, smaller))
    assert two.statistic[17] > one.statistic[17] and np.array_equal(np.delete(one.statistic, 17), np.delete(two.statistic, 17))


def test_uniform_under_dependence_and_abstention() -> None:
    rng = np.random.default_rng(3)
    z = scores(rng, 4_000, 5)[0]
    p = p_values(z)
    p[:1_000, 1] = p[500:1_500, 3] = np.nan
    n = np.exp(rng.uniform(3, 7, 4_000))
    for draws in (50_000, p_values(scores(rng, 4_000, 5)[0])):
        r = _ratio(_named(p, n), draws=draws, seed=4)
        for level in (0.5, 0.1, 0.01):
            assert np.mean(r.p_value <= level) == pytest.approx(level, rel=0.15, abs=4 * (level / 4_000) ** 0.5), level


def _practising(rng: np.random.Generator, share: float, too_large: float = 0.0) -> tuple[Any, Any, Any]:
    """p-values of 300 dealers, some of whom do what the table says; those of the others too large by a shift of the normal score."""
    n = np.exp(rng.uniform(np.log(30), np.log(1500), 300))
    bad = np.arange(300) < share * 300
    z = rng.normal(size=(300, 5)) - too_large
    rows = np.flatnonzero(bad)
    z[rows] += expected_scores(NAMES)[rng.integers(0, 10, rows.size)] * growth(n[rows])[:, None]
    return p_values(z), n, bad


def test_practices_are_found_where_the_smallest_p_value_does_not() -> None:
    rng, found = np.random.default_rng(5), []
    for _ in range(8):
        p, n, bad = _practising(rng, 0.15, 0.1)
        lists = [combine(_named(p, n), method=method, draws=4_000).flagged for method in ("truncated_cauchy", "likelihood_ratio")]
        found.append([((each & ~bad).sum() / max(each.sum(), 1), (each & bad).sum() / bad.sum()) for each in lists])
    (_, cauchy), (false, power) = np.mean(found, axis=0)
    assert false <= 0.14 and power > cauchy + 0.03


def test_nobody_is_listed_where_nobody_inflates() -> None:
    """Of 20 networks 2 should have anybody on the list; 4 standard errors are 5 more."""
    rng = np.random.default_rng(6)
    some = [_ratio(_named(*_practising(rng, 0.0)[:2]), draws=3_000).flagged.any() for _ in range(20)]
    assert np.sum(some) <= 7


def test_abstention_few_draws_and_chinese_names() -> None:
    z = scores(np.random.default_rng(7), 40, 4)[0]
    p = p_values(z)
    p[3] = np.nan
    r = _ratio(as_signals(p), draws=2_000)
    assert np.isnan(r.p_value[3]) and not r.flagged[3] and np.isfinite(np.delete(r.p_value, 3)).all()
    assert r.method == "likelihood_ratio" and abs(r.correlation[0, 1]) <= 1 and CORRELATION > 0
    assert np.isnan(_ratio(as_signals(np.full((3, 2), np.nan)), draws=500).p_value).all()
    with pytest.raises(InputError, match="rows of draws"):
        _ratio(as_signals(p), draws=np.full((20, 4), 0.5))
    assert "甲" in _ratio(as_signals(np.array([[0.001, 0.4], [0.5, 0.2]]), ["乙", "甲"]), draws=500).summary()
