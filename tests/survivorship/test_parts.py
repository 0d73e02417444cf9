"""Parts and chains of weights: finite differences, the jackknife that re-runs the chain, estimated targets, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from estimation.jackknife import jackknife_of

from vocstats.errors import InputError
from vocstats.estimation import Design, Estimate, replicate
from vocstats.nonresponse import follow_up, shadow_variable
from vocstats.survivorship import cohort_mean, decompose_trend, exit_tilt
from vocstats.texts import message
from vocstats.weighting import Weights, calibrate, rake, trim, weight_by_propensity

NAN = float("nan")
SIZE, DEALERS = 800, 40


class World:
    """Customers of two periods and some dealers, whose silence depends on region and status."""

    def __init__(self, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        self.dealer = np.arange(SIZE) % DEALERS
        self.region = rng.integers(0, 3, SIZE)
        self.y = 2.0 + 2.0 * self.region + rng.integers(0, 4, SIZE)
        self.later = np.clip(self.y + rng.integers(-2, 3, SIZE), 1, 10)
        self.gone = rng.random(SIZE) < 0.6 - 0.04 * self.y
        self.duration = np.where(self.gone, np.ceil(rng.uniform(0, 24, SIZE)), rng.choice([12.0, 30.0], SIZE, p=[0.2, 0.8]))
        chance = 0.7 - 0.15 * self.region
        self.heard = (self.gone | (self.duration > 24)) & (rng.random(SIZE) < chance)
        self.again = ~self.gone & (rng.random(SIZE) < 1 - chance)
        self.x = {"region": self.region.astype(str), "gone": self.gone.astype(str)}

    def propensity(self, heard: Any, base: Any = None) -> Weights:
        return weight_by_propensity({"region": self.x["region"]}, heard, base_weights=base)

    def chain(self) -> Weights:
        """Propensities, then raking to known margins, 6 % off those of the sample."""
        margins = {name: np.unique(column, return_counts=True) for name, column in self.x.items()}
        targets = {name: dict(zip(levels.tolist(), (1.06 * n).tolist(), strict=True)) for name, (levels, n) in margins.items()}
        return rake(self.x, targets, base_weights=self.propensity(self.heard))

    def cohort(self, w: Any, **options: Any) -> Estimate:
        return cohort_mean(np.where(self.heard, self.y, NAN), self.duration, self.gone, tenure=24, weights=w, **options)

    def tilt(self, w: Any, **options: Any) -> Estimate:
        return exit_tilt(np.where(self.heard, self.y, NAN), self.gone, history=self.dealer % 2, weights=w, **options)

    def trend(self, before: Any, after: Any, **options: Any) -> Estimate:
        y, later = np.where(self.heard, self.y, NAN), np.where(self.again, self.later, NAN)
        return decompose_trend(y, later, self.gone, weights_before=before, weights_after=after, **options)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def chains(world: World, name: str) -> tuple[Weights, ...]:
    if name != "trend":
        return (world.chain(),)
    return world.chain(), world.propensity(world.again, 1.0 * ~world.gone)


@pytest.mark.parametrize("name", ["cohort", "tilt", "trend"])
def test_errors_equal_the_jackknife_that_runs_the_chain_again(world: World, name: str) -> None:
    estimate, weightings = getattr(world, name), chains(world, name)
    r = estimate(*weightings, design=Design(clusters=world.dealer))
    judge = np.sqrt(jackknife_of(lambda *w: estimate(*w).estimate, weightings, clusters=world.dealer))
    np.testing.assert_allclose(r.std_error, judge, rtol=0.06)
    fixed = estimate(*(w.values for w in weightings), design=Design(clusters=world.dealer))
    assert np.abs(fixed.std_error / judge - 1).max() > 0.1  # the chain matters here
    np.testing.assert_array_equal(fixed.estimate, r.estimate)


@pytest.mark.parametrize("name", ["cohort", "tilt", "trend"])
def test_influence_values_are_derivatives_through_the_chain(world: World, name: str) -> None:
    """Of propensities; calibration takes R's residuals, which are derivatives where it is linear."""
    estimate, options = getattr(world, name), {} if name == "tilt" else {"by": world.dealer % 2}
    x = np.column_stack([np.ones(SIZE), world.region])
    first = calibrate(x, 1.05 * x.sum(axis=0), base_weights=world.propensity(world.heard))
    weightings = (first,) if name != "trend" else (first, world.propensity(world.again, 1.0 * ~world.gone))
    z = estimate(*weightings, **options).influence
    for row in range(0, SIZE, 150):
        step = np.zeros(SIZE)
        step[row] = 1e-4
        up, down = (
            estimate(*(w.rerun(w.counts + sign * step) for w in weightings), **options).estimate for sign in (1, -1)
        )
        np.testing.assert_allclose((up - down) / 2e-4, z[row], atol=2e-6)


