"""Wald tests: every number of R's regTermTest on the spot; by-hand formulas, equal routes, refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from estimation.regression_cases import DESIGNS, fitted, survey_regression
from estimation.worlds import chain, world
from scipy import stats

from vocstats.errors import VocstatsError
from vocstats.estimation import Design, HypothesisTest, mean, regress, replicate, wald_test
from vocstats.results import load
from vocstats.texts import message


@pytest.fixture(scope="module")
def survey(data: Path, rscript: str) -> pd.DataFrame:
    """What R says, by case and kind."""
    return survey_regression(data, rscript)


@pytest.mark.parametrize("statistic", ["F", "Chisq"])
@pytest.mark.parametrize("model", ["gaussian", "binomial"])
@pytest.mark.parametrize("design", DESIGNS)
def test_terms_as_in_r(design: str, model: str, statistic: str, data: Path, survey: pd.DataFrame) -> None:
    test = wald_test(fitted(data, design, model), terms="stype", statistic=statistic)
    expected = survey.loc[[(f"{design} {model} {statistic}", "wald")]].iloc[0]
    np.testing.assert_allclose([test.statistic, test.df], expected[["estimate", "df"]], rtol=2e-6)
    assert test.p_value == pytest.approx(expected["std_error"], rel=1e-5)


def test_two_domains_are_their_difference() -> None:
    rng = np.random.default_rng(1)
    w = world(rng, size=600, clusters=40)
    heard = w.answer(rng)
    weights = chain("propensity > rake", w, heard)
    y, design = np.where(heard, w.y, np.nan), Design(clusters=w.cluster)
    for inference in ("r", "registry"):
        means = mean(y, weights, by=w.a, design=design, inference=inference)
        t = (means.estimate[1] - means.estimate[0]) / np.sqrt(np.array([-1, 1]) @ means.covariance() @ np.array([-1, 1]))
        test = wald_test(means)
        assert test.statistic == pytest.approx(t**2) and (test.df, test.df_denominator) == (1, 40 - 1 - 1)
        assert test.p_value == pytest.approx(2 * stats.t.sf(abs(t), 38))
        assert wald_test(means, contrast=[-1, 1], null=0.3, statistic="Chisq").statistic < wald_test(means, statistic="Chisq").statistic


def test_equality_of_domains_is_the_test_of_indicators() -> None:
    rng = np.random.default_rng(2)
    w = world(rng, size=800, clusters=50)
    design = Design(strata=w.stratum, clusters=w.cluster)
    means = mean(w.y, by=w.b, design=design)
    fit = regress(w.y, {"b": w.b.astype(str), "x": np.zeros(800) + w.a}, design=design)
    assert wald_test(fit, terms=["b=1", "b=2"]).statistic == pytest.approx(wald_test(fit, terms="b").statistic)
    plain = regress(w.y, {"b": w.b.astype(str)}, design=design)
    one, two, three = wald_test(means), wald_test(plain), wald_test(means, contrast=[[1, -1, 0], [1, 1, -2]])
    for other in (two, three):
        assert one.statistic == pytest.approx(other.statistic) and one.p_value == pytest.approx(other.p_value)
    assert one.df_denominator == two.df_denominator == 50 - 4 - 2
    assert two.hypothesis == ("b=1", "b=2")
    everything = wald_test(fit)
    assert everything.df == 3 and everything.hypothesis == ("b=1", "b=2", "x")


def test_replicates_and_thresholds() -> None:
    rng = np.random.default_rng(3)
    score, x = rng.integers(1, 5, 200), rng.normal(size=200)
    reps = replicate(np.ones(200), replicates=100, seed=2)
    fit = regress(score, {"x": x}, reps, family="ordinal")
    test = wald_test(fit)
    assert test.hypothesis == ("x",) and test.statistic == pytest.approx(fit.t[0] ** 2) and test.p_value == pytest.approx(fit.p_value[0])
    assert wald_test(mean(x, reps, by=score)).df_denominator == reps.scaling.df - 3


def test_result_is_written_and_read() -> None:
    test = wald_test(mean([7, 9, 8, 5, 6, 4, 7, 8], by=list("aaabbbcc")), statistic="Chisq")
    again = load(test.to_json())
    assert isinstance(again, HypothesisTest) and again.to_frame().equals(test.to_frame()) and np.isinf(again.df_denominator)
    assert "p = " in test.summary() and "检验" in test.summary("zh") and test.tidy().shape == (1, 6)


SCORES, GROUPS = [7, 9, 8, 5, 6, 4, 7, 8, 5], list("aaabbbccd")
BAD: dict[str, tuple[Callable[[], object], str, str]] = {
    "statistic": (lambda: wald_test(mean(SCORES, by=GROUPS), statistic="t"), "not_a_choice", "'Chisq'"),
    "no domains": (lambda: wald_test(mean(SCORES)), "no_domains", "two domains"),
    "terms of a mean": (lambda: wald_test(mean(SCORES, by=GROUPS), terms="a"), "no_domains", "belongs to a regression"),
    "one respondent": (lambda: wald_test(mean(SCORES, by=GROUPS)), "untestable_domain", "'d'"),
    "terms": (lambda: wald_test(regress(SCORES, {"g": GROUPS}), terms="h"), "unknown_terms", "'h'.*'g=b'"),
    "intercept only": (lambda: wald_test(regress(SCORES, None)), "nothing_to_test", "intercept"),
    "contrast": (lambda: wald_test(mean(SCORES, by=GROUPS), contrast=[1, -1]), "bad_contrast", "4 for each"),
    "zero contrast": (lambda: wald_test(mean(SCORES, by=GROUPS), contrast=[0, 0, 0, 0]), "bad_contrast", "not all 0"),
    "twice": (lambda: wald_test(mean(SCORES[:8], by=GROUPS[:8]), contrast=[[1, -1, 0], [2, -2, 0]]), "singular_covariance", "singular"),
    "few clusters": (
        lambda: wald_test(mean(SCORES[:8], by=GROUPS[:8], design=Design(clusters=[1, 2, 3, 1, 2, 3, 1, 2]))),
        "no_degrees_of_freedom", "too few",
    ),
    "no freedom": (
        lambda: wald_test(regress(SCORES, {"x": SCORES[::-1]}, design=Design(clusters=[1, 1, 1, 1, 1, 2, 2, 2, 2])), terms="x"),
        "no_degrees_of_freedom", "too few",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    call, code, text = BAD[name]
    with pytest.raises(VocstatsError, match=text) as caught:
        call()
    assert caught.value.code == code
    assert message(caught.value, "zh") != str(caught.value)
