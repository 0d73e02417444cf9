"""Worst-case bounds against arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vocstats.errors import InputError
from vocstats.sensitivity import worst_case_bounds


def test_bounds_by_hand() -> None:
    low, high = worst_case_bounds([12.0, 0.0], [4, 0], [10, 0], limits=(1, 5))
    np.testing.assert_allclose([low[0], high[0]], [(12 + 6) / 10, (12 + 30) / 10])
    assert np.isnan(low[1]) and np.isnan(high[1])


def test_everybody_heard_leaves_nothing_open() -> None:
    low, high = worst_case_bounds([12.0], [4], [4], limits=(1, 5))
    assert low[0] == high[0] == 3.0


def test_more_heard_than_customers_is_refused() -> None:
    with pytest.raises(InputError, match="More customers"):
        worst_case_bounds([12.0], [5], [4], limits=(1, 5))
    with pytest.raises(InputError, match="limits"):
        worst_case_bounds([12.0], [3], [4], limits=(5, 1))


def test_monotone_silence_replaces_one_limit() -> None:
    given = ([12.0, 0.0, 0.0], [4, 0, 0], [10, 0, 5])
    plain = worst_case_bounds(*given, limits=(1, 5))
    for silent, side in (("no_lower", 0), ("no_higher", 1)):
        bounds = worst_case_bounds(*given, limits=(1, 5), silent=silent)
        assert bounds[side][0] == 3.0 and bounds[1 - side][0] == plain[1 - side][0]
        np.testing.assert_allclose([bounds[0][1:], bounds[1][1:]], [plain[0][1:], plain[1][1:]])  # nobody heard: nothing to go by
    with pytest.raises(InputError, match="silent"):
        worst_case_bounds(*given, limits=(1, 5), silent="lower")  # type: ignore[arg-type]
