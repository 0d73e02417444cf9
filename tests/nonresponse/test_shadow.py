"""A shadow variable: equations by brute force, influence by differences, jackknife, tests of strength, refusals, the telecom base."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import vocstats as vs
from vocstats.errors import IdentificationError, InputError
from vocstats.estimation import mean, quantile, replicate
from vocstats.nonresponse import ShadowWarning, shadow_variable
from vocstats.nonresponse.shadow_columns import read_columns
from vocstats.nonresponse.shadow_fit import ShadowData, covariance, moments_of, profile
from vocstats.nonresponse.shadow_relevance import relevance
from vocstats.texts import message

NAN = float("nan")


def world(n: int = 600, seed: int = 1) -> dict[str, Any]:
    """Scores 1 to 5 by a number and a label; churn and usage go with the score; the lower the score, the more silent."""
    rng = np.random.default_rng(seed)
    age, shop = rng.normal(size=n), np.array(["a", "b", "c"])[rng.integers(0, 3, n)]
    truth = np.clip(np.round(3 + 0.5 * age + 0.6 * (shop == "b") + rng.normal(size=n)), 1, 5)
    left = rng.random(n) < 1 / (1 + np.exp(1.7 * (truth - 2.5) - 0.3 * age))
    use = 0.5 * truth + 0.4 * age + rng.normal(size=n)
    heard = rng.random(n) < 1 / (1 + np.exp(1.2 - 0.5 * truth - 0.3 * age))
    return {
        "y": np.where(heard, truth, NAN), "left": left, "use": use, "x": {"age": age, "shop": shop}, "d": rng.uniform(1, 3, n),
        "truth": truth, "heard": heard,
    }


def fitted(sample: dict[str, Any], z: Any = None, **options: Any) -> Any:
    """The estimate without warnings of strength."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShadowWarning)
        return shadow_variable(sample["y"], sample["left"] if z is None else z, **({"x": sample["x"], "w": sample["d"]} | options))


def design(w: dict[str, Any]) -> Any:
    shop = w["x"]["shop"]
    return np.column_stack([np.ones(shop.size), w["x"]["age"], shop == "b", shop == "c"])


def test_weighting_solves_its_equations() -> None:
    """Σ d (R/π - 1)(1, x, z) = 0, solved by scipy from the formula alone."""
    w = world()
    r, x, y = fitted(w), design(w), np.nan_to_num(w["y"])
    h = np.column_stack([x, w["left"]])

    def equations(theta: Any) -> Any:
        inverse = 1 + np.exp(-x @ theta[:4] - theta[4] * y)
        return (w["d"] * (w["heard"] * inverse - 1)) @ h

    theta = optimize.root(equations, np.array([-1.0, 0.2, 0.0, 0.0, 0.4]), tol=1e-12).x
    np.testing.assert_allclose(r.coefficients, theta, rtol=1e-6, atol=1e-8)
    weight = w["heard"] * (1 + np.exp(-x @ theta[:4] - theta[4] * y))
    np.testing.assert_allclose(r.weights.values, w["d"] * weight, rtol=1e-6)
    assert r.estimate[0] == pytest.approx((w["d"] * weight) @ y / (w["d"] @ weight), rel=1e-7)
    assert r.gamma == pytest.approx(theta[4])
    assert r.terms == ("intercept", "age", "shop=b", "shop=c", "y")


def test_doubly_robust_is_the_augmented_estimator() -> None:
    """γ from Σ d (R/π - 1)(z - E[z | x, silent]), the mean from Σ d {R/π (y - m) + m}, both regressions tilted to the silent."""
    w = world()
    r = fitted(w, model="doubly_robust", response_columns=["age"], outcome_columns=["shop"])
    shop, heard, d, y = w["x"]["shop"], w["heard"], w["d"], np.nan_to_num(w["y"])
    x = np.column_stack([np.ones(shop.size), w["x"]["age"]])
    a = np.column_stack([np.ones(shop.size), shop == "b", shop == "c"])
    odds = heard * np.exp(-x @ r.coefficients[:2] - r.coefficients[2] * y)
    residual = heard + odds - 1

    def among_silent(v: Any, columns: Any) -> Any:
        return columns @ np.linalg.solve(columns.T @ (columns * (d * odds)[:, None]), columns.T @ (d * odds * v))

    z = w["left"].astype(float)
    assert abs((d * residual) @ x).max() < 1e-7
    assert abs((d * residual) @ (z - among_silent(z, a))) < 1e-7
    m = among_silent(y, np.column_stack([a, z]))
    augmented = d @ ((heard + odds) * (y - m) + m) / d.sum()
    assert r.estimate[0] == pytest.approx(augmented, rel=1e-9)
    other = d @ ((heard + odds) * (y - among_silent(y, a)) + among_silent(y, a)) / d.sum()
    assert other == pytest.approx(augmented, rel=1e-9)  # z adds nothing: its moment holds already


