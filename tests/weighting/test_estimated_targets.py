"""Totals that are estimates: the variance they add, by derivative, by replicates and over repeated surveys; what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from vocstats.errors import InputError
from vocstats.estimation import Design, mean, replicate
from vocstats.weighting import Weights, calibrate, poststratify, rake, trim
from vocstats.weighting.estimated_targets import target_draws, target_roots

N = 300
ROOT = np.array([[9.0, 0.0, 0.0], [2.0, 5.0, 0.0], [300.0, 120.0, 400.0]])
COVARIANCE = ROOT @ ROOT.T  # of the totals of east, west, and tenure


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    rng = np.random.default_rng(40)
    region, tenure = np.array(["east", "west"])[rng.integers(0, 2, N)], rng.gamma(2.0, 10.0, N)
    y = 5.0 + 0.1 * tenure + (region == "west") + rng.standard_normal(N)
    return {"x": {"region": region, "tenure": tenure}, "y": y, "d": np.full(N, 4.0), "other": np.arange(N) % 3}


def totals(shift: Any = (0.0, 0.0, 0.0)) -> dict[str, Any]:
    return {"region": {"west": 640.0 + shift[1], "east": 590.0 + shift[0]}, "tenure": 25_000.0 + shift[2]}


def built(world: dict[str, Any], shift: Any = (0.0, 0.0, 0.0), **options: Any) -> Weights:
    given = {"base_weights": world["d"], "tol": 1e-13} | options
    return calibrate(world["x"], totals(shift), **given)


def figure(w: Weights, y: np.ndarray) -> float:
    return float(w.mass @ y / w.mass.sum())


def derivative(w: Weights, y: np.ndarray) -> np.ndarray:
    return np.asarray((y - figure(w, y)) / w.mass.sum())


ORDER = [1, 0, 2]  # totals names west first
DISTANCES: dict[str, dict[str, Any]] = {
    "linear": {}, "raking": {"distance": "raking"}, "logit": {"distance": "logit", "bounds": (0.3, 3.0)}, "penalty": {"penalty": 0.3},
}


@pytest.mark.parametrize("options", DISTANCES.values(), ids=DISTANCES)
def test_equals_the_derivative_by_the_totals(world: dict[str, Any], options: dict[str, Any]) -> None:
    """B' C B with B by finite differences of the totals, through a later raking step as well."""

    def chain(shift: Any, **more: Any) -> Weights:
        w = built(world, shift, **options, **more)
        return rake({"other": world["other"]}, {"other": {0: 400.0, 1: 380.0, 2: 450.0}}, base_weights=w, tol=1e-13)

    slopes = []
    for j, step in enumerate((1e-2, 1e-2, 1.0)):
        shift = np.where(np.arange(3) == j, step, 0.0)
        slopes.append((figure(chain(shift), world["y"]) - figure(chain(-shift), world["y"])) / (2.0 * step))
    w = chain((0.0, 0.0, 0.0), totals_covariance=COVARIANCE[np.ix_(ORDER, ORDER)])
    expected = np.array(slopes) @ COVARIANCE @ slopes
    assert float(w.target_variance(derivative(w, world["y"]), exact=True)) == pytest.approx(expected, rel=1e-5)
    two = np.column_stack([derivative(w, world["y"]), derivative(w, world["x"]["tenure"])])
    joint = w.target_variance(two, exact=True)
    assert joint.shape == (2, 2)
    assert joint[0, 0] == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(joint, joint.T)


def test_default_is_exact_for_the_linear_distance(world: dict[str, Any]) -> None:
    w = built(world, totals_covariance=COVARIANCE[np.ix_(ORDER, ORDER)])
    u = derivative(w, world["y"])
    assert float(w.target_variance(u)) == pytest.approx(float(w.target_variance(u, exact=True)), rel=1e-12)


def test_total_of_an_auxiliary_has_the_variance_of_its_target(world: dict[str, Any]) -> None:
    w = built(world, totals_covariance=COVARIANCE[np.ix_(ORDER, ORDER)])
    u = np.column_stack([world["x"]["tenure"], world["x"]["region"] == "east", world["x"]["region"] == "west"]).astype(float)
    np.testing.assert_allclose(w.target_variance(u), COVARIANCE[np.ix_([2, 0, 1], [2, 0, 1])], rtol=1e-9)
    # the influence on such a total is 0: all its variance is that of the target
    np.testing.assert_allclose(w.pullback(u), 0.0, atol=1e-9)


