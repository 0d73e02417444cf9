"""Callbacks: the open example, the likelihood by brute force, closed forms, derivatives, weights as a chain, refusals."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special

import vocstats as vs
from vocstats.errors import ConvergenceError, IdentificationError, InputError, VocstatsError
from vocstats.estimation import mean, replicate
from vocstats.nonresponse import LikelihoodWarning, reweight_by_callbacks
from vocstats.nonresponse.callback_continuum import continuum
from vocstats.nonresponse.callback_data import Calls, collapse, read_calls
from vocstats.nonresponse.callback_likelihood import CallLikelihood, Point
from vocstats.nonresponse.callback_profile import Profile
from vocstats.nonresponse.callback_robust import fit_robust
from vocstats.nonresponse.callback_weights import fit_likelihood, fit_weighting
from vocstats.texts import message
from vocstats.weighting.chain import Weights, begin

NAN = float("nan")
SCORES = np.arange(1.0, 6.0)
# heard by score and wave in telco/selection_C, and never heard
TELCO = np.array([[273, 108, 58], [111, 48, 30], [234, 113, 68], [258, 132, 78], [305, 144, 78]], float)
NEVER = 5005.0


def people(n: int = 300, seed: int = 1, *, attempts: int = 3) -> dict[str, Any]:
    """Scores 1 to 5, two regions, odds that fall with the score; everybody's score stands under "truth"."""
    rng = np.random.default_rng(seed)
    south = rng.integers(0, 2, n)
    score = 1.0 + np.where(south, rng.choice(5, n, p=[0.1, 0.1, 0.2, 0.3, 0.3]), rng.choice(5, n))
    attempt = np.full(n, NAN)
    for k, alpha in enumerate((-0.2, -0.5, -0.8)[:attempts], 1):
        chance = special.expit(alpha + 0.4 * south - 0.3 * (score - 3.0))
        attempt[np.isnan(attempt) & (rng.random(n) < chance)] = k
    return {"truth": score, "y": np.where(np.isnan(attempt), NAN, score), "attempt": attempt, "region": np.where(south, "南", "北")}


def reweigh(d: dict[str, Any], *, x: bool = False, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LikelihoodWarning)
        return reweight_by_callbacks(d["y"], d["attempt"], x={"region": d["region"]} if x else None, **options)


def calls_of(d: dict[str, Any], *, x: bool = False, dependence: Any = "saturated") -> Calls:
    return read_calls(d["y"], d["attempt"], None, {"region": d["region"]} if x else None, dependence, np.ones(d["y"].size, bool))


def telco(*, linear: bool, link: Any = "logit") -> CallLikelihood:
    z = SCORES[:, None] - 3.0 if linear else np.eye(5)[:, 1:]
    return CallLikelihood(n=TELCO, group=np.zeros(5, int), z=z, m=np.array([NEVER]), share=np.ones(1), link=link)


def selection_c(data: Path) -> tuple[Any, Any]:
    import pandas as pd

    base = pd.read_csv(data / "telco/telco.csv").merge(pd.read_csv(data / "telco/selection_C.csv"), on="Customer ID", how="left")
    return base["Satisfaction Score"].where(base.wave.notna()), base.wave


def test_selection_c(data: Path) -> None:
    """Truth 3.24492 and .20446: a linear model says 3.77 and .172; the saturated one says that it does not know."""
    y, wave = selection_c(data)
    of = {"mean": y, "bottom_2": y <= 2}
    with pytest.warns(LikelihoodWarning, match="The likelihood is flat: mean from"):
        line = reweight_by_callbacks(y, wave, of=of, dependence="linear")
    assert line.estimate[0] == pytest.approx(3.77, abs=0.005) and line.estimate[1] == pytest.approx(0.172, abs=5e-4)
    assert line.naive == pytest.approx([3.2233, 0.308], abs=5e-4)
    for inference in ("r", "registry"):
        with pytest.warns(LikelihoodWarning, match="bottom_2 from .* Report the range"):
            r = reweight_by_callbacks(y, wave, of=of, inference=inference)
        assert r.flat.all()
        assert (r.conf_low <= [3.24492, 0.20446]).all() and (r.conf_high >= [3.24492, 0.20446]).all()
        assert "likelihood is flat" in r.summary() and "似然函数很平" in r.summary("zh")
    assert r.attempt_frame().heard.tolist() == [1181.0, 545.0, 312.0]
    assert r.misfit < r.misfit_df == 4.0 and 0.9 < r.misfit_p_value < 1.0
    assert "on 4 degrees of freedom" in r.summary()
    assert r.conf_low[1] < 0.17 and r.conf_high[1] > 0.42


