"""Discrete-time hazards: statsmodels and R on the expanded table, Kaplan-Meier, derivatives, repeated rows, and what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.options import HazardLink
from vocstats.results import load
from vocstats.survivorship import hazard_regression, survival_curve
from vocstats.survivorship.person_periods import histories_of
from vocstats.texts import message

LINKS: tuple[HazardLink, ...] = ("logit", "cloglog")
LABELS = np.array(["甲", "乙", "丙"])


def leavers(seed: int, n: int, late: int = 3) -> dict[str, Any]:
    """Durations in whole periods with late entry, censoring, a label and a number."""
    rng = np.random.default_rng(seed)
    kind, age = rng.integers(0, 3, n), np.round(rng.normal(size=n), 1)
    entry = rng.integers(0, late, n)
    duration = np.ceil(rng.exponential(6 * np.exp(-0.3 * kind + 0.2 * age))).astype(int)
    censored = np.minimum(entry + rng.integers(2, 8, n), 6)
    kept = np.minimum(duration, censored) > entry
    columns = {"duration": np.minimum(duration, censored), "event": duration <= censored, "entry": entry}
    return {**{name: column[kept] for name, column in columns.items()}, "x": {"kind": LABELS[kind][kept], "age": age[kept]}}


def expanded(data: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, design matrix and outcome of every person-period, written out one by one."""
    d, entry = data["duration"], data["entry"]
    rows = np.array([(i, u) for i in range(d.size) for u in range(entry[i] + 1, d[i] + 1)])
    i, u = rows.T
    levels = np.unique(data["x"]["kind"])
    design = np.column_stack([
        u[:, None] == np.arange(entry.min() + 1, d.max() + 1), data["x"]["kind"][i][:, None] == levels[1:], data["x"]["age"][i]
    ]).astype(float)
    return i, design, ((u == d[i]) & data["event"][i]).astype(float)


