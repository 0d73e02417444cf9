"""The bordered diagonal precision against finite differences of the log density, dense algebra and brute-force integration."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from vocstats.prevalence.conditional_laplace import Fields, OffsetPrior, PainCells, Points, fit_fields

SEGMENTS, OFFSETS = 3, np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
PRIOR = OffsetPrior(np.array([0.3, 0.0]), np.array([2.0, 9.0]))


def example(size: float = 400.0, segments: int = SEGMENTS) -> tuple[PainCells, Points]:
    rng = np.random.default_rng(1)
    n = np.round(size * rng.uniform(0.5, 1.5, (segments, 4)))
    cells = PainCells(rng.binomial(n.astype(int), 0.25).astype(float), n, OFFSETS, -2.0, 1.0)
    found = np.column_stack([[0.8, 0.9, 1.0], [1.0, 1.0, 1.0], [0.3, 0.4, 0.5], [0.95, 0.9, 1.0]])
    false = np.column_stack([[0.05, 0.02, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.01], [0.0, 0.03, 0.0]])
    return cells, Points(np.zeros((3, 0)), found, false, np.array([0.3, 0.01, 1.4]))


def fitted(cells: PainCells, points: Points) -> Fields:
    return fit_fields(cells, points, PRIOR, x=np.full(cells.n.shape[0], -2.0), beta=np.zeros(2))


def log_joint(cells: PainCells, points: Points, v: np.ndarray, at: int) -> np.ndarray:
    """Log density at rows of (x, β), from the formulas."""
    segments = cells.n.shape[0]
    x, beta = v[:, :segments], v[:, segments:]
    alpha = x.mean(axis=1)
    theta = 1 / (1 + np.exp(-x[:, :, None] - (beta @ OFFSETS.T)[:, None]))
    g = points.false[at] + (points.found[at] - points.false[at]) * theta
    log = np.sum(cells.positive * np.log(g) + (cells.n - cells.positive) * np.log(1 - g), axis=(1, 2)) - 0.5 * (alpha + 2.0) ** 2
    log -= 0.5 * np.sum((x - alpha[:, None]) ** 2, axis=1) / points.sigma[at] ** 2 + (segments - 1) * np.log(points.sigma[at])
    return log - 0.5 * np.sum(PRIOR.precision * (beta - PRIOR.mean) ** 2, axis=1)


def dense_precision(fields: Fields, at: int) -> np.ndarray:
    inner = np.diag(fields.diagonal[at]) + fields.common[at, 0]
    border = fields.border[at]
    corner = fields.schur[at] + border.T @ np.linalg.solve(inner, border)
    return np.block([[inner, border], [border.T, corner]])


@pytest.mark.parametrize("at", [0, 1, 2])
def test_mode_curvature_and_evidence(at: int) -> None:
    cells, points = example()
    fields = fitted(cells, points)
    mode = np.append(fields.x[at], fields.beta[at])
    step = 1e-4 * np.eye(mode.size)
    slope = (log_joint(cells, points, mode + step, at) - log_joint(cells, points, mode - step, at)) / 2e-4
    assert_allclose(slope / np.sqrt(np.diag(dense_precision(fields, at))), 0.0, atol=2e-3)
    curvature = np.array([
        [(log_joint(cells, points, (mode + one + two)[None], at) - log_joint(cells, points, (mode + one - two)[None], at)
          - log_joint(cells, points, (mode - one + two)[None], at) + log_joint(cells, points, (mode - one - two)[None], at))[0] / 4e-8
         for two in step] for one in step
    ])
    assert_allclose(-curvature, dense_precision(fields, at), rtol=2e-3, atol=0.2)
    evidence = log_joint(cells, points, mode[None], at)[0] - 0.5 * np.linalg.slogdet(dense_precision(fields, at))[1]
    assert_allclose(fields.log_evidence[at], evidence, rtol=1e-9)


def test_draws_have_the_covariance_and_the_density_of_the_field() -> None:
    cells, points = example()
    fields = fitted(cells, points)
    at = np.full(200_000, 2)
    beta = np.tile(fields.beta[2] + [0.2, -0.1], (at.size, 1))
    noise = fields.noise(at, 1.3, np.random.default_rng(1))
    x, log_density = fields.mean_x(at, beta) + noise, fields.log_density(at, noise, 1.3)
    precision = dense_precision(fields, 2)
    inner, border = precision[:SEGMENTS, :SEGMENTS], precision[:SEGMENTS, SEGMENTS:]
    mean = fields.x[2] - np.linalg.solve(inner, border @ [0.2, -0.1])
    spread = np.sqrt(np.diag(np.linalg.inv(inner)))
    assert_allclose((x.mean(axis=0) - mean) / spread, 0.0, atol=0.01)
    assert_allclose(np.cov(x.T), 1.3 * np.linalg.inv(inner), atol=0.01 * spread.max() ** 2)
    apart = x - mean
    exact = 0.5 * np.linalg.slogdet(inner)[1] - 0.5 * np.einsum("bs,st,bt->b", apart, inner, apart) / 1.3
    assert_allclose(log_density, exact, rtol=1e-8)


def test_evidence_of_one_segment_by_integration() -> None:
    """Laplace's error is small where counts are large."""
    cells, points = example(size=3000.0, segments=1)
    fields = fitted(cells, points)
    for at in range(3):
        spread = np.sqrt(np.diag(np.linalg.inv(dense_precision(fields, at))))
        axes = [mode + np.linspace(-6, 6, 41) * one for mode, one in zip([*fields.x[at], *fields.beta[at]], spread, strict=True)]
        v = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        log = log_joint(cells, points, v, at)
        integral = np.log(np.sum(np.exp(log - log.max())) * np.prod(spread * 12 / 40)) + log.max()
        assert_allclose(fields.log_evidence[at] + 1.5 * np.log(2 * np.pi), integral, atol=0.02)


def test_no_columns_gives_the_prior() -> None:
    cells = PainCells(np.zeros((4, 0)), np.zeros((4, 0)), np.zeros((0, 1)), -2.0, 1.0)
    points = Points(np.zeros((1, 0)), np.zeros((1, 0)), np.zeros((1, 0)), np.array([0.5]))
    fields = fit_fields(cells, points, OffsetPrior(np.array([0.4]), np.array([2.0])), x=np.zeros(4), beta=np.zeros(1))
    assert_allclose(fields.x, -2.0, atol=1e-6)
    assert_allclose(fields.beta, 0.4, atol=1e-6)
    inner = np.diag(fields.diagonal[0]) + fields.common[0, 0]
    assert_allclose(np.linalg.inv(inner), 0.25 * (np.eye(4) - 0.25) + 1.0, rtol=1e-9)
    assert_allclose(fields.schur[0], 2.0)