def test_likelihood_hardly_changes_from_17_to_42_percent() -> None:
    full = telco(linear=False)
    top = full.maximum()
    assert top is not None
    values = (SCORES <= 2) * 1.0
    profile, at = Profile(full=full, values=values, top=top), top
    for share in (0.20, 0.25, 0.30, 0.36, 0.42):
        found = profile.at(share, at)
        assert found is not None
        at = found
        assert full.mean(values, at) == pytest.approx(share, abs=1e-9)
    assert full.mean(values, top) == pytest.approx(0.17, abs=0.001)
    assert full.value(top) - full.value(at) < 1.0


@pytest.mark.parametrize(("linear", "link"), [(True, "logit"), (False, "logit"), (False, "log")])
def test_maximum_and_limits_by_brute_force(linear: bool, link: str) -> None:
    """Against scipy's optimisers on unconstrained parameters, and with the mean held at each limit."""
    full = telco(linear=linear, link=link)
    top = full.maximum()
    assert top is not None
    p = full.parameters

    def point(raw: np.ndarray) -> Point:
        return Point(raw[:p], special.softmax(np.append(0.0, raw[p:])))

    def loss(raw: np.ndarray) -> float:
        value = full.value(point(raw))
        return 100.0 if np.isnan(value) else -value / 1000.0

    start = np.concatenate([top.theta, np.log(top.f[1:] / top.f[0])])
    for seed in range(3):
        begun = start + np.random.default_rng(seed).normal(0.0, 0.5 if link == "logit" else 0.1, start.size)
        other = optimize.minimize(loss, begun, method="BFGS", options={"gtol": 1e-7, "maxiter": 2000})
        assert -1000.0 * other.fun <= full.value(top) + 1e-6
        assert full.mean(SCORES, point(other.x)) == pytest.approx(full.mean(SCORES, top), abs=0.02)
    for limit in Profile(full=full, values=SCORES, top=top).limits(1.959964):
        held = {"type": "eq", "fun": lambda raw, limit=limit: full.mean(SCORES, point(raw)) - limit}
        best = optimize.minimize(loss, start, method="SLSQP", constraints=[held], options={"ftol": 1e-14, "maxiter": 2000})
        assert abs(held["fun"](best.x)) < 1e-6
        assert 2.0 * (full.value(top) + 1000.0 * best.fun) == pytest.approx(3.8415, abs=2e-3)


@pytest.mark.parametrize("link", ["logit", "log"])
def test_derivatives_of_the_likelihood(link: Any) -> None:
    full = replace(collapse(calls_of(people(), x=True), np.ones(300)).full, link=link)
    rng = np.random.default_rng(1)
    theta = 0.3 * rng.normal(size=full.parameters) - 2.0 * (np.arange(full.parameters) < 3)
    at = Point(theta, rng.uniform(0.1, 0.3, full.total.size))
    slope, curvature = full.derivatives(at)
    whole = np.concatenate([at.theta, at.f])

    def moved(step: np.ndarray) -> Point:
        there = whole + step
        return Point(there[: full.parameters], there[full.parameters :])

    for j, step in enumerate(1e-5 * np.eye(whole.size)):
        assert slope[j] == pytest.approx((full.value(moved(step)) - full.value(moved(-step))) / 2e-5, abs=1e-4)
        assert curvature[j] == pytest.approx((full.derivatives(moved(step))[0] - full.derivatives(moved(-step))[0]) / 2e-5, abs=2e-3)


