"""Corrected scores by hand, against brute force, in simulated networks, and where little or nothing is known."""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np
import pytest
from inflation.honest_networks import draw_answers

from vocstats.datasets import simulate_dealers
from vocstats.errors import InputError
from vocstats.inflation import HonestScores, honest_scores
from vocstats.inflation.channel_levels import ChannelLevels, channel_levels
from vocstats.inflation.honest_network import PHI, Network
from vocstats.inflation.honest_posterior import Mixture, posterior
from vocstats.inflation.signal_result import dealers_of
from vocstats.results import load

NETWORK = Network(
    centre=8.7, spread=0.4, gap=0.08, gap_spread=0.12, share=0.2, lifted=0.3, concentration=5.0, sharpness=0.1, half=0.15
)


def levels_of(**given: Any) -> ChannelLevels:
    """Levels of one dealer, or as many as are given."""
    usual = {
        "n0": 40.0, "n1": 120.0, "y0": 8.5, "y1": 9.1, "s0": 2.2, "s1": 1.9, "within": 80.0, "e0": 0.0, "e1": 0.0, "shared": 0.0,
        "visits": 400.0, "mix": 0.05, "room": 1.1, "score": 8.9, "adjusted": 8.9,
    }
    arrays = {name: np.atleast_1d(np.asarray(value, float)) for name, value in {**usual, **given}.items()}
    return ChannelLevels(**arrays, bottom=1.0, top=10.0)


def by_brute_force(levels: ChannelLevels, network: Network, p_value: float) -> tuple[float, float, float, float]:
    """Mean and deviation of the visits' honest mean, mean lift, and chance of a lift: every latent figure written out."""
    n0, n1, visits = float(levels.n0[0]), float(levels.n1[0]), float(levels.visits[0])
    s, r = float(levels.s0[0]), float(levels.room[0])
    tau, omega = network.spread**2, (network.gap_spread * r) ** 2
    log, moments = [], []
    for phi, prior in zip(PHI, network.log_prior(), strict=True):
        # latent: level, gap, mean error of independent answers, of untouched and of touched own answers, of visits not heard
        parts = np.array([n1 * (1 - phi), n1 * phi])
        variances = np.array([tau, omega, s / n0, *np.divide(s, parts, out=np.zeros(2), where=parts > 0), s / (visits - n0 - n1)])
        own = np.array([0.0, 0.0, 0.0, 1 - phi, phi, 0.0])
        rest = np.array([0, 0, n0, n1 * (1 - phi), n1 * phi, visits - n0 - n1]) / visits
        rows = np.array([
            [1.0, 0, 1, 0, 0, 0], (1 - phi) * np.array([1.0, 1, 0, 1, 0, 0]), np.array([1.0, 0, 0, 0, 0, 0]) + rest,
            np.array([1.0, 1, 0, 0, 0, 0]) + own,
        ])
        at = network.centre + levels.mix[0]
        gap = network.gap * r
        means = np.array([at, (1 - phi) * (at + gap) + phi * levels.top, at, at + gap])
        covariance = rows @ np.diag(variances) @ rows.T
        given, seen = covariance[:2, :2], np.array([levels.y0[0], levels.y1[0]]) - means[:2]
        gain = covariance[2:, :2] @ np.linalg.inv(given)
        evidence = 1.0
        if phi > 0:
            weight = phi**2 / (phi**2 + network.half**2)
            evidence = 1 - weight + weight * network.sharpness * p_value ** (network.sharpness - 1)
        log.append(prior + np.log(evidence) - 0.5 * (np.linalg.slogdet(given)[1] + seen @ np.linalg.inv(given) @ seen))
        posterior_mean = means[2:] + gain @ seen
        moments.append((posterior_mean[0], (covariance[2:, 2:] - gain @ covariance[:2, 2:])[0, 0], levels.y1[0] - posterior_mean[1]))
    chance = np.exp(np.array(log) - np.max(log))
    chance /= chance.sum()
    mean, variance, lift = (chance @ np.array(moments)).tolist()
    variance += float(chance @ (np.array(moments)[:, 0] - mean) ** 2)
    return mean, variance**0.5, lift, 1.0 - float(chance[0])


