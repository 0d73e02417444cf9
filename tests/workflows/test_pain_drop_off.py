"""Drop-off through the workflow: what it adds, what is said of it, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from workflows.pain_worlds import options, world

import vocstats as vs
from vocstats import texts
from vocstats.prevalence import drop_off_chains

ACTS = {"stage_1": ["information_overload", "product_quality"], "stage_2": "price_value"}


def told(**changes: Any) -> vs.PainPointPrevalence:
    return vs.estimate_pain_points(
        world().observations, **options(**({"drop_off": world().drop_off, "drop_off_pains": ACTS, "by": "segment"} | changes))
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few sweeps, where the numbers themselves are not judged."""
    monkeypatch.setattr(drop_off_chains, "_SWEEPS", (2,))


@cache
def estimated() -> vs.PainPointPrevalence:
    return told()


def test_drop_off_is_said_and_read_back() -> None:
    p = estimated()
    said = {each.values["stage"]: each for each in p.assumptions if each.code == "pain_drop_off"}
    assert [*said] == ["stage_1", "stage_2"] and said["stage_1"].testable == "no"
    assert "rises with information_overload, product_quality, and with nothing else" in said["stage_1"].text()
    assert "流失随 price_value 而上升" in said["stage_2"].text("zh")
    assert p.diagnostics["drop_off_drift"] < 0.1 and "pain_drop_off_unsettled" not in {each.code for each in p.assumptions}
    back = vs.load(p.to_json())
    pd.testing.assert_frame_equal(back.to_frame(), p.to_frame())
    assert [each.text("zh") for each in back.assumptions] == [each.text("zh") for each in p.assumptions]
    assert p.diagnostics == back.diagnostics


@pytest.mark.usefixtures("quick")
def test_dealers_are_added_up_and_order_does_not_matter() -> None:
    summed = world().drop_off.groupby(["stage", "segment"], as_index=False)[["reached", "dropped"]].sum()
    assert (told(drop_off=summed.iloc[::-1]).estimate == told().estimate).all()
    counts = estimated().fit.table.counts.drop_off
    assert counts.stage.tolist() == [0, 0, 0, 1, 1, 1] and counts.reached.tolist() == summed["reached"].tolist()
    assert counts.acts.tolist() == [[True, False, True, False], [False, True, False, False]]  # of the pains in their order


@pytest.mark.usefixtures("quick")
def test_dealers_are_estimated_from_the_draws_told() -> None:
    p = told(by=["dealer"])
    assert p.estimate.shape == (4, 12)
    network = (p.estimate * p.customers).sum(axis=1) / p.customers.sum()
    assert network == pytest.approx(estimated().draws(()).mean(axis=0)[:, 0], abs=0.02)


@pytest.mark.usefixtures("quick")
def test_the_funnel_can_be_left_out() -> None:
    found = estimated().source_conflict("segment")
    assert found.columns[:3].tolist() == ["source", "pain_point", "segment"]
    without = found.query("source == 'drop_off'")
    plain = vs.estimate_pain_points(world().observations, **options(by="segment", seed=1))
    assert without["without"].to_numpy() == pytest.approx(plain.estimate.ravel())
    assert len(without) == 12 and without["p_value"].between(0.0, 1.0).all()


@pytest.mark.usefixtures("quick")
def test_a_stage_of_one_segment_abstains() -> None:
    """It says so; and where no stage is left, the bits are those without."""
    one = world().drop_off.query("stage == 'stage_1' or segment == 'S02'")
    p = told(drop_off=one)
    codes = [each.code for each in p.assumptions]
    assert codes.count("pain_drop_off") == 1 and codes.count("pain_drop_off_idle") == 1
    assert "stage_2" in next(each for each in p.assumptions if each.code == "pain_drop_off_idle").text("zh")
    nobody = world().drop_off.assign(reached=0, dropped=0)
    alone = told(drop_off=nobody)
    assert (alone.estimate == vs.estimate_pain_points(world().observations, **options(by="segment")).estimate).all()
    assert [each.code for each in alone.assumptions].count("pain_drop_off_idle") == 2
    assert "drop_off_drift" not in alone.diagnostics and "drop_off" not in set(alone.source_conflict()["source"])


