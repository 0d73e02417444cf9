"""A tie of response to pains is found where there is one, as often as it says where there is none, and measures what it claims."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from vocstats.errors import IdentificationError
from vocstats.prevalence.counts import PainPointCounts
from vocstats.prevalence.response_ties import response_tie


def network(seed: int, *, tied: float, pains: int = 4, dealers: int = 60, segments: int = 3) -> tuple[PainPointCounts, np.ndarray]:
    """Counts of the engaged, and the shares (K, D) of the dealers' customers who have each pain."""
    rng = np.random.default_rng(seed)
    reluctance = rng.normal(size=dealers)
    b = 0.4 * (tied * reluctance + np.sqrt(1 - tied**2) * rng.normal(size=(pains, dealers)))
    customers = rng.poisson(60.0, (segments, dealers)) + 1
    heard = rng.binomial(customers, expit(-1.0 - 0.5 * reluctance))
    level = rng.normal(-1.5, 0.3, (pains, segments))
    share = expit(level[:, :, None] + b[:, None])
    k, s, d = (each.ravel() for each in np.indices(share.shape))
    layer = np.full((1, pains, 2), np.nan)
    counts = PainPointCounts(
        pain=k, segment=s, dealer=d, group=np.zeros(k.size, int), source=np.zeros(k.size, int), n=heard[s, d],
        positive=rng.binomial(heard, share).ravel(), frame=np.stack([heard, customers - heard], axis=-1), coder=np.array([-1]),
        sensitivity=np.zeros((0, pains, 2)), specificity=np.zeros((0, pains, 2)), mention=layer, false_mention=layer,
        mode_scale=np.zeros(1), pains=pains,
    )
    return counts, np.sum(share * customers, axis=1) / customers.sum(axis=0)


def test_p_values_are_uniform_without_a_tie() -> None:
    found = [response_tie(network(seed, tied=0.0)[0]) for seed in range(200)]
    p = np.concatenate([each.p_value for each in found])
    for level in (0.05, 0.1, 0.5):
        assert abs(np.mean(p < level) - level) < 0.025 + 0.05 * level
    assert np.mean([each.overall_p_value < 0.1 for each in found]) < 0.12


def test_a_tie_is_found() -> None:
    found = [response_tie(network(seed, tied=0.8)[0]) for seed in range(20)]
    assert np.median([each.overall_p_value for each in found]) < 1e-3 and max(each.overall_p_value for each in found) < 0.1
    assert np.mean([each.difference for each in found]) > 0


def test_difference_is_what_dealers_weighted_by_customers_would_add() -> None:
    """Average over networks of the true difference between dealers weighted by customers and by answers, from their chances."""
    claimed, true = [], []
    for seed in range(60):
        counts, share = network(seed, tied=0.8)
        heard = np.bincount(counts.dealer[counts.pain == 0], counts.n[counts.pain == 0])
        customers = counts.frame.sum(axis=(0, 2))
        true.append(share @ (customers / customers.sum() - heard / heard.sum()))
        claimed.append(response_tie(counts).difference)
    assert_allclose(np.mean(claimed), np.mean(true), rtol=0.1)


def test_a_pain_nobody_was_asked_about_has_no_test() -> None:
    counts, _ = network(1, tied=0.0)
    names = ("pain", "segment", "dealer", "group", "source", "positive", "n")
    tie = response_tie(replace(counts, **{name: getattr(counts, name)[counts.pain != 2] for name in names}))
    assert np.isnan(tie.p_value[2]) and np.isfinite(np.delete(tie.p_value, 2)).all() and np.isfinite(tie.overall_p_value)


def test_only_the_engaged_count() -> None:
    counts, _ = network(1, tied=0.5)
    names = ("pain", "segment", "dealer", "group", "source", "positive", "n")
    more = {name: np.tile(getattr(counts, name), 2) for name in names}
    more["group"] = np.repeat([0, 1], counts.n.size)
    assert_allclose(response_tie(replace(counts, **more)).difference, response_tie(counts).difference)


def test_too_few_dealers() -> None:
    with pytest.raises(IdentificationError) as caught:
        response_tie(network(1, tied=0.0, dealers=3)[0])
    assert caught.value.code == "few_dealers_to_tie"
