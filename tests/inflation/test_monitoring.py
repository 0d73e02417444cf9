"""Monitoring: evidence against brute force, Ville's bound and lists under repeated looks, late starters, resuming, and wrong use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from vocstats.inflation import known_null
from vocstats.inflation.null import EmpiricalNull
from vocstats.inflation.start_mixtures import LIFTS, mixed_evidence, start_chances


def likelihood(gaps: Any, variance: Any, null: EmpiricalNull, lift: Any) -> float:
    """Density of a dealer's gaps with the honest gap integrated out, as one normal vector for each value of the null."""
    lifted = gaps - lift
    return float(sum(
        chance * stats.multivariate_normal.pdf(lifted, np.full(gaps.size, centre), np.diag(variance) + spread**2)
        for chance, centre, spread in zip(null.chances, null.centres, null.spreads, strict=True)
    ))


def brute_force(gaps: Any, variance: Any, null: EmpiricalNull, scale: float) -> float:
    """The mixture over first run and lift of ratios of densities."""
    runs = np.arange(gaps.size)
    chances = start_chances(gaps.size)
    lifted = [np.mean([likelihood(gaps, variance, null, lift * (runs >= start)) for lift in scale * LIFTS]) for start in runs]
    return float(chances[:-1] @ lifted / likelihood(gaps, variance, null, 0.0) + chances[-1])


@pytest.mark.parametrize("spread", [0.0, 0.05])
def test_evidence_is_the_ratio_of_marginal_likelihoods(spread: float) -> None:
    rng = np.random.default_rng(1)
    c, gaps = rng.uniform(2, 20, (7, 3)), rng.normal(0.1, 0.2, (7, 3))
    compared = np.stack([c, c * gaps, 0 * c, 0 * c], axis=1)
    variance = np.array([0.2, 0.25, 0.1])
    null = known_null(0.02, spread)
    found, since = mixed_evidence(compared, variance, np.zeros(3), null, 0.5)
    for d in range(3):
        assert found[d] == pytest.approx(brute_force(gaps[:, d], variance[d] / c[:, d], null, 0.5), rel=1e-9)
    assert since.shape == (3,)
