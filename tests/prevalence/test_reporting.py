"""Reporting rates from linked customers: conjugacy, quadrature of the ratio, simulation, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import betaincinv

from vocstats.errors import IdentificationError, InputError
from vocstats.prevalence import ReportingRate, capture_recapture, reporting_rate
from vocstats.results import load


def test_without_an_audit_it_is_conjugate() -> None:
    r = reporting_rate([12, 0], [200, 40], prior=(1, 1), level=0.95)
    np.testing.assert_allclose(r.a, [13, 1])
    np.testing.assert_allclose(r.b, [189, 41])
    np.testing.assert_allclose(r.conf_high, betaincinv([13, 1], [189, 41], 0.975))
    one = reporting_rate(12, 200, prior=(1, 1))
    assert (one.mention_a, one.mention_b) == pytest.approx((13, 189))


def test_with_an_audit_it_has_the_moments_and_nearly_the_quantiles_of_the_ratio() -> None:
    r = reporting_rate([12], [200], audit=(40, 8))
    grid = (np.arange(20_000) + 0.5) / 20_000
    right = stats.beta.ppf(grid, 40.5, 8.5)
    share = stats.beta(12.5, 188.5)
    assert r.estimate[0] == pytest.approx(share.mean() * np.mean(1 / right), rel=1e-4)
    assert r.std_error[0] ** 2 + r.estimate[0] ** 2 == pytest.approx((share.var() + share.mean() ** 2) * np.mean(right**-2.0), rel=1e-4)
    assert np.mean(share.cdf(r.conf_low[0] * right)) == pytest.approx(0.05, abs=0.004)
    assert np.mean(share.cdf(r.conf_high[0] * right)) == pytest.approx(0.95, abs=0.004)


def test_two_lists_give_the_same_share() -> None:
    """Petersen: the tickets' share of everybody is their share of the surveyed."""
    lists = capture_recapture({"tickets": [1, 1, 0], "survey": [1, 0, 1]}, counts=[60, 240, 540], models=["Mt"])
    r = reporting_rate(60, 600, prior=(1e-9, 1e-9))
    assert r.estimate[0] == pytest.approx(300 / lists.estimate[0])


def test_the_prior_for_mentions_spans_the_pains() -> None:
    """Mean and variance of a draw from a pain taken at random; wider than the pooled counts would have it where pains differ."""
    r = reporting_rate([5, 40, 90], [100, 200, 300])
    draws = stats.beta.rvs(r.a, r.b, size=(200_000, 3), random_state=np.random.default_rng(1)).ravel()
    spanning = stats.beta(r.mention_a, r.mention_b)
    assert spanning.mean() == pytest.approx(draws.mean(), rel=5e-3) and spanning.std() == pytest.approx(draws.std(), rel=0.01)
    pooled = reporting_rate(135, 600)
    assert spanning.std() > 3 * pooled.std_error[0]


def test_limits_hold() -> None:
    """4,000 worlds: rates .05 to .3, 300 reported by the survey, whose coder is right of 85 % and audited on 100."""
    rng = np.random.default_rng(90_004)
    rate = rng.uniform(0.05, 0.3, 4000)
    linked = rng.binomial(rng.binomial(300, 0.85, 4000), rate)
    right = rng.binomial(100, 0.85, 4000)
    audited = reporting_rate(linked, np.full(4000, 300), audit=np.column_stack([right, 100 - right]))
    trusted = reporting_rate(linked, np.full(4000, 300))
    held, naive = (((r.conf_low <= rate) & (rate <= r.conf_high)).mean() for r in (audited, trusted))
    assert 0.88 < held < 0.92 and naive < 0.75, (held, naive)


def test_refusals_and_writing() -> None:
    for linked, known, options, error, match in (
        ([5], [3], {}, InputError, "larger than known"), ([0], [0], {}, IdentificationError, "Nobody is known"),
        ([], [], {}, IdentificationError, "Nobody is known"), ([-1], [3], {}, InputError, "negative"),
        ([1, 2], [3], {}, InputError, "known"), ([1], [np.nan], {}, InputError, "missing"), (["1"], [3], {}, InputError, "numbers"),
        ([1], [3], {"prior": (0, 1)}, InputError, "prior"),
        ([1], [3], {"prior": (1, 1, 1)}, InputError, "pair"), ([1], [3], {"audit": [1, 2, 3]}, InputError, "audit must be"),
        ([1], [3], {"audit": (1, 9)}, IdentificationError, "fewer than two"),
        ([90], [100], {"audit": (20, 30)}, IdentificationError, "hardly more"),
        ([1], [3], {"level": 0}, InputError, "level"),
    ):
        with pytest.raises(error, match=match):
            reporting_rate(linked, known, **options)  # type: ignore[arg-type]
    r = reporting_rate([12, 30], [200, 310])
    assert isinstance(load(r.to_json()), ReportingRate) and r.tidy().shape == (2, 6) and "名单" in r.summary("zh")
