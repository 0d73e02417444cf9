"""Telephone plans against the hypergeometric distribution, one by one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from vocstats.workflows.verification import plan_calls


@pytest.mark.parametrize(("forms", "touched"), [(61, 0.5), (400, 0.3), (18, 0.9), (47, 0.45), (1200, 0.15)])
def test_plan_is_the_smallest_that_keeps_both_errors(forms: int, touched: float) -> None:
    calls, below = plan_calls([forms], [touched])
    good, bad = round(0.95 * forms), round(0.95 * forms * (1 - touched))

    def settled(n: int) -> list[int]:
        return [
            k for k in range(n + 1)
            if stats.hypergeom.cdf(k, forms, good, n) <= 0.1 and stats.hypergeom.sf(k, forms, bad, n) <= 0.1 + 1e-12
        ]

    n = int(calls[0])
    assert n > 0 and settled(n) and not any(settled(m) for m in range(1, n))
    assert below[0] == pytest.approx((max(settled(n)) + 1) / n)


def test_where_no_number_of_calls_settles_it() -> None:
    calls, below = plan_calls([1, 2, 0, 30], [0.1, 0.1, 0.5, 1e-9])
    assert calls.tolist() == [0, 0, 0, 0] and np.isnan(below).all()