@pytest.mark.parametrize("p_value", [0.9, 1e-3])
@pytest.mark.parametrize("y1", [8.6, 9.1, 9.7])
def test_posterior_against_brute_force(p_value: float, y1: float) -> None:
    levels = levels_of(y1=y1)
    found = posterior([NETWORK], levels, np.array([p_value]))
    mean, deviation, lift, chance = by_brute_force(levels, NETWORK, p_value)
    assert found.score.mean() == pytest.approx([mean]) and found.score.deviation() == pytest.approx([deviation])
    assert found.lift.mean() == pytest.approx([lift]) and 1.0 - found.score.chance[0, 0] == pytest.approx(chance)


def test_without_either_channel_the_other_and_the_network_speak() -> None:
    usual = {"visits": np.inf, "s0": 2.2, "e0": 0.0, "e1": 0.0, "shared": 0.0, "mix": 0.05, "room": 1.0}
    same = {name: [value] * 3 for name, value in usual.items()}
    levels = levels_of(n0=[0, 40, 0], y0=[np.nan, 8.5, np.nan], n1=[120, 0, 0], y1=[9.1, np.nan, np.nan], **same)
    found = posterior([NETWORK], levels, np.full(3, np.nan))
    weight = 0.4**2 / (0.4**2 + 2.2 / 40)
    assert found.score.mean()[1:] == pytest.approx([8.75 + weight * (8.5 - 8.75), 8.75], abs=1e-4)
    assert found.score.deviation()[1:] == pytest.approx([(0.4**2 * (1 - weight)) ** 0.5, 0.4], abs=1e-4)
    assert found.score.chance[1:, 0] == pytest.approx(1.0) and found.lift.mean()[1:] == pytest.approx(0.0)
    assert 0.0 < found.score.chance[0, 0] < 1.0


def test_mixtures() -> None:
    mixture = Mixture(np.array([[0.3, 0.7], [1.0, 0.0]]), np.array([[0.0, 4.0], [2.0, 9.0]]), np.array([[1.0, 0.25], [0.0, 1.0]]))
    assert mixture.mean() == pytest.approx([2.8, 2.0]) and mixture.deviation() == pytest.approx([(0.475 + 0.21 * 16) ** 0.5, 0.0])
    drawn = mixture.draw(np.random.default_rng(1), 200_000)
    for chance in (0.05, 0.5, 0.95):
        assert mixture.quantile(chance) == pytest.approx(np.quantile(drawn, chance, axis=1), abs=0.03)


def test_levels_by_hand() -> None:
    """Case mix of independent answers within the dealer, taken to the visits of the roster."""
    score = np.array([9.0, 7, 9, 7, 10, 10])
    dealer, outside = dealers_of(["b", "b", "b", "a", "a", "a"]), np.array([True, True, False, True, True, False])
    repair = np.array(["no", "yes", "no", "yes", "no", "no"])
    visits = {"r": ["no", "yes", "yes", "yes", "yes", "no", "no"]}
    levels = channel_levels(score, dealer, outside, {"r": repair}, ["a", "a", "b", "b", "b", "b", "c"], visits)
    b = -2.5  # between -2 at b and -3 at a, one answer each
    assert levels.y0 == pytest.approx([8.5, 8 + b * (0.75 - 0.5)])
    assert levels.y1 == pytest.approx([10 + b * 0.5, 9 + b * 0.75])
    assert levels.visits.tolist() == [3.0, 4.0] and levels.n0.tolist() == [2.0, 2.0]
    assert levels.mix == pytest.approx([b * (0.5 - 4 / 6), b * (0.75 - 4 / 6)])
    assert levels.score == pytest.approx([9, 25 / 3]) and levels.adjusted == pytest.approx([9 + b * (4 / 6 - 1 / 3), 25 / 3 + b / 3])
    plain = channel_levels(score, dealer, outside, {"r": repair}, None, None)
    assert np.isinf(plain.visits).all() and plain.y0 == pytest.approx([8.5 + b * (1 / 3 - 0.5), 8 + b * (1 / 3 - 0.5)])


