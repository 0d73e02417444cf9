"""Equal answers throughout, in honest networks with customers who answer so, and in staff's forms."""

from __future__ import annotations

import numpy as np
import pytest
from inflation.ordinal_networks import Network, network, shares_below
from scipy import special, stats

from vocstats.errors import InputError
from vocstats.inflation import Signal, known_null, straightlining
from vocstats.inflation.count_excess import count_tail
from vocstats.results import load


def habitual(seed: int, *, differ: float = 0.0, **options: object) -> Network:
    """About 8 % of the customers give every question their first answer; dealers differ in that share."""
    net = network(seed, items=8, **options)
    share = np.minimum(0.08 * np.exp(net.rng.normal(0, differ, net.size.size)), 1.0)
    rows = net.rng.random(net.dealer.size) < share[net.dealer]
    net.items[rows] = net.items[rows][:, [0]]
    return net


def filled_in(net: Network, share: float, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Forms of some dealers with 8 or 9 throughout, and which dealers."""
    bad = net.rng.random(net.size.size) < share
    rows = bad[net.dealer] & (net.rng.random(net.dealer.size) < strength)
    items = net.items.copy()
    items[rows] = net.rng.choice([8, 9], int(rows.sum()))[:, None]
    return items, bad


@pytest.mark.parametrize(("differ", "slack"), [(0.0, 1.4), (0.4, 3.0)])
def test_p_values_where_everybody_is_honest(differ: float, slack: float) -> None:
    """Where honest dealers differ by a factor of 1.5 either way, a skewed law, small p-values are somewhat too frequent."""
    p = np.concatenate([straightlining(net.items, net.dealer).p_value for net in (habitual(seed, differ=differ) for seed in (1, 2, 3))])
    assert all(share < slack * level for share, level in zip(shares_below(p, (0.01, 0.05)), (0.01, 0.05), strict=True))
    assert shares_below(p)[3] < 0.56


def test_staff_forms_are_found_and_told() -> None:
    net = habitual(4)
    items, bad = filled_in(net, 0.15, 0.1)
    r = straightlining(items, net.dealer)
    large = net.size > 100
    assert (r.p_value[bad & large] < 0.01).mean() > 0.85 and (r.p_value[~bad] < 0.01).mean() < 0.03
    more = r.details["straight"] - r.details["expected"]
    assert r.effect[bad & large].mean() == pytest.approx((more / r.n)[bad & large].mean(), abs=0.03)
    dealer = int(np.nanargmin(r.p_value))
    rows = r.rows_of(dealer)
    assert set(net.dealer[rows]) == {dealer} and (items[rows] == items[rows][:, [0]]).all() and (items[rows] < 10).all()
    assert rows.size == r.details["straight"][dealer]


def test_many_inflated_dealers_do_not_hide_each_other() -> None:
    net = habitual(5)
    items, bad = filled_in(net, 0.4, 0.2)
    r = straightlining(items, net.dealer)
    assert (r.p_value[bad] < 0.01).mean() > 0.6 and (r.p_value[~bad] < 0.01).mean() < 0.03


def test_stars_are_flagged_no_more_often() -> None:
    found = [(straightlining(net.items, net.dealer).p_value < 0.05, net.stars) for net in (habitual(seed) for seed in (6, 7, 8))]
    low, stars = (np.concatenate(part) for part in zip(*found, strict=True))
    assert low[stars].mean() - low[~stars].mean() < 2.5 * np.sqrt(0.05 * 0.95 * (1 / stars.sum() + 1 / (~stars).sum()))


def test_tail_is_exact_with_one_chance_and_near_with_several() -> None:
    null, rng = known_null(0.0, 0.0), np.random.default_rng(9)
    seen, n = np.arange(13.0), 12
    tail = count_tail(seen, np.full(13, n * 0.2), np.full(13, n * 0.2 * 0.8), null)
    np.testing.assert_allclose(tail, stats.binom.sf(seen - 1, n, 0.2), rtol=1e-8, atol=1e-12)
    p = np.repeat([0.02, 0.05, 0.3], [60, 40, 20])
    law = np.ones(1)
    for each in p:
        law = np.convolve(law, [1 - each, each])
    exact = law[::-1].cumsum()[::-1]
    several = count_tail(np.arange(121.0), np.full(121, p.sum()), np.full(121, (p * (1 - p)).sum()), null)
    likely = exact > 1e-3
    np.testing.assert_allclose(several[likely], exact[likely], rtol=0.1)
    spread = known_null(0.1, 0.3)
    expected, variance = p.sum(), (p * (1 - p)).sum()
    trials = round(expected**2 / (expected - variance))
    moved = special.expit(special.logit(expected / trials) + rng.normal(0.1, 0.3, 200_000))
    for count in (10.0, 15.0, 25.0):
        drawn = stats.binom.sf(count - 1, trials, moved).mean()
        assert count_tail(np.array([count]), np.array([expected]), np.array([variance]), spread)[0] == pytest.approx(drawn, rel=0.1)


def test_counts_by_hand() -> None:
    items = np.array([[5, 5, 5], [4, 4, 4], [3, 3, 4], [5, 5, 5], [2, 2, 2], [4, 5, 4], [np.nan, 4, 4]])
    r = straightlining(items, list("aaabbbb"), null=known_null(0.0, 0.1))
    assert r.details["perfect"].tolist() == [1, 1] and r.n.tolist() == [2, 2] and r.details["straight"].tolist() == [1, 1]
    assert r.rows_of("a").tolist() == [1] and r.rows_of("b").tolist() == [4]
    assert straightlining(items, list("aaabbbb"), top=10.0, null=known_null(0.0, 0.1)).details["straight"].tolist() == [2, 2]


def test_order_and_labels() -> None:
    net = habitual(10, dealers=30, sizes=(60, 90))
    order, names = net.rng.permutation(net.dealer.size), np.array([f"店{d:02d}" for d in net.dealer])
    one = straightlining(net.items, net.dealer)
    two = straightlining({f"q{j}": net.items[order, j] for j in range(8)}, names[order])
    np.testing.assert_allclose(one.p_value, two.p_value)
    assert isinstance(load(one.to_json()), Signal) and one.unit == "share"


def test_abstains_with_a_reason() -> None:
    net = habitual(11, dealers=25, sizes=(20, 40))
    assert set(straightlining(net.items[:, :2], net.dealer).reasons) == {"few_items"}
    assert set(straightlining(None, net.dealer).reasons) == {"few_items"}
    assert set(straightlining(np.full(net.items.shape, 10), net.dealer).reasons) == {"no_imperfect_forms"}
    items = np.where((net.dealer == 4)[:, None], 10, net.items)
    r = straightlining(items, net.dealer)
    assert r.reasons[4] == "no_imperfect_forms" and np.isfinite(np.delete(r.p_value, 4)).all()
    assert set(straightlining(net.items[net.dealer < 9], net.dealer[net.dealer < 9]).reasons) == {"few_dealers"}
    assert straightlining([[1, 2, 3]], ["a"]).reasons == ("few_dealers",)


def test_refusals() -> None:
    with pytest.raises(InputError, match="dealer"):
        straightlining(np.ones((3, 4)), ["a", "b"])
    with pytest.raises(InputError, match="numbers"):
        straightlining({"a": ["1", "2"], "b": [1, 2], "c": [1, 2]}, ["a", "b"])
    with pytest.raises(InputError, match="level"):
        straightlining(np.ones((3, 4)), list("aab"), level=2)


@pytest.mark.slow
def test_p_values_over_many_networks() -> None:
    p = np.concatenate([straightlining(net.items, net.dealer).p_value for net in (habitual(seed) for seed in range(100, 120))])
    assert all(share < 1.2 * level for share, level in zip(shares_below(p), (0.01, 0.05, 0.1, 0.5), strict=True))