def test_limits_allow_for_odds_and_chances() -> None:
    """The outer limits of both, what the second falls short taken off; a second that fits far worse adds nothing."""
    heard = {"y": np.append(np.repeat(SCORES, 3), NAN), "attempt": np.append(np.tile([1.0, 2.0, 3.0], 5), NAN)}
    counts = np.append(TELCO.ravel(), NEVER)
    odds, both = (reweigh(heard, counts=counts, dependence="linear", resistance=each) for each in ("odds", "odds_or_chance"))
    assert both.estimate == pytest.approx(odds.estimate) and both.log_likelihood == odds.log_likelihood
    full, other = telco(linear=True), telco(linear=True, link="log")
    tops = [each.maximum() for each in (full, other)]
    assert tops[0] is not None and tops[1] is not None
    left = 3.841459 - max(2.0 * (full.value(tops[0]) - other.value(tops[1])), 0.0)
    ends = [
        Profile(full=each, values=SCORES, top=top).limits(root)
        for each, top, root in ((full, tops[0], 1.959964), (other, tops[1], left**0.5))
    ]
    assert odds.conf_low[0] == pytest.approx(ends[0][0], abs=1e-3)
    assert both.conf_low[0] == pytest.approx(min(end[0] for end in ends), abs=1e-3)
    assert both.conf_high[0] == pytest.approx(max(end[1] for end in ends), abs=1e-3)
    h = special.expit(np.array([0.0, -0.2, -0.4]) - 0.8 * (SCORES[:, None] - 3.0))
    before = np.cumprod(np.hstack([np.ones((5, 1)), 1.0 - h]), axis=1)
    expected = 20_000.0 * np.append((h * before[:, :3]).ravel(), before[:, 3].sum())
    sure, same = (reweigh(heard, counts=expected, dependence="linear", resistance=each) for each in ("odds", "odds_or_chance"))
    assert sure.misfit == pytest.approx(0.0, abs=1e-4)
    assert same.conf_low == pytest.approx(sure.conf_low, rel=1e-6)
    assert [each.assumptions[0].code for each in (odds, both)] == ["callback_stable", "callback_stable_either"]


def two_attempts() -> tuple[np.ndarray, dict[str, Any]]:
    """Counts by score at two attempts, and the same as rows that stand for many."""
    heard = np.array([[60.0, 24.0], [40.0, 22.0], [30.0, 20.0]])
    y = np.append(np.repeat([1.0, 2.0, 3.0], 2), NAN)
    return heard, {"y": y, "attempt": np.append(np.tile([1.0, 2.0], 3), NAN), "counts": np.append(heard.ravel(), 80.0)}


def test_closed_form_of_two_attempts() -> None:
    """As many parameters as counts: N_y solves n2 (N - n1) / [n1 (N - n1 - n2)] = odds ratio, and the N_y add up to everybody."""
    heard, d = two_attempts()
    first, second = heard.T

    def sizes(ratio: float) -> np.ndarray:
        return np.asarray((ratio * first * (first + second) - second * first) / (ratio * first - second))

    ratio = optimize.brentq(lambda value: sizes(value).sum() - 276.0, (second / first).max() + 1e-6, 1e4)
    expected = sizes(ratio) / 276.0
    of = {str(score): np.where(np.isnan(d["y"]), NAN, d["y"] == score) for score in (1, 2, 3)}
    for model in ("likelihood", "weighting", "doubly_robust"):
        r = reweigh(d | {"region": None}, of=of, counts=d["counts"], model=model)
        assert r.estimate == pytest.approx(expected, rel=1e-6), model
        assert r.coefficient[1] - r.coefficient[0] == pytest.approx(np.log(ratio), abs=1e-5)
    assert r.std_error == pytest.approx(reweigh(d, of=of, counts=d["counts"]).std_error, rel=1e-6)


