"""Replicates: published values, counts and rows alike, chunks, domains, and what they make of chains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from estimation.api_cases import read
from estimation.worlds import CHAINS, chain, world

from vocstats import texts
from vocstats.estimation import Design, Replicates, difference, mean, ratio, replicate, rerunning, total
from vocstats.estimation.hadamard import hadamard
from vocstats.weighting import Weights, calibrate, rake, trim

RNG = np.random.default_rng(20)
Y = RNG.normal(5.0, 2.0, 24)
BASE = RNG.uniform(1.0, 3.0, 24)
LABEL = np.arange(24) % 3
STRATUM = np.repeat([0, 1, 2], 8)
METHODS: list[dict[str, Any]] = [{"method": "jackknife"}, {"method": "brr"}, {"method": "fay", "rho": 0.5}]
TARGETS = {"label": {0: 20.0, 1: 15.0, 2: 18.0}}


def raked(rows: Any = slice(None), counts: Any = None) -> Weights:
    return rake({"label": LABEL[rows]}, TARGETS, base_weights=BASE[rows], counts=counts)


@pytest.mark.parametrize(
    ("fpc", "centre", "std_error"), [(True, "mean", 26.3293605895), (True, "estimate", 26.3348576685), (False, "mean", 26.5941613577)]
)
def test_jackknife_of_the_api_clusters(fpc: bool, centre: Any, std_error: float, data: Path) -> None:
    clus1 = read(data, "apiclus1")
    design = Design(clusters=clus1["dnum"], fpc=clus1["fpc"] if fpc else None)
    e = mean(clus1["api00"], replicate(clus1["pw"], design=design, method="jackknife", centre=centre))
    assert e.estimate == pytest.approx(644.169398907, rel=1e-9)
    assert e.std_error == pytest.approx(std_error, rel=1e-9)
    assert e.df == 14


def test_hadamard_matrices() -> None:
    orders = set()
    for least in range(1, 101):
        h = hadamard(least).astype(int)
        orders.add(len(h))
        assert len(h) >= least
        assert (h @ h.T == len(h) * np.eye(len(h))).all()
        assert (h[0] == 1).all() and (h[:, 0] == 1).all()
    assert set(range(4, 101, 4)) - orders == {52, 92, 100}


@pytest.mark.parametrize("options", METHODS, ids=lambda options: options["method"])
@pytest.mark.parametrize("clusters", [False, True])
def test_counts_are_repetition(options: dict[str, Any], clusters: bool) -> None:
    """Also where a deletion must go through a chain: margins, then a cap."""
    counts = np.tile([2.0, 1.0, 3.0, 2.0], 6)
    rows = np.repeat(np.arange(24), counts.astype(int))
    groups = np.arange(24) // 2 if clusters else None
    results = []
    for part, often in ((slice(None), counts), (rows, None)):
        w = trim(raked(part, often), upper=1.4, keep_margins=False)
        design = Design(strata=STRATUM[part], clusters=None if groups is None else groups[part])
        for centre in ("estimate", "mean"):
            reps = replicate(w, design=design, centre=centre, **options)
            results.append(mean(Y[part], reps, by=LABEL[part]))
            assert len(reps) <= 24 if options["method"] == "jackknife" and part is not rows else True
    for cells, units in zip(results[:2], results[2:], strict=True):
        for column in ("estimate", "std_error", "conf_low", "df", "n"):
            np.testing.assert_allclose(getattr(cells, column), getattr(units, column), rtol=1e-8)


@pytest.mark.parametrize("often", [1, 40])  # unit by unit, and by multinomial numbers per cell
def test_bootstrap_counts_are_multinomial(often: int) -> None:
    counts = RNG.integers(1, 4, 24).astype(float) * often
    n = np.bincount(STRATUM, counts)[STRATUM]
    reps = replicate(np.ones(24), counts=counts, design=Design(strata=STRATUM), replicates=3000, seed=2)
    drawn = reps.values * counts[:, None] * ((n - 1) / n)[:, None]
    np.testing.assert_allclose(drawn, np.round(drawn), atol=1e-6)
    for h in range(3):
        np.testing.assert_allclose(drawn[h == STRATUM].sum(axis=0), n[8 * h] - 1)
    expected, spread = (n - 1) * counts / n, (n - 1) * counts / n * (1 - counts / n)
    assert (np.abs(drawn.mean(axis=1) - expected) < 4.5 * np.sqrt(spread / 3000)).all()
    assert (np.abs(drawn.var(axis=1) / spread - 1) < 4.5 * np.sqrt(2.3 / 3000)).all()


def test_every_method_gives_the_textbook_variance_of_a_total() -> None:
    """Σ_h N_h² (1 - f_h) s_h² / n_h: exactly for deletions and half-samples, within Monte Carlo error for the bootstrap."""
    population = np.array([10.0, 40.0, 8.0])
    design = Design(strata=STRATUM, fpc=population[STRATUM])
    w = (population / 8.0)[STRATUM]
    expected = sum(size**2 * (1 - 8 / size) * Y[h == STRATUM].var(ddof=1) / 8 for h, size in enumerate(population))
    gaps = (np.diff(Y.reshape(3, 4, 2), axis=2) ** 2).sum(axis=(1, 2))
    pairs = ((population / 8) ** 2 * (1 - 8 / population)) @ gaps
    assert total(Y, w, design=design).std_error ** 2 == pytest.approx(expected)
    assert total(Y, replicate(w, design=design, method="jackknife")).std_error ** 2 == pytest.approx(expected)
    for options in METHODS[1:]:
        assert total(Y, replicate(w, design=design, **options)).std_error ** 2 == pytest.approx(pairs)
    for draws in (1.0, 0.5):
        boot = total(Y, replicate(w, design=design, replicates=4000, draws=draws, seed=5)).std_error ** 2
        assert abs(boot / expected - 1) < 4 * np.sqrt(2 / 4000) * 1.1


def test_a_census_stratum_adds_nothing() -> None:
    design = Design(strata=STRATUM, fpc=np.array([8.0, 40.0, 8.0])[STRATUM])
    for method in ("jackknife", "bootstrap", "brr"):
        reps = replicate(np.ones(24), design=design, method=method, replicates=50)
        e = mean(Y, reps, by=STRATUM)
        np.testing.assert_allclose(e.std_error[[0, 2]], 0.0, atol=1e-12)
        assert e.std_error[1] > 0.1


def test_rows_outside_the_sample_change_nothing() -> None:
    inside = np.arange(24) % 4 != 0
    label = np.where(inside, LABEL, 0)
    w = rake({"label": label}, TARGETS, base_weights=np.where(inside, BASE, 0.0))
    short = rake({"label": label[inside]}, TARGETS, base_weights=BASE[inside])
    for options in ({"method": "jackknife"}, {"replicates": 40}):
        full = mean(np.where(inside, Y, np.nan), replicate(w, design=Design(strata=STRATUM), **options))
        part = mean(Y[inside], replicate(short, design=Design(strata=STRATUM[inside]), **options))
        assert full.std_error == pytest.approx(part.std_error, rel=1e-9)
        assert full.df == part.df and full.n == part.n


def test_order_and_names_change_nothing() -> None:
    order = RNG.permutation(24)
    one = mean(Y, replicate(raked(), design=Design(strata=STRATUM, clusters=np.arange(24) // 2), method="jackknife"))
    names = np.array(["丙", "甲", "乙"])[STRATUM]
    design = Design(strata=names[order], clusters=(np.arange(24) // 2)[order])
    two = mean(Y[order], replicate(raked(order), design=design, method="jackknife"))
    assert two.std_error == pytest.approx(one.std_error, rel=1e-9)


def test_chunks_and_storage_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"design": Design(strata=STRATUM), "replicates": 30, "seed": 7, "draws": 0.5}
    whole = replicate(raked(), **options)
    monkeypatch.setattr(rerunning, "CHUNK", 24 * 7)
    chunked = replicate(raked(), **options)
    monkeypatch.setattr(rerunning, "STORED", 0)
    anew = replicate(raked(), **options)
    assert whole.stored is not None and len(whole.stored) == 1 and chunked.stored is not None and len(chunked.stored) == 5
    assert anew.stored is None
    np.testing.assert_allclose(chunked.values, whole.values, rtol=1e-7)
    np.testing.assert_allclose(anew.values, whole.values, rtol=1e-7)
    expected = mean(Y, whole, by=LABEL)
    for reps in (chunked, anew):
        np.testing.assert_allclose(mean(Y, reps, by=LABEL).std_error, expected.std_error, rtol=1e-6)
    np.testing.assert_allclose(replicate(raked(), **{**options, "replicates": 10}).values, anew.values[:, :10], rtol=1e-12)
    assert (replicate(raked(), **{**options, "seed": 8}).values != whole.values).any()


@pytest.mark.parametrize("name", CHAINS)
def test_jackknife_agrees_with_linearisation(name: str) -> None:
    """All who were asked are resampled, heard or not: the propensity step is fitted anew on them."""
    rng = np.random.default_rng(17)
    w = world(rng, size=2800, clusters=160)
    heard = w.answer(rng)
    assert heard.sum() >= 1000
    weights, y = chain(name, w, heard), np.where(heard, w.y, np.nan)
    design = Design(strata=w.stratum, clusters=w.cluster)
    linear = mean(y, weights, design=design).std_error
    deleted = mean(y, replicate(weights, design=design, method="jackknife")).std_error
    assert deleted == pytest.approx(linear, rel=0.02)


def test_bootstrap_and_half_samples_agree_with_linearisation() -> None:
    rng = np.random.default_rng(18)
    w = world(rng, size=2800, clusters=160)
    heard = w.answer(rng)
    weights, y = chain("rake > calibrate", w, heard), np.where(heard, w.y, np.nan)
    design = Design(strata=w.stratum, clusters=w.cluster)
    linear = mean(y, weights, design=design).std_error
    for options in ({"draws": 0.5}, {"centre": "mean"}):
        boot = mean(y, replicate(weights, design=design, replicates=200, **options)).std_error
        assert abs(boot / linear - 1.0) < 4.0 / np.sqrt(2 * 200)
    half = mean(y, replicate(weights, design=design, method="fay", rho=0.5)).std_error
    assert abs(half / linear - 1.0) < 4.0 / np.sqrt(2 * 80)  # 80 pairs: as many independent squares


def test_a_domain_missing_in_a_replicate_has_no_standard_error() -> None:
    small = np.where(np.arange(24) == 3, "one", np.where(np.arange(24) < 20, "many", "few"))
    e = mean(Y, replicate(raked(), replicates=100), by=small)
    assert np.isnan(e.std_error[list(e.labels["by"]).index("one")]) and np.isfinite(e.std_error[list(e.labels["by"]).index("many")])
    within = np.where(np.isin(np.arange(24), [3, 4]), "two", "rest")
    lost = replicate(raked(), replicates=200)
    assert (lost.values[[3, 4]].sum(axis=0) == 0).any()
    e = mean(Y, lost, by=within)
    assert np.isnan(e.std_error[1]) and np.isnan(e.conf_low[1]) and np.isfinite(e.std_error[0])
    assert np.isnan(mean(Y, replicate(raked(), replicates=200, interval="percentile"), by=within).conf_low[1])
    assert np.isfinite(total(Y, lost, by=within).std_error).all()  # nobody there: a total of 0
    assert np.isfinite(mean(Y, replicate(raked(), replicates=200, draws=0.5), by=within).std_error).all()


def test_percentile_limits_are_quantiles() -> None:
    reps = replicate(raked(), replicates=400, interval="percentile")
    e = mean(Y, reps, level=0.9)
    masses = np.hstack(list(reps.chunks()))
    figures = (Y[reps.rows] @ masses) / masses.sum(axis=0)
    np.testing.assert_allclose([e.conf_low, e.conf_high], np.quantile(figures, [0.05, 0.95]))


def test_difference_of_two_estimates() -> None:
    reps = replicate(raked(), method="jackknife", design=Design(strata=STRATUM))
    gap = difference(mean(Y, reps), mean(BASE, reps))
    assert gap.std_error == pytest.approx(mean(Y - BASE, reps).std_error, rel=1e-9)
    again, other = (replicate(raked(), method="jackknife", design=design) for design in (Design(strata=STRATUM), Design()))
    assert difference(mean(Y, reps), mean(BASE, again)).std_error == pytest.approx(gap.std_error, rel=1e-9)
    with pytest.raises(ValueError, match="differ in 'replicates'"):
        difference(mean(Y, reps), mean(BASE, other))


def test_given_multiplicities_are_rerun() -> None:
    """The jackknife's own multiplicities handed in."""
    kept = 1.0 - np.eye(24)
    reps = replicate(raked(), method="given", multiplicities=kept * 24 / 23, scale=23 / 24)
    own = replicate(raked(), method="jackknife")
    for statistic in (mean, total):
        assert statistic(Y, reps).std_error == pytest.approx(statistic(Y, own).std_error, rel=1e-9)
    final = replicate(raked(), method="given", replicate_weights=own.values, scale=1.0, rscales=own.scaling.rscales, df=23)
    assert ratio(Y, BASE, final).std_error == pytest.approx(ratio(Y, BASE, own).std_error, rel=1e-9)
    assert final.scaling.df == own.scaling.df == 23


