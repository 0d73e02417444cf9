"""Doubly robust follow-up: Hansen and Hurwitz as a special case, derivatives, domains, replicates, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError, VocstatsError
from vocstats.estimation import replicate
from vocstats.nonresponse import double_sampling, follow_up
from vocstats.texts import message

NAN = float("nan")
SCORE = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 2, 4] + [6, 7, 8] + [NAN] * 5
ANSWERED = np.array([True] * 12 + [False] * 8)
DRAWN = np.array([False] * 12 + [True] * 3 + [False] * 5)


def world(n: int, seed: int | np.random.Generator, *, leaning: float = 0.0) -> dict[str, Any]:
    """Silence depends on the score; answering the follow-up on x (and, with `leaning`, on the score)."""
    rng = np.random.default_rng(seed)
    x, shop = rng.normal(size=n), rng.integers(0, 3, n)
    truth = 5.0 + x + 0.5 * shop + rng.normal(size=n)
    answered = rng.random(n) < 1.0 / (1.0 + np.exp(-0.3 * (truth - 6.0)))
    rate = np.where(shop == 0, 0.6, 0.3)
    drawn = ~answered & (rng.random(n) < rate)
    heard = drawn & (rng.random(n) < 1.0 / (1.0 + np.exp(-(0.3 + 0.8 * x + leaning * (truth - 5.5)))))
    y = np.where(answered | heard, truth, NAN)
    return {"truth": truth, "y": y, "answered": answered, "drawn": drawn, "x": {"x": x, "shop": np.array(list("abc"))[shop]}, "rate": rate}


def fitted(sample: dict[str, Any], **options: Any) -> Any:
    return follow_up(sample["y"], sample["answered"], sample["drawn"], **{"x": sample["x"], "rate": sample["rate"], **options})


@pytest.mark.parametrize("population", [None, 20, 300, float("inf")])
def test_hansen_and_hurwitz_is_a_special_case(population: float | None) -> None:
    """Mean 4.6, variance 0.29073684 at N = 300 (Särndal, Swensson & Wretman 1992)."""
    ours = follow_up(SCORE, ANSWERED, DRAWN, population=population)
    theirs = double_sampling(SCORE, ~ANSWERED, population=population if population is None or np.isfinite(population) else 1e12)
    assert ours.estimate == pytest.approx(theirs.estimate, rel=1e-13)
    assert ours.std_error == pytest.approx(theirs.std_error, rel=1e-10)
    assert ours.variance_draw == pytest.approx(theirs.variance_second, rel=1e-12)
    if population == 300:
        assert ours.estimate == pytest.approx(4.6, rel=1e-12)
        assert ours.std_error**2 == pytest.approx(0.29073684, abs=5e-9)


def test_everybody_drawn_and_heard_is_the_mean() -> None:
    y = np.arange(10.0)
    r = follow_up(y, np.arange(10) < 6, np.arange(10) >= 6, x={"x": y % 3})
    assert r.estimate == pytest.approx(4.5, rel=1e-13)
    assert r.std_error == pytest.approx(0.0, abs=1e-12)


def test_formula_written_out() -> None:
    """Both models solved with numpy alone."""
    w = world(300, 1)
    x = np.column_stack([np.ones(300), w["x"]["x"], w["x"]["shop"] == "b", w["x"]["shop"] == "c"])
    heard, drawn, second = w["drawn"] & ~np.isnan(w["y"]), w["drawn"], 1.0 / w["rate"]
    gamma = np.zeros(4)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-x @ gamma))
        gamma += np.linalg.solve(
            (x[drawn] * (second * p * (1 - p))[drawn, None]).T @ x[drawn], x[drawn].T @ (second * (heard - p))[drawn]
        )
    beta = np.linalg.solve((x[heard] * second[heard, None]).T @ x[heard], x[heard].T @ (second * w["y"])[heard])
    m = x @ beta
    y = np.where(np.isnan(w["y"]), 0.0, w["y"])
    value = np.mean(m + np.where(w["answered"], 1.0, heard * second / p) * (y - m))
    assert fitted(w).estimate == pytest.approx(value, rel=1e-10)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_influence_is_the_derivative(family: str) -> None:
    """A unit more of a silent row moves the mean by its influence and by (m - mean) / N: central differences."""
    w = world(400, 2)
    if family == "binomial":
        w["y"] = np.where(np.isnan(w["y"]), NAN, w["y"] > 5.5)
    base = np.random.default_rng(3).uniform(0.5, 2.0, 400)
    r = fitted(w, family=family, w=base)
    drawn, step = np.flatnonzero(w["drawn"]), 1e-5
    moved = []
    for row in drawn[:12]:
        both = [fitted(w, family=family, w=base, counts=1.0 + sign * step * (np.arange(400) == row)).estimate for sign in (1, -1)]
        moved.append((both[0] - both[1]) / (2 * step))
    m = _predicted(w, base, family)
    expected = r.influence_values + base * (m - r.estimate) / base.sum()
    np.testing.assert_allclose(moved, expected[drawn[:12]], atol=1e-8)


def _predicted(w: dict[str, Any], base: Any, family: str, n: int = 400) -> Any:
    x = np.column_stack([np.ones(n), w["x"]["x"], w["x"]["shop"] == "b", w["x"]["shop"] == "c"])
    heard = w["drawn"] & ~np.isnan(w["y"])
    second, beta = (base / w["rate"])[heard], np.zeros(4)
    for _ in range(50):
        mean = x @ beta if family == "gaussian" else 1.0 / (1.0 + np.exp(-x @ beta))
        slope = np.ones(n) if family == "gaussian" else mean * (1 - mean)
        bread = (x[heard] * (second * slope[heard])[:, None]).T @ x[heard]
        beta = beta + np.linalg.solve(bread, x[heard].T @ (second * (w["y"] - mean)[heard]))
    return x @ beta if family == "gaussian" else 1.0 / (1.0 + np.exp(-x @ beta))


def test_counts_are_repeated_rows_and_weight_zero_is_a_row_left_out() -> None:
    w = world(300, 4)
    often = np.random.default_rng(5).integers(0, 3, 300)
    rows = np.repeat(np.arange(300), often)
    every = {k: v[rows] for k, v in w.items() if k != "x"} | {"x": {k: v[rows] for k, v in w["x"].items()}}
    counted, repeated, weighed = fitted(w, counts=often, population=1e4), fitted(every, population=1e4), fitted(w, w=(often > 0) * 1.0)
    assert counted.estimate == pytest.approx(repeated.estimate, rel=1e-10)
    assert counted.std_error == pytest.approx(repeated.std_error, rel=1e-8)
    assert counted.n_heard == repeated.n_heard
    kept = {k: v[often > 0] for k, v in w.items() if k != "x"} | {"x": {k: v[often > 0] for k, v in w["x"].items()}}
    assert weighed.std_error == pytest.approx(fitted(kept).std_error, rel=1e-8)


def test_replicates_refit_everything() -> None:
    """The jackknife's variance is that of customers like these."""
    w = world(400, 6)
    spread = fitted(w, w=replicate(np.ones(400), method="jackknife"))
    linear = fitted(w, population=float("inf"))
    assert spread.estimate == pytest.approx(linear.estimate, rel=1e-12)
    assert spread.std_error == pytest.approx(linear.std_error, rel=0.1)  # of order 1 / people heard in the follow-up
    assert np.isnan(spread.variance_first)


