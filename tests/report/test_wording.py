"""How figures are printed."""

from __future__ import annotations

import numpy as np
import pytest
from report_contents import row, telco_mean, telco_share

from vocstats.report.wording import DASH, Measure, Words, points

EN, ZH = Words("en"), Words("zh")


def plain(text: str) -> str:
    """No-break spaces as spaces."""
    return text.replace("\u00a0", " ")


def test_numbers():
    assert EN.number(-0.004, 3) == "−0.004"
    assert EN.number(-0.0001, 2, signed=True) == "0.00"
    assert EN.number(0.5, 1, signed=True) == "+0.5"
    assert EN.count(7043) == "7,043"
    assert EN.number(float("nan")) == DASH
    assert EN.shift(-0.375) == "−0.375"
    assert EN.shift(0.0) == "0"


def test_shares_by_language():
    assert plain(EN.share(0.1741)) == "17.4 %"
    assert ZH.share(0.1741) == "17.4%"
    assert plain(EN.percent(0.95)) == "95 %"


def test_a_share_of_nobody_has_its_exact_limit():
    """0 of 1,226 at 95 %: the upper Clopper-Pearson limit is 1 - .025^(1/1226) = 0.30 %."""
    measure = Measure(EN, telco_share())
    assert plain(measure.estimate(0, 0)) == "0 % (at most 0.30 %)"
    assert measure.interval(0, 0) == ""
    assert Measure(ZH, telco_share()).estimate(0, 0) == "0%(至多 0.30%)"


def test_a_share_of_everybody_has_its_exact_limit():
    everyone = telco_share(estimate=row(1.0, 1.0, 0.5), conf_low=row(1.0, 0.9971, 0.4), conf_high=row(1.0, 1.0, 0.6))
    measure = Measure(EN, everyone)
    assert plain(measure.estimate(0, 0)) == "100 % (at least 99.70 %)"
    assert plain(measure.estimate(0, 1)) == "100 % (at least 99.71 %)"


@pytest.mark.parametrize(("low", "high", "text"), [(3.33, 3.417, "3.33–3.42"), (-0.5, 0.25, "−0.50 to 0.25")])
def test_spans_of_scores(low: float, high: float, text: str):
    assert Measure(EN, telco_mean()).span(low, high) == text


def test_spans_of_shares_and_net_promoter_scores():
    assert plain(Measure(EN, telco_share()).span(0.1896, 0.2202)) == "19.0–22.0 %"
    promoters = telco_mean(statistic="nps", estimate=row(0.234, np.nan, -0.1))
    measure = Measure(EN, promoters)
    assert measure.estimate(0, 0) == "23.4"
    assert measure.estimate(0, 1) == "not estimated"
    assert measure.estimate(0, 2) == "−10.0"
    assert measure.axis() == (-1.0, 1.0)


def test_points_of_a_box():
    assert points((9, 10)) == "9–10"
    assert points((1, 2, 5)) == "1, 2, 5"
    assert points((10,)) == "10"


def test_names_in_chinese_sentences_are_set_off():
    assert ZH.inside("Contract") == " Contract "
    assert ZH.inside("经销商") == "经销商"
    assert EN.inside("Contract") == "Contract"
    assert ZH.by(["dealer", "region"]) == "经销商 × region"
