"""A shifted share against moving people one by one."""

from __future__ import annotations

import numpy as np
import pytest

from vocstats.errors import InputError
from vocstats.sensitivity import shift_curve


def low(score: np.ndarray) -> np.ndarray:
    return (score <= 2).astype(float)


def test_half_a_point_moves_half_of_the_people() -> None:
    score, weight = np.array([1.0, 2, 3, 3, 4, 5]), np.ones(6)
    curve = shift_curve(score, weight, value_of=low, scale=(1, 5))
    assert curve.at(0.0) == 0
    assert curve.at(-1.0) == pytest.approx(low(np.clip(score - 1, 1, 5)).mean() - low(score).mean())
    assert curve.at(-0.5) == pytest.approx(curve.at(-1.0) / 2)
    assert curve.at(-99.0) == pytest.approx(1 - 2 / 6)


def test_weights_count_like_repetition() -> None:
    once = shift_curve(np.array([2.0, 3, 5]), np.array([1.0, 2, 1]), value_of=low, scale=(1, 5))
    repeated = shift_curve(np.array([2.0, 3, 3, 5]), np.ones(4), value_of=low, scale=(1, 5))
    np.testing.assert_allclose(once.change, repeated.change)


def test_solve_inverts() -> None:
    curve = shift_curve(np.array([2.0, 3, 4, 5]), np.ones(4), value_of=low, scale=(1, 5))
    shift = curve.solve(np.array([0.1, 5.0]))
    assert curve.at(float(shift[0])) == pytest.approx(0.1)
    assert np.isnan(shift[1])


def test_nobody_is_refused() -> None:
    with pytest.raises(InputError, match="Nobody"):
        shift_curve(np.array([1.0]), np.zeros(1), value_of=low, scale=(1, 5))
