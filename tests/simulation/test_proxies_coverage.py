"""SMUB and MUBP: limits at the true phi, and what a wrong phi does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special
from simulation.judging import Floats, assert_holds, assert_plausible, assert_printed, repeat

from vocstats.sensitivity import mubp, smub

RHO, SHIFT = 0.6, 0.8
PHIS = (0.0, 0.5, 1.0)


def moved(phi: float) -> tuple[float, float]:
    """By how much the silent stand lower, in proxy and outcome: along (1 - phi) x + phi y."""
    return SHIFT * ((1 - phi) + phi * RHO), SHIFT * (phi + (1 - phi) * RHO)


def people(rng: np.random.Generator, n: int, phi: float) -> tuple[Floats, Floats, Any]:
    """Proxy and outcome of correlation rho and variance 1 among those heard and among the silent, who are the first half."""
    x, e = rng.normal(size=(2, n))
    y, silent = RHO * x + (1 - RHO**2) ** 0.5 * e, np.arange(n) < n // 2
    lower_x, lower_y = moved(phi)
    return x - silent * lower_x, y - silent * lower_y, silent


def rows(r: Any, drift: float = 0.0) -> Floats:
    """Estimate and limits at every phi assumed."""
    return np.stack([r.estimate - drift, np.full(r.phi.size, np.nan), r.conf_low - drift, r.conf_high - drift], axis=1)


def of_mean(rng: np.random.Generator, phi: float) -> Floats:
    """SMUB of 8,000 people; the bias the model expects given everybody's x is put at its value for the process."""
    x, y, silent = people(rng, 8000, phi)
    lower_x, lower_y = moved(phi)
    drift = (lower_y / lower_x) * (x[~silent].mean() - x.mean()) - lower_y / 2
    return rows(smub(np.where(silent, np.nan, y), {"x": x}, phi=PHIS, draws=400, seed=int(rng.integers(1 << 31))), drift)


def of_share(rng: np.random.Generator, phi: float, assumed: tuple[float, ...], *, n: int = 400, draws: int = 60) -> Floats:
    """MUBP of people whose outcome is 1 where a normal variable of mean 0.3 among those heard is above 0."""
    x, u, silent = people(rng, n, phi)
    y = np.where(silent, np.nan, (u > -0.3) * 1.0)
    return rows(mubp(y, {"x": x}, phi=assumed, draws=draws, seed=int(rng.integers(1 << 31))))


def means(phi: float, repetitions: int) -> pd.DataFrame:
    """Every phi assumed, against the bias of the true one."""
    truth = {f"phi = {each:g} assumed": moved(phi)[1] / 2 for each in PHIS}
    return repeat(lambda rng: of_mean(rng, phi), truth, repetitions=repetitions)


def shares(phi: float, assumed: tuple[float, ...], repetitions: int, **options: Any) -> pd.DataFrame:
    bias = float(special.ndtr(0.3) - special.ndtr(0.3 - moved(phi)[1])) / 2
    truth = {f"phi = {each:g} assumed": bias for each in assumed}
    return repeat(lambda rng: of_share(rng, phi, assumed, **options), truth, repetitions=repetitions)


def right(found: pd.DataFrame, phi: float) -> pd.DataFrame:
    return found.loc[[f"phi = {phi:g} assumed"]]


@pytest.mark.parametrize("phi", PHIS)
def test_a_few_means(phi: float) -> None:
    assert_plausible(right(means(phi, 100), phi))


def test_a_few_shares() -> None:
    assert_plausible(shares(0.5, (0.5,), 8, draws=40))


@pytest.mark.slow
@pytest.mark.parametrize("phi", PHIS)
def test_means_at_the_true_phi_and_at_others(phi: float) -> None:
    found = means(phi, 1000)
    assert_holds(right(found, phi), slack=0.05)
    assert_printed(found, "sensitivity/proxy_pattern_mixture.md", f"phi = {phi:g}")


@pytest.mark.slow
def test_shares_at_the_true_phi_and_at_another() -> None:
    found = shares(0.5, (0.0, 0.5), 500)
    assert_holds(right(found, 0.5), slack=0.05)
    assert_printed(found, "sensitivity/binary_proxy.md", "phi = 0.5")


@pytest.mark.slow
@pytest.mark.parametrize("phi", PHIS)
def test_limits_of_shares_cover(phi: float) -> None:
    assert_holds(shares(phi, (phi,), 500, n=800, draws=200), slack=0.1)
