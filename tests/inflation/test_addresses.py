"""Forms from one address: by hand, in honest networks with tablets and waiting rooms, in invented forms, and where nothing is said."""

from __future__ import annotations

import numpy as np
import pytest
from inflation.form_networks import sizes
from inflation.simulated_networks import mechanism_power, p_values_of_honest, simulated
from scipy import stats

from vocstats.errors import InputError
from vocstats.inflation import Signal, known_null, shared_address
from vocstats.inflation.addresses import _chances
from vocstats.results import load


def placed(seed: int, dealers: int = 80, *, rooms: str = "alike") -> tuple[np.ndarray, np.ndarray, np.ndarray, np.random.Generator]:
    """Addresses of forms, dealers, and who was invited independently; as many sit in every waiting room, or in half of them nobody."""
    rng = np.random.default_rng(seed)
    dealer = sizes(rng, dealers)
    share = np.full(dealers, 0.15) if rooms == "alike" else 0.3 * (rng.random(dealers) < 0.5)
    here = rng.random(dealer.size) < share[dealer]
    return np.where(here, dealer, dealers + np.arange(dealer.size)), dealer, rng.random(dealer.size) < 0.25, rng


def test_by_hand() -> None:
    """500 independent forms of a, 100 from one address; b asked for 6 and 4 of them share one; two of a tablet do not count."""
    address = np.concatenate([np.zeros(100), np.arange(1, 401), [900, 900, 901, 900, 900, 902, 900, 900]])
    device = np.concatenate([np.arange(500), [10, 11, 12, 13, 14, 15, 16, 16]])
    independent, dealer = np.arange(508) < 500, np.array(["a"] * 500 + ["b"] * 8)
    r = shared_address(address, dealer, device=device, independent=independent, null=known_null(0, 0))
    assert r.reasons == ("few_responses", "") and r.n[1] == 6
    p = 100.5 / 501
    assert [float(r.details[name][1]) for name in ("same_address", "shared_device", "expected")] == pytest.approx([4, 2, 6 * p])
    assert np.isnan(r.details["independent_share"][1]) and r.effect[1] == pytest.approx(4 / 6 - p)
    assert r.p_value[1] == pytest.approx(stats.binom.sf(4, 6, p) + stats.binom.pmf(4, 6, p) / 2, rel=1e-6)
    assert r.rows_of("b").tolist() == [500, 501, 503, 504]
    alone = shared_address(np.where(address == 900, np.arange(508) + 1000, address), dealer, independent=independent, null=known_null(0, 0))
    assert alone.details["same_address"][1] == 0  # of six addresses with one form each none is shared


def test_shares_drawn_together_are_the_posterior_means() -> None:
    rng = np.random.default_rng(1)
    n = rng.integers(5, 400, 4000).astype(float)
    truth = rng.beta(3, 17, n.size)
    drawn, variance = _chances(rng.binomial(n.astype(int), truth).astype(float), n)
    standard = (drawn - truth) / np.sqrt(variance * (drawn * (1 - drawn)) ** 2)
    assert standard.mean() == pytest.approx(0, abs=0.1) and standard.std() == pytest.approx(1, abs=0.15)
    alike, known = _chances(rng.binomial(n.astype(int), 0.2).astype(float), n)
    assert alike == pytest.approx(0.2, abs=0.05) and np.median(known) < 0.02
    assert np.isfinite(_chances(np.zeros(3), np.array([0.0, 4, 400]))).all()


@pytest.mark.parametrize("rooms", ["alike", "half"])
def test_p_values_whatever_the_waiting_rooms_are(rooms: str) -> None:
    networks = (placed(seed, 300, rooms=rooms) for seed in (2, 3))
    p = np.concatenate([shared_address(address, dealer, independent=each).p_value for address, dealer, each, _ in networks])
    assert (p < 0.05).mean() < 0.065 and (p < 0.01).mean() < 0.02


