"""The sampled model of pain points: its density against the formula, what it reads, and what comes out of a fit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from bayes.densities import constrained
from bayes.pages import failures_of_example
from prevalence.pattern_networks import draw_patterns
from prevalence.test_label_patterns import text_by_text
from scipy import special, stats
from simulation.pain_point_calibration import evenness, ranks, smallest, world

from vocstats import estimate_pain_points
from vocstats.bayes import build_pain_points, compare_engines, fit_pain_points
from vocstats.bayes.engine_comparison import prevalences
from vocstats.bayes.pain_point_cells import flat_data, shape_of
from vocstats.bayes.pain_point_posterior import gather
from vocstats.bayes.pain_points import MOST_DEALERS
from vocstats.bayes.sampling import Draws
from vocstats.datasets import simulate_pain_points
from vocstats.errors import InputError
from vocstats.prevalence.counts import DropOffCounts, PainPointCounts, PainPointPriors

PRIORS = PainPointPriors(intercept=-1.5, intercept_scale=0.8, segment_scale=0.4, dealer_scale=0.6, selection_scale=0.3)
PAINS, SEGMENTS, DEALERS, GROUPS, SOURCES = 3, 4, 5, 3, 4


def counts(seed: int = 1, *, segments: int = SEGMENTS, dealers: int = DEALERS, groups: int = GROUPS) -> PainPointCounts:
    """Counts with everything the model knows: two coders, a perfect source, mentions, false mentions of one pain, a mode effect."""
    rng = np.random.default_rng(seed)
    cells = np.indices((PAINS, segments, dealers, groups, SOURCES)).reshape(5, -1)
    pain, segment, dealer, group, source = cells[:, rng.random(cells.shape[1]) < 0.6]
    n = np.where(rng.random(pain.size) < 0.1, 0.0, rng.integers(5, 60, pain.size)).astype(float)
    mention, false_mention = np.full((SOURCES, PAINS, 2), np.nan), np.full((SOURCES, PAINS, 2), np.nan)
    mention[1], false_mention[2, 1] = (12.0, 8.0), (2.0, 50.0)
    return PainPointCounts(
        pain=pain, segment=segment, dealer=dealer, group=group, source=source, positive=np.round(0.2 * n), n=n,
        frame=rng.integers(50, 500, (segments, dealers, groups)).astype(float), coder=np.array([0, 1, -1, 1]),
        sensitivity=rng.uniform(20, 40, (2, PAINS, 2)) * (1.0, 0.2), specificity=rng.uniform(60, 90, (2, PAINS, 2)) * (1.0, 0.1),
        mention=mention, false_mention=false_mention, mode_scale=np.array([0.0, 0.0, 0.4, 0.0]), pains=PAINS,
    )


def log_density(given: PainPointCounts, priors: PainPointPriors, at: dict[str, np.ndarray]) -> float:
    """Priors and answers from the formula, cell by cell."""
    unit = at["segment_unit"]
    total = stats.norm.logpdf(at["intercept"], priors.intercept, priors.intercept_scale).sum()
    total += -0.5 * (unit**2).sum() - 0.5 * np.log(2 * np.pi) * (unit.size - len(unit))  # normal where the sum is 0
    total += stats.norm.logpdf(at["selection_mean"], 0.0, priors.selection_mean_scale).sum()
    for name in ("segment_scale", "selection_scale", "dealer_scale"):
        total += stats.halfnorm.logpdf(at[name], scale=getattr(priors, name)).sum()
    total += sum(stats.norm.logpdf(at[name]).sum() for name in ("selection_unit", "dealer_unit", "mode_unit"))
    for name, beta in (("sensitivity", given.sensitivity), ("specificity", given.specificity)):
        total += stats.beta.logpdf(at[name], *beta.reshape(-1, 2).T).sum()
    total += stats.beta.logpdf(at["mention"], 12.0, 8.0).sum() + stats.beta.logpdf(at["false_mention"], 2.0, 50.0).sum()
    se, sp = (at[name].reshape(2, PAINS) for name in ("sensitivity", "specificity"))
    for k, s, d, r, j, y, n in zip(
        given.pain, given.segment, given.dealer, given.group, given.source, given.positive, given.n, strict=True
    ):
        logit = at["intercept"][k] + at["segment_scale"][k] * unit[k, s] + at["dealer_scale"][k] * at["dealer_unit"][k, d]
        if r > 0:
            logit += at["selection_mean"][r - 1] + at["selection_scale"][r - 1] * at["selection_unit"][k, r - 1]
        if j == 2:
            logit += 0.4 * at["mode_unit"][k]
        m1, m0 = at["mention"][k] if j == 1 else 1.0, at["false_mention"][0] if (j, k) == (2, 1) else 0.0
        right = (1.0, 1.0) if given.coder[j] < 0 else (se[given.coder[j], k], sp[given.coder[j], k])
        found, false = (right[0] * m + (1.0 - right[1]) * (1.0 - m) for m in (m1, m0))
        theta = special.expit(logit)
        p = found * theta + false * (1.0 - theta)
        total += special.xlogy(y, p) + special.xlogy(n - y, 1.0 - p)
    return float(total)


def test_log_density_is_that_of_the_formula(pymc):
    given, rng = counts(), np.random.default_rng(2)
    model = build_pain_points(given, priors=PRIORS, dealers=True)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    for _ in range(3):
        point = {name: value + 0.3 * rng.normal(size=np.shape(value)) for name, value in model.initial_point().items()}
        assert float(logp(point)) == pytest.approx(log_density(given, PRIORS, constrained(model, point)), rel=1e-9)


JOURNEY = DropOffCounts(
    stage=[0, 0, 0, 1, 1, 1], segment=[0, 2, 3, 0, 1, 2], reached=[90, 80, 0, 70, 80, 50], dropped=[22, 18, 0, 5, 9, 6],
    acts=np.array([[True, False, True], [False, True, True]]),
)


def log_density_of_drop_off(given: PainPointCounts, priors: PainPointPriors, at: dict[str, np.ndarray]) -> float:
    """The term of drop-off from its formula, stage by stage."""
    effect = at["intercept"][:, None, None, None] + (at["segment_scale"][:, None] * at["segment_unit"])[:, :, None, None]
    effect = effect + (at["dealer_scale"][:, None] * at["dealer_unit"])[:, None, :, None]
    offset = at["selection_mean"] + at["selection_scale"] * at["selection_unit"]
    effect = effect + np.concatenate([np.zeros((PAINS, 1)), offset], axis=1)[:, None, None, :]
    logit = special.logit((given.frame * special.expit(effect)).sum(axis=(2, 3)) / given.frame.sum(axis=(1, 2)))
    total = stats.norm.logpdf(at["drop_off_level"], -1.0, 2.0).sum()
    total += stats.halfnorm.logpdf(at["drop_off_slope"], scale=priors.drop_off_slope).sum()
    total += stats.halfnorm.logpdf(at["drop_off_spread"], scale=priors.drop_off_spread).sum()
    slope = np.zeros(JOURNEY.acts.shape)
    slope[JOURNEY.acts] = at["drop_off_slope"]
    for f in range(2):
        rows = np.flatnonzero((JOURNEY.stage == f) & (JOURNEY.reached > 0))
        own = logit[:, JOURNEY.segment[rows]]
        p = special.expit(at["drop_off_level"][f] + slope[f] @ (own - own.mean(axis=1, keepdims=True)))
        wide = at["drop_off_spread"][f] ** 2
        total += stats.betabinom.logpmf(JOURNEY.dropped[rows], JOURNEY.reached[rows], 1 / (wide * (1 - p)), 1 / (wide * p)).sum()
    return float(total)


def test_log_density_of_drop_off_is_that_of_the_formula(pymc):
    given, rng = dataclasses.replace(counts(), drop_off=JOURNEY), np.random.default_rng(5)
    model = build_pain_points(given, priors=PRIORS, dealers=True)
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    for _ in range(2):
        point = {name: value + 0.3 * rng.normal(size=np.shape(value)) for name, value in model.initial_point().items()}
        at = constrained(model, point)
        expected = log_density(given, PRIORS, at) + log_density_of_drop_off(given, PRIORS, at)
        assert float(logp(point)) == pytest.approx(expected, rel=1e-8)


def test_drop_off_is_read_where_there_is_some():
    given = dataclasses.replace(counts(), drop_off=JOURNEY)
    for dealers in (True, False):
        shape = shape_of(given, dealers=dealers)
        data, start = flat_data(given, shape), shape.blank
        assert (shape.stages, shape.slopes) == (2, 4) and data["reached"].tolist() == [90, 80, 70, 80, 50]
        assert set(start) == set(data) and all(start[name].ndim == data[name].ndim for name in data)
        assert "reached" not in flat_data(counts(), shape_of(counts(), dealers=dealers))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::vocstats.bayes.SamplingWarning")
def test_both_engines_agree_on_drop_off(pymc):
    """Six segments, four pains, two stages that share a pain: means within .15, standard deviations within 10 % (of 28 figures)."""
    made = simulate_pain_points(8, seed=7, pains=4, segments=6, customers=(100, 400), drop_off=0.8)
    known = {"groups": made.groups, "frame": made.frame, "coder_audit": made.coder_audit, "perfect_sources": made.perfect_sources}
    acts = made.drop_off_pains
    acts["stage_2"].append(acts["stage_1"][1])
    p = estimate_pain_points(made.observations, drop_off=made.drop_off, drop_off_pains=acts, seed=1, **known)
    for by in ((), ("segment",)):
        both = p.compare_engines(by)
        assert both["difference"].abs().max() < 0.15, by
        assert (both["ratio"] - 1.0).abs().max() < 0.10, by


def test_collapsed_model_reads_collapsed_counts(pymc):
    """With one dealer the collapsed model is the full one without the dealer's effect."""
    given, rng = counts(dealers=1), np.random.default_rng(3)
    model, full = build_pain_points(given, priors=PRIORS), build_pain_points(given, priors=PRIORS, dealers=True)
    assert {variable.name for variable in full.free_RVs} - {variable.name for variable in model.free_RVs} == {"dealer_scale", "dealer_unit"}
    here, there = (each.compile_logp(vars=each.potentials, jacobian=False, mode="FAST_COMPILE") for each in (model, full))
    point = {name: value + 0.3 * rng.normal(size=np.shape(value)) for name, value in model.initial_point().items()}
    assert float(here(point)) == pytest.approx(float(there(full.initial_point() | point | {"dealer_unit": np.zeros((PAINS, 1))})), rel=1e-9)


