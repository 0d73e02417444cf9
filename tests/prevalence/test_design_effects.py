"""Design effects of dealers against the formula written out, against Kish's, and against the variance that simulated counts have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from prevalence.networks import draw_network

from vocstats.prevalence.counts import PainPointCounts
from vocstats.prevalence.design_effects import collapse_dealers


def dealer_counts(n: np.ndarray, positive: np.ndarray, frame: np.ndarray) -> PainPointCounts:
    """One pain, engaged customers only; arrays (S, D)."""
    segment, dealer = (each.ravel() for each in np.indices(n.shape))
    none = np.zeros(n.size, int)
    layer = np.full((1, 1, 2), np.nan)
    return PainPointCounts(
        pain=none, segment=segment, dealer=dealer, group=none, source=none, positive=positive.ravel(), n=n.ravel(), frame=frame[..., None],
        coder=np.array([-1]), sensitivity=np.zeros((0, 1, 2)), specificity=np.zeros((0, 1, 2)), mention=layer, false_mention=layer,
        mode_scale=np.zeros(1), pains=1,
    )


def effects(n: np.ndarray, positive: np.ndarray, frame: np.ndarray) -> np.ndarray:
    collapsed, _ = collapse_dealers(dealer_counts(n, positive, frame))
    return n.sum(axis=1) / collapsed.n


def correlation(n: np.ndarray, positive: np.ndarray) -> float:
    """One-way analysis of variance of ones and zeros over dealers of one segment, from the mean squares."""
    share, total = positive / n, n.sum()
    between = np.sum(n * (share - positive.sum() / total) ** 2) / (n.size - 1)
    within = np.sum(n * share * (1 - share)) / (total - n.size)
    size = (total - np.sum(n**2) / total) / (n.size - 1)
    return float((between - within) / (between + (size - 1) * within))


def clustered(seed: int, dealers: int, size: float, spread: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    n = rng.poisson(size, (1, dealers)) + 1.0
    return n, rng.binomial(n.astype(int), 1 / (1 + np.exp(1 - spread * rng.normal(size=(1, dealers))))).astype(float)


def test_a_sample_of_dealers_has_kish_s_design_effect() -> None:
    n, positive = clustered(1, 400, 20.0)
    rho = correlation(n[0], positive[0])
    kish = 1.0 + rho * (np.sum(n**2) / n.sum() - 1.0)
    assert rho > 0.05
    assert_allclose(effects(n, positive, np.zeros_like(n)), kish, rtol=0.02)


def test_the_heard_spread_as_the_customers_are() -> None:
    n, positive = clustered(1, 400, 20.0)
    assert_array_equal(effects(n, positive, 3.0 * n), 1.0)


def test_independent_customers_need_no_effect() -> None:
    found = [effects(*clustered(seed, 300, 20.0, spread=0.0), np.zeros((1, 300)))[0] for seed in range(20)]
    assert np.mean(found) < 1.08 and max(found) < 1.4


def test_segments_and_network_by_the_formula() -> None:
    """ρ is read off a segment; the larger of the two effects is that of the network where the same dealers answer more in all segments."""
    rng = np.random.default_rng(3)
    b, frame = 0.8 * rng.normal(size=60), rng.poisson(40.0, (3, 60)) + 1.0
    n = np.ceil(frame * np.where(np.arange(60) < 12, 0.9, 0.2))
    positive = rng.binomial(n.astype(int), 1 / (1 + np.exp(1 - b))).astype(float)
    found = effects(n, positive, frame)
    apart = n / n.sum(axis=1, keepdims=True) - frame / frame.sum(axis=1, keepdims=True)
    alone = n.sum(axis=1) * np.sum(apart**2, axis=1)
    weight = frame.sum(axis=1) / frame.sum()
    together = np.sum((weight @ apart) ** 2) / np.sum(weight**2 / n.sum(axis=1))
    assert together > alone.max()
    rho = (found - 1.0) / (together - 1.0)
    assert_allclose(rho, rho[0], rtol=1e-9)
    assert 0.02 < rho[0] < 0.4


def test_the_variance_of_collapsed_shares() -> None:
    """Dealers and their response are fixed, what customers have is drawn: the error of the share found has the variance that is claimed."""
    rng = np.random.default_rng(4)
    frame = rng.poisson(200.0, (1, 50)) + 1.0
    n = np.round(frame * rng.uniform(0.02, 0.5, (1, 50)))
    errors, claimed = [], []
    for _ in range(400):
        theta = 1 / (1 + np.exp(1.2 - 0.5 * rng.normal(size=(1, 50))))
        positive = rng.binomial(n.astype(int), theta).astype(float)
        share = positive.sum() / n.sum()
        errors.append(share - np.sum(theta * frame) / frame.sum())
        claimed.append(share * (1 - share) / n.sum() * effects(n, positive, frame)[0])
    assert np.mean(claimed) > 1.5 * 0.2 * 0.8 / n.sum()
    assert_allclose(np.var(errors), np.mean(claimed), rtol=0.15)


def test_counts_are_summed_and_the_rest_is_kept() -> None:
    counts, _ = draw_network(1, pains=3, segments=4)
    split = {name: np.repeat(getattr(counts, name), 2) for name in ("pain", "segment", "group", "source")}
    halves = {name: np.repeat(getattr(counts, name) / 2, 2) for name in ("positive", "n")}
    two = replace(counts, **split, **halves, dealer=np.tile([0, 1], counts.n.size), frame=np.repeat(counts.frame, 2, axis=1))
    collapsed, effect = collapse_dealers(two)
    assert_array_equal(effect, 1.0)
    assert collapsed.frame.shape == (4, 1, 3) and not collapsed.dealer.any()
    order = np.lexsort((counts.segment, counts.group, counts.pain))
    for name in ("pain", "segment", "group", "source", "positive", "n"):
        assert_allclose(getattr(collapsed, name), getattr(counts, name)[order], err_msg=name)


@pytest.mark.parametrize("rows", [0, 3])
def test_hardly_any_rows(rows: int) -> None:
    counts, _ = draw_network(1, pains=3, segments=4)
    names = ("pain", "segment", "dealer", "group", "source", "positive", "n")
    collapsed, effect = collapse_dealers(replace(counts, **{name: getattr(counts, name)[:rows] for name in names}))
    assert collapsed.n.size == rows
    assert_array_equal(effect, 1.0)