def test_weighting_is_doubly_robust_by_itself() -> None:
    w = world()
    plain, both = fitted(w), fitted(w, model="doubly_robust")
    np.testing.assert_allclose(both.weights.values, plain.weights.values, rtol=1e-7)
    assert both.std_error[0] == pytest.approx(plain.std_error[0], rel=1e-7)


@pytest.mark.parametrize(
    "options",
    [{}, {"model": "doubly_robust", "response_columns": ["age"]}, {"response": "saturated", "z": "levels"}],
    ids=["weighting", "doubly robust", "saturated"],
)
def test_influence_against_differences(options: dict[str, Any]) -> None:
    w = world(500)
    z = np.clip(np.round(w["truth"] + np.random.default_rng(2).normal(size=500) / 2), 1, 5).astype(int).astype(str)
    r = fitted(w, **{**options, **({"z": z} if "z" in options else {})})
    influence = mean(w["y"], r.weights).influence

    def figure(counts: Any) -> float:
        again = r.weights.rerun(counts)
        return float(again.mass @ np.nan_to_num(w["y"]) / again.mass.sum())

    for row in [*np.flatnonzero(w["heard"])[:6], *np.flatnonzero(~w["heard"])[:6]]:
        step = 1e-4 * (np.arange(500) == row)
        assert (figure(1 + step) - figure(1 - step)) / 2e-4 == pytest.approx(influence[row], rel=1e-5, abs=1e-7)


def test_standard_errors_of_any_statistic_and_the_jackknife() -> None:
    w = world(200, 3)
    r = fitted(w, of={"mean": w["y"], "low": w["y"] <= 2})
    for k, v in enumerate((w["y"], w["heard"] & (w["truth"] <= 2))):
        own = mean(v, r.weights)
        assert r.std_error[k] == pytest.approx(float(own.std_error), rel=1e-12)
        assert r.estimate[k] == pytest.approx(float(own.estimate), rel=1e-12)
    repeated = replicate(r.weights, method="jackknife")
    assert float(mean(w["y"], repeated).std_error) == pytest.approx(r.std_error[0], rel=0.1)
    by = mean(w["y"], r.weights, by=w["x"]["shop"])
    np.testing.assert_allclose(mean(w["y"], repeated, by=w["x"]["shop"]).std_error, by.std_error, rtol=0.15)
    assert float(quantile(w["y"], r.weights).estimate) in (3.0, 4.0)
    assert r.variance_accounts_for == ("with_replacement", "shadow")
    assert fitted(w, w=None, inference="registry").std_error[0] < fitted(w, w=None).std_error[0]


def test_spare_moments() -> None:
    """Two shadow variables that agree; then usage that drives response itself, which J finds out."""
    w = world(2000, 4)
    z = {"left": w["left"], "use": w["use"]}
    r = fitted(w, z)
    assert r.j_df == 1 and r.j_p_value > 0.01
    assert r.std_error[0] < fitted(w).std_error[0]
    repeated = float(mean(w["y"], replicate(r.weights, replicates=30, seed=1)).std_error)
    assert repeated == pytest.approx(r.std_error[0], rel=0.35)
    driven = w["heard"] & (np.random.default_rng(5).random(2000) < 1 / (1 + np.exp(-1 - 0.8 * w["use"])))
    bad = fitted({**w, "y": np.where(driven, w["truth"], NAN)}, z)
    assert bad.j_p_value < 0.001
    assert [a.testable for a in r.assumptions if a.code == "shadow_excluded"] == ["partly"]
    assert [a.testable for a in fitted(w).assumptions if a.code == "shadow_excluded"] == ["no"]