def test_labels_of_several_coders_text_by_text(pymc):
    """Texts with labels missing, and a source of one coder's positives beside them."""
    given, _ = draw_patterns(3, pains=2, segments=2, heard=(80, 20), unread=0.3)
    given = dataclasses.replace(given, coder=[-1, 1])
    model, rng = build_pain_points(given), np.random.default_rng(5)
    answers = model.compile_logp(vars=model.potentials, jacobian=False, mode="FAST_COMPILE")
    for _ in range(2):
        point = {name: value + 0.5 * rng.normal(size=np.shape(value)) for name, value in model.initial_point().items()}
        at = constrained(model, point)
        se, sp = (at[name].reshape(3, 2) for name in ("sensitivity", "specificity"))
        logit = at["intercept"][given.pain] + (at["segment_scale"][:, None] * at["segment_unit"])[given.pain, given.segment]
        delta = np.column_stack([np.zeros(2), at["selection_mean"] + at["selection_scale"] * at["selection_unit"]])
        theta = special.expit(logit + delta[given.pain, given.group])
        plain = given.pattern < 0
        k, y, n = given.pain[plain], given.positive[plain], given.n[plain]
        p = se[1, k] * theta[plain] + (1.0 - sp[1, k]) * (1.0 - theta[plain])
        expected = text_by_text(given, theta, se, sp) + (special.xlogy(y, p) + special.xlogy(n - y, 1.0 - p)).sum()
        assert float(answers(point)) == pytest.approx(expected, rel=1e-9)
    start = shape_of(given, dealers=False).blank
    assert all(start[name].ndim == value.ndim for name, value in flat_data(given, shape_of(given, dealers=False)).items())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::vocstats.bayes.SamplingWarning")  # short chains