@pytest.mark.parametrize("fit", [fit_likelihood, fit_weighting])
@pytest.mark.parametrize(("x", "dependence"), [(False, "saturated"), (True, "linear"), (True, "saturated")])
def test_weights_as_a_chain(fit: Callable[..., Any], x: bool, dependence: Any) -> None:
    """Pullback equals finite differences of the chain run anew; scores add up to 0."""
    d = people()
    step = fit(calls_of(d, x=x, dependence=dependence), np.ones(300))
    weights = begin(None, None, 300).followed_by(step)
    assert step.score().sum(axis=0) == pytest.approx(np.zeros(step.parameters.size), abs=1e-6)
    y = np.where(np.isnan(d["y"]), 0.0, d["y"])
    estimate = float(weights.mass @ y / weights.mass.sum())
    derivative = weights.pullback((y - estimate) * (weights.values > 0) / weights.mass.sum())
    for row in [*range(6), *np.flatnonzero(np.isnan(d["y"]))[:2]]:
        moved = []
        for change in (1e-3, -1e-3):
            counts = np.ones(300)
            counts[row] += change
            moved.append(float(mean(d["y"], weights.rerun(counts)).estimate))
        assert derivative[row] == pytest.approx((moved[0] - moved[1]) / 2e-3, rel=2e-3, abs=1e-8)


@pytest.mark.parametrize("model", ["likelihood", "weighting"])
def test_weights_give_any_statistic(model: Any) -> None:
    """The estimator's own mean, the share of a domain, and the jackknife's standard error of both."""
    d = people(140, 3)
    r = reweigh(d, x=True, dependence="linear", model=model, of={"mean": d["y"], "top": d["y"] >= 4})
    own = mean(d["y"], r.weights)
    assert (float(own.estimate), float(own.std_error)) == pytest.approx((r.estimate[0], r.std_error[0]), rel=1e-9)
    assert "callbacks" in own.variance_accounts_for
    assert (r.weights.values[np.isnan(d["y"])] == 0).all()
    domains = mean(d["y"], r.weights, by=d["region"])
    jackknife = mean(d["y"], replicate(r.weights, method="jackknife"), by=d["region"])
    assert domains.estimate == pytest.approx(jackknife.estimate, rel=1e-9)
    assert domains.std_error == pytest.approx(jackknife.std_error, rel=0.1)


def test_likelihood_weights_are_its_shares() -> None:
    """The weights of a class add up to it, and to the shares at the maximum within it."""
    d = people(600, 5)
    r = reweigh(d, x=True)
    for region in ("南", "北"):
        assert r.weights.values[d["region"] == region].sum() == pytest.approx((d["region"] == region).sum(), rel=1e-9)
    cells = collapse(calls_of(d, x=True), np.ones(600))
    top = cells.full.maximum()
    assert top is not None
    shares = cells.full.share[cells.full.group] * top.f
    assert np.bincount(cells.cell[cells.cell >= 0], r.weights.values[cells.cell >= 0]) / 600 == pytest.approx(shares, rel=1e-6)


@pytest.mark.parametrize("model", ["likelihood", "weighting"])
def test_registry_leaves_out_the_customers(model: Any) -> None:
    """Over who answers when, the customers being fixed: the variance is smaller by s²/N."""
    d = people(3000, 7)
    kinds = ("r", "registry", "process")
    r, registry, process = (reweigh(d, x=True, dependence="linear", model=model, inference=kind) for kind in kinds)
    assert process.std_error == pytest.approx(r.std_error, rel=0.02)
    assert r.std_error[0] ** 2 - registry.std_error[0] ** 2 == pytest.approx(d["truth"].var() / 3000, rel=0.15)
    assert registry.conf_high[0] - registry.conf_low[0] < r.conf_high[0] - r.conf_low[0]


def test_doubly_robust_influence() -> None:
    """What a unit adds is the derivative to its mass, of means and parameters."""
    d = people()
    calls = calls_of(d, x=True, dependence="linear")
    values = np.column_stack([np.nan_to_num(d["y"]), d["y"] <= 2])
    fitted = fit_robust(calls, np.ones(300), values)
    assert fitted.influence.sum(axis=0) == pytest.approx(np.zeros(2), abs=1e-9)
    for row in range(8):
        ways = []
        for change in (1e-3, -1e-3):
            mass = np.ones(300)
            mass[row] += change
            ways.append(fit_robust(calls, mass, values))
        assert fitted.influence[row] == pytest.approx((ways[0].means - ways[1].means) / 2e-3, rel=1e-3, abs=1e-9)
        assert fitted.parameter_influence[row] == pytest.approx((ways[0].parameters - ways[1].parameters) / 2e-3, rel=1e-3, abs=1e-7)


