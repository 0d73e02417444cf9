"""Near-duplicates: blocks against brute force, the reference's block of five, calibration, power, the rule of 85 % matches, speed."""

from __future__ import annotations

import time
from itertools import combinations

import numpy as np
import pytest
from inflation.form_networks import assert_calibrated, copied, item_answers, sizes
from scipy import special

from vocstats.errors import InputError
from vocstats.inflation import near_duplicates
from vocstats.inflation.answer_patterns import comparisons, item_shares
from vocstats.results import load


def test_blocks_and_their_expectation_by_brute_force() -> None:
    """Every choice of items compared, every pair of forms, the probabilities of the formula written out."""
    rng = np.random.default_rng(1)
    answers, dealer, level_class = rng.integers(0, 3, (60, 4)), rng.integers(0, 5, 60), rng.integers(0, 2, 60)
    by_class = np.array([[np.sum((dealer == d) & (level_class == c)) for c in range(2)] for d in range(5)], float)
    shares = item_shares(answers, level_class)
    found = list(comparisons(answers, level_class, shares, 2))
    kept = [[k for k in range(4) if k not in out] for size in range(3) for out in combinations(range(4), size)]
    assert len(found) == len(kept) == 11
    for choice, items in zip(found, kept, strict=True):
        blocks = choice.blocks(dealer, by_class)
        expected = {}
        for d in range(5):
            for pattern in {tuple(row) for row in answers[dealer == d][:, items]}:
                same = (answers[:, items] == pattern).all(axis=1)
                m = int((same & (dealer == d)).sum())
                if m < 2:
                    continue
                chance = []
                for c in range(2):
                    of = level_class == c
                    kinds = len({tuple(row) for row in answers[of][:, items]})
                    q = np.prod([(np.sum(answers[of][:, k] == v) + 0.5) / (of.sum() + 1.5) for k, v in zip(items, pattern, strict=True)])
                    chance.append(((same & of).sum() * (1 - m / same.sum()) + kinds * q) / (of.sum() + kinds))
                expected[d, m, round(float(by_class[d] @ chance), 9)] = expected.get((d, m, round(float(by_class[d] @ chance), 9)), 0) + 1
        seen: dict[tuple[int, int, float], int] = {}
        for d, m, lam in zip(blocks.dealer.tolist(), blocks.size.tolist(), blocks.expected.tolist(), strict=True):
            seen[d, m, round(lam, 9)] = seen.get((d, m, round(lam, 9)), 0) + 1
        assert seen == expected
        members, of_block = choice.members(dealer, blocks)
        for block in range(blocks.size.size):
            rows = members[of_block == block]
            assert rows.size == blocks.size[block] and np.unique(answers[rows][:, items], axis=0).shape[0] == 1
            assert set(dealer[rows]) == {blocks.dealer[block]}


def test_expected_blocks_are_those_of_the_reference() -> None:
    """10,000 patterns of probability 1e-4 and 5,000 forms: 1.7 blocks of five a dealer by chance alone."""
    assert special.gammainc(5, 5_000 * 1e-4) / 1e-4 == pytest.approx(1.7, abs=0.05)


def test_a_planted_block_is_decisive_and_shown() -> None:
    rng = np.random.default_rng(2)
    dealer = sizes(rng, 60, high=200)
    answers = item_answers(rng, dealer)
    rows = np.flatnonzero(dealer == 7)[:12]
    answers[rows] = [9, 8, 10, 7, 9, 10, 9, 8]
    answers[rows[:5], 3] = 8
    r = near_duplicates(answers, dealer)
    assert r.p_value[7] < 1e-3 and r.details["decisive"][7] and r.details["block_forms"][7] == 12 and r.details["block_expected"][7] < 1e-6
    assert sorted(r.rows_of(7).tolist()) == rows.tolist() and r.effect[7] == pytest.approx(12 / r.n[7])
    assert r.details["decisive"].sum() == 1 and r.unit == "share"
    assert near_duplicates(answers, dealer, differing=0).details["block_forms"][7] == 7
    back = load(r.to_dict())
    assert back.details["decisive"].tolist() == r.details["decisive"].tolist() and "block_forms" in r.to_frame()


