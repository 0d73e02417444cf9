"""Length bias: harmonic means, what a stock of known inflow gives back, follow-up, limits, the test, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from vocstats.errors import IdentificationError, InputError, VocstatsError
from vocstats.estimation import Design, mean, replicate, total
from vocstats.results import load
from vocstats.schemas import build, schema
from vocstats.survivorship import length_bias_weights, stationarity_test
from vocstats.texts import message
from vocstats.weighting import rake

MONTHS = np.arange(1.0, 61.0)  # whole months stand for durations: the sums below are exact
SHARE = stats.nbinom.pmf(MONTHS - 1, 3, 0.12)
SHARE /= SHARE.sum()
TRUTH = float(SHARE @ MONTHS)


def met(low: float = 0.0, high: float = np.inf, follow_up: float = np.inf, inflow: Any = None) -> Any:
    """Expected number met in stock and seen to leave, by duration, when everybody's month of joining is known: summed day by day."""
    days = (np.arange(60 * 100) + 0.5) / 100  # tenures at the survey
    rate = np.ones(days.size) if inflow is None else inflow(days)
    there = (days < MONTHS[:, None]) & (days >= low) & (days < high) & (MONTHS[:, None] - days < follow_up)
    return SHARE * (there @ rate) / 100


def test_mean_is_the_harmonic_mean_and_its_error_the_one_by_hand() -> None:
    t = np.array([5.0, 8, 13, 21, 34, 40])
    w = length_bias_weights(t, np.ones(6, bool))
    e = mean(t, w)
    assert e.estimate == pytest.approx(stats.hmean(t))
    inverse = 1 / t
    assert e.std_error == pytest.approx(e.estimate**2 * inverse.std(ddof=1) / np.sqrt(6))
    assert total(np.ones(6), w).estimate == pytest.approx(inverse.sum())
    assert w.accounts_for == ("length_bias",) and not w.held_fixed
    jackknife = mean(t, replicate(w, method="jackknife"))
    assert jackknife.std_error == pytest.approx(e.std_error, rel=0.25)


@pytest.mark.parametrize(
    ("low", "high", "follow_up"), [(0, np.inf, np.inf), (0, np.inf, 12), (0, 24, np.inf), (6, 24, np.inf), (6, np.inf, 36)]
)
def test_expected_stock_gives_back_those_who_join(low: float, high: float, follow_up: float) -> None:
    """Who lasts no longer than the lowest tenure is never met; among the others the shares come back, and the number per month."""
    n = met(low, high, follow_up)
    given: dict[str, Any] = {"follow_up": None if np.isinf(follow_up) else follow_up, "tenure_limits": (low, high)}
    reached = low < MONTHS
    w = length_bias_weights(MONTHS, np.ones(60), **given, counts=n, base_weights=reached)
    np.testing.assert_allclose(w.mass[reached], SHARE[reached], rtol=1e-6)


def test_known_inflow_undoes_growth() -> None:
    def rate(days: Any) -> Any:
        return np.where(days < 12, 4.0, np.where(days < 30, 2.0, 1.0))

    n = met(inflow=rate)
    grown = mean(MONTHS, length_bias_weights(MONTHS, np.ones(60), counts=n)).estimate
    mended = length_bias_weights(MONTHS, np.ones(60), counts=n, inflow=([0, 12, 30, 60], [48, 36, 30]))
    assert grown < TRUTH - 1.5
    assert mean(MONTHS, mended).estimate == pytest.approx(TRUTH)
    assert [w.steps[-1].assumption.code for w in (mended, length_bias_weights([1.0], [True]))] == ["known_inflow", "stationary_inflow"]


def test_who_has_not_left_is_stood_for_by_those_who_have() -> None:
    n = met(follow_up=12)
    ended = np.append(np.ones(60, bool), False)
    w = length_bias_weights(np.append(MONTHS, 30.0), ended, follow_up=np.full(61, 12.0), counts=np.append(n, 500.0))
    assert w.values[-1] == 0
    assert mean(np.append(MONTHS, 30.0), w).estimate == pytest.approx(TRUTH)


def test_errors_come_through_the_chain() -> None:
    """After raking a stock with nonresponse: influence values are derivatives, replicates agree."""
    rng = np.random.default_rng(1)
    t, region = rng.gamma(4, 9, 80), rng.choice(["城市", "农村"], 80)
    raked = rake({"region": region}, {"region": {"城市": 300, "农村": 500}}, counts=np.ones(80))
    e = mean(t, length_bias_weights(t, np.ones(80), base_weights=raked))
    for row in range(0, 80, 13):
        step = np.eye(80)[row] * 1e-5
        up, down = (
            mean(t, length_bias_weights(t, np.ones(80), base_weights=raked.rerun(1 + sign * step))).estimate for sign in (1, -1)
        )
        assert (up - down) / 2e-5 == pytest.approx(e.influence[row], rel=1e-4, abs=1e-8)
    jackknife = mean(t, replicate(length_bias_weights(t, np.ones(80), base_weights=raked), method="jackknife"))
    assert e.std_error == pytest.approx(jackknife.std_error, rel=0.1)