def test_doubly_robust_is_regression_where_chances_do_not_matter() -> None:
    """With one class the regressions are constants, and the form is that of weighting by the last attempt."""
    d = people(800, 4)
    plain, robust = (reweigh(d, model=model, dependence="linear") for model in ("weighting", "doubly_robust"))
    assert robust.coefficient == pytest.approx(plain.coefficient, rel=1e-6)
    assert robust.estimate == pytest.approx(plain.estimate, abs=0.05)


def test_continuum_by_hand() -> None:
    """Means 1.5 and 3 at two attempts, 6 of 12 silent: 3 each, or 4.5 on the line."""
    y, attempt = [1.0, 2.0, 1.0, 2.0, 2.0, 4.0, NAN], [1, 1, 1, 1, 2, 2, NAN]
    r = reweight_by_callbacks(y, attempt, counts=[1, 1, 1, 1, 1, 1, 6], model="continuum")
    assert (r.estimate[0], r.latest[0], r.extrapolated[0]) == pytest.approx((2.5, 2.5, 3.25))
    assert r.attempt_mean[:, 0].tolist() == [1.5, 3.0]
    assert r.std_error == pytest.approx(r.latest_std_error)
    calls = read_calls(np.array(y), np.array(attempt), None, None, "linear", np.ones(7, bool))
    mass, values = np.array([1.0, 1, 1, 1, 1, 1, 6]), np.nan_to_num(np.array(y))[:, None]
    for trend in (False, True):
        influence = continuum(calls, mass, values, trend=trend)[1]
        for row in range(7):
            step = 1e-6 * np.eye(7)[row]
            ends = [continuum(calls, mass + way * step, values, trend=trend)[0] for way in (1, -1)]
            assert influence[row] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-8)


@pytest.mark.parametrize("model", ["likelihood", "weighting", "doubly_robust", "continuum"])
def test_counts_order_and_units(model: Any) -> None:
    """Rows that count twice, rows in another order, scores in other units, weights in other units."""
    d = people(400, 2)
    options = {"model": model, "dependence": "linear", "x": model != "continuum"}
    r = reweigh(d, **options)
    numbers = [r.estimate[0], r.std_error[0], r.conf_low[0], r.conf_high[0]]
    twice = reweigh(d, counts=np.full(400, 2), **options)
    repeated = reweigh({name: np.tile(column, 2) for name, column in d.items()}, **options)
    for name in ("estimate", "std_error", "conf_low", "conf_high", "coefficient_std_error", "latest_std_error"):
        assert getattr(twice, name) == pytest.approx(getattr(repeated, name), rel=1e-4), name
    order = np.random.default_rng(1).permutation(400)
    turned = reweigh({name: column[order] for name, column in d.items()}, **options)
    assert [turned.estimate[0], turned.std_error[0], turned.conf_low[0], turned.conf_high[0]] == pytest.approx(numbers, rel=1e-4)
    other = reweigh({**d, "y": 100.0 - 10.0 * d["y"]}, **options)
    moved = [100 - 10 * numbers[0], 10 * numbers[1], 100 - 10 * numbers[3], 100 - 10 * numbers[2]]
    assert [other.estimate[0], other.std_error[0], other.conf_low[0], other.conf_high[0]] == pytest.approx(moved, rel=1e-3)
    if model != "continuum":
        assert other.coefficient[-1] == pytest.approx(-r.coefficient[-1] / 10, rel=1e-4)
    w = np.random.default_rng(3).uniform(1.0, 3.0, 400)
    light, heavy = (reweigh(d, w=scale * w, **options) for scale in (1e-4, 1e4))
    for name in ("estimate", "std_error", "conf_low", "conf_high"):
        assert getattr(light, name) == pytest.approx(getattr(heavy, name), rel=1e-4), name
    assert "weights_as_given" in light.variance_accounts_for
    zero = reweigh(d, w=np.where(np.arange(400) < 50, 0.0, 1.0), **options)
    dropped = reweigh({name: column[50:] for name, column in d.items()}, **options)
    assert zero.estimate == pytest.approx(dropped.estimate, rel=1e-6)


