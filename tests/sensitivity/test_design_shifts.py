"""Shifts of groups against moving people one by one, the whole box searched, derivatives, errors, domains, refusals."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from vocstats.errors import InputError, VocstatsError
from vocstats.estimation import Design, mean, replicate, top_box
from vocstats.results import load
from vocstats.schemas import build, schema
from vocstats.sensitivity import design_shift, shift_curve
from vocstats.texts import message
from vocstats.weighting import rake

NAN = float("nan")


def base(seed: int = 1, n: int = 300) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {"y": rng.integers(1, 6, n).astype(float), "group": rng.choice(["电话", "网络", "短信"], n), "w": rng.uniform(0.5, 2, n)}


def promoters(score: np.ndarray) -> np.ndarray:
    return (score >= 4).astype(float)


def passive(score: np.ndarray) -> np.ndarray:
    """Falls and rises along the scale: neither end of a range need be the worst."""
    return (score == 3).astype(float)


def test_without_a_scale_a_mean_moves_by_the_share_of_the_group() -> None:
    x = base()
    r = design_shift(x["y"], x["group"], {"电话": -0.7, "网络": (0.1, 0.4)}, x["w"])
    share = np.array([x["w"][x["group"] == g].sum() for g in r.group["group"]]) / x["w"].sum()
    np.testing.assert_allclose(r.derivative[0], share)
    np.testing.assert_allclose(r.contribution[0], share * r.shift)
    assert r.reported.estimate == pytest.approx(np.average(x["y"], weights=x["w"]))
    assert r.highest.estimate - r.lowest.estimate == pytest.approx(0.3 * share[r.group["group"] == "网络"][0])
    assert r.shifted.estimate - r.reported.estimate == pytest.approx(r.contribution.sum())


def test_whole_points_move_people_and_scores_stop_at_the_ends() -> None:
    x = base()
    r = design_shift(x["y"], x["group"], {"短信": -2}, x["w"], scale=(1, 5))
    moved = np.where(x["group"] == "短信", np.maximum(x["y"] - 2, 1), x["y"])
    expected = mean(moved, x["w"])
    for each in (r.shifted, r.lowest, r.highest):
        assert (each.estimate, each.std_error) == (pytest.approx(float(expected.estimate)), pytest.approx(float(expected.std_error)))


@pytest.mark.parametrize("shift", [-1.6, -0.5, 0.25, 2.0])
def test_one_group_is_the_shift_curve(shift: float) -> None:
    x = base()
    curve = shift_curve(x["y"], x["w"], value_of=promoters, scale=(1, 5))
    r = design_shift(x["y"], np.zeros(300), {0.0: shift}, x["w"], scale=(1, 5), value_of=promoters)
    assert r.shifted.estimate - r.reported.estimate == pytest.approx(curve.at(shift))
    ahead, behind = (design_shift(x["y"], np.zeros(300), {0.0: shift + h}, x["w"], scale=(1, 5), value_of=promoters) for h in (1e-3, -1e-3))
    assert (ahead.shifted.estimate - behind.shifted.estimate) / 2e-3 == pytest.approx(r.derivative[0, 0])


@pytest.mark.parametrize("value_of", [None, promoters, passive])
def test_the_range_is_that_of_the_whole_box(value_of: Any) -> None:
    x = base(2, 60)
    domain = np.random.default_rng(3).choice(["a", "b"], 60)
    box = {"电话": (-1.5, 0.5), "网络": (-0.75, 1.25), "短信": (0.0, 2.0)}
    r = design_shift(x["y"], x["group"], box, x["w"], scale=(1, 5), value_of=value_of, by={"店": domain})
    grids = [np.linspace(low, high, 9) for low, high in box.values()]
    found = []
    for point in product(*grids):
        given = dict(zip(box, map(float, point), strict=True))
        found.append([_mean(x, given, value_of, domain == d) for d in ("a", "b")])
    np.testing.assert_allclose(r.lowest.estimate, np.min(found, axis=0), atol=1e-12)
    np.testing.assert_allclose(r.highest.estimate, np.max(found, axis=0), atol=1e-12)


def _mean(x: dict[str, Any], shifts: dict[str, float], value_of: Any, who: Any) -> float:
    shift = np.array([shifts[g] for g in x["group"]])
    of = value_of or (lambda each: each)
    whole = np.floor(shift)
    value = (1 - shift + whole) * of(np.clip(x["y"] + whole, 1, 5)) + (shift - whole) * of(np.clip(x["y"] + whole + 1, 1, 5))
    return float(np.average(value[who], weights=x["w"][who]))


def test_errors_carry_the_chain_and_the_design() -> None:
    """After raking, with clusters: the standard error of the mean of the moved scores, and of a contribution."""
    x, rng = base(4), np.random.default_rng(5)
    dealer = rng.integers(0, 20, 300)
    raked = rake({"g": x["group"]}, {"g": {"电话": 500, "网络": 300, "短信": 200}}, base_weights=x["w"])
    design = Design(clusters=dealer)
    r = design_shift(x["y"], x["group"], {"电话": (-1, 0)}, raked, scale=(1, 5), design=design)
    low = np.where(x["group"] == "电话", np.maximum(x["y"] - 1, 1), x["y"])
    half = (low + x["y"]) / 2
    for each, y in ((r.lowest, low), (r.highest, x["y"]), (r.shifted, half)):
        expected = mean(y, raked, design=design)
        assert (float(each.estimate), float(each.std_error)) == pytest.approx((float(expected.estimate), float(expected.std_error)))
    part = r.group["group"].tolist().index("电话")
    assert r.contribution_error[0, part] == pytest.approx(float(mean(half - x["y"], raked, design=design).std_error))
    assert r.to_frame()["conf_low"][0] == r.lowest.conf_low and r.to_frame()["conf_high"][0] == r.highest.conf_high
    assert "rake" in r.lowest.variance_accounts_for


def test_replicates_give_their_own_errors() -> None:
    x = base(6, 80)
    linear = design_shift(x["y"], x["group"], {"电话": (-1, 0)}, x["w"])
    jackknife = design_shift(x["y"], x["group"], {"电话": (-1, 0)}, replicate(x["w"], method="jackknife"))
    assert float(jackknife.lowest.std_error) == pytest.approx(float(linear.lowest.std_error), rel=0.05)
    np.testing.assert_allclose(jackknife.contribution_error, linear.contribution_error, rtol=0.05)


def test_box_statistics_agree_with_top_box() -> None:
    x = base()
    r = design_shift(x["y"], x["group"], {"电话": 0}, x["w"], value_of=promoters, scale=(1, 5))
    expected = top_box(x["y"], x["w"], scale=(1, 5), boxes=2)
    assert (float(r.reported.estimate), float(r.reported.std_error)) == pytest.approx((float(expected.estimate), float(expected.std_error)))


def test_the_silent_need_neither_score_nor_group_and_counts_repeat() -> None:
    y, group, counts = [5, 3, NAN, 4, 2], np.array(["t", "w", None, "t", "w"], object), [2, 1, 3, 1, 2]
    r = design_shift(y, group, {"t": (-1, 0)}, [1, 1, 0, 1, 1], counts=counts)
    rows = np.repeat(np.arange(5), counts)
    again = design_shift(np.array(y)[rows], group[rows], {"t": (-1, 0)}, np.array([1.0, 1, 0, 1, 1])[rows])
    assert r.tidy().drop(columns="term").to_numpy() == pytest.approx(again.tidy().drop(columns="term").to_numpy())
    assert r.group["group"].tolist() == ["t", "w"]


def test_a_group_absent_from_a_domain_contributes_nothing_there() -> None:
    r = design_shift([5, 4, 3, 2], ["t", "t", "w", "w"], {"t": -1}, by=["a", "a", "b", "b"])
    np.testing.assert_allclose(r.contribution, [[-1, 0], [0, 0]])
    np.testing.assert_allclose(r.derivative, [[1, 0], [0, 1]])
    assert r.by_group().columns.tolist() == ["by", "group", "shift_low", "shift", "shift_high", "derivative", "contribution", "std_error"]


def test_result_reads_back() -> None:
    x = base()
    r = design_shift(x["y"], x["group"], {"电话": (-1, 0)}, x["w"], by=np.arange(300) % 3)
    back = load(r.to_json())
    np.testing.assert_array_equal(back.lowest.std_error, r.lowest.std_error)
    np.testing.assert_array_equal(back.contribution, r.contribution)
    assert build("design_shift") == schema("design_shift") and "电话" in r.summary()
    assert r.tidy()["term"].value_counts().tolist() == [3, 3, 3, 3]


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"shifts": {"fax": -1}}, "'fax', of which there are no answers; there are 't', 'w'"),
    "empty": ({"shifts": {}}, "must name groups"),
    "no mapping": ({"shifts": -1.0}, "must name groups"),
    "falls": ({"shifts": {"t": (0, -1)}}, "does not fall"),
    "three": ({"shifts": {"t": (0, 1, 2)}}, "does not fall"),
    "one": ({"shifts": {"t": (1,)}}, "does not fall"),
    "none": ({"shifts": {"t": ()}}, "does not fall"),
    "infinite": ({"shifts": {"t": float("inf")}}, "shifts"),
    "missing shift": ({"shifts": {"t": NAN}}, "shifts"),
    "text shift": ({"shifts": {"t": "-1"}}, "number"),
    "scale": ({"scale": (5, 1)}, "scale must rise"),
    "outside": ({"scale": (1, 4)}, "y leaves its scale"),
    "missing score": ({"y": [5, NAN, 4, 2]}, "missing values where the weight is not 0"),
    "strings": ({"y": list("5342")}, "numbers"),
    "missing group": ({"group": ["t", "w", None, "w"]}, "missing labels"),
    "length": ({"group": ["t", "w"]}, "group has 2 entries"),
    "nobody": ({"w": [0, 0, 0, 0]}, "no answers"),
    "negative": ({"w": [1, -1, 1, 1]}, "negative"),
    "statistic": ({"value_of": lambda y: float(y.mean())}, "value_of returned"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals(name: str) -> None:
    options, text = BAD[name]
    with pytest.raises(InputError, match=text) as caught:
        design_shift(**{"y": [5, 3, 4, 2], "group": ["t", "w", "t", "w"], "shifts": {"t": (-1, 0)}, **options})
    assert isinstance(caught.value, VocstatsError) and message(caught.value, "zh")
