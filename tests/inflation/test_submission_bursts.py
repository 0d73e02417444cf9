"""Bursts: windows against brute force, calibration, power, kiosks, hours that differ, missing columns, speed."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from inflation.form_networks import START, assert_calibrated, opening_times, sizes
from scipy import stats

from vocstats.errors import InputError
from vocstats.inflation import bursts
from vocstats.inflation.daily_scan import Hours, Place, crowds
from vocstats.results import load


def test_windows_by_brute_force() -> None:
    rng = np.random.default_rng(1)
    dealer, date, seconds = np.repeat([0, 1], 40), rng.integers(0, 4, 80), rng.integers(9, 18, 80) * 3600 + rng.integers(0, 60, 80) * 60
    hours = Hours.of(seconds, date, dealer, 2)
    assert hours.resolution == 60
    place = Place.of(hours.day, None, 3)
    found = crowds(place, hours, seconds, (1800.0,), 3)
    network = np.bincount(seconds // 3600, minlength=24) + 0.5
    wanted = []
    for d, j in {(d, j) for d, j in zip(dealer.tolist(), date.tolist(), strict=True)}:
        today, usual = (dealer == d) & (date == j), (dealer == d) & (date != j)
        profile = np.bincount(seconds[usual] // 3600, minlength=24) + 30 * network / network.sum()
        profile = np.repeat(profile / profile.sum() / 3600, 3600)
        at = np.sort(seconds[today])
        for i, begin in enumerate(at):
            inside = int(((at[i:] >= begin) & (at[i:] <= begin + 1800)).sum())
            share = profile[begin : begin + 1860].sum()
            if inside >= 3 and inside - 1 > (at.size - 1) * share:
                wanted.append((inside, at.size * stats.binom.sf(inside - 2, at.size - 1, share)))
    got = sorted(zip((found.last - found.first + 1).tolist(), found.expected.tolist(), strict=True))
    assert np.array(got) == pytest.approx(np.array(sorted(wanted)))
    assert hours.second(hours.share_before(hours.day, seconds) + 1e-9) == pytest.approx(seconds)


def test_forms_from_one_device_within_minutes() -> None:
    rng = np.random.default_rng(2)
    dealer = sizes(rng, 40)
    moment, device = opening_times(rng, dealer), np.arange(dealer.size).astype(str).astype(object)
    rows = np.flatnonzero(dealer == 5)[:12]
    moment[rows] = START + np.timedelta64(40 * 86_400 + 17 * 3600, "s") + np.arange(12) * 90
    device[rows] = "tablet"
    r = bursts(moment, dealer, device=device)
    assert r.p_value[5] < 1e-4 and set(rows) <= set(r.rows_of(5)) and 12 <= r.effect[5] * r.n[5] <= 14  # others came in between
    told = {name: column[5] for name, column in r.details.items()}
    assert told["burst_place"] == "device" and told["burst_forms"] == 12 and told["burst_minutes"] == pytest.approx(16.5)
    assert told["burst_start"] == moment[rows[0]] and told["device_forms"] == 12
    registered = bursts(moment, dealer, device=device, kiosks=["tablet"])
    assert registered.n[5] == r.n[5] - 12 and registered.p_value[5] > 0.01
    assert load(r.to_dict()).details["burst_start"][5] == moment[rows[0]]


def test_honest_networks_crowds_and_steady_tablets() -> None:
    rng = np.random.default_rng(3)
    p, found = [], []
    for _ in range(3):
        dealer = sizes(rng, 200)
        moment, device = opening_times(rng, dealer), np.arange(dealer.size)
        tablet = (dealer < 40) & (rng.random(dealer.size) < 0.5)
        device[tablet] = -1 - dealer[tablet]  # not registered, in use all day
        p.append(bursts(moment, dealer, device=device).p_value)
        for each in range(30):
            rows = rng.choice(np.flatnonzero(dealer == each), 8, replace=False)
            moment[rows] = START + np.timedelta64(40 * 86_400 + 15 * 3600, "s") + rng.integers(0, 1200, 8)
        found.append(bursts(moment, dealer, device=device).p_value)
    assert_calibrated(np.concatenate(p))
    assert_calibrated(np.concatenate([one[:40] for one in p]))
    assert (np.stack([one[:30] for one in found]) < 0.01).mean() > 0.8
    assert_calibrated(np.concatenate([one[30:] for one in found]))


def test_where_nothing_can_be_said() -> None:
    moment = np.array(["2026-01-01T10:00", "2026-01-01T10:01", "2026-01-01T10:02", "2026-01-02T11:00", "NaT"], "datetime64[s]")
    r = bursts(moment, list("aaabc"))
    assert r.reasons == ("", "few_responses", "no_times") and r.n.tolist() == [3, 1, 0] and r.p_value[0] > 0.005
    assert bursts(moment.astype("datetime64[D]"), list("aaabc")).reasons[0] == "no_clock"
    every = bursts(moment, list("aaabc"), device=["k"] * 5, kiosks=["k"])
    assert every.reasons == ("only_kiosks", "only_kiosks", "no_times")
    missing = bursts(moment, list("aaabc"), device=[None, "x", np.nan, "x", "x"])
    assert missing.details["device_forms"].tolist() == [1, 1, 0]
    assert bursts(np.full(5, np.datetime64("NaT", "s")), list("aaabc")).reasons == ("no_times",) * 3
    with pytest.raises(InputError, match="must hold dates or times"):
        bursts([1.0, 2.0], ["a", "b"])
    with pytest.raises(InputError, match="no device of the forms"):
        bursts(moment, list("aaabc"), kiosks=["k"])
    with pytest.raises(InputError, match="widths in minutes"):
        bursts(moment, list("aaabc"), windows=[0])


def test_times_of_any_kind() -> None:
    rng = np.random.default_rng(4)
    dealer = np.repeat(np.arange(20), 30)
    moment = opening_times(rng, dealer)
    one = bursts(moment, dealer)
    for same in (
        pd.Series(moment), moment.astype(object), [datetime.fromisoformat(str(each)).replace(tzinfo=UTC) for each in moment],
        pd.Series(moment).dt.tz_localize("Asia/Shanghai"),
    ):
        assert bursts(same, dealer).p_value == pytest.approx(one.p_value)


def test_speed() -> None:
    rng = np.random.default_rng(5)
    dealer = np.repeat(np.arange(500), 500)
    moment = opening_times(rng, dealer)
    began = time.process_time()
    bursts(moment, dealer, device=np.arange(dealer.size))
    assert time.process_time() - began < 8.0  # about 1 on an idle machine


@pytest.mark.slow
def test_calibration_over_many_networks() -> None:
    rng, p = np.random.default_rng(6), []
    for _ in range(30):
        dealer = sizes(rng, 200)
        p.append(bursts(opening_times(rng, dealer), dealer).p_value)
    assert_calibrated(np.concatenate(p))
