"""Tables: every number of R's svychisq and svygofchisq on the spot; by-hand formulas, invariances, simulation, refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimation.regression_cases import DESIGNS, designed, survey_regression
from estimation.worlds import chain, world
from scipy import stats

from vocstats.errors import VocstatsError
from vocstats.estimation import Design, HypothesisTest, rao_scott, rao_scott_shares, replicate
from vocstats.estimation.quadratic_forms import sum_exceeds
from vocstats.results import load
from vocstats.texts import message
from vocstats.weighting import rake


@pytest.fixture(scope="module")
def survey(data: Path, rscript: str) -> pd.DataFrame:
    """What R says, by case and kind."""
    return survey_regression(data, rscript)


@pytest.mark.parametrize("statistic", ["F", "Chisq", "Wald", "adjWald", "saddlepoint"])
@pytest.mark.parametrize("design", DESIGNS)
def test_tables_as_in_r(design: str, statistic: str, data: Path, survey: pd.DataFrame) -> None:
    frame, w, drawn = designed(data, design)
    test = rao_scott(frame["sch.wide"], frame["stype"], w, design=drawn, statistic=statistic)
    expected = survey.loc[[(f"{design} {statistic}", "table")]].iloc[0]
    assert test.statistic == pytest.approx(expected["estimate"], rel=2e-6)
    if statistic == "saddlepoint":  # R rounds the degrees of freedom of the denominator down
        free = test.df_denominator
        whole = np.floor(free)
        rounded = sum_exceeds(test.statistic * whole / free, test.eigenvalues, whole, approximation=True)
        assert rounded == pytest.approx(expected["std_error"], rel=1e-5)
        return
    np.testing.assert_allclose([test.df, test.p_value], expected[["df", "std_error"]], rtol=1e-5)


@pytest.mark.parametrize("design", DESIGNS)
def test_given_shares_as_in_r(design: str, data: Path, survey: pd.DataFrame) -> None:
    frame, w, drawn = designed(data, design)
    test = rao_scott_shares(frame["band"], {"a": 2, "b": 3, "c": 3, "d": 2}, w, design=drawn)
    expected = survey.loc[[(f"{design} shares", "table")]].iloc[0]
    np.testing.assert_allclose([test.statistic, test.p_value, test.df], expected, rtol=1e-5)


def test_cases_of_independent_rows() -> None:
    """With equal weights and rows drawn one by one the design effects are near 1, and X2 is Pearson's."""
    rng = np.random.default_rng(1)
    rows, columns = rng.integers(0, 3, 4000), rng.integers(0, 2, 4000)
    pearson = stats.chi2_contingency(pd.crosstab(rows, columns), correction=False)
    test = rao_scott(rows, columns, statistic="Chisq")
    assert test.statistic == pytest.approx(pearson.statistic) and test.df == 2
    np.testing.assert_allclose(test.eigenvalues, 1.0, atol=0.05)
    assert test.p_value == pytest.approx(pearson.pvalue, rel=0.1)
    exact, near = (rao_scott(rows, columns, statistic=each).p_value for each in ("lincom", "saddlepoint"))
    assert exact == pytest.approx(rao_scott(rows, columns).p_value, rel=0.01) and near == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize(("values", "free"), [([1.0, 1.0, 1.0], 12.0), ([2.5, 0.7, 0.3], 7.0), ([0.4], 33.5)])
def test_sums_of_chi_squares(values: list[float], free: float) -> None:
    weights = np.array(values)
    rng = np.random.default_rng(2)
    drawn = rng.chisquare(1.0, (400_000, weights.size)) @ weights / (rng.chisquare(free, 400_000) / free)
    for x in (1.0, 4.0, 9.0):
        exact = sum_exceeds(x, weights, free, approximation=False)
        assert abs(np.mean(drawn > x) - exact) < 4 * np.sqrt(exact * (1 - exact) / drawn.size)
        if len(set(values)) == 1:
            assert exact == pytest.approx(stats.f.sf(x / weights.sum(), weights.size, free), abs=1e-8)
    exact, near = (sum_exceeds(6.0, weights, free, approximation=each) for each in (False, True))
    assert near == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize("statistic", ["F", "Chisq", "Wald", "adjWald", "lincom"])
