"""Every product of `Indicators` equals that of the same matrix written out."""

from __future__ import annotations

import numpy as np
import pytest

from vocstats.weighting import distances, rake
from vocstats.weighting.indicators import Indicators
from vocstats.weighting.margins import collapse

LEVELS = {"one": (7,), "two": (3, 5), "four": (2, 3, 4, 5), "many": (60, 70, 80)}


@pytest.fixture(params=LEVELS)
def made(request: pytest.FixtureRequest) -> tuple[Indicators, np.ndarray]:
    """Scaled indicators, one level without a positive target, and the matrix column by column."""
    rng = np.random.default_rng(4)
    columns = {f"v{k}": rng.integers(0, k, 300) for k in LEVELS[request.param]}
    columns = {name: np.where(column == 1, 0, column) for name, column in columns.items()}
    targets = {name: dict.fromkeys(range(int(name[1:])), 1.0) | {0: 0.0} for name in columns}
    targets = {name: {level: total / sum(each.values()) for level, total in each.items()} for name, each in targets.items()}
    scale = rng.normal(size=300)
    margins = collapse(columns, targets)
    wanted_levels = [(name, level) for name, totals in targets.items() for level, total in totals.items() if total]
    dense = np.column_stack([columns[name] == level for name, level in wanted_levels])
    order = [margins.labels().index(each) for each in wanted_levels]
    wanted = np.empty(dense.shape)
    wanted[:, order] = scale[:, None] * dense
    return margins.matrix.scaled(scale), wanted


def test_products(made: tuple[Indicators, np.ndarray]) -> None:
    x, dense = made
    rng = np.random.default_rng(1)
    for width in ((), (3,)):
        b, v = rng.normal(size=(dense.shape[1], *width)), rng.normal(size=(300, *width))
        np.testing.assert_allclose(x @ b, dense @ b, atol=1e-12)
        np.testing.assert_allclose(x.T @ v, dense.T @ v, atol=1e-12)
    weights = rng.normal(size=300)
    np.testing.assert_allclose(distances.gram(x, weights), dense.T @ (weights[:, None] * dense), atol=1e-12)
    other = rng.normal(size=(300, 2))
    for pair in ((x, other), (other, x), (x, x)):
        left, right = (dense if side is x else side for side in pair)
        np.testing.assert_allclose(distances.cross(*pair, weights), left.T @ (weights[:, None] * right), atol=1e-12)
    np.testing.assert_array_equal(x.toarray(), dense)


@pytest.mark.parametrize("size", [4, 2_000_000])
def test_sums_by_group(made: tuple[Indicators, np.ndarray], size: int) -> None:
    """Few groups are summed in dense tables, very many in sparse ones."""
    x, dense = made
    rng = np.random.default_rng(2)
    rows, groups, factors = rng.integers(0, 300, 500), rng.integers(0, 4, 500), rng.normal(size=500)
    result = x.sums(rows, groups, factors, size)
    assert result.shape == (size, dense.shape[1])
    first = result[:4] if isinstance(result, np.ndarray) else result[np.arange(4)].toarray()
    np.testing.assert_allclose(first, [(factors[groups == g, None] * dense[rows[groups == g]]).sum(axis=0) for g in range(4)], atol=1e-12)


def test_a_chain_of_two_rakings_equals_finite_differences_of_its_first_weights() -> None:
    rng = np.random.default_rng(3)
    first, second, y = rng.integers(0, 3, 40), rng.integers(0, 4, 40), rng.normal(size=40)
    base = rng.uniform(1, 2, 40)

    def estimate(base: np.ndarray) -> float:
        w = rake({"a": first}, {"a": [10.0, 20.0, 30.0]}, base_weights=base)
        return float(rake({"b": second}, {"b": [30.0, 5.0, 15.0, 10.0]}, base_weights=w).values @ y)

    w = rake({"a": first}, {"a": [10.0, 20.0, 30.0]}, base_weights=base)
    pulled = rake({"b": second}, {"b": [30.0, 5.0, 15.0, 10.0]}, base_weights=w).pullback(y)
    for i in (0, 7, 39):
        step = 1e-6 * (np.arange(40) == i)
        assert pulled[i] == pytest.approx((estimate(base + step) - estimate(base - step)) / 2e-6, rel=1e-5, abs=1e-7)
