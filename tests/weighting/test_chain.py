"""The chain: pullbacks equal finite differences, cells equal rows, reruns equal building anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vocstats.errors import InfeasibleError, InputError
from vocstats.estimation.linearization import through_chain
from vocstats.weighting import Weights, calibrate, margin_targets, poststratify, rake, trim, weight_by_propensity

Build = Callable[..., Weights]


def numeric(base: dict[str, Any]) -> dict[str, Any]:
    return {"ones": np.ones(base["n"]), "age": base["age"]}


def numeric_totals(base: dict[str, Any]) -> dict[str, float]:
    whole = base.get("whole", base)
    return {"ones": float(whole["counts"].sum()), "age": float(whole["counts"] @ whole["age"])}


def targets(base: dict[str, Any]) -> dict[str, dict[Any, float]]:
    whole = base.get("whole", base)
    return margin_targets(whole["margins"], counts=whole["counts"])


def part(base: dict[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """Rows of a base, with the targets of the whole base."""
    taken = {key: value[rows] for key, value in base.items() if isinstance(value, np.ndarray)}
    margins = {key: column[rows] for key, column in base["margins"].items()}
    return taken | {"margins": margins, "n": rows.size, "whole": base}


def raked(base: dict[str, Any], weights: Any, counts: Any, **options: Any) -> Weights:
    return rake(base["margins"], targets(base), base_weights=weights, counts=counts, tol=1e-13, **options)


def calibrated(base: dict[str, Any], weights: Any, counts: Any, **options: Any) -> Weights:
    return calibrate(numeric(base), numeric_totals(base), base_weights=weights, counts=counts, tol=1e-13, **options)


def responded(base: dict[str, Any], weights: Any, counts: Any, **options: Any) -> Weights:
    x = None if "classes" in options else {"age": base["age"] / 10.0, "region": base["margins"]["region"]}
    return weight_by_propensity(x, base["heard"], base_weights=weights, counts=counts, **options)


CHAINS: dict[str, tuple[bool, Build]] = {  # whether base weights are 0 where nobody was heard, and how to build
    "rake": (True, raked),
    "rake bounded": (True, lambda b, w, c: raked(b, w, c, bounds=(0.56, 7.8))),
    "poststratify": (True, lambda b, w, c: poststratify(b["margins"]["region"], targets(b)["region"], base_weights=w, counts=c)),
    "linear": (True, calibrated),
    "raking": (True, lambda b, w, c: calibrated(b, w, c, distance="raking")),
    "logit": (True, lambda b, w, c: calibrated(b, w, c, distance="logit", bounds=(0.3, 5.0))),
    "truncated": (True, lambda b, w, c: calibrated(b, w, c, distance="truncated", bounds=(2.2, 3.2))),
    "penalty": (True, lambda b, w, c: calibrated(b, w, c, penalty={"age": 0.5})),
    "raking, penalty": (True, lambda b, w, c: calibrated(b, w, c, distance="raking", penalty=0.2)),
    "logistic": (False, responded),
    "ridge": (False, lambda b, w, c: responded(b, w, c, estimator="ridge", penalty=0.1)),
    "cbps": (False, lambda b, w, c: responded(b, w, c, estimator="cbps")),
    "classes": (False, lambda b, w, c: responded(b, w, c, estimator="classes", classes=b["margins"]["tenure"])),
    "rake, linear": (True, lambda b, w, c: calibrated(b, raked(b, w, c), None)),
    "logistic, rake": (False, lambda b, w, c: raked(b, responded(b, w, c), None)),
    "linear, logistic, rake, logit": (
        False,
        lambda b, w, c: calibrated(b, raked(b, responded(b, calibrated(b, w, c), None), None), None, distance="logit", bounds=(0.2, 3.0)),
    ),
}
LINEAR = ("poststratify", "linear", "penalty", "logistic", "classes")  # R's convention is exact here


def start(base: dict[str, Any], only_heard: bool) -> np.ndarray:
    weights = 1.0 + 0.5 * np.sin(np.arange(base["n"]))
    return weights * base["heard"] if only_heard else weights


def score(w: Weights, y: np.ndarray) -> float:
    heard = w.values != 0
    return float(w.mass[heard] @ y[heard] / w.mass[heard].sum())


@pytest.mark.parametrize("name", CHAINS)
def test_pullback_equals_finite_differences(base: dict[str, Any], name: str) -> None:
    only_heard, build = CHAINS[name]
    weights, counts, y = start(base, only_heard), base["counts"], base["y"]
    w = build(base, weights, counts)
    u = (y - score(w, y)) / w.mass.sum()
    pulled = w.pullback(u, exact=True)
    for i in np.flatnonzero(weights)[:25]:
        shift = np.zeros(base["n"])
        shift[i] = 1e-4 * weights[i]
        above, below = (score(build(base, weights + sign * shift, counts), y) for sign in (1, -1))
        slope = (above - below) / (2.0 * shift[i])
        assert counts[i] * pulled[i] == pytest.approx(slope, rel=1e-5, abs=3e-9)


@pytest.mark.parametrize("name", LINEAR)
def test_the_default_is_exact_where_the_factor_is_linear(base: dict[str, Any], name: str) -> None:
    only_heard, build = CHAINS[name]
    w = build(base, start(base, only_heard), base["counts"])
    u = np.where(base["heard"], base["y"], 0.0)
    np.testing.assert_allclose(w.pullback(u), w.pullback(u, exact=True), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CHAINS)
def test_cells_equal_rows(base: dict[str, Any], name: str) -> None:
    only_heard, build = CHAINS[name]
    cell = np.repeat(np.arange(base["n"]), base["counts"])
    weights = start(base, only_heard)
    by_cell, by_row = build(base, weights, base["counts"]), build(part(base, cell), weights[cell], None)
    np.testing.assert_allclose(by_row.values, by_cell.values[cell], rtol=1e-12)
    y = np.nan_to_num(base["y"])
    np.testing.assert_allclose(by_row.pullback(y[cell]), by_cell.pullback(y)[cell], rtol=1e-9, atol=1e-12)
    assert by_row.effective_sample_size == pytest.approx(by_cell.effective_sample_size, rel=1e-12)
    assert by_row.design_effect == pytest.approx(by_cell.design_effect, rel=1e-12)


@pytest.mark.parametrize("name", CHAINS)
def test_rerun_equals_building_anew(base: dict[str, Any], name: str) -> None:
    only_heard, build = CHAINS[name]
    weights = start(base, only_heard)
    other = base["counts"] + np.random.default_rng(3).integers(0, 2, base["n"])
    rerun = build(base, weights, base["counts"]).rerun(other)
    anew = build(base, weights, other)  # the targets remain those of base["counts"]
    np.testing.assert_allclose(rerun.values, anew.values, rtol=1e-10)
    assert rerun.steps_frame()["step"].tolist() == anew.steps_frame()["step"].tolist()


@pytest.mark.parametrize("name", CHAINS)
def test_permutation_weight_two_and_weight_zero(base: dict[str, Any], name: str) -> None:
    only_heard, build = CHAINS[name]
    weights = start(base, only_heard)
    w = build(base, weights, base["counts"])
    order = np.random.default_rng(5).permutation(base["n"])
    np.testing.assert_allclose(build(part(base, order), weights[order], base["counts"][order]).values, w.values[order], rtol=1e-9)
    # weight 2 equals the row twice
    double = np.where(np.arange(base["n"]) == np.flatnonzero(base["heard"])[0], 2.0, 1.0)
    twice = np.repeat(np.arange(base["n"]), double.astype(int))
    heavy, doubled = build(base, weights * double, base["counts"]), build(part(base, twice), weights[twice], base["counts"][twice])
    np.testing.assert_allclose(np.bincount(twice, doubled.values), heavy.values, rtol=1e-9)
    # weight 0 equals dropping the row
    kept = np.flatnonzero(weights)[1:]
    zero = np.zeros(base["n"])
    zero[kept] = weights[kept]
    dropped = build(part(base, kept), weights[kept], base["counts"][kept])
    np.testing.assert_allclose(build(base, zero, base["counts"]).values[kept], dropped.values, rtol=1e-9)


def test_since_stops_at_a_step(base: dict[str, Any]) -> None:
    w = CHAINS["logistic, rake"][1](base, start(base, False), base["counts"])
    u = np.nan_to_num(base["y"])
    np.testing.assert_array_equal(w.pullback(u, since=2), u)
    stepwise = Weights(base=w.entering(0), counts=w.counts, steps=w.steps[:1]).pullback(w.pullback(u, since=1))
    np.testing.assert_allclose(stepwise, w.pullback(u), rtol=1e-12)


def test_contrast_is_the_difference_that_being_heard_makes(base: dict[str, Any]) -> None:
    w = responded(base, None, base["counts"])
    u = np.nan_to_num(base["y"])
    contrast, plain = w.pullback(u, contrast=True), w.pullback(u)
    step = w.steps[0]
    solved = np.linalg.solve(step.bread(), step.gradient().T @ (w.counts * u))
    np.testing.assert_allclose(contrast - plain, (1.0 - base["heard"] + step.probability) * (step.score(contrast=True) @ solved), atol=1e-9)  # type: ignore[attr-defined]


def test_contrast_of_a_later_response_model(base: dict[str, Any]) -> None:
    """Calibration first, response after it: the factored influence of the estimators has the same contrast."""
    w = CHAINS["linear, logistic, rake, logit"][1](base, start(base, False), base["counts"])
    u = np.where(w.values > 0, np.nan_to_num(base["y"]), 0.0)
    _, heard = through_chain(u, np.zeros(u.size, np.intp), 1, w, contrast=True)
    np.testing.assert_allclose(w.base * w.pullback(u, contrast=True), heard.values()[:, 0], rtol=1e-8, atol=1e-8)


def test_several_columns_at_once(base: dict[str, Any]) -> None:
    w = raked(base, base["heard"].astype(float), base["counts"])
    u = np.column_stack([np.nan_to_num(base["y"]), base["age"]])
    both = w.pullback(u)
    np.testing.assert_allclose(both[:, 1], w.pullback(u[:, 1]), rtol=1e-9, atol=1e-9)
    assert both.shape == u.shape


def test_influence_may_be_missing_only_where_nobody_was_heard(base: dict[str, Any]) -> None:
    w = raked(base, base["heard"].astype(float), base["counts"])
    np.testing.assert_array_equal(w.pullback(base["y"]), w.pullback(np.nan_to_num(base["y"])))
    first = int(np.flatnonzero(base["heard"])[0])
    broken = base["y"].copy()
    broken[first] = np.nan
    with pytest.raises(InputError, match="missing values where the weight is not 0") as caught:
        w.pullback(broken)
    assert caught.value.rows == (first,)


def test_unheard_weigh_exactly_nothing_and_arrays_are_read_only(base: dict[str, Any]) -> None:
    weights = base["heard"].astype(float)
    w = raked(base, weights, base["counts"])
    assert (w.values[~base["heard"]] == 0.0).all()
    for array in (w.base, w.counts, w.values, w.steps[0].factor):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 9.0
    weights[:] = 7.0
    assert w.base.max() == 1.0


def test_counts_do_not_overflow() -> None:
    many = np.array([2_000_000_000, 2_000_000_000, 7], np.int32)
    w = rake({"a": [0, 0, 1]}, {"a": {0: 8e9, 1: 14}}, counts=many)
    np.testing.assert_allclose(w.values, [2.0, 2.0, 2.0])
    assert w.mass.sum() == pytest.approx(8_000_000_014)


def test_steps_frame_shows_base_and_steps(base: dict[str, Any]) -> None:
    w = trim(raked(base, base["heard"].astype(float), base["counts"]), upper=1.6)
    table = w.steps_frame()
    assert table["step"].tolist() == ["base", "rake", "trim"]
    heard = base["counts"][base["heard"]].sum()
    assert table["n"].tolist() == [heard] * 3
    assert table["sum"].iloc[1] == pytest.approx(base["counts"].sum())
    values, counts = w.values[base["heard"]], base["counts"][base["heard"]]
    cv2 = np.average((values / np.average(values, weights=counts) - 1.0) ** 2, weights=counts)
    assert table["design_effect"].iloc[2] == pytest.approx(1.0 + cv2)
    assert table["cv"].iloc[2] == pytest.approx(np.sqrt(cv2))
    assert table["trimmed"].iloc[2] > 0
    assert w.accounts_for == ("rake",)
    assert "rake, trim" in repr(w)


def test_counts_again_beside_weights_are_refused(base: dict[str, Any]) -> None:
    w = raked(base, base["heard"].astype(float), base["counts"])
    with pytest.raises(InputError, match="must not be given again"):
        calibrate(numeric(base), numeric_totals(base), base_weights=w, counts=base["counts"])


def test_nobody_heard_is_refused(base: dict[str, Any]) -> None:
    with pytest.raises(InfeasibleError, match="Nobody was heard"):
        raked(base, np.zeros(base["n"]), base["counts"])


def test_negative_weights_enter_only_the_linear_distance(base: dict[str, Any]) -> None:
    w = calibrate({"age": base["age"] - 40.0}, {"age": 3000.0}, base_weights=base["heard"].astype(float))
    assert w.values.min() < 0
    with pytest.raises(InputError, match="needs weights that are not negative"):
        raked(base, w, None)
    assert calibrated(base, w, None).values.shape == (base["n"],)
