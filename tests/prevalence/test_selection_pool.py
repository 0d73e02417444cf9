"""The pool of selection offsets against integration over its mean and spread."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from vocstats.prevalence.counts import PainPointPriors
from vocstats.prevalence.selection_pool import Messages, Pool, pool_given, pool_of, systematic

PRIOR = PainPointPriors()
MEAN, SPREAD = np.array([0.9, 0.1, 0.5, 1.4]), np.array([0.2, 0.3, 0.25, 0.2])


def by_quadrature(mean: np.ndarray, spread: np.ndarray) -> dict[str, float]:
    mu, tau = np.linspace(-2.5, 3.0, 401)[:, None], (np.arange(600)[None] + 0.5) / 200
    log = -0.5 * (mu / PRIOR.selection_mean_scale) ** 2 - 0.5 * (tau / PRIOR.selection_scale) ** 2
    for one, error in zip(mean, spread, strict=True):
        variance = error**2 + tau**2
        log = log - 0.5 * (one - mu) ** 2 / variance - 0.5 * np.log(variance)
    chance = np.exp(log - log.max())
    chance /= chance.sum()
    out = {}
    for name, value in (("mean", mu), ("scale", tau)):
        centre = np.sum(chance * value)
        out |= {name: centre, f"{name}_sd": np.sqrt(np.sum(chance * (value - centre) ** 2))}
    return out


def check(pool: Pool, group: int, expected: dict[str, float], tolerance: float) -> None:
    for name in ("mean", "scale"):
        draws = getattr(pool, name)[:, group]
        assert abs(draws.mean() - expected[name]) < tolerance * expected[f"{name}_sd"]
        assert abs(draws.std() / expected[f"{name}_sd"] - 1.0) < tolerance


@pytest.mark.parametrize("groups", [1, 2])
def test_pool_of_messages(groups: int) -> None:
    precision = np.zeros((4, groups, groups))
    precision[:, 0, 0] = SPREAD**-2.0
    shift = np.zeros((4, groups))
    shift[:, 0] = MEAN * SPREAD**-2.0
    pool = pool_of(Messages(precision, shift), PRIOR, 20_000, np.random.default_rng(1))
    check(pool, 0, by_quadrature(MEAN, SPREAD), 0.03)
    if groups == 2:  # nobody of the second group was heard
        half_normal = {"scale": PRIOR.selection_scale * np.sqrt(2 / np.pi), "scale_sd": PRIOR.selection_scale * np.sqrt(1 - 2 / np.pi)}
        check(pool, 1, {"mean": 0.0, "mean_sd": PRIOR.selection_mean_scale, **half_normal}, 0.03)


def test_correlated_messages_by_weighted_draws_of_the_prior() -> None:
    rng = np.random.default_rng(2)
    root = rng.normal(size=(3, 2, 2))
    precision = root @ np.swapaxes(root, 1, 2) * 4 + np.eye(2)
    shift = np.einsum("kgh,kh->kg", precision, rng.normal(0.5, 0.5, (3, 2)))
    pool = pool_of(Messages(precision, shift), PRIOR, 20_000, rng)
    mu = rng.normal(0, PRIOR.selection_mean_scale, (200_000, 2))
    tau = np.abs(rng.normal(0, PRIOR.selection_scale, (200_000, 2)))
    log = np.zeros(len(mu))
    for one, h in zip(precision, shift, strict=True):
        variance = np.linalg.inv(one) + np.eye(2) * tau[:, :, None] ** 2
        apart = np.linalg.solve(one, h) - mu
        square = np.einsum("bg,bg->b", apart, np.linalg.solve(variance, apart[..., None])[..., 0])
        log -= 0.5 * (np.linalg.slogdet(variance)[1] + square)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    assert_allclose(pool.mean.mean(axis=0), weight @ mu, atol=0.02)
    assert_allclose(pool.scale.mean(axis=0), weight @ tau, atol=0.01)


def test_pool_given_offsets() -> None:
    delta = np.broadcast_to(MEAN[:, None], (20_000, 4, 1))
    check(pool_given(delta, PRIOR, np.random.default_rng(3)), 0, by_quadrature(MEAN, np.zeros(4)), 0.03)


def test_predictive_moments() -> None:
    pool = Pool(np.array([[1.0], [3.0]]), np.array([[2.0], [4.0]]))
    mean, variance = pool.predictive()
    assert (mean[0], variance[0]) == (2.0, 11.0)


def test_systematic_places_are_as_frequent_as_their_weights() -> None:
    weights = np.array([0.1, 0.0, 0.6, 0.3])
    counts = np.bincount(systematic(weights, 1000, np.random.default_rng(1)), minlength=4)
    assert np.all(np.abs(counts - 1000 * weights) <= 1)
