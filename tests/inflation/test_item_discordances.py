"""Full marks the items do not bear out: by hand, in honest networks, where customers are begged, and where nothing is said."""

from __future__ import annotations

import numpy as np
import pytest
from inflation.form_networks import CUTS, sizes
from inflation.simulated_networks import mechanism_power, p_values_of_honest, simulated
from scipy import special

from vocstats.errors import InputError
from vocstats.inflation import Signal, item_discordance, known_null
from vocstats.inflation.item_discordances import _shift, _weights
from vocstats.inflation.signal_result import dealers_of
from vocstats.results import load


def forms(seed: int, dealers: int = 60, *, lifted: float = 0.0, who: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Overall scores, dealers and four items of a common factor; a share of the forms of the first dealers is lifted to ten."""
    rng = np.random.default_rng(seed)
    dealer = sizes(rng, dealers, high=300)
    factor = 0.85 * rng.normal(size=dealer.size) + 0.3 * rng.normal(size=dealers)[dealer]
    answers = 1.0 + np.searchsorted(CUTS, factor[:, None] + 0.5 * rng.normal(size=(dealer.size, 5)))
    answers[(dealer < who) & (rng.random(dealer.size) < lifted), 0] = 10
    return answers[:, 0], dealer, answers[:, 1:]


def test_shift_by_hand() -> None:
    full, chance = np.array([True, False, True, True]), np.array([0.2, 0.5, 0.9, 0.4])
    shift, variance, third = _shift(full, chance, np.array([True, True, True, False]), dealers_of(["a"] * 4))
    w = special.logit(0.3 + 0.7 * chance[:3]) - special.logit(chance[:3])
    assert _weights(chance)[:3] == pytest.approx(w)
    size = w @ (chance[:3] * (1 - chance[:3]))
    assert shift[0] == pytest.approx(w @ np.array([0.8, -0.5, 0.1]) / size)
    outcomes = np.array([[(k >> j) & 1 for j in range(3)] for k in range(8)])
    p = np.prod(np.where(outcomes, chance[:3], 1 - chance[:3]), axis=1)
    values = (outcomes - chance[:3]) @ w / size
    assert (variance[0], third[0]) == pytest.approx((p @ values**2, p @ values**3))


def test_weights_are_those_of_the_likelihood_ratio() -> None:
    """The log likelihood ratio of c = .3 against 0 is linear in the answers with these weights."""
    chance = np.array([0.01, 0.3, 0.99])
    lifted = 0.3 + 0.7 * chance
    assert np.log(lifted / chance) - np.log((1 - lifted) / (1 - chance)) == pytest.approx(_weights(chance))


def test_lifted_forms_are_found_and_measured() -> None:
    score, dealer, items = forms(1, 100, lifted=0.3, who=10)
    r = item_discordance(score, dealer, items)
    assert (r.p_value[:10] < 0.01).mean() >= 0.8 and (r.p_value[10:] < 0.01).mean() < 0.05
    assert r.effect[:10].mean() == pytest.approx(0.3, abs=0.05) and r.effect[10:].mean() == pytest.approx(0, abs=0.03)
    rows = r.rows_of(0)
    assert (dealer[rows] == 0).all() and (score[rows] == 10).all() and rows.size == r.details["full_marks"][0]
    assert items[rows[:5]].mean() < items[rows[-5:]].mean() - 2


def test_independent_forms_teach_and_are_not_counted() -> None:
    score, dealer, items = forms(2, 100)
    rng = np.random.default_rng(3)
    independent = rng.random(score.size) < 0.4
    most = ~independent & (dealer < 60) & (rng.random(score.size) < 0.4)  # more than half of the dealers
    r = item_discordance(np.where(most, 10, score), dealer, items, independent=independent)
    assert r.n.sum() == (~independent).sum() and not independent[r.evidence].any()
    above = r.details["full_marks"] / r.details["expected"]
    assert above[60:].mean() == pytest.approx(1, abs=0.06) and above[:60].mean() > 1.12


def test_customers_characteristics_and_items_on_any_scale() -> None:
    score, dealer, items = forms(4, 40)
    one = item_discordance(score, dealer, items)
    two = item_discordance(score, dealer, {"a": items[:, 0] * 10, "b": items[:, 1] - 5, "c": items[:, 2], "d": items[:, 3]})
    np.testing.assert_allclose(one.p_value, two.p_value, rtol=1e-6)
    eager = np.random.default_rng(5).random(score.size) < np.where(dealer == 7, 0.9, 0.1)
    more = np.where(eager & (np.random.default_rng(6).random(score.size) < 0.5), 10, score)
    plain, adjusted = (item_discordance(more, dealer, items, x=x) for x in (None, {"eager": eager.astype(str)}))
    assert adjusted.p_value[7] > 0.02 > plain.p_value[7]


def item_discordance_of(network: object) -> Signal:
    rows = network.responses
    items, x = (rows[list(names)] for names in (network.items, network.case_mix))
    return item_discordance(rows["score"], rows["dealer"], items, x=x, independent=rows["channel"] == "manufacturer")


def test_p_values_of_honest_dealers() -> None:
    p = p_values_of_honest(item_discordance_of, [101, 102], dealers=100)
    assert (p < 0.05).mean() < 0.09 and (p < 0.5).mean() < 0.6


def test_begging_is_found() -> None:
    network = simulated(104, dealers=100, inflated=0.15, mechanisms=("begging",))
    power = mechanism_power(item_discordance_of(network), network)
    assert power["begging"] > 0.5 and power[""] < 0.04


@pytest.mark.slow
def test_p_values_over_many_networks() -> None:
    p = p_values_of_honest(item_discordance_of, range(110, 130))
    assert all(np.mean(p < level) < 1.4 * level for level in (0.01, 0.05, 0.1, 0.5))  # a little too small: see its page
    for group, share in {"star": 0.06, "kiosk": 0.06, "tiny": 0.06, "hard_cases": 0.09}.items():  # the last: see its page
        some = p_values_of_honest(item_discordance_of, range(110, 130), group=group)
        assert np.mean(some < 0.05) < share + 2.5 * np.sqrt(0.05 / some.size), group


def test_abstains_with_a_reason() -> None:
    score, dealer, items = forms(7, 25)
    assert set(item_discordance(score, dealer, None).reasons) == {"no_items"}
    assert set(item_discordance(score, dealer, np.full(items.shape, np.nan)).reasons) == {"no_items"}
    assert set(item_discordance(np.full(score.size, 9), dealer, items).reasons) == {"constant_scores"}
    few = dealer < 9
    assert set(item_discordance(score[few], dealer[few], items[few]).reasons) == {"few_dealers"}
    gone = np.where((dealer == 3)[:, None], np.nan, items)
    r = item_discordance(np.append(score, 10), np.append(dealer, 99), np.vstack([gone, [10, 9, 9, 9]]))
    assert r.reasons[3] == "few_responses" and r.reasons[-1] == "few_responses" and np.isfinite(np.delete(r.p_value, [3, 25])).all()
    assert item_discordance([9], ["甲"], [[1, 2]]).reasons == ("no_items",)  # items that never vary say nothing
    known = item_discordance(score[few], dealer[few], items[few], null=known_null(0, 0.1))
    assert np.isfinite(known.p_value).all()


def test_missing_answers_order_labels_and_writing() -> None:
    score, dealer, items = forms(8, 22)
    rng = np.random.default_rng(9)
    items[rng.random(items.shape) < 0.1] = np.nan
    order = rng.permutation(dealer.size)
    one = item_discordance(score, dealer, items)
    two = item_discordance(score[order], np.array([f"店{d:02d}" for d in dealer])[order], items[order])
    np.testing.assert_allclose(one.p_value, two.p_value, rtol=1e-6)
    assert np.isfinite(one.p_value).all() and isinstance(load(one.to_json()), Signal) and one.unit == "share"


def test_refusals() -> None:
    with pytest.raises(InputError, match="dealer"):
        item_discordance([9, 10], ["a", "b", "c"], [[1, 2], [3, 4]])
    with pytest.raises(InputError, match="numbers"):
        item_discordance([9, 10], ["a", "b"], {"q": ["1", "2"]})
    with pytest.raises(InputError, match="level"):
        item_discordance([9, 10], ["a", "b"], [[1, 2], [3, 4]], level=1)
