"""Bunching against brute force on the lattice, and in networks with and without a push at the end of a period."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from inflation.ordinal_networks import CUTS, network, shares_below
from scipy import stats

from vocstats.errors import InputError
from vocstats.inflation import Signal, threshold_bunching
from vocstats.inflation.bunching import _chances, _own
from vocstats.results import load


def pushed(net: object, month: np.ndarray, value: np.ndarray, threshold: float, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Dealers who in four months of five raise answers to the highest until the threshold is met, two fifths at most."""
    value, bad = value.copy(), net.rng.random(net.size.size) < share
    for d in np.flatnonzero(bad):
        for m in np.unique(month):
            rows = net.rng.permutation(np.flatnonzero((net.dealer == d) & (month == m)))
            for row in rows[: int(0.4 * rows.size) if net.rng.random() < 0.8 else 0]:
                if value[rows].mean() >= threshold:
                    break
                value[row] = value.max()
    return value, bad


def test_chances_against_every_sequence_of_answers() -> None:
    """Four answers from 0 to 3, threshold 1.7: every one of the 256 sequences."""
    law, cut, width = np.array([[0.1, 0.2, 0.3, 0.4]]), 1.7, (1.9, 3.5)
    near = just = 0.0
    for answers in product(range(4), repeat=4):
        beyond, chance = sum(answers) - 4 * cut, float(np.prod(law[0, list(answers)]))
        near += chance * (abs(beyond) <= width[1])
        just += chance * (0 <= beyond < width[0])
    np.testing.assert_allclose(_chances(law, np.array([4]), np.array([0]), cut, width), just / near, rtol=1e-12)


def test_shares_are_binomial() -> None:
    n, p = np.array([7, 25, 40, 300]), 0.63
    cut, width = 0.9, (1.0, 2.0)
    expected = []
    for size in n:
        hits = np.arange(size + 1)
        beyond = np.round(hits - size * cut, 9)
        law = stats.binom.pmf(hits, size, p)
        near = np.abs(beyond) <= 2
        expected.append(law[near & (beyond >= 0) & (beyond < 1)].sum() / law[near].sum())
    found = _chances(np.array([[1 - p, p]]), n, np.zeros(4, int), cut, width)
    np.testing.assert_allclose(found, expected, rtol=1e-9)  # far out too: 270 of 300 has a chance of 1e-25


def test_p_value_is_the_exact_poisson_binomial() -> None:
    """Three periods of a dealer, every outcome counted."""
    rng = np.random.default_rng(2)
    month, score = np.repeat([1, 2, 3], [8, 9, 12]), rng.integers(0, 2, 29).astype(float)
    score[:8] = [1, 1, 1, 1, 1, 1, 0, 0]  # 6 of 8 reaches 0.7 just so
    r = threshold_bunching(score, np.zeros(29), month, threshold=0.7)
    law = _own(np.zeros(29, int), score.astype(int), 1, 1)
    n = np.array([8, 9, 12])
    p = _chances(law, n, np.zeros(3, int), 0.7, (1.0, 2.0))
    hits = np.array([score[month == m].sum() for m in (1, 2, 3)])
    near = np.abs(hits - 0.7 * n) <= 2
    count = int(r.details["just_reached"][0])
    tail = 0.0
    for outcome in product((0, 1), repeat=int(near.sum())):
        tail += np.prod(np.where(outcome, p[near], 1 - p[near])) * ((sum(outcome) > count) + (sum(outcome) == count) / 2)
    assert count >= 1 and r.p_value[0] == pytest.approx(tail) and r.details["expected"][0] == pytest.approx(p[near].sum())
    assert r.effect[0] == pytest.approx((count - p[near].sum()) / 3)


@pytest.mark.parametrize("share", [False, True])
def test_p_values_are_conservative_with_levels_that_drift(share: bool) -> None:
    net = network(3, dealers=400, sizes=(30, 800))
    month = net.rng.integers(0, 12, net.dealer.size)
    drift = net.rng.normal(0, 0.15, (400, 12))[net.dealer, month]
    score = 1 + np.searchsorted(CUTS, net.level[net.dealer] + drift + net.rng.normal(size=net.dealer.size))
    r = threshold_bunching((score == 10) * 1.0 if share else score, net.dealer, month, threshold=0.7 if share else 9.0)
    p = r.p_value[np.isfinite(r.p_value)]
    assert p.size > 200 and all(found < 1.4 * level for found, level in zip(shares_below(p), (0.01, 0.05, 0.1, 0.5), strict=True))
    assert r.null["p_value"][0] > 0.001


def test_a_push_at_the_end_of_the_month_is_found() -> None:
    net = network(4, dealers=200, sizes=(200, 1500))
    month = net.rng.integers(0, 18, net.dealer.size)
    value, bad = pushed(net, month, (net.score == 10) * 1.0, 0.75, 0.2)
    r = threshold_bunching(value, net.dealer, month, threshold=0.75)
    below = np.bincount(net.dealer, net.score == 10) / net.size < 0.75
    assert (r.p_value[bad & below] < 0.01).mean() > 0.3 and np.nanmean(r.p_value[~bad] < 0.01) < 0.02
    assert r.null["p_value"][0] < 1e-4 and r.effect[bad & below].mean() > 0.05
    dealer = int(np.nanargmin(r.p_value))
    rows = r.rows_of(dealer)
    assert set(net.dealer[rows]) == {dealer}
    for m in np.unique(month[rows]):
        mine = (net.dealer == dealer) & (month == m)
        assert 0 <= value[mine].sum() - 0.75 * mine.sum() < 1


