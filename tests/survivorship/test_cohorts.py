"""Cohort means: closed forms, derivatives, jackknife, repeated rows, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.estimation import Design, mean
from vocstats.results import load
from vocstats.survivorship import cohort_mean, survival_curve
from vocstats.texts import message

NAN = float("nan")
PARTS = ["mean", "bias", "retention", "active", "churned"]
TENURE = 12.0


def cohort(rng: np.random.Generator, n: int, *, late: bool = False) -> dict[str, Any]:
    """Customers whose score and whose time to leaving depend on how satisfied they are; some are followed for less than the tenure."""
    happy = rng.normal(size=n)
    leaving = rng.exponential(24 * np.exp(0.8 * happy))
    entry = rng.uniform(0, 2, n) if late else np.zeros(n)
    end = entry + rng.uniform(1, 36, n)
    score = np.clip(np.round(7 + 1.5 * happy + rng.normal(size=n)), 1, 10)
    duration, event = np.minimum(leaving, end), leaving <= end
    placed = (event & (duration <= TENURE)) | (duration >= TENURE)
    heard = placed & (rng.random(n) < np.where(event & (duration <= TENURE), 0.3, 0.6))
    x = {"y": np.where(heard, score, NAN), "duration": duration, "event": event}
    kept = leaving > entry
    return {name: column[kept] for name, column in ({**x, "entry": entry} if late else x).items()}


def test_without_censoring_it_is_stratification_by_who_left() -> None:
    rng = np.random.default_rng(1)
    duration, score = rng.integers(1, 25, 300).astype(float), rng.integers(1, 11, 300).astype(float)
    gone, heard = duration <= TENURE, rng.random(300) < 0.5
    weights = rng.uniform(0.5, 2, 300)
    r = cohort_mean(np.where(heard, score, NAN), duration, np.ones(300, bool), tenure=TENURE, weights=weights)
    active, churned = (float(mean(score[heard & who], weights[heard & who]).estimate) for who in (~gone, gone))
    share = 1 - gone.mean()
    expected = [share * active + (1 - share) * churned, (1 - share) * (active - churned), share, active, churned]
    np.testing.assert_allclose(r.estimate, expected)
    assert r.labels["part"].tolist() == PARTS
    assert r.n.tolist() == [heard.sum(), heard.sum(), 300, (heard & ~gone).sum(), (heard & gone).sum()]


def test_everybody_heard_and_followed_gives_the_plain_mean() -> None:
    rng = np.random.default_rng(2)
    duration, score = rng.integers(1, 25, 200).astype(float), rng.normal(size=200)
    r = cohort_mean(score, duration, np.ones(200, bool), tenure=TENURE)
    plain = mean(score)
    assert (r.estimate[0], r.std_error[0]) == pytest.approx((float(plain.estimate), float(plain.std_error)))


def test_retention_is_that_of_the_curve() -> None:
    x = cohort(np.random.default_rng(3), 300, late=True)
    r = cohort_mean(**x, tenure=TENURE)
    spells = {name: x[name] for name in ("duration", "event", "entry")}
    curve = survival_curve(**spells, times=[TENURE], variance="robust")
    n = x["y"].size
    assert (r.estimate[2], r.std_error[2]) == pytest.approx((curve.survival[0], curve.std_error[0] * np.sqrt(n / (n - 1))))
    assert r.estimate[0] == pytest.approx(r.estimate[2] * r.estimate[3] + (1 - r.estimate[2]) * r.estimate[4])
    assert r.estimate[1] == pytest.approx(r.estimate[3] - r.estimate[0])


@pytest.mark.parametrize("late", [False, True])
def test_influence_values_are_derivatives_in_every_domain(late: bool) -> None:
    rng = np.random.default_rng(4)
    x = cohort(rng, 240, late=late)
    x["duration"] = np.ceil(x["duration"] * 2) / 2
    x["y"] = np.where(x["event"] | (x["duration"] >= TENURE), x["y"], NAN)
    n = x["y"].size
    x |= {"by": rng.choice(["2023款", "2024款"], n), "weights": rng.uniform(0.5, 2, n)}
    counts = rng.integers(1, 3, n).astype(float)
    z = cohort_mean(**x, tenure=TENURE, counts=counts).influence
    for row in range(0, n, 9):
        step = np.zeros(n)
        step[row] = 1e-5
        up, down = (cohort_mean(**x, tenure=TENURE, counts=counts + sign * step).estimate for sign in (1, -1))
        np.testing.assert_allclose((up - down) / 2e-5, z[row], atol=1e-8)


def test_errors_agree_with_the_jackknife_and_with_clusters() -> None:
    rng = np.random.default_rng(5)
    x = cohort(rng, 400)
    r = cohort_mean(**x, tenure=TENURE)
    left_out = np.array([cohort_mean(**{k: np.delete(v, i) for k, v in x.items()}, tenure=TENURE).estimate for i in range(400)])
    np.testing.assert_allclose(r.std_error, np.sqrt(399 / 400 * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0)), rtol=0.03)
    clusters = rng.integers(0, 25, 400)
    sums = np.array([r.influence[clusters == g].sum(axis=0) for g in range(25)])
    clustered = cohort_mean(**x, tenure=TENURE, design=Design(clusters=clusters))
    np.testing.assert_allclose(clustered.std_error, np.sqrt(25 * sums.var(axis=0, ddof=1)))


def test_counts_are_repeated_rows() -> None:
    rng = np.random.default_rng(6)
    x = cohort(rng, 200)
    counts = rng.integers(0, 3, 200)
    once = cohort_mean(**x, tenure=TENURE, counts=counts)
    repeated = cohort_mean(**{k: np.repeat(v, counts) for k, v in x.items()}, tenure=TENURE)
    for name in ("estimate", "std_error", "n"):
        np.testing.assert_allclose(getattr(once, name), getattr(repeated, name), rtol=1e-9)


def test_nobody_left() -> None:
    r = cohort_mean([8.0, 6, NAN], [20, 20, 20], [False] * 3, tenure=TENURE)
    assert r.estimate[:4].tolist() == [7, 0, 1, 7] and np.isnan(r.estimate[4])
    assert r.std_error[:2].tolist() == [pytest.approx(r.std_error[3]), 0] and np.isnan(r.std_error[4])


def test_one_exit_interview_has_no_error() -> None:
    r = cohort_mean([8.0, 6, 2, NAN], [20, 20, 5, 5], [False, False, True, True], tenure=TENURE)
    assert np.isnan(r.std_error[[0, 1, 4]]).all() and (r.std_error[[2, 3]] > 0).all()


def test_result_reads_back() -> None:
    r = cohort_mean(**cohort(np.random.default_rng(7), 200), tenure=TENURE)
    np.testing.assert_array_equal(load(r.to_json()).std_error, r.std_error)
    assert r.at({"part": "bias"}).estimate == r.estimate[1]


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "unplaced": ({"duration": [20.0, 8, 5]}, InputError, "not under observation at tenure 12, at rows 1"),
    "listed later": ({"entry": [0.0, 15, 0]}, InputError, "rows 1"),
    "no exit interview": ({"y": [8.0, 7, NAN]}, IdentificationError, "none of them was heard"),
    "weightless exit interview": ({"weights": [1.0, 1, 0]}, IdentificationError, "Customers of 'everybody' left before tenure 12"),
    "uncounted exit interview": ({"counts": [1.0, 1, 0], "y": [8.0, NAN, 2], "event": [False, True, True], "duration": [20.0, 5, 5]},
                                 IdentificationError, "none of them was heard"),
    "no exit interview of one domain": (
        {"by": ["甲", "甲", "乙", "乙"], "y": [8.0, 2, 7, NAN], "duration": [20.0, 5, 20, 5], "event": [False, True] * 2},
        IdentificationError, "Customers of '乙' left",
    ),
    "nobody active": ({"y": [NAN, NAN, 2]}, IdentificationError, "Nobody still a customer"),
    "too long": ({"tenure": 30}, IdentificationError, "followed until tenure 30 in 'everybody'"),
    "domain": ({"by": ["a", "a", "b"]}, IdentificationError, "followed until tenure 12 in 'b'"),
    "length": ({"y": [8.0, 7]}, InputError, "duration has 3 entries"),
    "weights": ({"weights": [1.0, -1, 1]}, InputError, "weights must not be negative"),
    "tenure": ({"tenure": -1}, InputError, "tenure"),
    "tenure without end": ({"tenure": np.inf}, InputError, "tenure must lie"),
    "strings": ({"y": ["8", "7", "2"]}, InputError, "y must hold numbers"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, kind, text = BAD[name]
    event = [False, False, name != "domain"]
    defaults: dict[str, Any] = {"y": [8.0, 7, 2], "duration": [20.0, 20, 5], "event": event, "tenure": TENURE}
    with pytest.raises(kind, match=text) as caught:
        cohort_mean(**{**defaults, "y": [8.0, 7, NAN] if name == "domain" else defaults["y"], **options})
    assert message(caught.value, "zh")  # type: ignore[arg-type]
