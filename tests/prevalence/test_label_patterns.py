"""Texts that several coders read: their patterns against brute force, one coder, latent class analysis and what must not matter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from prevalence.networks import draw_network
from prevalence.pattern_networks import draw_patterns
from scipy import special

import vocstats as vs
from vocstats import texts
from vocstats.errors import InputError
from vocstats.prevalence import fit_latent_field
from vocstats.prevalence.conditional_laplace import OffsetPrior, fit_fields
from vocstats.prevalence.counts import PainPointCounts, PainPointPriors
from vocstats.prevalence.dealer_quadrature import DealerCounts, NetworkDraws
from vocstats.prevalence.design_effects import collapse_dealers, dealer_cells
from vocstats.prevalence.nuisance_mode import around_mode
from vocstats.prevalence.one_pain import one_pain

ROWS = ("pain", "segment", "dealer", "group", "source", "positive", "n", "pattern")


def text_by_text(counts: PainPointCounts, theta: np.ndarray, se: np.ndarray, sp: np.ndarray, m1: float = 1.0, m0: float = 0.0) -> float:
    """Log likelihood of the first source: every text has the pain or not, is a mention or not, and every coder who read it errs or not."""
    total = 0.0
    for row in np.flatnonzero(counts.pattern >= 0):
        labels, k = counts.patterns[counts.pattern[row]], counts.pain[row]
        alone = np.where(labels < 0, -1, 1), np.where(labels < 0, -1, 0)  # of one reader positives are kept, of n
        kept = ((alone[0], counts.positive[row]), (alone[1], counts.n[row] - counts.positive[row]))
        for said, n in kept if (labels >= 0).sum() == 1 else ((labels, counts.n[row]),):
            chance = 0.0
            for has, share in ((1, theta[row]), (0, 1.0 - theta[row])):
                for says in (0, 1):
                    told = m1 if has else m0
                    one = share * (told if says else 1.0 - told)
                    for j, label in enumerate(said):
                        right = se[j, k] if says else 1.0 - sp[j, k]
                        one *= 1.0 if label < 0 else right if label == 1 else 1.0 - right
                    chance += one
            total += n * np.log(chance)
    return total


@pytest.mark.parametrize(("unread", "mentions"), [(0.0, False), (0.5, False), (0.3, True)])
def test_likelihood_against_every_text(unread: float, mentions: bool) -> None:
    counts, _ = draw_patterns(3, pains=1, segments=2, heard=(60,), unread=unread)
    if mentions:
        told, invented = counts.mention.copy(), counts.false_mention.copy()
        told[0], invented[0] = (6.0, 4.0), (1.0, 30.0)
        counts = replace(counts, mention=told, false_mention=invented)
    pain = one_pain(counts, 0, PainPointPriors())
    assert (pain.cells.together < 0).sum() == (3 if unread else 0)  # what one coder alone read is a column of his positives
    rng = np.random.default_rng(1)
    points = pain.nuisances.points(rng.normal(size=(4, pain.nuisances.dimensions)))
    x = rng.normal(-1.0, 0.7, (4, 2))
    found = pain.cells.log_likelihood(x, np.zeros((4, 0)), points.found, points.false)
    for j, chances in enumerate(points.chances):
        se, sp = chances[:6].reshape(2, 3, 1)
        layer = tuple(chances[6:]) if mentions else (1.0, 0.0)
        assert_allclose(found[j], text_by_text(counts, special.expit(x[j])[counts.segment], se, sp, *layer), rtol=1e-10)


def test_mode_and_curvature() -> None:
    """Of the field at points near and far from the truth, by differences of its density."""
    counts, _ = draw_patterns(3, pains=1, segments=2, heard=(300, 40), unread=0.2)
    pain = one_pain(counts, 0, PainPointPriors())
    points = pain.nuisances.points(np.random.default_rng(1).normal(size=(6, pain.nuisances.dimensions)))
    prior = OffsetPrior(np.zeros(1), np.ones(1))
    fields = fit_fields(pain.cells, points, prior, x=np.full(2, -2.0), beta=np.zeros(1))

    def density(v: np.ndarray, j: int) -> np.ndarray:
        found, false, sigma = (np.repeat(each[[j]], len(v), axis=0) for each in (points.found, points.false, points.sigma))
        log = pain.cells.log_likelihood(v[:, :2], v[:, 2:], found, false) + pain.cells.log_prior(v[:, :2], sigma)
        return log - 0.5 * v[:, 2] ** 2

    for j in range(6):
        inner = np.diag(fields.diagonal[j]) + fields.common[j, 0]
        corner = fields.schur[j] + fields.border[j].T @ np.linalg.solve(inner, fields.border[j])
        precision = np.block([[inner, fields.border[j]], [fields.border[j].T, corner]])
        mode, step = np.append(fields.x[j], fields.beta[j]), 1e-4 * np.eye(3)
        slope = (density(mode + step, j) - density(mode - step, j)) / 2e-4
        assert_allclose(slope / np.sqrt(np.diag(precision)), 0.0, atol=2e-3)
        signs = ((one, two, a * b) for one, two, a, b in ((1, 1, 1, 1), (1, -1, 1, -1), (-1, 1, -1, 1), (-1, -1, -1, -1)))
        curvature = sum(
            sign * np.array([density(mode + one * step + two * each, j) for each in step]) for one, two, sign in signs
        ) / 4e-8
        assert_allclose(-curvature, precision, rtol=5e-3, atol=0.3)


def as_patterns(counts: PainPointCounts) -> PainPointCounts:
    """The coded source of `draw_network` as labels of its one coder."""
    survey = counts.source == 0
    rows = {name: np.concatenate([getattr(counts, name)] + [getattr(counts, name)[survey]]) for name in ROWS[:5]}
    n = np.concatenate([np.where(survey, counts.positive, counts.n), (counts.n - counts.positive)[survey]])
    return replace(
        counts, **rows, n=n, positive=np.concatenate([np.where(survey, np.nan, counts.positive), np.full(survey.sum(), np.nan)]),
        pattern=np.concatenate([np.where(survey, 0, -1), np.full(survey.sum(), 1)]), patterns=[[1], [0]], coder=np.full(3, -1),
    )


@pytest.mark.parametrize("dealers", [False, True])
def test_one_coder_is_the_binomial(dealers: bool) -> None:
    """To the bit, dealers and design effects included."""
    counts, _ = draw_network(4, pains=2, segments=2)
    if dealers:
        frame = np.repeat(counts.frame, 6, axis=1)
        rows = {name: np.repeat(getattr(counts, name), 6) for name in ROWS[:7]}
        n = np.random.default_rng(1).poisson(rows["n"] / 3.0)
        share = np.random.default_rng(2).beta(2.0, 8.0, n.size)
        rows |= {"dealer": np.tile(np.arange(6), counts.n.size), "n": n, "positive": np.floor(n * share)}
        counts = replace(counts, **rows, frame=frame)
    one, other = (fit_latent_field(each, draws=500, dealers=dealers) for each in (counts, as_patterns(counts)))
    for name in ("intercept", "segment", "selection", "sensitivity", "specificity", "dealer", "design_effect"):
        assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_order_and_splitting_of_rows_do_not_matter() -> None:
    counts, _ = draw_patterns(4, pains=2, segments=2, heard=(120, 20), unread=0.2)
    mixed = np.random.default_rng(1).permutation(counts.n.size)
    shuffled = replace(counts, **{name: getattr(counts, name)[mixed] for name in ROWS})
    halves = {name: np.tile(getattr(counts, name), 2) for name in ROWS}
    split = replace(counts, **halves | {"n": halves["n"] / 2, "positive": halves["positive"] / 2})
    renamed = np.random.default_rng(2).permutation(len(counts.patterns))
    other = replace(counts, patterns=counts.patterns[renamed], pattern=np.append(np.argsort(renamed), -1)[counts.pattern])
    first = fit_latent_field(counts, draws=400)
    for same in (shuffled, split):
        assert_allclose(fit_latent_field(same, draws=400).intercept, first.intercept, rtol=1e-6)
    assert_allclose(fit_latent_field(other, draws=400).intercept.mean(axis=0), first.intercept.mean(axis=0), atol=0.05)


def test_one_cell_with_many_texts_is_latent_class_analysis() -> None:
    """Flat priors, 20,000 texts: maximum likelihood's estimates and standard errors."""
    counts, _ = draw_patterns(6, pains=1, segments=1, heard=(20_000,))
    flat = np.ones_like(counts.sensitivity)
    fit = fit_latent_field(
        replace(counts, sensitivity=flat, specificity=flat), priors=PainPointPriors(intercept_scale=20.0), draws=8000
    )
    rows = np.arange(counts.n.size)
    labels = counts.patterns[counts.pattern]
    ml = vs.prevalence.dawid_skene(
        np.repeat(rows, 3), np.tile(["a", "b", "c"], rows.size), labels.ravel(), counts=np.repeat(counts.n, 3), classes=[0, 1]
    )
    drawn = np.column_stack([special.expit(fit.intercept[:, 0]), fit.sensitivity[:, :, 0], fit.specificity[:, :, 0]])
    estimate = np.concatenate([ml.estimate[1:], ml.theta[:, 1, 1], ml.theta[:, 0, 0]])
    error = np.concatenate([ml.std_error[1:], ml.theta_error[:, 1, 1], ml.theta_error[:, 0, 0]])
    assert_allclose((drawn.mean(axis=0) - estimate) / error, 0.0, atol=0.2)
    assert_allclose(drawn.std(axis=0) / error, 1.0, atol=0.1)


