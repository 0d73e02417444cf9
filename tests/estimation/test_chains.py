"""Chains of steps: influence values against the pullback, standard errors against the jackknife that re-runs every step."""

from __future__ import annotations

import numpy as np
import pytest
from estimation.jackknife import jackknife
from estimation.worlds import CHAINS, chain, world

from vocstats.estimation import Design, mean, total
from vocstats.estimation.variance import Linearization
from vocstats.weighting import rake


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("contrast", [False, True])
def test_factored_influence_is_the_pullback(name: str, contrast: bool) -> None:
    rng = np.random.default_rng(3)
    w = world(rng, size=400)
    heard = w.answer(rng)
    weights = chain(name, w, heard, counts=rng.integers(1, 4, w.y.size).astype(float))
    e = mean(np.where(heard, w.y, np.nan), weights, by=w.b, inference="registry")
    assert isinstance(e.material, Linearization)
    side = e.material.contrast if contrast else e.material.influence
    size = np.bincount(w.b, weights.mass)
    for d in range(3):
        u = np.where(heard & (w.b == d), (w.y - e.estimate[d]) / size[d], 0.0)
        expected = weights.base * weights.pullback(u, contrast=contrast)
        np.testing.assert_allclose(side.values()[:, d], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CHAINS)
def test_linearised_error_agrees_with_the_jackknife(name: str) -> None:
    rng = np.random.default_rng(11)
    w = world(rng, size=4000, clusters=240)
    heard = w.answer(rng)
    weights = chain(name, w, heard)
    design = Design(strata=w.stratum, clusters=w.cluster)
    linear = mean(np.where(heard, w.y, np.nan), weights, design=design).std_error
    assert linear == pytest.approx(jackknife(weights, w.y, clusters=w.cluster, strata=w.stratum) ** 0.5, rel=0.02)


def test_cells_equal_rows() -> None:
    rng = np.random.default_rng(5)
    w = world(rng, size=600)
    heard, score = w.answer(rng), np.round(w.y)
    rows = np.column_stack([w.a, w.b, heard, np.where(heard, score, -1.0), w.stratum])
    cells, counts = np.unique(rows, axis=0, return_counts=True)
    labels = {"a": cells[:, 0].astype(int), "b": cells[:, 1].astype(int)}
    by_row = rake({"a": w.a, "b": w.b}, w.targets, base_weights=heard.astype(float))
    by_cell = rake(labels, w.targets, base_weights=cells[:, 2], counts=counts)
    y = np.where(cells[:, 2] == 1, cells[:, 3], np.nan)
    for inference in ("r", "registry", "process"):
        for designs in ((None, None), (Design(strata=w.stratum), Design(strata=cells[:, 4]))):
            full = mean(np.where(heard, score, np.nan), by_row, by=w.a, design=designs[0], inference=inference)
            small = mean(y, by_cell, by=labels["a"], design=designs[1], inference=inference)
            for column in ("estimate", "std_error", "df", "n"):
                np.testing.assert_allclose(getattr(small, column), getattr(full, column), rtol=1e-9)


def test_total_of_a_target_has_no_error() -> None:
    rng = np.random.default_rng(6)
    w = world(rng, size=500)
    heard = w.answer(rng)
    weights = rake({"a": w.a, "b": w.b}, w.targets, base_weights=heard.astype(float), tol=1e-12)
    e = total((w.b == 1).astype(float), weights)
    assert e.estimate == pytest.approx(np.sum(w.b == 1), rel=1e-9)
    assert e.std_error < 1e-4 * e.estimate


@pytest.mark.parametrize("name", CHAINS)
def test_every_step_is_named_in_words(name: str) -> None:
    rng = np.random.default_rng(7)
    w = world(rng, size=300)
    heard = w.answer(rng)
    e = mean(np.where(heard, w.y, np.nan), chain(name, w, heard))
    steps = e.variance_accounts_for[1:]
    assert len(steps) == len(name.split(" > "))
    for language in ("en", "zh"):
        assert not any(code in e.accounts(language).split("; ") for code in steps)


def test_many_domains_and_many_parameters() -> None:
    """More domains times parameters than entries of the indicators: the sums stay the same however they are stored."""
    rng = np.random.default_rng(8)
    n = 6000
    label, y = rng.integers(0, 400, n), rng.normal(size=n)
    w = rake({"label": label}, {"label": dict(enumerate(np.bincount(label) * 2.0))}, base_weights=rng.uniform(1, 2, n))
    by = np.arange(n) // 2
    e = mean(y, w, by=by, design=Design(clusters=by % 50))
    for d in (0, 1700):
        alone = mean(y, w, by=by == d, design=Design(clusters=by % 50))
        assert e.std_error[d] == pytest.approx(alone.std_error[1])
