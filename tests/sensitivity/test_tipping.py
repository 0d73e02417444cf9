"""Tipping points against the mean of everybody they imply."""

from __future__ import annotations

import numpy as np
import pytest

from vocstats.errors import InputError
from vocstats.results import load
from vocstats.sensitivity import TippingPoint, tipping_point


def test_everybody_meets_the_target_there() -> None:
    heard, share, target = np.array([8.4, 7.0]), np.array([0.25, 0.6]), np.array([8.0, 7.5])
    r = tipping_point(heard, share, target)
    np.testing.assert_allclose(share * heard + (1 - share) * r.estimate, target)
    np.testing.assert_allclose(r.shift, r.estimate - heard)
    assert r.above.tolist() == [True, False] and r.reachable.all()


def test_limits_are_where_everybody_leaves_the_target_significantly() -> None:
    z, se, share = 1.959963984540054, 0.05, 0.25
    r = tipping_point(8.4, share, 8.0, std_error=se)
    assert share * 8.4 + (1 - share) * r.conf_low[0] + z * share * se == pytest.approx(8.0)
    assert share * 8.4 + (1 - share) * r.conf_high[0] - z * share * se == pytest.approx(8.0)


def test_against_another_dealer() -> None:
    r = tipping_point([8.4, 8.4], 0.25, 8.0, std_error=0.05, target_error=[0.0, 0.1])
    np.testing.assert_allclose(r.std_error, [0.0125 / 0.75, np.hypot(0.0125, 0.1) / 0.75])
    draws = np.random.default_rng(1).normal([8.4, 8.0], [0.05, 0.1], (200_000, 2))
    assert r.std_error[1] == pytest.approx(((draws[:, 1] - 0.25 * draws[:, 0]) / 0.75).std(), rel=0.01)


def test_limits_cover_the_point_of_the_true_mean() -> None:
    """Of 4,000 dealers with 60 scores of 1 to 10 each, against a target and against a rival with 40."""
    rng, share = np.random.default_rng(2), 0.25
    own, rival = rng.binomial(9, 0.7, (4000, 60)) + 1.0, rng.binomial(9, 0.6, (4000, 40)) + 1.0
    (mean, error), (other, other_error) = ((y.mean(axis=1), y.std(axis=1, ddof=1) / y.shape[1] ** 0.5) for y in (own, rival))
    for target, target_error, truth in ((8.0, 0.0, 8.0), (other, other_error, 6.4)):
        r = tipping_point(mean, share, target, std_error=error, target_error=target_error)
        point = (truth - share * 7.3) / (1 - share)
        assert abs(r.estimate.mean() - point) < 3 * r.estimate.std() / 4000**0.5
        assert 0.93 < ((r.conf_low <= point) & (point <= r.conf_high)).mean() < 0.96


def test_out_of_reach_the_conclusion_stands() -> None:
    r = tipping_point([9.0, 9.0], [0.9, 0.2], 8.0, limits=(1, 10))
    assert r.estimate[0] == pytest.approx(-1.0) and r.reachable.tolist() == [False, True]


def test_refusals_and_writing() -> None:
    for share in (0.0, 1.0):
        with pytest.raises(InputError, match="share_heard"):
            tipping_point(8.0, share, 7.0)
    with pytest.raises(InputError, match="std_error"):
        tipping_point(8.0, 0.5, 7.0, std_error=-1.0)
    with pytest.raises(InputError, match="target"):
        tipping_point([8.0, 7.0, 6.0], 0.5, [7.0, 7.0])
    with pytest.raises(InputError, match="limits"):
        tipping_point(8.0, 0.5, 7.0, limits=(5, 1))
    with pytest.raises(InputError, match="mean_heard"):
        tipping_point(float("nan"), 0.5, 7.0)
    r = tipping_point(8.0, 0.5, 7.0)
    assert isinstance(load(r.to_json()), TippingPoint) and "reachable" in r.summary() and r.tidy()["term"][0] == "tipping_point"
