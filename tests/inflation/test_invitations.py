"""Invitation bias: moments by enumeration, conditional logistic regression, calibration, power, weighted scores, abstention."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest
from inflation.rosters import Roster, draw_roster

from vocstats.errors import InputError
from vocstats.inflation import Signal, invitation_bias
from vocstats.inflation.invitation_stages import answer_chances, stage
from vocstats.inflation.signal_result import dealers_of
from vocstats.results import load


def judge(roster: Roster, **options: Any) -> Signal:
    given = {"reached": roster.reached, "heard": roster.heard, "x": roster.x, "later": roster.later, "score": roster.score}
    return invitation_bias(roster.dealer, roster.invited, **{**given, "drawn": roster.drawn, **options})


def test_moments_are_those_of_all_draws() -> None:
    g, dealer = np.array([0.1, 2.0, 0.3, -1.0, 0.5, 0.9, 4.0, 0.2, 0.7]), np.repeat([0, 1], [7, 2])
    out = np.array([1, 0, 1, 0, 0, 0, 0, 1, 0], bool)
    s = stage("invited", np.ones(9, bool), out, g, dealers_of(dealer), 0.95)
    for d, k in ((0, 2), (1, 1)):
        mine = g[dealer == d]
        u = np.array([mine[list(chosen)].sum() - k * mine.mean() for chosen in itertools.combinations(range(mine.size), k)])
        v = (u**2).mean()
        assert u.mean() == pytest.approx(0.0, abs=1e-12) and s.variance[d] == pytest.approx(1 / v)
        assert s.third[d] == pytest.approx((u**3).mean() / v**3, abs=1e-12)
        assert s.log_odds[d] == pytest.approx((out * (g - mine.mean()))[dealer == d].sum() / v)
    assert s.null is None and np.isnan(s.p_value).all()


def test_log_odds_are_those_of_conditional_logistic_regression_when_small() -> None:
    from statsmodels.discrete.conditional_models import ConditionalLogit

    rng = np.random.default_rng(1)
    g = rng.normal(size=150)
    out = rng.random(150) < 1 / (1 + np.exp(1.0 - 0.15 * g))
    fitted = ConditionalLogit(out * 1, g[:, None], groups=np.zeros(150)).fit(disp=False)
    s = stage("heard", np.ones(150, bool), out, g, dealers_of(np.zeros(150)), 0.95)
    assert s.log_odds[0] == pytest.approx(fitted.params[0], rel=0.03) and s.variance[0] ** 0.5 == pytest.approx(fitted.bse[0], rel=0.03)


def test_chances_of_an_answer_are_those_of_penalised_regression() -> None:
    from scipy.optimize import minimize

    rng = np.random.default_rng(2)
    dealer, g = np.repeat(np.arange(3), [40, 5, 1]), rng.normal(size=46)
    answered = rng.random(46) < 0.5
    answered[40:45] = True
    chance = answer_chances(answered, g, dealers_of(dealer))
    rows = dealer == 0

    def loss(b: Any) -> float:
        eta = b[0] + b[1] * g[rows]
        return float(np.logaddexp(0, eta).sum() - answered[rows] @ eta + 0.5 * b[1] ** 2)

    b = minimize(loss, [0.0, 0.0], tol=1e-12).x
    np.testing.assert_allclose(chance[rows], 1 / (1 + np.exp(-b[0] - b[1] * g[rows])), rtol=1e-4)
    assert np.isfinite(chance).all() and (chance[40:45] > 0.9).all()


@pytest.mark.parametrize("size", [20, 60, 300])
def test_p_values_are_uniform_when_visits_drop_out_by_lot(size: int) -> None:
    rng, p = np.random.default_rng(3), []
    for _ in range(6):
        dealer = np.repeat(np.arange(250), size)
        n = dealer.size
        passes = [rng.random(n) < chance for chance in (0.88, 0.76, 0.5)]
        stages = np.logical_and.accumulate(passes)
        r = invitation_bias(dealer, stages[0], reached=stages[1], heard=stages[2], dissatisfaction=rng.exponential(size=n))
        p.append(r.p_value[~np.isnan(r.p_value)])
    together = np.concatenate(p)
    for level in (0.5, 0.1, 0.05, 0.01):
        assert np.mean(together <= level) <= 1.1 * level + 3 * (level / together.size) ** 0.5, level
    assert np.mean(together <= 0.2) > 0.14


@pytest.mark.parametrize("where", ["invited", "reached", "heard"])
def test_dealers_who_keep_out_the_dissatisfied_are_seen(where: str) -> None:
    roster = draw_roster(np.random.default_rng(4), low=800, high=1600, share=0.2, where=where, strength=0.8)
    r = judge(roster)
    assert np.mean(r.p_value[~roster.inflated] <= 0.05) < 0.09 and np.mean(r.p_value[roster.inflated] <= 0.05) > 0.8
    clear = roster.inflated & (r.p_value < 0.05)
    assert np.mean(r.details["stage"][clear] == where) > 0.8
    assert (r.details["risk_left_out"] > r.details["risk_kept"])[clear].all() and (r.effect[clear] > 0).all()


def test_evidence_are_the_least_satisfied_left_out() -> None:
    roster = draw_roster(np.random.default_rng(5), low=200, share=0.3)
    r = judge(roster)
    d = int(np.argmin(r.p_value))
    rows = r.rows_of(d)
    assert r.details["stage"][d] == "invited" and (roster.dealer[rows] == d).all() and not roster.invited[rows].any()
    assert rows.size == min(50, r.details["left_out"][d]) and not roster.drawn[rows].any()
    complained = roster.later["complaint"][rows]
    assert complained[: max(complained.sum(), 1)].mean() >= complained.mean()


def test_weighting_undoes_what_goes_through_the_prediction() -> None:
    """Where dissatisfaction as predicted is all that decides, weights give the roster's mean; the raw mean is too high."""
    rng = np.random.default_rng(6)
    dealer = np.repeat(np.arange(30), 2_000)
    g = rng.normal(size=dealer.size)
    everybody = 8 - 0.7 * g + rng.normal(0, 0.5, dealer.size)
    heard = rng.random(dealer.size) < 1 / (1 + np.exp(-(0.3 - 0.8 * g)))
    r = invitation_bias(dealer, np.ones(dealer.size), heard=heard, score=np.where(heard, everybody, np.nan), dissatisfaction=g)
    truth = np.array([everybody[dealer == d].mean() for d in range(30)])
    assert np.abs(r.details["ipw_score"] - truth).max() < 0.08 and (r.details["score"] - truth).min() > 0.15
    assert r.details["implied_inflation"] == pytest.approx(r.details["score"] - r.details["ipw_score"])
    assert np.isnan(r.details["p_invited"]).all() and (r.details["stage"] == "heard").all()


