"""The chance of the counts of a stage: the beta-binomial distribution, and the integral over what is not known of the stage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import special, stats

from vocstats import texts
from vocstats.errors import InputError
from vocstats.prevalence.counts import DropOffCounts, PainPointPriors
from vocstats.prevalence.drop_off import (
    LEVEL,
    LEVEL_SCALE,
    StageCounts,
    StageParameters,
    integrated,
    log_chance_at_points,
    segment_logits,
    segment_weights,
    stages_of,
)

PRIORS = PainPointPriors()


def stage(reached: tuple[float, ...] = (300, 280, 150, 60), dropped: tuple[float, ...] = (60, 75, 26, 20), pains: int = 1) -> StageCounts:
    return StageCounts(0, np.arange(pains), np.arange(len(reached)), np.array(reached, float), np.array(dropped, float))


def test_beta_binomial_with_the_mean_and_the_spread_stated() -> None:
    one, logit, spread = stage(), np.array([-1.2, -0.4, -2.0, 0.3]), np.array([0.2, 0.02, 0.7, 1.1])
    p = special.expit(logit)
    a, b = 1.0 / (spread**2 * (1.0 - p)), 1.0 / (spread**2 * p)
    exact = stats.betabinom.logpmf(one.dropped, one.reached, a, b) - special.gammaln(one.reached + 1.0)
    exact += special.gammaln(one.dropped + 1.0) + special.gammaln(one.reached - one.dropped + 1.0)
    assert_allclose(one.log_chance(logit, spread), exact, rtol=1e-9, atol=1e-7)
    assert_allclose(stats.beta.mean(a, b), p)
    sd_of_logit = np.sqrt(special.polygamma(1, a) + special.polygamma(1, b))
    assert_allclose(sd_of_logit[:2], spread[:2], rtol=0.05)  # about ω


def test_no_spread_is_binomial() -> None:
    one, logit = stage(), np.array([-1.2, -0.4, -2.0, 0.3])
    binomial = one.dropped * special.log_expit(logit) + (one.reached - one.dropped) * special.log_expit(-logit)
    assert_allclose(one.log_chance(logit, np.zeros(4)), binomial, atol=2e-3)


def test_table_is_as_good_as_the_formula() -> None:
    rng, one = np.random.default_rng(1), stage()
    eta = one.centred(rng.normal(0.0, 0.3, (50, 1, 4)))
    at = StageParameters.of(rng.normal(size=(20, 3)) * (0.1, 1.0, 1.0), PRIORS)
    logit = at.level[:, None, None] + at.slope[:, :, None] * eta[:, 0]
    exact = one.log_chance(logit, at.spread[:, None, None]).sum(axis=2)
    assert_allclose(log_chance_at_points(one, at, eta), exact, atol=2e-3)


@pytest.mark.parametrize("priors", [PRIORS, replace(PRIORS, drop_off_slope=1.0, drop_off_spread=0.2)])
def test_integral_by_brute_force(priors: PainPointPriors) -> None:
    """Over a grid of 61 levels, 60 slopes and 60 spreads, for draws of η that the counts like and that they do not."""
    one = stage()
    eta = np.array([[0.0, 0.0, 0.0, 0.0], [-0.2, 0.2, -0.3, 0.3], [0.2, -0.2, 0.3, -0.3], [-0.8, 0.6, -0.9, 1.1]])[:, None]
    middle = np.arange(0.5, 60.0) / 60.0
    level = np.linspace(-3.5, 0.5, 61)
    slope, spread = (-scale * special.ndtri((1.0 - middle) / 2.0) for scale in (priors.drop_off_slope, priors.drop_off_spread))
    logit = level[:, None, None, None, None] + slope[:, None, None, None] * eta[:, 0]
    log = one.log_chance(logit, spread[:, None, None]).sum(axis=-1)
    prior = stats.norm.logpdf(level, LEVEL, LEVEL_SCALE) + np.log(level[1] - level[0]) - 2.0 * np.log(60.0)
    exact = special.logsumexp(log + prior[:, None, None, None], axis=(0, 1, 2))

    def found(draws: np.ndarray) -> np.ndarray:
        return special.logsumexp(integrated(one, draws, priors, np.random.default_rng(2))[1], axis=0)

    alone = np.concatenate([found(draw[None]) for draw in eta])
    assert_allclose(alone, exact, atol=0.05)
    assert_allclose(found(np.repeat(eta, 75, axis=0))[::75], exact, atol=0.15)  # one set of points for all: enough to choose draws by


def test_share_of_a_segment_is_over_everybody() -> None:
    weight = segment_weights(np.array([[300.0, 600.0, 100.0], [0.0, 0.0, 0.0]]))
    assert_allclose(weight, [[0.3, 0.6, 0.1], [1.0, 0.0, 0.0]])
    logit = segment_logits(np.array([[[-1.0, -2.0]]]), np.array([[[0.0, 0.5, 1.0]]]), weight)
    assert_allclose(special.expit(logit[0, 0]), [special.expit([-1.0, -0.5, 0.0]) @ weight[0], special.expit(-2.0)])
    by_dealer = segment_weights(np.array([[[1.0, 3.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]]]))
    assert_allclose(by_dealer.sum(axis=(1, 2)), 1.0)


def test_stages_that_nobody_reached_are_left_out() -> None:
    counts = DropOffCounts(stage=[0, 0, 1, 2], segment=[0, 1, 0, 0], reached=[10, 0, 0, 5], dropped=[1, 0, 0, 2], acts=np.eye(3, 2) > 0)
    assert [(each.stage, each.pains.tolist(), each.segment.tolist()) for each in stages_of(counts)] == [(0, [0], [0])]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"dropped": [6, 1]}, "drop_off_counts"), ({"reached": [5.5, 4]}, "drop_off_counts"), ({"dropped": [-1, 1]}, "negative"),
        ({"reached": [np.nan, 4]}, "missing_or_infinite"), ({"stage": [0, 1]}, "codes_out_of_range"),
        ({"segment": [-1, 0]}, "codes_out_of_range"),
        ({"acts": np.ones(2)}, "wrong_shape"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(change: dict[str, object], code: str) -> None:
    given = {"stage": [0, 0], "segment": [0, 1], "reached": [5, 4], "dropped": [2, 1], "acts": np.ones((1, 2), bool)}
    with pytest.raises(InputError) as caught:
        DropOffCounts(**(given | change))
    assert caught.value.code == code
    assert any("一" <= letter <= "鿿" for letter in texts.message(caught.value, "zh"))