def test_all_perfect_forms_and_their_order_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    dealer = np.repeat(np.arange(30), 40)
    answers = item_answers(rng, dealer)
    one = near_duplicates(answers, dealer, full_marks=10)
    perfect = np.full((500, 8), 10.0)
    two = near_duplicates(np.vstack([answers, perfect]), np.append(dealer, np.zeros(500, int)), full_marks=10)
    assert two.n.tolist() == one.n.tolist() and two.p_value == pytest.approx(one.p_value)
    assert two.n[0] == (~(answers[:40] == 10).all(axis=1)).sum()


def test_honest_dealers_and_copied_forms() -> None:
    """p-values are uniform or conservative, with item habits too; copied forms are found, with honest dealers left alone."""
    rng = np.random.default_rng(4)
    for habits in (0.0, 0.15):
        dealer = sizes(rng, 250)
        answers = item_answers(rng, dealer, habits=habits)
        r = near_duplicates(answers, dealer)
        assert_calibrated(r.p_value)
        assert r.details["decisive"].sum() == 0
        caught = near_duplicates(copied(rng, answers, dealer, 25, 0.2), dealer)
        assert (caught.p_value[:25] < 0.01).mean() > 0.6 and (caught.p_value[25:] < 0.01).mean() < 0.04


def test_the_rule_of_85_per_cent_matches_accuses_honest_respondents() -> None:
    rng = np.random.default_rng(5)
    dealer = np.repeat(np.arange(4), 250)
    answers = item_answers(rng, dealer)
    flagged = []
    for each in range(4):
        own = answers[dealer == each]
        match = (own[:, None, :] == own[None, :, :]).mean(axis=2)
        np.fill_diagonal(match, 0.0)
        flagged.append((match.max(axis=1) >= 0.85).mean())
    r = near_duplicates(answers, dealer)
    assert np.mean(flagged) > 0.3 and r.effect.max() == 0.0 and not r.details["decisive"].any()


def test_where_nothing_can_be_said() -> None:
    answers = np.array([[9.0, 8, 7, 6]] * 3 + [[5, 6, 7, 8], [np.nan] * 4])
    lonely = near_duplicates(answers, ["a"] * 5)
    assert lonely.reasons == ("one_dealer",) and np.isnan(lonely.p_value).all()
    assert near_duplicates(answers[:, :2], list("aabbb")).reasons == ("few_items",) * 2
    r = near_duplicates(answers, list("aaabc"))
    assert r.reasons[1:] == ("few_responses",) * 2 and r.n.tolist() == [3, 1, 0] and 0 < r.p_value[0] <= 1
    constant = near_duplicates(np.full((6, 4), 7.0), list("aabbcc"))
    assert constant.reasons == ("few_responses",) * 3
    items = {"一": [9, 8, 9], "二": [8, 8, 8], "三": [7, 9, 7]}
    chinese = near_duplicates(items, ["甲", "甲", "乙"], channel=["x", "x", "y"], full_marks=10)
    assert chinese.labels["dealer"].tolist() == ["乙", "甲"] and chinese.n.tolist() == [1, 2]
    with pytest.raises(InputError, match="differing must be 0, 1 or 2"):
        near_duplicates(answers, list("aaabc"), differing=3)
    with pytest.raises(InputError, match="no items"):
        near_duplicates({}, [])


def test_speed_of_a_network_and_of_one_large_dealer() -> None:
    rng = np.random.default_rng(6)
    for dealer in (np.repeat(np.arange(500), 500), np.append(np.zeros(5_000, int), np.repeat(np.arange(1, 41), 100))):
        answers = item_answers(rng, dealer)
        began = time.process_time()
        near_duplicates(answers, dealer, draws=20)
        assert time.process_time() - began < 12.0  # about 2 on an idle machine


@pytest.mark.slow
@pytest.mark.parametrize("habits", [0.0, 0.15])
def test_calibration_over_many_networks(habits: float) -> None:
    rng, p, decisive = np.random.default_rng(7), [], 0
    for _ in range(20):
        dealer = sizes(rng, 200)
        r = near_duplicates(item_answers(rng, dealer, habits=habits), dealer)
        p.append(r.p_value)
        decisive += int(r.details["decisive"].sum())
    assert_calibrated(np.concatenate(p))
    assert decisive <= 2
