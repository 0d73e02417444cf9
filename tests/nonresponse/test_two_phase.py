"""Published two-phase variances, special cases, coverage, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import IdentificationError, InputError
from vocstats.estimation import Design, mean
from vocstats.nonresponse import TwoPhaseEstimate, double_sampling, two_phase_stratified
from vocstats.results import load
from vocstats.texts import message

NAN = float("nan")
STRATA = [1] * 12 + [2] * 8
SUBSAMPLED = [1.0, 2, 3, 4, 5] + [NAN] * 7 + [6, 7, 8] + [NAN] * 5
HEARD = [1.0, 2, 3, 4, 5, 1, 2, 3, 4, 5, 2, 4] + [6, 7, 8] + [NAN] * 5


def test_published_stratified_total() -> None:
    r = two_phase_stratified(SUBSAMPLED, STRATA, population=300, statistic="total")
    assert r.estimate == pytest.approx(1380)
    assert round(r.std_error**2, 2) == 36522.63
    assert (round(r.variance_first, 2), round(r.variance_second, 2)) == (24072.63, 12450.0)


def test_published_hansen_hurwitz_mean() -> None:
    r = double_sampling(HEARD, [False] * 12 + [True] * 8, population=300)
    assert r.estimate == pytest.approx(4.6)
    assert round(r.std_error**2, 8) == 0.29073684


def test_census_is_stratified_sampling_with_finite_populations() -> None:
    r = two_phase_stratified(SUBSAMPLED, STRATA)
    base = np.where(np.isnan(SUBSAMPLED), 0.0, np.where(np.array(STRATA) == 1, 12 / 5, 8 / 3))
    e = mean(SUBSAMPLED, base, design=Design(strata=STRATA, fpc=np.where(np.array(STRATA) == 1, 12.0, 8.0)))
    assert r.estimate == pytest.approx(e.estimate)
    assert r.std_error == pytest.approx(e.std_error)
    assert r.variance_first == pytest.approx(0.0)


def test_everybody_heard_is_simple_random_sampling() -> None:
    y = np.random.default_rng(1).normal(size=30)
    r = two_phase_stratified(y, np.arange(30) % 3, population=100)
    assert r.std_error**2 == pytest.approx((1 - 0.3) * y.var(ddof=1) / 30)
    assert r.variance_second == 0


def test_counts_are_repeated_rows() -> None:
    values, counts = np.unique(np.column_stack([STRATA, np.nan_to_num(SUBSAMPLED, nan=-1.0)]), axis=0, return_counts=True)
    r = two_phase_stratified(np.where(values[:, 1] < 0, NAN, values[:, 1]), values[:, 0], counts=counts, population=300)
    full = two_phase_stratified(SUBSAMPLED, STRATA, population=300)
    assert (r.estimate, r.std_error, r.df) == pytest.approx((full.estimate, full.std_error, full.df))


def test_one_outcome_in_a_subsampled_stratum_has_no_error() -> None:
    r = two_phase_stratified([1.0, 2.0, 5.0, NAN], [0, 0, 1, 1])
    assert np.isnan(r.std_error) and r.estimate == pytest.approx(3.25)
    assert two_phase_stratified([1.0, 2.0, 5.0], [0, 0, 1]).std_error == 0  # heard in full


def test_result_reads_back() -> None:
    r = two_phase_stratified(SUBSAMPLED, STRATA, population=300)
    back = load(r.to_json())
    assert isinstance(back, TwoPhaseEstimate) and back.std_error == r.std_error and back.labels["stratum"].tolist() == [1, 2]
    assert list(r.tidy().columns) == ["term", "estimate", "std_error", "conf_low", "conf_high"]
    assert r.to_frame()["asked"].tolist() == [12, 8]
    assert "mean" in r.summary()


BAD: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "population": ({"population": 19}, InputError, r"population must lie in \[20"),
    "statistic": ({"statistic": "median"}, InputError, "'total'"),
    "level": ({"level": 0}, InputError, "level"),
    "stratum": ({"stratum": [3] * 12 + [4] * 8, "y": [NAN] * 12 + [1.0] * 8}, IdentificationError, "stratum 3"),
    "labels": ({"stratum": [1] * 19}, InputError, "19 entries; 20"),
    "counts": ({"counts": [-1.0] * 20}, InputError, "negative"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, kind, text = BAD[name]
    arguments: dict[str, Any] = {"y": SUBSAMPLED, "stratum": STRATA, **options}
    with pytest.raises(kind, match=text) as caught:
        two_phase_stratified(arguments.pop("y"), arguments.pop("stratum"), **arguments)
    assert message(caught.value, "zh")  # type: ignore[arg-type]


def test_double_sampling_refusals() -> None:
    with pytest.raises(InputError, match="True and False"):
        double_sampling([1.0, 2.0], [0, 1])
    with pytest.raises(InputError, match="rows 1, who are not silent"):
        double_sampling([1.0, NAN, 2.0], [False, False, True])
    with pytest.raises(InputError, match="at least two"):
        double_sampling([1.0], [False])
    with pytest.raises(IdentificationError, match="No outcome is known"):
        double_sampling([1.0, NAN], [False, True])


def coverage(repetitions: int, seed: int, population: int | None) -> tuple[float, float]:
    """Share of 95 % intervals over the truth when the score itself decides who is silent; mean over true variance."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 11, 2000).astype(float)
    silent = rng.random(2000) > 0.1 + 0.05 * truth
    hits, values, spreads = 0, [], []
    for _ in range(repetitions):
        drawn = np.arange(2000) if population is None else rng.choice(2000, 500, replace=False)
        y, later = truth[drawn].copy(), silent[drawn]
        asked = np.flatnonzero(later)
        y[np.setdiff1d(asked, rng.choice(asked, asked.size // 10, replace=False))] = NAN
        r = double_sampling(y, later, population=population)
        hits += r.conf_low <= truth.mean() <= r.conf_high
        values.append(r.estimate)
        spreads.append(r.std_error**2)
    return hits / repetitions, float(np.mean(spreads) / np.var(values))


@pytest.mark.parametrize("population", [None, 2000])
def test_coverage_in_ci(population: int | None) -> None:
    share, ratio = coverage(500, 1, population)
    assert abs(share - 0.95) < 3 * 0.0098
    assert 0.8 < ratio < 1.25


@pytest.mark.slow
@pytest.mark.parametrize("population", [None, 2000])
def test_coverage(population: int | None) -> None:
    share, ratio = coverage(10_000, 2, population)
    assert abs(share - 0.95) < 3 * 0.00218
    assert 0.95 < ratio < 1.05
