"""MUBP against R's probit and optimizer, and worlds in which phi is known."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.results import load
from vocstats.sensitivity import UnadjustedBias, mubp

NAN = float("nan")


def world(seed: int, size: int, phi: float, rho: float = 0.6, shift: float = 0.8) -> tuple[Any, Any, Any]:
    """A latent normal u (all), its proxy, and who is silent: moved along (1 - phi) x + phi u."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=size)
    u = 0.3 + rho * x + (1 - rho**2) ** 0.5 * rng.normal(size=size)
    silent = np.arange(size) < size // 2
    return u - silent * shift * (phi + (1 - phi) * rho), x - silent * shift * ((1 - phi) + phi * rho), silent


def test_r_agrees(rscript: str, tmp_path: Path) -> None:
    u, x, silent = world(1, 400, 0.5)
    z = np.random.default_rng(9).normal(size=400)
    y = np.where(silent, NAN, (u + 0.4 * z > 0) * 1.0)
    rows = (f"{'NA' if np.isnan(a) else int(a)},{b!r},{c!r}" for a, b, c in zip(y.tolist(), x.tolist(), z.tolist(), strict=True))
    (tmp_path / "d.csv").write_text("\n".join(["y,x,z", *rows]), encoding="utf-8")
    code = """
d <- read.csv(commandArgs(TRUE)[1]); h <- !is.na(d$y)
f <- glm(y ~ x + z, binomial("probit"), d[h, ], control = list(epsilon = 1e-14)); p <- predict(f, newdata = d); m <- mean(p[h])
s <- sqrt(mean((p[h] - m)^2)); a <- mean(p[!h]); b <- mean((p[!h] - a)^2); share <- mean(d$y[h]); w <- qnorm(share); v <- (p[h] - m) / s
l <- function(r) sum(ifelse(d$y[h] == 1, pnorm((w + r * v) / sqrt(1 - r^2), log.p = TRUE),
                            pnorm((w + r * v) / sqrt(1 - r^2), lower.tail = FALSE, log.p = TRUE)))
rho <- optimize(l, c(0, .999), maximum = TRUE, tol = 1e-12)$maximum
for (phi in c(0, .5, 1)) {
  g <- (phi + (1 - phi) * rho) / (phi * rho + 1 - phi)
  silent <- pnorm((w + g * (a - m) / s) / sqrt(1 + g^2 * (b - s^2) / s^2))
  cat(format(share - mean(h) * share - mean(!h) * silent, digits = 15), "")
}
cat(format(rho, digits = 15))
"""
    out = subprocess.run([rscript, "-e", code, str(tmp_path / "d.csv")], capture_output=True, text=True, check=True).stdout
    *bias, rho = map(float, out.split())
    r = mubp(y, {"x": x, "z": z}, draws=2)
    assert r.correlation[0] == pytest.approx(rho, abs=1e-6)
    np.testing.assert_allclose(r.estimate, bias, atol=1e-6)


@pytest.mark.parametrize("phi", [0.0, 0.5, 1.0])
def test_known_worlds(phi: float) -> None:
    u, x, silent = world(2, 40_000, phi)
    y = (u > 0) * 1.0
    r = mubp(np.where(silent, NAN, y), {"x": x}, phi=[0.0, 0.5, 1.0], draws=2)
    error = np.abs(r.mean_everybody - y.mean())
    assert error[int(2 * phi)] < 0.015 and np.sort(error)[1] > 0.03


def test_cuts_are_shares_one_by_one() -> None:
    u, x, silent = world(3, 400, 0.5)
    score = np.where(silent, NAN, np.clip(np.round(3 + u), 1, 5))
    r = mubp(score, {"x": x}, cuts=[3, 4], phi=[0.0, 0.5], draws=20)
    assert r.labels["cut"].tolist() == [3, 3, 4, 4] and r.phi.tolist() == [0, 0.5, 0, 0.5]
    one = mubp(np.where(silent, NAN, (score >= 4) * 1.0), {"x": x}, phi=[0.0, 0.5], draws=20)
    np.testing.assert_allclose(r.estimate[2:], one.estimate)
    np.testing.assert_allclose(r.conf_low[2:], one.conf_low)
    assert list(r.to_frame().columns)[:2] == ["cut", "phi"]


def test_counts_are_repeated_rows() -> None:
    rng = np.random.default_rng(4)
    x = rng.integers(0, 4, 80)
    y, counts = np.where(np.arange(80) < 40, NAN, (rng.random(80) < 0.2 + 0.2 * x) * 1.0), rng.integers(0, 4, 80)
    one = mubp(y, {"x": x}, counts=counts, phi=[0, 0.5], draws=5)
    many = mubp(np.repeat(y, counts), {"x": np.repeat(x, counts)}, phi=[0, 0.5], draws=5)
    np.testing.assert_allclose(one.estimate, many.estimate, rtol=1e-7)
    assert one.share_heard == pytest.approx(many.share_heard)


def test_refusals_and_writing() -> None:
    rng = np.random.default_rng(6)
    u, x, silent = world(5, 300, 0.5)
    y = np.where(silent, NAN, (u > 0) * 1.0)
    with pytest.raises(InputError, match="cuts"):
        mubp(np.where(silent, NAN, 3.0 + (u > 0)), {"x": x})
    with pytest.raises(IdentificationError, match="Everybody heard"):
        mubp(np.where(silent, NAN, 1.0), {"x": x})
    with pytest.raises(IdentificationError, match="does not predict"):
        mubp(np.where(silent, NAN, (rng.random(300) < 0.5) * 1.0), {"x": x})
    with pytest.raises(IdentificationError, match="for certain"):
        mubp(np.where(silent, NAN, (x > 0) * 1.0), {"x": x})
    with pytest.raises(IdentificationError, match="negative variance"):
        mubp(y, {"x": np.where(silent, 0.001 * x, x)}, draws=2)
    few = np.where(silent, NAN, 0.0)
    few[-2:] = 1.0
    with pytest.raises(IdentificationError, match="bootstrap samples"):
        mubp(few, {"x": x}, phi=0.5, draws=40)
    r = mubp(y, {"x": x}, draws=20)
    assert isinstance(load(r.to_json()), UnadjustedBias) and r.tidy()["term"].tolist() == ["mubp"] * 3 and "cut" not in r.to_frame()


def test_limits_have_their_level_however_few_the_draws() -> None:
    """Of 39 draws 2.5 % lie beyond the smallest and beyond the largest on average: these are the limits of any level from 95 %."""
    u, x, silent = world(3, 300, 0.5)
    usual, higher = (mubp(np.where(silent, NAN, (u > 0) * 1.0), {"x": x}, phi=0.5, draws=39, level=level) for level in (0.95, 0.99))
    assert usual.conf_low[0] == pytest.approx(higher.conf_low[0], rel=1e-12)
    assert usual.conf_high[0] == pytest.approx(higher.conf_high[0], rel=1e-12)
