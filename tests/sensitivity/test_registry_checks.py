"""Registry checks against calibration to the registry, delete-one jackknife and simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.estimation import mean
from vocstats.results import load
from vocstats.sensitivity import RegistryCheck, registry_check
from vocstats.weighting import calibrate, weight_by_propensity


def base(seed: int, size: int = 600) -> tuple[Any, Any, Any, Any]:
    """Outcome, later churn, region and who answered: silence depends on the region and on a latent outcome that drives churn."""
    rng = np.random.default_rng(seed)
    region, y = rng.integers(0, 3, size), rng.normal(size=size)
    churn = (rng.random(size) < 1 / (1 + np.exp(1.0 + 1.2 * y))) * 1.0
    heard = rng.random(size) < 1 / (1 + np.exp(-(-0.5 + 0.4 * region + 0.6 * y)))
    return y, churn, region.astype(str), heard


def test_bias_is_what_calibration_to_the_registry_removes() -> None:
    y, churn, region, heard = base(1)
    w = weight_by_propensity({"region": region}, heard)
    answers = np.where(heard, y, np.nan)
    r = registry_check(answers, churn, w)
    x = np.column_stack([np.ones(churn.size), churn])
    calibrated = calibrate(x, x.sum(axis=0), base_weights=w)
    assert float(mean(answers, calibrated).estimate) == pytest.approx(r.weighted_mean - r.remaining_bias)
    assert r.gap == pytest.approx(r.weighted - churn.mean()) and r.gap < 0 < r.remaining_bias
    groups = [np.average(y[heard & (churn == c)], weights=w.values[heard & (churn == c)]) for c in (0, 1)]
    assert r.slope == pytest.approx(groups[1] - groups[0])


def test_standard_errors_equal_the_jackknife() -> None:
    y, churn, _, heard = base(2, 300)
    answers, weights = y[heard], np.random.default_rng(0).uniform(1, 3, heard.sum())
    everybody = np.concatenate([churn[heard], churn[~heard]])
    outcome, w = np.concatenate([answers, np.full((~heard).sum(), np.nan)]), np.concatenate([weights, np.zeros((~heard).sum())])
    r = registry_check(outcome, everybody, w, inference="r")
    n, values = answers.size, []
    for k in range(n):
        keep = w.copy()
        keep[k] = 0.0
        one = registry_check(outcome, everybody, keep, inference="r")
        values.append((one.gap, one.slope, one.remaining_bias))
    jackknife = np.sqrt((n - 1) ** 2 / n * np.var(values, axis=0, ddof=1))
    np.testing.assert_allclose([r.gap_error, r.slope_error, r.remaining_bias_error], jackknife, rtol=0.05)


def test_calibrated_weights_leave_no_gap() -> None:
    y, churn, _, heard = base(3)
    x = np.column_stack([np.ones(churn.size), churn])
    w = calibrate(x, x.sum(axis=0), base_weights=heard * 1.0)
    r = registry_check(np.where(heard, y, np.nan), churn, w)
    assert r.gap == pytest.approx(0.0, abs=1e-9) and r.p_value == 1.0


def test_counts_are_repeated_rows() -> None:
    y, churn, _, heard = base(4, 100)
    counts, answers = np.random.default_rng(1).integers(1, 4, 100), np.where(heard, y, np.nan)
    one = registry_check(answers, churn, heard * 2.0, counts=counts)
    many = registry_check(np.repeat(answers, counts), np.repeat(churn, counts), np.repeat(heard * 2.0, counts))
    for name in ("gap", "gap_error", "slope_error", "remaining_bias", "remaining_bias_error", "p_value"):
        assert getattr(one, name) == pytest.approx(getattr(many, name)), name


def test_scale_of_an_array_does_not_matter() -> None:
    """Weights of 1 are not the certainty of an answer: the error is that of drawing the heard from the listed."""
    y, churn, _, heard = base(6)
    answers, n = np.where(heard, y, np.nan), heard.sum()
    found = [registry_check(answers, churn, factor * heard) for factor in (0.01, 1.0, churn.size / n)]
    for name in ("gap", "gap_error", "slope_error", "remaining_bias_error", "p_value"):
        np.testing.assert_allclose([getattr(r, name) for r in found], getattr(found[0], name), rtol=1e-9)
    assert found[1].gap_error == pytest.approx(np.sqrt((1 - n / churn.size) * churn[heard].var(ddof=1) / n))


def test_refusals_and_writing() -> None:
    y, churn, _, heard = base(5, 100)
    answers = np.where(heard, y, np.nan)
    with pytest.raises(IdentificationError, match="alike"):
        registry_check(answers, np.where(heard, 0.0, churn), heard * 1.0)
    with pytest.raises(InputError, match="later"):
        registry_check(answers, np.where(np.arange(100) == 3, np.nan, churn), heard * 1.0)
    with pytest.raises(InputError, match="y has 47 missing"):
        registry_check(np.full(100, np.nan), churn, heard * 1.0)
    with pytest.raises(InputError, match="design weight"):
        registry_check(answers, churn, heard * 1.0, design_weights=np.zeros(100))
    r = registry_check(answers, churn, heard * 1.0)
    assert isinstance(load(r.to_json()), RegistryCheck) and r.to_frame()["term"].tolist() == ["gap", "slope", "remaining_bias"]
    assert "gap" in r.summary()


def test_no_gap_is_found_where_silence_depends_on_the_weights_alone() -> None:
    """p-values below .05 in about 5 % of the bases; the estimated propensity is part of the standard error."""
    rejected = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        region, y = rng.integers(0, 3, 400), rng.normal(size=400)
        churn = (rng.random(400) < 0.2 + 0.15 * region) * 1.0
        heard = rng.random(400) < 0.3 + 0.2 * region
        w = weight_by_propensity({"region": region.astype(str)}, heard)
        rejected.append(registry_check(np.where(heard, y, np.nan), churn, w).p_value < 0.05)
    assert 0.015 <= np.mean(rejected) <= 0.09
