"""Onsets: paths and change-points against plain loops, calibration with season and wander, power, coverage of the onset, abstaining."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from inflation.form_networks import START, assert_calibrated, dated_scores, sizes

from vocstats.errors import InputError
from vocstats.inflation import onset
from vocstats.inflation.change_points import Paths, change_points


def paths(rng: np.random.Generator, n: int = 300, dealers: int = 6, days: int = 40) -> Paths:
    dealer = np.sort(rng.integers(0, dealers, n))
    day = rng.integers(0, days, n)
    order = np.lexsort((day, dealer))
    return Paths.of(rng.normal(size=n), dealer, START + 86_400 * day[order], dealers)


def slow_path(p: Paths, d: int, k: float) -> list[tuple[int, float]]:
    """C after each moment of a dealer, by the recursion."""
    rows, height, found, seen = np.flatnonzero(p.dealer == d), 0.0, [], []
    moment: list[float] = []
    for row in rows:
        moment.append(float(p.z[row]))
        if p.ends[row]:
            if seen:
                m, n = len(moment), len(seen)
                height = max(0.0, height + (sum(moment) - m * np.mean(seen)) / (1 + m / n) ** 0.5 - k * m)
            seen += moment
            moment = []
            found.append((int(row), height))
    return found


def test_paths_and_alarms_are_those_of_the_recursion() -> None:
    p = paths(np.random.default_rng(1))
    highest, limit = p.highest(0.1), np.full(6, 3.0)
    number, first = p.alarms(0.1, limit)
    for d in range(6):
        path = slow_path(p, d, 0.1)
        assert highest[d] == pytest.approx(max(height for _, height in path))
        over = [row for row, height in path if height > 3.0]
        assert first[d] == (over[0] if over else 300) and (number[d] > 0) == bool(over)
    again = np.diff([0.0, *(height for _, height in slow_path(p, int(number.argmax()), 0.1))])
    assert number.max() >= 1 and again.size


def test_restart_after_an_alarm() -> None:
    moment = START + 86_400 * np.arange(60)
    z = np.tile([0.0] * 5 + [2.0] * 5, 6)
    p = Paths.of(z, np.zeros(60, int), moment, 1)
    steps, height, alarms = p._steps(0.1), 0.0, 0
    for step in steps:
        height = max(0.0, height + step)
        if height > 4.0:
            alarms, height = alarms + 1, 0.0
    assert p.alarms(0.1, np.array([4.0]))[0][0] == alarms > 1


def test_change_points_by_brute_force() -> None:
    p = paths(np.random.default_rng(2))
    found = change_points(p, 0.95)
    for d in range(6):
        rows = np.flatnonzero(p.dealer == d)
        x = p.value[rows]
        gains: dict[int, float] = {}
        for cut in range(5, x.size - 4):
            if p.ends[rows[cut - 1]]:
                rss = sum(((part - part.mean()) ** 2).sum() for part in (x[:cut], x[cut:]))
                up = x[cut:].mean() > x[:cut].mean()
                gains[rows[cut]] = x.size * np.log((x**2).sum() / rss) if up else 0.0
        best = max(gains, key=gains.__getitem__)
        near = [row for row, gain in gains.items() if gain >= gains[best] + 2 * np.log(1 - 0.95**0.5)]
        cut = best - rows[0]
        assert (found.best[d], found.low[d], found.high[d]) == (best, min(near), max(near))
        assert found.rise[d] == pytest.approx(x[cut:].mean() - x[:cut].mean())
        rss = sum(((part - part.mean()) ** 2).sum() for part in (x[:cut], x[cut:]))
        assert found.error[d] == pytest.approx((rss / (x.size - 2) * (1 / cut + 1 / (x.size - cut))) ** 0.5)


def raised(rng: np.random.Generator, y: Any, dealer: Any, moment: Any, who: int, share: float) -> Any:
    """Onset days; from then on a share of the answers of dealers below `who` is 10."""
    start = START.astype("datetime64[D]") + rng.integers(90, 270, dealer.max() + 1)
    y[(moment >= start[dealer]) & (dealer < who) & (rng.random(dealer.size) < share)] = 10
    return start


@pytest.mark.parametrize(("season", "wander"), [(0.3, 0.0), (0.1, 0.3)])
def test_honest_networks(season: float, wander: float) -> None:
    rng, p, alarms = np.random.default_rng(3), [], []
    for _ in range(4):
        dealer = sizes(rng, 250)
        y, moment, _ = dated_scores(rng, dealer, season=season, wander=wander)
        r = onset(y, dealer, moment)
        p.append(r.p_value)
        alarms.append(r.details["alarms"] > 0)
    assert_calibrated(np.concatenate(p))
    assert np.mean(alarms) < 0.02


def test_rises_are_found_and_dated() -> None:
    rng, power, covered = np.random.default_rng(4), [], []
    for _ in range(2):
        dealer = np.repeat(np.arange(250), 600)
        y, moment, _ = dated_scores(rng, dealer, season=0.1)
        start = raised(rng, y, dealer, moment, 25, 0.6)
        r = onset(y, dealer, moment)
        told = r.details["alarms"][:25] > 0
        power.append((r.p_value[:25] < 0.01).mean())
        covered += ((r.details["onset_low"] <= start) & (start <= r.details["onset_high"]))[:25][told].tolist()
        assert np.isnat(r.details["onset"][r.details["alarms"] == 0]).all()
        rows = r.rows_of(int(np.flatnonzero(told)[0]))
        assert (moment[rows] >= r.details["onset"][told.argmax()]).all() and (y[rows] == 10).all()
    assert np.mean(power) > 0.6 and np.mean(covered) > 0.8 and len(covered) > 25


def test_where_nothing_can_be_said() -> None:
    moment = np.append(START + 86_400 * np.arange(12), np.datetime64("NaT", "s"))
    r = onset(np.append(np.arange(12.0), 3), ["a"] * 11 + ["b", "c"], moment)
    assert r.reasons == ("", "few_responses", "no_times") and r.p_value[0] < 0.05
    assert onset(np.ones(13), ["a"] * 13, moment).reasons == ("constant_scores",)
    assert onset(np.arange(12.0), ["a"] * 12, np.full(12, START)).reasons == ("few_responses",)
    with pytest.raises(InputError, match="must hold dates or times"):
        onset([1.0], ["a"], ["soon"])


def test_speed() -> None:
    rng = np.random.default_rng(5)
    dealer = np.repeat(np.arange(500), 500)
    y, moment, _ = dated_scores(rng, dealer)
    began = time.process_time()
    onset(y, dealer, moment)
    assert time.process_time() - began < 8.0  # about 1 on an idle machine


@pytest.mark.slow
@pytest.mark.parametrize(("season", "wander"), [(0.3, 0.0), (0.1, 0.3)])
def test_calibration_over_many_networks(season: float, wander: float) -> None:
    rng, p = np.random.default_rng(6), []
    for _ in range(20):
        dealer = sizes(rng, 300, high=1500)
        y, moment, _ = dated_scores(rng, dealer, season=season, wander=wander)
        p.append(onset(y, dealer, moment).p_value)
    assert_calibrated(np.concatenate(p))