def test_shares_of_domains_make_up_the_whole() -> None:
    """The models are fitted once, so that domains add up; a derivative by rows of any domain moves every other through them."""
    w, base = world(600, 9), np.random.default_rng(10).uniform(0.5, 2.0, 600)
    by = np.array(["东", "西"])[np.random.default_rng(11).integers(0, 2, 600)]
    whole, parts = fitted(w, w=base), fitted(w, w=base, by={"区": by})
    share = np.array([base[by == label].sum() for label in ("东", "西")]) / base.sum()
    assert parts.labels["区"].tolist() == ["东", "西"]
    assert share @ parts.estimate == pytest.approx(float(whole.estimate), rel=1e-12)
    np.testing.assert_allclose(parts.influence_values @ share, whole.influence_values, atol=1e-14)
    assert parts.n_heard.sum() == whole.n_heard and parts.influence_values.shape == (600, 2)
    m, step = _predicted(w, base, "gaussian", 600), 1e-5
    for row in np.flatnonzero(w["drawn"])[:4]:
        both = [fitted(w, w=base, by=by, counts=1.0 + sign * step * (np.arange(600) == row)).estimate for sign in (1, -1)]
        inside = by[row] == np.array(["东", "西"])
        expected = parts.influence_values[row] + inside * base[row] * (m[row] - parts.estimate) / (share * base.sum())
        np.testing.assert_allclose((both[0] - both[1]) / (2 * step), expected, atol=1e-8)


