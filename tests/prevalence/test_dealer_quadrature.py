"""Dealers given the network against integration written out, the size of the grid, and dealers of whom nothing is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit

from vocstats.prevalence.dealer_quadrature import DealerDraws, NetworkDraws, draw_dealers
from vocstats.prevalence.design_effects import DealerCells

SCALE = 0.5


def example(seed: int, dealers: int, size: float, *, spread: float = 0.4) -> tuple[DealerCells, np.ndarray, NetworkDraws, np.ndarray]:
    """Two segments; a coded survey of the engaged and a perfect follow-up of the silent; the network is known."""
    rng = np.random.default_rng(seed)
    x, delta, b = np.array([-1.5, -0.8]), np.array([0.0, 0.6]), spread * rng.normal(size=dealers)
    n = np.stack([rng.poisson(size, (2, dealers)), rng.poisson(size / 10, (2, dealers))]).astype(float)
    found, false = np.array([0.85, 1.0]), np.array([0.04, 0.0])
    theta = expit(x[:, None] + delta[:, None, None] + b)
    share = false[:, None, None] + (found - false)[:, None, None] * theta
    cells = DealerCells(np.array([0, 1]), np.array([0, 1]), rng.binomial(n.astype(int), share).astype(float), n)
    many = 2000
    network = NetworkDraws(*(np.tile(part, (many, 1)) for part in (x, delta, found, false, delta)))
    return cells, np.full((2, dealers, 2), 50.0), network, b


def by_integration(
    cells: DealerCells, network: NetworkDraws, shift: np.ndarray, tau: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and deviation of each dealer's b, and the chances of nodes of τ; `shift` (tau,)."""
    b = np.linspace(-4.0, 4.0, 1601)
    density, moments = np.zeros((tau.size, cells.n.shape[2])), np.zeros((2, tau.size, cells.n.shape[2]))
    for at, (scale, more) in enumerate(zip(tau, shift, strict=True)):
        logit = network.x[0][None, :, None] + network.offset[0][:, None, None] + more + b
        share = network.false[0][:, None, None] + (network.found - network.false)[0][:, None, None] * expit(logit)
        log = np.einsum("qsd,qsb->db", cells.positive, np.log(share)) + np.einsum("qsd,qsb->db", cells.n - cells.positive, np.log1p(-share))
        weight = np.exp(log - log.max(axis=1, keepdims=True) - 0.5 * (b / scale) ** 2)
        density[at] = np.log(weight.sum(axis=1)) + log.max(axis=1) - np.log(scale)
        moments[:, at] = [weight @ b / weight.sum(axis=1), weight @ b**2 / weight.sum(axis=1)]
    log = density.sum(axis=1) - 0.5 * (tau / SCALE) ** 2
    chance = np.exp(log - log.max()) / np.exp(log - log.max()).sum()
    mean, square = np.einsum("t,mtd->md", chance, moments)
    return mean, np.sqrt(square - mean**2), chance


@pytest.mark.parametrize(("dealers", "size"), [(3, 30.0), (12, 8.0), (40, 400.0)])
def test_against_integration(dealers: int, size: float) -> None:
    cells, frame, network, _ = example(dealers, dealers, size)
    draws = draw_dealers(cells, frame, network, SCALE, np.random.default_rng(1))
    tau = np.linspace(0.01, 2.0, 80)
    order = np.argsort(draws.scale)
    mean, spread, chance = by_integration(cells, network, np.interp(tau, draws.scale[order], draws.shift[order]), tau)
    assert_allclose((draws.effect.mean(axis=0) - mean) / spread, 0.0, atol=0.09)
    assert_allclose(draws.effect.std(axis=0) / spread, 1.0, atol=0.07)
    centre = chance @ tau
    assert abs(draws.scale.mean() - centre) < 0.06 * np.sqrt(chance @ (tau - centre) ** 2)
    assert abs(draws.scale.std() / np.sqrt(chance @ (tau - centre) ** 2) - 1.0) < 0.06


def test_the_shift_keeps_the_network_s_share() -> None:
    cells, frame, network, _ = example(1, 30, 100.0, spread=0.9)
    draws = draw_dealers(cells, frame, network, SCALE, np.random.default_rng(1))
    b = np.random.default_rng(2).normal(size=200_000)
    logit = (network.x[0][:, None] + network.selection[0]).ravel()
    at = np.argmax(draws.scale)
    assert draws.scale[at] > 0.8
    mean = np.mean([expit(one + draws.shift[at] + draws.scale[at] * b).mean() for one in logit])
    assert abs(mean - expit(logit).mean()) < 1e-3
    assert abs(expit(logit + draws.shift[at]).mean() - expit(logit).mean()) > 0.01


def covered(draws: DealerDraws, b: np.ndarray) -> float:
    low, high = np.quantile(draws.effect + draws.shift[:, None], [0.05, 0.95], axis=0)
    return float(np.mean((low < b) & (b < high)))


def test_intervals_cover_dealers_drawn_from_the_model() -> None:
    shares = []
    for seed in range(12):
        cells, frame, network, b = example(seed, 60, 40.0)
        network = NetworkDraws(*(getattr(network, name)[:400] for name in ("x", "offset", "found", "false", "selection")))
        shares.append(covered(draw_dealers(cells, frame, network, SCALE, np.random.default_rng(seed)), b))
    assert 0.86 < np.mean(shares) < 0.94


def test_dealers_of_whom_nobody_was_heard() -> None:
    cells, frame, network, _ = example(1, 20, 200.0)
    n, positive = cells.n.copy(), cells.positive.copy()
    n[:, :, 5], positive[:, :, 5] = 0.0, 0.0
    draws = draw_dealers(DealerCells(cells.group, cells.source, positive, n), frame, network, SCALE, np.random.default_rng(1))
    assert abs(draws.effect[:, 5].mean()) < 0.04
    assert abs(draws.effect[:, 5].std() / np.sqrt(np.mean(draws.scale**2)) - 1.0) < 0.06


def test_no_counts_at_all_give_the_prior_of_the_spread() -> None:
    cells, frame, network, _ = example(1, 4, 10.0)
    nobody = DealerCells(cells.group, cells.source, np.zeros_like(cells.n), np.zeros_like(cells.n))
    draws = draw_dealers(nobody, frame, network, SCALE, np.random.default_rng(1))
    assert_allclose(draws.scale.mean(), SCALE * np.sqrt(2 / np.pi), rtol=0.05)
    assert_allclose(np.sqrt(np.mean(draws.effect**2)), SCALE, rtol=0.06)


def test_a_huge_dealer_beside_small_ones() -> None:
    """His effect is known to a fiftieth; the grid is fine enough for it."""
    cells, frame, network, b = example(2, 10, 20.0)
    rng = np.random.default_rng(1)
    n, positive = cells.n.copy(), cells.positive.copy()
    n[1, :, 0] = 4_000.0
    positive[1, :, 0] = rng.binomial(4_000, expit(network.x[0] + 0.6 + b[0]))
    draws = draw_dealers(DealerCells(cells.group, cells.source, positive, n), frame, network, SCALE, rng)
    effect = (draws.effect + draws.shift[:, None])[:, 0]
    theta = expit(network.x[0] + 0.6 + b[0])
    error = 1.0 / np.sqrt(np.sum(4_000 * theta * (1 - theta)))
    assert abs(effect.mean() - b[0]) < 3.5 * error
    assert 0.9 < effect.std() / error < 1.1
