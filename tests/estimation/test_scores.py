"""Net promoter score and boxes: by hand, against the workflow's measures, on the edges of the scale."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from vocstats.errors import InputError
from vocstats.estimation import Design, bottom_box, mean, net_promoter_score, proportion, replicate, top_box
from vocstats.texts import message
from vocstats.workflows.statistic import measure


def test_promoters_less_detractors() -> None:
    y, w = np.array([10, 9, 8, 7, 6, 0.0, np.nan]), np.array([1, 2, 1, 1, 3, 1, 0.0])
    e = net_promoter_score(y, w)
    assert e.estimate == pytest.approx(100 * (3 - 4) / 9) and e.n == 6
    points = np.array([100, 100, 0, 0, -100, -100.0, 0])
    assert e.std_error == pytest.approx(float(mean(points, w).std_error))
    assert e.statistic == "net_promoter_score" and e.tidy()["term"].tolist() == ["net_promoter_score"]


@pytest.mark.parametrize(("low", "high"), [(0, 10), (1, 10), (1, 5)])
def test_the_workflow_measures_the_same(low: int, high: int) -> None:
    rng = np.random.default_rng(0)
    y, w, by = rng.integers(low, high + 1, 300) * 1.0, rng.uniform(1, 3, 300), rng.integers(0, 3, 300)
    scale = (low, high)
    promoters = {"promoters": 5, "detractors": 3} if high == 5 else {}
    nps, top, bottom = (mean(measure(name, scale=scale).values(y), w, by=by) for name in ("nps", "top_box", "bottom_box"))
    np.testing.assert_allclose(net_promoter_score(y, w, by=by, scale=scale, **promoters).estimate, 100 * nps.estimate)
    np.testing.assert_allclose(net_promoter_score(y, w, by=by, scale=scale, **promoters).std_error, 100 * nps.std_error)
    for box, other in ((top_box, top), (bottom_box, bottom)):
        e = box(y, w, by=by, scale=scale)
        np.testing.assert_allclose(e.estimate, other.estimate)
        np.testing.assert_allclose(e.std_error, other.std_error)


def test_boxes_are_proportions() -> None:
    rng = np.random.default_rng(1)
    y, w, cluster = rng.integers(1, 11, 200), rng.uniform(1, 3, 200), rng.integers(0, 20, 200)
    options: dict[str, Any] = {"design": Design(clusters=cluster), "interval": "wilson", "by": y % 3}
    one, two = top_box(y, w, boxes=3, **options), proportion(y >= 8, w, **options)
    np.testing.assert_allclose([one.estimate, one.conf_low, one.conf_high], [two.estimate, two.conf_low, two.conf_high])
    assert bottom_box(y, w, boxes=1).estimate == pytest.approx(float(proportion(y == 1, w).estimate))
    reps = replicate(w, design=options["design"], method="jackknife", centre="mean")
    for statistic in (top_box, bottom_box, net_promoter_score):
        replicated, linear = (statistic(y, x, scale=(0, 10), **d) for x, d in ((reps, {}), (w, {"design": options["design"]})))
        assert replicated.std_error == pytest.approx(linear.std_error, rel=0.03)


def test_everybody_alike() -> None:
    assert net_promoter_score(np.full(20, 10)).conf_high == 100
    assert net_promoter_score(np.full(20, 10)).conf_low == pytest.approx(200 * 0.025 ** (1 / 20) - 100)
    assert net_promoter_score([7.0, 8.0]).estimate == 0 == net_promoter_score([7.0, 8.0]).std_error
    assert top_box(np.full(9, 10)).conf_low == pytest.approx(0.025 ** (1 / 9))
    assert np.isnan(net_promoter_score([9.0]).std_error)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: net_promoter_score([11, 3]), "off_limits"),
        (lambda: top_box([0, 3]), "off_limits"),
        (lambda: net_promoter_score([1, 3], promoters=6), "promoters_overlap"),
        (lambda: net_promoter_score([1, 3], promoters=12), "out_of_bounds"),
        (lambda: top_box([1, 3], boxes=0), "out_of_bounds"),
        (lambda: bottom_box([1, 3], boxes=10), "out_of_bounds"),
        (lambda: bottom_box([1, 3], boxes=1.5), "not_whole"),
        (lambda: top_box([1, 3], scale=(10, 1)), "bad_limits"),
        (lambda: top_box([1, 3], scale="1-10"), "not_numbers"),
        (lambda: top_box(["1", "3"]), "not_numeric"),
        (lambda: top_box([1, 3], interval="exact"), "not_a_choice"),
    ],
)
def test_refusals(call: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.code == code and message(caught.value, "zh")
