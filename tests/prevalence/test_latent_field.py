"""The deterministic engine against quadrature, against a plain sampler of the model written out, and against the truth of worlds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from prevalence.metropolis import dimensions, log_density, sample, unpack
from prevalence.networks import draw_network, keep_rows
from prevalence.test_response_ties import network
from scipy import special

import vocstats as vs
from vocstats.datasets import simulate_pain_points
from vocstats.errors import InputError
from vocstats.prevalence import latent_field
from vocstats.prevalence.counts import PainPointCounts, PainPointPriors
from vocstats.prevalence.latent_field import fit_latent_field
from vocstats.prevalence.posterior import PainPointPosterior

PRIOR = PainPointPriors()


def moments(draws: PainPointPosterior) -> dict[str, np.ndarray]:
    return {
        "alpha": draws.intercept, "a": draws.segment, "delta": draws.selection[:, :, 1:], "mu": draws.selection_mean[:, 1:],
        "tau": draws.selection_scale[:, 1:], "sigma": draws.segment_scale, "se": draws.sensitivity, "sp": draws.specificity,
    }


def check_against_sampler(counts: PainPointCounts, *, shift: float, ratio: float, **effort: int) -> None:
    """Means within `shift` standard deviations and standard deviations within `ratio` of those of the plain sampler."""
    z = sample(lambda z: log_density(counts, z, PRIOR), dimensions(counts), seed=1, **effort)
    slow = unpack(counts, z)
    slow |= {"tau": np.exp(slow["log_tau"]), "sigma": np.exp(slow["log_sigma"])}
    slow |= {name: special.expit(slow[name]) for name in ("se", "sp")}
    for name, fast in moments(fit_latent_field(counts, draws=8000)).items():
        spread = slow[name].std(axis=0)
        assert_allclose((fast.mean(axis=0) - slow[name].mean(axis=0)) / spread, 0.0, atol=shift, err_msg=name)
        assert_allclose(fast.std(axis=0) / spread, 1.0, atol=ratio, err_msg=name)


def test_two_pains_against_a_plain_sampler() -> None:
    counts, _ = draw_network(3, pains=2, segments=2, heard=(120, 12))
    check_against_sampler(counts, shift=0.15, ratio=0.15, chains=100, steps=1800, kept=1000)


def layered() -> PainPointCounts:
    """A survey, tickets that few write, and a follow-up whose mode may add something."""
    counts, _ = draw_network(5, pains=1, segments=2, heard=(150, 30))
    tickets = keep_rows(counts, counts.group == 0)
    tickets |= {"source": np.full(2, 2), "positive": np.array([9.0, 4.0])}
    rows = {name: np.concatenate([getattr(counts, name), tickets[name]]) for name in tickets}
    layer = np.full((3, 1, 2), np.nan)
    told, invented = layer.copy(), layer.copy()
    told[2], invented[2] = (6.0, 14.0), (1.0, 99.0)
    return replace(counts, **rows, coder=np.array([0, -1, -1]), mention=told, false_mention=invented, mode_scale=np.array([0.0, 0.3, 0.0]))


@pytest.mark.slow
def test_mentions_and_modes_against_a_plain_sampler() -> None:
    check_against_sampler(layered(), shift=0.08, ratio=0.08, chains=200, steps=8000, kept=6000)


@pytest.mark.slow
def test_three_groups_and_few_answers_against_a_plain_sampler() -> None:
    counts, _ = draw_network(8, pains=2, segments=3, heard=(40, 4, 3), audit=(10, 20))
    check_against_sampler(counts, shift=0.08, ratio=0.08, chains=200, steps=10000, kept=8000)


def test_one_pain_one_segment_by_quadrature() -> None:
    """α, Se and Sp of one cell on a grid, where few positives and a vague audit bend the ridge most."""
    counts, _ = draw_network(2, pains=1, segments=1, heard=(400,), audit=(10, 20))
    counts = replace(counts, positive=[22.0])
    draws = fit_latent_field(counts, draws=20_000)
    alpha = np.linspace(-7.0, 1.0, 201)
    nodes = (np.arange(200) + 0.5) / 200
    se, sp = (special.betaincinv(*getattr(counts, name)[0, 0], nodes) for name in ("sensitivity", "specificity"))
    theta = special.expit(alpha)[:, None, None]
    share = se[:, None] * theta + (1 - sp) * (1 - theta)
    log = 22 * np.log(share) + 378 * np.log1p(-share) - 0.5 * ((alpha - PRIOR.intercept) / PRIOR.intercept_scale)[:, None, None] ** 2
    chance = special.softmax(log)
    coder = (draws.sensitivity[:, 0, 0], se[:, None]), (draws.specificity[:, 0, 0], sp)
    for fast, value in ((draws.intercept[:, 0], alpha[:, None, None]), *coder):
        mean = np.sum(chance * value)
        spread = np.sqrt(np.sum(chance * (value - mean) ** 2))
        assert abs(fast.mean() - mean) < 0.05 * spread
        assert abs(fast.std() / spread - 1.0) < 0.04
    below = np.cumsum(chance.sum(axis=(1, 2)))
    limits = [alpha[np.searchsorted(below, share)] for share in (0.05, 0.5, 0.95)]
    assert_allclose(np.quantile(draws.intercept[:, 0], [0.05, 0.5, 0.95]), limits, atol=0.08)


def test_no_positives_among_few() -> None:
    """δ is as skewed as it gets: nobody of ten silent customers has the pain. One perfect source per group, α and δ on a grid."""
    counts, _ = draw_network(2, pains=1, segments=1, heard=(300, 10))
    counts = replace(counts, coder=np.array([-1, -1]), positive=[60.0, 0.0])
    draws = fit_latent_field(counts, draws=20_000)
    alpha, delta = np.linspace(-2.5, -0.5, 121)[:, None], np.linspace(-6.0, 3.0, 361)
    tau, weight = special.roots_legendre(60)
    tau = (tau + 1.0) * 1.5
    scale = np.sqrt(PRIOR.selection_mean_scale**2 + tau**2)
    prior = np.exp(-0.5 * (tau / PRIOR.selection_scale) ** 2 - 0.5 * (delta[:, None] / scale) ** 2) / scale @ weight
    log = special.log_expit(alpha) * 60 + special.log_expit(-alpha) * 240 + special.log_expit(-alpha - delta) * 10
    chance = special.softmax(log - 0.5 * ((alpha - PRIOR.intercept) / PRIOR.intercept_scale) ** 2 + np.log(prior)).sum(axis=0)
    mean = chance @ delta
    spread = np.sqrt(chance @ (delta - mean) ** 2)
    assert abs(draws.selection[:, 0, 1].mean() - mean) < 0.04 * spread
    assert abs(draws.selection[:, 0, 1].std() / spread - 1.0) < 0.04
    limits = delta[np.searchsorted(np.cumsum(chance), [0.05, 0.5, 0.95])]
    assert_allclose(np.quantile(draws.selection[:, 0, 1], [0.05, 0.5, 0.95]), limits, atol=0.08)


def test_same_seed_same_bits_other_seed_same_answer() -> None:
    counts, _ = draw_network(4, pains=3)
    one, two, other = (fit_latent_field(counts, seed=seed, draws=3000) for seed in (0, 0, 1))
    assert_array_equal(one.intercept, two.intercept)
    assert_array_equal(one.selection_scale, two.selection_scale)
    assert (one.intercept != other.intercept).any()
    for name, draws in moments(one).items():
        assert np.all(np.abs(draws.mean(axis=0) - moments(other)[name].mean(axis=0)) < 0.15 * draws.std(axis=0)), name


def test_order_of_rows_and_split_rows_do_not_matter() -> None:
    counts, _ = draw_network(4, pains=3)
    shuffled = np.random.default_rng(1).permutation(counts.n.size)
    halves = {name: np.tile(getattr(counts, name), 2) for name in ("pain", "segment", "dealer", "group", "source")}
    other = replace(counts, **keep_rows(counts, shuffled))
    split = replace(counts, **halves, positive=np.tile(counts.positive / 2, 2), n=np.tile(counts.n / 2, 2))
    for same in (other, split):
        assert_allclose(fit_latent_field(same).intercept, fit_latent_field(counts).intercept, rtol=1e-6)


def test_shapes_and_what_is_zero_by_definition() -> None:
    counts, _ = draw_network(4, pains=3, segments=4)
    draws = fit_latent_field(counts, draws=500)
    assert draws.intercept.shape == (500, 3) and draws.segment.shape == (500, 3, 4) and draws.selection.shape == (500, 3, 3)
    assert draws.sensitivity.shape == (500, 1, 3)
    assert_allclose(draws.segment.sum(axis=2), 0.0, atol=1e-12)
    assert not draws.selection[:, :, 0].any() and not draws.selection_scale[:, 0].any()
    assert draws.dealer_draw.size == 0 and draws.dealer.shape == (0, 3, 1)
    assert_array_equal(draws.design_effect, 1.0)


def test_a_pain_with_no_data_is_drawn_from_its_prior() -> None:
    counts, _ = draw_network(4, pains=3, heard=(200, 30, 30))
    counts = replace(counts, **keep_rows(counts, counts.pain != 1))
    draws = fit_latent_field(counts, draws=5000)
    assert abs(draws.intercept[:, 1].mean() - PRIOR.intercept) < 0.05
    assert abs(draws.intercept[:, 1].std() - PRIOR.intercept_scale) < 0.05
    assert abs(draws.segment_scale[:, 1].mean() - PRIOR.segment_scale * np.sqrt(2 / np.pi)) < 0.02
    a, b = counts.sensitivity[0, 1]
    assert abs(draws.sensitivity[:, 0, 1].mean() - a / (a + b)) < 0.01
    assert_allclose(draws.selection[:, 1, 1:].mean(axis=0), draws.selection_mean[:, 1:].mean(axis=0), atol=0.06)


def test_no_data_at_all_gives_the_prior() -> None:
    counts, _ = draw_network(4, pains=2)
    draws = fit_latent_field(replace(counts, **keep_rows(counts, np.zeros(counts.n.size, bool))), draws=5000)
    assert_allclose(draws.selection_mean[:, 1:].std(axis=0), PRIOR.selection_mean_scale, rtol=0.05)
    assert_allclose(draws.selection_scale[:, 1:].mean(axis=0), PRIOR.selection_scale * np.sqrt(2 / np.pi), rtol=0.05)
    assert_allclose(draws.intercept.std(axis=0), PRIOR.intercept_scale, rtol=0.05)


def test_group_nobody_was_heard_of_has_the_prior_of_its_offset() -> None:
    counts, _ = draw_network(4)
    silent = fit_latent_field(replace(counts, **keep_rows(counts, counts.group != 1)), draws=5000)
    assert abs(silent.selection_mean[:, 1].mean()) < 0.05
    assert_allclose(silent.selection_mean[:, 1].std(), PRIOR.selection_mean_scale, rtol=0.05)
    assert_allclose(silent.selection[:, :, 1].std(axis=0), np.hypot(PRIOR.selection_mean_scale, PRIOR.selection_scale), rtol=0.06)


@pytest.mark.parametrize("pains", [1, 4])
def test_without_silent_customers(pains: int) -> None:
    counts, truth = draw_network(6, pains=pains, heard=(2000,))
    draws = fit_latent_field(counts)
    assert draws.selection.shape == (2000, pains, 1) and not draws.selection.any()
    assert np.all(np.abs(draws.intercept.mean(axis=0) - truth["alpha"]) < 4.0 * draws.intercept.std(axis=0))


def test_one_pain_one_segment() -> None:
    counts, _ = draw_network(6, pains=1, segments=1)
    assert fit_latent_field(counts, draws=200).segment.shape == (200, 1, 1)


def test_a_wrong_audit_is_seen() -> None:
    """With a perfect source beside it, a coder who is worse than his audit says moves the estimate: the test of calibration can fail."""
    counts, truth = draw_network(9, pains=3, heard=(5000, 200, 200))
    wrong = replace(counts, sensitivity=np.broadcast_to([300.0, 700.0], counts.sensitivity.shape))
    error = [np.abs(fit_latent_field(each).intercept.mean(axis=0) - truth["alpha"]).mean() for each in (counts, wrong)]
    assert error[1] > 3.0 * error[0]


def test_dealers() -> None:
    """Shares of dealers are covered as often as they should be, better than their own answers, and add up to the network's."""
    covered, errors = [], []
    for seed in range(3):
        counts, share = network(seed, tied=0.0)
        counts = replace(counts, frame=counts.frame[:, :, :1])  # everybody is engaged
        draws = fit_latent_field(counts, dealers=True, seed=seed)
        assert draws.dealer.shape == (250, 4, 60) and draws.dealer_shift.shape == draws.dealer_scale.shape == (250, 4)
        used, weight = draws.dealer_draw, counts.frame[..., 0] / counts.frame[..., 0].sum(axis=0)
        level = draws.intercept[used, :, None] + draws.segment[used] + draws.dealer_shift[..., None]
        found = np.einsum("bksd,sd->bkd", special.expit(level[..., None] + draws.dealer[:, :, None]), weight)
        low, high = np.quantile(found, [0.05, 0.95], axis=0)
        covered.append(np.mean((low < share) & (share < high)))
        answers = [np.bincount(counts.pain * 60 + counts.dealer, values).reshape(4, 60) for values in (counts.positive, counts.n)]
        errors.append([np.mean((estimate - share) ** 2) for estimate in (found.mean(axis=0), answers[0] / answers[1])])
        customers = counts.frame.sum(axis=(0, 2))
        theta = special.expit(draws.intercept[..., None] + draws.segment) @ (counts.frame.sum(axis=(1, 2)) / counts.frame.sum())
        assert_allclose(found.mean(axis=0) @ customers / customers.sum(), theta.mean(axis=0), atol=0.01)
    assert 0.84 < np.mean(covered) < 0.95
    better, raw = np.sqrt(np.mean(errors, axis=0))
    assert better < 0.75 * raw


