"""The simulated customers: shares as asked for, effects in the stated direction."""

import numpy as np
import pytest

from vocstats.datasets.population import SCORE_SHARES, draw_population, probability


@pytest.fixture(scope="module")
def population():
    return draw_population(np.random.default_rng(3), 60_000, 30, 0.12, 1.0)


@pytest.mark.parametrize("mean", [0.0, 0.01, 0.3, 0.97, 1.0])
def test_probability_meets_its_mean(mean):
    eta = np.random.default_rng(1).normal(0, 2, 5_000)
    assert probability(eta, mean).mean() == pytest.approx(mean, abs=1e-12)


def test_probability_of_nobody_is_empty():
    assert probability(np.empty(0), 0.3).shape == (0,)


def test_ids_are_distinct_and_begin_with_zero(population):
    assert np.unique(population.ids).size == population.size
    assert {len(one) for one in population.ids} == {8} and {one[0] for one in population.ids} == {"0"}


def test_scores_are_skewed_as_intended(population):
    shares = np.bincount(population.score, minlength=11)[1:] / population.size
    np.testing.assert_allclose(shares, SCORE_SHARES, atol=0.02)
    assert shares.argmax() == 9


def test_the_dissatisfied_leave(population):
    leaving = population.left_by(np.datetime64("2026-10-01")) & population.in_window
    share = [leaving[population.in_window & (population.score == score)].mean() for score in (3, 7, 10)]
    assert share[0] > share[1] > share[2]
    assert leaving.sum() / population.in_window.sum() == pytest.approx(0.12, abs=0.02)


def test_nobody_leaves_before_he_bought(population):
    gone = ~np.isnat(population.left)
    assert (population.left[gone] > population.purchased[gone]).all()


def test_tenure_counts_months_to_the_reference_date(population):
    months = (2026 - population.purchased.astype("datetime64[Y]").astype(int) - 1970) * 12 + 9
    months = months - population.purchased.astype("datetime64[M]").astype(int) % 12
    np.testing.assert_array_equal(population.tenure_months, np.maximum(months, 0))