def test_weights_of_a_chain_enter() -> None:
    d = people(400, 2)
    w = np.random.default_rng(3).uniform(1.0, 3.0, 400)
    given = reweigh(d, w=w)
    chain = reweigh(d, w=Weights(base=w, counts=np.ones(400)))
    assert chain.estimate == pytest.approx(given.estimate, rel=1e-9)
    assert "weights_as_given" not in chain.variance_accounts_for
    assert chain.conf_low == pytest.approx(given.conf_low, rel=1e-9)


def test_standard_errors_and_profile_agree_where_much_is_known() -> None:
    d = people(20_000, 9)
    r = reweigh(d, dependence="linear", resistance="odds")
    half = 1.959964 * r.std_error[0]
    assert [r.conf_low[0], r.conf_high[0]] == pytest.approx([r.estimate[0] - half, r.estimate[0] + half], abs=0.3 * half)
    assert r.coefficient[-1] == pytest.approx(-0.3, abs=4 * r.coefficient_std_error[-1])
    assert not r.flat.any()


@pytest.mark.parametrize("inference", ["r", "registry"])
def test_curvature_and_sandwich_agree_where_much_is_known(inference: Any) -> None:
    """Class sizes drawn or given: the variance the deviance stands for is the linearised one, of the classes' own part too."""
    d = people(20_000, 9)
    r = reweigh(d, x=True, dependence="linear", resistance="odds", inference=inference, of=d["y"] + 5.0 * (d["region"] == "南"))
    half = 1.959964 * r.std_error[0]
    assert [r.conf_low[0], r.conf_high[0]] == pytest.approx([r.estimate[0] - half, r.estimate[0] + half], abs=0.12 * half)


def test_result_is_written_and_read() -> None:
    d = people(400, 2)
    r = reweigh(d, x=True, of={"平均分": d["y"], "bottom": d["y"] <= 2})
    again = vs.load(json.loads(r.to_json()))
    assert again.weights is None and again.labels["statistic"].tolist() == ["平均分", "bottom"]
    assert again.estimate == pytest.approx(r.estimate)
    assert r.tidy().term.unique().tolist() == ["callbacks", "latest", "extrapolated", "naive"]
    assert r.terms[3:] == ("region=南", "score=2", "score=3", "score=4", "score=5")
    assert "profile likelihood" in r.summary() and "阻力稳定性" in r.summary("zh")


BAD: list[tuple[type[VocstatsError], str, dict[str, Any]]] = [
    (IdentificationError, "single attempt", {"attempt": [1, 1, 1, 1, 1, 1, NAN]}),
    (IdentificationError, "Nobody answered at attempt 2", {"attempt": [1, 1, 3, 3, 1, 3, NAN]}),
    (IdentificationError, "Nobody answered at attempt 3", {"attempts": 3}),
    (IdentificationError, "Everybody heard has the score 3", {"y": [3, 3, 3, 3, 3, 3, NAN]}),
    (IdentificationError, r"Scores 1.0, 2.0, 3.0 were heard at the first", {"attempt": [1, 1, 2, 2, 2, 2, NAN], "dependence": "saturated"}),
    (IdentificationError, r"Scores 3.0 were heard at the first", {"attempt": [1, 2, 1, 2, 1, 1, NAN], "dependence": "saturated"}),
    (IdentificationError, "In 1 of 2 classes of x nobody was heard", {"x": {"区": ["a"] * 6 + ["b"]}}),
    (IdentificationError, "constant or combinations", {"x": {"a": [1.0] * 7}}),
    (IdentificationError, "do not tell the columns of x apart", {"model": "doubly_robust", "x": [1, 0, 1, 0, 1, 0, 1]}),
    (InputError, "Nobody is silent", {"y": [1, 1, 2, 2, 3, 3, 3], "attempt": [1, 2, 1, 2, 1, 2, 2]}),
    (InputError, "attempt is missing at rows 6", {"y": [1, 1, 2, 2, 3, 3, 3]}),
    (InputError, "y is missing at rows 0", {"y": [NAN, 1, 2, 2, 3, 3, NAN]}),
    (InputError, "must be 1, 2, ...", {"attempt": [0, 2, 1, 2, 1, 2, NAN]}),
    (InputError, "must be 1, 2, ...", {"attempt": [1.5, 2, 1, 2, 1, 2, NAN]}),
    (InputError, "attempts is 1, but somebody answered at attempt 2", {"attempts": 1}),
    (InputError, "attempt must hold numbers", {"attempt": ["first"] * 7}),
    (InputError, "model must be one of", {"model": "magic"}),
    (InputError, "so x would not be used", {"model": "continuum", "x": [1, 0, 1, 0, 1, 0, 1]}),
    (InputError, "inference='registry' goes with", {"model": "continuum", "inference": "registry"}),
    (InputError, "differs between people of the same score", {"of": {"price": [1, 2, 3, 4, 5, 6, NAN]}, "counts": [9, 5, 9, 6, 9, 7, 20]}),
    (InputError, "of\\['y'\\] has 1 missing", {"of": {"y": [NAN, 2, 3, 4, 5, 6, NAN]}}),
    (InputError, "of names no values", {"of": {}}),
    (InputError, r"x\['a'\] has 1 missing", {"x": {"a": ["a", None, "b", "a", "b", "b", "b"]}}),
    (InputError, "has 6 entries", {"w": [1.0] * 6}),
    (vs.InfeasibleError, "Nobody was heard", {"w": [0.0] * 7}),
    (IdentificationError, "Nobody was heard", {"w": [0.0] * 6 + [1.0]}),
]


