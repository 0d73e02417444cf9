"""Design effects of Kish, Spencer, and Henry and Valliant."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vocstats.errors import InputError
from vocstats.weighting import calibrate, design_effect, margin_targets, rake

PUBLISHED = """
d <- read.csv("sample.csv")
cor_w <- function(a, b, w) sum(w * (a - weighted.mean(a, w)) * (b - weighted.mean(b, w))) / sum(w)
sd_w <- function(a, w) sqrt(cor_w(a, a, w))
n <- nrow(d); N <- sum(d$w); y <- d$y; w <- d$w; K <- n * sum(w^2) / N^2
rho <- function(a, b) cor_w(a, b, w) / sd_w(a, w) / sd_w(b, w)
fit <- lm(y ~ x1 + x2, d, weights = w); A <- coef(fit)[1]; u <- A + residuals(fit)
henry <- K * sd_w(u, w)^2 / sd_w(y, w)^2 +
  n * sd_w(w, w) * (rho(u^2, w) * sd_w(u^2, w) - 2 * A * rho(u, w) * sd_w(u, w)) / (N * sd_w(y, w)^2)
d$p <- 1 / (n * w); fit <- lm(y ~ p, d, weights = w); A <- coef(fit)[1]; e <- residuals(fit)
spencer <- A^2 * (K - 1) / sd_w(y, w)^2 + K * (1 - rho(y, d$p)^2) + n * rho(e^2, w) * sd_w(e^2, w) * sd_w(w, w) / (N * sd_w(y, w)^2) +
  2 * n * A * rho(e, w) * sd_w(e, w) * sd_w(w, w) / (N * sd_w(y, w)^2)
