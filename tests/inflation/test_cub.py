"""CUB fits against published values, derivatives, brute force and simulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.inflation import CubFit, fit_cub
from vocstats.inflation.cub import maximise
from vocstats.results import load


def counts_of(folder: Path, table: str, column: str, scores: int) -> np.ndarray:
    lines = (folder / "ratings" / table).read_text(encoding="utf-8").splitlines()
    place = [name.strip('"') for name in lines[0].split(",")].index(column)
    given = [line.split(",")[place] for line in lines[1:]]
    return np.bincount([int(value) for value in given if value not in ("", "NA")], minlength=scores + 1)[1:]


def log_likelihood(counts: np.ndarray, pi: float, xi: float, delta: float, shelter: int | None) -> float:
    """Written from the formula, with the standard library's binomials."""
    from math import comb

    m = counts.size
    r = np.arange(1, m + 1)
    b = np.array([comb(m - 1, k - 1) for k in r]) * xi ** (m - r) * (1 - xi) ** (r - 1)
    p = delta * (r == shelter) + (1 - delta) * (pi * b + (1 - pi) / m)
    return float((counts * np.log(p)).sum())


@pytest.mark.parametrize(
    ("table", "column", "scores", "shelter", "delta", "without", "with_shelter"),
    [("univer.csv", "officeho", 7, 7, 0.145, -3759.9, -3718.2), ("relgoods.csv", "Writing", 10, 1, 0.318, -4920.6, -4887.8)],
)
def test_published_shelters(
    data: Path, table: str, column: str, scores: int, shelter: int, delta: float, without: float, with_shelter: float
) -> None:
    counts = counts_of(data, table, column, scores)
    plain, sheltered = fit_cub(counts), fit_cub(counts, shelter=shelter)
    assert round(float(plain.log_likelihood), 1) == without
    assert round(float(sheltered.log_likelihood), 1) == with_shelter and round(float(sheltered.delta), 3) == delta


def test_published_fit_without_shelter(data: Path) -> None:
    fit = fit_cub(counts_of(data, "univer.csv", "global", 7))
    assert (round(float(fit.pi), 4), round(float(fit.xi), 4)) == (0.8682, 0.1714)
    assert round(float(fit.log_likelihood), 3) == -3245.474


def test_standard_errors_are_those_of_the_curvature() -> None:
    counts = np.array([30, 25, 40, 80, 130, 150, 260])
    fit = fit_cub(counts, shelter=7)
    best = np.array([float(fit.pi), float(fit.xi), float(fit.delta)])
    step, hessian = 1e-4, np.zeros((3, 3))
    for j in range(3):
        for k in range(3):
            corners = [
                (1 if (a == b) else -1) * log_likelihood(counts, *(best + step * (a * np.eye(3)[j] + b * np.eye(3)[k])), 7)
                for a in (1, -1) for b in (1, -1)
            ]
            hessian[j, k] = sum(corners) / (4 * step**2)
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    np.testing.assert_allclose([float(fit.pi_error), float(fit.xi_error), float(fit.delta_error)], errors, rtol=1e-4)


def test_no_point_of_a_fine_grid_is_better() -> None:
    rng = np.random.default_rng(1)
    for counts in rng.multinomial(60, rng.dirichlet(np.ones(6), 4)):
        fit = fit_cub(counts, shelter=6)
        grid = max(
            log_likelihood(counts, pi, xi, delta, 6)
            for pi in np.linspace(0.001, 0.999, 15) for xi in np.linspace(0.001, 0.999, 40) for delta in np.linspace(0, 0.95, 15)
        )
        assert float(fit.log_likelihood) >= grid - 1e-6
        np.testing.assert_allclose(
            float(fit.log_likelihood), log_likelihood(counts, float(fit.pi), float(fit.xi), float(fit.delta), 6), rtol=1e-9
        )


def test_rows_are_fitted_alone_and_scaling_changes_only_errors() -> None:
    table = np.random.default_rng(2).multinomial(200, [0.05, 0.05, 0.1, 0.15, 0.2, 0.15, 0.3], size=5)
    many, one, tenfold = fit_cub(table, shelter=7), fit_cub(table[3], shelter=7), fit_cub(10 * table, shelter=7)
    assert many.delta.shape == (5,) and one.delta.shape == ()
    np.testing.assert_allclose(many.delta[3], one.delta, atol=1e-6)
    np.testing.assert_allclose(many.delta, tenfold.delta, atol=1e-5)
    np.testing.assert_allclose(many.xi_error, tenfold.xi_error * 10**0.5, rtol=1e-3)
    np.testing.assert_allclose(many.probabilities().sum(axis=1), 1.0)


def test_recovers_what_it_simulates() -> None:
    """400 tables of 2,000 answers: estimates within their errors, limits at their level."""
    truth = CubFit(
        n=np.array(1.0), pi=np.array(0.7), xi=np.array(0.3), delta=np.array(0.2), pi_error=np.array(0.0), xi_error=np.array(0.0),
        delta_error=np.array(0.0), log_likelihood=np.array(0.0), shelter=9, scores=9, level=0.95,
    )
    fit = fit_cub(np.random.default_rng(3).multinomial(2000, truth.probabilities(), size=400), shelter=9)
    for name, value in (("pi", 0.7), ("xi", 0.3), ("delta", 0.2)):
        z = (getattr(fit, name) - value) / getattr(fit, f"{name}_error")
        assert abs(z.mean()) < 0.2 and 0.92 < (np.abs(z) < 1.96).mean() < 0.98, name


def test_extreme_tables() -> None:
    for counts in ([0, 0, 0, 0, 0, 0, 50], [50, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0], [10] * 7, [25, 0, 0, 0, 0, 0, 25]):
        fit = fit_cub(counts, shelter=7)
        assert np.isfinite(float(fit.log_likelihood)) and 0 <= float(fit.delta) <= 1
    assert float(fit_cub([10] * 7).pi) == pytest.approx(0.0, abs=1e-3)


def test_refusals_and_writing() -> None:
    for counts, shelter, error, match in (
        ([1, 2, 3], None, InputError, "at least 4"), ([1, 2, 3, 4], 4, InputError, "at least 5"),
        ([1, 2, 3, 4, -1], None, InputError, "negative"), ([1, 2, 3, 4, 5], 6, InputError, "shelter"),
        ([1, 2, 3, 4, 5], 0, InputError, "shelter"), ([[0] * 5], None, IdentificationError, "no answers"),
        (np.ones((2, 2, 5)), None, InputError, "dimensions"),
    ):
        with pytest.raises(error, match=match):
            fit_cub(counts, shelter=shelter)
    fit = fit_cub([[3, 5, 9, 20, 43, 60, 160], [9, 5, 9, 20, 43, 60, 60]], shelter=7)
    assert isinstance(load(fit.to_json()), CubFit) and fit.to_frame().shape == (2, 8) and "delta" in fit.summary()
    assert fit.tidy()["term"].tolist() == ["pi", "pi", "xi", "xi", "delta", "delta"]


def test_fits_where_the_likelihood_hardly_rises() -> None:
    """Far from the maximum it is nearly flat and not concave in the log odds."""
    counts = np.array([[0.0, 0, 0, 0, 3, 0, 2, 7, 6, 14]])
    (found,), (reached,) = maximise(counts, 9, delta=0.3116)
    grid = np.linspace(0.01, 1.0, 34)
    best = max(log_likelihood(counts[0], pi, xi, 0.3116, 10) for pi in grid for xi in grid[:-1])
    assert found[0] == 1.0 and reached >= best and reached == pytest.approx(log_likelihood(counts[0], *found, shelter=10))
