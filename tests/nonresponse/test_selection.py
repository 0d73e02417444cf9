"""Heckman's model: Mroz87 in both ways, derivatives, summits, replicates, refusals."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError, VocstatsError
from vocstats.estimation import replicate
from vocstats.nonresponse import ExclusionWarning, LikelihoodWarning, heckman
from vocstats.nonresponse.selection_fit import SelectionData, likelihood, two_step_scores
from vocstats.texts import message

NAN = float("nan")


def mroz(data: Path) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    import pandas as pd

    d = pd.read_csv(data / "nonresponse/mroz87.csv")
    kids = ((d.kids5 + d.kids618) > 0).to_numpy(float)
    wage = np.where(d.lfp == 1, d.wage, NAN)
    x = {"exper": d.exper, "exper2": d.exper**2, "educ": d.educ, "city": d.city}
    return wage, x, {"age": d.age, "age2": d.age**2, "faminc": d.faminc, "kids": kids, "educ": d.educ}


def world(n: int, seed: int | np.random.Generator, *, rho: float = 0.6, errors: str = "normal", effect: float = 0.0) -> dict[str, Any]:
    """Response depends on x, on a call and on an error that goes with that of the outcome; `effect` of the call on the outcome."""
    rng = np.random.default_rng(seed)
    x, call = rng.normal(size=n), rng.integers(0, 2, n).astype(float)
    v, e = rng.normal(size=(2, n)) if errors == "normal" else (rng.exponential(size=(2, n)) - 1.0)
    truth = 7.0 + x + effect * call + rho * v + np.sqrt(1 - rho**2) * e
    y = np.where(1.2 * call + 0.5 * x - 0.6 + v > 0, truth, NAN)
    return {"y": y, "x": {"x": x}, "z": {"x": x, "call": call}, "truth": truth, "mean": 7.0 + effect * 0.5 + x.mean()}


def fitted(sample: dict[str, Any], **options: Any) -> Any:
    return heckman(sample["y"], sample["x"], sample["z"], **options)


def test_two_steps_of_mroz(data: Path) -> None:
    """Toomet & Henningsen (2008); R's sampleSelection."""
    r = heckman(*mroz(data), method="two_step")
    found = dict(zip(zip(r.equations, r.terms, strict=True), r.estimate, strict=True))
    assert found["errors", "mills"] == pytest.approx(-1.0976193, abs=5e-7)
    assert r.sigma == pytest.approx(3.200064, abs=5e-6)
    assert r.rho == pytest.approx(-0.3429992, abs=5e-7)
    assert found["outcome", "educ"] == pytest.approx(0.4170174, abs=5e-7)


def test_likelihood_of_mroz(data: Path) -> None:
    """The published summit next to the two steps, and the higher one that published software does not mention."""
    with pytest.warns(LikelihoodWarning, match=r"higher summit at rho = 0\.993"):
        r = heckman(*mroz(data), variance="model")
    found = dict(zip(zip(r.equations, r.terms, strict=True), zip(r.estimate, r.std_error, strict=True), strict=True))
    assert found["errors", "sigma"] == (pytest.approx(3.108, abs=5e-4), pytest.approx(0.114, abs=5e-4))
    assert found["errors", "rho"] == (pytest.approx(-0.132, abs=5e-4), pytest.approx(0.165, abs=5e-4))
    assert found["outcome", "educ"] == (pytest.approx(0.457005, abs=5e-7), pytest.approx(0.073230, abs=5e-7))
    assert r.log_likelihood == pytest.approx(-1581.258, abs=5e-4)
    assert r.summit_gains.max() == pytest.approx(101.6, abs=0.1)


def small(seed: int = 1) -> tuple[SelectionData, Any]:
    w, rng = world(60, seed), np.random.default_rng(seed)
    x = np.column_stack([np.ones(60), w["x"]["x"]])
    z = np.column_stack([x, w["z"]["call"]])
    data = SelectionData(y=w["y"], x=x, z=z, heard=~np.isnan(w["y"]), x_names=("intercept", "x"), z_names=("intercept", "x", "call"))
    return data, np.concatenate([rng.normal(size=3) / 3, [7.0, 1.0, 0.1, -0.4]])


def test_likelihood_is_that_of_the_bivariate_normal() -> None:
    """P(heard) and the density of y given heard by numerical integration over v."""
    data, theta = small()
    gamma, beta, log_sigma, turned = data.parts(theta)
    sigma, rho, grid = np.exp(log_sigma), np.tanh(turned), np.linspace(-9.0, 9.0, 40_001)
    expected = []
    for row in range(60):
        eta = data.z[row] @ gamma
        v = np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi)
        if data.heard[row]:
            u = (data.y[row] - data.x[row] @ beta) / sigma
            density = np.exp(-0.5 * (u - rho * grid) ** 2 / (1 - rho**2)) / np.sqrt(2 * np.pi * (1 - rho**2)) / sigma
            edge = grid[np.searchsorted(grid, -eta)] + eta  # the cell that is cut
            cut = v[np.searchsorted(grid, -eta)] * density[np.searchsorted(grid, -eta)] * (edge - 0.5 * (grid[1] - grid[0]))
            expected.append(np.sum((v * density)[grid > -eta]) * (grid[1] - grid[0]) + cut)
        else:
            expected.append(np.sum(v[grid <= -eta]) * (grid[1] - grid[0]))
    np.testing.assert_allclose(np.exp(likelihood(data, theta)[0]), expected, rtol=2e-3)


