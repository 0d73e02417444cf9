"""SMUB against the published formula, and worlds in which phi is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.results import load
from vocstats.sensitivity import UnadjustedBias, smub

NAN = float("nan")


def published(phi: float, rho: float, heard: float, everybody: float, deviation: float) -> float:
    """Little, West, Boonstra & Hu (2020)."""
    return (phi + (1 - phi) * rho) / (phi * rho + (1 - phi)) * (heard - everybody) / deviation


def world(seed: int, size: int, phi: float, rho: float, shift: float = 0.8) -> tuple[Any, Any]:
    """y (all) and its proxy of correlation rho and variance 1; the silent are moved along (1 - phi) x + phi y."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=size)
    y = rho * x + (1 - rho**2) ** 0.5 * rng.normal(size=size)
    silent = np.arange(size) < size // 2
    along, across = (1 - phi) + phi * rho, phi + (1 - phi) * rho  # covariance of x, and of y, with that direction
    return y - silent * shift * across, x - silent * shift * along


def test_formula_with_two_characteristics() -> None:
    rng = np.random.default_rng(1)
    z, shop = rng.normal(size=200), rng.choice(["甲", "乙", "丙"], 200)
    y = 5 + z + (shop == "甲") + rng.normal(size=200)
    y[z + rng.normal(size=200) < 0] = NAN
    r = smub(y, {"z": z, "shop": shop}, phi=[0, 0.3, 1], draws=50)
    x, known = np.column_stack([np.ones(200), z, shop == "甲", shop == "丙"]), ~np.isnan(y)
    proxy = x @ np.linalg.lstsq(x[known], y[known], rcond=None)[0]
    rho = np.corrcoef(proxy[known], y[known])[0, 1]
    wanted = [published(phi, rho, proxy[known].mean(), proxy.mean(), proxy[known].std()) for phi in (0, 0.3, 1)]
    np.testing.assert_allclose(r.estimate, wanted)
    # phi = 0: the regression estimate of everybody's mean
    assert r.mean_everybody[0] == pytest.approx(proxy.mean())
    # phi = 1/2 does not depend on the correlation
    assert smub(y, {"z": z, "shop": shop}, phi=0.5, draws=2).estimate[0] == pytest.approx(
        (proxy[known].mean() - proxy.mean()) / proxy[known].std()
    )


@pytest.mark.parametrize("phi", [0.0, 0.5, 1.0])
def test_known_worlds(phi: float) -> None:
    y, x = world(2, 200_000, phi, 0.6)
    silent = np.arange(y.size) < y.size // 2
    r = smub(np.where(silent, NAN, y), {"x": x}, phi=phi, draws=200)
    assert r.mean_everybody[0] == pytest.approx(y.mean(), abs=0.02)
    others = smub(np.where(silent, NAN, y), {"x": x}, phi=[p for p in (0.0, 0.5, 1.0) if p != phi], draws=2)
    assert np.abs(others.mean_everybody - y.mean()).min() > 0.05


def test_direction_and_unit_of_the_proxy_do_not_matter() -> None:
    y, x = world(3, 300, 0.5, 0.5)
    y = np.where(np.arange(300) < 150, NAN, y)
    one, two = smub(y, {"x": x}), smub(10 + 3 * y, {"x": 7 - 2 * x})
    np.testing.assert_allclose(one.estimate, two.estimate)
    np.testing.assert_allclose(two.mean_everybody, 10 + 3 * one.mean_everybody)
    assert (one.conf_low < one.estimate).all() and (one.estimate < one.conf_high).all()


def test_counts_are_repeated_rows() -> None:
    y, x = world(4, 60, 0.5, 0.7)
    y, counts = np.where(np.arange(60) < 30, NAN, y), np.random.default_rng(0).integers(0, 4, 60)
    one, many = smub(y, {"x": x}, counts=counts, draws=300), smub(np.repeat(y, counts), {"x": np.repeat(x, counts)}, draws=300)
    for name in ("estimate", "conf_low", "conf_high", "mean_everybody", "correlation"):
        np.testing.assert_allclose(getattr(one, name), getattr(many, name), rtol=1e-9, err_msg=name)


def test_a_useless_proxy_is_refused_at_one_only() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=100), rng.normal(size=100)
    y[:50] = NAN
    with pytest.raises(IdentificationError, match="does not predict"):
        smub(y, {"x": x})
    assert np.isfinite(smub(y, {"x": x}, phi=[0, 0.5]).conf_high).all()


def test_refusals_and_writing() -> None:
    x, y = np.arange(12.0), np.r_[np.arange(8) % 3.0 + np.arange(8), [NAN] * 4]
    with pytest.raises(IdentificationError, match="Everybody"):
        smub(x, {"x": x})
    with pytest.raises(IdentificationError, match="Nobody"):
        smub(np.full(12, NAN), {"x": x})
    with pytest.raises(IdentificationError, match="Nobody"):
        smub([], {"x": []})
    with pytest.raises(IdentificationError, match="alike"):
        smub(np.where(np.isnan(y), NAN, 3.0), {"x": x})
    with pytest.raises(IdentificationError, match="'shop=b'"):
        smub(y, {"x": x, "shop": ["a"] * 8 + ["b"] * 4})
    with pytest.raises(IdentificationError, match="cannot show"):
        smub(np.r_[[1.0, 2.0, 4.0], [NAN] * 9], {"x": x})
    with pytest.raises(InputError, match="phi"):
        smub(y, {"x": x}, phi=1.2)
    with pytest.raises(InputError, match="no columns"):
        smub(y, {})
    r = smub(y, {"x": x}, draws=100)
    assert isinstance(load(r.to_json()), UnadjustedBias) and len(r.to_frame()) == 3 and "phi" in r.summary()
    assert r.tidy()["term"].tolist() == ["smub"] * 3
    assert smub(y, {"x": x}, draws=100).conf_low.tolist() == r.conf_low.tolist()