def test_weights_of_zero_that_a_replicate_revives() -> None:
    """A factor at its bound of 0 in the full sample is above it in some replicates: the answer must be there, and counts."""
    x = np.append(np.linspace(0.0, 1.0, 11), 2.0)
    w = calibrate({"one": np.ones(12), "x": x}, {"one": 12.0, "x": 0.42 * 12}, distance="truncated", bounds=(0.0, 5.0))
    assert w.values[-1] == 0.0
    reps = replicate(w, method="jackknife")
    assert reps.rows.size == 12 and reps.values[-1].max() > 0.1
    with pytest.raises(ValueError, match="missing values where the weight is not 0, at rows 11"):
        mean(np.append(x[:-1], np.nan), reps)
    figures = x @ reps.values / reps.values.sum(axis=0)
    assert mean(x, reps).std_error ** 2 == pytest.approx(11 / 12 * ((figures - mean(x, reps).estimate) ** 2).sum(), abs=1e-12)


def test_table_and_text() -> None:
    reps = replicate(raked(), design=Design(strata=STRATUM), method="brr")
    assert isinstance(reps, Replicates) and len(reps) == 16 == reps.values.shape[1]
    table = reps.to_frame()
    assert list(table.columns[:4]) == ["row", "count", "weight", "replicate_1"] and table.shape == (24, 19)
    np.testing.assert_allclose(table["weight"], raked().values)
    np.testing.assert_allclose(table["replicate_6"], reps.values[:, 5])
    assert repr(reps) == "Replicates(brr, 16 replicates of 24 rows heard, steps: rake, 21 degrees of freedom)"


