"""The model of contaminated scores: its likelihood answer by answer, its posterior by quadrature, and networks with known truth."""

from __future__ import annotations

import json
import warnings
from functools import cache

import jsonschema
import numpy as np
import pytest
from bayes.densities import constrained
from bayes.mark_networks import CUTS, honest_mean, log_likelihood, network
from bayes.pages import failures_of_example
from scipy import special, stats

import vocstats as vs
from vocstats.bayes import ContaminationPriors, SamplingWarning, build_contamination, fit_contamination, sampling
from vocstats.bayes.contamination import contamination_model
from vocstats.bayes.contamination_cells import BANDS, collapse
from vocstats.bayes.contamination_posterior import dealer_draws
from vocstats.schemas import schema

NETWORK = {"quality_spread": 0.3, "gap_centre": 0.1, "gap_spread": 0.08, "inflated": 0.2}


def three_dealers():
    net = network(1, dealers=3, sizes=(30, 60))
    return {"score": net.score, "dealer": net.dealer, "independent": net.independent, "scale": (1, 5)}


def test_likelihood_is_that_of_the_answers_one_by_one(pymc):
    given, rng = three_dealers(), np.random.default_rng(2)
    score, dealer, outside = (given[name] for name in ("score", "dealer", "independent"))
    repair = rng.random(score.size) < 0.4
    model = build_contamination(**given, x={"repair": repair})
    within = score - np.array([score[outside & (dealer == d)].mean() for d in range(3)])[dealer]
    better = np.sign(within[outside & repair].mean() - within[outside & ~repair].mean())
    mix = better * (repair - repair.mean()) / repair.std()
    logp = model.compile_logp(vars=model.potentials, jacobian=False, mode="FAST_COMPILE")
    for _ in range(3):
        point = {name: value + 0.3 * rng.normal(size=np.shape(value)) for name, value in model.initial_point().items()}
        at = constrained(model, point)
        cuts = special.ndtri(np.cumsum(at["reference"])[:-1])
        gap = at["gap_centre"] + at["gap_spread"] * at["gap_unit"]
        told = [
            log_likelihood(
                score[rows], outside[rows], at["quality"][d] + at["case_mix"] * mix[rows], gap[d], at["turned"][d], at["inflated"], cuts
            )
            for d, rows in enumerate(np.flatnonzero(dealer == d) for d in range(3))
        ]
        assert float(logp(point)) == pytest.approx(sum(told), rel=1e-8)


def test_posterior_of_one_dealer_by_quadrature(pymc):
    """The model's log density over a grid of quality, gap and share turned against answers one by one over another grid.

    The network's parameters are held fixed. A second dealer has one answer: of two, qualities are q and -q.
    """
    rng, size, reference = np.random.default_rng(5), 90, np.array([0.05, 0.1, 0.15, 0.3, 0.4])
    cuts = special.ndtri(np.cumsum(reference)[:-1])
    outside = np.arange(size) < 30
    score = 1 + np.searchsorted(cuts, 0.2 + 0.1 * ~outside + rng.normal(size=size))
    score[~outside & (rng.random(size) < 0.35)] = 5
    cells = collapse(np.append(score, 1), np.append(np.zeros(size, int), 1), np.append(outside, True), scale=(1, 5))
    fixed = {"reference": reference, **NETWORK}
    model = pymc.do(contamination_model(cells, ContaminationPriors()), fixed)
    density, drawn = on_grid(model, [np.linspace(-1.4, 1.4, 15), np.linspace(-3.6, 3.6, 7), np.linspace(-6.0, 4.0, 21)])
    weight = np.exp(density - density.max())
    values = {**drawn, **{name: np.tile(value, (density.size, *[1] * np.ndim(value))) for name, value in fixed.items()}}
    honest, added, chance = (part[:, 0] for part in dealer_draws(cells, values))
    found = [weight @ figure / weight.sum() for figure in (honest, honest**2, chance, chance * added)]
    assert 0.2 < found[2] < 0.8
    np.testing.assert_allclose(found, by_quadrature(score, outside, cuts), rtol=1e-3)


def on_grid(model, axes):
    """Log density in the space that is sampled, and the variables, over a grid of what the first dealer has to himself."""
    q, unit, odds = (axis.ravel() for axis in np.meshgrid(*axes, indexing="ij"))
    points = {
        "quality_zerosum__": q[:, None], "gap_unit": np.stack([unit, 0.0 * unit], axis=1),
        "turned_logodds__": np.stack([odds, 0.0 * odds], axis=1),
    }
    logp = model.compile_logp(mode="FAST_COMPILE")
    each = [dict(zip(points, row, strict=True)) for row in zip(*points.values(), strict=True)]
    unit_quality = constrained(model, {**each[0], "quality_zerosum__": np.ones(1)})["quality"]
    drawn = {"quality": q[:, None] * unit_quality, "gap_unit": points["gap_unit"], "turned": special.expit(points["turned_logodds__"])}
    return np.array([float(logp(point)) for point in each]), drawn