@pytest.mark.parametrize("world", [{"coders": 3}, {"coders": 2, "audited": (0,)}])
def test_engines_agree_on_several_coders(pymc, world):
    """Three coders nobody audited; two, one of whom was audited."""
    given, _ = draw_patterns(7, pains=2, segments=2, heard=(300, 40), **world)
    both = compare_engines(given, draws=1500, tune=800, chains=2, seed=1)
    assert np.abs(both.difference).max() < 0.15 and np.abs(both.ratio - 1.0).max() < 0.1


def bare_counts() -> PainPointCounts:
    """One segment, one group, one dealer, and sources that are never wrong."""
    given = counts(segments=1, dealers=1, groups=1)
    return dataclasses.replace(
        given, coder=np.full(SOURCES, -1), sensitivity=np.zeros((0, PAINS, 2)), specificity=np.zeros((0, PAINS, 2)),
        mention=np.full((SOURCES, PAINS, 2), np.nan), false_mention=np.full((SOURCES, PAINS, 2), np.nan), mode_scale=np.zeros(SOURCES),
    )


def test_parts_that_the_counts_do_not_call_for_are_left_out(pymc):
    assert {variable.name for variable in build_pain_points(bare_counts()).free_RVs} == {"intercept", "segment_scale"}


def test_cells_without_answers_are_not_read():
    given = counts()
    shape = shape_of(given, dealers=True)
    data = flat_data(given, shape)
    assert data["n"].min() > 0.0 and data["n"].sum() == given.n.sum() and (given.n == 0.0).any()
    assert data["coder"].max() == shape.coded == 6 and data["mentioner"].max() == shape.mentions == 3
    assert data["false_mentioner"].max() == shape.false_mentions == 1 and data["mode"].max() == shape.modes == 3
    start = shape.blank
    assert (start["sensitivity_beta"][:, 0] > start["sensitivity_beta"][:, 1]).all()  # chains must not start where Se + Sp < 1
    assert (start["specificity_beta"][:, 0] > start["specificity_beta"][:, 1]).all()
    assert set(shape.blank) == set(data) and all(shape.blank[name].ndim == data[name].ndim for name in data)