@pytest.mark.parametrize("family", ["gaussian", "binomial"])
def test_outcome_weights_are_derivatives(family: str) -> None:
    """With a linear outcome model they are weights of those heard."""
    w = world(400, 2)
    if family == "binomial":
        w["y"] = np.where(np.isnan(w["y"]), NAN, 0.2 + 0.6 * (w["y"] > 5.5))
    base, often, by = np.random.default_rng(3).uniform(0.5, 2.0, 400), np.arange(400) % 3 + 1.0, np.arange(400) % 2
    given: dict[str, Any] = {"family": family, "w": base, "counts": often, "by": by}
    r = fitted(w, **given)
    y = np.nan_to_num(w["y"])
    if family == "gaussian":
        np.testing.assert_allclose((often * y) @ r.outcome_weights, r.estimate, rtol=1e-12)
        np.testing.assert_allclose(often @ r.outcome_weights, 1.0, rtol=1e-12)
        assert not r.outcome_weights[np.isnan(w["y"])].any()
    for row in [*np.flatnonzero(w["answered"])[:2], *np.flatnonzero(w["drawn"] & ~np.isnan(w["y"]))[:4]]:
        moved = [fitted({**w, "y": w["y"] + sign * 1e-5 * (np.arange(400) == row)}, **given).estimate for sign in (1, -1)]
        np.testing.assert_allclose((moved[0] - moved[1]) / 2e-5, often[row] * r.outcome_weights[row], atol=1e-9)


@pytest.mark.parametrize("population", [None, 900, float("inf")])
def test_domains_in_the_outcome_model_are_double_sampling_in_each(population: float | None) -> None:
    """Everybody drawn heard, the rate the share drawn in the domain: Hansen and Hurwitz with the n and N of the domain."""
    rng = np.random.default_rng(12)
    shop = np.repeat(["a", "b"], [80, 40])
    answered = rng.random(120) < 0.5
    drawn = ~answered & (rng.random(120) < 0.5)
    y = np.where(answered | drawn, rng.normal(5, 1, 120) + (shop == "b"), NAN)
    rate = np.array([drawn[shop == s].sum() / (~answered)[shop == s].sum() for s in "ab"])[(shop == "b").astype(int)]
    r = follow_up(y, answered, drawn, x={"shop": shop}, rate=rate, population=population, by=shop)
    for k, label in enumerate("ab"):
        inside = shop == label
        size = None if population is None else min(population, 1e12) * inside.sum() / 120
        theirs = double_sampling(y[inside], ~answered[inside], population=size)
        assert r.estimate[k] == pytest.approx(theirs.estimate, rel=1e-12)
        assert r.variance_draw[k] == pytest.approx(theirs.variance_second, rel=1e-10)
        assert r.std_error[k] == pytest.approx(theirs.std_error, rel=1e-3 if population == 900 else 1e-9)


def test_one_domain_is_no_domain_and_columns_are_crossed() -> None:
    w = world(300, 4)
    alone, whole = fitted(w, population=1e4, by=["all"] * 300), fitted(w, population=1e4)
    for name in ("estimate", "std_error", "conf_low", "conf_high", "df", "variance_first", "response_rate", "effective_heard"):
        assert getattr(alone, name).shape == (1,) and getattr(whole, name).shape == ()
        assert getattr(alone, name)[0] == getattr(whole, name)
    crossed = fitted(w, by={"shop": w["x"]["shop"], "old": np.arange(300) < 150})
    assert list(crossed.labels) == ["shop", "old"] and crossed.estimate.shape == (6,)
    assert crossed.tidy().shape == (12, 7) and crossed.to_frame()["share"].sum() == pytest.approx(6.0)
    assert "shop" in crossed.summary()