def test_scores_are_derivatives() -> None:
    data, theta = small(2)
    for place in range(theta.size):
        step = 1e-6 * np.eye(theta.size)[place]
        change = (likelihood(data, theta + step)[0] - likelihood(data, theta - step)[0]) / 2e-6
        np.testing.assert_allclose(likelihood(data, theta)[1][:, place], change, atol=1e-7)


def test_two_steps_solve_their_equations() -> None:
    w = world(500, 3)
    r = fitted(w, method="two_step")
    heard = ~np.isnan(w["y"])
    x = np.column_stack([np.ones(500), w["x"]["x"]])
    data = SelectionData(
        y=w["y"], x=x, z=np.column_stack([x, w["z"]["call"]]), heard=heard, x_names=("intercept", "x"), z_names=("intercept", "x", "call")
    )
    theta = np.concatenate([r.estimate[:5], [r.estimate[-1], r.sigma**2]])
    assert np.abs(two_step_scores(data, theta).sum(axis=0)).max() < 1e-8


@pytest.mark.parametrize("method", ["likelihood", "two_step"])
def test_counts_weights_units_and_order(method: str) -> None:
    w = world(300, 4)
    often = np.random.default_rng(5).integers(0, 3, 300)
    rows = np.random.default_rng(6).permutation(np.repeat(np.arange(300), often))
    repeated = {"y": 10.0 + 3.0 * w["y"][rows], "x": {"x": 100.0 * w["x"]["x"][rows]}, "z": {k: v[rows] for k, v in w["z"].items()}}
    counted, other = fitted(w, method=method, counts=often), fitted(repeated, method=method)
    assert other.mean == pytest.approx(10.0 + 3.0 * counted.mean, rel=1e-7)
    assert other.mean_std_error == pytest.approx(3.0 * counted.mean_std_error, rel=1e-5)
    assert other.rho == pytest.approx(counted.rho, rel=1e-5)
    assert fitted(w, method=method, w=2.0 * often).mean == pytest.approx(counted.mean, rel=1e-8)


@pytest.mark.parametrize("method", ["likelihood", "two_step"])
def test_sandwich_against_the_jackknife(method: str) -> None:
    w = world(300, 7)
    spread = fitted(w, method=method, w=replicate(np.ones(300), method="jackknife"))
    linear = fitted(w, method=method)
    assert spread.estimate == pytest.approx(linear.estimate, rel=1e-10)
    np.testing.assert_allclose(spread.std_error, linear.std_error, rtol=0.15)
    assert spread.variance == "replicates"


def test_no_exclusion_and_a_weak_one_are_warned_of() -> None:
    w = world(2000, 8)
    with pytest.warns(ExclusionWarning, match="nothing moves response"):
        r = heckman(w["y"], w["x"], w["x"], method="two_step")
    assert r.exclusions == () and np.isnan(r.exclusion_p_value)
    assert r.mills_r_squared > 0.9
    assert "normal" in r.summary() and "正态" in r.summary("zh")
    idle = np.random.default_rng(9).normal(size=2000)
    with pytest.warns(ExclusionWarning, match="hardly moves response"):
        heckman(w["y"], w["x"], {**w["x"], "idle": idle}, method="two_step")
    assert fitted(w, method="two_step").exclusions == ("call",)


@pytest.mark.parametrize(
    ("kind", "change", "text"),
    [
        (IdentificationError, {"y": np.full(40, NAN)}, "Nobody was heard"),
        (IdentificationError, {"y": np.arange(40.0)}, "Everybody was heard"),
        (IdentificationError, {"z": {"区域": np.where(np.arange(40) % 2 == 0, "东", "西")}}, "for certain"),
        (IdentificationError, {"x": {"a": np.arange(40.0), "b": 2 * np.arange(40.0)}}, "cannot be told apart"),
        (IdentificationError, {"x": {"id": np.arange(40).astype(str)}}, "cannot be told apart"),
        (InputError, {"method": "two_step", "variance": "model"}, "unweighted likelihood"),
        (InputError, {"method": "ml"}, "must be one of"),
        (InputError, {"x": {"a": np.where(np.arange(40) == 3, NAN, 1.0)}}, "rows 3"),
        (InputError, {"w": replicate(np.ones(40), replicates=5), "counts": np.ones(40)}, "does not go with Replicates"),
    ],
)
def test_refusals(kind: type[VocstatsError], change: dict[str, Any], text: str) -> None:
    y = np.where(np.arange(40) % 2 == 0, np.arange(40.0), NAN)
    arguments = {"y": y, "x": {"a": np.arange(40.0) ** 2}, "z": {"c": np.cos(np.arange(40.0))}, **change}
    with pytest.raises(kind, match=text) as caught:
        heckman(arguments.pop("y"), arguments.pop("x"), arguments.pop("z"), **arguments)
    assert message(caught.value, "zh") != str(caught.value)


def test_a_likelihood_without_summit_is_refused() -> None:
    """The outcome is known to rise exactly with the error of response."""
    w = world(200, 10, rho=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(IdentificationError, match="rises until rho"):
            fitted(w)