def with_dealers() -> PainPointCounts:
    """Twelve dealers of one segment, texts read by two coders."""
    counts, _ = draw_patterns(8, coders=2, pains=1, segments=1, heard=(3_000,))
    rng = np.random.default_rng(3)
    parts = np.stack([rng.multinomial(int(n), rng.dirichlet(np.full(12, 4.0))) for n in counts.n])
    row, dealer = np.nonzero(parts)
    frame = np.full((1, 12, 1), 1_000.0)
    return replace(
        counts, **{name: getattr(counts, name)[row] for name in ROWS if name not in ("dealer", "n", "positive")}, dealer=dealer,
        n=parts[row, dealer], positive=np.full(row.size, np.nan), frame=frame,
    )


def test_dealers_taken_together() -> None:
    """One design effect for all patterns of a cell: that of texts which at least half of the coders say have the pain."""
    counts = with_dealers()
    collapsed, effect = collapse_dealers(counts)
    found = (counts.patterns[counts.pattern].sum(axis=1) >= 1).astype(float)
    plain = replace(
        counts, pattern=np.full(counts.n.size, -1), patterns=np.zeros((0, 0)), positive=found * counts.n, coder=np.full(1, -1),
    )
    one, other = collapse_dealers(plain)
    assert_allclose(effect, other)
    assert effect[0] > 1.2
    assert_allclose(collapsed.n * effect[0], np.bincount(counts.pattern, weights=counts.n)[collapsed.pattern])
    assert_allclose(collapsed.positive.sum(), one.positive.sum())