def test_draws_become_the_posterior_of_both_engines(arviz):
    given, rng = counts(), np.random.default_rng(4)
    shape = shape_of(given, dealers=True)
    sizes = {
        "intercept": PAINS, "segment_scale": PAINS, "segment_unit": (PAINS, SEGMENTS), "selection_mean": GROUPS - 1,
        "selection_scale": GROUPS - 1, "selection_unit": (PAINS, GROUPS - 1), "dealer_scale": PAINS, "dealer_unit": (PAINS, DEALERS),
        "sensitivity": 2 * PAINS, "specificity": 2 * PAINS, "mention": PAINS, "false_mention": 1, "mode_unit": PAINS,
    }
    drawn = {name: rng.uniform(size=(2, 50, *np.atleast_1d(size))) for name, size in sizes.items()}
    found = gather(Draws(drawn, 3), shape, given, np.ones(PAINS))
    assert (found.engine, found.model) == ("nuts", "full") and found.diagnostics["divergences"] == 3.0
    at = {name: values[1, 7] for name, values in drawn.items()}  # draw 57
    np.testing.assert_array_equal(found.intercept[57], at["intercept"])
    np.testing.assert_array_equal(found.segment[57, 1], at["segment_scale"][1] * at["segment_unit"][1])
    np.testing.assert_array_equal(found.selection[57, 2], [0.0, *(at["selection_mean"] + at["selection_scale"] * at["selection_unit"][2])])
    np.testing.assert_array_equal(found.dealer[57, 1], at["dealer_scale"][1] * at["dealer_unit"][1])
    np.testing.assert_array_equal(found.sensitivity[57], at["sensitivity"].reshape(2, PAINS))
    assert (found.dealer_draw == np.arange(100)).all() and (found.dealer_shift == 0.0).all() and found.dealer_scale.shape == (100, PAINS)
    np.testing.assert_allclose(found.reporting[57, :, 0], special.logit(at["mention"]))
    np.testing.assert_allclose(found.reporting[57, :, 1], [0.0, special.logit(at["false_mention"][0]), 0.0])
    np.testing.assert_allclose(found.reporting[57, :, 2], 0.4 * at["mode_unit"])


def test_posterior_of_a_model_without_its_parts(arviz):
    rng, given = np.random.default_rng(5), bare_counts()
    drawn = {name: rng.uniform(size=(2, 50, PAINS)) for name in ("intercept", "segment_scale")}
    bare = gather(Draws(drawn, 0), shape_of(given, dealers=False), given, np.full(PAINS, 1.5))
    assert bare.reporting.shape == (100, PAINS, 0) and bare.model == "collapsed"
    assert (bare.segment == 0.0).all() and (bare.selection == 0.0).all() and bare.selection.shape == (100, PAINS, 1)
    assert bare.sensitivity.shape == (100, 0, PAINS) and bare.dealer.size == 0 and (bare.design_effect == 1.5).all()