@pytest.mark.parametrize("link", LINKS)
def test_equals_statsmodels_on_the_expanded_table(link: HazardLink) -> None:
    import statsmodels.api as sm

    data = leavers(1, 400)
    _, design, left = expanded(data)
    family = sm.families.Binomial(sm.families.links.Logit() if link == "logit" else sm.families.links.CLogLog())
    fit = sm.GLM(left, design, family=family).fit(tol=1e-15, maxiter=200)
    r = hazard_regression(**data, link=link)
    np.testing.assert_allclose(r.estimate, fit.params, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(r.std_error, fit.bse, rtol=3e-8)
    assert r.log_likelihood == pytest.approx(fit.llf, rel=1e-12)
    assert r.terms[-3:] == ("kind=乙", "kind=甲", "age")


R = """
library(survey)
d <- read.csv("FILE"); names(d)[1:4] <- c("row", "dealer", "weight", "left")
f <- reformulate(c("0", names(d)[-(1:4)]), "left")
show <- function(m) { v <- vcov(m); cat(format(c(coef(m), sqrt(diag(v))), digits = 17), sep = ","); cat("\\n") }
control <- glm.control(epsilon = 1e-15, maxit = 200)
show(glm(f, binomial(link = "LINK"), d, control = control))
show(svyglm(f, svydesign(~row, weights = ~weight, data = d), family = quasibinomial(link = "LINK"), control = control))
show(svyglm(f, svydesign(~dealer, weights = ~weight, data = d), family = quasibinomial(link = "LINK"), control = control))
"""


@pytest.mark.parametrize("link", LINKS)
def test_equals_r_on_the_expanded_table(link: HazardLink, rscript: str, tmp_path: Path) -> None:
    """R's sandwich holds the expected information, ours the observed one: they are the same for the logit."""
    data = leavers(2, 300)
    i, design, left = expanded(data)
    rng = np.random.default_rng(3)
    weights, dealer = rng.uniform(0.5, 2, data["event"].size), rng.integers(0, 30, data["event"].size)
    table = np.column_stack([i, dealer[i], weights[i], left, design])
    header = ",".join(["row", "dealer", "weight", "left", *(f"c{j}" for j in range(design.shape[1]))])
    np.savetxt(tmp_path / "cells.csv", table, delimiter=",", header=header, comments="", fmt="%.17g")
    script = R.replace("FILE", (tmp_path / "cells.csv").as_posix()).replace("LINK", link)
    done = subprocess.run([rscript, "-e", script], capture_output=True, text=True, check=True)
    lines = [np.array([float(cell) for cell in line.split(",")]) for line in done.stdout.strip().split("\n")]
    fits = [
        hazard_regression(**data, link=link), hazard_regression(**data, weights=weights, link=link),
        hazard_regression(**data, weights=weights, clusters=dealer, link=link),
    ]
    for fit, line, exact in zip(fits, lines, (True, link == "logit", link == "logit"), strict=True):
        estimate, error = np.split(line, 2)
        np.testing.assert_allclose(fit.estimate, estimate, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(fit.std_error, error, rtol=1e-6 if exact else 0.1)
    assert [fit.variance for fit in fits] == ["model", "robust", "robust"]


@pytest.mark.parametrize("link", LINKS)
def test_without_x_it_is_kaplan_meier_with_greenwood(link: HazardLink) -> None:
    data = {name: column for name, column in leavers(4, 400).items() if name != "x"}
    r = hazard_regression(**data, x=None, link=link)
    times = np.arange(1, data["duration"].max() + 1)
    curve, table = survival_curve(**data, times=times), r.survival(None, times=times)
    for name in ("survival", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(table[name], getattr(curve, name), rtol=1e-9)
    n = data["event"].size
    robust = hazard_regression(**data, x=None, link=link, variance="robust").survival(None, times=times)
    np.testing.assert_allclose(robust["std_error"] * np.sqrt((n - 1) / n), survival_curve(**data, times=times, variance="robust").std_error)
    weights, dealers = np.random.default_rng(5).uniform(0.5, 2, n), np.arange(n) % 17
    clustered = hazard_regression(**data, x=None, link=link, weights=weights, clusters=dealers).survival(None, times=times)
    expected = survival_curve(**data, times=times, weights=weights, clusters=dealers)
    np.testing.assert_allclose(clustered["survival"], expected.survival)
    np.testing.assert_allclose(clustered["std_error"] * np.sqrt(16 / 17), expected.std_error)


def test_one_period_by_group_is_kaplan_meier_of_each_group() -> None:
    data = leavers(6, 300, late=1)
    one = {"duration": np.ones(data["event"].size), "event": data["event"] & (data["duration"] == 1)}
    kinds = data["x"]["kind"]
    table = hazard_regression(**one, x={"kind": kinds}).survival({"kind": np.unique(kinds)}, times=[1])
    curve = survival_curve(**one, by=kinds, times=[1])
    for name in ("survival", "std_error", "conf_low", "conf_high"):
        np.testing.assert_allclose(table[name], getattr(curve, name), rtol=1e-9)


def test_constant_baseline_is_the_rate_of_leaving() -> None:
    data = leavers(7, 200)
    r = hazard_regression(data["duration"], data["event"], None, entry=data["entry"], baseline=[])
    rate = data["event"].sum() / (data["duration"] - data["entry"]).sum()
    np.testing.assert_allclose(r.survival(None, times=[1, 2.5, 4])["survival"], (1 - rate) ** np.array([1, 2, 4]))
    assert (r.at_risk.sum(), r.events.sum()) == ((data["duration"] - data["entry"]).sum(), data["event"].sum())
    assert r.terms == (f"period=1-{data['duration'].max()}",)


def test_breaks_are_the_expanded_regression_on_indicators_of_their_runs() -> None:
    import statsmodels.api as sm

    data = leavers(8, 400)
    _, design, left = expanded(data)
    periods = design.shape[1] - 3
    run = np.array([[u < 2, 2 <= u < 4, u >= 4] for u in range(periods)], float)
    fit = sm.GLM(left, np.hstack([design[:, :periods] @ run, design[:, periods:]]), family=sm.families.Binomial()).fit(tol=1e-15)
    r = hazard_regression(**data, baseline=[2, 4, 99])
    assert r.terms[:3] == ("period=1-2", "period=3-4", f"period=5-{periods}")
    np.testing.assert_allclose(r.estimate, fit.params, rtol=1e-8)


@pytest.mark.parametrize("link", LINKS)
def test_standard_errors_of_survival_are_delta_method(link: HazardLink) -> None:
    """Gradient by finite differences, and the sandwich of all customers written out."""
    data = leavers(9, 70)
    weights = np.random.default_rng(10).uniform(0.5, 2, data["event"].size)
    r = hazard_regression(**data, weights=weights, link=link)
    new = {"kind": ["甲", "丙"], "age": [0.5, -1.0]}
    table = r.survival(new, times=[2, 6])

    def moved(row: int, by: float) -> np.ndarray:
        w = weights.copy()
        w[row] += by
        return hazard_regression(**data, weights=w, link=link).survival(new, times=[2, 6])["survival"].to_numpy()

    n = weights.size
    influence = np.array([weights[i] * (moved(i, 1e-4) - moved(i, -1e-4)) / 2e-4 for i in range(n)])
    np.testing.assert_allclose(np.sqrt((influence**2).sum(axis=0) * n / (n - 1)), table["std_error"], rtol=1e-5)


def test_errors_agree_with_the_jackknife() -> None:
    data = leavers(11, 160)
    r = hazard_regression(**data, variance="robust", baseline=[1, 2, 3, 4])

    def without(i: int) -> np.ndarray:
        kept = {name: np.delete(data[name], i) for name in ("duration", "event", "entry")}
        return hazard_regression(**kept, x={name: np.delete(c, i) for name, c in data["x"].items()}, baseline=[1, 2, 3, 4]).estimate

    left_out = np.array([without(i) for i in range(data["event"].size)])
    np.testing.assert_allclose(r.std_error, np.sqrt((left_out - left_out.mean(axis=0)).var(axis=0) * (r.n - 1)), rtol=0.07)


@pytest.mark.parametrize("clustered", [False, True])
def test_counts_are_repeated_rows_and_order_does_not_matter(clustered: bool) -> None:
    data = leavers(12, 300)
    rng = np.random.default_rng(13)
    counts = rng.integers(0, 3, data["event"].size)
    data |= {"weights": rng.uniform(0.5, 2, counts.size)} | ({"clusters": rng.integers(0, 20, counts.size)} if clustered else {})

    def taken(rows: np.ndarray) -> dict[str, Any]:
        return {name: {k: c[rows] for k, c in column.items()} if name == "x" else column[rows] for name, column in data.items()}

    counted = hazard_regression(**data, counts=counts)
    repeated = hazard_regression(**taken(rng.permutation(np.repeat(np.arange(counts.size), counts))))
    for name in ("estimate", "std_error", "at_risk", "events"):
        np.testing.assert_allclose(getattr(counted, name), getattr(repeated, name), rtol=1e-9, err_msg=name)
    assert (counted.n, counted.n_events, counted.terms) == (repeated.n, repeated.n_events, repeated.terms)


def test_zero_weights_are_nobody_whatever_they_bear() -> None:
    data = leavers(14, 200)
    some = np.append(np.ones(data["event"].size), 0.0)
    more = {name: np.append(data[name], value) for name, value in (("duration", 90), ("event", True), ("entry", 0))}
    more["x"] = {"kind": np.append(data["x"]["kind"], "丁"), "age": np.append(data["x"]["age"], 50.0)}
    a, b = hazard_regression(**more, weights=some), hazard_regression(**data, weights=some[:-1])
    np.testing.assert_allclose(a.estimate, b.estimate)
    np.testing.assert_allclose(a.std_error, b.std_error)


def test_numbers_as_labels_floats_arrays_and_frames_are_the_same() -> None:
    import pandas as pd

    data = leavers(15, 200)
    age, kind = data["x"]["age"], np.unique(data["x"]["kind"], return_inverse=True)[1]
    spells = {name: data[name] for name in ("duration", "event", "entry")}
    a = hazard_regression(**spells, x=pd.DataFrame({"kind": pd.Categorical(data["x"]["kind"]), "age": age.astype(object)}))
    b = hazard_regression(**spells, x=np.column_stack([kind == 1, kind == 2, age]).astype(float))
    np.testing.assert_allclose(a.estimate, b.estimate, rtol=1e-9)
    assert a.levels["kind"] == tuple(np.unique(data["x"]["kind"]))


def test_survival_before_the_first_entry_and_beyond_the_last_period() -> None:
    data = leavers(16, 300)
    r = hazard_regression(data["duration"] + 2, data["event"], None, entry=data["entry"] + 2)
    table = r.survival(None, times=[0, 2, 3, data["duration"].max() + 3])
    assert r.start == 2 and table["survival"].tolist()[:2] == [1.0, 1.0] and table["std_error"].tolist()[:2] == [0.0, 0.0]
    assert table["conf_low"].isna().tolist() == [True, True, False, True] and np.isnan(table["survival"].iloc[3])


def test_result_reads_back_and_predicts_again() -> None:
    r = hazard_regression(**leavers(17, 200))
    again = load(r.to_json())
    new = {"kind": ["乙"], "age": [1.0]}
    assert again.survival(new).equals(r.survival(new))
    assert len(r.survival(new)) == r.ends[-1] - r.start + 1
    assert "left" in r.summary() and "流失" in r.summary("zh")
    assert r.tidy()["term"].tolist() == list(r.terms)
    assert [a.code for a in r.assumptions] == ["independent_censoring", "same_effect_in_every_period"]


GOOD: dict[str, Any] = {"duration": [1, 2, 3, 3, 1, 2, 3, 3], "event": [1, 1, 1, 0, 1, 1, 1, 0], "x": {"a": list("uuuuvvvv")}}
BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "fraction": ({"duration": [1, 2.5, 3, 3, 1, 2, 3, 3]}, InputError, "whole periods; it does not at rows 1.*np.ceil"),
    "zero": ({"duration": [0, 2, 3, 3, 1, 2, 3, 3]}, InputError, "duration must exceed entry where somebody left.*rows 0"),
    "late": ({"entry": [0, 0, 0, 4, 0, 0, 0, 0]}, InputError, "rows 3"),
    "link": ({"link": "probit"}, InputError, "link must be one of"),
    "baseline": ({"baseline": "constant"}, InputError, "baseline must be 'free'"),
    "break": ({"baseline": [1.5]}, InputError, "baseline must count whole periods"),
    "length": ({"event": [1, 0]}, InputError, "event has 2 entries"),
    "x length": ({"x": {"a": list("uv")}}, InputError, "x\\['a'\\] has 2 entries"),
    "missing": ({"x": {"a": [1.0, 2, np.nan, 1, 2, 1, 2, 1]}}, InputError, "x\\['a'\\] has 1 missing or infinite values, at rows 2"),
    "missing label": ({"x": {"a": [None, *"uuuvvvv"]}}, InputError, "x\\['a'\\] has 1 missing labels, at rows 0"),
    "model variance": ({"weights": [1] * 8, "variance": "model"}, InputError, "Use variance='robust'"),
    "strings": ({"duration": list("12331233")}, InputError, "duration must hold numbers"),
    "nobody": ({"weights": [0] * 8}, InputError, "Nobody with a positive weight"),
    "empty": ({"duration": [], "event": [], "x": None}, InputError, "Nobody with a positive weight"),
    "nobody left": ({"event": [0] * 8}, IdentificationError, "Nobody left while under observation"),
    "eventless period": ({"event": [1, 0, 1, 0, 1, 0, 1, 0]}, IdentificationError, r"In 'period=2' nobody .*baseline=\[1\]"),
    "all leave": ({"event": [1] * 8}, IdentificationError, r"In 'period=3' .*baseline=\[1\]"),
    "unobserved period": (
        {"duration": [1, 1, 3, 3, 1, 1, 3, 3], "entry": [0, 0, 2, 2, 0, 0, 2, 2], "event": [1, 0, 1, 0, 0, 0, 0, 0]},
        IdentificationError, "In 'period=2' nobody was at risk",
    ),
    "loyal level": ({"event": [1, 1, 1, 0, 0, 0, 0, 0]}, IdentificationError, r"With x\['a'\] = 'v' nobody"),
    "one level": ({"x": {"a": ["u"] * 8}}, IdentificationError, "one level only"),
    "constant": ({"x": {"a": [1.0] * 8}}, IdentificationError, "'a' cannot be told apart"),
    "twice": ({"x": {"a": list("uuuuvvvv"), "b": [0, 0, 0, 0, 1, 1, 1, 1]}}, IdentificationError, "'b' cannot be told apart"),
    "never together": (
        {"duration": [1, 1, 1, 1, 2, 2, 2, 2], "entry": [0, 0, 0, 0, 1, 1, 1, 1], "event": [1, 0] * 4}, IdentificationError,
        "'a=v' cannot be told apart from the periods",
    ),
    "separation": ({"x": {"a": [9.0, 9, 9, 0, 9, 9, 9, 0]}, "baseline": []}, IdentificationError, "predicts the outcome"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, kind, text = BAD[name]
    if name == "separation":
        options = {**options, "duration": [1] * 8, "event": [1, 1, 1, 0, 1, 1, 1, 0]}
    with pytest.raises(kind, match=text) as caught:
        hazard_regression(**{**GOOD, **options})
    assert message(caught.value, "zh") != str(caught.value)  # type: ignore[arg-type]


def test_the_merge_a_refusal_names_works() -> None:
    data: dict[str, Any] = {**GOOD, "event": [1, 0, 1, 0, 1, 0, 1, 0]}
    with pytest.raises(IdentificationError) as caught:
        hazard_regression(**data)
    assert caught.value.values["remedy"] == "[1]"
    assert hazard_regression(**data, baseline=[1]).terms[:2] == ("period=1", "period=2-3")


@pytest.mark.parametrize(("x", "text"), [(None, "must hold the variables"), ({"b": ["u"]}, "'b' is missing or not"), ({"a": ["w"]}, "'w'")])
def test_survival_refuses_other_variables(x: Any, text: str) -> None:
    with pytest.raises(InputError, match=text):
        hazard_regression(**GOOD).survival(x)


def test_rows_are_not_expanded() -> None:
    """A million customers over 60 periods are a table of 12 profiles and 60 periods."""
    rng = np.random.default_rng(18)
    n = 1_000_000
    x = {"model": rng.integers(0, 6, n), "serviced": rng.integers(0, 2, n)}
    duration, censored = np.ceil(rng.exponential(40, n)), rng.integers(1, 61, n)
    r = hazard_regression(np.minimum(duration, censored), duration <= censored, x)
    assert r.n == n and r.ends.size == 60 and r.survival({"model": [3], "serviced": [1]}, times=[60])["survival"].iloc[0] < 0.3


@pytest.mark.parametrize("column", ["duration", "entry"])
@pytest.mark.parametrize("value", [1e6, 1e15, 1e300])
def test_codes_for_endless_durations_are_refused(column: str, value: float) -> None:
    times = {"duration": [3.0, 3, 2, 1, 3, 2, 1, 3], "entry": [0.0] * 8}
    times[column][0] = value
    with pytest.raises(InputError, match=f"{column} exceeds 100,000 periods at rows 0") as caught:
        hazard_regression(event=[1, 0, 1, 0, 1, 0, 1, 0], x=None, **times)
    assert "100,000" in message(caught.value, "zh")


def test_histories_of_many_customers_over_many_periods_keep_what_they_are() -> None:
    """A key of profile, entry, duration and time of asking in one number would overflow."""
    rng = np.random.default_rng(19)
    n = 30_000
    x, entry, event = rng.permutation(n), rng.integers(0, 1_000, n), rng.random(n) < 0.5
    duration = entry + rng.integers(1, 99_000, n)
    for asked in (None, rng.integers(98_000, 100_000, n)):
        latest = n * 100_000 if asked is None else asked.max()
        h = histories_of(duration, event, entry, {"x": x}, np.ones(n), asked)
        np.testing.assert_array_equal(h.x[h.profile[h.place], 0], x)
        np.testing.assert_array_equal(h.entry[h.place], entry)
        np.testing.assert_array_equal(h.duration[h.place], np.minimum(duration, latest))
        np.testing.assert_array_equal(h.until[h.place], duration if asked is None else asked)
        np.testing.assert_array_equal(h.event[h.place], event & (duration <= latest))