def test_counts_weights_units_and_order() -> None:
    w = world(400, 6)
    often = np.random.default_rng(7).integers(0, 3, 400)
    rows = np.random.default_rng(8).permutation(np.repeat(np.arange(400), often))
    moved = {"y": 10 + 3 * w["y"][rows], "x": {"age": 100 * w["x"]["age"][rows], "shop": w["x"]["shop"][rows]}, "d": None}
    counted = fitted(w, w=None, counts=often)
    other = fitted(moved, w["left"][rows])
    assert other.estimate[0] == pytest.approx(10 + 3 * counted.estimate[0], rel=1e-8)
    assert other.std_error[0] == pytest.approx(3 * counted.std_error[0], rel=1e-7)
    assert other.gamma == pytest.approx(counted.gamma / 3, rel=1e-6)
    assert other.relevance == pytest.approx(counted.relevance, rel=1e-7)
    assert other.range_low[0] == pytest.approx(10 + 3 * counted.range_low[0], rel=1e-3)
    assert fitted(w, w=5.0 * often).estimate[0] == pytest.approx(counted.estimate[0], rel=1e-8)
    kept = np.flatnonzero(often)
    missing = {**w["x"], "age": np.where(often > 0, w["x"]["age"], NAN)}
    assert fitted(w, x=missing, w=None, counts=often).estimate[0] == pytest.approx(counted.estimate[0], rel=1e-10)
    assert counted.n == often.sum() and counted.n_heard == often[w["heard"]].sum() and kept.size < 400


def test_numbers_labels_and_flags_of_z_agree() -> None:
    w = world(500, 9)
    first = fitted(w)
    left = w["left"]
    for z in (left.astype(int), np.where(left, "流失", "在网"), pd.Series(left, dtype=object), {"left": 7.0 - 3.0 * left}):
        again = fitted(w, z)
        np.testing.assert_allclose(again.weights.values, first.weights.values, rtol=1e-7)


def test_a_perfect_shadow_gives_the_mean_of_everybody() -> None:
    """Where z is y itself, its moment is that mean: in the sample, not only on average."""
    w = world(400, 22)
    for z, response in ((w["truth"], "linear"), (w["truth"].astype(str), "saturated")):
        r = fitted(w, z, response=response)
        assert r.estimate[0] == pytest.approx(w["d"] @ w["truth"] / w["d"].sum(), rel=1e-9)
        assert r.relevance == np.inf and vs.load(r.to_json()).relevance == np.inf


def test_relevance_is_the_robust_f() -> None:
    """One coefficient: the Wald test of statsmodels with HC1; several: the smallest canonical direction."""
    import statsmodels.api as sm

    w = world(500, 10)
    r = fitted(w, {"left": w["left"], "use": w["use"]}, w=None)
    x = np.column_stack([design(w), w["left"], w["use"]])[w["heard"]]
    fit = sm.OLS(w["y"][w["heard"]], x).fit(cov_type="HC1", use_t=True)
    test = fit.f_test(np.eye(6)[4:])
    assert r.relevance == pytest.approx(float(test.fvalue), rel=1e-8)
    assert r.relevance_p_value == pytest.approx(float(test.pvalue), rel=1e-6)
    assert (r.relevance_df, r.relevance_df_denominator) == (2.0, w["heard"].sum() - 6)


def test_relevance_is_nil_when_z_is_noise() -> None:
    """Rejects 5 % of the time, with one coefficient of y and with four."""
    rng = np.random.default_rng(11)
    p_values = []
    for _ in range(150):
        y = rng.integers(1, 6, 300).astype(float)
        z = rng.integers(0, 6, 300)
        pieces = {"linear": ((y - 3)[:, None], z % 2), "saturated": ((y[:, None] == np.arange(2, 6)).astype(float), z)}
        row = []
        for b, levels in pieces.values():
            columns = (levels[:, None] == np.arange(1, levels.max() + 1)).astype(float)
            data = _data(np.ones((300, 1)), columns, b)
            given = moments_of(data, np.ones(301), np.ones(301))
            row.append(relevance(given, np.ones(300)).p_value)
        p_values.append(row)
    for rate in (np.array(p_values) < 0.05).mean(axis=0):
        assert rate < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


def _data(x: Any, z: Any, b: Any) -> Any:
    """Data of a fit with one silent row at the end."""
    pad = [np.vstack([part, part.mean(axis=0)]) for part in (x, z, b)]
    heard = np.arange(len(pad[0])) < len(x)
    return ShadowData(x=pad[0], a=np.zeros((len(pad[0]), 0)), z=pad[1], b=pad[2], heard=heard, names=("intercept",))


