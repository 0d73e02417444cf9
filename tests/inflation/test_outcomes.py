"""Outcome discordance: the tail by brute force, calibration at honest dealers, power against gifts, abstention."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from inflation.outcome_networks import Network, draw_network

from vocstats.errors import InputError
from vocstats.inflation import Signal, known_null, outcome_discordance
from vocstats.inflation.chances import chances_elsewhere
from vocstats.inflation.poisson_binomial import poisson_binomial_tail
from vocstats.inflation.signal_result import dealers_of
from vocstats.results import load


def judge(net: Network, **options: Any) -> Signal:
    return outcome_discordance(net.score, net.dealer, net.outcomes, independent=net.independent, x={"wait": net.wait}, top=9, **options)


def test_tail_by_convolution_and_by_enumeration() -> None:
    rng = np.random.default_rng(1)
    sizes = [0, 1, 3, 40, 7, 200]
    code = rng.permutation(np.repeat(np.arange(6), sizes))
    p = rng.beta(0.5, 2, code.size)
    for _ in range(5):
        observed = np.array([rng.integers(0, size + 1) for size in sizes])
        above, equal = poisson_binomial_tail(p, code, observed)
        for d, k in enumerate(observed):
            mass = np.array([1.0])
            for q in p[code == d]:
                mass = np.convolve(mass, [1 - q, q])
            np.testing.assert_allclose([above[d], equal[d]], [mass[k + 1 :].sum(), mass[k]], rtol=1e-10, atol=0)
    three = p[code == 2]
    every = [(np.where(bits, three, 1 - three).prod(), sum(bits)) for bits in np.ndindex(2, 2, 2)]
    above, equal = poisson_binomial_tail(three, np.zeros(3, int), np.array([1]))
    assert above[0] == pytest.approx(sum(mass for mass, k in every if k > 1)) and equal[0] == pytest.approx(
        sum(mass for mass, k in every if k == 1)
    )


def test_tiny_tails_keep_their_accuracy() -> None:
    from scipy import stats

    above, equal = poisson_binomial_tail(np.full(300, 0.01), np.zeros(300, int), np.array([60]))
    assert above[0] == pytest.approx(stats.binom.sf(60, 300, 0.01), rel=1e-9, abs=0) and above[0] < 1e-55
    assert equal[0] == pytest.approx(stats.binom.pmf(60, 300, 0.01), rel=1e-9, abs=0)


def test_chances_come_from_other_dealers() -> None:
    rng = np.random.default_rng(2)
    dealer = np.repeat(np.arange(10), 400)
    label = rng.choice(list("ab"), dealer.size)
    event = rng.random(dealer.size) < np.where(label == "a", 0.1, 0.3)
    event[dealer == 3] = True
    chance = chances_elsewhere({"x": label}, event, np.ones(dealer.size, bool), dealers_of(dealer))
    fold = np.isin(dealer, [0, 1, 2, 4, 5, 6, 7, 9])  # dealers 3 and 8 share a fold
    for value in "ab":
        mine = np.unique(chance[(dealer == 3) & (label == value)])
        assert mine.size == 1 and mine[0] == pytest.approx(event[fold & (label == value)].mean(), abs=0.005)


def test_by_hand() -> None:
    """Four dealers alike, a null without spread: the p-value is the binomial tail at the rate of the others."""
    from scipy import stats

    dealer = np.repeat(np.arange(4), 50)
    complaint = np.zeros(200, bool)
    complaint[[0, 1, 2, 3, 4, 5, 50, 100, 101, 150]] = True
    r = outcome_discordance(np.full(200, 10.0), dealer, complaint, null=known_null(0.0, 0.0))
    rate = (4 + 1e-9) / 150
    assert r.details["observed"].tolist() == [6, 1, 2, 1] and r.details["expected"][0] == pytest.approx(50 * rate, rel=0.02)
    tail = stats.binom.sf([5, 6], 50, r.details["expected"][0] / 50)
    assert r.p_value[0] == pytest.approx(tail.mean(), rel=1e-6)
    assert r.effect[0] == pytest.approx((6 - r.details["expected"][0]) / 50) and r.unit == "share"
    assert r.std_error[0] == pytest.approx((rate * (1 - rate) / 50) ** 0.5, rel=0.02)
    assert sorted(r.rows_of(0).tolist()) == [0, 1, 2, 3, 4, 5] and r.p_value[1] > 0.7


def test_evidence_is_the_least_expected_first() -> None:
    net = draw_network(np.random.default_rng(3), dealers=60)
    r = judge(net)
    followed = net.outcomes["complaint"] | net.outcomes["churned"]
    for d in (0, 7):
        rows = r.rows_of(d)
        assert set(rows) == set(np.flatnonzero((net.dealer == d) & ~net.independent & (net.score >= 9) & followed))
        assert (net.score[rows[0]], net.wait[rows[0]]) >= (net.score[rows[-1]], net.wait[rows[-1]])
        assert r.details["observed_complaint"][d] == net.outcomes["complaint"][rows].sum()


@pytest.mark.parametrize("levels", [0.0, 0.3])
def test_p_values_are_conservative_under_the_null(levels: float) -> None:
    rng = np.random.default_rng(4)
    p = np.concatenate([judge(draw_network(rng, levels=levels)).p_value for _ in range(5)])
    for level in (0.5, 0.1, 0.05, 0.01):
        assert np.mean(p <= level) <= 1.1 * level + 3 * (level / p.size) ** 0.5, level
    assert np.mean(p <= 0.2) > 0.1


@pytest.mark.parametrize("share", [0.15, 0.6])
def test_gifts_are_seen_and_honest_dealers_stay_unlisted(share: float) -> None:
    rng, honest, inflated = np.random.default_rng(5), [], []
    for _ in range(3):
        net = draw_network(rng, low=150, high=900, share=share, strength=0.6)
        p = judge(net).p_value
        honest.append(p[~net.inflated])
        inflated.append(p[net.inflated])
    assert np.mean(np.concatenate(honest) < 0.05) < 0.07
    assert np.mean(np.concatenate(inflated) < 0.05) > (0.7 if share < 0.5 else 0.4)


@pytest.mark.slow
def test_calibration_and_power_at_length() -> None:
    rng = np.random.default_rng(6)
    p = np.concatenate([judge(draw_network(rng)).p_value for _ in range(100)])
    for level in (0.5, 0.1, 0.05, 0.01, 0.001):
        print(f"null: share of p-values up to {level}: {np.mean(p <= level):.4f}")
        assert np.mean(p <= level) <= 1.1 * level + 3 * (level / p.size) ** 0.5
    for share in (0.05, 0.15, 0.3, 0.6):
        nets = [draw_network(rng, share=share) for _ in range(20)]
        found = [(judge(net).p_value, net.inflated) for net in nets]
        honest, inflated = (np.mean(np.concatenate([p[bad == flag] for p, bad in found]) <= 0.05) for flag in (False, True))
        print(f"share {share}: p <= .05 of honest {honest:.3f}, of inflated {inflated:.3f}")
        assert honest < 0.06


def test_abstains_with_a_reason() -> None:
    net = draw_network(np.random.default_rng(7), dealers=40)
    assert set(outcome_discordance(net.score, net.dealer, None).reasons) == {"no_outcomes"}
    never = {"complaint": np.zeros(net.score.size, bool)}
    assert set(outcome_discordance(net.score, net.dealer, never).reasons) == {"outcome_never"}
    low = np.where(net.dealer == 3, 1.0, net.score)
    some = outcome_discordance(low, net.dealer, net.outcomes)
    assert some.reasons[3] == "no_top_marks" and set(some.reasons[:3]) == {""} and np.isnan(some.p_value[3])
    assert np.isfinite(np.delete(some.p_value, 3)).all()
    assert set(outcome_discordance([10.0, 10, 9], ["甲", "乙", "甲"], [True, False, False]).reasons) == {"few_dealers"}
    assert outcome_discordance([10.0], ["a"], [True], null=known_null(0, 0)).reasons == ("",)
    constant = outcome_discordance(np.full(net.score.size, 10.0), net.dealer, net.outcomes)
    assert np.isfinite(constant.p_value).all()


def test_unknown_outcomes_stay_out() -> None:
    net = draw_network(np.random.default_rng(8), dealers=60)
    gone = np.arange(net.score.size) % 3 == 0
    unknown = {name: np.where(gone, np.nan, each) for name, each in net.outcomes.items()}
    one = outcome_discordance(net.score, net.dealer, unknown, top=9)
    kept = {name: each[~gone] for name, each in net.outcomes.items()}
    two = outcome_discordance(net.score[~gone], net.dealer[~gone], kept, top=9)
    assert one.n.tolist() == two.n.tolist() and one.details["observed"].tolist() == two.details["observed"].tolist()
    assert np.abs(np.log(one.p_value / two.p_value)).max() < 0.6  # levels still rest on all answers
    half = outcome_discordance(net.score, net.dealer, {"a": net.outcomes["complaint"], "b": np.full(net.score.size, np.nan)}, top=9)
    assert half.n.sum() == (net.outcomes["complaint"] & (net.score >= 9)).sum()


def test_bad_input_and_writing() -> None:
    for outcomes, match in (([0, 2, 1], "outcomes"), ({"complaint": [0, 1]}, "complaint"), ({"left": ["yes", "no", "no"]}, "left")):
        with pytest.raises(InputError, match=match):
            outcome_discordance([9, 10, 10], [1, 1, 2], outcomes)
    with pytest.raises(InputError, match="score"):
        outcome_discordance([9, np.nan, 10], [1, 1, 2], [0, 0, 1])
    r = judge(draw_network(np.random.default_rng(9), dealers=30))
    assert load(r.to_json()).p_value == pytest.approx(r.p_value) and "outcome_discordance" in set(r.tidy()["term"])


def test_fast_enough() -> None:
    rng = np.random.default_rng(10)
    net = draw_network(rng, dealers=500, low=499, high=501)
    began = time.process_time()
    judge(net)
    assert time.process_time() - began < 3.0