@pytest.mark.parametrize(("kind", "text", "change"), BAD)
def test_refusals(kind: type[VocstatsError], text: str, change: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"y": [1, 1, 2, 2, 3, 3, NAN], "attempt": [1, 2, 1, 2, 1, 2, NAN], "dependence": "linear", **change}
    with pytest.raises(kind, match=text) as caught, warnings.catch_warnings():
        warnings.simplefilter("ignore", LikelihoodWarning)
        reweight_by_callbacks(arguments.pop("y"), arguments.pop("attempt"), **arguments)
    assert message(caught.value, "zh") != str(caught.value)


def test_equations_without_a_solution_are_refused() -> None:
    """Attempts that contradict each other: no chances to answer make all of them tell the same totals."""
    heard = np.array([[15, 16, 29], [15, 6, 8], [28, 2, 24], [19, 14, 25]])
    d = {"y": np.append(np.repeat([1.0, 2, 3, 4], 3), NAN), "attempt": np.append(np.tile([1.0, 2, 3], 4), NAN)}
    with pytest.raises(ConvergenceError, match="no solution nearby") as caught:
        reweigh(d, counts=np.append(heard.ravel(), 162), model="weighting", dependence="linear")
    assert message(caught.value, "zh") != str(caught.value)


@pytest.mark.parametrize("model", ["likelihood", "weighting", "doubly_robust"])
def test_perfect_separation_is_refused(model: Any) -> None:
    """Score 1 answers at once and score 2 later: there is no chance to answer short of certainty."""
    with pytest.raises((IdentificationError, ConvergenceError), match=r"separation|no solution"):
        reweight_by_callbacks([1, 1, 1, 2, 2, 2, NAN], [1, 1, 1, 2, 2, 2, NAN], dependence="linear", model=model)
    separated = {"y": [1, 1, 2, 2, 3, 3, NAN], "attempt": [1, 2, 1, 2, 1, 1, NAN], "x": {"late": [0, 1, 0, 1, 0, 0, 1]}}
    with pytest.raises((IdentificationError, ConvergenceError), match=r"separation|no solution|tell the columns of x apart"):
        reweight_by_callbacks(separated["y"], separated["attempt"], x=separated["x"], dependence="linear", model=model)


def test_too_many_scores_and_cells() -> None:
    rng = np.random.default_rng(1)
    y, attempt = rng.normal(size=900), rng.integers(1, 3, 900).astype(float)
    y[::2], attempt[::2] = NAN, NAN
    with pytest.raises(InputError, match="450 different scores"):
        reweight_by_callbacks(y, attempt)
    with pytest.raises(InputError, match="make 501 cells"):
        reweight_by_callbacks(np.tile(y, 2)[:1002], np.tile(attempt, 2)[:1002], dependence="linear", x=np.arange(1002) >= 900)
