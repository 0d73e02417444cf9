"""Capture-recapture: published values, closed forms, R's glm on the spot, brute force, empty cells, properties, bad input."""

from __future__ import annotations

import subprocess
import warnings
from itertools import chain, combinations, product
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from vocstats.errors import IdentificationError, InputError
from vocstats.prevalence import CaptureRecapture, IdentifyingAssumptionWarning, capture_recapture
from vocstats.prevalence.list_likelihood import LogLinear, fit
from vocstats.prevalence.list_result import size_limits
from vocstats.results import load

THREE = np.array(list(product([1, 0], repeat=3))[:-1])


def table(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    rows = np.array([[int(cell.strip('"')) for cell in line.split(",")] for line in (folder / f"lists/{name}.csv").read_text().split()[1:]])
    return (rows[:, :4], rows[:, 4]) if name == "hiv" else (rows, np.ones(len(rows)))


def quietly(*args: object, **options: object) -> CaptureRecapture:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IdentifyingAssumptionWarning)
        return capture_recapture(*args, **options)  # type: ignore[arg-type]


def by_model(found: CaptureRecapture) -> dict[str, float]:
    return dict(zip(found.models, found.estimate, strict=True))


def test_hiv_lists(data: Path) -> None:
    """Published analyses of Abeni's four lists of 1990 (Rivest & Baillargeon's Rcapture)."""
    seen, counts = table(data, "hiv")
    lists = {f"c{j + 1}": seen[:, j] for j in range(4)}
    with pytest.warns(IdentifyingAssumptionWarning, match="drives the answer"):
        r = capture_recapture(lists, counts=counts, models=["M0", "Mt", "Mh Chao", "Mth Darroch", "Mt + c1:c2"])
    size = by_model(r)
    assert round(size["M0"], 1) == 11576.7 and round(size["Mt"], 1) == 11124.6 and round(size["Mh Chao"], 1) == 12145.1
    assert round(size["Mt + c1:c2"], 1) == 12318.5 and round(float(r.std_error[-1]), 1) == 1188.7
    assert (round(float(r.conf_low[-1])), round(float(r.conf_high[-1]))) == (10266, 14992)
    assert r.assumption_drives and r.n == 1896 and r.shared[0, 1] == 37


def test_kosovo(data: Path) -> None:
    """4,400 killings on four lists (Ball et al. 2002): the answer ranges over a factor of two with the model, and a warning says so."""
    seen, _ = table(data, "kosovo")
    with pytest.warns(IdentifyingAssumptionWarning, match="7395 to 14402"):
        r = capture_recapture(seen)
    size = {name: round(value) for name, value in by_model(r).items()}
    assert (size["Mt"], size["Mth Chao"], size["Mth Darroch"], size["Mt + pairs"]) == (7395, 8591, 12797, 14402)
    assert r.n == 4400 and "drives the answer" in r.summary() and "7395" in r.summary("zh")
    assert r.average == pytest.approx(size["Mt + pairs"], rel=1e-3) and r.average_std_error == pytest.approx(r.std_error[-1], rel=1e-2)


def test_two_lists_are_petersen() -> None:
    r = capture_recapture({"a": [1, 1, 0], "b": [1, 0, 1]}, counts=[30, 90, 50], models=["Mt"])
    assert r.estimate[0] == pytest.approx(120 * 80 / 30)
    assert r.std_error[0] == pytest.approx(np.sqrt(120 * 80 * 90 * 50 / 30**3))  # Sekar & Deming (1949)
    frame = r.sensitivity([0.5, 1.0, 2.0])
    np.testing.assert_allclose(frame["estimate"], 170 + np.array([0.5, 1.0, 2.0]) * 90 * 50 / 30)


def test_three_lists_with_all_pairs_have_a_closed_form() -> None:
    counts = np.array([20, 35, 41, 160, 30, 90, 70])
    r = quietly(THREE, counts=counts, models=["Mt + pairs"])
    unseen = 20 * 160 * 90 * 70 / (35 * 41 * 30)
    assert r.estimate[0] == pytest.approx(counts.sum() + unseen)
    assert r.std_error[0] == pytest.approx(np.sqrt(unseen + unseen**2 * (1 / counts).sum())) and r.df[0] == 0