def shared_address_of(network: object) -> Signal:
    rows = network.responses
    return shared_address(rows["address"], rows["dealer"], device=rows["device"], independent=rows["channel"] == "manufacturer")


def test_p_values_of_honest_dealers_with_and_without_a_tablet() -> None:
    p, tablet = (p_values_of_honest(shared_address_of, [101, 102], dealers=150, group=group) for group in (None, "kiosk"))
    assert (p < 0.05).mean() < 0.075 and tablet.size == 18 and (tablet < 0.01).sum() <= 1


def test_without_devices_a_tablet_is_not_told_from_staff() -> None:
    network = simulated(101, dealers=150)
    rows = network.responses
    r = shared_address(rows["address"], rows["dealer"], independent=rows["channel"] == "manufacturer")
    assert (r.p_value[network.truth.dealers["kiosk"].to_numpy()] < 0.01).mean() > 0.9


def test_invented_forms_are_found_and_copied_ones_left_to_others() -> None:
    network = simulated(103, dealers=150, inflated=0.1, mechanisms=("copied_forms", "plausible_forms"))
    power = mechanism_power(shared_address_of(network), network)
    assert power["plausible_forms"] > 0.7 and power["copied_forms"] < 0.3 and power[""] < 0.04


@pytest.mark.slow
def test_p_values_over_many_networks() -> None:
    p = p_values_of_honest(shared_address_of, range(110, 130))
    assert all(np.mean(p < level) < 1.15 * level for level in (0.01, 0.05, 0.1, 0.5))
    for group in ("star", "kiosk", "tiny", "hard_cases"):
        some = p_values_of_honest(shared_address_of, range(110, 130), group=group)
        assert np.mean(some < 0.05) < 0.05 + 2.5 * np.sqrt(0.05 / some.size), group


def test_abstains_with_a_reason() -> None:
    address, dealer, independent, _ = placed(4, 40)
    assert set(shared_address(None, dealer, independent=independent).reasons) == {"no_addresses"}
    assert set(shared_address(np.full(dealer.size, None, object), dealer, independent=independent).reasons) == {"no_addresses"}
    assert set(shared_address(address, dealer).reasons) == {"no_channel"}
    assert set(shared_address(address, dealer, independent=np.arange(dealer.size) < 9).reasons) == {"few_independent"}
    few = dealer < 15
    assert set(shared_address(address[few], dealer[few], independent=independent[few]).reasons) == {"few_dealers"}
    r = shared_address(np.append(address, 1), np.append(dealer, 99), independent=np.append(independent, False))
    assert r.reasons[-1] == "few_responses" and np.isfinite(r.p_value[:-1]).all()
    assert shared_address(["x"], ["甲"]).reasons == ("no_channel",)


def test_order_labels_missing_addresses_and_writing() -> None:
    address, dealer, independent, rng = placed(5, 40)
    order = rng.permutation(dealer.size)
    one = shared_address(address, dealer, independent=independent)
    names = np.array([f"10.0.{place // 250}.{place % 250}" for place in address], object)
    two = shared_address(names[order], np.array([f"店{d:02d}" for d in dealer])[order], independent=independent[order])
    np.testing.assert_allclose(one.p_value, two.p_value)
    assert isinstance(load(one.to_json()), Signal) and one.unit == "share"
    names[dealer == 3] = None
    some = shared_address(names, dealer, independent=independent)
    assert some.reasons[3] == "few_responses" and some.n[3] == 0 and np.isfinite(np.delete(some.p_value, 3)).all()


def test_refusals() -> None:
    with pytest.raises(InputError, match="dealer"):
        shared_address(["x", "y"], ["a", "b", "c"])
    with pytest.raises(InputError, match="device"):
        shared_address(["x", "y"], ["a", "b"], device=["1"])
    with pytest.raises(InputError, match="level"):
        shared_address(["x", "y"], ["a", "b"], level=1)
