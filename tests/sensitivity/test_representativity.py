"""R-indicators against hand, R's glm and finite differences."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InfeasibleError, InputError
from vocstats.results import load
from vocstats.sensitivity import RIndicator, r_indicator

rng = np.random.default_rng(11)
N = 400
SHOP = rng.choice(["北京", "上海", "广州"], N)
AGE = rng.integers(0, 2, N)
CHANCE = 0.3 + 0.3 * (SHOP == "北京") + 0.15 * AGE
HEARD = rng.random(N) < CHANCE
X = {"shop": SHOP, "age": AGE}


def test_two_groups_by_hand() -> None:
    r = r_indicator({"new": ["a", "b"] * 2}, [True, True, False, False], counts=[300, 200, 100, 200])
    p, size = np.array([0.75, 0.5]), 400
    between = ((p - p.mean()) ** 2).mean()
    noise = (p * (1 - p) / size).sum() / 4  # variance of half the difference
    assert r.unadjusted == pytest.approx(1 - 2 * between**0.5) == pytest.approx(0.75)
    assert r.deviation**2 == pytest.approx(between - noise)
    # of a squared normal half difference: 4 mean² v + 2 v²
    error = (4 * between * noise + 2 * noise**2) ** 0.5 / r.deviation
    assert r.std_error == pytest.approx(error)
    assert r.response_rate == pytest.approx(0.625)
    np.testing.assert_allclose(r.category_unconditional, np.sqrt(0.5) * (p - p.mean()))
    np.testing.assert_allclose(r.category_unconditional_error, np.sqrt(0.5 * noise))
    assert r.unconditional[0] == pytest.approx(r.deviation) == pytest.approx(r.conditional[0])


def test_partials_are_the_published_sums() -> None:
    r = r_indicator(X, HEARD)
    # logistic regression by iteratively reweighted least squares, as an independent route to the propensities
    x = np.column_stack([np.ones(N), SHOP == "北京", SHOP == "广州", AGE]).astype(float)
    b = np.zeros(4)
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ b))
        b += np.linalg.solve((x.T * (p * (1 - p))) @ x, x.T @ (HEARD - p))
    v, z, centre = np.linalg.inv((x.T * (p * (1 - p))) @ x), x * (p * (1 - p))[:, None], p.mean()
    for level in np.unique(SHOP):
        members = level == SHOP
        k = int(np.flatnonzero((r.categories["variable"] == "shop") & (r.categories["level"] == level))[0])
        assert r.category_unconditional[k] == pytest.approx(members.mean() ** 0.5 * (p[members].mean() - centre))
        cells = np.array([p[age == AGE].mean() for age in AGE])
        slopes = np.array([z[age == AGE].mean(axis=0) for age in AGE])
        inside = (members * (p - cells) ** 2).mean()
        noise = np.einsum("ij,jk,ik->i", z - slopes, v, z - slopes) @ members / N
        assert r.category_conditional[k] == pytest.approx(max(inside - noise, 0.0) ** 0.5)
    # between and within one variable add up to the whole: unadjusted, and each with its own bias removed
    one = r_indicator({"shop": SHOP}, HEARD)
    assert one.unconditional[0] == pytest.approx(one.deviation)
    between = sum((s == SHOP).mean() * (p[s == SHOP].mean() - centre) ** 2 for s in np.unique(SHOP))
    noise = sum((s == SHOP).mean() * (d := z[s == SHOP].mean(axis=0) - z.mean(axis=0)) @ v @ d for s in np.unique(SHOP))
    assert r.unconditional[0] == pytest.approx((between - noise) ** 0.5)
    assert r.unadjusted == pytest.approx(1 - 2 * p.std())


def test_r_agrees(rscript: str, tmp_path: Path) -> None:
    """R's glm: the published adjustment (Shlomo et al. 2012) removes the variance of the mean propensity as well."""
    frame = "\n".join(["shop,age,heard", *(f"{s},{a},{int(h)}" for s, a, h in zip(SHOP, AGE, HEARD, strict=True))])
    (tmp_path / "d.csv").write_text(frame, encoding="utf-8")
    code = """
d <- read.csv(commandArgs(TRUE)[1], encoding = "UTF-8"); f <- glm(heard ~ shop + age, binomial, d, control = list(epsilon = 1e-14))
p <- fitted(f); z <- model.matrix(f) * p * (1 - p); V <- vcov(f); n <- nrow(d)
m <- colMeans(z); B <- crossprod(sweep(z, 2, m)) / n; A <- colMeans((p - mean(p)) * sweep(z, 2, m))
bias <- mean(rowSums((z %*% V) * z)) - drop(m %*% V %*% m)
cat(format(c(mean((p - mean(p))^2), bias, 4 * t(A) %*% V %*% A + 2 * sum(diag(B %*% V %*% B %*% V))), digits = 15))
"""
    out = subprocess.run([rscript, "-e", code, str(tmp_path / "d.csv")], capture_output=True, text=True, check=True).stdout
    square, bias, variance = map(float, out.split())
    r = r_indicator(X, HEARD)
    assert r.deviation**2 == pytest.approx(square - bias, rel=1e-8)
    assert r.std_error == pytest.approx(variance**0.5 / r.deviation, rel=1e-8)


def test_counts_are_repeated_rows_and_zero_counts_are_nobody() -> None:
    counts = np.random.default_rng(2).integers(0, 4, N)
    one, many = r_indicator(X, HEARD, counts=counts), r_indicator({k: np.repeat(v, counts) for k, v in X.items()}, np.repeat(HEARD, counts))
    for name in ("estimate", "std_error", "conf_low", "unconditional", "conditional_error", "category_conditional"):
        np.testing.assert_allclose(getattr(one, name), getattr(many, name), rtol=1e-7, err_msg=name)


def test_scale_of_weights_changes_nothing() -> None:
    one, two = r_indicator(X, HEARD), r_indicator(X, HEARD, base_weights=np.full(N, 7.0))
    assert (one.estimate, one.std_error) == pytest.approx((two.estimate, two.std_error))


def test_equal_response_is_fully_representative() -> None:
    r = r_indicator({"a": [0, 0, 1, 1]}, [True, False, True, False], counts=[50] * 4)
    assert r.estimate == r.conf_high == 1.0 and np.isnan(r.std_error) and r.conf_low < 1.0
    assert np.isnan(r.tidy()["std_error"][0])


def test_numbers_and_refusals() -> None:
    tenure = np.random.default_rng(5).random(N)
    with pytest.raises(InputError, match="too many to be categories"):
        r_indicator({"tenure": tenure}, HEARD)
    r = r_indicator({"tenure": tenure}, HEARD, partials=False)
    assert r.unconditional.size == 0 and len(r.tidy()) == 1 and r.to_frame().empty
    with pytest.raises(IdentificationError, match="Everybody"):
        r_indicator(X, np.ones(N, bool))
    with pytest.raises(InfeasibleError, match="Nobody"):
        r_indicator(X, np.zeros(N, bool))
    with pytest.raises(IdentificationError, match="never"):
        r_indicator({"a": [0, 0, 1, 1]}, [True, False, False, False])


def test_written_and_read() -> None:
    r = r_indicator(X, HEARD)
    back = load(r.to_json())
    assert isinstance(back, RIndicator) and back.estimate == r.estimate and list(back.categories["level"]) == list(r.categories["level"])
    assert "unconditional" in r.summary()