def test_mappings_are_blocks(world: dict[str, Any]) -> None:
    u = derivative(built(world), world["y"])
    whole = np.diag([25.0, 16.0, 900.0])  # west, east, tenure
    expected = float(built(world, totals_covariance=whole).target_variance(u))
    for given in (
        {"region": {"east": 16.0, "west": 25.0}, "tenure": 900.0}, {"region": np.diag([25.0, 16.0]), "tenure": [[900.0]]},
        pd.DataFrame(whole),
    ):
        assert float(built(world, totals_covariance=given).target_variance(u)) == pytest.approx(expected, rel=1e-12)
    only = float(built(world, totals_covariance={"tenure": 900.0}).target_variance(u))
    assert only == pytest.approx(float(built(world, totals_covariance=np.diag([0.0, 0.0, 900.0])).target_variance(u)), rel=1e-12)


def test_said_in_accounts_and_nothing_added_without(world: dict[str, Any]) -> None:
    plain, estimated = built(world), built(world, totals_covariance={"tenure": 900.0})
    np.testing.assert_array_equal(plain.values, estimated.values)
    assert plain.accounts_for == ("calibrate",)
    assert estimated.accounts_for == ("calibrate", "estimated_targets")
    assert float(plain.target_variance(derivative(plain, world["y"]))) == 0.0
    trimmed = trim(estimated, upper=1.5, keep_margins=False)
    assert float(trimmed.target_variance(derivative(trimmed, world["y"]))) > 0.0


def test_moved_targets_carry_the_covariance(world: dict[str, Any]) -> None:
    """With every unit kept, the squared deviations add up to B' C B, exactly for a total; draws do so on average."""
    w = built(world, totals_covariance=COVARIANCE[np.ix_(ORDER, ORDER)])
    roots = target_roots(w)
    np.testing.assert_allclose(roots @ roots.T, COVARIANCE, rtol=1e-10)
    sums = np.array([float(w.rerun(w.counts, shift=shift).mass @ world["y"]) for shift in roots.T])
    variance = float(((sums - w.mass @ world["y"]) ** 2).sum())
    assert variance == pytest.approx(float(w.target_variance(world["y"])), rel=1e-8)
    drawn = target_draws(w, np.full(40_000, 1.0 / 40_000), 1)
    np.testing.assert_allclose(drawn @ drawn.T / 40_000, COVARIANCE, rtol=0.05)
    uneven = target_draws(w, np.repeat([0.2, 1.0], 20_000), 1)
    np.testing.assert_allclose((uneven * np.repeat([0.2, 1.0], 20_000)) @ uneven.T, COVARIANCE, rtol=0.05)


def test_several_steps_have_shifts_of_their_own(world: dict[str, Any]) -> None:
    first = built(world, totals_covariance={"tenure": 900.0})
    middle = poststratify(world["other"], {0: 400.0, 1: 380.0, 2: 450.0}, base_weights=first)
    w = calibrate({"other": world["other"]}, {"other": {0: 410.0, 1: 370.0, 2: 450.0}}, base_weights=middle,
                  totals_covariance={"other": np.diag([4.0, 5.0, 6.0])})
    roots = target_roots(w)
    assert roots.shape == (6, 4)
    np.testing.assert_allclose(roots @ roots.T, np.diag([0.0, 0.0, 900.0, 4.0, 5.0, 6.0]), atol=1e-9)
    u = derivative(w, world["y"])
    alone = calibrate({"other": world["other"]}, {"other": {0: 410.0, 1: 370.0, 2: 450.0}},
                      base_weights=poststratify(world["other"], {0: 400.0, 1: 380.0, 2: 450.0}, base_weights=built(world)),
                      totals_covariance={"other": np.diag([4.0, 5.0, 6.0])})
    assert float(w.target_variance(u)) > float(alone.target_variance(u)) > 0.0
    again = w.rerun(w.counts, shift=np.array([0.0, 0.0, 50.0, 0.0, 0.0, 2.0]))
    assert again.mass[world["other"] == 2].sum() == pytest.approx(452.0)
    with pytest.raises(InputError, match="shift has 2 entries; 6 were expected"):
        w.rerun(w.counts, shift=[1.0, 2.0])