def test_gamma_set_inverts_the_moment_test() -> None:
    """At its ends g' V^-1 g is the chi-square quantile, and it agrees with normal limits where z is strong."""
    w = world(8000, 12)
    r = fitted(w, w=None)
    step: Any = r.weights.steps[-1]
    given = moments_of(step.data, np.ones(8000), np.ones(8000))
    scale = r.gamma / step.fit.profile.gamma[0]
    for end in (r.gamma_low, r.gamma_high):
        at = profile(given, np.array([end / scale]))
        assert at.moments[0] ** 2 / covariance(given, at)[0, 0] == pytest.approx(stats.chi2.ppf(0.95, 1), rel=0.01)
    half = 1.96 * r.coefficient_std_errors[-1]
    np.testing.assert_allclose([r.gamma_low, r.gamma_high], [r.gamma - half, r.gamma + half], atol=0.15 * half)
    np.testing.assert_allclose([r.range_low[0], r.range_high[0]], [r.conf_low[0], r.conf_high[0]], atol=0.15 * r.std_error[0])


def test_variance_of_moments_by_simulation() -> None:
    """V at the truth against the spread of the profiled moment over samples."""
    rng, drawn, stated = np.random.default_rng(13), [], []
    for _ in range(200):
        w = world(400, int(rng.integers(1 << 30)))
        x = {"age": w["x"]["age"]}
        columns = read_columns(w["y"], w["left"], x, None, doubly=False, mass=np.ones(400), form="linear")
        given = moments_of(columns.data, np.ones(400), np.ones(400))
        at = profile(given, np.array([0.5 / columns.back[-1, -1]]))
        drawn.append(at.moments[0] * w["left"].std())  # the scale of z differs from sample to sample
        stated.append(covariance(given, at)[0, 0] * w["left"].var())
    assert np.mean(drawn) == pytest.approx(0.0, abs=4 * np.std(drawn) / 200**0.5)
    assert np.var(drawn) == pytest.approx(np.mean(stated), rel=0.35)


def test_weak_is_warned_of() -> None:
    w = world(500, 14)
    rng = np.random.default_rng(15)
    feeble = rng.random(500) < 1 / (1 + np.exp(0.45 * (w["truth"] - 3)))
    with pytest.warns(ShadowWarning, match="range_low"):
        r = shadow_variable(w["y"], feeble, x=w["x"])
    assert r.relevance < 30
    assert r.range_low[0] <= r.conf_low[0] and r.range_high[0] >= r.conf_high[0]
    assert np.isinf([r.gamma_low, r.gamma_high]).any() or r.gamma_high - r.gamma_low > 0.5


def refusals() -> list[Any]:
    w = world(500, 16)
    rng, y, n = np.random.default_rng(17), w["y"], 500
    levels = np.clip(np.round(w["truth"] + 0.3 * rng.normal(size=n)), 1, 5)
    unheard = np.where(w["heard"], "used", np.where(rng.random(n) < 0.5, "used", "never"))
    churned_unheard = np.where(~w["heard"], rng.random(n) < 0.5, False)
    one_shop = np.where(w["heard"], "a", w["x"]["shop"])
    younger = np.where(w["heard"], w["x"]["age"] - 20.0, w["x"]["age"])
    opposite = np.where(w["heard"], w["truth"] >= 2, rng.random(n) < -1)
    pieces = [
        ("shadow_constant", {"z": np.ones(n)}),
        ("shadow_constant", {"z": np.array(["x"] * n)}),
        ("shadow_constant", {"z": w["x"]["age"], "x": w["x"]}),
        ("shadow_irrelevant", {"z": rng.random(n) < 0.3}),
        ("shadow_level_not_heard", {"z": unheard}),
        ("shadow_not_heard", {"z": churned_unheard}),
        ("shadow_too_coarse", {"z": w["left"], "response": "saturated"}),
        ("shadow_weak_saturated", {"z": np.where(rng.random(n) < 0.2, rng.integers(1, 6, n), levels).astype(str), "response": "saturated"}),
        ("shadow_one_answer", {"y": np.where(w["heard"], 3.0, NAN), "z": w["left"]}),
        ("everybody_heard", {"y": w["truth"], "z": w["left"]}),
        ("outcome_not_heard", {"y": np.full(n, NAN), "z": w["left"]}),
        ("shadow_collinear", {"z": w["left"], "x": {"shop": one_shop}}),
        ("shadow_separation", {"z": w["left"], "x": {"age": younger}}),
        ("shadow_no_solution", {"z": opposite}),
    ]
    return [pytest.param(code, {"y": y, **options}, id=f"{code}-{k}") for k, (code, options) in enumerate(pieces)]