def test_few_dealers_by_hand() -> None:
    r = honest_scores([9, 7, 8, 10, 10], ["城东店"] * 5, [1, 1, 1, 0, 0], roster_dealer=["城东店"] * 12)
    assert r.corrected_score == pytest.approx([8.0]) and r.std_error == pytest.approx([(1 / 3 - 1 / 12) ** 0.5])
    assert r.inflation == pytest.approx([0.4 * 2.0]) and r.score == pytest.approx([8.8])
    assert r.conf_low == pytest.approx(8.0 - 2.919986 * r.std_error) and r.conf_high == pytest.approx(8.0 + 2.919986 * r.std_error)
    assert r.reasons == ("few_dealers",) and r.identified.all() and r.network == {}
    assert np.isnan([r.chance, r.bound_low, r.bound_high]).all() and [r.rank[0], r.rank_low[0], r.rank_high[0]] == [1, 1, 1]
    assert "经销商太少" in r.summary("zh")


@cache
def network(seed: int, inflated: float) -> tuple[HonestScores, Any, np.ndarray]:
    """Corrected scores of a simulated network with p-values of the kind a good audit has, its truth, and which are flagged."""
    net = simulate_dealers(200, seed=seed, inflated=inflated, strength=[0.2, 0.4, 0.6], responses=(30, 400))
    answers, roster, case = net.responses, net.roster, list(net.case_mix)
    truth = net.truth.dealers.set_index("dealer")
    rng = np.random.default_rng(seed)
    p = np.where(truth["inflated"] & (rng.random(len(truth)) < 0.7), 10.0 ** -rng.uniform(1, 8, len(truth)), rng.random(len(truth)))
    evidence = dict(zip(truth.index, p, strict=True))
    r = honest_scores(
        answers["score"], answers["dealer"], answers["channel"] == "manufacturer", x=answers[case], roster_dealer=roster["dealer"],
        roster_x=roster[case], evidence=evidence,
    )
    truth = truth.loc[r.labels["dealer"]]
    return r, truth, np.array([evidence[name] for name in r.labels["dealer"]]) < 0.005


def test_halves_the_error_and_covers_among_the_flagged() -> None:
    found = [network(seed, 0.3) for seed in (81_001, 81_002)]
    honest = np.concatenate([truth["honest_mean"] for _, truth, _ in found])
    flags = np.concatenate([flags for _, _, flags in found])
    corrected, score, low, high = (
        np.concatenate([getattr(r, name) for r, _, _ in found]) for name in ("corrected_score", "score", "conf_low", "conf_high")
    )
    inside = (low <= honest) & (honest <= high)
    assert flags.sum() > 15
    assert np.mean((corrected - honest)[flags] ** 2) ** 0.5 < 0.5 * np.mean((score - honest)[flags] ** 2) ** 0.5
    assert abs(inside.mean() - 0.9) < 0.05 and inside[flags].mean() > 0.9 - 3 * (0.09 / flags.sum()) ** 0.5
    lifted = np.concatenate([truth["inflation"] for _, truth, _ in found])
    amount = np.concatenate([r.inflation for r, _, _ in found])
    assert abs((amount - lifted)[flags].mean()) < 0.1 and np.corrcoef(amount, lifted)[0, 1] > 0.5


def test_an_honest_network_is_left_alone() -> None:
    r, truth, _ = network(81_003, 0.0)
    inside = (r.conf_low <= truth["honest_mean"]) & (truth["honest_mean"] <= r.conf_high)
    assert abs(inside.mean() - 0.9) < 0.07 and abs(r.inflation.mean()) < 0.03 and r.chance.mean() < 0.1
    assert r.inflation[truth["star"].to_numpy()].max() < 0.1
    ranks = truth["honest_mean"].rank(ascending=False).to_numpy()
    assert ((r.rank_low <= ranks) & (ranks <= r.rank_high)).mean() > 0.8
    assert sorted(r.rank) == list(range(1, 201)) and (r.rank_low <= r.rank_high).all()