def test_without_scores_what_customers_did_later_counts() -> None:
    roster = draw_roster(np.random.default_rng(7), low=300, share=0.3, strength=0.9)
    r = judge(roster, score=None, x=None)
    assert np.median(r.p_value[roster.inflated]) < 0.2 < np.median(r.p_value[~roster.inflated])
    assert r.details["later_left_out"][roster.inflated].mean() > 1.5 * r.details["later_kept"][roster.inflated].mean()
    unknown = {"complaint": np.where(np.arange(roster.dealer.size) % 4 == 0, np.nan, roster.later["complaint"])}
    assert np.isfinite(judge(roster, later=unknown).p_value).all()


def test_abstains_with_a_reason() -> None:
    roster = draw_roster(np.random.default_rng(8), dealers=40)
    assert set(invitation_bias(roster.dealer, None, x=roster.x, score=roster.score).reasons) == {"no_roster"}
    assert set(judge(roster, x=None, later=None).reasons) == {"no_prediction"}
    assert set(judge(roster, score=None, later=None).reasons) == {"no_prediction"}
    assert set(judge(roster, dissatisfaction=np.full(roster.dealer.size, 2.0)).reasons) == {"no_prediction"}
    everybody = np.ones(roster.dealer.size, bool)
    assert set(invitation_bias(roster.dealer, everybody, dissatisfaction=np.arange(everybody.size)).reasons) == {"all_or_none"}
    assert set(invitation_bias(roster.dealer, ~everybody, dissatisfaction=np.arange(everybody.size)).reasons) == {"all_or_none"}
    few = invitation_bias(["甲", "甲", "乙"], [1, 0, 1], dissatisfaction=[1, 2, 3])
    assert dict(zip(few.labels["dealer"], few.reasons, strict=True)) == {"甲": "few_dealers", "乙": "all_or_none"}
    one = invitation_bias([1], [True], dissatisfaction=[1.0])
    assert one.reasons == ("no_prediction",) and np.isnan(one.p_value[0])


