"""Period ends: the contrast by hand and against regression with month effects, calibration, power, and where it abstains."""

from __future__ import annotations

import time

import numpy as np
import pytest
from inflation.form_networks import assert_calibrated, dated_scores, sizes

from vocstats.errors import InputError
from vocstats.inflation import known_null, period_end

TAIL = (0.1, 0.05, 0.01)  # the centre differs between networks with the fitted null, which shows at .5


def test_by_hand_less_the_peers() -> None:
    days = ["2026-01-05"] * 5 + ["2026-01-30"] * 5
    time_ = np.array(days * 2, "datetime64[D]")
    score = np.array([8, 8, 7, 9, 8, 10, 10, 9, 10, 9, 7, 8, 9, 8, 8, 8, 9, 8, 8, 8.5])
    r = period_end(score, np.repeat(["a", "b"], 10), time_, null=known_null(0.1, 0.2))
    own = np.array([9.6 - 8.0, 8.3 - 8.0])
    assert r.effect == pytest.approx(own - own[::-1] - 0.1)
    square = 4 * score.reshape(2, 2, 5).var(axis=2, ddof=1).sum(axis=1)
    each = (square + 10 * square.sum() / 16) / 18
    variance = each / 2.5 + each.mean() / 2.5
    assert r.statistic == pytest.approx((own - own[::-1] - 0.1) / np.sqrt(variance + 0.04)) and r.details["end_mean"].tolist() == [9.6, 8.3]
    assert r.rows_of("a").tolist() == [5, 6, 8]


def test_contrast_is_that_of_a_regression_with_month_effects() -> None:
    rng = np.random.default_rng(1)
    y, moment, last = dated_scores(rng, np.zeros(400, int), days=150)
    month = np.unique(moment.astype("datetime64[M]"), return_inverse=True)[1]
    design = np.column_stack([last, month[:, None] == np.arange(month.max() + 1)]).astype(float)
    coefficient = np.linalg.lstsq(design, y, rcond=None)[0][0]
    far = np.tile(np.array(["2020-02-01", "2020-02-28"], "datetime64[D]"), 10)  # another dealer in another month: no peers
    both = np.append(y, np.tile([5.0, 6], 10)), np.append(np.zeros(400), np.ones(20)), np.append(moment, far)
    r = period_end(*both, null=known_null(0, 0.1))
    assert r.effect[0] == pytest.approx(coefficient)


def test_last_days_of_months_and_quarters() -> None:
    moment = np.array(["2026-02-23", "2026-02-24", "2026-02-28", "2026-03-26", "2026-03-27", "2026-03-31"], "datetime64[D]")
    months = period_end(np.arange(6.0), [0] * 6, moment, null=known_null(0, 1))
    quarters = period_end(np.arange(6.0), [0] * 6, moment, period="quarter", null=known_null(0, 1))
    assert months.details["end_n"][0] == 4 and quarters.details["end_n"][0] == 2
    assert period_end(np.arange(6.0), [0] * 6, moment, days=6, null=known_null(0, 1)).details["end_n"][0] == 6


def test_calibration_and_power() -> None:
    rng, honest, pushed = np.random.default_rng(2), [], []
    for _ in range(6):
        dealer = sizes(rng, 250, high=1500)
        y, moment, last = dated_scores(rng, dealer)
        honest.append(period_end(y, dealer, moment).p_value)
        y[last & (dealer < 25) & (rng.random(dealer.size) < 0.9)] = 10
        pushed.append(period_end(y, dealer, moment).p_value)
    assert_calibrated(np.concatenate(honest), levels=TAIL)
    assert_calibrated(np.concatenate([p[25:] for p in pushed]), levels=TAIL, room=4.0)
    assert np.nanmean(np.stack([p[:25] for p in pushed]) < 0.01) > 0.35


def test_where_nothing_can_be_said() -> None:
    moment = np.array(["2026-01-05"] * 6 + ["2026-01-30"] * 6 + ["NaT", "2026-01-02"], "datetime64[D]")
    dealer = ["a"] * 12 + ["b", "c"]
    score = np.arange(14.0)
    assert period_end(score, dealer, moment).reasons == ("few_dealers", "no_times", "no_period_end")
    assert period_end(score, dealer, moment, null=known_null(0, 1)).reasons == ("", "no_times", "no_period_end")
    assert period_end(np.ones(14), dealer, moment, null=known_null(0, 1)).reasons[0] == "constant_scores"
    assert period_end(score[:7], dealer[:7], moment[:7], null=known_null(0, 1)).reasons == ("few_responses",)
    with pytest.raises(InputError, match="days must lie in"):
        period_end(score, dealer, moment, days=20)
    with pytest.raises(InputError, match="period must be one of"):
        period_end(score, dealer, moment, period="week")  # type: ignore[arg-type]


def test_speed() -> None:
    rng = np.random.default_rng(3)
    dealer = np.repeat(np.arange(500), 500)
    y, moment, _ = dated_scores(rng, dealer)
    began = time.process_time()
    period_end(y, dealer, moment)
    assert time.process_time() - began < 3.0


@pytest.mark.slow
def test_calibration_over_many_networks() -> None:
    rng, p = np.random.default_rng(4), []
    for _ in range(60):
        dealer = sizes(rng, 300, high=1500)
        y, moment, _ = dated_scores(rng, dealer)
        p.append(period_end(y, dealer, moment).p_value)
    assert_calibrated(np.concatenate(p), levels=TAIL, room=6.0)
