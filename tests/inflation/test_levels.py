"""Level excess by hand, under the null, with inflated dealers, and where it abstains."""

from __future__ import annotations

import numpy as np
import pytest
from inflation.honest_networks import draw_answers, judged

from vocstats.errors import InputError
from vocstats.inflation import Signal, known_null, level_excess
from vocstats.inflation.case_mix import dealer_moments
from vocstats.results import load


def test_by_hand() -> None:
    score, dealer = np.array([9, 10, 10, 8, 7, 9.0]), np.array([4, 4, 4, 2, 2, 2])
    r = level_excess(score, dealer, null=known_null(8.5, 0.5))
    moments = dealer_moments(score, (dealer == 4).astype(np.intp), 2)
    assert r.effect == pytest.approx([8 - 8.5, 29 / 3 - 8.5]) and r.unit == "points"
    assert r.std_error == pytest.approx(np.sqrt(moments.variance / 3 + 0.25))
    assert r.statistic == pytest.approx(r.effect / r.std_error) and r.rows_of(4).tolist() == [1, 2]


def test_dealers_with_easy_customers_are_not_high() -> None:
    rng = np.random.default_rng(1)
    dealer = np.repeat(np.arange(80), 300)
    private = rng.random(dealer.size) < np.where(dealer == 3, 0.95, 0.4)
    score = np.clip(np.round(6 + 2.0 * private + rng.normal(0, 0.1, 80)[dealer] + rng.normal(0, 1, dealer.size)), 1, 10)
    raw, adjusted = level_excess(score, dealer), level_excess(score, dealer, x={"private": private.astype(str)})
    assert raw.p_value[3] < 1e-4 and adjusted.p_value[3] > 0.02
    assert adjusted.details["raw_level"][3] - adjusted.details["adjusted_level"][3] == pytest.approx(1.1, abs=0.1)


@pytest.mark.parametrize("levels", [0.10, 0.05])
def test_p_values_are_uniform_under_the_null(levels: float) -> None:
    rng, p = np.random.default_rng(2), []
    for _ in range(5):
        net = draw_answers(rng, dealers=250, levels=levels)
        p.append(level_excess(net.score, net.dealer).p_value)
    for level in (0.5, 0.1, 0.02):
        assert (np.array(p) < level).mean() <= level + 0.25 * level + 3 * (level / 1250) ** 0.5, level
    assert (np.array(p) < 0.1).mean() > 0.05


@pytest.mark.parametrize("share", [0.05, 0.15, 0.60])
def test_honest_dealers_are_rarely_listed(share: float) -> None:
    rng, false, mean = np.random.default_rng(3), [], []
    for _ in range(3):
        net = draw_answers(rng, dealers=300, levels=0.05, share=share, lift=0.25)
        r = level_excess(net.score, net.dealer)
        false.append(judged(r.p_value, net.inflated)[0])
        mean.append(r.statistic[net.inflated].mean() - r.statistic[~net.inflated].mean())
    assert np.mean(false) < 0.16 and np.mean(mean) > 0.9


def test_abstains_with_a_reason() -> None:
    net = draw_answers(np.random.default_rng(4), dealers=30)
    r = level_excess(np.append(net.score, 1.0), np.append(net.dealer, 99))
    assert r.reasons[-1] == "few_responses" and set(r.reasons[:-1]) == {""}
    assert np.isnan(r.p_value[-1]) and np.isfinite(r.p_value[:-1]).all()
    assert set(level_excess(np.full(9, 3.0), np.arange(9) % 3).reasons) == {"constant_scores"}
    assert set(level_excess([1.0, 2, 2, 1], ["甲", "甲", "乙", "乙"]).reasons) == {"few_dealers"}
    assert level_excess([1.0], ["a"], null=known_null(0, 1)).reasons == ("constant_scores",)


def test_a_dealer_with_nothing_but_full_marks_has_a_p_value() -> None:
    net = draw_answers(np.random.default_rng(5), dealers=60)
    score = net.score.copy()
    score[net.dealer == 0] = 1.0
    r = level_excess(score, net.dealer)
    assert 0 < r.p_value[0] < 0.2 and r.std_error[0] > 0


def test_scale_units_and_writing() -> None:
    net = draw_answers(np.random.default_rng(6), dealers=40)
    one, two = level_excess(net.score, net.dealer), level_excess(3 + 5 * net.score, net.dealer)
    assert two.p_value == pytest.approx(one.p_value) and two.effect == pytest.approx(5 * one.effect)
    share = level_excess(3 + 5 * net.score, net.dealer, top=8)
    assert share.effect == pytest.approx(one.effect) and share.unit == "share"
    assert isinstance(load(one.to_json()), Signal)
    with pytest.raises(InputError, match="score must hold numbers"):
        level_excess(["9", "8"], ["a", "a"])
    with pytest.raises(InputError, match="missing labels"):
        level_excess([9, 8], ["a", None])
