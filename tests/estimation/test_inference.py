"""The three kinds of inference: formulas by hand, and coverage of the truth each one names."""

from __future__ import annotations

import numpy as np
import pytest
from estimation.worlds import UNBIASED, chain, world

from vocstats.estimation import Design, difference, mean, total
from vocstats.options import Inference
from vocstats.weighting import poststratify, rake


def test_registry_counts_the_unheard_share_only() -> None:
    rng = np.random.default_rng(1)
    y, heard = rng.normal(7, 2, 500), rng.random(500) < 0.4
    w = poststratify(np.zeros(500, int), {0: 500.0}, base_weights=heard.astype(float))
    n, spread = heard.sum(), y[heard].var(ddof=1)
    e = mean(np.where(heard, y, np.nan), w, inference="registry")
    assert e.std_error == pytest.approx(((1 - n / 500) * spread / n) ** 0.5)
    assert e.df == pytest.approx(n - 1)
    assert mean(y, inference="registry").std_error == 0  # everybody was heard
    p = mean(np.where(heard, y, np.nan), w, inference="process")
    assert p.std_error == pytest.approx((spread / n) ** 0.5)


def test_response_is_the_last_phase_of_a_finite_draw() -> None:
    """SRS of 400 of 2,000, each heard with probability 1/2: S²/n (1 - f) + f Σ (1 - p) z² by hand."""
    rng = np.random.default_rng(2)
    y, heard = rng.normal(size=400), np.arange(400) < 200
    w = poststratify(np.zeros(400, int), {0: 2000.0}, base_weights=np.where(heard, 5.0, 0.0))
    e = mean(np.where(heard, y, np.nan), w, design=Design(fpc=np.full(400, 0.2)), inference="registry")
    deviation = y[heard] - y[heard].mean()
    scale = 200 / 199 / 200**2 * (deviation @ deviation)
    assert e.std_error**2 == pytest.approx((1 - 0.2) * scale + 0.2 * (1 - 0.5) * scale)
    with_replacement = mean(np.where(heard, y, np.nan), w, design=Design(), inference="registry")
    assert with_replacement.std_error == pytest.approx(mean(np.where(heard, y, np.nan), w).std_error)


def test_stratified_follow_up_is_hansen_hurwitz() -> None:
    """All the engaged heard, a random part of the silent followed up: the conditional part of double sampling."""
    rng = np.random.default_rng(3)
    group = np.repeat([0, 1], [300, 700])
    followed = (group == 1) & (rng.random(1000) < 0.1)
    heard, y = (group == 0) | followed, rng.normal(6 + group, 1.5)
    m = followed.sum()
    base = np.where(group == 0, 1.0, np.where(followed, 700 / m, 0.0))
    design = Design(strata=group, fpc=np.where(group == 0, 300.0, 700.0))
    e = mean(np.where(heard, y, np.nan), base, design=design, inference="registry")
    assert e.std_error == pytest.approx(0.7 * ((1 - m / 700) * y[followed].var(ddof=1) / m) ** 0.5)
    assert e.df == pytest.approx(m - 1)


def test_satterthwaite_of_two_equal_strata_adds_up() -> None:
    rng = np.random.default_rng(4)
    e = mean(rng.normal(size=40), np.ones(40), design=Design(strata=np.repeat([0, 1], 20)), inference="registry")
    assert e.df == pytest.approx(38)
    c = mean(rng.normal(size=40), np.ones(40), design=Design(clusters=np.repeat(np.arange(8), 5)), inference="registry")
    assert c.df == pytest.approx(7)


def test_difference_of_overlapping_domains() -> None:
    """A domain against the whole, by hand: the influence values of the difference."""
    rng = np.random.default_rng(5)
    y, w, by = rng.normal(size=300), rng.uniform(1, 3, 300), rng.integers(0, 3, 300)
    part, whole = mean(y, w, by=by), mean(y, w)
    d = difference(part, whole)
    z = np.where(by[:, None] == np.arange(3), w[:, None] * (y[:, None] - part.estimate) / np.bincount(by, w), 0.0)
    z -= (w * (y - whole.estimate) / w.sum())[:, None]
    np.testing.assert_allclose(d.estimate, part.estimate - whole.estimate)
    np.testing.assert_allclose(d.std_error, np.sqrt(300 / 299 * (z**2).sum(0)))
    np.testing.assert_allclose(difference(whole, part).std_error, d.std_error)
    np.testing.assert_allclose(d.influence, z)
    assert difference(whole, whole).std_error == 0