def test_test_of_stationarity_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(2)
    a, v = rng.gamma(2, 10, 50), rng.gamma(2, 12, 50)
    r = stationarity_test(a, v)
    paired = stats.ttest_rel(a, v)
    assert (r.statistic, r.p_value, r.df) == pytest.approx((paired.statistic, paired.pvalue, 49))
    assert (r.conf_low, r.conf_high) == pytest.approx(tuple(paired.confidence_interval()))
    cut = stationarity_test(a, np.minimum(v, 15), follow_up=15)
    assert cut.p_value == pytest.approx(stats.ttest_rel(np.minimum(a, 15), np.minimum(v, 15)).pvalue)
    twice = stationarity_test(np.repeat(a, 2), np.repeat(v, 2), design=Design(clusters=np.repeat(np.arange(50), 2)))
    assert twice.p_value == pytest.approx(r.p_value)
    np.testing.assert_array_equal(load(r.to_json()).p_value, r.p_value)
    assert build("stationarity_test") == schema("stationarity_test")
    assert "backward" in r.summary() and r.tidy().shape == (1, 5)


def test_of_stationarity_holds_its_level_and_sees_growth() -> None:
    rng = np.random.default_rng(3)

    def rejected(growing: bool) -> float:
        p = []
        for _ in range(60):
            t = rng.gamma(4, 12, 1500)
            a = t * rng.random(1500)
            kept = rng.random(1500) < (2 ** (-a / 24) if growing else 0.4)
            p.append(stationarity_test(a[kept], np.minimum((t - a)[kept], 24), follow_up=24).p_value)
        return float(np.mean(np.array(p) < 0.05))

    assert rejected(False) < 0.15 and rejected(True) > 0.9


GOOD: dict[str, Any] = {"duration": [12.0, 24, 48, 60], "ended": [True, True, True, False], "follow_up": 24}
BAD: dict[str, tuple[dict[str, Any], type[VocstatsError], str]] = {
    "zero": ({"duration": [12, 0, 48, 60]}, InputError, "must exceed 0, .* at rows 1"),
    "below the limit": ({"tenure_limits": (12, 30)}, InputError, "must exceed 12, .* at rows 0"),
    "negative": ({"duration": [12, -1, 48, 60]}, InputError, "negative"),
    "missing": ({"duration": [12, np.nan, 48, 60]}, InputError, "missing"),
    "strings": ({"duration": ["12", "24", "48", "60"]}, InputError, "numbers"),
    "nobody left": ({"ended": [False] * 4}, IdentificationError, "Nobody has left yet"),
    "no follow-up": ({"follow_up": None}, IdentificationError, "1 have not left, at rows 3"),
    "not seen": ({"tenure_limits": (0, 20), "ended": [True] * 4}, InputError, "rows 2, 3 were"),
    "long unseen": ({"tenure_limits": (0, 50)}, IdentificationError, "can be seen to leave after 74"),
    "no time": ({"follow_up": [24, 0, 24, 24]}, InputError, "rows 1 were"),
    "follow-up": ({"follow_up": 0}, InputError, "follow_up"),
    "limits": ({"tenure_limits": (5, 5)}, InputError, "tenure_limits"),
    "inflow short": ({"inflow": ([0, 30], [5])}, IdentificationError, "known until 30"),
    "inflow none": ({"inflow": ([0, 30, 50, 60], [5, 0, 5]), "follow_up": 10}, IdentificationError, "rows 2 would"),
    "inflow order": ({"inflow": ([0, 30, 20], [5, 5])}, InputError, "rising"),
    "inflow start": ({"inflow": ([1, 30], [5])}, InputError, "the first of them 0"),
    "inflow length": ({"inflow": ([0, 60], [5, 6])}, InputError, "inflow numbers has 2"),
    "flags": ({"ended": [1, 2, 1, 1]}, InputError, "true or false"),
    "length": ({"ended": [True]}, InputError, "entries"),
    "empty": ({"duration": [], "ended": []}, VocstatsError, "Nobody"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, kind, text = BAD[name]
    with pytest.raises(kind, match=text) as caught:
        length_bias_weights(**{**GOOD, **options})
    assert message(caught.value, "zh")


def test_time_beyond_the_follow_up_is_refused() -> None:
    with pytest.raises(InputError, match="forward exceeds follow_up at rows 1") as caught:
        stationarity_test([3.0, 4], [5.0, 30], follow_up=24)
    assert message(caught.value, "zh")
