"""Adjustment for customers against least squares with dummies, and moments borrowed from the network."""

from __future__ import annotations

import numpy as np
import pytest

from vocstats.inflation.case_mix import adjust_for_case_mix, dealer_moments, least_expected


def customers(seed: int, n: int = 600, dealers: int = 12) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    dealer = rng.integers(0, dealers, n)
    age, wait = rng.choice(["young", "middle", "old"], n, p=[0.5, 0.3, 0.2]), rng.normal(size=n)
    score = 7 + 0.3 * dealer + (age == "old") - 0.5 * wait + rng.normal(size=n)
    return score, dealer, {"age": age, "wait": wait}


def test_effects_are_those_of_least_squares_with_a_dummy_per_dealer() -> None:
    score, dealer, x = customers(1)
    adjusted = adjust_for_case_mix(score, x, dealer, 12)
    wait = (x["wait"] - x["wait"].mean()) / x["wait"].std()
    full = np.column_stack([np.eye(12)[dealer], x["age"] == "old", x["age"] == "young", wait]).astype(float)
    b, (rss,), *_ = np.linalg.lstsq(full, score, rcond=None)
    fitted = full[:, 12:] @ b[12:]
    assert adjusted.scores == pytest.approx(score - fitted + fitted.mean())
    covariance = np.linalg.inv(full.T @ full)[12:, 12:] * rss / (600 - 15)
    means = adjusted.means(dealer, 12, np.ones(600, bool))
    centred = np.array([full[dealer == d, 12:].mean(axis=0) for d in range(12)]) - full[:, 12:].mean(axis=0)
    found = adjusted.variance(means, np.bincount(dealer, minlength=12) / 600 @ means)
    assert found == pytest.approx(np.einsum("di,ij,dj->d", centred, covariance, centred))


def test_what_belongs_to_the_dealer_and_the_unseen_change_nothing() -> None:
    score, dealer, x = customers(2)
    region = np.where(dealer < 5, 0.1, 7.3)
    one = adjust_for_case_mix(score, x, dealer, 12)
    assert adjust_for_case_mix(score, {**x, "region": region}, dealer, 12).scores == pytest.approx(one.scores)
    seldom = adjust_for_case_mix(score, x, dealer, 12, rows=x["age"] != "old")  # nothing is known of the old: left as they are
    assert np.isfinite(seldom.scores).all()
    assert adjust_for_case_mix(score, x, dealer, 12, rows=np.zeros(600, bool)).scores == pytest.approx(score)
    assert adjust_for_case_mix(score, None, dealer, 12).scores is score


def test_many_labels_are_kept_sparse() -> None:
    score, dealer, _ = customers(3, n=4000)
    town = np.random.default_rng(0).integers(0, 150, 4000).astype(str)
    adjusted = adjust_for_case_mix(score, {"town": town}, dealer, 12)
    full = np.column_stack([np.eye(12)[dealer], *(town == t for t in np.unique(town)[1:])]).astype(float)
    fitted = full[:, 12:] @ np.linalg.lstsq(full, score, rcond=None)[0][12:]
    assert adjusted.scores == pytest.approx(score - fitted + fitted.mean())


def test_moments_of_shares_mix_the_dealer_with_the_network() -> None:
    rng = np.random.default_rng(4)
    dealer = np.repeat(np.arange(200), rng.integers(2, 80, 200))
    y = (rng.random(dealer.size) < rng.beta(14, 6, 200)[dealer]).astype(float)
    y[dealer == 0] = 1.0
    found = dealer_moments(y, dealer, 200)
    n, k, p = np.bincount(dealer), np.bincount(dealer, y), y.mean()
    mixed = found.variance[0]  # of nothing but full marks: tells kappa
    share = 0.5 + np.sqrt(0.25 - mixed)
    kappa = n[0] * (1 - share) / (share - p)
    assert 10 < kappa < 40  # the beta distribution has 20
    shares = (k + kappa * p) / (n + kappa)
    assert found.variance == pytest.approx(shares * (1 - shares))
    assert found.third == pytest.approx(shares * (1 - shares) * (1 - 2 * shares))
    assert found.mean == pytest.approx(k / n)


def test_moments_of_equal_scores_are_zero() -> None:
    found = dealer_moments(np.full(6, 4.0), np.array([0, 0, 0, 2, 2, 2]), 3)
    assert found.variance.tolist() == [0, 0, 0] and np.isnan(found.mean[1]) and found.n.tolist() == [3, 0, 3]


def test_evidence_is_sorted_and_limited() -> None:
    adjusted, code = np.arange(200.0), np.arange(200) % 2
    rows = least_expected(adjusted, code, adjusted != 199)
    assert rows[:3].tolist() == [198, 196, 194] and rows.size == 100 and rows[50:52].tolist() == [197, 195]