@pytest.mark.filterwarnings("ignore::vocstats.bayes.SamplingWarning")  # short chains
def test_fit_is_calibrated_and_repeats(pymc):
    """The only test that compiles: what a fit returns, and ranks of the truth among its draws over worlds from the prior."""
    def fit(given, seed):
        return fit_pain_points(given, draws=200, tune=300, chains=1, seed=seed)

    given = world(3).counts
    found, again = (fit(given, 1) for _ in range(2))
    assert (found.engine, found.model) == ("nuts", "collapsed") and found.intercept.shape == (200, 4)
    assert found.diagnostics["divergences"] < 5 and np.isnan(found.diagnostics["r_hat"])  # of one chain there is none
    np.testing.assert_array_equal(again.intercept, found.intercept)
    np.testing.assert_allclose(found.segment.sum(axis=2), 0.0, atol=1e-9)
    assert smallest(evenness(ranks(fit, range(90_000, 90_020)), bins=4)) > 0.01
    assert smallest(evenness(ranks(fit, range(90_000, 90_016), wrong=True), bins=4)) < 0.01


def test_many_dealers_are_refused():
    given = counts(dealers=MOST_DEALERS + 1)
    with pytest.raises(InputError, match=r"up to 50 dealers; there are 51.*approximate"):
        fit_pain_points(given, dealers=True)


@pytest.mark.parametrize(
    ("change", "said"), [({"draws": 0}, "draws"), ({"tune": 1.5}, "tune"), ({"chains": "2"}, "chains"), ({"seed": -1}, "seed")]
)
def test_what_cannot_be_used_is_refused(change, said):
    with pytest.raises(InputError, match=said):
        fit_pain_points(counts(), **change)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::vocstats.bayes.SamplingWarning")  # few draws: the bounds are below
def test_dealers_of_a_network_drawn_from_the_full_model(pymc):
    """Prevalence at 12 dealers and over the network lies within the limits as often as it should."""
    rng, dealers = np.random.default_rng(6), 12
    given = dataclasses.replace(
        counts(dealers=dealers), n=np.full(counts(dealers=dealers).n.size, 60.0), positive=np.zeros(counts(dealers=dealers).n.size),
        coder=np.full(SOURCES, -1), sensitivity=np.zeros((0, PAINS, 2)), specificity=np.zeros((0, PAINS, 2)),
        mention=np.full((SOURCES, PAINS, 2), np.nan), false_mention=np.full((SOURCES, PAINS, 2), np.nan), mode_scale=np.zeros(SOURCES),
    )
    logit = rng.normal(-1.5, 0.5, (PAINS, 1, 1, 1)) + rng.normal(0.0, 0.3, (PAINS, 1, dealers, 1)) + np.array([0.0, 0.4, 0.8])
    theta = special.expit(logit + np.zeros((1, SEGMENTS, 1, 1)))
    found = rng.binomial(60, theta[given.pain, given.segment, given.dealer, given.group]).astype(float)
    fit = fit_pain_points(dataclasses.replace(given, positive=found), dealers=True, draws=600, tune=600, chains=2, seed=1)
    assert fit.diagnostics["divergences"] == 0 and fit.diagnostics["r_hat"] < 1.03 and fit.model == "full"
    drawn, truth = prevalences(given.frame, fit), theta * given.frame
    for level, axes in (("network", (1, 2, 3)), ("dealer", (1, 3))):
        true = truth.sum(axis=axes) / given.frame.sum(axis=tuple(axis - 1 for axis in axes))
        low, high = np.quantile(drawn[level], [0.05, 0.95], axis=0).reshape(2, *true.shape)
        assert ((low <= true) & (true <= high)).mean() > (0.7 if level == "dealer" else 0.3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::vocstats.bayes.SamplingWarning")
@pytest.mark.parametrize("page", ["pain_points", "engine_comparison"])
def test_the_example_of_the_page_runs(pymc, page):
    assert failures_of_example(page) == 0
