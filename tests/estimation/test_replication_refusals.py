"""What replicates refuse, and replicates whose chain cannot be re-run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats import texts
from vocstats.errors import InfeasibleError, InputError, VocstatsError
from vocstats.estimation import Design, mean, replicate
from vocstats.weighting import Weights, poststratify, weight_by_propensity

ONES = np.ones(12)
STRATUM = np.repeat([0, 1], 6)
RARE = np.where(np.arange(12) < 2, "稀有", "common")


def rare() -> Weights:
    """A class of two people, whom a bootstrap replicate may miss."""
    return poststratify(RARE, {"稀有": 30.0, "common": 100.0}, base_weights=ONES)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"method": "delete"}, "not_a_choice", "method must be one of 'bootstrap', 'jackknife', 'brr', 'fay', 'given'"),
    ({"centre": "median"}, "not_a_choice", "centre must be one of"),
    ({"replicates": 1}, "out_of_bounds", "replicates must lie in"),
    ({"seed": -1}, "out_of_bounds", "seed must lie in"),
    ({"draws": 0.0}, "out_of_bounds", "draws must lie in"),
    ({"method": "fay"}, "needed_by_method", "method='fay' needs rho"),
    ({"method": "fay", "rho": 1.0}, "out_of_bounds", "rho must lie in"),
    ({"method": "brr", "rho": 0.5}, "not_with_method", "rho does not go with method='brr'"),
    ({"method": "jackknife", "interval": "percentile"}, "not_with_method", "interval does not go with method='jackknife'"),
    ({"method": "jackknife", "failed": "drop"}, "not_with_method", "failed does not go with method='jackknife'"),
    ({"method": "given", "scale": 1.0}, "given_replicates", "takes either multiplicities"),
    ({"method": "given", "multiplicities": np.ones((12, 3))}, "needed_by_method", "method='given' needs scale"),
    ({"method": "given", "multiplicities": np.ones((11, 3)), "scale": 1.0}, "not_a_table", "12 rows and a column per replicate"),
    ({"method": "given", "replicate_weights": np.full((12, 3), np.nan), "scale": 1.0}, "not_a_table", "finite numbers"),
    ({"method": "given", "multiplicities": -np.ones((12, 3)), "scale": 1.0}, "negative", "must not be negative"),
    ({"method": "given", "replicate_weights": np.ones((12, 3)), "scale": 1.0, "design": Design()}, "not_with_method", "design does not go"),
    ({"scale": 1.0}, "not_with_method", "scale does not go with method='bootstrap'"),
    ({"design": Design(strata=np.zeros(11))}, "wrong_length", "design describes 11 rows; w has 12"),
    ({"method": "brr", "design": Design(strata=np.repeat([0, 1], [5, 7]))}, "odd_clusters", "2 strata hold 5, 7, at rows 0, 1, 2"),
    ({"design": Design(strata=np.arange(12) == 11)}, "lonely_psu", "hold one cluster only, at rows 11"),
    ({"design": Design(strata=np.arange(12) == 11, lonely_psu="adjust")}, "not_with_method", "is for linearisation and the jackknife"),
    ({"design": Design(clusters=np.zeros(12)), "method": "jackknife"}, "lonely_psu", "hold one cluster only"),
    ({"design": Design(clusters=np.zeros(12), lonely_psu="remove")}, "nothing_to_resample", "nothing to draw again"),
    ({"design": Design(fpc=np.full(12, 12.0)), "method": "jackknife"}, "nothing_to_resample", "every stratum is a census"),
    ({"counts": np.full(12, 1.5)}, "counts_not_whole", "counts must be whole numbers"),
    ({"counts": np.zeros(12)}, "nobody_heard", "Nobody was heard"),
]


@pytest.mark.parametrize(("options", "code", "message"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_refused(options: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(VocstatsError, match=message) as caught:
        replicate(ONES, **options)
    assert caught.value.code == code
    assert texts.message(caught.value, "zh") != str(caught.value)


def test_a_design_beside_replicates_is_refused() -> None:
    with pytest.raises(InputError, match="Replicates bring their own design"):
        mean(ONES, replicate(ONES, replicates=5), design=Design())
    with pytest.raises(InputError, match="counts entered the chain"):
        replicate(rare(), counts=ONES)


def test_a_level_lost_is_named() -> None:
    with pytest.raises(InfeasibleError, match=r"cannot be re-run in \d+ of the first 200 replicates .*稀有.*draws=0.5") as caught:
        replicate(rare(), replicates=200)
    error = caught.value
    assert error.code == "replicates_failed" and "稀有" in str(error.levels)
    assert 0.05 < error.values["count"] / 200 < 0.25  # (10/12)^11 = .13
    assert "稀有" in texts.message(error, "zh")


def test_remedies_for_a_level_lost() -> None:
    y = np.arange(12.0)
    dropped = replicate(rare(), replicates=200, failed="drop")
    lost = 200 - len(dropped)
    assert dropped.dropped == lost > 0 and f"{lost} dropped" in repr(dropped)
    assert dropped.scaling.scale == 1 / len(dropped) and dropped.values.shape == (12, len(dropped))
    np.testing.assert_allclose(dropped.values[:2].sum(axis=0), 30.0)
    again = np.hstack([dropped.source.masses(dropped.numbers[:3])])
    np.testing.assert_allclose(again, dropped.values[:, :3])
    gentle, deleted = replicate(rare(), replicates=200, draws=0.5), replicate(rare(), method="jackknife")
    for reps in (dropped, gentle, deleted):
        assert np.isfinite(mean(y, reps).std_error)


def test_all_replicates_lost() -> None:
    heard = np.arange(12) == 0
    w = weight_by_propensity(None, heard, estimator="classes", classes=np.zeros(12))
    with pytest.raises(InfeasibleError, match="cannot be re-run"):
        replicate(w, method="given", multiplicities=np.where(heard[:, None], 0.0, np.ones((12, 3))), scale=1.0)
