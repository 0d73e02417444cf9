"""Points of the nuisances stand for their priors, and move to where they are likely."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose

from vocstats.prevalence.nuisance_points import Nuisances, effective, next_proposal, prior_proposal, spread_evenly, tempered

NUISANCES = Nuisances(
    np.array([[40.0, 8.0], [90.0, 3.0], [5.0, 15.0], [1.0, 50.0]]), sensitivity=np.array([[0], [4], [0]]),
    specificity=np.array([[1], [4], [1]]), label=np.ones((3, 1), int),
    mention=np.array([4, 4, 2]), false_mention=np.array([-1, -1, 3]), segment_scale=0.5,
)


def test_points_of_the_prior_have_its_moments() -> None:
    z, ratio = prior_proposal(5).points(4096, np.random.default_rng(1))
    assert_allclose(ratio, 0.0, atol=1e-12)
    chances, points = NUISANCES.chances(z), NUISANCES.points(z)
    a, b = NUISANCES.betas.T
    assert_allclose(chances.mean(axis=0), a / (a + b), atol=3e-4)
    assert_allclose(chances.var(axis=0), a * b / (a + b) ** 2 / (a + b + 1), rtol=0.03)
    assert_allclose([points.sigma.mean(), np.mean(points.sigma**2)], [0.5 * np.sqrt(2 / np.pi), 0.25], rtol=5e-3)


def test_what_a_source_finds() -> None:
    z = np.random.default_rng(1).normal(size=(7, 5))
    (se, sp, m1, m0), points = NUISANCES.chances(z).T, NUISANCES.points(z)
    assert_allclose(points.found, np.column_stack([se, np.ones(7), se * m1 + (1 - sp) * (1 - m1)]))
    assert_allclose(points.false, np.column_stack([1 - sp, np.zeros(7), se * m0 + (1 - sp) * (1 - m0)]))


def test_points_are_spread_more_evenly_than_at_random() -> None:
    even = spread_evenly(512, 3, np.random.default_rng(1))
    chance = np.random.default_rng(1).random((512, 3))
    errors = [abs(np.prod(2 * points, axis=1).mean() - 1.0) for points in (even, chance)]
    assert errors[0] < 0.01 < errors[1]


def test_a_few_rounds_find_a_far_and_narrow_likelihood() -> None:
    """Normal likelihood in three dimensions, two of them nearly tied: the posterior is known."""
    rng = np.random.default_rng(1)
    precision = np.array([[60.0, 55.0, 0.0], [55.0, 60.0, 0.0], [0.0, 0.0, 4.0]])
    centre = np.array([1.5, -1.0, 2.0])
    proposal = prior_proposal(3)
    for many in (64, 64, 128, 256):
        z, ratio = proposal.points(many, rng)
        log_weights = ratio - 0.5 * np.einsum("jd,de,je->j", z - centre, precision, z - centre)
        proposal = next_proposal(z, log_weights)
    weights = tempered(log_weights, least=1.0)
    covariance = np.linalg.inv(precision + np.eye(3))
    spread = np.sqrt(np.diag(covariance))
    assert effective(weights) > 100
    assert_allclose((weights @ z - covariance @ precision @ centre) / spread, 0.0, atol=0.06)
    assert_allclose(np.sqrt(weights @ z**2 - (weights @ z) ** 2) / spread, 1.0, atol=0.08)


def test_tempering_keeps_enough_points() -> None:
    log_weights = np.linspace(0.0, -500.0, 40)
    assert effective(tempered(log_weights, least=1.0)) < 1.1
    assert 9.5 < effective(tempered(log_weights, least=10.0)) < 10.5