def by_quadrature(score, outside, cuts):
    """Mean and second moment of the honest mean, chance that forms were turned, what that adds: answer by answer, from the formula."""
    axes = np.linspace(-1.0, 1.0, 61), np.linspace(-4.5, 4.5, 31), np.linspace(0.0, 1.0, 102)[1:-1]
    q, unit, c = np.meshgrid(*axes, indexing="ij")
    gap = NETWORK["gap_centre"] + NETWORK["gap_spread"] * unit
    prior = stats.norm.logpdf(q, 0.0, NETWORK["quality_spread"] / np.sqrt(2.0)) + stats.norm.logpdf(unit) + stats.beta.logpdf(c, 2.0, 4.0)
    edges = np.concatenate([[-np.inf], cuts, [np.inf]])
    logs = np.zeros((2, *q.shape)) + stats.norm.logcdf(cuts[0] + q)  # the other dealer's answer, a 1
    for answer, own in zip(score, ~outside, strict=True):
        p = stats.norm.cdf(edges[answer] - q - own * gap) - stats.norm.cdf(edges[answer - 1] - q - own * gap)
        logs += np.log([p, np.where(own, (1.0 - c) * p + c * (answer == 5), p)])
    share = NETWORK["inflated"]
    weight = np.exp(logs + prior + np.log([1.0 - share, share])[:, None, None, None])
    mean, added = honest_mean(q, cuts), c * (5.0 - honest_mean(q + gap, cuts)) * (~outside).mean()
    figures = ([mean, mean], [mean**2, mean**2], [0.0 * c, 0.0 * c + 1.0], [0.0 * c, added])
    return [(weight * np.array(figure)).sum() / weight.sum() for figure in figures]


@cache
def fitted():
    """A network with three inflating dealers of 12, and the warnings of the fit."""
    rng, dealer = np.random.default_rng(3), np.repeat(np.arange(12), 250)
    independent = np.tile(np.arange(250) < 60, 12)
    quality = rng.normal(0.0, 0.3, 12)
    score = 1 + np.searchsorted(CUTS, quality[dealer] + 0.1 * ~independent + rng.normal(size=dealer.size))
    score[~independent & (rng.random(dealer.size) < np.where(dealer < 3, 0.6, 0.0))] = 5
    names = np.array([f"经销商 {d:02}" for d in range(12)])
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        fit = fit_contamination(score, names[dealer], independent, draws=1000, tune=700, seed=1)
    return fit, honest_mean(quality), score.reshape(12, 250), [each for each in heard if issubclass(each.category, SamplingWarning)]


@pytest.mark.slow
def test_network_with_known_truth(pymc):
    fit, truth, score, heard = fitted()
    assert fit.divergences <= 2 and fit.r_hat < 1.05  # with a dozen dealers a step or two may diverge
    assert bool(heard) == (fit.r_hat > sampling.HIGHEST_R_HAT or fit.divergences > 0)
    assert (fit.chance_inflated[:3] > 0.8).all() and fit.chance_inflated[3:].mean() < 0.15
    inside = (fit.conf_low <= truth) & (truth <= fit.conf_high)
    assert inside.sum() >= 8  # of 12 at 90 %: fewer with a chance of .004
    assert np.abs(fit.honest_mean - truth)[:3].mean() < 0.5 * (score.mean(axis=1) - truth)[:3].mean()
    np.testing.assert_allclose(fit.score, score.mean(axis=1))
    assert (fit.n == 250).all() and (fit.n_independent == 60).all()
    assert fit.inflation[:3].min() > 2.0 * fit.inflation[3:].max() and (fit.inflation_low[3:] == 0).all()
    assert fit.turned[:3] == pytest.approx(np.full(3, 0.6), abs=0.3)
    figures = fit.parameters_frame().set_index("parameter")
    assert list(figures.index) == ["quality_spread", "gap_centre", "gap_spread", "inflated"]
    assert (figures["conf_low"] < figures["estimate"]).all() and (figures["estimate"] < figures["conf_high"]).all()


@pytest.mark.slow
def test_result_can_be_written_read_and_told(pymc):
    fit, *_ = fitted()
    document = json.loads(fit.to_json())
    jsonschema.validate(document, schema("contamination"))
    again = vs.load(document)
    assert again.priors.turned == (2.0, 4.0) and again.to_frame().equals(fit.to_frame())
    rows = fit.tidy()
    assert list(rows.columns) == ["term", "dealer", "estimate", "std_error", "conf_low", "conf_high"] and len(rows) == 24
    assert "given the model and the priors" in fit.summary() and "经销商 01" in fit.summary()
    assert "可信区间" in fit.summary("zh") and "置信区间" not in fit.summary("zh")


