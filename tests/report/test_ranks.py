"""Rank intervals: exact cases, and the coverage they promise."""

from __future__ import annotations

import numpy as np

from vocstats.report.ranks import rank_intervals


def test_well_separated_estimates_have_certain_ranks():
    ranks = rank_intervals([3.0, 1.0, 2.0], [0.01, 0.01, 0.01])
    assert ranks.rank.tolist() == ranks.low.tolist() == ranks.high.tolist() == [1, 3, 2]


def test_equal_estimates_leave_every_rank_open():
    ranks = rank_intervals([2.0, 2.0, 2.0, 2.0], [0.1] * 4)
    assert ranks.rank.tolist() == [1] * 4
    assert ranks.low.tolist() == [1] * 4
    assert ranks.high.tolist() == [4] * 4


def test_critical_value_is_bonferroni_over_the_comparisons_of_one_domain():
    """D = 3: two comparisons, quantile of 1 - .05/4 = 2.2414; a gap just under or over it decides."""
    for gap, low in ((2.2413, 1), (2.2415, 2)):
        ranks = rank_intervals([gap, 0.0, -50.0], [np.sqrt(0.5)] * 3)
        assert ranks.low[1] == low


def test_lowest_may_be_best_and_missing_ones_have_no_rank():
    ranks = rank_intervals([0.3, np.nan, 0.1], [0.001, 0.001, 0.001], lowest_is_best=True)
    assert ranks.rank[[0, 2]].tolist() == [2, 1]
    assert np.isnan(ranks.rank[1])
    assert ranks.high[0] == 2


def test_nothing_known():
    assert np.isnan(rank_intervals([np.nan], [np.nan]).rank).all()


def test_intervals_hold_the_true_rank_at_least_as_often_as_promised():
    """12 dealers, true scores a step of one standard error apart: the rarest interval holds its rank in at least 95 % (2,000 draws)."""
    rng = np.random.default_rng(11)
    truth = np.arange(12) * 0.1
    true_rank = 12 - np.arange(12)
    held = np.zeros(12)
    for _ in range(2000):
        ranks = rank_intervals(truth + rng.normal(0, 0.1, 12), np.full(12, 0.1), level=0.95)
        held += (ranks.low <= true_rank) & (true_rank <= ranks.high)
    assert held.min() / 2000 > 0.94