def test_by_domain_and_counts_are_repeated_rows(world: World) -> None:
    counts = np.random.default_rng(2).integers(0, 3, SIZE)
    rows = np.repeat(np.arange(SIZE), counts)
    once = world.cohort(weight_by_propensity(world.x, world.heard, counts=counts), by=world.region)
    repeated = cohort_mean(
        np.where(world.heard, world.y, NAN)[rows], world.duration[rows], world.gone[rows], tenure=24, by=world.region[rows],
        weights=weight_by_propensity({name: column[rows] for name, column in world.x.items()}, world.heard[rows]),
    )
    for name in ("estimate", "std_error", "n"):
        np.testing.assert_allclose(getattr(once, name), getattr(repeated, name), rtol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.diag(once.covariance())), once.std_error)


def test_a_chain_without_steps_is_an_array(world: World) -> None:
    values = np.random.default_rng(3).uniform(0.5, 2, SIZE)
    array, chain = world.cohort(values), world.cohort(Weights(base=values, counts=np.ones(SIZE)))
    np.testing.assert_array_equal(array.std_error, chain.std_error)


def test_estimated_targets_add_their_variance(world: World) -> None:
    """The variance of targets is that of moving them: A' C A, with A by finite differences; one object twice moves once."""
    x, covariance = np.eye(3)[world.region], np.diag([400.0, 300, 500])
    totals = 1.0 * x.sum(axis=0)

    def chain(by: Any, known: Any) -> Weights:
        return calibrate(x, totals + by, base_weights=world.propensity(world.heard), totals_covariance=known)

    both = world.heard & ~world.gone
    y = np.where(both, world.y, NAN), np.where(both, world.later, NAN)
    for estimate in (world.cohort, world.tilt, lambda w: decompose_trend(*y, world.gone, weights_before=w, weights_after=w)):
        moved = [(estimate(chain(s, None)).estimate - estimate(chain(-s, None)).estimate) / 2 for s in np.eye(3)]
        added = np.einsum("ki,kl,li->i", moved, covariance, moved)
        plain, with_targets = estimate(chain(0.0, None)), estimate(chain(0.0, covariance))
        np.testing.assert_allclose(with_targets.std_error**2 - plain.std_error**2, added, rtol=1e-5, atol=1e-12)
        assert "estimated_targets" in with_targets.variance_accounts_for and added.max() > 1e-6


def test_what_errors_account_for(world: World) -> None:
    chain = world.chain()
    assert world.cohort(None).variance_accounts_for == ("with_replacement",)
    assert world.cohort(chain.values).variance_accounts_for == ("with_replacement", "weights_as_given")
    assert world.cohort(chain).variance_accounts_for == ("with_replacement", "propensity", "rake")
    assert world.tilt(trim(chain, upper=3.0)).variance_accounts_for == ("with_replacement", "weights_held_fixed", "propensity", "rake")
    after = world.again * 2.0
    assert world.trend(chain, after).variance_accounts_for == ("with_replacement", "weights_as_given", "propensity", "rake")
    assert world.trend(chain, world.propensity(world.again)).variance_accounts_for == ("with_replacement", "propensity", "rake")
    assert "raking weights" in world.cohort(chain).accounts()


def test_refusals(world: World) -> None:
    chain = world.chain()
    negative = Weights(base=np.where(np.arange(SIZE) == 3, -1.0, 1.0), counts=np.ones(SIZE))
    other = Weights(base=np.ones(SIZE), counts=np.full(SIZE, 2.0))
    cases: list[tuple[Any, str]] = [
        (lambda: world.cohort(replicate(world.heard * 1.0, replicates=2)), "weights does not take Replicates"),
        (lambda: world.tilt(chain, counts=np.ones(SIZE)), "Leave counts out"),
        (lambda: world.tilt(negative), "weights must not be negative; it is at rows 3"),
        (lambda: world.trend(chain, other), "counts its rows otherwise"),
        (lambda: cohort_mean([8.0, 7, 2], [20.0, 20, 5], [False, False, True], tenure=12, weights=chain), "weights has 800 entries; 3"),
    ]
    for call, text in cases:
        with pytest.raises(InputError, match=text) as caught:
            call()
        assert message(caught.value, "zh")


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_scores_whose_squares_a_computer_cannot_hold_are_refused(size: float) -> None:
    y, left = np.array([1.0, 2, 3, 4, 5, np.nan, 2, 3]) * size, np.array([False] * 4 + [True] * 4)
    calls: dict[str, Callable[[], Any]] = {
        "y of cohorts": lambda: cohort_mean(y, [3] * 4 + [1] * 4, left, tenure=2), "y of tilts": lambda: exit_tilt(y, left),
        "before": lambda: decompose_trend(y, np.where(left, np.nan, 1.0), left),
        "after": lambda: decompose_trend(np.ones(8), np.where(left, np.nan, y), left),
        "y of follow-ups": lambda: follow_up(y, ~left, left), "y of shadows": lambda: shadow_variable(y, np.arange(8)),
        "z": lambda: shadow_variable(y / size, np.arange(8) * size),
    }
    for name, call in calls.items():
        with pytest.raises(InputError, match="leave the range") as caught:
            call()
        assert caught.value.argument == name.split()[0]


def test_a_table_instead_of_a_column_is_refused_in_both_languages() -> None:
    with pytest.raises(InputError, match="one dimension") as caught:
        exit_tilt(np.ones((4, 2)), [False] * 4)
    assert "一维" in message(caught.value, "zh")