def test_lattices_of_means_of_items() -> None:
    rng = np.random.default_rng(5)
    whole = rng.integers(8, 81, 600)
    month, dealer = np.tile(np.arange(12), 50), np.repeat(np.arange(10), 60)
    one = threshold_bunching(whole / 8, dealer, month, threshold=5.5, step=1 / 8)
    two = threshold_bunching(whole, dealer, month, threshold=44.0)
    np.testing.assert_allclose(one.p_value, two.p_value)
    with pytest.raises(InputError, match="lattice"):
        threshold_bunching(whole / 8, dealer, month, threshold=5.5)


def test_one_threshold_for_all_is_that_of_every_period() -> None:
    net = network(7, dealers=40, sizes=(40, 200))
    month = net.rng.integers(0, 6, net.dealer.size)
    one = threshold_bunching(net.score, net.dealer, month, threshold=8.9)
    two = threshold_bunching(net.score, net.dealer, month, threshold=np.full(month.size, 8.9))
    for name in ("p_value", "effect", "std_error", "n", "evidence"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert (two.details["unset"] == 0).all() and "unset" not in one.details


def test_thresholds_by_period() -> None:
    """A dealer whose law is known to him alone: his count is the sum over the networks cut at each of his thresholds."""
    net = network(8, dealers=40, sizes=(60, 200))
    month = net.rng.integers(0, 6, net.dealer.size)
    line = np.where(month < 3, 8.5, 9.1) + 0.1 * (net.dealer % 2)
    found = threshold_bunching(net.score, net.dealer, month, threshold=line)
    single = {t: threshold_bunching(net.score, net.dealer, month, threshold=np.where(line == t, line, np.nan)) for t in np.unique(line)}
    for name in ("periods", "near", "just_reached", "expected"):
        np.testing.assert_allclose(found.details[name], sum(each.details[name] for each in single.values()), rtol=1e-12)
    assert set(single[8.5].reasons) <= {"", "no_threshold", "no_period_near"}
    odd = np.unique(net.dealer) % 2 == 1
    assert {reason for reason, mine in zip(single[8.5].reasons, odd, strict=True) if mine} == {"no_threshold"}
    assert np.isnan(single[8.5].p_value[odd]).all() and (single[8.5].n[odd] == 0).all()
    np.testing.assert_array_equal(single[8.5].details["unset"] + single[8.5].details["periods"], found.details["periods"])
    assert (line[single[8.5].evidence] == 8.5).all()


def test_without_any_threshold() -> None:
    r = threshold_bunching([1.0, 5.0, 9.0], ["a", "a", "b"], [1, 2, 1], threshold=[np.nan] * 3)
    assert r.reasons == ("no_threshold", "no_threshold") and r.details["unset"].tolist() == [2, 1]


def test_order_does_not_matter() -> None:
    net = network(6, dealers=20, sizes=(40, 90))
    month, order = net.rng.integers(0, 6, net.dealer.size), net.rng.permutation(net.dealer.size)
    one = threshold_bunching(net.score, net.dealer, month, threshold=9.0)
    names, months = np.array([f"店{d:02d}" for d in net.dealer]), np.array(["一", "二", "三", "四", "五", "六"])[month]
    two = threshold_bunching(net.score[order], names[order], months[order], threshold=9.0)
    np.testing.assert_allclose(one.p_value, two.p_value)
    assert isinstance(load(one.to_json()), Signal)


def test_abstains_with_a_reason() -> None:
    assert threshold_bunching([5.0] * 6, list("aabbcc"), [1] * 6, threshold=4.0).reasons == ("constant_scores",) * 3
    assert threshold_bunching([5.0], ["a"], [1], threshold=4.0).reasons == ("constant_scores",)
    score, dealer = np.append(np.tile([1.0, 10.0], 30), np.full(60, 1.0)), np.repeat(["a", "b"], 60)
    r = threshold_bunching(score, dealer, np.zeros(120), threshold=5.5)
    assert r.reasons == ("", "no_period_near") and np.isnan(r.p_value[1])


def test_refusals() -> None:
    for kwargs, match in (
        ({"threshold": 12.0}, "threshold"), ({"threshold": 1.0}, "threshold"), ({"threshold": 5.0, "answers": 0}, "answers"),
        ({"threshold": 5.0, "step": 0.0}, "step"), ({"threshold": 5.0, "level": 1.0}, "level"),
    ):
        with pytest.raises(InputError, match=match):
            threshold_bunching([1.0, 5.0, 10.0], ["a", "a", "b"], [1, 1, 1], **kwargs)
    with pytest.raises(InputError, match="period"):
        threshold_bunching([1.0, 5.0], ["a", "a"], [1], threshold=4.0)
    for lines, match in (
        ([5.0, 6.0, 5.0], "same within a period.*rows 1"), ([5.0, np.nan, 5.0], "same within a period"), ([5.0, 5.0, 12.0], "got 12"),
    ):
        with pytest.raises(InputError, match=match):
            threshold_bunching([1.0, 5.0, 10.0], ["a", "a", "b"], [1, 1, 1], threshold=lines)
    with pytest.raises(InputError, match="no responses"):
        threshold_bunching([], [], [], threshold=4.0)
