"""The simulated fieldwork: answers depend on the score, later draws do not."""

import numpy as np
import pytest

from vocstats.datasets.fieldwork import ATTEMPTS, COMPLETE, draw_churned, draw_silent, j_shape, run_survey
from vocstats.datasets.population import draw_population


@pytest.fixture(scope="module")
def population():
    return draw_population(np.random.default_rng(5), 60_000, 30, 0.12, 1.0)


def survey_of(population, seed=1, strength=1.0):
    return run_survey(np.random.default_rng(seed), population, response_rate=0.25, response_strength=strength, never_invited=0.1)


def rates(population, survey, scores):
    return [survey.answered[survey.invited & np.isin(population.score, score)].mean() for score in scores]


def test_j_shape_dips_in_the_middle_and_ends_highest():
    h = j_shape(np.arange(1, 11))
    assert h.argmin() in (3, 4) and h.argmax() == 9 and h[0] > h[4] + 0.5 and h[9] > h[0] + 0.5


def test_response_depends_on_the_score(population):
    survey = survey_of(population)
    lowest, middle, nine, ten = rates(population, survey, [(1, 2), (4, 5, 6), (9,), (10,)])
    assert ten > nine > lowest > middle
    assert survey.answered[survey.invited].mean() == pytest.approx(0.25, abs=0.01)


def test_response_of_strength_zero_depends_on_traits_only(population):
    weak = survey_of(population, strength=0.0)
    traits = [population.traits[name] for name in ("age_band", "purchase_channel", "tenure_band", "warranty")]
    cells = np.ravel_multi_index(traits, (5, 3, 4, 2))
    invited = weak.invited
    expected = np.bincount(cells[invited], weak.answered[invited]) / np.maximum(np.bincount(cells[invited]), 1)
    residual = (weak.answered - expected[cells])[invited]
    score = population.score[invited] - population.score[invited].mean()
    z = (residual * score).sum() / np.sqrt((residual**2 * score**2).sum())
    strong = survey_of(population)
    assert abs(z) < 3.5
    assert strong.answered.sum() == pytest.approx(weak.answered.sum(), rel=0.05)


def test_attempts_have_a_constant_chance(population):
    survey = survey_of(population)
    counts = np.bincount(survey.attempts[survey.answered], minlength=ATTEMPTS + 1)[1:]
    assert counts.sum() == survey.answered.sum() and (np.diff(counts) < 0).all()


def test_dispositions_agree_with_answers(population):
    survey = survey_of(population)
    np.testing.assert_array_equal(survey.disposition == COMPLETE, survey.answered)
    np.testing.assert_array_equal(survey.disposition != "", survey.invited)
    assert not (survey.answered & ~survey.invited).any()


@pytest.mark.parametrize("draw", [draw_silent, draw_churned])
def test_later_draws_are_random_and_their_answers_depend_on_traits(population, draw):
    survey = survey_of(population)
    sample = draw(np.random.default_rng(2), population, survey, rate=0.5, response=0.6)
    drawn = sample.rows[sample.selected]
    assert np.unique(sample.rows).size == sample.rows.size
    assert not survey.answered[sample.rows].any()
    assert not sample.heard[~sample.selected].any()
    assert sample.heard[sample.selected].mean() == pytest.approx(0.6, abs=0.04)
    young = population.traits["age_band"][drawn] == 0
    old = population.traits["age_band"][drawn] == 4
    heard = sample.heard[sample.selected]
    assert heard[old].mean() > heard[young].mean()


def test_nobody_is_drawn_at_rate_zero(population):
    sample = draw_silent(np.random.default_rng(2), population, survey_of(population), rate=0.0, response=1.0)
    assert sample.rows.size == 0


def test_everybody_drawn_answers_at_response_one(population):
    sample = draw_churned(np.random.default_rng(2), population, survey_of(population), rate=1.0, response=1.0)
    assert sample.heard.all() and sample.selected.all()
