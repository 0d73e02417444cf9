"""Charts hold the figures of the result, and a page of one cannot be broken out of."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from report_contents import BALANCE, dealers, telco_mean, telco_share

import vocstats
from vocstats import plots
from vocstats.plots.frames import balance_frame, differences, ladder, layer_frame


def data_of(chart: Any) -> list[dict[str, Any]]:
    """Rows a chart carries."""
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


def test_differences_are_standardised_by_the_target():
    before, after = differences(BALANCE)
    assert before[0] == pytest.approx((0.3891 - 0.3779) / np.sqrt(0.3779 * 0.6221))
    assert np.abs(after).max() == 0.0


def test_ladder_holds_the_three_scores_and_the_range_of_the_corrected():
    frame = ladder(telco_mean())
    assert frame["estimate"].tolist() == [3.9625, 3.9582, 3.3734]
    assert np.isnan(frame["range_low"][0])
    assert frame["range_low"][2] == 3.0493
    assert ladder(dealers())["estimate"].tolist() == frame["estimate"].tolist()


def test_layers_and_balance_frames():
    frame = layer_frame(telco_mean()).set_index(["term", "layer"])
    assert tuple(frame.loc[("survivor_corrected", "worst")]) == (1.5325, 4.7358)
    assert len(balance_frame(BALANCE)) == 2 * len(BALANCE.part)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", ["correction", "balance", "sensitivity"])
def test_charts_are_valid_and_legible_in_chinese(name: str, language: str):
    document = getattr(plots, name)(telco_mean(), language=language).to_dict()
    assert "Noto Sans CJK SC" in document["config"]["font"]
    said = json.dumps(document, ensure_ascii=False)
    assert bool(re.search(r"[\u4e00-\u9fff]", said)) == (language == "zh")


def test_the_axis_is_the_full_scale():
    said = json.dumps(plots.correction(telco_mean()).to_dict())
    assert '"domain": [1.0, 5.0]' in said
    assert '"domain": [0.0, 1.0]' in json.dumps(plots.correction(telco_share()).to_dict())
    assert {row["estimate"] for row in data_of(plots.correction(telco_mean())) if "estimate" in row} == {3.9625, 3.9582, 3.3734}


def test_the_target_is_drawn_where_there_is_one():
    assert '"datum": 3.25' in json.dumps(plots.sensitivity(telco_mean()).to_dict())
    assert "datum" not in json.dumps(plots.sensitivity(telco_share()).to_dict())


def test_nothing_to_balance():
    with pytest.raises(vocstats.InputError, match="no balance"):
        plots.balance(telco_mean(balance=None))


def test_page_keeps_hostile_levels_inside_its_data():
    hostile = "</script><img src=x onerror=alert(1)>"
    level = (hostile, *BALANCE.level[1:])
    record = type(BALANCE)(**{name: getattr(BALANCE, name) for name in BALANCE.__dataclass_fields__} | {"level": level})
    page = plots.page(plots.balance(telco_mean(balance=record)), title=hostile)
    assert "<img src=x" not in page
    assert page.count("</script>") == 2
    spec = re.search(r'id="spec">(.*?)</script>', page, re.S)
    assert spec is not None
    assert "\\u003c/script\\u003e" in spec[1]
    assert hostile in {row["level"] for rows in json.loads(spec[1])["datasets"].values() for row in rows}


def test_missing_altair_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(vocstats.MissingDependencyError, match=r"vocstats\[report\]"):
        plots.correction(telco_mean())


def test_importing_plots_loads_no_drawing_library():
    libraries = ("altair", "jinja2", "openpyxl", "vl_convert")
    code = f"import sys, vocstats.plots, vocstats.report; print([m for m in {libraries} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