def test_one_dealer_with_one_visit_beside_others() -> None:
    roster = draw_roster(np.random.default_rng(9), dealers=60, low=100)
    keep = (roster.dealer != 5) | (np.arange(roster.dealer.size) == np.flatnonzero(roster.dealer == 5)[0])
    r = invitation_bias(roster.dealer[keep], roster.invited[keep], x={k: v[keep] for k, v in roster.x.items()}, score=roster.score[keep])
    assert r.reasons[5] == "all_or_none" and np.isnan(r.p_value[5]) and np.isfinite(np.delete(r.p_value, 5)).all()


def test_bad_input_and_writing() -> None:
    with pytest.raises(InputError, match="invited"):
        invitation_bias([1, 1, 2], [True, False])
    with pytest.raises(InputError, match="heard"):
        invitation_bias([1, 1, 2], [1, 0, 1], heard=[0.5, 0, 1])
    with pytest.raises(InputError, match="dissatisfaction"):
        invitation_bias([1, 1, 2], [1, 0, 1], dissatisfaction=[np.nan, 0, 1])
    with pytest.raises(InputError, match="repeat"):
        invitation_bias([1, 1, 2], [1, 0, 1], x={"repeat": ["a", None, "b"]}, score=[9, np.nan, 10])
    r = judge(draw_roster(np.random.default_rng(10), dealers=40))
    back = load(r.to_json())
    assert back.p_value == pytest.approx(r.p_value, nan_ok=True) and back.details["stage"].tolist() == r.details["stage"].tolist()


@pytest.mark.slow
def test_calibration_and_power_at_length() -> None:
    rng = np.random.default_rng(11)
    p = np.concatenate([judge(draw_roster(rng)).p_value for _ in range(100)])
    p = p[~np.isnan(p)]
    for level in (0.5, 0.1, 0.05, 0.01, 0.001):
        print(f"null: share of p-values up to {level}: {np.mean(p <= level):.4f}")
        assert np.mean(p <= level) <= 1.1 * level + 3 * (level / p.size) ** 0.5
    for where, share in (("invited", 0.15), ("reached", 0.15), ("heard", 0.15), ("invited", 0.6)):
        rosters = [draw_roster(rng, share=share, where=where) for _ in range(20)]
        found = [(judge(roster).p_value, roster.inflated) for roster in rosters]
        honest, inflated = (np.nanmean(np.concatenate([p[bad == flag] for p, bad in found]) <= 0.05) for flag in (False, True))
        print(f"{where} {share}: p <= .05 of honest {honest:.3f}, of inflated {inflated:.3f}")
        assert honest < 0.065


def test_fast_enough() -> None:
    roster = draw_roster(np.random.default_rng(12), dealers=500, low=900, high=1000)
    began = time.process_time()
    judge(roster)
    assert time.process_time() - began < 4.0