def test_variance_over_repeated_surveys() -> None:
    """Small survey calibrated to totals of a larger one, both drawn anew: without the targets' variance the error is too small."""
    rng, people = np.random.default_rng(41), 20_000
    tenure = rng.gamma(2.0, 10.0, people)
    y = 2.0 + 0.3 * tenure + rng.standard_normal(people)
    results = []
    for _ in range(400):
        small, large = (rng.choice(people, n) for n in (150, 600))
        x = {"people": np.ones(150), "tenure": tenure[small]}
        error = (people / 600) ** 2 * 600 * tenure[large].var(ddof=1)
        goal = {"people": float(people), "tenure": float(tenure[large].mean() * people)}
        w = calibrate(x, goal, base_weights=np.full(150, people / 150), totals_covariance={"tenure": error})
        u = derivative(w, y[small])
        influence = w.base * w.pullback(u)
        results.append([figure(w, y[small]), 150 * influence.var(ddof=1), float(w.target_variance(u))])
    estimate, own, targets = np.array(results).T
    spread = estimate.var()
    assert (own + targets).mean() / spread == pytest.approx(1.0, abs=0.21)  # three standard errors of a variance of 400
    assert own.mean() / spread < 0.25


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.eye(2), r"must be a matrix of finite numbers of shape \(3, 3\)"),
        (np.full((3, 3), np.nan), "must be a matrix of finite numbers"),
        (np.array([["a"] * 3] * 3), "must be a matrix of finite numbers"),
        (np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), "no covariance matrix"),
        (np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), "no covariance matrix"),
        (np.diag([1.0, -1.0, 1.0]), "no covariance matrix"),
        ({"age": 1.0}, "totals_covariance names 'age', not a column of x"),
        ({"region": {"north": 1.0}}, "names 'north', which totals does not"),
        ({"region": 3.0}, r"totals_covariance\['region'\] must be a matrix"),
        ({"tenure": -1.0}, "must lie in"),
    ],
)
def test_bad_input(world: dict[str, Any], given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        built(world, totals_covariance=given)


def test_margins_whose_sums_part_are_refused(world: dict[str, Any]) -> None:
    """Two margins estimated apart no longer add up to the same people; estimated together they do."""
    x = {"region": world["x"]["region"], "other": world["other"]}
    goal = {"region": {"east": 590.0, "west": 640.0}, "other": {0: 400.0, 1: 380.0, 2: 450.0}}
    with pytest.raises(InputError, match="vary in a way that no weights can follow") as caught:
        calibrate(x, goal, base_weights=world["d"], totals_covariance={"region": np.diag([9.0, 9.0])})
    assert set(caught.value.levels) <= {(name, level) for name, levels in goal.items() for level in levels}
    fixed_size = np.array([[9.0, -9.0], [-9.0, 9.0]])
    w = calibrate(x, goal, base_weights=world["d"], totals_covariance={"region": fixed_size})
    assert float(w.target_variance((world["x"]["region"] == "east").astype(float))) == pytest.approx(9.0)
    soft = calibrate(x, goal, base_weights=world["d"], totals_covariance={"region": np.diag([9.0, 9.0])}, penalty=0.01)
    assert float(soft.target_variance(np.ones(N))) > 0.0


def test_standard_errors_and_replicates_contain_the_targets(world: dict[str, Any]) -> None:
    """Linearised and jackknifed standard errors of means and of a domain agree, and exceed those with targets taken as known."""
    options: dict[str, Any] = {"totals_covariance": COVARIANCE[np.ix_(ORDER, ORDER)]}
    w, known = built(world, **options), built(world)
    for by in (None, world["other"]):
        linearised, plain = (mean(world["y"], weights, design=Design(), by=by) for weights in (w, known))
        replicates = replicate(w, design=Design(), method="jackknife")
        jackknifed = mean(world["y"], replicates, by=by)
        assert "estimated_targets" in linearised.variance_accounts_for
        assert "estimated_targets" in jackknifed.variance_accounts_for
        np.testing.assert_allclose(linearised.std_error, jackknifed.std_error, rtol=0.02 if by is None else 0.03)  # 300 rows; 100 by domain
        assert (linearised.std_error > 1.01 * plain.std_error).all()
    e = mean(world["y"], w, design=Design())
    added = float(e.std_error) ** 2 - float(mean(world["y"], known, design=Design()).std_error) ** 2
    assert added == pytest.approx(float(w.target_variance(derivative(w, world["y"]))), rel=1e-9)
