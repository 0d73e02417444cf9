"""Channel gaps by hand, under the null, with inflated dealers, and where there is nothing to compare."""

from __future__ import annotations

import time

import numpy as np
import pytest
from inflation.honest_networks import Answers, draw_answers, judged
from scipy import special

from vocstats.errors import InputError
from vocstats.inflation import Signal, channel_gap, known_null
from vocstats.inflation.case_mix import dealer_moments
from vocstats.results import load


def test_by_hand() -> None:
    score = np.array([5, 4, 5, 5, 2, 3, 4, 4, 5, 3.0])
    dealer, independent = np.repeat(["b", "a"], 5), np.array([0, 0, 0, 1, 1, 0, 0, 0, 1, 1])
    r = channel_gap(score, dealer, independent, null=known_null(0.1, 0.2))
    gaps = np.array([11 / 3 - 4, 14 / 3 - 3.5])  # of a, b
    assert r.labels["dealer"].tolist() == ["a", "b"] and r.n.tolist() == [5, 5]
    assert r.effect == pytest.approx(gaps - 0.1) and r.unit == "points"
    variance = dealer_moments(score, (dealer == "b").astype(np.intp), 2).variance * (1 / 3 + 1 / 2)
    assert r.statistic == pytest.approx((gaps - 0.1) / np.sqrt(variance + 0.04))
    channels = (independent == 0, independent == 1)
    own, other = (dealer_moments(score[rows], (dealer[rows] == "b").astype(np.intp), 2).variance for rows in channels)
    assert r.std_error == pytest.approx(np.sqrt(own / 3 + other / 2 + 0.04))
    assert r.p_value == pytest.approx(special.ndtr(-r.statistic), abs=0.02)  # but for the skewness
    assert r.details["dealer_level"] == pytest.approx([11 / 3, 14 / 3]) and r.details["n_independent"].tolist() == [2, 2]
    assert r.rows_of("b").tolist() == [0, 2]


def test_shares_of_top_marks() -> None:
    net = draw_answers(np.random.default_rng(1), dealers=40)
    one = channel_gap(net.score, net.dealer, net.independent)
    two = channel_gap(np.where(net.score == 1, 10, 8), net.dealer, net.independent, top=9)
    assert two.unit == "share" and two.effect == pytest.approx(one.effect) and two.p_value == pytest.approx(one.p_value)


def test_customers_who_are_harder_to_please_are_allowed_for() -> None:
    """A dealer who invites the easily pleased shows a gap, and none once that is adjusted for."""
    rng = np.random.default_rng(2)
    dealer, independent = np.repeat(np.arange(60), 400), np.tile(np.arange(400) < 120, 60)
    repair = rng.random(dealer.size) < np.where(independent, 0.4, np.where(dealer == 0, 0.0, 0.4))
    score = np.clip(np.round(8 - 2.0 * repair + rng.normal(0, 1, dealer.size)), 1, 10)
    raw = channel_gap(score, dealer, independent)
    adjusted = channel_gap(score, dealer, independent, x={"repair": repair.astype(str)})
    assert raw.effect[0] == pytest.approx(0.8, abs=0.3) and raw.p_value[0] < 1e-4
    assert abs(adjusted.effect[0]) < 0.35 and adjusted.p_value[0] > 0.01
    assert adjusted.rows_of(0).size and score[adjusted.rows_of(0)].min() == score.max()


@pytest.mark.parametrize(("levels", "spread"), [(0.10, 0.03), (0.05, 0.05)])
def test_p_values_are_uniform_under_the_null(levels: float, spread: float) -> None:
    rng = np.random.default_rng(3)
    nets = [draw_answers(rng, dealers=250, levels=levels, spread=spread) for _ in range(5)]
    p = np.concatenate([channel_gap(net.score, net.dealer, net.independent).p_value for net in nets])
    small = np.concatenate([net.n for net in nets]) < 100
    for level in (0.5, 0.1, 0.02):
        room = 3 * (level / np.array([p.size, small.sum()])) ** 0.5 + 0.25 * level
        assert (p < level).mean() <= level + room[0] and (p[small] < level).mean() <= level + room[1], level
    assert (p < 0.1).mean() > 0.05