def test_selected_by_hand_and_covering() -> None:
    r, truth, flags = network(81_001, 0.3)
    low, high = r.selected(flags)
    reach = (high - r.independent_score)[flags] / r.independent_error[flags]
    from scipy import stats

    measured = np.isfinite(r.independent_error)
    assert reach == pytest.approx(stats.norm.isf(0.1 * (flags & measured).sum() / measured.sum() / 2))
    assert np.isnan(low[~flags]).all() and np.isfinite(low[flags & measured]).all()
    honest = truth["honest_mean"].to_numpy()
    assert ((low <= honest) & (honest <= high))[flags].mean() > 0.85
    assert np.isnan(r.selected(np.zeros(flags.size, bool))).all()
    with pytest.raises(InputError, match="200 were expected"):
        r.selected([True])


def usual(**given: Any) -> HonestScores:
    net = draw_answers(np.random.default_rng(4), dealers=60, share=0.2, lift=0.2)
    arguments: dict[str, Any] = {"score": net.score, "dealer": net.dealer, "independent": net.independent, **given}
    return honest_scores(arguments.pop("score"), arguments.pop("dealer"), arguments.pop("independent"), **arguments)


def test_the_unit_and_the_order_do_not_matter() -> None:
    net = draw_answers(np.random.default_rng(4), dealers=60, share=0.2, lift=0.2)
    one, ten = usual(), usual(score=20.0 * net.score + 3.0)
    order = np.random.default_rng(1).permutation(net.score.size)
    mixed = usual(score=net.score[order], dealer=net.dealer[order], independent=net.independent[order])
    assert ten.corrected_score == pytest.approx(20 * one.corrected_score + 3, abs=0.02)
    assert ten.inflation == pytest.approx(20 * one.inflation, abs=0.02)
    for name in ("corrected_score", "std_error", "inflation", "chance"):
        assert getattr(mixed, name) == pytest.approx(getattr(one, name), abs=1e-3), name
    assert usual(seed=0).to_json() == one.to_json() != usual(seed=1).to_json()


def test_evidence_moves_the_weight_to_the_independent_answers() -> None:
    p = np.full(60, np.nan)
    plain, same = usual(), usual(evidence=p)
    assert same.to_json() == plain.to_json()
    suspect = int(np.argmax(plain.n * (plain.score - plain.independent_score > 0.05) * (plain.chance < 0.5)))
    p[suspect] = 1e-6
    more = usual(evidence=p)
    assert more.chance[suspect] > plain.chance[suspect] + 0.2 and more.inflation[suspect] > plain.inflation[suspect]
    assert usual(evidence={suspect: 1e-6, "elsewhere": 0.5}).to_json() == more.to_json()


def test_where_nobody_else_asked() -> None:
    net = draw_answers(np.random.default_rng(4), dealers=60, share=0.2, lift=0.2)
    alone = np.isin(net.dealer, [3, 5])
    r = usual(independent=net.independent & ~alone)
    unknown = np.isin(np.arange(60), [3, 5])
    assert (r.identified == ~unknown).all() and [r.reasons[3], r.reasons[5], r.reasons[4]] == ["one_channel", "one_channel", ""]
    assert (r.bound_low < r.bound_high)[unknown].all() and np.isnan(r.bound_low[~unknown]).all()
    assert (r.bound_low <= r.corrected_score)[unknown].all() and (r.corrected_score <= r.bound_high + 1e-9)[unknown].all()
    nobody = usual(independent=None)
    assert set(nobody.reasons) == {"no_channel"} and np.isnan(nobody.corrected_score).all() and np.isnan(nobody.rank).all()
    assert (nobody.bound_low < nobody.score).all() and (nobody.score < nobody.bound_high).all() and nobody.bound_high.max() <= 1.0
    variance = channel_levels(net.score, dealers_of(net.dealer), np.zeros(net.score.size, bool), None, None, None).v1
    assert nobody.bound_high == pytest.approx(np.minimum(nobody.score + 1.644854 * variance**0.5, 1.0))
    only = usual(independent=net.independent | alone)
    assert only.inflation[unknown].tolist() == [0.0, 0.0] and only.chance[unknown].tolist() == [0.0, 0.0]
    assert np.isfinite(only.corrected_score).all()


