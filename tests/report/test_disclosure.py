"""Small groups stay blank, and so does what would let one subtract them."""

from __future__ import annotations

import numpy as np
import pytest
from report_contents import by_domain, dealers, telco_mean

from vocstats.report.disclosure import COMPLEMENT, SHOWN, SMALL, small_parts, suppressed, suppressed_terms


def test_one_small_group_takes_the_next_smallest_with_it():
    assert suppressed([40, 7, 12, 30], 10).tolist() == [SHOWN, SMALL, COMPLEMENT, SHOWN]


def test_two_small_groups_hide_each_other_once_they_hold_enough():
    assert suppressed([40, 7, 6, 30], 10).tolist() == [SHOWN, SMALL, SMALL, SHOWN]
    assert suppressed([40, 3, 4, 30], 10).tolist() == [SHOWN, SMALL, SMALL, COMPLEMENT]


def test_a_group_nobody_answered_in_hides_nothing():
    assert suppressed([0, 12, 30], 10).tolist() == [SHOWN] * 3
    assert suppressed([0, 4, 12, 30], 10).tolist() == [SHOWN, SMALL, COMPLEMENT, SHOWN]


@pytest.mark.parametrize("seed", range(20))
def test_what_is_blank_never_tells_about_fewer_than_the_minimum(seed: int):
    answers = np.random.default_rng(seed).integers(0, 40, 12)
    blank = suppressed(answers, 10) != SHOWN
    assert not (blank & (answers == 0)).any()
    assert not (~blank & (answers > 0) & (answers < 10)).any()
    if blank.any():
        assert blank.sum() >= 2
        assert answers[blank].sum() >= 10


def test_each_term_is_judged_by_its_own_answers():
    correction = by_domain({"dealer": ["a", "b", "c"]}, [50, 60, 70])
    object.__setattr__(correction, "n", np.array([[8, 8, 30], [60, 60, 60], [70, 70, 70]]))
    status = suppressed_terms(correction, 10)
    assert status[:, 0].tolist() == [SMALL, COMPLEMENT, SHOWN]
    assert status[:, 2].tolist() == [SHOWN] * 3


def test_the_dealer_fixture_has_two_small_ones():
    assert (suppressed_terms(dealers(), 10)[:, 2] != SHOWN).sum() == 2


def test_a_part_heard_by_few_shows_no_mean():
    few = telco_mean(part_heard=np.array([[1226, 4, 0, 176]]))
    assert small_parts(few, 10).tolist() == [False, True, False, False]