def test_a_dealer_without_one_channel_keeps_what_the_other_says(pymc):
    """Nothing turned is known of a dealer who invited nobody; his chance is the network's."""
    score, dealer, outside = np.array([1, 3, 5, 5, 2, 4]), np.array([0, 0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1, 1], bool)
    cells = collapse(score, dealer, outside)
    rng = np.random.default_rng(1)
    values = {
        "reference": rng.dirichlet(np.ones(5), 4), "quality": rng.normal(size=(4, 2)), "gap_centre": rng.normal(size=4),
        "gap_spread": np.full(4, 0.1), "gap_unit": rng.normal(size=(4, 2)), "inflated": np.full(4, 0.3), "turned": np.full((4, 2), 0.4),
    }
    honest, added, chance = dealer_draws(cells, values)
    np.testing.assert_allclose(chance[:, 1], 0.3)
    np.testing.assert_allclose(added[:, 1], 0.0)
    cuts = special.ndtri(np.cumsum(values["reference"], axis=1)[:, :-1])
    np.testing.assert_allclose(honest, [honest_mean(q, c) for q, c in zip(values["quality"], cuts, strict=True)])


def test_collapsing_keeps_every_answer_and_the_mean_case_mix():
    rng = np.random.default_rng(2)
    n = 3000
    dealer, outside, age = rng.integers(0, 6, n), rng.random(n) < 0.3, rng.normal(45.0, 12.0, n)
    score = np.clip(np.round(7 + 0.05 * (age - 45) + rng.normal(size=n)), 1, 10).astype(int)
    cells = collapse(score, dealer, outside, x={"age": age}, scale=(1, 10))
    assert cells.counts.shape == (2, 6, BANDS, 10) and cells.counts.sum() == n
    np.testing.assert_allclose(cells.counts.sum(axis=(2, 3)), [np.bincount(dealer[outside == own], minlength=6) for own in (True, False)])
    index = (age - age.mean()) / age.std()
    total = (cells.index * cells.counts.sum(axis=3)).sum(axis=2)
    np.testing.assert_allclose(total[0], np.bincount(dealer[outside], index[outside]), atol=1e-9)
    assert (np.diff(cells.index, axis=2) > 0).all()
    twice = collapse(np.tile(score, 2), np.tile(dealer, 2), np.tile(outside, 2), x={"age": np.tile(age, 2)}, scale=(1, 10))
    np.testing.assert_allclose(twice.counts, 2.0 * cells.counts)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"score": [1.5, 2, 3, 4]}, vs.InputError, "whole numbers"),
        ({"score": [1, 2, 3, np.nan]}, vs.InputError, "missing"),
        ({"score": ["1", "2", "3", "4"]}, vs.InputError, "must hold numbers"),
        ({"scale": (1, 3)}, vs.InputError, "leaves the scale"),
        ({"score": [4, 4, 5, 5]}, vs.InputError, "at least 3 scores; there are 2"),
        ({"dealer": ["a", "a", None, "b"]}, vs.InputError, "missing labels"),
        ({"independent": [0, 0, 0, 0]}, vs.IdentificationError, "same channel"),
        ({"independent": [1, 1, 1, 1]}, vs.IdentificationError, "same channel"),
        ({"independent": [0, 1, 2, 0]}, vs.InputError, "true or false"),
        ({"score": [], "dealer": [], "independent": []}, vs.InputError, "no responses"),
        ({"draws": 0}, vs.InputError, "draws"),
        ({"level": 1.0}, vs.InputError, "level"),
        ({"seed": -1}, vs.InputError, "seed"),
    ],
)
def test_what_cannot_be_used_is_refused(change, error, said):
    given = {"score": [1, 3, 5, 4], "dealer": ["a", "a", "b", "b"], "independent": [0, 1, 0, 1], **change}
    with pytest.raises(error, match=said):
        fit_contamination(given.pop("score"), given.pop("dealer"), given.pop("independent"), **given)


@pytest.mark.parametrize("wrong", [{"gap_spread": 0.0}, {"turned": (2.0,)}, {"inflated": (1.0, -4.0)}, {"reference": "flat"}])
def test_priors_are_checked(wrong):
    with pytest.raises(vs.InputError) as caught:
        ContaminationPriors(**wrong)
    assert caught.value.argument in wrong


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::vocstats.bayes.SamplingWarning")
def test_the_example_of_the_page_runs(pymc):
    assert failures_of_example("contamination") == 0