@pytest.mark.usefixtures("quick")
def test_chinese_names() -> None:
    named = {"stage": {"stage_1": "支付", "stage_2": "交付"}}
    p = told(drop_off=world().drop_off.replace(named), drop_off_pains={"支付": ACTS["stage_1"], "交付": ACTS["stage_2"]})
    assert (p.fit.table.drop_off.acts.keys()) == {"交付", "支付"}
    assert "在“支付”环节" in p.summary("zh")


def changed(column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        values = table[column].astype(object)
        values.iloc[1] = value
        return table.assign(**{column: values if isinstance(value, str) or value is None else values.astype(float)})

    return change


def same(table: pd.DataFrame) -> pd.DataFrame:
    return table


BAD: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], Any, str, str]] = {
    "dropped above reached": (changed("dropped", 1e6), ACTS, "dropped_above_reached", r"exceeds 'reached' at rows 1: .* 1e\+06 are said"),
    "missing count": (changed("reached", np.nan), ACTS, "missing_or_infinite", r"reached has 1 missing"),
    "negative": (changed("dropped", -1), ACTS, "negative", r"dropped must not be negative"),
    "not whole": (changed("reached", 100.5), ACTS, "customers_not_whole", r"'reached' must hold whole numbers"),
    "text": (lambda t: t.assign(reached=t["reached"].astype(str)), ACTS, "text_as_number", r"'reached' of drop_off holds text"),
    "missing stage": (changed("stage", None), ACTS, "missing_labels", r"stage has 1 missing labels, at rows 1"),
    "segment absent": (changed("segment", "S9"), ACTS, "drop_off_not_in_frame", r"stage_1 / S9 / D0002' at rows 1"),
    "missing segment": (changed("segment", None), ACTS, "drop_off_not_in_frame", r"at rows 1"),
    "dealer absent": (changed("dealer", "D9"), ACTS, "drop_off_not_in_frame", r"stage_1 / S01 / D9"),
    "twice": (lambda t: pd.concat([t, t.iloc[[3]]]), ACTS, "repeated_cell", r"drop_off has more than one row of 'stage_1 / S01 / D0004'"),
    "no column": (lambda t: t.drop(columns="stage"), ACTS, "unknown_column", r"no column 'stage'"),
    "no segment": (lambda t: t.drop(columns="segment"), ACTS, "unknown_column", r"no column 'segment'"),
    "empty": (lambda t: t.iloc[:0], ACTS, "empty_table", r"drop_off holds no rows"),
    "unknown stage": (same, ACTS | {"stage_3": "price_value"}, "unknown_stage", r"stages 'stage_3'; those of drop_off are .* mean 'stage_"),
    "stage without": (same, {"stage_1": "price_value"}, "stage_without_pains", r"has the stages 'stage_2', and drop_off_pains names no"),
    "stage empty": (same, ACTS | {"stage_2": []}, "stage_without_pains", r"'stage_2'"),
    "unknown pain": (same, ACTS | {"stage_2": ["price"]}, "unknown_pain_of_stage", r"do not have: 'price'. Did you mean 'price_value'"),
    "no mapping": (same, None, "drop_off_without_pains", r"drop_off is given without drop_off_pains"),
    "a list": (same, ["price_value"], "drop_off_pains_not_a_mapping", r"must name the pain points of each stage"),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input_is_named(case: str) -> None:
    change, acts, code, message = BAD[case]
    with pytest.raises(vs.InputError, match=message) as caught:
        told(drop_off=change(world().drop_off).reset_index(drop=True), drop_off_pains=acts)
    assert caught.value.code == code
    assert any("一" <= letter <= "鿿" for letter in texts.message(caught.value, "zh"))


def test_pains_without_a_table() -> None:
    with pytest.raises(vs.InputError, match="drop_off_pains is given without drop_off"):
        told(drop_off=None)
