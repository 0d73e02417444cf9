"""Regressions: every number of R's svyglm and svyolr on the spot; by-hand formulas, jackknife, replicates, invariances, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from estimation.regression_cases import DESIGNS, FAMILIES, fitted, survey_regression
from estimation.worlds import chain, world

from vocstats.errors import IdentificationError, InputError, VocstatsError
from vocstats.estimation import Design, Regression, mean, regress, replicate
from vocstats.estimation.variance import Linearization
from vocstats.results import load
from vocstats.texts import message

POINT, ERROR = 1e-6, 1e-5


@pytest.fixture(scope="module")
def survey(data: Path, rscript: str) -> pd.DataFrame:
    """What R says, by case and kind."""
    return survey_regression(data, rscript)


@pytest.mark.parametrize("model", [*FAMILIES, "part"])
@pytest.mark.parametrize("design", DESIGNS)
def test_r_survey(design: str, model: str, data: Path, survey: pd.DataFrame) -> None:
    fit = fitted(data, design, model)
    expected = survey.loc[[(f"{design} {model}", "coefficient")]]
    np.testing.assert_allclose(fit.estimate, expected["estimate"], rtol=POINT)
    np.testing.assert_allclose(fit.std_error, expected["std_error"], rtol=ERROR)
    assert (fit.df == expected["df"].to_numpy()).all()
    if model == "gaussian":
        limits, p = (survey.loc[[(f"{design} {model}", kind)]] for kind in ("limits", "p"))
        np.testing.assert_allclose([fit.conf_low, fit.conf_high], [limits["estimate"], limits["std_error"]], rtol=ERROR)
        np.testing.assert_allclose([fit.p_value, fit.t], [p["estimate"], p["std_error"]], rtol=1e-4)
    if model in ("gaussian", "binomial"):
        new = {"meals10": [5], "stype": ["M"]} | ({"ell": [20]} if model == "gaussian" else {})
        row = survey.loc[[(f"{design} {model}", "prediction")], ["estimate", "std_error"]].iloc[0]
        np.testing.assert_allclose(fit.predict(new)[["estimate", "std_error"]].iloc[0], row, rtol=ERROR)


@pytest.mark.parametrize("name", ["plain", "propensity > rake", "rake > calibrate"])
def test_linearised_errors_agree_with_the_jackknife(name: str) -> None:
    rng = np.random.default_rng(11)
    w = world(rng, size=2000, clusters=80)
    heard = w.answer(rng)
    weights: Any = heard * 1.5 if name == "plain" else chain(name, w, heard)
    design = Design(strata=w.stratum, clusters=w.cluster)
    y, x = np.where(heard, (w.y > 6).astype(float), np.nan), {"x": w.x, "a": np.where(w.a == 1, "new", "old")}
    linear = regress(y, x, weights, design=design, family="binomial")
    reps = replicate(weights, design=design, method="jackknife")
    again = regress(y, x, reps, family="binomial")
    np.testing.assert_allclose(again.estimate, linear.estimate, rtol=1e-12)
    np.testing.assert_allclose(again.std_error, linear.std_error, rtol=0.03)
    np.testing.assert_allclose(np.diag(again.covariance), again.std_error**2)
    assert (again.df == 80 - 4 - 2).all() and again.variance_accounts_for[0] == "replicates"


MODELS: list[tuple[str, str | None]] = [
    ("gaussian", None), ("binomial", None), ("binomial", "probit"), ("poisson", None), ("gamma", "log"), ("ordinal", None),
    ("ordinal", "probit"),
]


EXPECTED = [("binomial", "probit"), ("gamma", "log")]  # their bread is the expected information, as in R, not the derivative


@pytest.mark.parametrize(("family", "link"), [model for model in MODELS if model not in EXPECTED])
def test_influence_is_the_derivative_of_the_refitted_chain(family: str, link: str | None) -> None:
    rng = np.random.default_rng(5)
    w = world(rng, size=250)
    heard = w.answer(rng)
    weights = chain("propensity", w, heard)
    y = _outcome(family, w.y)
    fit = regress(np.where(heard, y, np.nan), {"x": w.x, "b": w.b.astype(str)}, weights, family=family, link=link)
    assert isinstance(fit.material, Linearization)
    influence = fit.material.influence.values()
    for row in (*np.flatnonzero(heard)[:3], *np.flatnonzero(~heard)[:2]):
        moved = []
        for sign in (1.0, -1.0):
            counts = np.ones(w.y.size)
            counts[row] += sign * 1e-4
            again = regress(np.where(heard, y, np.nan), {"x": w.x, "b": w.b.astype(str)}, weights.rerun(counts), family=family, link=link)
            moved.append(again.estimate)
        slope = (moved[0] - moved[1]) / 2e-4
        np.testing.assert_allclose(influence[row], slope, rtol=1e-4, atol=1e-6 * np.abs(influence).max())


def _outcome(family: str, score: Any) -> Any:
    """The score as an outcome of a family."""
    rounded = np.clip(np.round(score), 4, 8)
    return {"gaussian": score, "binomial": (score > 6.0).astype(float), "poisson": np.maximum(np.round(score), 0.0),
            "gamma": np.exp(score / 5), "ordinal": rounded}[family]


@pytest.mark.parametrize(("family", "link"), MODELS)
def test_counts_zero_weights_order_and_labels(family: str, link: str | None) -> None:
    rng = np.random.default_rng(6)
    n = 240
    w = world(rng, size=n, clusters=20)
    y, x, label = _outcome(family, w.y), w.x, np.array(["一线", "二线", "三线"], object)[w.b]
    counts, base, cluster = rng.integers(0, 4, n).astype(float), rng.uniform(1, 3, n) * (rng.random(n) < 0.8), w.cluster
    options: dict[str, Any] = {"family": family, "link": link}
    fit = regress(y, {"x": x, "city": label}, base, counts=counts, design=Design(clusters=cluster), **options)
    rows = np.repeat(np.arange(n), (counts * (base > 0)).astype(int))
    rows = rng.permutation(rows)
    long = regress(y[rows], {"x": x[rows], "city": label[rows]}, base[rows], design=Design(clusters=cluster[rows]), **options)
    names = {"一线": "C", "二线": "B", "三线": "A"}
    turned = regress(
        y, {"city": [names[each] for each in label], "x": x}, base * 7, counts=counts, design=Design(clusters=cluster), **options
    )
    for column in ("estimate", "std_error", "df", "p_value", "covariance"):
        np.testing.assert_allclose(getattr(long, column), getattr(fit, column), rtol=1e-7, atol=1e-12)
    assert long.n == fit.n == rows.size
    new, other = {"x": [0.5] * 3, "city": list(names)}, {"x": [0.5] * 3, "city": list(names.values())}
    numbers = ["estimate", "std_error", "conf_low", "conf_high"]
    np.testing.assert_allclose(fit.predict(new)[numbers], turned.predict(other)[numbers], rtol=1e-6)


def test_domains_are_means() -> None:
    """A regression on indicators is the mean of every domain; one within a domain is the mean of that domain."""
    rng = np.random.default_rng(7)
    w = world(rng, size=900, clusters=45)
    heard = w.answer(rng)
    y, design = np.where(heard, w.y, np.nan), Design(strata=w.stratum, clusters=w.cluster)
    weights = chain("propensity > rake", w, heard)
    for inference in ("r", "registry", "process"):
        means = mean(y, weights, by=w.b, design=design, inference=inference)
        fit = regress(y, {"b": w.b.astype(str)}, weights, design=design, inference=inference)
        np.testing.assert_allclose(fit.estimate, [means.estimate[0], *(means.estimate[1:] - means.estimate[0])])
        assert fit.std_error[0] == pytest.approx(means.std_error[0], rel=0.03 if inference != "r" else 1e-9)  # n/(n-1) by domain
        part = regress(y, None, weights, design=design, inference=inference, domain=w.b == 2)
        assert part.estimate[0] == pytest.approx(means.estimate[2])
        assert part.std_error[0] == pytest.approx(means.std_error[2], rel=1e-9)
        if inference != "r":
            whole = mean(y, weights, design=design, inference=inference)
            assert regress(y, None, weights, design=design, inference=inference).df[0] == pytest.approx(float(whole.df))
    for drawn in (None, design):
        for inference in ("r", "registry", "process"):  # not a level of a margin: calibration reaches beyond the domain
            by = mean(y, weights, by=w.x > 0, design=drawn, inference=inference)
            part = regress(y, None, weights, design=drawn, inference=inference, domain=w.x > 0)
            assert part.std_error[0] == pytest.approx(by.std_error[1], rel=1e-9)
            assert inference == "r" or part.df[0] == pytest.approx(by.df[1], rel=1e-6)
    unused = regress(np.where(w.b == 2, y, np.nan), {"x": np.where(w.b == 2, w.x, np.nan)}, heard * 1.0, design=design, domain=w.b == 2)
    alone = (w.b == 2) & heard
    np.testing.assert_allclose(unused.estimate, regress(w.y[alone], {"x": w.x[alone]}).estimate)


def test_ordinal_outcomes() -> None:
    rng = np.random.default_rng(8)
    score, x = rng.integers(1, 6, 300), rng.normal(size=300)
    w = rng.uniform(1, 2, 300)
    empty = regress(score, None, w, family="ordinal")
    shares = np.bincount(score, w)[1:] / w.sum()
    np.testing.assert_allclose(empty.predict(None)["estimate"], shares, rtol=1e-9)
    np.testing.assert_allclose(empty.predict(None)["std_error"], [mean(score == k, w).std_error for k in range(1, 6)], rtol=1e-6)
    fit = regress(score, {"x": x}, w, family="ordinal", link="probit")
    assert fit.terms == ("x", "1|2", "2|3", "3|4", "4|5") and fit.categories == (1, 2, 3, 4, 5)
    assert (np.diff(fit.thresholds) > 0).all()
    words = pd.Categorical.from_codes(score, list("fedcba"), ordered=True)
    named = regress(words, {"x": x}, w, family="ordinal", link="probit")
    np.testing.assert_allclose(named.estimate, fit.estimate)
    assert named.categories == ("e", "d", "c", "b", "a")
    np.testing.assert_allclose(regress(pd.Series(words), {"x": x}, w, family="ordinal", link="probit").estimate, fit.estimate)
    turned = regress(6 - score, {"x": x}, w, family="ordinal", link="probit")
    np.testing.assert_allclose(turned.estimate, [-fit.estimate[0], *-fit.thresholds[::-1]], rtol=1e-8)
    chances = fit.predict({"x": [-1.0, 2.0]})
    np.testing.assert_allclose(chances.groupby("row")["estimate"].sum(), 1.0)
    assert ((chances["conf_low"] < chances["estimate"]) & (chances["estimate"] < chances["conf_high"])).all()


def test_a_single_row_that_is_extreme_is_no_separation() -> None:
    x = np.concatenate([np.linspace(-3, 3, 400), [40.0]])
    y = (np.sin(17 * x) + x > 0).astype(float)
    assert regress(y, {"x": x}, family="binomial").estimate[1] > 0


def test_no_degrees_of_freedom_left() -> None:
    fit = regress([1.0, 2.0, 4.0, 3.0], {"x": [1.0, 2.0, 3.0, 5.0]}, design=Design(clusters=[1, 1, 2, 2]))
    assert np.isnan(fit.p_value).all() and np.isnan(fit.conf_low).all() and np.isfinite(fit.std_error).all()


def test_result_is_written_and_read(tmp_path: Path) -> None:
    fit = regress([7, 8, 6, 9, 9, 10], {"visits": [1, 2, 1, 3, 3, 4], "type": list("aabbab")}, family="poisson")
    again = load(fit.to_json())
    assert isinstance(again, Regression) and again.material is None
    assert again.to_frame().equals(fit.to_frame()) and again.terms == fit.terms
    new = {"visits": [2], "type": ["b"]}
    assert again.predict(new).equals(fit.predict(new))
    assert list(fit.tidy()) == ["term", "estimate", "std_error", "conf_low", "conf_high"]
    assert "poisson" in fit.summary() and "回归分析" in fit.summary("zh")


ROWS = 8
GOOD: dict[str, Any] = {"y": [0, 1, 0, 1, 1, 0, 1, 0], "x": {"a": [1, 2, 3, 4, 5, 6, 7, 9], "b": list("ppqqpqpq")}}
BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "family": ({"family": "logistic"}, "not_a_choice", "'binomial'"),
    "link": ({"family": "poisson", "link": "logit"}, "not_a_choice", "'sqrt'; got 'logit'"),
    "collinear": ({"x": {"a": np.arange(ROWS), "b": 3.0 - 2.0 * np.arange(ROWS)}}, "collinear", "'b'"),
    "constant": ({"x": {"a": np.full(ROWS, 2.0)}}, "collinear", "'a'.*intercept"),
    "separated": ({"family": "binomial", "x": {"a": [1, 9, 2, 8, 7, 3, 6, 4]}}, "separated_outcome", "'a'"),
    "nobody": ({"family": "binomial", "y": [0] * ROWS}, "separated_outcome", "intercept"),
    "no counts": ({"family": "poisson", "x": {"b": list("ppppqqqq")}, "y": [1, 2, 1, 3, 0, 0, 0, 0]}, "separated_outcome", "b=q"),
    "above": ({"family": "binomial", "y": [0, 1, 0, 1, 2, 0, 1, 0]}, "outside_family", r"rows 4: .* \[0, 1\]"),
    "below": ({"family": "poisson", "y": [0, 1, 0, -1, 2, 0, 1, 0]}, "outside_family", "rows 3"),
    "zero": ({"family": "gamma"}, "outside_family", "rows 0, 2, 5, 7"),
    "missing y": ({"y": [0, 1, np.nan, 1, 1, 0, 1, 0]}, "missing_outcome", "rows 2"),
    "missing x": ({"x": {"a": [1, 2, 3, np.nan, 5, 6, 7, 9]}}, "missing_predictor", "rows 3"),
    "missing label": ({"x": {"b": ["p", None, "q", "q", "p", "q", "p", "q"]}}, "missing_predictor", "rows 1"),
    "infinite": ({"x": {"a": [1, 2, 3, np.inf, 5, 6, 7, 9]}}, "missing_predictor", "rows 3"),
    "length": ({"x": {"a": [1, 2, 3]}}, "wrong_length", "3 entries"),
    "text y": ({"y": list("01011010")}, "not_numeric", "Convert"),
    "text scores": ({"family": "ordinal", "y": ["1", "2", "10", "1", "2", "10", "1", "2"]}, "no_order", "10 would stand before 9"),
    "two categories": ({"family": "ordinal"}, "few_categories", "binomial"),
    "domain": ({"domain": [False] * ROWS}, "empty_domain", "Nobody in the domain"),
    "no domain": ({"domain": [2] * ROWS}, "not_true_or_false", "domain must be true or false"),
    "separated categories": (
        {"family": "ordinal", "y": [1, 1, 2, 2, 3, 3, 3, 3], "x": {"a": np.arange(ROWS)}}, "separated_outcome", "'a'",
    ),
    "more columns than rows": ({"x": np.random.default_rng(0).normal(size=(ROWS, 9))}, "collinear", "'x7', 'x8'"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, code, text = BAD[name]
    with pytest.raises(VocstatsError, match=text) as caught:
        regress(**(GOOD | options))
    assert caught.value.code == code
    assert message(caught.value, "zh") != str(caught.value)


def test_refusals_of_predictions_and_replicates() -> None:
    fit = regress(**GOOD)
    with pytest.raises(InputError, match=r"'r'\. It knows 'p', 'q'"):
        fit.predict({"a": [1], "b": ["r"]})
    with pytest.raises(InputError, match="'b' is missing"):
        fit.predict({"a": [1]})
    reps = replicate(np.ones(ROWS), method="jackknife")
    with pytest.raises(IdentificationError, match="Replicate 8 cannot be fitted") as caught:
        regress(GOOD["y"], {"rare": [0] * (ROWS - 1) + [1]}, reps)
    assert caught.value.code == "replicate_not_identified"


def test_numbers_kept_as_objects_are_numbers() -> None:
    as_objects = np.array([1, 2, 3, 4, 5, 6, 7, 9], object)
    np.testing.assert_allclose(regress(GOOD["y"], {"a": as_objects}).estimate, regress(GOOD["y"], {"a": GOOD["x"]["a"]}).estimate)
    assert regress(GOOD["y"], pd.DataFrame({"a": pd.array([1, 2, 3, 4, 5, 6, 7, 9], dtype="Int64")})).terms == ("intercept", "a")
    assert regress(GOOD["y"], np.column_stack([GOOD["x"]["a"]])).terms == ("intercept", "x0")


def test_a_variable_of_one_level_is_refused_and_not_dropped() -> None:
    region = np.array(list("NNNNSSSS"))
    with pytest.raises(IdentificationError, match=r"x\['region'\] has one level only \('N'\)") as refused:
        regress(np.arange(8.0), {"region": region}, domain=region == "N")
    assert refused.value.code == "one_level_predictor" and "region" in message(refused.value, "zh")
