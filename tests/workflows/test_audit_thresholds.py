"""KPI lines by dealer and month: the same as one line where all are alike, and what tables are refused."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from workflows.dealer_networks import network

import vocstats as vs
from vocstats import inflation
from vocstats.errors import InputError
from vocstats.workflows.audit_tables import Responses
from vocstats.workflows.audit_thresholds import is_share, read_threshold

MONTHS = pd.period_range("2025-10", "2026-09", freq="M")


@cache
def forms() -> pd.DataFrame:
    responses = network()[0]
    return responses.loc[responses["dealer"] <= "D0012", ["dealer", "score", "channel", "time"]].reset_index(drop=True)


def bunching(threshold: Any) -> inflation.Signal:
    a = vs.audit_dealers(forms(), time="time", threshold=threshold)
    return next(each for each in a.signals if each.name == "threshold_bunching")


@cache
def alike() -> inflation.Signal:
    return bunching(0.8)


def table(value: Any = 0.8, **changes: Any) -> pd.DataFrame:
    dealers = forms()["dealer"].unique()
    lines = pd.MultiIndex.from_product([dealers, MONTHS.astype(str)], names=["dealer", "month"]).to_frame(index=False)
    return lines.assign(threshold=value, **changes)


@pytest.mark.parametrize("kind", ["table", "mapping", "dealers"])
def test_the_same_line_everywhere_is_one_line(kind: str) -> None:
    one = alike()
    lines = table().drop(columns="month").drop_duplicates()
    two = bunching({"table": table(), "mapping": dict.fromkeys(lines["dealer"], 0.8), "dealers": lines}[kind])
    np.testing.assert_array_equal(one.p_value, two.p_value)
    np.testing.assert_array_equal(one.evidence, two.evidence)
    assert (two.details["unset"] == 0).all() and "unset" not in one.details


def test_dealers_and_months_without_a_line_are_said() -> None:
    whole, lines = alike(), table()
    kept = lines[(lines["dealer"] != "D0001") & (lines["month"] >= "2026-01")]
    r = bunching(kept.sample(frac=1, random_state=1))
    first = r.place_of("D0001")
    assert r.reasons[first] == "no_threshold" and np.isnan(r.p_value[first])
    np.testing.assert_array_equal(r.details["unset"] + r.details["periods"], whole.details["periods"])
    assert (r.details["unset"] > 0).sum() > 10
    shown = forms().iloc[r.evidence]
    assert (pd.to_datetime(shown["time"]) >= "2026-01-01").all() and shown["dealer"].ne("D0001").all()


def test_another_line_for_another_dealer() -> None:
    lines = table()
    lines.loc[lines["dealer"] == "D0005", "threshold"] = 0.9
    r = bunching(lines)
    other = r.labels["dealer"] != "D0005"
    np.testing.assert_array_equal(r.details["near"][other], alike().details["near"][other])
    np.testing.assert_allclose(r.details["near"][~other], bunching(0.9).details["near"][~other])


@pytest.mark.parametrize("month", [
    "2026-03", "2026/3", "2026年3月", "202603", "2026-03-17", 202603, np.datetime64("2026-03-17"), pd.Timestamp("2026-03-01"),
])
def test_months_may_be_written_in_many_ways(month: Any) -> None:
    given = pd.DataFrame({"dealer": ["D0001", "店二"], "month": [month] * 2, "threshold": [0.8, 0.9]})
    found = read_threshold(given, _answers(["D0001", "D0002"]), "dealer")
    days = np.array(["2026-03", "2026-04", "2026-03"], "datetime64[M]")
    np.testing.assert_array_equal(found.of(np.array(["D0001", "D0001", "D0009"], object), days), [0.8, np.nan, np.nan])


def test_numbered_dealers_and_other_frames() -> None:
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    given = pd.DataFrame({"dealer": [2, 1], "month": ["2026-03", "2026-03"], "threshold": [9.0, 8.5]})
    days = np.array(["2026-03"] * 2, "datetime64[M]")
    for frame in (given, pl.from_pandas(given), pl.from_pandas(given).lazy(), pa.Table.from_pandas(given), {1: 8.5, 2: 9.0}):
        found = read_threshold(frame, _answers([1, 2, 3]), "dealer")
        assert found.of(np.array([1, 2]), days).tolist() == [8.5, 9.0]


@pytest.mark.parametrize(
    ("threshold", "message"),
    [
        (lambda: table().drop(columns="threshold"), "no column 'threshold'"),
        (lambda: table().rename(columns={"dealer": "store"}), "no column 'dealer'"),
        (lambda: table(dealer="X1"), "more than one line for the same dealer and month, at rows 12"),
        (lambda: table().assign(dealer=lambda t: "X" + t["dealer"]), "No dealer of threshold is a dealer of the responses"),
        (lambda: pd.concat([table(), table().head(1)]), "same dealer and month, at rows 144"),
        (lambda: table(month="spring"), "spring"),
        (lambda: table().assign(month=lambda t: t["month"].where(t.index != 3)), "Column 'month' of threshold is missing at 1 rows: 3"),
        (lambda: table("0.8"), "holds text, not numbers"),
        (lambda: table(12.0), "threshold must be a mean score above 1 and up to 10.*got 12"),
        (lambda: table(np.where(np.arange(144) == 5, 9.0, 0.8)), "shares of top marks and mean scores, such as 0.8 and 9"),
        (lambda: {"D0001": -1.0}, "got -1"),
        (lambda: {"nobody": 0.8}, "No dealer of threshold"),
        (lambda: {"D0001": "high"}, "threshold"),
        (lambda: "0.8", "threshold"),
        (lambda: {}, "No dealer of threshold"),
    ],
)
def test_bad_lines_are_refused(threshold: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        bunching(threshold())


def test_lines_nobody_can_miss_or_reach_are_left_out() -> None:
    for threshold, reason in ((10.0, "threshold_out_of_reach"), (table(10.0), "threshold_out_of_reach"), (table(np.nan), "no_threshold"),
                              (table(month="2031-01").drop_duplicates(["dealer", "month"]), "no_threshold")):
        assert vs.audit_dealers(forms(), time="time", threshold=threshold).left_out["threshold_bunching"] == reason


def test_kinds_of_lines() -> None:
    assert is_share(0.8, 1.0, 10.0) and not is_share(9.0, 1.0, 10.0) and not is_share(0.8, 0.0, 1.0)


def _answers(dealers: list[Any]) -> Responses:
    names = ("id", "visit", "independent", "time", "device", "address", "seconds")
    size = len(dealers)
    return Responses(
        row=np.arange(size), dealer=np.array(dealers), score=np.ones(size), items={}, x={}, outcomes={}, off_roster=0,
        **dict.fromkeys(names),
    )