def test_what_the_spread_contains_is_said() -> None:
    fpc = Design(strata=STRATUM, clusters=[np.arange(24) // 2, None], fpc=[np.full(24, 9.0)])
    e = mean(Y, replicate(trim(raked(), upper=1.5), design=fpc, method="jackknife"))
    expected = ("replicates", "stratification", "clustering", "finite_population", "first_stage_only", "rake", "trim")
    assert e.variance_accounts_for == expected
    for language in ("en", "zh"):
        assert all(texts.namespace("variance")[code][language] in e.accounts(language) for code in expected)
    assert "weights_as_given" in replicate(BASE, replicates=5).accounts_for


def test_estimated_targets_move() -> None:
    """Opsomer and Erciulescu: the spread contains the covariance of the targets, as the linearised variance does."""
    rng = np.random.default_rng(19)
    x = rng.gamma(2.0, 1.0, 1200)
    y = 3.0 + 2.0 * x + rng.normal(size=1200)
    totals, error = {"one": 60_000.0, "x": 118_000.0}, np.array([[0.0, 0.0], [0.0, 3_000.0**2]])
    known = calibrate({"one": np.ones(1200), "x": x}, totals)
    w = calibrate({"one": np.ones(1200), "x": x}, totals, totals_covariance=error)
    design = Design(clusters=np.arange(1200) % 150)
    fixed, moved = mean(y, known, design=design).std_error, mean(y, replicate(w, design=design, method="jackknife"))
    slope = float(np.polyfit(x, y, 1)[0])
    assert moved.std_error == pytest.approx(np.hypot(fixed, slope * 3_000.0 / 60_000.0), rel=0.02)
    assert "estimated_targets" in moved.variance_accounts_for
    boot = mean(y, replicate(w, design=design, replicates=300)).std_error
    assert abs(boot / moved.std_error - 1.0) < 4.0 / np.sqrt(600)
