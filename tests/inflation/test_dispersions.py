"""Dispersion of honest networks, of copied forms and of forms without a customer, and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from inflation.ordinal_networks import network, shares_below

from vocstats.datasets import simulate_dealers
from vocstats.errors import InputError
from vocstats.inflation import Signal, dispersion
from vocstats.inflation.dispersions import _curve, _spread
from vocstats.inflation.signal_result import dealers_of
from vocstats.results import load


def invented(net: object, share: float, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Items of some dealers replaced by good answers that have nothing in common, and which dealers."""
    bad = net.rng.random(net.size.size) < share
    touched = bad[net.dealer] & (net.rng.random(net.dealer.size) < strength)
    items = net.items.copy()
    items[touched] = net.rng.choice([8, 9, 10], (int(touched.sum()), items.shape[1]), p=[0.1, 0.3, 0.6])
    return items, bad


@pytest.mark.parametrize("items", [0, 6])
def test_p_values_are_uniform_or_conservative_where_everybody_is_honest(items: int) -> None:
    nets = [network(seed, items=items) for seed in (1, 2, 3)]
    p = np.concatenate([dispersion(net.score, net.dealer, items=net.items).p_value for net in nets])
    one, five, ten, half = shares_below(p)
    assert one < 0.02 and five < 0.07 and ten < 0.13 and 0.15 < half < 0.57


def test_stars_are_flagged_no_more_often() -> None:
    nets = [network(seed, items=6) for seed in (4, 5, 6)]
    found = [(dispersion(net.score, net.dealer, items=net.items).p_value < 0.1, net.stars) for net in nets]
    low, stars = (np.concatenate(part) for part in zip(*found, strict=True))
    assert low[stars].mean() - low[~stars].mean() < 2 * np.sqrt(0.1 * 0.9 * (1 / stars.sum() + 1 / (~stars).sum()))


def test_invented_forms_are_found() -> None:
    net = network(7, items=6)
    items, bad = invented(net, 0.15, 0.6)
    r = dispersion(net.score, net.dealer, items=items)
    large = net.size > 200
    assert (r.p_value[bad & large] < 0.01).mean() > 0.4 and (r.p_value[~bad] < 0.01).mean() < 0.02
    assert r.effect[bad & large].mean() > 0.1 and set(r.details["shows_in"]) > {"covariance", "covariance_good"}


def test_copied_scores_are_found_without_items() -> None:
    net = network(8)
    score = np.where((net.dealer < 15) & (net.rng.random(net.dealer.size) < 0.9), 9, net.score)
    r = dispersion(score, net.dealer)
    assert (r.p_value[:15] < 0.01).mean() > 0.8 and (r.p_value[15:] < 0.01).mean() < 0.02


def test_figures_by_hand() -> None:
    net = network(9, dealers=30, sizes=(40, 60), items=3)
    r = dispersion(net.score, net.dealer)
    mine = net.score[net.dealer == 4]
    assert r.details["sd"][4] == pytest.approx(mine.std(ddof=1)) and r.n[4] == mine.size
    table = np.cov(net.items[net.dealer == 4], rowvar=False)
    part = _spread(net.items.astype(float), dealers_of(net.dealer), np.array([1.0, 10.0]))
    assert (part.u * part.limit)[4] == pytest.approx((table.sum() - np.trace(table)) / 6)
    with_items = dispersion(net.score, net.dealer, items=net.items)
    assert with_items.details["sd"][4] == pytest.approx(net.items[net.dealer == 4].mean(axis=1).std(ddof=1))


def test_what_a_response_adds_is_the_derivative() -> None:
    """Repeating a response by a little more moves u and the mean as its influence says."""
    answers = np.random.default_rng(1).integers(1, 11, (40, 3)).astype(float)
    for columns in (answers[:, :1], answers):
        dealers = dealers_of(np.zeros(4000))
        many = _spread(np.tile(columns, (100, 1)), dealers, np.array([1.0, 10.0]))
        more = _spread(np.vstack([np.tile(columns, (100, 1)), columns[:1]]), dealers_of(np.zeros(4001)), np.array([1.0, 10.0]))
        assert 4001 * (more.u - many.u)[0] == pytest.approx(many.adds_to_u[0], rel=0.01, abs=2e-3)
        assert 4001 * (more.mean - many.mean)[0] == pytest.approx(many.adds_to_mean[0], rel=0.01)


