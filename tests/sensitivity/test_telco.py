"""The telecom base with selection C, where silence depends on the score at both ends: what each analysis says, as its page warns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vocstats.sensitivity import mubp, r_indicator, registry_check, smub
from vocstats.weighting import weight_by_propensity

TRUTH, TRUE_SHARE = 3.24492, 1 - 0.20446  # mean, and share of 3 and more


@pytest.fixture(scope="module")
def telco(data: Path) -> tuple[dict[str, Any], Any, Any]:
    """Characteristics, score (missing where silent), later churn."""
    base = pd.read_csv(data / "telco/telco.csv")
    heard = base["Customer ID"].isin(pd.read_csv(data / "telco/selection_C.csv")["Customer ID"])
    labels = {name: base[name].fillna("none").to_numpy() for name in ("Contract", "Internet Type", "Payment Method")}
    numbers = {name: base[name].to_numpy(float) for name in ("Tenure in Months", "Monthly Charge")}
    return {**labels, **numbers}, base["Satisfaction Score"].where(heard).to_numpy(), base["Churn Value"].to_numpy(float)


def test_response_looks_representative(telco: Any) -> None:
    x, y, _ = telco
    r = r_indicator({name: x[name] for name in ("Contract", "Internet Type", "Payment Method")}, ~np.isnan(y))
    assert (round(r.estimate, 3), round(r.conf_low, 3), round(r.conf_high, 3)) == (0.945, 0.924, 0.983)
    assert (y[~np.isnan(y)] <= 2).mean() - 0.20446 > 0.10


def test_unadjusted_bias_goes_the_wrong_way(telco: Any) -> None:
    x, y, _ = telco
    r = smub(y, x, draws=200)
    assert r.mean_everybody.round(2).tolist() == [3.28, 3.34, 3.46]
    assert abs(np.nanmean(y) - TRUTH) < 0.03 < (r.mean_everybody - TRUTH).min()


def test_share_moves_a_part_of_the_way(telco: Any) -> None:
    x, y, _ = telco
    r = mubp(y, x, cuts=[3], draws=2)
    assert r.mean_everybody.round(3).tolist() == [0.715, 0.722, 0.732]
    assert r.mean_heard[0] < r.mean_everybody.min() and r.mean_everybody.max() < TRUE_SHARE


def test_registry_sees_that_the_weights_failed(telco: Any) -> None:
    x, y, churned = telco
    r = registry_check(y, churned, weight_by_propensity(x, ~np.isnan(y)))
    assert (round(r.gap, 3), round(r.remaining_bias, 2), round(r.weighted_mean - TRUTH, 2)) == (0.053, -0.14, 0.04)
    assert r.p_value < 1e-6