cat(sprintf("%.17g", c(K, henry, spencer)))
"""


@pytest.fixture
def sample() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(4)
    n = 80
    x = rng.gamma(3.0, 1.0, (n, 2))
    w = 40.0 / x[:, 0] * rng.uniform(0.7, 1.3, n)
    return {"y": 5.0 + 2.0 * x[:, 0] + x[:, 1] + rng.standard_normal(n) * x[:, 0], "w": w, "x": x}


def test_published_formulas_computed_by_r(sample: dict[str, np.ndarray], rscript: str, tmp_path: Path) -> None:
    """The formulas with their correlations, term by term, on R's regressions."""
    table = np.column_stack([sample["y"], sample["w"], sample["x"]])
    np.savetxt(tmp_path / "sample.csv", table, delimiter=",", header="y,w,x1,x2", comments="", fmt="%.17g")
    (tmp_path / "published.R").write_text(PUBLISHED)
    done = subprocess.run([rscript, "published.R"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    kish, henry, spencer = map(float, done.stdout.split())
    y, w, x = sample["y"], sample["w"], sample["x"]
    assert design_effect(w) == pytest.approx(kish, rel=1e-12)
    assert design_effect(w, y=y, x=x, method="henry_valliant") == pytest.approx(henry, rel=1e-9)
    assert design_effect(w, y=y, method="spencer") == pytest.approx(spencer, rel=1e-9)


def test_they_are_the_ratio_of_variances() -> None:
    """Unequal probabilities, total calibrated on x: variances over repeated samples against the mean of the estimates."""
    rng = np.random.default_rng(11)
    size, n, repetitions = 2000, 150, 1500
    z, x = rng.gamma(4.0, 1.0, size), rng.gamma(3.0, 1.0, size)
    y = 3.0 + 1.5 * z + 2.0 * x + 2.0 * rng.standard_normal(size)
    p = z / z.sum()
    drawn = rng.choice(size, (repetitions, n), p=p)
    plain = rng.choice(size, (repetitions, n))
    simple = size**2 * y[plain].mean(axis=1).var()
    weights = 1.0 / (n * p[drawn])
    weighted = (weights * y[drawn]).sum(axis=1).var() / simple
    greg, guess = np.empty(repetitions), np.empty((repetitions, 2))
    population = np.array([size, x.sum()])
    for r in range(repetitions):
        d, inside, outcome = weights[r], np.column_stack([np.ones(n), x[drawn[r]]]), y[drawn[r]]
        slopes = np.linalg.solve(inside.T @ (d[:, None] * inside), inside.T @ (d * outcome))
        greg[r] = d @ outcome + (population - d @ inside) @ slopes
        guess[r] = (
            design_effect(d, y=outcome, method="spencer"), design_effect(d, y=outcome, x=inside[:, 1:], method="henry_valliant")
        )
    error = 3.0 * 2.0 / np.sqrt(repetitions)  # of a ratio of two variances, relative
    np.testing.assert_allclose(guess.mean(axis=0), [weighted, greg.var() / simple], rtol=error)
    assert abs(guess[:, 0].mean() / design_effect(weights[0]) - 1.0) > error  # Kish's would be far off here


def test_equal_weights() -> None:
    """Without anything known 1, calibrated on x what a regression leaves unexplained."""
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal(50), np.full(50, 7.0)
    y = x + rng.standard_normal(50)
    assert design_effect(w) == pytest.approx(1.0)
    assert design_effect(w, y=y, x=np.ones(50), method="henry_valliant") == pytest.approx(1.0)
    assert design_effect(w, y=y, x=x, method="henry_valliant") == pytest.approx(1.0 - np.corrcoef(x, y)[0, 1] ** 2)
    assert np.isnan(design_effect(w, y=np.ones(50), x=x, method="henry_valliant"))


@pytest.mark.parametrize("method", ["kish", "spencer", "henry_valliant"])
def test_counts_zeros_order_and_scale(sample: dict[str, np.ndarray], method: Any) -> None:
    used = {"kish": (), "spencer": ("y",), "henry_valliant": ("y", "x")}[method]
    outcome = {name: sample[name] for name in used}
    value = design_effect(sample["w"], method=method, **outcome)
    counts = 1 + np.arange(80) % 3
    repeated = {name: np.repeat(column, counts, axis=0) for name, column in outcome.items()}
    long = design_effect(np.repeat(sample["w"], counts), method=method, **repeated)
    assert design_effect(sample["w"], method=method, counts=counts, **outcome) == pytest.approx(long, rel=1e-10)
    fill = {"y": np.full(9, np.nan), "x": np.ones((9, 2))}
    silent = {name: np.concatenate([column, fill[name]]) for name, column in outcome.items()}
    assert design_effect(np.append(sample["w"], np.zeros(9)), method=method, **silent) == pytest.approx(value, rel=1e-10)
    order = np.random.default_rng(2).permutation(80)
    shuffled = {name: column[order] for name, column in outcome.items()}
    assert design_effect(1000 * sample["w"][order], method=method, **shuffled) == pytest.approx(value, rel=1e-10)


def test_a_chain_brings_its_auxiliaries(base: dict[str, Any]) -> None:
    counts, margins = base["counts"], base["margins"]
    y = np.nan_to_num(base["y"])
    start = base["heard"] * (1.0 + 0.1 * np.arange(base["n"]))
    w = rake(margins, margin_targets(margins, counts=counts), base_weights=start, counts=counts)
    given = design_effect(start, y=y, x=margins, counts=counts, method="henry_valliant")
    assert design_effect(w, y=base["y"], method="henry_valliant") == pytest.approx(given, rel=1e-9)
    x = {"ones": np.ones(base["n"]), "age": base["age"]}
    w = calibrate(x, {"ones": 200.0, "age": 8100.0}, base_weights=start, counts=counts)
    given = design_effect(start, y=y, x={"age": base["age"]}, counts=counts, method="henry_valliant")
    assert design_effect(w, y=base["y"], method="henry_valliant") == pytest.approx(given, rel=1e-9)
    assert design_effect(w) == w.design_effect


def test_numbers_with_large_means_keep_their_digits() -> None:
    rng = np.random.default_rng(6)
    x, w = rng.standard_normal(60), rng.uniform(1.0, 3.0, 60)
    y = x + rng.standard_normal(60)
    near = design_effect(w, y=y, x=np.column_stack([np.ones(60), x]), method="henry_valliant")
    assert design_effect(w, y=y, x=1e6 + x, method="henry_valliant") == pytest.approx(near, rel=1e-6)


def test_bad_input() -> None:
    w, y = np.ones(4), np.arange(4.0)
    with pytest.raises(InputError, match="needs the outcome y"):
        design_effect(w, method="spencer")
    with pytest.raises(InputError, match="does not use x"):
        design_effect(w, y=y, x=y, method="spencer")
    with pytest.raises(InputError, match="does not use y"):
        design_effect(w, y=y)
    with pytest.raises(InputError, match="not calibrated"):
        design_effect(w, y=y, method="henry_valliant")
    with pytest.raises(InputError, match="1 missing values where the weight is not 0, at rows 2"):
        design_effect(w, y=[1.0, 2.0, None, 3.0], method="spencer")
    with pytest.raises(InputError, match="method must be one of"):
        design_effect(w, method="taylor")  # type: ignore[arg-type]
