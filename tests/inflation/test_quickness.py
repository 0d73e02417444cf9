"""Forms filled in too quickly: by hand, in honest networks, in staff's forms, and where nothing is said."""

from __future__ import annotations

import numpy as np
import pytest
from inflation.form_networks import sizes
from inflation.simulated_networks import mechanism_power, p_values_of_honest, simulated
from scipy import stats

from vocstats.errors import InputError
from vocstats.inflation import Signal, known_null, quick_forms
from vocstats.inflation.count_excess import count_tail
from vocstats.results import load


def timed(seed: int, dealers: int = 60, *, differ: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """Log-normal times; dealers differ in their median."""
    rng = np.random.default_rng(seed)
    dealer = sizes(rng, dealers)
    return np.round(170 * np.exp(differ * rng.normal(size=dealers)[dealer] + rng.normal(0, 0.5, dealer.size))), dealer, rng


def test_by_hand() -> None:
    """Of ten times 10, 20, ..., 100 a fifth is done within 20; a dealer with 4 of 5 quick forms, where one is expected."""
    usual, dealer = np.tile(np.arange(10, 101, 10.0), 50), np.tile(["a", "b"], 250)
    seconds = np.concatenate([usual, [20, 12, 20, 11, 21.0]])
    independent = np.arange(505) < 500
    r = quick_forms(seconds, np.append(dealer, ["c"] * 5), independent=independent, share=0.2, null=known_null(0, 0))
    assert r.reasons[:2] == ("no_seconds", "no_seconds") and r.reasons[2] == ""
    assert [float(r.details[name][2]) for name in ("quick", "expected", "seconds", "median_seconds")] == [4, 1, 20, 20]
    assert r.effect[2] == pytest.approx(0.6) and r.std_error[2] == pytest.approx(np.sqrt(0.8) / 5)
    assert r.p_value[2] == pytest.approx(stats.binom.sf(4, 5, 0.2) + stats.binom.pmf(4, 5, 0.2) / 2, rel=1e-6)
    assert r.rows_of("c").tolist() == [503, 501, 500, 502]


def test_of_several_shares_the_smallest_p_value_counts() -> None:
    seconds, dealer, _ = timed(1)
    seconds[dealer == 3] *= 0.7
    one, two, both = (quick_forms(seconds, dealer, share=share) for share in (0.05, 0.25, (0.05, 0.25)))
    least = np.minimum(one.p_value, two.p_value)
    np.testing.assert_allclose(both.p_value, 1 - (1 - least) ** 2, rtol=1e-6, atol=1e-14)
    better = one if one.p_value[3] < two.p_value[3] else two
    assert both.effect[3] == better.effect[3] and both.details["seconds"][3] == better.details["seconds"][3]
    assert quick_forms(seconds, dealer, share=(0.05, 0.05)).p_value == pytest.approx(one.p_value, rel=1e-9)  # a limit counts once


def test_other_channel_sets_the_limit_and_is_not_counted() -> None:
    seconds, dealer, rng = timed(2)
    independent = rng.random(seconds.size) < 0.25
    seconds[~independent & (dealer < 40) & (rng.random(seconds.size) < 0.5)] = 30  # two thirds of the dealers
    r = quick_forms(seconds, dealer, independent=independent, share=0.05)
    assert r.details["seconds"].max() == pytest.approx(np.quantile(170 * np.exp(rng.normal(0, 0.5, 200_000)), 0.05), rel=0.1)
    assert r.n.sum() == (~independent).sum() and not independent[r.evidence].any()
    small, everybody = quick_forms(seconds, dealer, independent=np.arange(seconds.size) < 499), quick_forms(seconds, dealer)
    assert small.details["seconds"][0] == everybody.details["seconds"][0]  # too few to take the limit from


def test_dealers_with_quick_customers_widen_the_spread() -> None:
    seconds, dealer, _ = timed(3, 400, differ=0.1)
    r = quick_forms(seconds, dealer, share=0.25)
    assert next(value for key, value in r.null.items() if key.startswith("spread"))[0] == pytest.approx(0.34, abs=0.08)
    assert (r.p_value < 0.05).mean() < 0.09


def test_p_values_of_honest_dealers() -> None:
    p = p_values_of_honest(quick_forms_of, [101, 102], dealers=150)
    assert np.mean(p < 0.05) < 0.07 and np.mean(p < 0.5) < 0.55


def quick_forms_of(network: object) -> Signal:
    rows = network.responses
    return quick_forms(rows["seconds"], rows["dealer"], independent=rows["channel"] == "manufacturer")


def test_copied_and_invented_forms_are_found() -> None:
    network = simulated(103, dealers=150, inflated=0.1, mechanisms=("copied_forms", "plausible_forms"))
    power = mechanism_power(quick_forms_of(network), network)
    assert power["copied_forms"] > 0.8 and power["plausible_forms"] > 0.5


@pytest.mark.slow
def test_p_values_over_many_networks() -> None:
    p = p_values_of_honest(quick_forms_of, range(110, 130))
    assert all(np.mean(p < level) < 1.15 * level for level in (0.01, 0.05, 0.1, 0.5))
    for group in ("star", "kiosk", "tiny", "hard_cases"):
        some = p_values_of_honest(quick_forms_of, range(110, 130), group=group)
        assert np.mean(some < 0.05) < 0.05 + 2.5 * np.sqrt(0.05 / some.size), group


def test_half_of_the_chance_of_the_same_count() -> None:
    null, seen = known_null(0, 0), np.arange(12.0)
    exact = stats.binom.sf(seen - 1, 40, 0.1)
    np.testing.assert_allclose(count_tail(seen, np.full(12, 4.0), np.full(12, 3.6), null), exact, rtol=1e-8)


def test_abstains_with_a_reason() -> None:
    seconds, dealer, _ = timed(4, 30)
    assert set(quick_forms(None, dealer).reasons) == {"no_seconds"}
    assert set(quick_forms(np.full(dealer.size, np.nan), dealer).reasons) == {"no_seconds"}
    assert set(quick_forms(np.full(dealer.size, 60), dealer).reasons) == {"constant_seconds"}
    assert set(quick_forms(seconds[dealer < 9], dealer[dealer < 9]).reasons) == {"few_dealers"}
    gone = np.where(dealer == 2, np.nan, seconds)
    r = quick_forms(np.append(gone, 60), np.append(dealer, 99))
    assert r.reasons[2] == "no_seconds" and r.reasons[-1] == "few_responses" and np.isfinite(np.delete(r.p_value, [2, 30])).all()
    assert quick_forms([50.0], ["甲"]).reasons == ("constant_seconds",)
    assert set(quick_forms(seconds, dealer, independent=np.ones(dealer.size, bool)).reasons) == {"no_seconds"}


def test_order_labels_and_writing() -> None:
    seconds, dealer, rng = timed(5, 30)
    order = rng.permutation(dealer.size)
    one, two = quick_forms(seconds, dealer), quick_forms(seconds[order], np.array([f"店{d:02d}" for d in dealer])[order])
    np.testing.assert_allclose(one.p_value, two.p_value)
    assert isinstance(load(one.to_json()), Signal) and one.unit == "share"


def test_refusals() -> None:
    with pytest.raises(InputError, match="share must be above 0"):
        quick_forms([1.0, 2], ["a", "b"], share=(0.05, 1.0))
    with pytest.raises(InputError, match="dealer has 3"):
        quick_forms([1.0, 2], ["a", "b", "c"])
    with pytest.raises(InputError, match="level"):
        quick_forms([1.0, 2], ["a", "b"], level=1)