@pytest.mark.parametrize(
    ("option", "value", "code"), [("draws", 10, "out_of_bounds"), ("draws", 200.5, "not_whole"), ("seed", -1, "not_a_seed")]
)
def test_bad_options(option: str, value: float, code: str) -> None:
    counts, _ = draw_network(4, pains=1)
    with pytest.raises(InputError) as caught:
        fit_latent_field(counts, **{option: value})
    assert caught.value.code == code


def test_a_dealer_without_customers_and_one_never_heard() -> None:
    counts, _ = network(1, tied=0.0, pains=2, dealers=12)
    kept = ~np.isin(counts.dealer, [3, 7])
    frame = np.array(counts.frame)
    frame[:, 3] = 0.0
    draws = fit_latent_field(replace(counts, **keep_rows(counts, kept), frame=frame), dealers=True)
    spread = np.sqrt(np.mean(draws.dealer_scale**2, axis=0))
    for dealer in (3, 7):
        assert_allclose(draws.dealer[:, :, dealer].std(axis=0), spread, rtol=0.25)


def test_a_pain_with_few_effective_points_is_gone_over_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = simulate_pain_points(30, seed=90033, segments=3)
    given = {"groups": world.groups, "frame": world.frame, "coder_audit": world.coder_audit, "perfect_sources": world.perfect_sources}
    again = vs.estimate_pain_points(world.observations, **given, seed=39).diagnostics["effective_points"]
    monkeypatch.setattr(latent_field, "_ROUNDS", latent_field._ROUNDS[: len(latent_field._POINTS)])
    once = vs.estimate_pain_points(world.observations, **given, seed=39).diagnostics["effective_points"]
    assert once < 50.0 <= again