def test_counts_zero_weights_order_and_labels(statistic: str) -> None:
    rng = np.random.default_rng(3)
    n = 300
    w = world(rng, size=n, clusters=30)
    a, b = np.array(["甲", "乙", "丙"])[w.b], np.where(w.x + w.a > 0.5, "是", "否")
    counts, base = rng.integers(0, 4, n).astype(float), rng.uniform(1, 3, n) * (rng.random(n) < 0.8)
    test = rao_scott(a, b, base, counts=counts, design=Design(clusters=w.cluster), statistic=statistic)
    rows = rng.permutation(np.repeat(np.arange(n), (counts * (base > 0)).astype(int)))
    names = {"甲": 3, "乙": 1, "丙": 2}
    long = rao_scott([names[each] for each in a[rows]], b[rows], base[rows], design=Design(clusters=w.cluster[rows]), statistic=statistic)
    turned = rao_scott(b, a, 3 * base, counts=counts, design=Design(clusters=w.cluster), statistic=statistic)
    for other in (long, turned):
        np.testing.assert_allclose([other.statistic, other.p_value, other.n], [test.statistic, test.p_value, test.n], rtol=1e-7)
    shares = {"甲": 1 / 3, "乙": 1 / 3, "丙": 1 / 3}
    one = rao_scott_shares(a, shares, base, counts=counts)
    two = rao_scott_shares(a[rows], shares, base[rows])
    assert (one.statistic, one.p_value) == pytest.approx((two.statistic, two.p_value))


def test_domains_empty_cells_and_chains() -> None:
    rng = np.random.default_rng(4)
    w = world(rng, size=700, clusters=35)
    heard = w.answer(rng)
    weights = chain("propensity > rake", w, heard)
    happy = np.where(heard, np.where(w.y > 6, "yes", "no"), None)
    with_chain = rao_scott(w.b, happy, weights, inference="registry")
    assert "rake" in with_chain.variance_accounts_for and with_chain.n == heard.sum()
    assert rao_scott(w.b, happy, weights.values, design=Design()).statistic != pytest.approx(with_chain.statistic, rel=1e-3)
    inside = rao_scott(w.a, w.y > 6, domain=w.b == 1)
    alone = rao_scott(w.a[w.b == 1], w.y[w.b == 1] > 6)
    assert inside.n == alone.n and inside.statistic == pytest.approx(alone.statistic, rel=0.01)  # the domain's size is random
    reps = replicate(np.ones(700), replicates=400, seed=3)
    assert rao_scott(w.a, w.y > 6, reps).statistic == pytest.approx(rao_scott(w.a, w.y > 6).statistic, rel=0.25)
    empty = np.where((w.b == 2) & (w.a == 1), 0, w.a)
    assert np.isfinite(rao_scott(w.b, empty).p_value)


def test_level_under_independence_with_clusters() -> None:
    """Rows of a cluster share their answers: the corrected test keeps its level, the uncorrected one does not."""
    rng = np.random.default_rng(5)
    corrected = plain = 0
    for _ in range(200):
        cluster = np.repeat(np.arange(60), 8)
        rows = np.where(rng.random(480) < 0.8, rng.integers(0, 3, 60)[cluster], rng.integers(0, 3, 480))
        columns = np.where(rng.random(480) < 0.8, rng.integers(0, 2, 60)[cluster], rng.integers(0, 2, 480))
        test = rao_scott(rows, columns, design=Design(clusters=cluster))
        corrected += test.p_value < 0.05
        plain += stats.chi2.sf(test.statistic * test.eigenvalues.sum(), 2) < 0.05
    assert abs(corrected / 200 - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 200)
    assert plain / 200 > 0.25


def test_result_is_written_and_read() -> None:
    for statistic in ("F", "Chisq", "Wald", "lincom"):
        test = rao_scott(list("aabbabab"), list("xyxyxyyx"), [1, 2, 1, 2, 3, 1, 2, 1], statistic=statistic)
        again = load(test.to_json())
        assert isinstance(again, HypothesisTest) and again.to_frame().equals(test.to_frame())
        assert "p = " in again.summary() and "检验" in again.summary("zh")


A, B = list("aabbabab"), list("xyxyxyyx")
BAD: dict[str, tuple[Callable[[], object], str, str]] = {
    "statistic": (lambda: rao_scott(A, B, statistic="Pearson"), "not_a_choice", "'adjWald'"),
    "one level": (lambda: rao_scott(A, ["x"] * 8), "one_level", "columns has one level"),
    "missing": (lambda: rao_scott(A, ["x", None, *B[2:]]), "missing_labels", "columns"),
    "length": (lambda: rao_scott(A, B[:5]), "wrong_length", "columns has 5"),
    "known": (lambda: rao_scott(A, A, rake({"a": A}, {"a": {"a": 5, "b": 5}})), "known_without_error", "without error"),
    "empty": (lambda: rao_scott([1, 1, 2, 2, 3, 3], [1, 1, 2, 2, 3, 3]), "empty_cells", "Merge levels"),
    "levels": (lambda: rao_scott_shares(A, {"a": 0.5, "c": 0.5}), "levels_differ", "'b', 'c'"),
    "share": (lambda: rao_scott_shares(A, {"a": 0.5, "b": 0.0}), "out_of_bounds", "shares"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    call, code, text = BAD[name]
    with pytest.raises(VocstatsError, match=text) as caught:
        call()
    assert caught.value.code == code
    assert message(caught.value, "zh") != str(caught.value)
