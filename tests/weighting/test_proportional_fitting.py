"""Replicates fitted together equal those fitted one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import InfeasibleError
from vocstats.weighting import Weights, poststratify, rake
from vocstats.weighting.raking import MarginStep

TOL = 1e-9  # to which both are fitted; small tables are fitted to rounding error


def made(levels: tuple[int, ...], **options: Any) -> tuple[Weights, np.ndarray]:
    """Raked weights of associated columns, and multiplicities of 7 bootstrap resamples of clusters."""
    rng = np.random.default_rng(8)
    n = 3000
    latent = rng.normal(size=n)
    columns = {f"v{k}": np.digitize(latent + rng.normal(size=n), np.linspace(-1.5, 1.5, k - 1)) for k in levels}
    targets = {f"v{k}": np.bincount(columns[f"v{k}"], minlength=k) * rng.uniform(0.7, 1.4, k) for k in levels}
    targets = {name: n * total / total.sum() for name, total in targets.items()}
    counts = rng.multinomial(60, np.full(60, 1 / 60), size=7).T[rng.integers(0, 60, n)].astype(float)
    return rake(columns, targets, base_weights=rng.uniform(0.5, 2.0, n), tol=TOL, **options), counts


@pytest.mark.parametrize("levels", [(4,), (3, 4), (3, 4, 5, 6), (30, 31, 32)], ids=["one", "two", "four", "sparse"])
def test_replicates_equal_single_fits(levels: tuple[int, ...]) -> None:
    w, counts = made(levels)
    step = w.steps[0]
    assert isinstance(step, MarginStep) and (step.margins.pairs is not None) == (levels == (30, 31, 32))
    many = w.rerun_many(counts)
    single = np.column_stack([w.rerun(column).values for column in counts.T])
    np.testing.assert_allclose(counts * many, counts * single, rtol=100 * TOL)  # the weight of those not drawn is open


def test_the_number_of_replicates_fitted_together_does_not_matter() -> None:
    w, counts = made((3, 4, 5, 6))
    halves = np.hstack([w.rerun_many(counts[:, :3]), w.rerun_many(counts[:, 3:])])
    np.testing.assert_allclose(w.rerun_many(counts), halves, rtol=100 * TOL)


def test_bounds_and_few_sweeps_are_left_to_the_single_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    w, counts = made((3, 4), bounds=(0.2, 4.0))
    np.testing.assert_array_equal(w.rerun_many(counts), np.column_stack([w.rerun(column).values for column in counts.T]))
    w, counts = made((3, 4))
    monkeypatch.setattr("vocstats.weighting.raking._SWEEPS", 1)
    np.testing.assert_allclose(w.rerun_many(counts), np.column_stack([w.rerun(column).values for column in counts.T]), rtol=1e-12)


def test_a_replicate_that_lost_a_level_is_refused_by_name() -> None:
    w, counts = made((3, 4))
    step = w.steps[0]
    assert isinstance(step, MarginStep)
    bears = step.margins.indicators().toarray()[:, 2] > 0
    counts[bears, 4] = 0.0
    name, label = step.margins.labels()[2]
    with pytest.raises(InfeasibleError, match=f"'{name}', {label}"):
        w.rerun_many(counts)


def test_a_chain_of_post_stratification_and_raking() -> None:
    w, counts = made((3, 4))
    rng = np.random.default_rng(2)
    cells = rng.integers(0, 5, len(w))
    chain = poststratify(cells, dict(enumerate(np.bincount(cells) * 1.5)), base_weights=w)
    np.testing.assert_allclose(chain.rerun_many(counts), np.column_stack([chain.rerun(column).values for column in counts.T]), rtol=1e-9)
