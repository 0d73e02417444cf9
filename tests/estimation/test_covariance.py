"""Covariances between domains: the formula written out, the diagonal, differences, replicates, and R's svyby."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from estimation.api_cases import calibrated, read
from estimation.worlds import CHAINS, chain, world

from vocstats.errors import InputError
from vocstats.estimation import Design, Estimate, difference, mean, replicate, total
from vocstats.results import load

R = """
suppressMessages(library(survey))
clus <- read.csv(file.path({folder!r}, "apiclus1.csv"), stringsAsFactors = TRUE)
d <- svydesign(id = ~dnum, weights = ~pw, data = clus, fpc = ~fpc)
totals <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018, api99 = 3914069)
clus$cell <- interaction(clus$sch.wide, clus$awards, drop = TRUE)
d <- update(d, cell = clus$cell)
for (design in list(d, calibrate(d, ~stype + api99, totals)))
  cat(format(vcov(svyglm(api00 ~ 0 + cell, design)), digits = 15), sep = "\n")
"""


@pytest.mark.parametrize("inference", ["r", "registry", "process"])
@pytest.mark.parametrize("name", ["plain", *CHAINS])
def test_diagonal_and_differences(name: str, inference: str) -> None:
    rng = np.random.default_rng(2)
    w = world(rng, size=800)
    heard = w.answer(rng)
    counts = rng.integers(1, 3, heard.size).astype(float)
    weights = heard * rng.uniform(1, 2, heard.size) if name == "plain" else chain(name, w, heard, counts)
    y = np.where(heard, w.y, np.nan)
    for design in (Design(strata=w.stratum, clusters=w.cluster), Design(clusters=[w.cluster, None], fpc=[w.cluster * 0 + 90.0] * 2), None):
        e = mean(y, weights, by=w.b, design=design, inference=inference)
        table = e.covariance()
        np.testing.assert_allclose(np.diag(table), e.std_error**2, rtol=1e-12)
        np.testing.assert_allclose(table, table.T, atol=1e-12)
        assert np.linalg.eigvalsh(table).min() > -1e-12
        if inference == "r":  # with weights of one estimate the variance of a sum is the sum of the covariances
            sums = total(y, weights, by=w.b, design=design)
            assert sums.covariance().sum() == pytest.approx(total(y, weights, design=design).std_error ** 2, rel=1e-9)


def test_difference_of_a_domain_and_everybody() -> None:
    rng = np.random.default_rng(4)
    y, by, cluster = rng.normal(size=300), rng.integers(0, 2, 300), rng.integers(0, 30, 300)
    design = Design(clusters=cluster)
    e = total(y, by=by, design=design)
    gap = difference(e, total(y, design=design))  # minus the other domain
    np.testing.assert_allclose(gap.std_error, e.std_error[::-1], rtol=1e-9)
    np.testing.assert_allclose(gap.covariance(), e.covariance()[::-1, ::-1], rtol=1e-9)


def test_r_survey(data: Path, rscript: str) -> None:
    done = subprocess.run([rscript, "-"], input=R.format(folder=str(data / "api")), capture_output=True, text=True, check=True, timeout=120)
    expected = np.array(done.stdout.split(), float).reshape(2, 3, 3)
    clus = read(data, "apiclus1")
    design = Design(clusters=clus["dnum"], fpc=clus["fpc"])
    for w, table in zip((clus["pw"], calibrated(clus)), expected, strict=True):
        e = mean(clus["api00"], w, design=design, by=clus[["sch.wide", "awards"]])
        np.testing.assert_allclose(e.covariance(), table, rtol=1e-5)


def test_many_domains_cost_no_rows_by_domains() -> None:
    rng = np.random.default_rng(5)
    n, k = 20_000, 2000
    by, cluster = np.arange(n) % k, rng.integers(0, 200, n)
    e = mean(rng.normal(size=n), by=by, design=Design(clusters=cluster))
    table = e.covariance()
    assert table.shape == (k, k)
    pair = mean(np.nan_to_num(e.influence[:, 3] + e.influence[:, 7]) * n, design=Design(clusters=cluster))
    assert table[3, 3] + table[7, 7] + 2 * table[3, 7] == pytest.approx(pair.std_error**2, rel=1e-9)


def test_replicates_and_unknown_rows() -> None:
    rng = np.random.default_rng(6)
    y, by = rng.normal(size=40), np.repeat([0, 1, 2, 3], [20, 15, 4, 1])
    reps = replicate(np.ones(40), replicates=300, seed=1)
    e = mean(y, reps, by=by)
    table = e.covariance()
    np.testing.assert_allclose(np.diag(table), e.std_error**2)
    assert np.isnan(table[3]).all() and np.isfinite(table[:2, :2]).all()
    read_back = load(e.to_dict())
    assert isinstance(read_back, Estimate)
    with pytest.raises(InputError, match="read from a file"):
        read_back.covariance()
