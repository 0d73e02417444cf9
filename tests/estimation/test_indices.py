"""Composite indices: reliability by published formulas, brute force and jackknife; items; reading back."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

from vocstats.errors import InputError
from vocstats.estimation import Design, composite_index, mean, replicate
from vocstats.estimation.indices import loadings, omega
from vocstats.results import load
from vocstats.schemas import schema
from vocstats.texts import message
from vocstats.weighting import poststratify

LOADINGS = np.array([0.8, 0.7, 0.6, 0.5])


def answers(seed: int = 0, n: int = 300) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    items = 6 + 2 * (common[:, None] * LOADINGS + rng.normal(size=(n, 4)) * np.sqrt(1 - LOADINGS**2))
    return {
        "items": dict(zip(("服务", "price", "product", "repair"), np.clip(np.round(items), 1, 10).T, strict=True)),
        "w": rng.uniform(1, 3, n), "by": rng.integers(0, 2, n), "counts": rng.integers(1, 3, n),
    }


def test_alpha_by_its_formula() -> None:
    x = np.array([[3.0, 4, 5], [2, 2, 3], [5, 4, 5], [1, 2, 1], [4, 4, 3]])
    r = composite_index(x)
    covariance, k = np.cov(x.T), 3
    assert r.alpha.estimate == pytest.approx(k / (k - 1) * (1 - np.trace(covariance) / covariance.sum()))
    mean_r = (np.corrcoef(x.T).sum() - k) / (k * (k - 1))
    assert r.standardized_alpha.estimate == pytest.approx(k * mean_r / (1 + (k - 1) * mean_r))
    two = np.cov(x[:, 1:].T)
    assert r.alpha_without[0] == pytest.approx(2 * (1 - np.trace(two) / two.sum()))
    assert r.item_rest[0] == pytest.approx(np.corrcoef(x[:, 0], x[:, 1] + x[:, 2])[0, 1])
    np.testing.assert_allclose(r.std_dev, x.std(axis=0, ddof=1))


def test_one_factor_is_found() -> None:
    exact = np.outer(LOADINGS, LOADINGS) + np.diag(1 - LOADINGS**2)
    np.testing.assert_allclose(loadings(exact), LOADINGS, atol=1e-10)
    sums = LOADINGS.sum() ** 2
    assert omega(exact, np.ones(4)) == pytest.approx(sums / (sums + (1 - LOADINGS**2).sum()))


def test_loadings_leave_the_least_residuals() -> None:
    from scipy import optimize

    matrix = np.corrcoef(np.array(list(answers(1, 80)["items"].values())))
    upper = np.triu_indices(4, 1)
    best = optimize.minimize(lambda v: ((matrix - np.outer(v, v))[upper] ** 2).sum(), np.full(4, 0.5), tol=1e-14).x
    np.testing.assert_allclose(loadings(matrix), best, atol=1e-5)


def test_tau_equivalent_items_have_omega_equal_to_alpha() -> None:
    matrix = 0.4 + 0.6 * np.eye(5)
    assert omega(matrix, np.ones(5)) == pytest.approx(5 * 0.4 / (1 + 4 * 0.4))


def test_jackknife_through_a_chain() -> None:
    r = answers(2)
    w = poststratify(r["by"], {0: 400, 1: 600}, base_weights=r["w"])
    weights = {"服务": 2, "price": 1, "product": 1, "repair": 1}
    linear, jack = (composite_index(r["items"], x, weights=weights) for x in (w, replicate(w, method="jackknife", centre="mean")))
    for name in ("index", "alpha", "standardized_alpha", "omega"):
        one, two = getattr(linear, name), getattr(jack, name)
        assert one.estimate == pytest.approx(two.estimate) and one.std_error == pytest.approx(two.std_error, rel=0.05)
        assert one.conf_low == pytest.approx(two.conf_low, rel=0.02)


def test_the_index_is_the_mean_of_the_weighted_items() -> None:
    r = answers(3)
    x = np.array(list(r["items"].values()))
    design = Design(clusters=np.arange(300) // 5)
    e = composite_index(r["items"], r["w"], weights=[4, 2, 1, 1], by=r["by"], design=design).index
    other = mean(np.array([4, 2, 1, 1]) / 8 @ x, r["w"], by=r["by"], design=design)
    np.testing.assert_allclose([e.estimate, e.std_error], [other.estimate, other.std_error])


def test_counts_zero_weights_order_and_units() -> None:
    r = answers(4)
    rows = np.random.default_rng(5).permutation(np.repeat(np.arange(300), r["counts"]))
    x = np.array(list(r["items"].values())).T
    few = composite_index(x, r["w"], counts=r["counts"], by=r["by"])
    full = composite_index(10 * x[rows] + 3, r["w"][rows], by=r["by"][rows])
    zero = np.where(np.arange(300) < 60, 0.0, r["w"])
    holes = np.where(zero[:, None] > 0, x, np.nan)
    part, kept = composite_index(holes, zero), composite_index(x[60:], r["w"][60:])
    for name in ("alpha", "standardized_alpha", "omega"):
        for a, b in ((few, full), (part, kept)):
            for column in ("estimate", "std_error", "conf_low", "conf_high"):
                np.testing.assert_allclose(getattr(getattr(a, name), column), getattr(getattr(b, name), column), rtol=1e-7)


def test_every_domain_has_its_reliability() -> None:
    r = answers(5)
    together = composite_index(r["items"], r["w"], by=r["by"])
    for d in (0, 1):
        inside = r["by"] == d
        alone = composite_index({name: column[inside] for name, column in r["items"].items()}, r["w"][inside])
        assert together.omega.estimate[d] == pytest.approx(alone.omega.estimate)
        assert together.alpha.estimate[d] == pytest.approx(alone.alpha.estimate)


def test_undefined_reliability_is_nan() -> None:
    two = composite_index([[1.0, 2], [2, 1], [3, 3], [4, 5]])
    assert np.isfinite(two.alpha.estimate) and np.isnan(two.omega.estimate) and np.isnan(two.loading).all()
    flat = composite_index([[1.0, 2, 5], [2, 1, 5], [3, 3, 5]])
    assert np.isnan(flat.standardized_alpha.estimate) and np.isnan(flat.omega.estimate)
    heywood = np.array([[1, 0.9, 0.9], [0.9, 1, 0.3], [0.9, 0.3, 1]])
    assert np.isnan(loadings(heywood)).all()
    single = composite_index([[1.0, 2, 5]])
    assert single.index.estimate == pytest.approx(8 / 3) and np.isnan(single.alpha.estimate)


def test_result_reads_back() -> None:
    r = composite_index(pd.DataFrame(answers(6)["items"]), weights=[1, 1, 1, 2])
    back = load(r.to_json())
    pd.testing.assert_frame_equal(back.to_frame(), r.to_frame())
    pd.testing.assert_frame_equal(back.tidy(), r.tidy())
    for influence in (False, True):
        jsonschema.validate(json.loads(r.to_json(influence=influence)), schema("composite_index"))
    assert r.tidy()["term"].tolist() == ["index", "alpha", "standardized_alpha", "omega"]
    assert "服务" in r.summary() and "omega" in r.summary("zh") and "<pre>" in r._repr_html_()
    assert r.weights.sum() == pytest.approx(1)


def test_coverage_of_alpha() -> None:
    """400 samples of 80 as domains of one call: parallel items with correlation .5, alpha .8."""
    rng = np.random.default_rng(7)
    n = 400 * 80
    x = np.sqrt(0.5) * rng.normal(size=(n, 1)) + np.sqrt(0.5) * rng.normal(size=(n, 4))
    e = composite_index(x, by=np.arange(n) // 80)
    for figure in (e.alpha, e.omega):
        assert 0.91 < float(np.mean((figure.conf_low <= 0.8) & (figure.conf_high >= 0.8))) < 0.98


@pytest.mark.parametrize(
    ("items", "options", "code"),
    [({"a": [1.0, 2]}, {}, "too_few_items"), ({"a": [1.0, 2], "b": [1.0, 2]}, {"weights": {"a": 1, "c": 1}}, "index_weights"),
     ({"a": [1.0, 2], "b": [1.0, 2]}, {"weights": [1, 0]}, "index_weights_positive"),
     ({"a": [1.0, 2], "b": [1.0, 2]}, {"weights": [1, 1, 1]}, "wrong_length"),
     ({"a": [1.0, 2], "b": [1.0, np.nan]}, {}, "missing_outcome"), ({"a": [1.0, 2], "b": [1.0]}, {}, "wrong_length")],
)  # fmt: skip
def test_refusals(items: Any, options: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        composite_index(items, **options)
    assert caught.value.code == code and message(caught.value, "zh")
