"""Blemishes leave the truth recoverable."""

import numpy as np
import pandas as pd

from vocstats.datasets.blemishes import blank_traits, spoil_survey


def survey(size=5_000):
    return pd.DataFrame(
        {
            "customer_id": [f"{k:08d}" for k in range(size)],
            "answered_on": np.datetime64("2026-07-01", "s") + np.arange(size) % 90 * np.timedelta64(86_400, "s"),
            "csi": np.arange(size) % 10 + 1,
        }
    )


def test_last_answers_stay_or_become_a_code():
    clean = survey()
    spoilt = spoil_survey(np.random.default_rng(1), clean, 5_000)
    last = spoilt.drop_duplicates("customer_id", keep="last").set_index("customer_id")["csi"].loc[clean["customer_id"]].to_numpy()
    coded = last > 10
    assert 0.005 < coded.mean() < 0.02 and set(last[coded]) == {98, 99}
    np.testing.assert_array_equal(last[~coded], clean["csi"][~coded])


def test_nobody_with_a_code_answered_twice():
    spoilt = spoil_survey(np.random.default_rng(1), survey(), 5_000)
    coded = spoilt.loc[spoilt["csi"] > 10, "customer_id"]
    assert not spoilt.loc[spoilt["customer_id"].duplicated(keep=False), "customer_id"].isin(coded).any()


def test_unknown_ids_begin_with_nine():
    spoilt = spoil_survey(np.random.default_rng(1), survey(), 5_000)
    unknown = spoilt.loc[~spoilt["customer_id"].isin(survey()["customer_id"]), "customer_id"]
    assert len(unknown) == 15 and unknown.is_unique and unknown.str.fullmatch(r"9\d{7}").all()


def test_traits_are_blanked_at_random():
    registry = pd.DataFrame({"age_band": ["30-39"] * 20_000, "warranty": ["expired"] * 20_000, "dealer": ["D0001"] * 20_000})
    missing = blank_traits(np.random.default_rng(1), registry).isna().mean()
    assert abs(missing["age_band"] - 0.03) < 0.005 and abs(missing["warranty"] - 0.005) < 0.002 and missing["dealer"] == 0