def test_likelihood_of_dealers() -> None:
    counts = with_dealers()
    se, sp = np.array([[0.8], [0.7]]), np.array([[0.95], [0.97]])
    pain = one_pain(collapse_dealers(counts)[0], 0, PainPointPriors())
    z = np.append(special.ndtri(special.betainc(4.0, 1.0, np.concatenate([se, sp]))), 0.0)
    points = pain.nuisances.points(z[None])
    nodes = np.array([-0.5, 0.0, 0.8])
    network = NetworkDraws(np.array([[-1.2]]), np.zeros((1, points.found.shape[1])), points.found, points.false, np.zeros((1, 1)))
    log = DealerCounts.of(dealer_cells(counts, 0, patterns=True)).log_likelihood(network, 0, nodes)
    for dealer in (0, 7):
        own = replace(counts, **{name: getattr(counts, name)[counts.dealer == dealer] for name in ROWS})
        for at, node in enumerate(nodes):
            theta = np.full(own.n.size, special.expit(-1.2 + node))
            assert_allclose(log[dealer, at], text_by_text(own, theta, se, sp), rtol=1e-9)


def test_mode_of_a_density_that_is_known() -> None:
    precision = np.array([[900.0, -840.0, 0.0], [-840.0, 900.0, 0.0], [0.0, 0.0, 3.0]])
    centre = np.array([1.3, -2.0, 0.4])
    found = around_mode(lambda z: -0.5 * np.einsum("jd,de,je->j", z - centre, precision, z - centre), 3)
    assert_allclose(found.mean, centre, atol=0.02)
    assert_allclose(found.root @ found.root.T, 2.0 * np.linalg.inv(precision), rtol=1e-3, atol=1e-6)


COUNTS, _ = draw_patterns(1, coders=2, pains=2, segments=2)


@pytest.mark.parametrize(
    ("change", "code", "rows"),
    [
        ({"patterns": [[1, 1], [1, 0], [2, 1], [0, 0]]}, "not_patterns", (2,)),
        ({"patterns": [[1, 1], [1, 0], [-1, -1], [0, 0]]}, "not_patterns", (2,)),
        ({"patterns": [[1], [0]]}, "wrong_shape", ()),
        ({"patterns": [[1, 1]]}, "codes_out_of_range", None),
        ({"patterns": np.zeros((0, 2))}, "codes_out_of_range", None),
        ({"pattern": COUNTS.pattern[:-1]}, "wrong_length", ()),
        ({"pattern": np.where(np.arange(COUNTS.n.size) == 0, -1, COUNTS.pattern)}, "patterns_and_positives", ()),
    ],
)
def test_breaches(change: dict[str, Any], code: str, rows: tuple[int, ...] | None) -> None:
    with pytest.raises(InputError) as caught:
        replace(COUNTS, **change)
    assert caught.value.code == code and (rows is None or caught.value.rows == rows)
    assert texts.message(caught.value, "zh")