@pytest.mark.parametrize(("code", "options"), refusals())
def test_what_is_not_identified_is_refused(code: str, options: dict[str, Any]) -> None:
    with pytest.raises(IdentificationError) as caught:
        shadow_variable(options.pop("y"), options.pop("z"), **options)
    assert caught.value.code == code
    assert message(caught.value, "zh") != str(caught.value)


def test_bad_input() -> None:
    w = world(200, 18)
    y, z = w["y"], w["left"]
    with pytest.raises(InputError, match="z has 1 missing"):
        shadow_variable(y, np.where(np.arange(200) == 3, NAN, w["use"]))
    with pytest.raises(InputError, match="z has 1 missing labels"):
        shadow_variable(y, np.array([None, *["a", "b"] * 100][:200], object))
    with pytest.raises(InputError, match="200 were expected"):
        shadow_variable(y, z[:100])
    with pytest.raises(InputError, match="y must hold numbers"):
        shadow_variable(y.astype(str), z)
    with pytest.raises(InputError, match="outcome_columns belongs to"):
        shadow_variable(y, z, x=w["x"], outcome_columns=["age"])
    with pytest.raises(InputError, match="response_columns names 'size'"):
        shadow_variable(y, z, x=w["x"], response_columns=["size"])
    with pytest.raises(InputError, match=r"of\['late'\] is missing where y is known"):
        shadow_variable(y, z, of={"late": np.where(np.arange(200) < 50, NAN, 1.0)})
    with pytest.raises(InputError, match="of names no values"):
        shadow_variable(y, z, of={})
    with pytest.raises(InputError, match="must be one of"):
        shadow_variable(y, z, model="best")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="counts entered the chain"):
        shadow_variable(y, z, w=fitted(w).weights, counts=np.ones(200))


def test_after_other_steps() -> None:
    """Design weights that were calibrated: the chain keeps both steps."""
    w = world(250, 19)
    calibrated = vs.weighting.poststratify(w["x"]["shop"], {"a": 900.0, "b": 800.0, "c": 700.0})
    r = fitted(w, w=calibrated)
    assert r.weights.accounts_for == ("poststratify", "shadow")
    assert r.weights.values.sum() == pytest.approx(2400.0)
    assert float(mean(w["y"], replicate(r.weights, method="jackknife")).std_error) == pytest.approx(r.std_error[0], rel=0.1)


def test_result_reads_back_and_speaks_both_languages() -> None:
    w = world(800, 20)
    r = fitted(w, {"left": w["left"], "use": w["use"]}, of={"mean": w["y"], "低分": w["y"] <= 2})
    again = vs.load(r.to_json())
    assert again.weights is None
    np.testing.assert_array_equal(again.estimate, r.estimate)
    assert list(r.to_frame()["statistic"]) == ["mean", "低分"]
    assert list(r.tidy()["term"]) == ["shadow", "shadow", "naive", "naive"]
    assert "J = " in r.summary() and "影子变量" in r.summary("zh")
    assert len(r.coefficients_frame()) == len(r.terms)


def test_telecom_base(data: Path) -> None:
    """Scores 1 and 2 came from churned customers only: churn is known of all 7,043 and shows how silence depends on the score."""
    telco = pd.read_csv(data / "telco" / "telco.csv")
    score, left = telco["Satisfaction Score"].to_numpy(float), (telco["Churn Label"] == "Yes").to_numpy()
    rng = np.random.default_rng(21)
    y = np.where(rng.random(score.size) < 1 / (1 + np.exp(1.3 - 0.5 * (score - 3))), score, NAN)
    r = shadow_variable(y, left, of={"mean": y, "bottom_box": y <= 2}, inference="registry")
    assert r.naive[0] > 3.55
    for k, truth in enumerate((3.24492, 0.20446)):
        assert r.conf_low[k] <= truth <= r.conf_high[k]
    assert r.gamma_low <= 0.5 <= r.gamma_high
    assert r.std_error[0] < 0.06 and r.relevance > 500
