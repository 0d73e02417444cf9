"""Shelters of honest networks that are no CUB models, of honest stars, and of full marks on request."""

from __future__ import annotations

import numpy as np
import pytest
from inflation.ordinal_networks import network, shares_below

from vocstats.errors import InputError
from vocstats.inflation import Signal, fit_cub, known_null, shelter
from vocstats.inflation.cub import derivatives, maximise, shifted_binomial
from vocstats.results import load


def begged(net: object, share: float, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores with answers of some dealers raised to full marks, and which dealers."""
    bad = net.rng.random(net.size.size) < share
    touched = bad[net.dealer] & (net.rng.random(net.dealer.size) < strength)
    return np.where(touched, 10, net.score), bad


def test_p_values_are_conservative_where_everybody_is_honest() -> None:
    """Honest dealers differ in level by as much as the reference says; three networks of 300."""
    p = np.concatenate([shelter(net.score, net.dealer, scale=(1, 10)).p_value for net in map(network, (1, 2, 3))])
    one, five, ten, half = shares_below(p)
    assert one < 0.02 and five < 0.065 and ten < 0.12 and 0.2 < half < 0.56


def test_stars_are_flagged_no_more_often() -> None:
    found = [(shelter(net.score, net.dealer, scale=(1, 10)).p_value < 0.1, net.stars) for net in map(network, (4, 5, 6))]
    low, stars = (np.concatenate(part) for part in zip(*found, strict=True))
    gap = low[stars].mean() - low[~stars].mean()
    assert gap < 2 * np.sqrt(0.1 * 0.9 * (1 / stars.sum() + 1 / (~stars).sum()))


def test_full_marks_on_request_are_found() -> None:
    net = network(7)
    score, bad = begged(net, 0.15, 0.6)
    r = shelter(score, net.dealer, scale=(1, 10))
    large = net.size > 400
    assert (r.p_value[bad & large] < 0.01).mean() > 0.5 and (r.p_value[~bad] < 0.01).mean() < 0.02
    assert r.effect[bad & large].mean() > 0.1 and abs(r.effect[~bad & large].mean()) < 0.05
    assert set(score[r.rows_of(int(np.flatnonzero(bad)[0]))].tolist()) == {10}


def test_one_step_is_the_maximum_likelihood_where_the_model_holds() -> None:
    p = 0.25 * (np.arange(10) == 9) + 0.75 * (0.8 * shifted_binomial(0.3, 10) + 0.2 / 10)
    rng = np.random.default_rng(8)
    counts = rng.multinomial(2000, p, size=30)
    score = np.concatenate([np.repeat(np.arange(1, 11), row) for row in counts])
    r = shelter(score, np.repeat(np.arange(30), 2000), scale=(1, 10))
    fit = fit_cub(counts, shelter=10)
    np.testing.assert_allclose(r.details["delta"], fit.delta, atol=0.01)
    assert (r.p_value < 0.05).mean() < 0.15
    np.testing.assert_allclose(r.details["xi"], fit.xi, atol=0.03)


def test_variance_is_that_of_repeated_samples() -> None:
    """The excess of 1,000 dealers of equal level scatters as its standard error says."""
    net = network(9, dealers=1000, sizes=(150, 151), spread=0.0)
    r = shelter(net.score, net.dealer, scale=(1, 10))
    low, high = np.quantile(r.effect, [0.25, 0.75])
    assert (high - low) / 1.349 == pytest.approx(np.median(r.std_error), rel=0.15)


def test_derivatives_are_those_of_the_probabilities() -> None:
    at = np.array([[0.6, 0.3, 0.2], [0.9, 0.1, 0.05]])
    _, slopes = derivatives(at, 7, 6)
    for j in range(3):
        shift = 1e-6 * np.eye(3)[j]
        numeric = (derivatives(at + shift, 7, 6)[0] - derivatives(at - shift, 7, 6)[0]) / 2e-6
        np.testing.assert_allclose(slopes[:, :, j], numeric, atol=1e-8)


def test_a_fixed_shelter_is_kept() -> None:
    counts = np.random.default_rng(1).multinomial(100, np.full(7, 1 / 7), size=4).astype(float)
    np.testing.assert_allclose(maximise(counts, 6, delta=0.3)[0][:, 2], 0.3)


def test_abstains_with_a_reason() -> None:
    net = network(10, dealers=25, sizes=(20, 40))
    few = np.where(net.dealer == 3, np.arange(net.dealer.size), 0)
    keep = (net.dealer != 3) | (few < few[net.dealer == 3].min() + 1)
    r = shelter(net.score[keep], net.dealer[keep], scale=(1, 10))
    assert r.n[3] == 1 and r.reasons[3] == "few_responses" and np.isnan(r.p_value[3]) and np.isfinite(np.delete(r.p_value, 3)).all()
    assert set(shelter(np.full(net.dealer.size, 10), net.dealer, scale=(1, 10)).reasons) == {"constant_scores"}
    assert set(shelter(np.clip(net.score, 7, 10), net.dealer).reasons) == {"scale_too_short"}
    assert shelter([5], ["甲"], scale=(1, 10)).reasons == ("constant_scores",)
    assert set(shelter(net.score[net.dealer < 10], net.dealer[net.dealer < 10]).reasons) == {"few_dealers"}


def test_a_dealer_with_nothing_but_full_marks_is_not_judged_by_the_answers_he_lacks() -> None:
    net = network(11, dealers=60, sizes=(100, 300))
    r = shelter(np.where(net.dealer == 5, 10, net.score), net.dealer, scale=(1, 10))
    assert np.isfinite(r.p_value).all() and r.std_error[5] > 3 * np.median(r.std_error)


def test_known_null_order_and_labels() -> None:
    net = network(12, dealers=30, sizes=(60, 120))
    shuffled = net.rng.permutation(net.dealer.size)
    names = np.array([f"店{code:02d}" for code in range(30)])
    one = shelter(net.score, net.dealer, scale=(1, 10), null=known_null(0.0, 0.02))
    two = shelter(net.score[shuffled], names[net.dealer[shuffled]], scale=(1, 10), null=known_null(0.0, 0.02))
    np.testing.assert_allclose(one.p_value, two.p_value, atol=1e-8)
    assert isinstance(load(one.to_json()), Signal) and one.null["spread"] == 0.02


def test_refusals() -> None:
    for score, kwargs, match in (
        ([1.5, 2.0], {}, "whole numbers"), ([1, 11], {"scale": (1, 10)}, "scale"), ([1, 2], {"scale": (10, 1)}, "rise"),
        ([1, 2], {"scale": (1, 10), "score_sheltered": 11}, "score_sheltered"), ([1, np.nan], {}, "missing"),
    ):
        with pytest.raises(InputError, match=match):
            shelter(score, ["a", "b"], **kwargs)


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.27, 0.13])
def test_p_values_over_many_networks(spread: float) -> None:
    nets = (network(seed, spread=spread) for seed in range(100, 130))
    p = np.concatenate([shelter(net.score, net.dealer, scale=(1, 10)).p_value for net in nets])
    assert all(share < 1.15 * level for share, level in zip(shares_below(p), (0.01, 0.05, 0.1, 0.5), strict=True))