def test_domains_nobody_or_one_person_speaks_for() -> None:
    """Silent and nobody heard: no estimate. One heard for others: no standard error. Nobody silent: the mean itself."""
    w = world(300, 4)
    heard = np.flatnonzero(w["drawn"] & ~np.isnan(w["y"]))
    deaf = np.flatnonzero(w["drawn"] & np.isnan(w["y"]))
    by = np.full(300, "rest")
    by[deaf[:2]], by[[heard[0], deaf[2]]], by[np.flatnonzero(w["answered"])[:5]], by[heard[1]] = "none", "one", "told", "full"
    r = fitted(w, by=by)
    assert r.labels["by"].tolist() == ["full", "none", "one", "rest", "told"]
    assert np.isnan(r.estimate).tolist() == [False, True, False, False, False]
    assert np.isnan(r.std_error).tolist() == [False, True, True, False, False]
    assert r.estimate[4] == pytest.approx(w["y"][by == "told"].mean()) and r.std_error[4] == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(r.silent_mean[4]) and np.isnan(r.naive[1])
    assert "null" in r.to_json()


def test_replicates_by_domain() -> None:
    w = world(400, 6)
    by = np.where(w["x"]["x"] > 0, "high", "low")
    spread = fitted(w, w=replicate(np.ones(400), method="jackknife"), by=by)
    linear = fitted(w, population=float("inf"), by=by)
    np.testing.assert_allclose(spread.estimate, linear.estimate, rtol=1e-12)
    np.testing.assert_allclose(spread.std_error, linear.std_error, rtol=0.15)


def test_either_model_may_be_left_out() -> None:
    w = world(20_000, 7)
    truth = w["truth"].mean()
    for options in ({"propensity_columns": []}, {"outcome_columns": []}, {}):
        r = fitted(w, **options)
        assert abs(r.estimate - truth) < 3 * r.std_error
    neither = fitted(w, propensity_columns=[], outcome_columns=[])
    assert abs(neither.estimate - truth) > 5 * neither.std_error


def test_result_in_words_and_tables() -> None:
    r = fitted(world(300, 8))
    assert r.tidy()["term"].tolist() == ["follow_up", "naive"]
    assert r.to_frame()["share"].sum() == pytest.approx(1.0)
    assert (r.to_frame()["share"] * r.to_frame()["mean"]).sum() == pytest.approx(r.estimate, rel=1e-12)
    assert "Among those drawn" in r.summary() and "补访" in r.summary("zh")
    assert r.variance_accounts_for == ("follow_up_draw", "propensity", "outcome_model")


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        (InputError, {"drawn": [True] + [False] * 19}, "rows 0, who had answered"),
        (InputError, {"y": [NAN] + SCORE[1:]}, "rows 0, who are not silent"),
        (InputError, {"drawn": np.arange(20) == 13}, "rows 12, 14, who are silent and were not drawn"),
        (InputError, {"rate": 0.0}, r"rate must lie in \(0, 1\]"),
        (InputError, {"rate": np.where(ANSWERED, NAN, 1.5)}, "at rows 12, 13"),
        (InputError, {"answered": [True] * 20, "y": [1.0] * 20, "drawn": [False] * 20}, "Nobody is silent"),
        (InputError, {"x": {"x": np.arange(20.0)}, "outcome_columns": ["z"]}, "outcome_columns names 'z'"),
        (InputError, {"x": {"x": np.arange(20.0), "z": np.arange(20.0) ** 2}}, "3 parameters"),
        (InputError, {"family": "binomial"}, "not an outcome of the binomial family"),
        (InputError, {"population": 10}, "population must lie"),
        (InputError, {"w": replicate(np.ones(20), replicates=5), "population": 300}, "does not go with Replicates"),
        (IdentificationError, {"y": SCORE[:12] + [NAN] * 8}, "None of the silent was heard"),
        (IdentificationError, {"drawn": ~ANSWERED, "x": {"x": np.arange(20) > 14}}, "always or never"),
        (InputError, {"x": {"城市": list("ab" * 7) + list("abcccc")}}, "c"),
    ],
)
def test_refusals(kind: type[VocstatsError], options: dict[str, Any], text: str) -> None:
    arguments = {"y": SCORE, "answered": ANSWERED, "drawn": DRAWN, **options}
    with pytest.raises(kind, match=text) as caught:
        follow_up(arguments.pop("y"), arguments.pop("answered"), arguments.pop("drawn"), **arguments)
    assert message(caught.value, "zh") != ""
