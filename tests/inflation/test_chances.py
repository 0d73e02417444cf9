"""What is not known of chances learned at other dealers: by hand, and over samples of forms and of dealers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from vocstats.inflation.chances import _FOLDS, Learned, learn_elsewhere
from vocstats.inflation.signal_result import Dealers, dealers_of

DEALERS, FORMS, GOOD = 60, 40, 3
LEVEL = np.where(np.arange(DEALERS) < GOOD, 3.0, np.linspace(-1.0, 1.0, DEALERS))  # few dealers as good as the best


def network(rng: np.random.Generator, spread: float) -> tuple[Learned, np.ndarray, Dealers]:
    """Forms of dealers whose log odds differ by `spread` beyond their level; half of the forms teach."""
    dealer = np.repeat(np.arange(DEALERS), FORMS)
    level, wait = LEVEL[dealer], rng.integers(0, 2, dealer.size) * 1.0
    event = rng.random(dealer.size) < special.expit(level - wait + spread * rng.normal(size=DEALERS)[dealer])
    learn, dealers = rng.random(dealer.size) < 0.5, dealers_of(dealer)
    return learn_elsewhere({"level": level, "wait": wait}, event, learn, dealers), np.where(learn, 0.0, 1.0), dealers


def test_variance_by_hand() -> None:
    """Sums over forms and dealers, one at a time."""
    learned, weight, dealers = network(np.random.default_rng(1), 0.5)
    x, chance = learned.matrix[learned.code], learned.chance
    mean = np.array([np.average(x[dealers.code == d], axis=0, weights=weight[dealers.code == d]) for d in range(DEALERS)])
    for d in (0, 5, 33):
        of_others = learned.learn & (dealers.code % _FOLDS != d % _FOLDS)
        information = sum(p * (1 - p) * np.outer(row, row) for p, row in zip(chance[of_others], x[of_others], strict=True))
        shared = np.array([
            sum((p * (1 - p) * row for p, row in zip(chance[rows], x[rows], strict=True)), np.zeros(x.shape[1]))
            for rows in (of_others & (dealers.code == other) for other in range(DEALERS))
        ])
        inverse = np.linalg.inv(information + np.diag([1e-6, *np.ones(x.shape[1] - 1)]))
        of_coefficients = inverse @ (information + 0.25 * shared.T @ shared) @ inverse
        gap = mean[d] - np.average(x, axis=0, weights=weight)
        assert learned.level_variance(weight, 0.5)[d] == pytest.approx(gap @ of_coefficients @ gap, rel=1e-6)


@pytest.mark.parametrize("spread", [0.0, 0.4])
def test_variance_is_that_over_networks(spread: float) -> None:
    """At dealers unlike most, the error of log odds varies between networks as it says; the part that all share is left out."""
    rng, errors, told = np.random.default_rng(2), [], []
    for _ in range(150):
        learned, weight, dealers = network(rng, spread)
        level, wait = LEVEL[dealers.code], learned.matrix[learned.code, -1]
        truth = level - (wait > wait.min())
        error = dealers.sums(weight * (special.logit(learned.chance) - truth)) / dealers.sums(weight)
        errors.append(error - np.average(error))
        told.append(learned.level_variance(weight, spread))
    variance = np.var(errors, axis=0)
    good, other = slice(0, GOOD), slice(GOOD, None)
    assert np.mean(told, axis=0)[good].mean() == pytest.approx(variance[good].mean(), rel=0.3)
    assert np.mean(told, axis=0)[other].mean() < 0.3 * variance[good].mean()
