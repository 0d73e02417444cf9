"""Days and moments as they are written."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from vocstats.tables import day, moment_of


@pytest.mark.parametrize(
    "text", ["2026-09-03", "2026/9/3", "20260903", "2026.9.3", "2026年9月3日", "2026-09-03 14:05", "2026-09-03T14:05:06", " 2026-9-3 9:05"]
)
def test_year_first_is_a_day(text):
    assert day(text) == date(2026, 9, 3)


@pytest.mark.parametrize("text", ["03/09/2026", "2026-13-01", "2026-02-30", "9月3日", "soon", "", "26-09-03", "2026-09-03T14:05:06+08:00"])
def test_anything_else_is_not(text):
    assert moment_of(text) is None and day(text) is None


def test_days_of_other_types():
    assert (
        day(datetime(2026, 9, 3, 14))
        == day(date(2026, 9, 3))
        == day(np.datetime64("2026-09-03"))
        == day(pd.Timestamp("2026-09-03"))
        == date(2026, 9, 3)
    )
    assert day(pd.Timestamp("2026-09-03", tz="Asia/Shanghai")) is None
    assert day(20260903) is None and day(np.datetime64("NaT", "D")) is None