@pytest.mark.parametrize("share", [0.05, 0.15, 0.30])
def test_power_false_share_and_size_of_the_inflation(share: float) -> None:
    rng, rows = np.random.default_rng(4), []
    for _ in range(3):
        net = draw_answers(rng, dealers=300, share=share, lift=0.2)
        r = channel_gap(net.score, net.dealer, net.independent)
        inside = np.abs(r.effect - net.lift) < 1.645 * r.std_error
        rows.append([*judged(r.p_value, net.inflated), inside[net.inflated].mean(), (r.effect - net.lift)[net.inflated].mean()])
    false, power, covered, bias = np.mean(rows, axis=0)
    assert false < 0.16 and power > 0.3 and covered > 0.78 and abs(bias) < 0.05


def test_excellent_dealers_do_not_stand_out() -> None:
    net = draw_answers(np.random.default_rng(5), dealers=300)
    best = np.bincount(net.dealer, net.score) / net.n > 0.85
    p = channel_gap(net.score, net.dealer, net.independent).p_value
    assert best.sum() > 10 and (p[best] < 0.05).mean() < 0.15


def abstaining(net: Answers) -> Signal:
    independent = net.independent.copy()
    independent[net.dealer == 0] = True
    independent[net.dealer == 1] = False
    independent[np.flatnonzero(net.dealer == 2)[1:]] = False
    independent[np.flatnonzero(net.dealer == 2)[0]] = True
    return channel_gap(net.score, net.dealer, independent)


def test_abstains_with_a_reason() -> None:
    net = draw_answers(np.random.default_rng(6), dealers=40)
    r = abstaining(net)
    assert r.reasons[:4] == ("one_channel", "one_channel", "few_responses", "")
    assert np.isnan([r.effect[:3], r.std_error[:3], r.statistic[:3], r.p_value[:3]]).all()
    assert np.isfinite([r.effect[3:], r.std_error[3:], r.statistic[3:], r.p_value[3:]]).all()
    assert not np.isin(net.dealer[r.evidence], [0, 1, 2]).any()
    nothing = {
        "no_channel": channel_gap(net.score, net.dealer, None),
        "constant_scores": channel_gap(np.full(net.score.size, 7.0), net.dealer, net.independent),
        "few_dealers": channel_gap(net.score[net.dealer < 12], net.dealer[net.dealer < 12], net.independent[net.dealer < 12]),
        "one_channel": channel_gap([7.0], ["甲"], [True]),
    }
    for reason, found in nothing.items():
        assert set(found.reasons) == {reason} and np.isnan(found.p_value).all() and found.evidence.size == 0
        assert isinstance(found.summary("zh"), str)
    few = channel_gap(net.score[net.dealer < 12], net.dealer[net.dealer < 12], net.independent[net.dealer < 12], null=known_null(0, 0.03))
    assert np.isfinite(few.p_value).all()


def test_writing_and_refusals() -> None:
    r = abstaining(draw_answers(np.random.default_rng(7), dealers=30))
    again = load(r.to_json())
    assert isinstance(again, Signal) and again.null["spread"] == pytest.approx(r.null["spread"]) and again.reasons == r.reasons
    assert list(r.tidy().columns) == ["term", "dealer", "estimate", "std_error", "conf_low", "conf_high"]
    with pytest.raises(InputError, match="score has 1 missing"):
        channel_gap([1, np.nan], ["a", "a"], [True, False])
    with pytest.raises(InputError, match="true or false"):
        channel_gap([1, 2], ["a", "a"], [0, 2])
    with pytest.raises(InputError, match="independent has 1 entries"):
        channel_gap([1, 2], ["a", "a"], [True])
    with pytest.raises(InputError, match="no responses"):
        channel_gap([], [], [])


def test_order_of_the_responses_does_not_matter() -> None:
    net = draw_answers(np.random.default_rng(8), dealers=30)
    order = np.random.default_rng(9).permutation(net.dealer.size)
    one, two = channel_gap(net.score, net.dealer, net.independent), channel_gap(net.score[order], net.dealer[order], net.independent[order])
    assert two.p_value == pytest.approx(one.p_value) and two.effect == pytest.approx(one.effect)


def test_a_large_network_takes_a_moment() -> None:
    rng = np.random.default_rng(10)
    dealer, n = np.repeat(np.arange(500), 500), 250_000
    x = {"age": rng.integers(0, 5, n).astype(str), "repair": rng.random(n) < 0.2}
    start = time.process_time()
    channel_gap(rng.integers(1, 11, n).astype(float), dealer, rng.random(n) < 0.25, x=x)
    assert time.process_time() - start < 4.0
