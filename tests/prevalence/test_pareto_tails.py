"""The shape of the tail of weights with a known one."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from vocstats.prevalence.pareto_tails import tail_shape


@pytest.mark.parametrize("k", [0.2, 0.5, 0.8])
def test_pareto_weights(k: float) -> None:
    rng = np.random.default_rng(1)
    found = np.mean([tail_shape(-k * np.log(rng.random(20_000))) for _ in range(20)])
    assert abs(found - k) < 0.05


def test_agrees_with_arviz() -> None:
    """ArviZ 1 has it in a package of its own, for log likelihoods: minus the log weights."""
    arviz = pytest.importorskip("arviz")
    log_weights = np.random.default_rng(3).standard_t(4, 2000)
    if hasattr(arviz, "psislw"):
        known = arviz.psislw(log_weights)[1]
    else:
        known = import_module("arviz_stats.base").array_stats.psislw(-log_weights)[1]
    assert abs(tail_shape(log_weights) - float(known)) < 0.02


def test_equal_weights_have_no_tail() -> None:
    assert tail_shape(np.zeros(1000)) == float("-inf")
