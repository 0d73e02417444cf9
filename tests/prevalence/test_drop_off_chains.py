"""Draws told of drop-off: against weighting a multitude of draws, and where drop-off says nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from prevalence.networks import draw_network
from scipy import special

from vocstats.errors import InputError
from vocstats.prevalence import latent_field
from vocstats.prevalence.counts import DropOffCounts, PainPointCounts, PainPointPriors
from vocstats.prevalence.drop_off import integrated, segment_logits, segment_weights, stages_of
from vocstats.prevalence.independence_chains import step
from vocstats.prevalence.latent_field import fit_latent_field
from vocstats.prevalence.one_pain import one_pain
from vocstats.prevalence.posterior import PainPointPosterior

PRIORS = PainPointPriors()
JOURNEY = DropOffCounts(
    stage=[0, 0, 0, 1, 1, 1], segment=[0, 1, 2, 0, 1, 2], reached=[900, 1100, 800, 700, 800, 500], dropped=[190, 160, 310, 50, 110, 60],
    acts=np.array([[True, False], [True, True]]),
)


def network() -> PainPointCounts:
    """Two pains, three segments, a survey and a small follow-up."""
    return draw_network(11, pains=2, segments=3, heard=(90, 15))[0]


def logits(counts: PainPointCounts, found: PainPointPosterior) -> np.ndarray:
    weight = segment_weights(counts.frame.sum(axis=1))
    return segment_logits(found.intercept[:, :, None] + found.segment, found.selection, weight)


def test_against_weighting_many_draws() -> None:
    """Of 12,000 draws without drop-off, weighted by the integrated chance of its counts."""
    counts = network()
    told = fit_latent_field(replace(counts, drop_off=JOURNEY), draws=2000, seed=1)
    many = logits(counts, fit_latent_field(counts, draws=12_000, seed=2))
    rng = np.random.default_rng(3)
    log = sum(special.logsumexp(integrated(each, each.centred(many[:, each.pains]), PRIORS, rng)[1], axis=0) for each in stages_of(JOURNEY))
    weight = special.softmax(log)
    assert 1.0 / np.sum(weight**2) > 1000  # else they would be no reference
    mean = np.tensordot(weight, many, 1)
    spread = np.sqrt(np.tensordot(weight, (many - mean) ** 2, 1))
    found = logits(counts, told)
    assert_allclose((found.mean(axis=0) - mean) / spread, 0.0, atol=0.15)
    assert_allclose(found.std(axis=0) / spread, 1.0, atol=0.1)
    assert np.abs((many.mean(axis=0) - mean) / spread).max() > 0.25  # drop-off did say something
    assert {"drop_off_pareto_k", "drop_off_effective_draws", "drop_off_drift", "drop_off_acceptance"} < set(told.diagnostics)
    assert told.drop_off_slope.shape == (2000, 2, 2) and (told.drop_off_slope[:, 0, 1] == 0.0).all()


def test_a_stage_of_one_segment_says_nothing() -> None:
    counts = network()
    alone = DropOffCounts(stage=[0], segment=[1], reached=[5000], dropped=[4000], acts=np.ones((1, 2), bool))
    plain, told = (logits(counts, fit_latent_field(each, draws=2000)) for each in (counts, replace(counts, drop_off=alone)))
    assert_allclose((told.mean(axis=0) - plain.mean(axis=0)) / plain.std(axis=0), 0.0, atol=0.12)
    assert_allclose(told.std(axis=0) / plain.std(axis=0), 1.0, atol=0.1)


def test_no_counts_are_no_drop_off_and_seeds_repeat() -> None:
    counts = network()
    none = DropOffCounts(stage=[0], segment=[0], reached=[0], dropped=[0], acts=np.ones((1, 2), bool))
    assert_array_equal(fit_latent_field(replace(counts, drop_off=none), draws=200).segment, fit_latent_field(counts, draws=200).segment)
    first, again = (fit_latent_field(replace(counts, drop_off=JOURNEY), draws=200, dealers=True, seed=5) for _ in range(2))
    assert_array_equal(first.segment, again.segment)
    assert_array_equal(first.dealer, again.dealer)


def test_short_steps_keep_the_distribution_of_the_proposals() -> None:
    counts, rng = network(), np.random.default_rng(4)
    pains = [one_pain(latent_field.collapse_dealers(counts)[0], k, PRIORS) for k in range(2)]
    fitted, pool = latent_field._approximated(pains, PRIORS, 20_000, counts.frame.shape[2] - 1, rng)
    start = step(fitted[0], None, pool, rng)[0]
    state = start
    for _ in range(4):
        state, _ = fitted[0].nearby(state, pool, 0.7, rng)
    spread = start.x.std(axis=0)
    assert_allclose((state.x.mean(axis=0) - start.x.mean(axis=0)) / spread, 0.0, atol=0.04)
    assert_allclose(state.x.std(axis=0) / spread, 1.0, atol=0.04)
    assert_allclose(state.beta.std(axis=0) / start.beta.std(axis=0), 1.0, atol=0.04)
    near, offsets = fitted[0].nearby(start, pool, 1.0, rng)  # correlation 1: the same place, and the same weights
    assert_allclose(near.x, start.x, atol=1e-9)
    assert_allclose(near.log_weight, start.log_weight, atol=1e-6)
    assert_allclose(offsets, fitted[0].log_offsets(start.beta, start.at, pool), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "code"), [({"acts": np.ones((2, 3), bool)}, "wrong_shape"), ({"segment": [0, 1, 3, 0, 1, 2]}, "codes_out_of_range")]
)
def test_drop_off_must_fit_the_counts(change: dict[str, object], code: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(network(), drop_off=replace(JOURNEY, **change))
    assert caught.value.code == code
