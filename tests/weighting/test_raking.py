"""Raking: the telecom base, R survey, labels of any kind, tables of any shape, what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vocstats.errors import ConvergenceError, InfeasibleError, InputError
from vocstats.weighting import Weights, margin_targets, rake


def margin_error(margins: dict[str, Any], targets: dict[str, dict[Any, float]], w: Weights) -> float:
    """Largest relative error, computed from scratch."""
    return max(
        abs(float(w.mass[np.asarray(margins[name]) == level].sum()) / total - 1.0)
        for name, totals in targets.items()
        for level, total in totals.items()
        if total > 0
    )


def test_telecom_base(data: Path) -> None:
    """R survey: mean 3.25290, bottom-2 20.331 %, weights 1.9188 to 16.0092."""
    telco = pd.read_csv(data / "telco" / "telco.csv")
    heard = telco["Customer ID"].isin(pd.read_csv(data / "telco" / "selection_A.csv")["Customer ID"])
    band = pd.cut(telco["Tenure in Months"], [0, 12, 24, 48, np.inf], labels=["1-12", "13-24", "25-48", "49+"])
    margins = {"Contract": telco["Contract"], "Internet Type": telco["Internet Type"].fillna("None"), "tenure_band": band}
    targets = margin_targets(margins)
    w = rake(margins, targets, base_weights=heard.astype(float))
    score = telco["Satisfaction Score"]
    assert w.values @ score / w.values.sum() == pytest.approx(3.25290, abs=5e-6)
    assert w.values @ (score <= 2) / w.values.sum() == pytest.approx(0.20331, abs=5e-6)
    assert (w.values[heard].min(), w.values.max()) == pytest.approx((1.9188, 16.0092), abs=5e-5)
    assert margin_error(margins, targets, w) < 1e-8
    alone = rake({name: column[heard] for name, column in margins.items()}, targets)
    np.testing.assert_allclose(alone.values, w.values[heard], rtol=1e-12)
    u = w.pullback((score - w.values @ score / w.values.sum()) / w.values.sum())[heard]
    n = int(heard.sum())
    assert np.sqrt(n / (n - 1) * ((u - u.mean()) ** 2).sum()) == pytest.approx(0.0395, abs=5e-5)


def test_api_schools(data: Path) -> None:
    """R survey: rake(apiclus1) on stype and sch.wide: mean api00 641.230321, total enroll 3647280.148."""
    schools = pd.read_csv(data / "api" / "apiclus1.csv")
    targets = {"stype": {"E": 4421, "H": 755, "M": 1018}, "sch.wide": {"No": 1072, "Yes": 5122}}
    w = rake(schools[["stype", "sch.wide"]], targets, base_weights=schools["pw"])
    assert w.values @ schools["api00"] / w.values.sum() == pytest.approx(641.230321, rel=1e-8)
    assert w.values @ schools["enroll"] == pytest.approx(3647280.148, rel=1e-8)


R_SCRIPT = """
suppressMessages(library(survey))
d <- read.csv("{folder}/data.csv"); m <- read.csv("{folder}/margins.csv")
for (v in c("a","b","c")) d[[v]] <- factor(d[[v]])
pop <- lapply(c("a","b","c"), function(v) {{ p <- m[m$var==v, ]; setNames(data.frame(factor(p$level), p$total), c(v, "Freq")) }})
des <- svydesign(id=~1, weights=~w, data=d)
w <- weights(rake(des, list(~a,~b,~c), pop, control=list(maxit=1000, epsilon=1e-10)))
writeLines(format(w, digits=15), "{folder}/out.csv")
"""


def test_equals_r_survey(rscript: str, tmp_path: Path, margins: dict[str, np.ndarray], targets: dict[str, dict[int, float]]) -> None:
    d = np.random.default_rng(4).gamma(2.0, 1.0, 500)
    pd.DataFrame(margins | {"w": d}).to_csv(tmp_path / "data.csv", index=False)
    rows = [(name, level, total) for name, totals in targets.items() for level, total in totals.items()]
    pd.DataFrame(rows, columns=["var", "level", "total"]).to_csv(tmp_path / "margins.csv", index=False)
    script = tmp_path / "fit.R"
    script.write_text(R_SCRIPT.format(folder=tmp_path.as_posix()))
    subprocess.run([rscript, "--vanilla", str(script)], check=True, capture_output=True)
    np.testing.assert_allclose(rake(margins, targets, base_weights=d).values, np.loadtxt(tmp_path / "out.csv"), rtol=1e-6)


@pytest.fixture
def margins() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    latent = rng.standard_normal(500)
    sizes = {"a": 2, "b": 4, "c": 6}
    return {name: np.clip(np.round(latent + rng.standard_normal(500) + k / 2), 0, k).astype(int) for name, k in sizes.items()}


@pytest.fixture
def targets(margins: dict[str, np.ndarray]) -> dict[str, dict[int, float]]:
    rng = np.random.default_rng(3)
    totals = {}
    for name, column in margins.items():
        share = np.bincount(column) * np.exp(0.5 * rng.standard_normal(column.max() + 1))
        totals[name] = dict(enumerate((10_000.0 * share / share.sum()).tolist()))
    return totals


def test_margins_hold_to_the_tolerance(margins: Any, targets: Any) -> None:
    for tol in (1e-3, 1e-6, 1e-10, 1e-13):
        w = rake(margins, targets, tol=tol)
        assert margin_error(margins, targets, w) <= 2.0 * tol
        assert w.steps_frame()["error"].iloc[1] <= tol


@pytest.mark.parametrize(
    "relabel",
    [
        lambda c: np.array(["零", "一级", "二级", "三", "四", "五", "六"])[c],
        lambda c: pd.Categorical.from_codes(c, [f"L{k}" for k in range(8)]),
        lambda c: pd.Series(pd.Categorical(c.astype(str))),
        lambda c: c.astype(np.int8),
        lambda c: c.astype(np.uint16),
        lambda c: c.astype(float) / 2.0,
        lambda c: c - 3_000_000_000,
        lambda c: c * 1_000_003,
        lambda c: pd.Series(c).astype("Int64"),
        lambda c: np.array([("g", k) for k in c] + [None], dtype=object)[:-1],
        lambda c: np.datetime64("2026-01-01") + c.astype("timedelta64[D]"),
        lambda c: c.tolist(),
    ],
)
def test_any_labels(margins: Any, targets: Any, relabel: Any) -> None:
    expected = rake(margins, targets).values
    columns = {f"{name} 车型": relabel(column) for name, column in margins.items()}
    totals = {
        f"{name} 车型": dict(zip(np.asarray(relabel(np.array(list(levels)))).tolist(), levels.values(), strict=True))
        for name, levels in targets.items()
    }
    np.testing.assert_allclose(rake(columns, totals).values, expected, rtol=1e-9)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_columns_of_other_libraries(margins: Any, targets: Any, library: str) -> None:
    module = pytest.importorskip(library)
    names = {name: np.array([f"L{k}" for k in range(7)])[column] for name, column in margins.items()}
    totals = {name: {f"L{k}": total for k, total in levels.items()} for name, levels in targets.items()}
    frame = module.DataFrame(names) if library == "polars" else {name: module.chunked_array([column]) for name, column in names.items()}
    np.testing.assert_allclose(rake(frame, totals).values, rake(margins, targets).values, rtol=1e-9)


def test_targets_as_series_and_arrays(margins: Any, targets: Any) -> None:
    expected = rake(margins, targets).values
    np.testing.assert_array_equal(rake(margins, {name: pd.Series(totals) for name, totals in targets.items()}).values, expected)
    np.testing.assert_array_equal(rake(margins, {name: list(totals.values()) for name, totals in targets.items()}).values, expected)
    np.testing.assert_array_equal(rake(pd.DataFrame(margins), targets).values, expected)


def test_scaling_targets_scales_weights(margins: Any, targets: Any) -> None:
    scaled = {name: {level: 1e6 * total for level, total in totals.items()} for name, totals in targets.items()}
    np.testing.assert_allclose(rake(margins, scaled).values, 1e6 * rake(margins, targets).values, rtol=1e-9)


def test_order_of_margins_does_not_matter(margins: Any, targets: Any) -> None:
    turned = {name: margins[name] for name in ("c", "a", "b")}
    np.testing.assert_allclose(rake(turned, targets, tol=1e-12).values, rake(margins, targets, tol=1e-12).values, rtol=1e-10)


def test_many_margins_and_many_levels_need_no_dense_table() -> None:
    rng = np.random.default_rng(6)
    columns = {f"m{j}": rng.integers(0, k, 3_000) for j, k in enumerate([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 300])}
    wide = {name: 10**6 * column for name, column in columns.items()}
    totals = {name: {k: float(v) for k, v in enumerate(np.bincount(column) * 1.5 + 1.0)} for name, column in columns.items()}
    totals = {name: {k: v / sum(values.values()) for k, v in values.items()} for name, values in totals.items()}
    w = rake(columns, totals)
    assert margin_error(columns, totals, w) < 1e-8
    np.testing.assert_allclose(rake(wide, {n: {10**6 * k: v for k, v in t.items()} for n, t in totals.items()}).values, w.values, rtol=1e-7)
    u = w.pullback(rng.standard_normal(3_000))
    assert np.isfinite(u).all()


def test_strongly_associated_margins_reach_the_tolerance_by_newton() -> None:
    """Proportional fitting alone would need thousands of sweeps here."""
    a = np.repeat([0, 1], 10_000)
    b = a.copy()
    b[[0, 10_000]] = [1, 0]
    targets = {"a": {0: 10_000.0, 1: 10_000.0}, "b": {0: 11_000.0, 1: 9_000.0}}
    w = rake({"a": a, "b": b}, targets)
    assert margin_error({"a": a, "b": b}, targets, w) < 1e-8
    assert w.steps[0].details()["iterations"] < 120


def test_bounds_hold_and_equal_plain_raking_when_wide(margins: Any, targets: Any) -> None:
    plain = rake(margins, targets)
    np.testing.assert_allclose(rake(margins, targets, bounds=(1e-6, 1e6)).values, plain.values, rtol=1e-6)
    bounds = 1.1 * plain.values.min(), 0.9 * plain.values.max()
    w = rake(margins, targets, bounds=bounds)
    assert bounds[0] * (1 - 1e-12) <= w.values.min() <= w.values.max() <= bounds[1] * (1 + 1e-12)
    assert margin_error(margins, targets, w) < 1e-8


def test_unused_levels_and_unheard_people(margins: Any, targets: Any) -> None:
    """A level with total 0 nobody has, and a label without a total that only unheard people bear, change nothing."""
    expected = rake(margins, targets).values
    wider = targets | {"a": targets["a"] | {99: 0.0}}
    np.testing.assert_allclose(rake(margins, wider).values, expected, rtol=1e-12)
    longer = {name: np.append(column, 77) for name, column in margins.items()}
    w = rake(longer, targets, base_weights=np.append(np.ones(500), 0.0))
    np.testing.assert_allclose(w.values[:-1], expected, rtol=1e-12)
    assert w.values[-1] == 0.0
    assert np.isfinite(w.pullback(np.append(np.ones(500), np.nan))).all()


def test_rounded_totals_are_scaled_to_the_first_margin() -> None:
    w = rake({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1]}, {"a": {0: 50.0, 1: 50.0}, "b": {0: 50.00004, 1: 50.0}})
    assert w.values.sum() == pytest.approx(100.0, abs=1e-9)


@pytest.mark.parametrize(
    ("margins", "targets", "error", "message", "levels"),
    [
        ({"a": ["x", "y"]}, {"a": {"x": 1, "y": 1, "z": 1}}, InfeasibleError, "Nobody heard has", (("a", "z"),)),
        ({"a": ["x", "y"]}, {"a": {"x": 1, "y": 0}}, InfeasibleError, "is 0, but people", (("a", "y"),)),
        ({"a": ["x", "y"]}, {"a": {"x": 1}}, InputError, "no total for", (("a", "y"),)),
        ({"a": [0, 1], "b": [0, 1]}, {"a": {0: 5, 1: 5}, "b": {0: 5, 1: 6}}, InfeasibleError, "a: 10, b: 11", ("a", "b")),
        ({"a": [0, 1], "b": [0, 1]}, {"a": {0: 5, 1: 5}, "b": {0: 4, 1: 6}}, InfeasibleError, "a = 0: 5 / 4", None),
        ({"a": [0, 1]}, {"b": {0: 5, 1: 5}}, InputError, "must name the same columns; 'a', 'b'", ("a", "b")),
        ({"a": [0, 1], "b": [0, 1, 1]}, {"a": [1, 1], "b": [1, 1]}, InputError, "has 3 entries; 2 were expected", ()),
        ({"a": ["x", None]}, {"a": {"x": 1}}, InputError, "1 missing labels, at rows 1", ()),
        ({"a": ["x"]}, {"a": {"x": -1}}, InputError, "must not be negative", ()),
        ({"a": ["x"]}, {"a": {"x": 0}}, InfeasibleError, "add up to 0", ("a",)),
        ({}, {}, InputError, "has no columns", ()),
    ],
)
def test_refused(margins: Any, targets: Any, error: Any, message: str, levels: Any) -> None:
    with pytest.raises(error, match=message) as caught:
        rake(margins, targets)
    if levels is not None:
        assert caught.value.levels == levels


def test_too_narrow_bounds_name_what_is_missed(margins: Any, targets: Any) -> None:
    with pytest.raises(InfeasibleError, match=r"with factors from 19\.9 to 20\.1") as caught:
        rake(margins, targets, bounds=(19.9, 20.1))
    assert {name for name, _ in caught.value.levels} <= {"a", "b", "c"}


def test_too_few_iterations_say_what_was_reached(margins: Any, targets: Any) -> None:
    with pytest.raises(ConvergenceError, match="after 2 iterations; tol is 1e-12") as caught:
        rake(margins, targets, tol=1e-12, max_iter=2)
    assert 1e-12 < caught.value.values["error"] < 1.0


@pytest.mark.parametrize(
    "arguments", [{"tol": 0.0}, {"tol": "small"}, {"max_iter": 0}, {"bounds": (-1.0, 2.0)}, {"counts": [1.0]}, {"counts": [1, -1]}]
)
def test_bad_options(arguments: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        rake({"a": [0, 1]}, {"a": [1, 1]}, **arguments)