def test_r_on_the_spot(data: Path, rscript: str) -> None:
    """R's Poisson glm of the same tables, and the multinomial profile by its own maximiser."""
    seen, counts = table(data, "hiv")
    r = quietly(seen, counts=counts)
    script = f"""
    y <- c({", ".join(str(int(v)) for v in counts)})
    h <- matrix(c({", ".join(str(int(v)) for v in seen.ravel())}), ncol = 4, byrow = TRUE)
    k <- rowSums(h); p <- combn(4, 2); hh <- apply(p, 2, function(j) h[, j[1]] * h[, j[2]])
    ch <- cbind(pmax(k - 2, 0), pmax(k - 3, 0))
    for (x in list(cbind(k), h, cbind(k, k^2 / 2), cbind(h, k^2 / 2), cbind(h, hh))) {{
      m <- glm(y ~ x, family = poisson, control = list(epsilon = 1e-12))
      b <- coef(m)[1]; v <- vcov(m)[1, 1]
      cat(sum(y) + exp(b), sqrt(exp(b) + exp(2 * b) * v), deviance(m), AIC(m), df.residual(m), "")
      l <- function(u) {{
        f <- suppressWarnings(glm(c(y, u) ~ rbind(x, 0), family = poisson, control = list(epsilon = 1e-12)))
        q <- fitted(f) / (sum(y) + u)
        lgamma(sum(y) + u + 1) - lgamma(u + 1) + sum(c(y, u) * log(q))
      }}
      top <- optimize(l, c(10, 2 * exp(b)), maximum = TRUE, tol = 1e-6)
      g <- function(u) l(u) - top$objective + qchisq(.95, 1) / 2
      cat(sum(y) + uniroot(g, c(10, top$maximum), tol = 1e-4)$root, sum(y) + uniroot(g, c(top$maximum, 2e5), tol = 1e-4)$root, "\\n")
    }}
    """
    done = subprocess.run([rscript, "-e", script], capture_output=True, text=True, check=True)
    reference = np.array([[float(v) for v in line.split()] for line in done.stdout.strip().splitlines()])
    ours = np.stack([r.estimate, r.std_error, r.deviance, r.aic, r.df, r.conf_low, r.conf_high], axis=1)
    chosen = [r.models.index(name) for name in ("M0", "Mt", "Mh Darroch", "Mth Darroch", "Mt + pairs")]
    np.testing.assert_allclose(ours[chosen], reference, rtol=2e-6)


def test_chao_is_the_best_of_all_ways_to_hold_coefficients_at_0() -> None:
    rng = np.random.default_rng(3)
    h = (np.arange(1, 32)[:, None] >> np.arange(5) & 1).astype(float)
    k = h.sum(axis=1, keepdims=True)
    x = np.hstack([np.ones((31, 1)), h, *(np.maximum(k - i + 1, 0) for i in range(3, 6))])
    for _ in range(20):
        y = rng.poisson(rng.gamma(1.5, 12.0, 31)) + 1.0
        every = []
        for held in chain.from_iterable(combinations((6, 7, 8), size) for size in range(4)):
            free = [j for j in range(9) if j not in held]
            part = fit(LogLinear(x=x[:, free], y=y, bounded=0))
            eta = np.linalg.lstsq(x[:, free], np.log(part.fitted), rcond=None)[0][6:]  # type: ignore[union-attr]
            if (eta >= 0).all():
                every.append(part)
        best = max(every, key=lambda each: each.log_likelihood)  # type: ignore[union-attr]
        found = fit(LogLinear(x=x, y=y, bounded=3))
        assert found is not None and found.log_likelihood == pytest.approx(best.log_likelihood, abs=1e-7)  # type: ignore[union-attr]
        assert found.unseen == pytest.approx(best.unseen, rel=1e-5)  # type: ignore[union-attr]


def test_a_pair_nobody_shares_leaves_its_histories_out() -> None:
    """With the interaction of two lists without a common customer the fit is that of the other histories (Chan, Silverman & Vincent)."""
    counts = np.array([0, 0, 25, 200, 40, 150, 90])
    r = quietly(THREE, counts=counts, models=["Mt + list1:list2"])
    kept = THREE[2:].astype(float)
    unseen = counts[3] * counts[6] / counts[2]  # list 3 against list 1, and against list 2, among the rest
    other = fit(LogLinear(x=np.column_stack([np.ones(5), kept]), y=counts[2:].astype(float), bounded=0))
    assert other is not None and r.estimate[0] == pytest.approx(counts.sum() + other.unseen, rel=1e-8)
    assert min(unseen, 150 * 90 / 40) < other.unseen < max(unseen, 150 * 90 / 40)
    every = quietly(THREE, counts=counts)
    assert "Mt + pairs" in every.not_estimable and "Mt + pairs" in every.summary()
    with pytest.raises(IdentificationError, match="without a common customer"):
        quietly(THREE, counts=counts, models=["Mt + pairs"])


def test_rows_counts_order_and_names(data: Path) -> None:
    seen, _ = table(data, "kosovo")
    names = ["工单", "调查", "门店记录", "访谈"]
    rows = quietly({name: seen[:, j].astype(bool) for j, name in enumerate(names)}, models=["Mth Chao", "Mt + 访谈:工单"])
    distinct, counts = np.unique(seen, axis=0, return_counts=True)
    turned = quietly(
        {names[j]: distinct[:, j] for j in (2, 0, 3, 1)}, counts=counts, models=["Mth Chao", "Mt + 工单:访谈"], interval="delta"
    )
    np.testing.assert_allclose(rows.estimate, turned.estimate, rtol=1e-9)
    np.testing.assert_allclose(rows.bic, turned.bic, rtol=1e-9)
    import pandas as pd

    framed = quietly(pd.DataFrame(distinct, columns=names), counts=counts, models="Mth Chao")
    assert framed.estimate[0] == pytest.approx(rows.estimate[0]) and framed.lists == tuple(names)
    c = np.exp(special.ndtri(0.975) * np.sqrt(np.log1p((turned.std_error / (turned.estimate - turned.n)) ** 2)))
    np.testing.assert_allclose(turned.conf_high, turned.n + (turned.estimate - turned.n) * c)