@pytest.mark.parametrize("inference", ["r", "registry", "process"])
def test_difference_through_chains_is_the_estimate_of_the_difference(inference: Inference) -> None:
    """mean(y1) - mean(y2) on the same weights equals mean(y1 - y2)."""
    rng = np.random.default_rng(6)
    w = world(rng, size=400)
    heard = w.answer(rng)
    weights = chain("propensity > rake", w, heard)
    other = w.y + rng.normal(size=400)
    one, two, gap = (mean(np.where(heard, column, np.nan), weights, by=w.b, inference=inference) for column in (w.y, other, w.y - other))
    d = difference(one, two)
    np.testing.assert_allclose(d.estimate, gap.estimate)
    np.testing.assert_allclose(d.std_error, gap.std_error)


def coverage(name: str, inference: Inference, repetitions: int, seed: int) -> tuple[float, float]:
    """Share of 95 % intervals over the truth, and mean variance over the true variance, over many registries."""
    rng = np.random.default_rng(seed)
    w = world(rng, size=800)
    hits, values, spreads = 0, [], []
    for repetition in range(repetitions):
        if inference == "process" or repetition % 50 == 0:
            w = world(rng, size=800, clusters=800 if inference == "process" else 60)
        truth = 5.0 + 0.5 + 0.5 if inference == "process" else float(w.y.mean())
        heard = w.answer(rng)
        e = mean(np.where(heard, w.y, np.nan), chain(name, w, heard), inference=inference)
        hits += bool(e.conf_low <= truth <= e.conf_high)
        values.append(float(e.estimate) - truth)
        spreads.append(float(e.std_error) ** 2)
    return hits / repetitions, float(np.mean(spreads) / np.var(values))


@pytest.mark.parametrize("inference", ["registry", "process"])
def test_coverage_in_ci(inference: Inference) -> None:
    share, ratio = coverage("propensity > rake > calibrate", inference, 250, seed=7)
    assert abs(share - 0.95) <= 3 * 0.0138
    assert 0.75 < ratio < 1.3


@pytest.mark.slow
@pytest.mark.parametrize("name", UNBIASED)
@pytest.mark.parametrize("inference", ["registry", "process"])
def test_coverage(name: str, inference: Inference) -> None:
    share, ratio = coverage(name, inference, 2000, seed=8)
    assert abs(share - 0.95) < 3 * (0.95 * 0.05 / 2000) ** 0.5
    assert 0.9 < ratio < 1.15


def test_r_inference_covers_by_domain_in_clusters() -> None:
    """Draws of 30 of 200 clusters: 95 % intervals with R's formulas cover by domain (normal limits: a little less)."""
    rng = np.random.default_rng(9)
    cluster = np.repeat(np.arange(200), 10)
    by = rng.integers(0, 2, 2000)
    y = 7 + by + rng.normal(size=200)[cluster] + rng.normal(size=2000)
    truth = np.bincount(by, y) / np.bincount(by)
    hits = np.zeros(2)
    for _ in range(400):
        drawn = np.isin(cluster, rng.choice(200, 30, replace=False))
        design = Design(clusters=cluster[drawn], fpc=np.full(drawn.sum(), 200.0))
        e = mean(y[drawn], np.full(drawn.sum(), 200 / 30), by=by[drawn], design=design)
        hits += (e.conf_low <= truth) & (truth <= e.conf_high)
    assert (np.abs(hits / 400 - 0.945) < 3 * 0.0112).all()


def test_process_total_adds_the_spread_of_the_registry() -> None:
    rng = np.random.default_rng(10)
    y, heard = rng.normal(7, 2, 300), rng.random(300) < 0.5
    w = rake({"all": np.zeros(300, int)}, {"all": {0: 300.0}}, base_weights=heard.astype(float))
    both = [total(np.where(heard, y, np.nan), w, inference=name).std_error ** 2 for name in ("process", "registry")]
    assert both[0] - both[1] == pytest.approx(300 * y[heard].var(ddof=1), rel=1e-9)
