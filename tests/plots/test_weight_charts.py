"""The love plot and the histograms of weights hold the figures they show."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from report_contents import BALANCE, telco_mean

import vocstats as vs
from vocstats import plots
from vocstats.plots.frames import differences
from vocstats.plots.weight_frames import love_frame, weight_frame
from vocstats.weighting import Weights, balance, calibrate, margin_targets, rake, trim, weight_concentration


@pytest.fixture
def chain() -> tuple[dict[str, Any], Weights]:
    rng = np.random.default_rng(3)
    n = 300
    margins = {"city": np.array(["北京", "上海", "广州"])[rng.integers(0, 3, n)], "new": rng.random(n) < 0.3}
    heard = rng.random(n) < np.where(margins["city"] == "北京", 0.7, 0.45)
    raked = rake(margins, margin_targets(margins), base_weights=heard * rng.uniform(1.0, 3.0, n))
    return {**margins, "age": rng.normal(45.0, 12.0, n)}, trim(raked, upper=1.8)


def test_love_frame_holds_the_differences(chain: tuple[dict[str, Any], Weights]) -> None:
    columns, w = chain
    table = balance(columns, w)
    frame = love_frame(table, absolute=False)
    assert frame["difference"].tolist() == [*table["difference_before"], *table["difference_after"]]
    assert frame["level"].tolist()[:6] == ["上海", "北京", "广州", "0", "1", "age"]
    assert love_frame(table, absolute=True)["difference"].tolist() == frame["difference"].abs().tolist()
    without = balance({**columns, "one": np.ones(300)}, w)
    assert "one" not in love_frame(without, absolute=False)["variable"].tolist()


def test_weight_frame_holds_every_step(chain: tuple[dict[str, Any], Weights]) -> None:
    _, w = chain
    frame, wide = weight_frame(w)
    assert not wide
    assert frame.groupby("step", sort=False)["name"].first().tolist() == ["base", "rake", "trim"]
    np.testing.assert_allclose(frame.groupby("step")["share"].sum(), 1.0)
    last = frame[frame["step"] == 2]
    assert last["cap"].dropna().tolist() == [pytest.approx(1.8)]
    assert last["high"].where(last["share"] > 0).max() >= 1.8
    assert last["design_effect"].iloc[0] == pytest.approx(w.design_effect)
    assert last["top"].iloc[0] == pytest.approx(weight_concentration(w, top=[0.05]).top_shares[0])


def test_counts_are_repetition_and_zeros_are_left_out() -> None:
    values, counts = np.array([1.0, 2.0, 0.0, 5.0]), np.array([3.0, 2.0, 4.0, 1.0])
    short, _ = weight_frame(Weights(base=values, counts=counts))
    long, _ = weight_frame(Weights(base=np.repeat(values, counts.astype(int)), counts=np.ones(10)))
    pd.testing.assert_frame_equal(short, long)
    assert short["share"].tolist() == pytest.approx([0.5, 1 / 3, 1 / 6])


def test_weights_that_differ_much_stand_on_a_logarithmic_axis() -> None:
    assert '"type": "log"' in json.dumps(plots.weights([1.0, 2.0, 30.0]).to_dict())
    assert '"type": "log"' not in json.dumps(plots.weights([1.0, 2.0, 3.0]).to_dict())


def test_negative_weights_are_said() -> None:
    x = {"ones": np.ones(4), "age": np.array([20.0, 30.0, 40.0, 90.0])}
    w = calibrate(x, {"ones": 4.0, "age": 60.0})
    assert (w.values < 0).any()
    assert "some weights are negative" in json.dumps(plots.weights(w).to_dict())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_charts_are_drawn_in_both_languages(chain: tuple[dict[str, Any], Weights], language: Any) -> None:
    columns, w = chain
    image = pytest.importorskip("vl_convert")
    said = []
    for chart in (plots.love(balance({"age": columns["age"]}, w), language=language), plots.weights(w, language=language)):
        document = chart.to_dict()
        assert image.vegalite_to_svg(document).startswith("<svg")
        assert "Noto Sans CJK SC" in document["config"]["font"]
        said.append(json.dumps(document, ensure_ascii=False))
    assert [bool(re.search(r"[\u4e00-\u9fff]", text)) for text in said] == [language == "zh"] * 2
    assert ("权数修剪" if language == "zh" else "trimming: design effect") in said[1]


def test_love_of_a_correction() -> None:
    said = plots.love(telco_mean()).to_dict()
    drawn = {round(row["difference"], 9) for rows in said["datasets"].values() for row in rows if "difference" in row}
    before, _ = differences(BALANCE)
    assert {round(float(value), 9) for value in before[before != 0]} <= drawn


def test_the_line_is_drawn_where_it_is_asked_for(chain: tuple[dict[str, Any], Weights]) -> None:
    columns, w = chain
    table = balance(columns, w)
    assert '"datum": -0.25' in json.dumps(plots.love(table, threshold=0.25).to_dict())
    assert '"datum": -0.25' not in json.dumps(plots.love(table, threshold=0.25, absolute=True).to_dict())


def test_bad_input(chain: tuple[dict[str, Any], Weights], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(vs.InputError, match="variable, level, difference_before, difference_after is missing"):
        plots.love([1, 2])  # type: ignore[arg-type]
    with pytest.raises(vs.InputError, match="no balance"):
        plots.love(telco_mean(balance=None))
    with pytest.raises(vs.InputError, match="language must be one of"):
        plots.weights(chain[1], language="de")  # type: ignore[arg-type]
    with pytest.raises(vs.InfeasibleError, match="Nobody was heard"):
        plots.weights([0.0, 0.0])
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(vs.MissingDependencyError, match=r"vocstats\[report\]"):
        plots.weights(chain[1])