def test_average_over_every_set_of_pairs() -> None:
    """Weights and average written from their formulas; three lists have eight sets."""
    r = quietly(THREE, counts=[20, 35, 41, 160, 30, 90, 70], models="every set of pairs", criterion="aic", interval="delta")
    assert len(r.models) == 8 and r.models[0] == "Mt"
    raw = np.exp(-r.aic / 2 + r.aic.min() / 2)
    np.testing.assert_allclose(r.weight, raw / raw.sum())
    assert r.average == pytest.approx(float(r.weight @ r.estimate))
    assert r.average_std_error == pytest.approx(float(r.weight @ np.hypot(r.std_error, r.estimate - r.average)))
    assert r.average_low < r.average < r.average_high


def test_models_that_agree_give_no_warning() -> None:
    h = (np.arange(1, 16)[:, None] >> np.arange(4) & 1).astype(bool)
    chance = np.prod(np.where(h, 0.4, 0.6), axis=1)
    r = capture_recapture(h, counts=np.round(20_000 * chance))
    assert not r.assumption_drives
    np.testing.assert_allclose(r.estimate, 20_000, rtol=0.01)


def test_refusals_and_writing() -> None:
    good = {"a": [1, 1, 0], "b": [1, 0, 1]}
    for seen, options, error, match in (
        ({"a": [1, 1]}, {}, IdentificationError, "One list"), (np.eye(2), {}, IdentificationError, "No customer is on two"),
        ({"a": [1, 0], "b": [1, 0]}, {}, InputError, r"Rows 1 of seen"), ({"a": [1, 1], "b": [0, 0]}, {}, InputError, "Nobody is on"),
        ({"a": [1, 2], "b": [1, 0]}, {}, InputError, "true or false"), ({"a": ["1", "0"], "b": [1, 1]}, {}, InputError, "numbers"),
        ({"a": [1, np.nan], "b": [1, 1]}, {}, InputError, "missing"), ({"a": [1, 0], "b": [1]}, {}, InputError, "expected"),
        (np.ones(3), {}, InputError, "one column per list"), (np.ones((2, 13)), {}, InputError, "12 are the most"),
        (good, {"counts": [1, 2]}, InputError, "counts"), (good, {"counts": [1, -2, 3]}, InputError, "negative"),
        (good, {"counts": [0, 2, 3]}, IdentificationError, "No customer is on two"), (good, {"counts": [0, 0, 0]}, InputError, "Nobody"),
        (good, {"models": ["Mx"]}, InputError, "begin with"), (good, {"models": ["Mt + a:c"]}, InputError, "no pair of lists"),
        (good, {"models": []}, InputError, "no model"), (good, {"models": ["Mt + pairs"]}, IdentificationError, "without a common"),
        ({"a": [1], "b": [1]}, {"models": ["Mt"]}, IdentificationError, "every customer"), (good, {"level": 1.0}, InputError, "level"),
        (np.ones((3, 0)), {}, IdentificationError, "One list"), (good, {"criterion": "dic"}, InputError, "criterion"),
    ):
        with pytest.raises(error, match=match):
            quietly(seen, **options)
    r = quietly({"a": [1, 1, 0], "b": [1, 0, 1]}, counts=[20, 80, 60])
    again = load(r.to_json())
    assert isinstance(again, CaptureRecapture) and again.models == ("M0", "Mt") and again.to_frame().shape == (2, 10)
    assert r.tidy()["term"].tolist() == ["M0", "Mt", "average"]


def drawn(rng: np.random.Generator, size: int) -> np.ndarray:
    """Histories of a population of `size`, independent lists."""
    seen = rng.random((size, 4)) < [0.3, 0.2, 0.25, 0.15]
    return seen[seen.any(axis=1)]


def test_limits_cover_when_lists_are_independent() -> None:
    """150 populations of 1,000: profile and delta limits of Mt hold at 90 %, and the estimate has no bias to speak of."""
    rng = np.random.default_rng(90_001)
    fits = [quietly(drawn(rng, 1000), models=["Mt"], level=0.9) for _ in range(150)]
    estimate, error, low, high = np.array([[r.estimate[0], r.std_error[0], r.conf_low[0], r.conf_high[0]] for r in fits]).T
    seen = np.array([r.n for r in fits])
    ends = seen + np.array(size_limits(estimate - seen, error, 0.9))
    assert abs(estimate.mean() - 1000) < 4 * estimate.std() / np.sqrt(150) + 10
    assert estimate.std() == pytest.approx(error.mean(), rel=0.2)
    for lower, upper in ((low, high), ends):
        assert 0.82 < ((lower <= 1000) & (upper >= 1000)).mean() < 0.97