def test_the_curve_follows_most_dealers() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(7, 9.5, 300)
    truth = 0.3 + 0.05 * (x - 8) + 0.02 * (x - 8) ** 2
    y = truth + 0.01 * rng.normal(size=300) - 0.2 * (rng.random(300) < 0.25)
    fitted, slope = _curve(x, y, np.ones(300))
    assert np.abs(fitted - truth).max() < 0.02 and slope == pytest.approx(0.05 + 0.04 * (x - 8), abs=0.02)


def test_incomplete_forms_order_and_labels() -> None:
    net = network(10, dealers=25, sizes=(40, 80), items=4)
    items = net.items.astype(float)
    items[::7, 1] = np.nan
    whole = ~np.isnan(items).any(axis=1)
    order = net.rng.permutation(net.dealer.size)
    names = np.array([f"店{d:02d}" for d in net.dealer])
    one = dispersion(net.score, net.dealer, items=items)
    two = dispersion(net.score[order], names[order], items={f"q{j}": items[order, j] for j in range(4)})
    three = dispersion(net.score[whole], net.dealer[whole], items=net.items[whole])
    np.testing.assert_allclose(one.p_value, two.p_value, rtol=1e-6)
    np.testing.assert_allclose(one.p_value, three.p_value, rtol=1e-6)
    assert isinstance(load(one.to_json()), Signal)


def test_abstains_with_a_reason() -> None:
    net = network(11, dealers=25, sizes=(20, 40))
    keep = (net.dealer != 3) | (np.arange(net.dealer.size) == np.flatnonzero(net.dealer == 3)[0])
    score = np.where(net.dealer == 5, 10, net.score)
    r = dispersion(score[keep], net.dealer[keep])
    assert r.reasons[3] == "few_responses" and r.reasons[5] == "at_end_of_scale" and np.isfinite(np.delete(r.p_value, [3, 5])).all()
    assert set(dispersion(np.full(net.dealer.size, 9), net.dealer).reasons) == {"constant_scores"}
    assert set(dispersion(net.score == 10, net.dealer).reasons) == {"scale_too_short"}
    assert set(dispersion(net.score[net.dealer < 9], net.dealer[net.dealer < 9]).reasons) == {"few_dealers"}
    assert dispersion([5], ["a"]).reasons == ("constant_scores",)
    assert "few_responses" in dispersion([5.0, 6.0, 7.0], list("aab"), items=np.full((3, 4), np.nan)).reasons


def test_a_dealer_without_any_variance_is_suspicious_not_infinite() -> None:
    net = network(12, dealers=60, sizes=(60, 90))
    r = dispersion(np.where(net.dealer == 5, 9, net.score), net.dealer)
    assert r.p_value[5] < 0.01 and np.isfinite(r.statistic[5]) and r.effect[5] == pytest.approx(1.0, abs=0.1)


def test_refusals() -> None:
    bad = ({"above": 1.0}, "above"), ({"above": -0.1}, "above"), ({"level": 0.0}, "level"), ({"items": np.ones((2, 2))}, "x0")
    for kwargs, match in bad:
        with pytest.raises(InputError, match=match):
            dispersion([1.0, 5.0, 9.0], list("aab"), **kwargs)
    with pytest.raises(InputError, match="score"):
        dispersion(["9", "8"], ["a", "b"])


@pytest.mark.slow
@pytest.mark.parametrize("items", [0, 6])
def test_p_values_over_many_networks(items: int) -> None:
    nets = (network(seed, items=items) for seed in range(100, 130))
    p = np.concatenate([dispersion(net.score, net.dealer, items=net.items).p_value for net in nets])
    assert all(share < 1.2 * level for share, level in zip(shares_below(p), (0.01, 0.05, 0.1, 0.5), strict=True))


def test_invented_forms_beside_real_complaints_show_among_good_forms() -> None:
    """Good forms of too little variety widen the spread of all forms, and narrow that of good ones."""
    net = simulate_dealers(150, seed=11, mechanisms="plausible_forms", strength=0.5, inflated=0.2)
    own = net.responses[net.responses["channel"] == "dealer"]
    r = dispersion(own["score"], own["dealer"], items=own[list(net.items)])
    truth = net.truth.dealers.set_index("dealer").loc[r.labels["dealer"]]
    bad, large = truth["inflated"].to_numpy(), r.n > 100
    every, good = (np.fmin(r.details[f"p_variance{end}"], r.details[f"p_covariance{end}"]) for end in ("", "_good"))
    assert (good[bad & large] < 0.01).mean() > 0.5 > (every[bad & large] < 0.01).mean()
    assert (r.p_value[bad & large] < 0.01).mean() > 0.5 and (r.p_value[~bad] < 0.01).mean() < 0.02