@pytest.mark.parametrize(("score", "outside"), [([5.0], [True]), ([5.0], [False]), ([5.0, 5.0, 5.0], [True, True, False])])
def test_next_to_nothing(score: list[float], outside: list[bool]) -> None:
    r = honest_scores(score, ["A"] * len(score), outside)
    assert r.score.tolist() == [5.0] and np.isnan(r.std_error).all() and r.reasons[0] in ("few_dealers", "no_channel")
    assert np.isnan([r.rank_low, r.rank_high]).all() and load(r.to_dict()).to_json() == r.to_json()


def test_answers_that_never_vary() -> None:
    dealer, outside = np.repeat(np.arange(30), 10), np.tile(np.arange(10) < 4, 30)
    r = honest_scores(np.full(300, 5.0), dealer, outside)
    assert set(r.reasons) == {"constant_scores"} and r.corrected_score == pytest.approx(5.0) and np.isnan(r.std_error).all()
    two = honest_scores(np.where(dealer < 15, 5.0, 9.0), dealer, outside)
    assert set(two.reasons) == {"constant_scores"} and two.corrected_score == pytest.approx(np.where(np.arange(30) < 15, 5.0, 9.0))


def test_written_and_read() -> None:
    r = usual()
    again = load(r.to_json())
    assert isinstance(again, HonestScores) and again.to_json() == r.to_json()
    frame, tidy = r.to_frame(), r.tidy()
    assert frame["reason"].tolist() == [""] * 60 and len(tidy) == 120
    assert list(tidy.columns) == ["term", "dealer", "estimate", "std_error", "conf_low", "conf_high"]
    assert float(r.network["gap_spread"][0]) > 0 and "corrected_score" in r.summary()
    assert usual(level=0.5).conf_high.mean() < r.conf_high.mean()


def test_bad_input() -> None:
    good: dict[str, Any] = {"x": {"a": ["u", "v", "u"]}, "roster_dealer": ["A", "A"], "roster_x": {"a": ["u", "v"]}}
    cases = [
        ({"evidence": [1.5]}, "evidence must lie between 0 and 1"), ({"evidence": [0.5, 0.5]}, "evidence has 2 entries; 1 were expected"),
        ({**good, "roster_x": {"b": ["u", "v"]}}, "roster_x 'b'"), ({**good, "x": None}, "roster_x"),
        ({**good, "roster_x": {"a": [1.0, 2.0]}}, "as text or as numbers"),
        ({**good, "roster_dealer": None}, "roster_dealer"), ({**good, "roster_x": {"a": ["u"]}}, "1 entries; 2 were expected"),
        ({"level": 1.0}, "level"), ({"draws": 0}, "draws"), ({"seed": -1}, "seed"),
    ]
    for arguments, message in cases:
        with pytest.raises(InputError, match=message):
            honest_scores([1.0, 2.0, 3.0], ["A"] * 3, [True, False, True], **arguments)
    with pytest.raises(InputError, match="missing"):
        honest_scores([1.0, np.nan], ["A", "A"], [True, False])
    with pytest.raises(InputError, match="no responses"):
        honest_scores([], [], [])


def test_five_hundred_dealers_in_two_seconds() -> None:
    rng = np.random.default_rng(1)
    dealer = np.repeat(np.arange(500), 500)
    score = np.clip(np.round(rng.choice([6, 8, 9, 10], dealer.size) + rng.normal(0, 0.3, 500)[dealer]), 1, 10)
    begin = time.process_time()
    honest_scores(score, dealer, rng.random(dealer.size) < 0.25, x={"age": rng.choice(list("abc"), dealer.size)})
    assert time.process_time() - begin < 4.0  # 0.8 s; the machine that tests may be slow
